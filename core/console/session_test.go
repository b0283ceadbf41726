package console_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"testing"

	"lumo/core/lumo"
	accountstore "lumo/core/postgres/account"
	"lumo/core/postgres/shoptest"
)

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

// elsewhere signs the owner in once more, in another browser; asks tells what that browser gets.
func (d *desk) elsewhere(t *testing.T) (asks func() int, cookie string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := *d.server.Client()
	client.Jar = jar
	do := func(method, path string, body any) *http.Response {
		text, _ := json.Marshal(body)
		req, err := http.NewRequestWithContext(t.Context(), method, d.server.URL+"/api/v1"+path, bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("User-Agent", firefox)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res
	}
	res := do("POST", "/sign_in", map[string]string{"email": "owner@hanatea.example", "password": deskPassword})
	if res.StatusCode != 200 {
		t.Fatalf("sign-in: %d", res.StatusCode)
	}
	return func() int { return do("GET", "/me", nil).StatusCode }, res.Cookies()[0].Value
}

func (d *desk) sessions(t *testing.T, role lumo.Role) (all []map[string]any) {
	t.Helper()
	status, got := d.call(t, role, "GET", "/me/sessions", nil)
	if status != 200 {
		t.Fatalf("list: %d %v", status, got)
	}
	for _, one := range got["items"].([]any) {
		all = append(all, one.(map[string]any))
	}
	return all
}

func TestPersonSeesAndEndsHerSessions(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	asks, _ := d.elsewhere(t)
	var other string
	all := d.sessions(t, lumo.Owner)
	for _, s := range all {
		if s["current"] == false {
			other = s["id"].(string)
			if s["device"] != "Firefox · Linux" {
				t.Errorf("the other browser is %q", s["device"])
			}
		}
	}
	if len(all) != 2 || other == "" {
		t.Fatalf("got %v", all)
	}
	if status, _ := d.call(t, lumo.Marketer, "POST", "/me/sessions/"+other+"/end", nil); status != 404 || asks() != 200 {
		t.Errorf("somebody else ended it: %d", status)
	}
	if status, got := d.call(t, lumo.Owner, "POST", "/me/sessions/"+other+"/end", nil); status != 200 || len(got["items"].([]any)) != 1 {
		t.Errorf("end: %d %v", status, got)
	}
	if got := asks(); got != 401 {
		t.Errorf("the ended session still gets %d", got)
	}
	if status, _ := d.call(t, lumo.Owner, "POST", "/me/sessions/"+other+"/end", nil); status != 404 {
		t.Errorf("ended twice: %d", status)
	}
	if n := shoptest.Get[int](t, d.Shop, "SELECT count(*)::int FROM audit WHERE merchant_id = $1 AND action = 'session.end'"); n != 1 {
		t.Errorf("the audit log got %d lines", n)
	}
}

func TestSigningOutElsewhereKeepsThisSession(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	first, _ := d.elsewhere(t)
	second, _ := d.elsewhere(t)
	status, got := d.call(t, lumo.Owner, "POST", "/me/sessions/end_others", nil)
	if status != 200 || len(got["items"].([]any)) != 1 {
		t.Errorf("end others: %d %v", status, got)
	}
	if a, b := first(), second(); a != 401 || b != 401 {
		t.Errorf("the others get %d and %d", a, b)
	}
	if status, _ := d.call(t, lumo.Owner, "GET", "/me", nil); status != 200 {
		t.Errorf("this one gets %d", status)
	}
	if len(d.sessions(t, lumo.Marketer)) != 1 {
		t.Error("a colleague was signed out")
	}
}

func TestEndedSessionIsNotBroughtBackByARequestUnderWay(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.elsewhere(t)
	store := accountstore.NewSessions(d.DB)
	ctx := t.Context()
	hash := shoptest.Get[string](t, d.Shop, `
SELECT token_hash FROM session WHERE $1::uuid IS NOT NULL AND device = 'Firefox · Linux'`)
	data, found, err := store.FindCtx(ctx, hash)
	if err != nil || !found {
		t.Fatalf("%v, %v", found, err)
	}
	if err := store.DeleteCtx(ctx, hash); err != nil {
		t.Fatal(err)
	}
	if err := store.CommitCtx(ctx, hash, data, d.Clock.Now().AddDate(1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	if _, found, err := store.FindCtx(ctx, hash); found || err != nil {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestCountryBringsCurrencyAndZoneWhichMayBeOthers(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if status, got := d.call(t, lumo.Viewer, "GET", "/countries", nil); status != 200 || len(got["items"].([]any)) < 5 {
		t.Errorf("countries: %d %v", status, got)
	}
	set := func(body map[string]string) (int, map[string]any) { return d.call(t, lumo.Owner, "PATCH", ".", body) }
	if status, got := set(map[string]string{"country": "TH"}); status != 200 || got["currency"] != "THB" || got["time_zone"] != "Asia/Bangkok" {
		t.Errorf("country: %d %v", status, got)
	}
	if status, got := set(map[string]string{"country": "TH", "currency": "USD", "time_zone": "Asia/Tokyo"}); status != 200 ||
		got["currency"] != "USD" || got["time_zone"] != "Asia/Tokyo" {
		t.Errorf("others: %d %v", status, got)
	}
	for field, bad := range map[string]string{"country": "XX", "currency": "yen", "time_zone": "Mars/Crater", "language": "fr"} {
		status, got := set(map[string]string{field: bad})
		if fields, _ := got["fields"].(map[string]any); status != 400 || fields[field] == nil {
			t.Errorf("%s %s: %d %v", field, bad, status, got)
		}
	}
}
