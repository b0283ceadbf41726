package console_test

import (
	"context"
	"encoding/csv"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lumo/core/linkage"
	"lumo/core/lumo"
	linkagestore "lumo/core/postgres/linkage"
	runstore "lumo/core/postgres/run"
	"lumo/core/postgres/shoptest"
	"lumo/core/run"
	"lumo/shared/fault"
)

// nothing plays Klaviyo and LINE where nobody asks them.
type nothing struct{}

func (nothing) Segments(context.Context, lumo.MerchantID, lumo.AccountID) ([]linkage.Segment, error) {
	return []linkage.Segment{{ID: "Old1", Name: "Old tool"}}, nil
}

func (nothing) SegmentSize(context.Context, lumo.MerchantID, lumo.AccountID, string) (int64, error) {
	return 0, nil
}

func (nothing) SegmentMembers(context.Context, lumo.MerchantID, lumo.AccountID, string, string, int) (
	linkage.MemberPage, error) {
	return linkage.MemberPage{}, nil
}

// FindProfiles knows one customer.
func (nothing) FindProfiles(_ context.Context, _ lumo.MerchantID, _ lumo.AccountID, _ string, asked []string) (
	[]lumo.Profile, time.Duration, error) {
	if !slices.Contains(asked, "P1") {
		return nil, 0, nil
	}
	return []lumo.Profile{{ID: "P1", FirstName: "Mio", LastName: "Tanaka"}}, 0, nil
}

func (nothing) Reachable(context.Context, lumo.MerchantID, lumo.ChannelID, []lumo.LineUserID) ([]bool, error) {
	return nil, fault.New(fault.Unavailable, "fake", "")
}

func (quiet) RunChanged(context.Context, run.Run)                               {}
func (quiet) LinksMade(context.Context, lumo.MerchantID, []lumo.FriendID) error { return nil }
func (d *desk) imports() string                                                 { return d.channel() + "/imports" }
func (d *desk) channel() string                                                 { return "./channels/" + d.Channel.ID.String() }
func (d *desk) items() *linkagestore.Store                                      { return linkagestore.New(d.Vault) }

// checked is a check that has ended, with what it found.
func (d *desk) checked(t *testing.T, kind string, items []linkage.Item) lumo.RunID {
	t.Helper()
	r := run.Run{ID: lumo.RunID(d.ID()), Merchant: d.Merchant, Channel: d.Channel.ID, Kind: kind, State: run.Done,
		Params: map[string]string{"segment": "Old1", "property": "LINE ID"}, Counts: map[string]int64{}, CreatedAt: d.Clock.Now(),
		StartedAt: d.Clock.Now(), EndedAt: d.Clock.Now()}
	for n := range items {
		items[n].N = int64(n + 1)
		r.Counts[string(items[n].Result)]++
	}
	r.Done = int64(len(items))
	d.In(t, func(ctx context.Context) error {
		err := runstore.Store{}.Add(ctx, r)
		if err == nil {
			err = runstore.Store{}.Update(ctx, r)
		}
		if err == nil {
			err = d.items().AddItems(ctx, d.Merchant, r.ID, items)
		}
		return err
	})
	return r.ID
}

func TestEachRoleMayDoItsPartOfAnImport(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.Exec(t, `UPDATE channel SET klaviyo_account_id = $2 WHERE merchant_id = $1`, d.AddAccount(t))
	friend := d.AddFriend(t, "Yuki", shoptest.LineUser)
	fitting := func() []linkage.Item {
		return []linkage.Item{{Result: linkage.WillLink, Profile: "P1", Friend: friend}, {Result: linkage.NotKnown, Profile: "P2",
			User: "Ucafe0000000000000000000000000099"}}
	}
	const see, work, manage = "see", "work", "manage" // what an operation is
	may := map[lumo.Role]map[string]bool{"": {}, lumo.Viewer: {see: true}, lumo.Marketer: {see: true, work: true},
		lumo.Admin: {see: true, work: true, manage: true}, lumo.Owner: {see: true, work: true, manage: true}}
	for role, rights := range may {
		one := d.imports() + "/" + d.checked(t, linkage.RunCheck, fitting()).String()
		asked := d.imports() + "/" + d.checked(t, linkage.RunCheck, fitting()).String()
		auto := d.imports() + "/" + d.checked(t, linkage.RunAutoCheck, fitting()).String()
		turn := d.channel() + "/automatic/checks/" + auto[strings.LastIndex(auto, "/")+1:] + "/turn_on"
		for _, c := range []struct{ right, method, path, body string }{
			{see, "GET", d.imports(), ""},
			{see, "GET", d.imports() + "/segments", ""},
			{see, "GET", d.imports() + "/segments/Old1/properties", ""},
			{see, "GET", one, ""},
			{see, "GET", one + "/people", ""},
			{see, "GET", one + "/people.csv", ""},
			{see, "POST", d.channel() + "/customers/names", `{"profiles":["P1"]}`},
			{see, "GET", d.channel() + "/automatic", ""},
			{see, "GET", d.channel() + "/automatic/checks", ""},
			{work, "POST", d.imports(), `{"segment":"Old1","property":"LINE ID"}`},
			{work, "POST", asked + "/probe", `{}`},
			{work, "POST", one + "/link", `{}`},
			{work, "POST", one + "/undo", `{}`},
			{manage, "POST", auto + "/link", `{}`},
			{manage, "POST", auto + "/undo", `{}`},
			{manage, "PUT", d.channel() + "/automatic", `{"email":false,"phone":false,"ask_email":false}`},
			{manage, "POST", d.channel() + "/automatic/check", `{"email":true,"phone":false}`},
			{manage, "POST", turn, `{}`},
		} {
			res, text, _ := d.send(t, role, c.method, c.path, "application/json", c.body)
			refused := res.StatusCode == http.StatusForbidden || res.StatusCode == http.StatusUnauthorized
			if refused == rights[c.right] {
				t.Errorf("%q %s %s: %d %s", role, c.method, c.path, res.StatusCode, text)
			}
			if role == "" && res.StatusCode != http.StatusUnauthorized {
				t.Errorf("nobody %s %s: %d", c.method, c.path, res.StatusCode)
			}
			if c.right == see && rights[see] && res.StatusCode != http.StatusOK {
				t.Errorf("%q %s %s: %d %s", role, c.method, c.path, res.StatusCode, text)
			}
		}
	}
	started := shoptest.Get[int](t, d.Shop, "SELECT count(*) FROM run WHERE merchant_id = $1 AND kind = 'import'")
	if started != 2+3 { // of two checks of automatic linking and three of ids: who may
		t.Errorf("%d imports began, want those of who may", started)
	}
}

