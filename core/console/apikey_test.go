package console_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"lumo/core/linkage"
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

// Files are operations like all others: described, and for a key with the right, and only for it.
func TestAPIKeysDownloadFiles(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.Exec(t, `UPDATE channel SET klaviyo_account_id = $2 WHERE merchant_id = $1`, d.AddAccount(t))
	friend := d.AddFriend(t, "Yuki S.", shoptest.LineUser)
	check := d.checked(t, linkage.RunCheck, []linkage.Item{{Result: linkage.WillLink, Profile: "P1", Friend: friend}})
	at := "/merchants/" + d.Merchant.String() + "/channels/" + d.Channel.ID.String()
	_, code := d.call(t, lumo.Owner, "POST", "."+at[strings.Index(at, "/channels"):]+"/qr_codes",
		map[string]any{"name": "Counter", "identify_by": "none"})
	image := at + "/qr_codes/" + code["id"].(string) + "/image"
	secrets := map[string]string{}
	for _, area := range []string{"friends", "linking", "messages"} {
		_, got := d.call(t, lumo.Owner, "POST", "./api_keys", map[string]any{"name": area, "rights": map[string]string{area: "read"}})
		secrets[area] = got["secret"].(string)
	}
	for path, c := range map[string]struct{ area, kind, begins string }{
		at + "/friends.csv?state=following":               {"friends", "text/csv; charset=utf-8", byteOrder + "friend,name"},
		at + "/imports/" + check.String() + "/people.csv": {"linking", "text/csv; charset=utf-8", byteOrder + "n,result"},
		at + "/statistics.csv?by=day":                     {"messages", "text/csv; charset=utf-8", byteOrder + "day,sent"},
		image + "/image.png":                              {"linking", "image/png", "\x89PNG"},
		image + "/image.svg":                              {"linking", "image/svg+xml", "<svg "},
	} {
		for area, secret := range secrets {
			res, text := d.download(t, secret, path)
			kind := res.Header.Get("Content-Type")
			switch {
			case area == c.area && (res.StatusCode != 200 || kind != c.kind || !strings.HasPrefix(text, c.begins)):
				t.Errorf("a key for %s, %s: %d %s %.60s", area, path, res.StatusCode, kind, text)
			case area != c.area && (res.StatusCode != 403 || kind != "application/problem+json"):
				t.Errorf("a key for %s, %s: %d %s", area, path, res.StatusCode, kind)
			}
		}
	}
	for path, field := range map[string]string{image + "/image.gif": "file", at + "/statistics.csv?by=year": "by",
		at + "/friends.csv?state=gone": "state", at + "/friends.csv?from=yesterday": "from"} {
		area := "linking"
		if field == "by" {
			area = "messages"
		} else if field != "file" {
			area = "friends"
		}
		if res, text := d.download(t, secrets[area], path); res.StatusCode != 400 || !strings.Contains(text, `"`+field+`":"`) {
			t.Errorf("%s: %d %s", path, res.StatusCode, text)
		}
	}
}

const byteOrder = "\ufeff" // as spreadsheets need it

func (d *desk) download(t *testing.T, key, path string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.server.URL+"/api/v1"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := d.server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}
