package console_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"lumo/core/lumo"
	"lumo/core/postgres/shoptest"
)

// ask sends JSON with one more header.
func (d *desk) ask(t *testing.T, role lumo.Role, method, path, name, value, body string) (
	*http.Response, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method,
		d.server.URL+"/api/v1/merchants/"+d.Merchant.String()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(name, value)
	res, err := d.client(role).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatalf("%s %v", text, err)
	}
	return res, out
}

func TestRepeatedRequestIsDoneOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	path := "/channels/" + d.Channel.ID.String() + "/qr_codes"
	const one, other = `{"name":"A","identify_by":"none"}`, `{"name":"B","identify_by":"none"}`
	post := func(role lumo.Role, key, body string) (int, string) {
		res, got := d.ask(t, role, "POST", path, "Idempotency-Key", key, body)
		made, _ := got["id"].(string)
		return res.StatusCode, made
	}
	codes := func() int {
		return shoptest.Get[int](t, d.Shop, "SELECT count(*) FROM qr_code WHERE merchant_id = $1")
	}
	status, first := post(lumo.Owner, "k1", one)
	if again, same := post(lumo.Owner, "k1", one); status != 200 || again != 200 || first != same || codes() != 1 {
		t.Errorf("same key, same body: got %d %s, then %d %s", status, first, again, same)
	}
	if status, _ := post(lumo.Owner, "k1", other); status != http.StatusConflict || codes() != 1 {
		t.Errorf("same key, other body: got %d", status)
	}
	if status, made := post(lumo.Marketer, "k1", one); status != 200 || made == first || codes() != 2 {
		t.Errorf("another member's key: got %d %s", status, made)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if status, _ := post(lumo.Owner, "k2", other); status != 200 && status != http.StatusConflict {
				t.Errorf("at once: got %d", status)
			}
		})
	}
	group.Wait()
	if codes() != 3 {
		t.Errorf("eight at once made %d codes", codes()-2)
	}
	if status, _ := post(lumo.Owner, "k3", `{"identify_by":"x"}`); status != 400 {
		t.Errorf("bad input: got %d", status)
	}
	if status, _ := post(lumo.Owner, "k3", one); status != 200 {
		t.Errorf("corrected under the same key: got %d", status)
	}
	if status, _ := post(lumo.Owner, strings.Repeat("k", 300), one); status != 400 {
		t.Errorf("an endless key: got %d", status)
	}
	d.Clock.Advance(25 * time.Hour)
	if status, made := post(lumo.Owner, "k1", other); status != 200 || made == first {
		t.Errorf("a day later: got %d %s", status, made)
	}
}

func TestEditOfWhatChangedIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	res, _ := d.ask(t, lumo.Viewer, "GET", "", "Accept", "application/json", "")
	read := res.Header.Get("ETag")
	if len(read) < 10 {
		t.Fatalf("got ETag %q", read)
	}
	edit := func(match, name string) (*http.Response, map[string]any) {
		return d.ask(t, lumo.Owner, "PATCH", "", "If-Match", match, `{"name":"`+name+`"}`)
	}
	if res, _ = d.ask(t, lumo.Owner, "GET", "", "Accept", "application/json", ""); res.Header.Get("ETag") == read {
		t.Error("roles see different merchants: their ETags differ")
	}
	read = res.Header.Get("ETag")
	res, got := edit(read, "One")
	if res.StatusCode != 200 || res.Header.Get("ETag") == read {
		t.Errorf("first: got %d %v", res.StatusCode, got)
	}
	if res, got := edit(read, "Two"); res.StatusCode != http.StatusPreconditionFailed || got["kind"] != "stale" {
		t.Errorf("second: got %d %v", res.StatusCode, got)
	}
	for _, match := range []string{`"x", ` + res.Header.Get("ETag"), "*", ""} {
		if res, got := edit(match, "One"); res.StatusCode != 200 || got["name"] != "One" {
			t.Errorf("If-Match %s: got %d %v", match, res.StatusCode, got)
		}
	}
}