// Customers are named as Klaviyo does; who has no name there is left out, and nobody is named on
// an account without Klaviyo.
func TestCustomersAreNamedAsInKlaviyo(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ask := func(body, want string) {
		t.Helper()
		res, text, _ := d.send(t, lumo.Viewer, http.MethodPost, d.channel()+"/customers/names", "application/json", body)
		if res.StatusCode != http.StatusOK || strings.TrimSpace(text) != want {
			t.Errorf("%s: got %d %s, want %s", body, res.StatusCode, text, want)
		}
	}
	ask(`{"profiles":["P1"]}`, `{"items":[]}`)
	d.Exec(t, `UPDATE channel SET klaviyo_account_id = $2 WHERE merchant_id = $1`, d.AddAccount(t))
	ask(`{"profiles":["P2","P1"]}`, `{"items":[{"profile_id":"P1","name":"Mio Tanaka"}]}`)
	ask(`{"profiles":["P2"]}`, `{"items":[]}`)
	if res, text, _ := d.send(t, lumo.Viewer, http.MethodPost, d.channel()+"/customers/names", "application/json",
		`{"profiles":[]}`); res.StatusCode != http.StatusBadRequest {
		t.Errorf("nobody: got %d %s", res.StatusCode, text)
	}
}

func TestAnImportsCSVIsWholeAndHarmless(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	names := []string{`=HYPERLINK("http://x")`, "+81", "-1", "@SUM(A1)", "\tTab", "＝全角", "＠全角", "山田 花子 🍵",
		"quote \" comma , line\nbreak", "สมชาย"}
	shown := []string{`'=HYPERLINK("http://x")`, "'+81", "'-1", "'@SUM(A1)", "'\tTab", "'＝全角", "'＠全角", "山田 花子 🍵",
		"quote \" comma , line\nbreak", "สมชาย"}
	var items []linkage.Item
	var want [][]string
	for n, name := range names {
		friend := d.AddFriend(t, name, lumo.LineUserID("Ucafe000000000000000000000000001"+strconv.Itoa(n)))
		items = append(items, linkage.Item{Result: linkage.WillLink, Profile: "-P1", Friend: friend, Claim: linkage.ClaimEmail})
		want = append(want, []string{strconv.Itoa(n + 1), "will_link", "'-P1", friend.String(), shown[n], "email"})
	}
	const stranger, strangers = "Ucafe0000000000000000000000000099", 2345 // more than two pages
	for n := range strangers {
		items = append(items, linkage.Item{Result: linkage.NotKnown, Profile: "P2", User: stranger})
		want = append(want, []string{strconv.Itoa(len(names) + n + 1), "unknown", "P2", "", "", ""})
	}
	one := d.imports() + "/" + d.checked(t, linkage.RunCheck, items).String() + "/people.csv"
	head := []string{"n", "result", "klaviyo_profile", "friend", "name", "matched_by"}
	for query, lines := range map[string][][]string{"": want, "?result=will_link": want[:len(names)], "?result=already": nil} {
		res, text, _ := d.send(t, lumo.Viewer, "GET", one+query, "", "")
		if res.Header.Get("Content-Type") != "text/csv; charset=utf-8" || res.Header.Get("Cache-Control") != "no-store" ||
			res.Header.Get("Content-Disposition") != `attachment; filename="import.csv"` {
			t.Errorf("%q: headers %v", query, res.Header)
		}
		rest, marked := strings.CutPrefix(text, "\ufeff")
		got, err := csv.NewReader(strings.NewReader(rest)).ReadAll()
		if err != nil || !marked {
			t.Fatalf("%q: marked as UTF-8: %v; %v", query, marked, err)
		}
		if diff := cmp.Diff(append([][]string{head}, lines...), got); diff != "" {
			t.Errorf("%q (-want +got):\n%.2000s", query, diff)
		}
		if strings.Contains(text, stranger) || strings.Contains(text, "Ucafe") {
			t.Errorf("%q: the file holds a LINE user id", query)
		}
	}
	if res, _, _ := d.send(t, lumo.Viewer, "GET", d.imports()+"/"+lumo.RunID(d.ID()).String()+"/people.csv", "", ""); res.StatusCode != 404 {
		t.Errorf("an import that is not there: %d", res.StatusCode)
	}
}
