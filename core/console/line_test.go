package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"lumo/core/account"
	"lumo/core/channel"
	"lumo/core/console"
	"lumo/core/line"
	"lumo/core/line/linetest"
	"lumo/core/linkage"
	"lumo/core/lumo"
	accountstore "lumo/core/postgres/account"
	channelstore "lumo/core/postgres/channel"
	linkagestore "lumo/core/postgres/linkage"
	runstore "lumo/core/postgres/run"
	"lumo/core/postgres/shoptest"
	trackingstore "lumo/core/postgres/tracking"
	"lumo/core/run"
	"lumo/core/tracking"
	"lumo/shared/id"
)

const deskPassword = "a-long-enough-password"

// desk is the console's API over the LINE capabilities, with LINE's fake behind them.
type desk struct {
	*shoptest.Shop
	line     *linetest.Server
	channels *channel.Service
	server   *httptest.Server
	clients  map[lumo.Role]*http.Client
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{Shop: shoptest.New(t), clients: map[lumo.Role]*http.Client{}}
	d.line = linetest.New(linetest.Config{Now: d.Clock.Now})
	vendor := httptest.NewServer(d.line.Handler())
	t.Cleanup(vendor.Close)
	client, err := line.New(line.Config{API: vendor.URL + "/line-api", Now: d.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	store := accountstore.New(d.Vault)
	hasher, err := account.NewHasher(&argon2id.Params{Memory: 1024, Iterations: 1, Parallelism: 1, SaltLength: 8,
		KeyLength: 16})
	if err != nil {
		t.Fatal(err)
	}
	people := account.New(account.Config{Units: d.DB, Store: store, Members: store, Tries: store, Audit: store, Keys: store, Sessions: store, Filters: store,
		Hasher: hasher, NewID: d.ID, Now: d.Clock.Now})
	a := console.New(console.Config{Accounts: people, Sessions: accountstore.NewSessions(d.DB),
		Repeats: accountstore.NewRepeats(d.DB, d.Vault), Log: log, Now: d.Clock.Now})
	d.register(t, a, client, people, log)
	d.server = httptest.NewTLSServer(a.Handler()) // the session's cookie is for https alone
	t.Cleanup(d.server.Close)
	for _, role := range []lumo.Role{lumo.Owner, lumo.Admin, lumo.Marketer, lumo.Viewer} {
		d.signIn(t, people, role)
	}
	return d
}

func (d *desk) register(t testing.TB, a *console.API, client *line.Client, people *account.Service, log *slog.Logger) {
	t.Helper()
	cs, ls, quiet := channelstore.New(d.Vault), linkagestore.New(d.Vault), quiet{}
	var err error
	d.channels, err = channel.New(channel.Config{Directory: channel.NewDirectory(d.DB, d.DB, cs, cs), Tenants: d.DB,
		Systems: d.DB, Channels: cs, Friends: cs, Requests: cs, Work: cs, Accounts: client, Hooks: client,
		Read: line.ReadWebhook, Recorder: quiet, Profiles: quiet, Fleet: quiet, Auditor: people,
		Joiner: linkage.NewJoiner(d.DB, ls, ls, channel.NewDirectory(d.DB, d.DB, cs, cs), quiet, d.Clock.Now), Watcher: quiet, EdgeURL: "http://127.0.0.1:1",
		NewID: d.ID, Now: d.Clock.Now, Log: log, Owner: "core-1"})
	if err != nil {
		t.Fatal(err)
	}
	links, err := linkage.New(linkage.Config{Directory: linkage.NewDirectory(d.DB, ls, d.channels), Tenants: d.DB,
		Links: ls, States: ls, Codes: ls, Forms: ls, Settings: ls, Health: ls, Tokens: ls, Greeter: quiet, Messages: quiet,
		Upkeep: cs, Hooks: quiet, Pages: quiet, Channels: d.channels, Friends: d.channels, Merchants: people, LINE: client, Profiles: quiet,
		Recorder: quiet, Outbox: quiet, Fleet: quiet, Auditor: people, Watcher: quiet, EdgeURL: "http://127.0.0.1:1",
		NewID: d.ID, Now: d.Clock.Now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	found, err := channel.NewPeople(channel.PeopleConfig{Directory: channel.NewDirectory(d.DB, d.DB, cs, cs), Tenants: d.DB,
		Store: cs, Merchants: people, Customers: quiet, Facts: quiet, Eraser: quiet, Auditor: people, Watcher: quiet,
		NewID: d.ID, Now: d.Clock.Now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	console.RegisterChannels(a, d.channels)
	console.RegisterFriends(a, found)
	console.RegisterAPIKeys(a, people)
	console.RegisterSavedFilters(a, people)
	console.RegisterLinkage(a, links)
	d.registerKlaviyo(t, a, people, log)
	console.RegisterStatistics(a, console.StatisticsParts{Channels: d.channels, Now: d.Clock.Now,
		Reports: tracking.NewReports(d.DB, trackingstore.Store{}, nil, nil, d.Clock.Now)})
	runs, err := run.New(run.Config{Tenants: d.DB, Store: runstore.Store{}, Turns: runstore.Store{}, Watcher: quiet,
		Auditor: people, NewID: d.ID, Now: d.Clock.Now, Log: log, Owner: "core-1"})
	if err != nil {
		t.Fatal(err)
	}
	imports, err := linkage.NewImporter(linkage.ImportConfig{Links: links, Items: ls, Many: ls, Auto: ls, Segments: nothing{},
		Prober: nothing{}, Runs: runs, Outbox: quiet, Facts: quiet, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	for kind, worker := range imports.Workers() {
		runs.Handle(kind, worker)
	}
	console.RegisterImports(a, console.ImportParts{Imports: imports, Runs: runs, Members: people})
	d.registerLinkHost(t, a, people, log)
}

func (d *desk) signIn(t testing.TB, people *account.Service, role lumo.Role) {
	t.Helper()
	email := string(role) + "@hanatea.example"
	if err := people.CreateMember(t.Context(), d.Merchant, email, deskPassword, role); err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := *d.server.Client()
	c.Jar = jar
	d.clients[role] = &c
	if status, _ := d.call(t, role, "POST", "/sign_in", map[string]string{"email": email, "password": deskPassword}); status != 200 {
		t.Fatalf("sign-in of the %s: %d", role, status)
	}
}

// call asks the API; a path that begins with a dot is the merchant's.
func (d *desk) call(t testing.TB, role lumo.Role, method, path string, body any) (int, map[string]any) {
	t.Helper()
	if rest, ok := strings.CutPrefix(path, "."); ok {
		path = "/merchants/" + d.Merchant.String() + rest
	}
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, d.server.URL+"/api/v1"+path, in)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := d.clients[role].Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, canary := range []string{linetest.DemoChannel.MessagingSecret, linetest.DemoChannel.LoginSecret,
		linetest.UserID(linetest.DemoChannel.Provider, "yuki"), linetest.DemoChannel.BotUserID} {
		if bytes.Contains(text, []byte(canary)) {
			t.Errorf("%s %s answers with a secret or a LINE id", method, path)
		}
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil && len(text) > 0 {
		t.Fatalf("%s %s: %v in %s", method, path, err, text)
	}
	return res.StatusCode, out
}

func demoKeys() map[string]string {
	c := linetest.DemoChannel
	return map[string]string{"messaging_channel_id": c.MessagingID, "messaging_channel_secret": c.MessagingSecret,
		"login_channel_id": c.LoginID, "login_channel_secret": c.LoginSecret}
}

func TestWizardConnectsALINEAccount(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	keys := demoKeys()
	status, got := d.call(t, lumo.Owner, "POST", "./channels/check", map[string]string{
		"messaging_channel_id": keys["messaging_channel_id"], "messaging_channel_secret": keys["messaging_channel_secret"]})
	if status != 200 || got["basic_id"] != "@hanatea" || got["bot_user_known"] != false {
		t.Fatalf("check: %d %v", status, got)
	}
	status, got = d.call(t, lumo.Owner, "POST", "./channels", keys)
	if status != 200 || got["state"] != "needs_you" || got["name"] != "Hana Tea" {
		t.Fatalf("connect: %d %v", status, got)
	}
	one := "./channels/" + got["id"].(string)
	status, got = d.call(t, lumo.Viewer, "GET", one+"/preflight", nil)
	if status != 200 || len(got["rows"].([]any)) != 11 {
		t.Errorf("preflight: %d %v", status, got)
	}
	status, got = d.call(t, lumo.Owner, "POST", one+"/webhook", map[string]any{})
	if status != 200 || got["set"] != true {
		t.Errorf("webhook: %d %v", status, got)
	}
	if status, got = d.call(t, lumo.Owner, "POST", "./channels", keys); status != 409 || got["kind"] != "conflict" {
		t.Errorf("twice: %d %v", status, got)
	}
	keys["login_channel_secret"] = "00000000000000000000000000000000"
	status, got = d.call(t, lumo.Owner, "PATCH", one, keys)
	if fields, _ := got["fields"].(map[string]any); status != 400 || fields["login_channel_secret"] == nil {
		t.Errorf("wrong secret: %d %v", status, got)
	}
}

func TestSettingsOfLINEAreForOwnersAndAdmins(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	one := "./channels/" + d.Channel.ID.String()
	for _, role := range []lumo.Role{lumo.Marketer, lumo.Viewer} {
		for _, c := range []struct{ method, path string }{{"POST", "./channels/check"}, {"POST", "./channels"},
			{"PATCH", one}, {"POST", one + "/webhook"}} {
			if status, got := d.call(t, role, c.method, c.path, demoKeys()); status != 403 {
				t.Errorf("%s %s %s: %d %v", role, c.method, c.path, status, got)
			}
		}
		for _, path := range []string{"./channels", one, one + "/friends", one + "/qr_codes"} {
			if status, got := d.call(t, role, "GET", path, nil); status != 200 {
				t.Errorf("%s GET %s: %d %v", role, path, status, got)
			}
		}
	}
	code := map[string]string{"name": "Newsletter", "identify_by": "profile"}
	if status, _ := d.call(t, lumo.Viewer, "POST", one+"/qr_codes", code); status != 403 {
		t.Errorf("a viewer makes codes: %d", status)
	}
	if status, got := d.call(t, lumo.Marketer, "POST", one+"/qr_codes", code); status != 200 ||
		!strings.HasSuffix(got["url_template"].(string), "?k={{ person.KlaviyoID }}") {
		t.Errorf("a marketer's code: %d %v", status, got)
	}
}

func TestFriendsAreShownWithoutTheirLINEIDs(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	user := lumo.LineUserID(linetest.UserID(linetest.DemoChannel.Provider, "yuki"))
	f := d.AddFriend(t, "Yuki S.", user)
	one := "./channels/" + d.Channel.ID.String() + "/friends"
	status, got := d.call(t, lumo.Viewer, "GET", one+"?state=following&linked=no&limit=10", nil)
	if items, _ := got["items"].([]any); status != 200 || len(items) != 1 || got["total"] != 1.0 {
		t.Errorf("list: %d %v", status, got)
	}
	for text, want := range map[string]float64{string(user): 1, "yuki": 1, "ken": 0} {
		status, got := d.call(t, lumo.Viewer, "POST", one+"/search", map[string]string{"text": text})
		if status != 200 || got["total"] != want {
			t.Errorf("search: %d %v, want %v", status, got, want)
		}
	}
	if status, got := d.call(t, lumo.Viewer, "GET", one+"/"+f.String(), nil); status != 200 || got["link"] != nil || got["name"] != "Yuki S." {
		t.Errorf("page: %d %v", status, got)
	}
	if status, got := d.call(t, lumo.Viewer, "GET", one+"/"+f.String()+"/timeline", nil); status != 200 || got["items"] == nil {
		t.Errorf("timeline: %d %v", status, got)
	}
	account := d.AddAccount(t)
	d.Link(t, f, account, "01JD4E1S4E5A0YR5M0T2N7X9QA")
	status, got = d.call(t, lumo.Viewer, "GET", one+"/"+f.String(), nil)
	if box, _ := got["link"].(map[string]any); status != 200 || box["assurance"] != "proven" {
		t.Errorf("linked: %d %v", status, got)
	}
	if status, _ := d.call(t, lumo.Marketer, "POST", one+"/"+f.String()+"/unlink", nil); status != 200 {
		t.Errorf("unlink: %d", status)
	}
	for _, path := range []string{"./channels/chn_x", "./channels/" + lumo.ChannelID(d.ID()).String(), one + "/frd_x",
		one + "/" + lumo.FriendID(d.ID()).String(), one + "/" + lumo.FriendID(d.ID()).String() + "/timeline"} {
		if status, got := d.call(t, lumo.Viewer, "GET", path, nil); status != 404 || got["kind"] != "not_found" {
			t.Errorf("%s: %d %v", path, status, got)
		}
	}
}

// quiet plays the capabilities that hear of what happens.
type quiet struct{ linkage.Profiles }

func (quiet) Record(context.Context, lumo.Fact) error                              { return nil }
func (quiet) RecordAll(context.Context, lumo.MerchantID, []lumo.Fact) error        { return nil }
func (quiet) Erased(context.Context, lumo.Channel, lumo.Link) error                { return nil }
func (quiet) ProfileChanged(context.Context, lumo.MerchantID, lumo.FriendID) error { return nil }
func (quiet) ProfileMoved(context.Context, lumo.Link, lumo.ProfileID) error        { return nil }
func (quiet) ProfileGone(context.Context, lumo.Link) error                         { return nil }
func (quiet) Saved(context.Context, lumo.MerchantID, lumo.ChannelID, lumo.MessageID) (linkage.Saved, error) {
	return linkage.Saved{}, nil
}
func (quiet) Greet(context.Context, lumo.MerchantID, lumo.Friend, linkage.Code) error { return nil }
func (quiet) Page(context.Context, string) (string, error)                            { return "", nil }
func (quiet) Read([]byte) ([]linkage.SystemEvent, error)                              { return nil, nil }
func (quiet) Genuine(context.Context, lumo.MerchantID, lumo.AccountID, lumo.EdgeRequest) (bool, error) {
	return false, nil
}
func (quiet) ReviewChanged(context.Context, lumo.MerchantID, lumo.ChannelID) {}
func (quiet) LinkMade(context.Context, lumo.Link, id.ID) error               { return nil }
func (quiet) LinkEnded(context.Context, lumo.Friend, lumo.Channel, lumo.Link, string) error {
	return nil
}
func (quiet) Changed(context.Context, lumo.MerchantID, uint8, []byte) error { return nil }
func (quiet) WaitApplied(context.Context, time.Duration) error              { return nil }

func (quiet) ChannelChanged(context.Context, lumo.MerchantID, lumo.ChannelID)               {}
func (quiet) FriendChanged(context.Context, lumo.MerchantID, lumo.ChannelID, lumo.FriendID) {}
func (quiet) LinkChanged(context.Context, lumo.MerchantID, lumo.Link, bool)                 {}
func (quiet) CodeChanged(context.Context, lumo.MerchantID, lumo.ChannelID, lumo.CodeID)     {}
