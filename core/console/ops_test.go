package console_test

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/google/go-cmp/cmp"

	"lumo/core/account"
	"lumo/core/channel"
	"lumo/core/console"
	"lumo/core/delivery"
	"lumo/core/fleet"
	"lumo/core/lumo"
	accountstore "lumo/core/postgres/account"
	channelstore "lumo/core/postgres/channel"
	deliverystore "lumo/core/postgres/delivery"
	fleetstore "lumo/core/postgres/fleet"
	"lumo/core/postgres/shoptest"
	"lumo/shared/bundle"
	"lumo/shared/edgeapi"
	"lumo/shared/id"
)

// room is where operators work, beside a shop with its owner.
type room struct {
	*desk
	fleet    *fleet.Service
	accounts *account.Service
	told     int // how often all pages were told of sending
}

func (r *room) EdgesChanged(context.Context, lumo.MerchantID, fleet.Status)                {}
func (r *room) AllSendingChanged(context.Context)                                          { r.told++ }
func (r *room) SendingChanged(context.Context, lumo.MerchantID, lumo.ChannelID)            {}
func (r *room) BroadcastMoved(context.Context, lumo.MerchantID, lumo.ChannelID)            {}
func (r *room) DeliveryChanged(context.Context, delivery.Delivery, delivery.State, string) {}

func signer() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) }

