package console_test

import (
	"net/http"
	"strings"
	"testing"

	"lumo/core/lumo"
	"lumo/core/postgres/shoptest"
)

// Figures are of the days that are asked for; days that no figures can be given of are refused
// at the field that needs another one.
func TestStatisticsAreOfTheDaysThatAreAskedFor(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	path := "./channels/" + d.Channel.ID.String() + "/statistics"
	today := d.Clock.Now().UTC()
	ago := func(n int) string { return today.AddDate(0, 0, -n).Format("2006-01-02") }
	for name, c := range map[string]struct {
		query, from, to string
		days            int
	}{
		"none":              {"", ago(29), ago(0), 30},
		"one's own":         {"?from=2026-10-30&to=2026-11-02", "2026-10-30", "2026-11-02", 4},
		"a single day":      {"?from=2026-10-30&to=2026-10-30", "2026-10-30", "2026-10-30", 1},
		"the first alone":   {"?from=" + ago(2), ago(2), ago(0), 3},
		"the last alone":    {"?to=2026-03-01", "2026-01-31", "2026-03-01", 30},
		"the longest range": {"?from=2025-01-01&to=2026-02-04", "2025-01-01", "2026-02-04", 400},
	} {
		res, text, got := d.send(t, lumo.Viewer, http.MethodGet, path+c.query, "", "")
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: got %d %s", name, res.StatusCode, text)
			continue
		}
		days, _ := got["days"].([]any)
		if got["from"] != c.from || got["to"] != c.to || len(days) != c.days {
			t.Errorf("%s: got %v to %v, %d days; want %s to %s, %d", name, got["from"], got["to"], len(days), c.from, c.to, c.days)
		}
	}
	for name, c := range map[string]struct{ query, field, says string }{
		"the wrong way round": {"?from=2026-11-02&to=2026-11-01", "to", "before the first"},
		"a day too long":      {"?from=2025-01-01&to=2026-02-05", "to", "at most 400 days"},
		"begins after today":  {"?from=" + ago(-1), "to", "before the first"},
		"no day":              {"?from=2026-02-30", "from", ""},
	} {
		for _, at := range []string{path + c.query, path + ".csv" + c.query + "&by=day"} {
			res, text, got := d.send(t, lumo.Viewer, http.MethodGet, at, "", "")
			fields, _ := got["fields"].(map[string]any)
			says, _ := fields[c.field].(string)
			if res.StatusCode != http.StatusBadRequest || says == "" || !strings.Contains(says, c.says) {
				t.Errorf("%s: got %d %s", name, res.StatusCode, text)
			}
		}
	}
	res, text, _ := d.send(t, lumo.Viewer, http.MethodGet, path+".csv?by=day&from=2026-10-30&to=2026-11-02", "", "")
	if got := res.Header.Get("Content-Disposition"); !strings.Contains(got, "2026-10-30-2026-11-02") ||
		strings.Count(strings.TrimSpace(text), "\n") != 4 {
		t.Errorf("the file is %s: %s", got, text)
	}
}

// People behind a figure are asked for by ids and fixed words; who they are is a name and an id.
func TestPeopleBehindAFigureAreAskedForByIDs(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	path := "./channels/" + d.Channel.ID.String() + "/statistics/people"
	for i, name := range []string{"Yuki", "Mio"} {
		friend := d.AddFriend(t, name, shoptest.LineUser[:len(shoptest.LineUser)-1]+lumo.LineUserID(rune('0'+i)))
		d.AddDelivery(t, friend, uint64(i+1))
	}
	d.Exec(t, "UPDATE delivery SET accepted_at = created_at WHERE merchant_id = $1")
	_, text, first := d.send(t, lumo.Viewer, http.MethodGet, path+"?of=sent&message=direct&limit=1", "", "")
	next, _ := first["next"].(string)
	if first["total"] != 2.0 || next == "" || !strings.Contains(text, `"count":1`) {
		t.Fatalf("got %s", text)
	}
	_, rest, _ := d.send(t, lumo.Viewer, http.MethodGet, path+"?of=sent&limit=1&cursor="+next, "", "")
	for _, name := range []string{"Yuki", "Mio"} {
		if strings.Count(text+rest, `"name":"`+name+`"`) != 1 {
			t.Errorf("%s: got %s and %s", name, text, rest)
		}
	}
	for name, query := range map[string]string{
		"no figure": "", "another figure": "?of=everybody", "no message": "?of=sent&message=frd_1",
		"no code": "?of=joined&qr_code=x", "no link": "?of=clicked&link=-1", "no day": "?of=sent&from=x", "no place": "?of=sent&cursor=x",
	} {
		if res, text, _ := d.send(t, lumo.Viewer, http.MethodGet, path+query, "", ""); res.StatusCode < 400 || res.StatusCode >= 500 {
			t.Errorf("%s: got %d %s", name, res.StatusCode, text)
		}
	}
	if res, text, _ := d.send(t, "", http.MethodGet, path+"?of=sent", "", ""); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("nobody: got %d %s", res.StatusCode, text)
	}
}

// All LINE accounts of a shop are read at once: added up, of each, and as files that tell whose a row is.
func TestStatisticsOfAllAccounts(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.AddDelivery(t, d.AddFriend(t, "Yuki", shoptest.LineUser), 1)
	d.Exec(t, "UPDATE delivery SET accepted_at = created_at WHERE merchant_id = $1")
	d.AddChannel(t, "=Tea House", "Ubot00000000000000000000000000002")
	_, text, got := d.send(t, lumo.Viewer, http.MethodGet, "./statistics", "", "")
	total, _ := got["total"].(map[string]any)
	accounts, _ := got["accounts"].([]any)
	if len(accounts) != 2 || total["sent"] != 1.0 || !strings.Contains(text, `"name":"Hana Tea","sent":1`) {
		t.Errorf("got %s", text)
	}
	for by, want := range map[string]string{"account": "\nHana Tea,1,", "message": "\nHana Tea,,,1,", "day": "\n" +
		d.Clock.Now().UTC().Format("2006-01-02") + ",1,"} {
		res, text, _ := d.send(t, lumo.Viewer, http.MethodGet, "./statistics.csv?by="+by, "", "")
		if res.StatusCode != http.StatusOK || !strings.Contains(strings.ReplaceAll(text, "\r", ""), want) {
			t.Errorf("%s: got %d %s", by, res.StatusCode, text)
		}
		if by == "account" && !strings.Contains(text, "'=Tea House") {
			t.Errorf("a name that is a formula: got %s", text)
		}
	}
	if res, text, _ := d.send(t, "", http.MethodGet, "./statistics", "", ""); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("nobody: got %d %s", res.StatusCode, text)
	}
}
