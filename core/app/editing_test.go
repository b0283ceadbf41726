package app_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"lumo/shared/id"
)

func TestPagesHearWhereAMessageIsOpen(t *testing.T) {
	t.Parallel()
	c, channel, _ := startWithLINE(t)
	messages := c.merchant + "/channels/" + channel + "/messages"
	_, body := c.must(http.MethodPost, messages, `{"name":"Cart","draft":{"blocks":[]}}`)
	var made struct{ ID string }
	if err := json.Unmarshal(body, &made); err != nil {
		t.Fatal(err)
	}
	ws := "ws" + strings.TrimPrefix(c.url+c.merchant, "http") + "/live"
	page, _, err := websocket.DefaultDialer.DialContext(t.Context(), ws, http.Header{"Origin": {c.url}, "Cookie": {c.cookie}})
	if err != nil {
		t.Fatal(err)
	}
	defer page.Close()
	next := func() (m struct {
		Kind, ID string
		Data     struct {
			Page, Member, Name string
			Open, Asks         bool
		}
	}) {
		for m.Kind != "editing" {
			if err := page.ReadJSON(&m); err != nil {
				t.Fatal(err)
			}
		}
		return m
	}
	at := messages + "/" + made.ID + "/editors/0f0a-first-tab"
	for _, open := range []bool{true, false} {
		text, _ := json.Marshal(map[string]bool{"open": open, "asks": open})
		c.must(http.MethodPut, at, string(text))
		m := next()
		if d := m.Data; m.ID != made.ID || d.Page != "0f0a-first-tab" || d.Open != open || d.Asks != open || d.Name == "" || !strings.HasPrefix(d.Member, "mem_") {
			t.Errorf("got %+v", m)
		}
	}
	for path, want := range map[string]int{
		messages + "/" + id.ID{1}.With(id.Message) + "/editors/0f0a-first-tab": http.StatusNotFound,
		messages + "/" + made.ID + "/editors/%3Cb%3E":                          http.StatusBadRequest,
	} {
		res, err := c.call(http.MethodPut, path, `{"open":true}`)
		if err != nil {
			t.Fatal(err)
		}
		if res.Body.Close(); res.StatusCode != want {
			t.Errorf("%s: got %d", path, res.StatusCode)
		}
	}
}
