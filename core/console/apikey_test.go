package console_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"lumo/core/lumo"
	"lumo/core/postgres/shoptest"
)

// withKey asks the API as a program would.
func (d *desk) withKey(t *testing.T, key, method, path, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, d.server.URL+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	res, err := d.server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var got map[string]any
	_ = json.NewDecoder(res.Body).Decode(&got)
	return res.StatusCode, got
}

func TestAPIKeysReachWhatTheyMayAndNothingElse(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.AddFriend(t, "Yuki S.", shoptest.LineUser)
	if status, _ := d.call(t, lumo.Marketer, "POST", "./api_keys", map[string]any{"name": "x", "rights": map[string]string{"friends": "read"}}); status != 403 {
		t.Errorf("a marketer's key: %d", status)
	}
	make := func(body map[string]any) (key, id string) {
		t.Helper()
		status, got := d.call(t, lumo.Owner, "POST", "./api_keys", body)
		if status != 200 {
			t.Fatalf("make a key: %d %v", status, got)
		}
		return got["secret"].(string), got["id"].(string)
	}
	shop := "/merchants/" + d.Merchant.String()
	friends := shop + "/channels/" + d.Channel.ID.String() + "/friends"
	tags := shop + "/channels/" + d.Channel.ID.String() + "/tags"
	reader, readerID := make(map[string]any{"name": "Reports", "rights": map[string]string{"friends": "read"}})
	writer, _ := make(map[string]any{"name": "Sync", "rights": map[string]string{"friends": "write"},
		"channels": []string{d.Channel.ID.String()}})
	elsewhere, _ := make(map[string]any{"name": "Other", "rights": map[string]string{"friends": "write"},
		"channels": []string{lumo.ChannelID(d.ID()).String()}})
	short, _ := make(map[string]any{"name": "Short", "rights": map[string]string{"friends": "read"},
		"expires_at": d.Clock.Now().Add(time.Hour)})
	for name, c := range map[string]struct {
		key, method, path, body string
		want                    int
	}{
		"reads":                 {reader, "GET", friends, "", 200},
		"does not write":        {reader, "POST", tags, `{"name":"VIP"}`, 403},
		"writes":                {writer, "POST", tags, `{"name":"VIP"}`, 200},
		"another area":          {writer, "GET", shop + "/channels/" + d.Channel.ID.String() + "/qr_codes", "", 403},
		"another account":       {elsewhere, "GET", friends, "", 403},
		"another shop":          {reader, "GET", "/merchants/" + lumo.MerchantID(d.ID()).String() + "/channels/" + d.Channel.ID.String() + "/friends", "", 404},
		"makes no keys":         {writer, "POST", shop + "/api_keys", `{"name":"x","rights":{"friends":"read"}}`, 403},
		"nobody's":              {"lak_" + strings.Repeat("A", 43), "GET", friends, "", 401},
		"of another form":       {"lak_short", "GET", friends, "", 401},
		"not yet expired":       {short, "GET", friends, "", 200},
		"no session comes with": {reader, "GET", "/me", "", 403},
	} {
		if status, got := d.withKey(t, c.key, c.method, c.path, c.body); status != c.want {
			t.Errorf("%s: %d %v, want %d", name, status, got, c.want)
		}
	}
	d.Clock.Advance(2 * time.Hour)
	if status, _ := d.withKey(t, short, "GET", friends, ""); status != 401 {
		t.Errorf("expired: %d", status)
	}
	if status, _ := d.call(t, lumo.Owner, "POST", "./api_keys/"+readerID+"/revoke", nil); status != 200 {
		t.Fatalf("revoke: %d", status)
	}
	if status, _ := d.withKey(t, reader, "GET", friends, ""); status != 401 {
		t.Errorf("revoked: %d", status)
	}
	_, list := d.call(t, lumo.Owner, "GET", "./api_keys", nil)
	text, _ := json.Marshal(list)
	if strings.Contains(string(text), reader) || !strings.Contains(string(text), "last_used_at") {
		t.Errorf("the list: %s", text)
	}
}