func newRoom(t *testing.T) *room {
	t.Helper()
	r := &room{desk: &desk{Shop: shoptest.New(t), clients: map[lumo.Role]*http.Client{}}}
	log, store := slog.New(slog.DiscardHandler), accountstore.New(r.Vault)
	hasher, err := account.NewHasher(&argon2id.Params{Memory: 1024, Iterations: 1, Parallelism: 1, SaltLength: 8, KeyLength: 16})
	if err != nil {
		t.Fatal(err)
	}
	r.accounts = account.New(account.Config{Units: r.DB, Store: store, Members: store, Tries: store, Audit: store, Keys: store,
		Hasher: hasher, NewID: r.ID, Now: r.Clock.Now})
	keys, err := fleet.LoadKeys(t.Context(), r.DB, fleetstore.New(r.Vault))
	if err != nil {
		t.Fatal(err)
	}
	r.fleet, err = fleet.New(fleet.Config{Tenants: r.DB, Store: fleetstore.New(r.Vault),
		Values: fleetstore.NewValues(r.Vault, log, r.Clock.Now), Keys: keys, Bell: fleetstore.NewBell(r.DB), Watcher: r,
		ModuleKey: signer().Public().(ed25519.PublicKey), NewID: r.ID, Now: r.Clock.Now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	deliveries, err := deliverystore.New(r.DB, r.Vault)
	if err != nil {
		t.Fatal(err)
	}
	cs := channelstore.New(r.Vault)
	sender := delivery.New(delivery.Config{Units: r.DB, Store: deliveries, Settings: deliveries, Journal: r.fleet, Watcher: r,
		Channels: channel.NewDirectory(r.DB, r.DB, cs, cs), Now: r.Clock.Now, Log: log})
	a := console.New(console.Config{Accounts: r.accounts, Sessions: accountstore.NewSessions(r.DB),
		Repeats: accountstore.NewRepeats(r.DB, r.Vault), Log: log, Now: r.Clock.Now})
	console.RegisterOps(a, console.OpsParts{Fleet: r.fleet, Sending: sender, Operators: r.accounts,
		Shops: r.accounts, Now: r.Clock.Now})
	console.RegisterSending(a, sender)
	r.server = httptest.NewTLSServer(a.Handler())
	t.Cleanup(r.server.Close)
	r.desk.signIn(t, r.accounts, lumo.Owner)
	if err := r.accounts.CreateOperator(t.Context(), "Sato", "sato@ops.example", deskPassword); err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := *r.server.Client()
	c.Jar = jar
	r.clients[console.Operator] = &c
	status, me := r.ops(t, "POST", "/sign_in", map[string]string{"email": "sato@ops.example", "password": deskPassword})
	if o, _ := me["operator"].(map[string]any); status != 200 || o["name"] != "Sato" {
		t.Fatalf("sign in: %d %v", status, me)
	}
	return r
}

func (r *room) ops(t *testing.T, method, path string, body any) (int, map[string]any) {
	t.Helper()
	return r.call(t, console.Operator, method, path, body)
}

// good insists on a success.
func (r *room) good(t *testing.T, method, path string, body any) map[string]any {
	t.Helper()
	status, got := r.ops(t, method, path, body)
	if status != 200 {
		t.Fatalf("%s %s: %d %v", method, path, status, got)
	}
	return got
}

func TestOpsAreForOperatorsAndOperatorsOpenNoMerchant(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	for _, c := range []struct{ method, path string }{{"GET", "/ops"}, {"GET", "/ops/edges"},
		{"GET", "/ops/edges/" + r.ID().With(id.Edge)}, {"POST", "/ops/edges/" + r.ID().With(id.Edge) + "/revoke"},
		{"GET", "/ops/merchants"}, {"POST", "/ops/edge_codes"}, {"GET", "/ops/edge_codes/" + r.ID().With(id.FlowKey)}, {"GET", "/ops/modules"},
		{"POST", "/ops/modules/4/roll_back"}, {"POST", "/ops/sending/stop"}, {"POST", "/ops/sending/resume"}} {
		if status, got := r.call(t, lumo.Owner, c.method, c.path, map[string]any{}); status != 403 {
			t.Errorf("an owner, %s %s: %d %v", c.method, c.path, status, got)
		}
	}
	if status, _ := r.ops(t, "GET", "./channels/"+r.Channel.ID.String()+"/sending", nil); status != 404 {
		t.Errorf("an operator reads a merchant: %d", status)
	}
	if status, _ := r.ops(t, "GET", ".", nil); status != 404 {
		t.Errorf("an operator reads a merchant: %d", status)
	}
	r.good(t, "GET", "/ops", nil)
	if err := r.accounts.RemoveOperator(t.Context(), "sato@ops.example"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/ops", "/me", "/ops/edges"} {
		if status, got := r.ops(t, "GET", path, nil); status != 401 {
			t.Errorf("%s after she was removed: %d %v", path, status, got)
		}
	}
}

// A merchant is a name and counts; its friends, messages and keys are nowhere in it.
func TestOperatorsSeeMerchantsByNameAndCountsAlone(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	yuki := r.AddFriend(t, "Yuki Canary", shoptest.LineUser)
	r.AddFriend(t, "Ken Canary", "Ucafe0000000000000000000000000002")
	r.Link(t, yuki, r.AddAccount(t), "01CANARYPROFILE")
	r.Exec(t, `INSERT INTO counter (merchant_id, channel_id, day, kind, n)
VALUES ($1, $2, '2026-11-24', 'sent', 5), ($1, $2, '2026-10-26', 'sent', 2), ($1, $2, '2026-10-25', 'sent', 100),
       ($1, $2, '2026-11-24', 'clicked', 100)`, r.Channel.ID)
	r.Clock.Advance(time.Minute)
	other, err := r.accounts.CreateOwner(t.Context(), "海風 Umikaze", "umi@shop.example", deskPassword)
	if err != nil {
		t.Fatal(err)
	}
	_, text, err := r.fleet.CreateCode(t.Context(), id.ID{}, "Osaka 1", []lumo.MerchantID{r.Merchant})
	if err != nil {
		t.Fatal(err)
	}
	made, err := r.fleet.Enrol(t.Context(), text.Reveal(), "")
	if err != nil {
		t.Fatal(err)
	}
	r.tells(t, made.Edge, edgeapi.Status{})
	list := r.good(t, "GET", "/ops/merchants", nil)
	hana := map[string]any{"id": r.Merchant.String(), "name": "Hana Tea", "slug": "hana", "created_at": "2026-11-24T03:00:00Z",
		"line_accounts": 1.0, "friends": 2.0, "linked": 1.0, "sent": 7.0, "edges": 1.0, "edges_working": 1.0}
	umi := map[string]any{"id": other.ID.String(), "name": "海風 Umikaze", "slug": "umikaze", "created_at": "2026-11-24T03:01:00Z",
		"line_accounts": 0.0, "friends": 0.0, "linked": 0.0, "sent": 0.0, "edges": 0.0, "edges_working": 0.0}
	if diff := cmp.Diff(map[string]any{"items": []any{umi, hana}, "total": 2.0}, list); diff != "" {
		t.Errorf("the list (-want +got):\n%s", diff)
	}
	first := r.good(t, "GET", "/ops/merchants?limit=1", nil)
	second := r.good(t, "GET", "/ops/merchants?limit=1&cursor="+first["next"].(string), nil)
	if diff := cmp.Diff([]any{umi, hana}, append(first["items"].([]any), second["items"].([]any)...)); diff != "" || second["next"] != nil {
		t.Errorf("by pages (-want +got):\n%s", diff)
	}
	for words, n := range map[string]float64{"海風": 1, "UMI": 1, "hana": 1, "Canary": 0} {
		if got := r.good(t, "GET", "/ops/merchants?search="+url.QueryEscape(words), nil); got["total"] != n {
			t.Errorf("%q finds %v", words, got)
		}
	}
	if status, _ := r.ops(t, "GET", "/ops/merchants?cursor=mer_x", nil); status != 400 {
		t.Errorf("a cursor that is none: %d", status)
	}
	edge := r.good(t, "GET", "/ops/edges/"+made.Edge.With(id.Edge), nil)
	if scope := []any{map[string]any{"id": r.Merchant.String(), "name": "Hana Tea", "slug": "hana"}}; !cmp.Equal(edge["scope"], any(scope)) {
		t.Errorf("an edge may serve %v", edge["scope"])
	}
}

// What cannot be taken is kept; an operator sees that, and why, and nothing of what it says.
func TestOperatorsSeeWhatWasSetAside(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	_, text, err := r.fleet.CreateCode(t.Context(), id.ID{}, "a", nil)
	if err != nil {
		t.Fatal(err)
	}
	made, err := r.fleet.Enrol(t.Context(), text.Reveal(), "")
	if err != nil {
		t.Fatal(err)
	}
	for n, problem := range []string{"rejected", "rejected", "internal", "rejected", "not_found", "damaged"} {
		err := r.DB.InSystem(t.Context(), func(ctx context.Context) error {
			return fleetstore.New(r.Vault).Keep(ctx, fleet.Kept{ID: r.ID(), Edge: made.Edge, Kind: 1, Body: []byte("Yuki Canary"),
				Problem: problem, At: r.Clock.Now().Add(time.Duration(n) * time.Minute)})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	got := r.good(t, "GET", "/ops/edges/"+made.Edge.With(id.Edge), nil)["set_aside"]
	want := []any{map[string]any{"reason": "rejected", "n": 3.0, "last_at": "2026-11-24T03:03:00Z"},
		map[string]any{"reason": "damaged", "n": 1.0, "last_at": "2026-11-24T03:05:00Z"},
		map[string]any{"reason": "failed", "n": 2.0, "last_at": "2026-11-24T03:04:00Z"}}
	if diff := cmp.Diff(any(want), got); diff != "" {
		t.Errorf("set aside (-want +got):\n%s", diff)
	}
}

func TestOperatorsEnrolWatchAndRevokeEdges(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	if status, _ := r.ops(t, "POST", "/ops/edge_codes", map[string]any{"merchants": []string{"shop"}}); status != 400 {
		t.Errorf("a scope that cannot be read: %d", status)
	}
	code := r.good(t, "POST", "/ops/edge_codes", map[string]any{"name": "Tokyo 1"})
	at := "/ops/edge_codes/" + code["id"].(string)
	if got := r.good(t, "GET", at, nil); got["state"] != "waiting" || got["code"] != nil {
		t.Errorf("a fresh code: %v", got)
	}
	made, err := r.fleet.Enrol(t.Context(), code["code"].(string), "host")
	if err != nil {
		t.Fatal(err)
	}
	got := r.good(t, "GET", at, nil)
	if e, _ := got["edge"].(map[string]any); got["state"] != "used" || e["name"] != "Tokyo 1" || e["state"] != "waiting" {
		t.Errorf("a used code: %v", got)
	}
	over := r.good(t, "POST", "/ops/edge_codes", map[string]any{})
	r.tells(t, made.Edge, edgeapi.Status{WaitingEvents: 12, OldestSeconds: 40, SpoolBytes: 2000, SpoolLimit: 1 << 20,
		Program: "1.2.0"})
	r.fleet.Took(made.Edge, 120)
	one := "/ops/edges/" + made.Edge.With(id.Edge)
	if e := r.good(t, "GET", one, nil); e["state"] != "working" || e["waiting_events"] != 12.0 || e["version"] != "1.2.0" ||
		len(e["history"].([]any)) != 1 || e["silent_seconds"] != 0.0 {
		t.Errorf("a working edge: %v", e)
	}
	r.Clock.Advance(20 * time.Minute)
	list := r.good(t, "GET", "/ops/edges", nil)
	if e := list["items"].([]any)[0].(map[string]any); e["state"] != "silent" || e["silent_seconds"] != 1200.0 || list["total"] != 1.0 {
		t.Errorf("a silent edge: %v", e)
	}
	if got := r.good(t, "GET", "/ops/edge_codes/"+over["id"].(string), nil); got["state"] != "over" {
		t.Errorf("a code after 15 minutes: %v", got)
	}
	if status, _ := r.ops(t, "POST", one+"/revoke", map[string]string{"name": "Tokyo"}); status != 400 {
		t.Errorf("revoked by another name: %d", status)
	}
	if e := r.good(t, "POST", one+"/revoke", map[string]string{"name": "Tokyo 1"}); e["state"] != "revoked" {
		t.Errorf("revoked: %v", e)
	}
	r.Clock.Advance(time.Second)
	if _, err := r.fleet.Authenticate(t.Context(), made.Key.Reveal()); err == nil {
		t.Error("its key still works")
	}
	if e := r.good(t, "GET", one, nil); e["still_asks"] != true {
		t.Errorf("a revoked edge that still runs: %v", e)
	}
	r.Clock.Advance(2 * time.Minute)
	if e := r.good(t, "GET", one, nil); e["still_asks"] != nil {
		t.Errorf("a revoked edge that was ended: %v", e)
	}
	view := r.good(t, "GET", "/ops", nil)
	if counts := view["edges"].(map[string]any); counts["total"] != 0.0 || view["merchants"] != 1.0 {
		t.Errorf("the overview: %v", view)
	}
	var seen []string
	for _, l := range view["log"].([]any) {
		line := l.(map[string]any)
		seen = append(seen, line["action"].(string)+" by "+line["by"].(string))
	}
	if want := []string{"revoked by Sato", "code_made by Sato", "code_made by Sato"}; !slices.Equal(seen, want) {
		t.Errorf("the log: %v", seen)
	}
}

// tells stores what an edge reports.
func (r *room) tells(t *testing.T, edge id.ID, s edgeapi.Status) {
	t.Helper()
	err := r.DB.InSystem(t.Context(), func(ctx context.Context) error {
		_, err := fleetstore.New(r.Vault).Seen(ctx, edge, fleet.Report{Status: s}, r.Clock.Now())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// set puts files of modules into the core.
func (r *room) set(t *testing.T, mark string) (out []bundle.Module) {
	t.Helper()
	for _, name := range bundle.Names() {
		hash, err := r.fleet.AddModuleFile(t.Context(), append([]byte("\x00asm\x01\x00\x00\x00"), name+mark...))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, bundle.Module{Name: name, Version: mark, SHA256: hash})
	}
	return out
}

func TestOperatorsFollowARollOutAndRollBack(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	first, second := r.set(t, "1"), r.set(t, "2")
	p, err := fleet.Sign(signer(), 4, r.Clock.Now(), second, first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.fleet.Publish(t.Context(), id.ID{}, p); err != nil {
		t.Fatal(err)
	}
	for n, status := range []edgeapi.Status{{Modules: 4}, {Refused: 4, Refusal: edgeapi.RefusedTest, Detail: "It traps.", Trouble: edgeapi.TroubleModules},
		{Refusal: edgeapi.RefusedSignature, Detail: "The signature does not fit.", Trouble: edgeapi.TroubleModules}} {
		_, text, err := r.fleet.CreateCode(t.Context(), id.ID{}, []string{"a", "b", "c"}[n], nil)
		if err != nil {
			t.Fatal(err)
		}
		edge, err := r.fleet.Enrol(t.Context(), text.Reveal(), "")
		if err != nil {
			t.Fatal(err)
		}
		r.tells(t, edge.Edge, status)
	}
	got := r.good(t, "GET", "/ops/modules", nil)
	sets := got["sets"].([]any)
	set := sets[0].(map[string]any)
	if len(sets) != 1 || got["edges"] != 3.0 || got["built_in"] != 2.0 || set["live"] != 1.0 || set["state"] != "live" ||
		set["can_roll_back"] != true || len(set["refused"].([]any)) != 2 || len(set["modules"].([]any)) != 3 {
		t.Errorf("rolled out: %v", got)
	}
	why := map[any]any{}
	for _, one := range set["refused"].([]any) {
		why[one.(map[string]any)["reason"]] = one.(map[string]any)["detail"]
	}
	if want := (map[any]any{"test": "It traps.", "signature": "The signature does not fit."}); !maps.Equal(why, want) {
		t.Errorf("refused: %v want %v", why, want)
	}
	over := r.good(t, "GET", "/ops", nil)
	if out := over["modules"].(map[string]any); out["version"] != 4.0 || out["live"] != 1.0 || out["of"] != 3.0 || out["refused"] != 2.0 {
		t.Errorf("the overview: %v", out)
	}
	for range 2 { // asked twice, done once
		got = r.good(t, "POST", "/ops/modules/4/roll_back", nil)
		sets = got["sets"].([]any)
		set = sets[0].(map[string]any)
		if len(sets) != 2 || set["version"] != 5.0 || set["undoes"] != 4.0 || set["by"] != "Sato" || set["can_roll_back"] != false {
			t.Errorf("rolled back: %v", got)
		}
	}
	if status, _ := r.ops(t, "POST", "/ops/modules/5/roll_back", nil); status != 409 {
		t.Errorf("a roll-back of a roll-back: %d", status)
	}
}

// A screen has sentences for codes, not for what an edge says in English.
func TestARefusalInTheLogHasACode(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	_, text, err := r.fleet.CreateCode(t.Context(), id.ID{}, "a", nil)
	if err != nil {
		t.Fatal(err)
	}
	edge, err := r.fleet.Enrol(t.Context(), text.Reveal(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range []map[string]any{{"version": 4, "reason": "start", "detail": "it lacks its exports"},
		{"version": 3, "reason": "It traps."}} { // the second as it was written before there were codes
		r.Clock.Advance(time.Minute)
		err := r.DB.InSystem(t.Context(), func(ctx context.Context) error {
			return fleetstore.New(r.Vault).Note(ctx, fleet.Entry{ID: r.ID(), Edge: edge.Edge, Action: fleet.ActionRefused,
				Data: data, At: r.Clock.Now()})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	log := r.good(t, "GET", "/ops/edges/"+edge.Edge.With(id.Edge), nil)["log"].([]any)
	for n, want := range []map[string]any{{"version": 3.0, "reason": "other", "detail": "It traps."},
		{"version": 4.0, "reason": "start", "detail": "it lacks its exports"}} {
		if got := log[n].(map[string]any)["data"].(map[string]any); !maps.Equal(got, want) {
			t.Errorf("got %v want %v", got, want)
		}
	}
}

func TestMerchantsSeeWhoStoppedAllSendingAndWhy(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	if status, _ := r.ops(t, "POST", "/ops/sending/stop", map[string]string{"reason": "because"}); status != 400 {
		t.Errorf("a reason of no list: %d", status)
	}
	view := r.good(t, "POST", "/ops/sending/stop", map[string]string{"reason": "line"})
	if stop, _ := view["stop"].(map[string]any); stop["by"] != "Sato" || stop["reason"] != "line" {
		t.Errorf("the operator sees: %v", view)
	}
	sending := "./channels/" + r.Channel.ID.String() + "/sending"
	_, got := r.call(t, lumo.Owner, "GET", sending, nil)
	if stop, _ := got["system"].(map[string]any); stop["by"] != "Sato" || stop["reason"] != "line" || got["stopped"] != "no" {
		t.Errorf("the merchant sees: %v", got)
	}
	if view = r.good(t, "POST", "/ops/sending/resume", nil); view["stop"] != nil || r.told != 2 {
		t.Errorf("resumed: %v, pages were told %d times", view, r.told)
	}
	if _, got = r.call(t, lumo.Owner, "GET", sending, nil); got["system"] != nil {
		t.Errorf("the merchant sees: %v", got)
	}
}
