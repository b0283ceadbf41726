package linkage_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"lumo/core/channel"
	"lumo/core/line"
	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/postgres"
	channels "lumo/core/postgres/channel"
	store "lumo/core/postgres/linkage"
	"lumo/core/postgres/postgrestest"
	"lumo/core/postgres/vault"
	"lumo/core/run"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/token"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

const (
	edgeURL = "https://edge.example"
	bot     = lumo.LineUserID("Ub0700000000000000000000000000001")
	yuki    = lumo.LineUserID("U1111111111111111111111111111aaaa")
	mio     = lumo.LineUserID("U2222222222222222222222222222bbbb")
	secret  = "0123456789abcdef0123456789abcdef"
	hana    = lumo.ProfileID("01JD4E1S4E5A0YR5M0T2N7X9QA")
	sora    = lumo.ProfileID("01JD4E1S4E5A0YR5M0T2N7X9QB")
)

// world is channel and linkage on a database of their own, with LINE, Klaviyo and the other
// capabilities played by the test.
type world struct {
	db       *postgres.DB
	channels *channel.Service
	vault    *vault.Vault
	service  *linkage.Service
	imports  *linkage.Importer
	runs     *run.Service
	far      *far
	joiner   *linkage.Joiner
	vendors  *vendors
	heard    *heard
	outbox   linkage.ManyOutbox // who hears of many links at once; heard, unless a test says other
	facts    linkage.ManyFacts
	url      string
	merchant lumo.MerchantID
	channel  channel.Channel
	logs     *bytes.Buffer
	newID    func() id.ID
	mu       sync.Mutex // guards now
	now      time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	url := postgrestest.URL(t)
	db, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	v, err := vault.New(db, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{db: db, url: url, vendors: newVendors(), logs: &bytes.Buffer{},
		now: time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)}
	w.newID = w.ids()
	w.heard = &heard{db: db, newID: w.newID}
	w.outbox, w.facts = w.heard, w.heard
	w.merchant = w.addMerchant(t, v)
	w.vault = v
	w.build(t, v)
	w.channel, err = w.channels.Connect(t.Context(), w.merchant, channel.Actor{}, channel.Keys{
		Messaging: lumo.Keys{ID: "1657000001", Secret: secret},
		Login:     lumo.Keys{ID: "1657000002", Secret: "a-login-secret-a-login-secret-00"}})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) build(t *testing.T, v *vault.Vault) {
	t.Helper()
	cs, ls := channels.New(v), store.New(v)
	w.joiner = linkage.NewJoiner(w.db, ls, ls, channel.NewDirectory(w.db, w.db, cs, cs), w.heard, w.clock)
	w.channels = w.newChannels(t, w.db, w.heard, w.heard)
	w.service = w.newService(t, w.db)
	w.runs = w.newRuns(t, "core-1")
	w.imports = w.newImporter(t, w.runs)
	w.joiner.Attach(w.service, w.imports)
}

// database is what a process sees of the database.
type database interface {
	channel.Tenants
	channel.Systems
	AfterCommit(ctx context.Context, fn func())
}

// newChannels is the channel capability of a process, and who hears of its friends.
func (w *world) newChannels(t *testing.T, db database, recorder channel.Recorder, profiles channel.Profiles) *channel.Service {
	t.Helper()
	cs := channels.New(w.vault)
	s, err := channel.New(channel.Config{Directory: channel.NewDirectory(db, db, cs, cs),
		Tenants: db, Systems: db, Channels: cs, Friends: cs, Requests: cs, Work: cs,
		Accounts: lineAccount{}, Hooks: w.vendors, Read: line.ReadWebhook, Recorder: recorder, Profiles: profiles,
		Fleet: w.heard, Auditor: w.heard, Joiner: w.joiner, Watcher: w.heard, EdgeURL: edgeURL, NewID: w.newID,
		Now: w.clock, Log: slog.New(slog.NewJSONHandler(w.logs, nil)), Owner: "core-1"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newService is the capability of a process that sees the database through tenants.
func (w *world) newService(t *testing.T, tenants linkage.Tenants) *linkage.Service {
	t.Helper()
	ls, cs := store.New(w.vault), channels.New(w.vault)
	s, err := linkage.New(linkage.Config{Directory: linkage.NewDirectory(w.db, ls, w.channels),
		Tenants: tenants, Links: ls, States: ls, Codes: ls, Forms: ls, Settings: ls, Health: ls,
		Tokens: ls, Greeter: w.heard, Messages: w.vendors, Upkeep: cs, Hooks: w.vendors, Pages: w.vendors, Channels: w.channels, Friends: w.channels,
		Merchants: japan{}, LINE: w.vendors, Profiles: w.vendors, Recorder: w.heard, Outbox: w.heard, Fleet: w.heard,
		Auditor: w.heard, Watcher: w.heard, EdgeURL: edgeURL, NewID: w.newID, Now: w.clock,
		Log: slog.New(slog.NewJSONHandler(w.logs, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (w *world) addMerchant(t *testing.T, v *vault.Vault) lumo.MerchantID {
	t.Helper()
	m := lumo.MerchantID(id.New(1, [10]byte{1}))
	data, index, err := v.NewMerchant(m)
	if err != nil {
		t.Fatal(err)
	}
	err = w.db.InTenant(t.Context(), m, func(ctx context.Context) error {
		_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO merchant (merchant_id, slug, name, data_key_enc, index_key_enc, created_at, updated_at)
VALUES ($1, 'hana-tea', 'Hana Tea', $2, $3, now(), now())`, m, data, index)
		if err != nil {
			return err
		}
		_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO klaviyo_account (merchant_id, id, number, site_id, name, state, state_changed_at, created_at,
                             updated_at)
VALUES ($1, $2, 1000, 'HnTeaX', 'Hana Tea', 'working', now(), now(), now())`,
			m, lumo.AccountID(id.New(2, [10]byte{1})))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// ids are ULIDs of the world's time.
func (w *world) ids() func() id.ID {
	var mu sync.Mutex
	var n uint64
	return func() id.ID {
		mu.Lock()
		defer mu.Unlock()
		n++
		var e [10]byte
		binary.BigEndian.PutUint64(e[2:], n)
		return id.New(w.clock().UnixMilli(), e)
	}
}

func (w *world) count(t *testing.T, sql string, args ...any) (n int) {
	t.Helper()
	err := w.db.InTenant(t.Context(), w.merchant, func(ctx context.Context) error {
		return postgres.Tx(ctx).QueryRow(ctx, sql, args...).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (w *world) code(t *testing.T, by linkage.IdentifyBy) linkage.Code {
	t.Helper()
	c, err := w.service.CreateCode(t.Context(), w.merchant, w.channel.ID, lumo.MemberID{},
		linkage.NewCode{IdentifyBy: by, CodeContent: linkage.CodeContent{Name: "Counter " + string(by)}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// scan is a state as an edge seals it, and the cookie it sets.
type scan struct {
	id     id.ID
	state  string
	cookie string
}

func (w *world) scan(t *testing.T, c linkage.Code, claim token.Claim, value string) scan {
	t.Helper()
	key, err := w.channels.StateKey(t.Context(), w.merchant, w.channel.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	s := scan{id: w.newID()}
	h := token.StateHeader{Channel: w.channel.Number, Key: 1}
	rand.Read(h.Nonce[:])
	s.state, err = token.SealState(h, [32]byte(key), token.State{ID: s.id, Claim: claim, Value: value,
		Issued: uint32(w.clock().Unix()), Language: "ja", Code: c.Key})
	if err != nil {
		t.Fatal(err)
	}
	s.cookie = base64.RawURLEncoding.EncodeToString(s.id[:])
	w.vendors.expect(token.Nonce(key, s.id), token.Verifier(key, s.id))
	return s
}

// back returns from LINE Login as a person; the code is the person.
func (w *world) back(t *testing.T, s scan, who lumo.LineUserID, cookie string) linkage.Result {
	t.Helper()
	got, err := w.service.Callback(t.Context(), linkage.Return{State: s.state, Code: string(who), Cookie: cookie})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (w *world) follow(t *testing.T, who lumo.LineUserID, eventID string) {
	t.Helper()
	w.vendors.befriend(who, true)
	w.webhook(t, "follow", who, eventID)
}

// webhook is LINE telling that somebody added or blocked the account.
func (w *world) webhook(t *testing.T, kind string, who lumo.LineUserID, eventID string) {
	t.Helper()
	event := map[string]any{"type": kind, "mode": "active", "timestamp": w.clock().UnixMilli(), "webhookEventId": eventID,
		"deliveryContext": map[string]any{"isRedelivery": false}, "source": map[string]any{"type": "user", "userId": string(who)}}
	if kind == "follow" {
		event["replyToken"], event["follow"] = "r", map[string]any{"isUnblocked": false}
	}
	body, err := json.Marshal(map[string]any{"destination": string(bot), "events": []any{event}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.channels.HandleEdge(t.Context(), lumo.EdgeRequest{ID: lumo.RequestID(w.newID()),
		ReceivedAt: w.clock(), Auth: lumo.AuthVerified, Body: body, Merchant: w.merchant,
		Subject: id.ID(w.channel.ID)})
	if err != nil || got.Status != 200 {
		t.Fatalf("%s: got %d %v", kind, got.Status, err)
	}
}

// vendors plays LINE and Klaviyo.
type vendors struct {
	mu        sync.Mutex // guards the rest
	nonces    map[string]bool
	verifiers map[string]bool
	friends   map[lumo.LineUserID]bool
	byEmail   map[string]lumo.ProfileID
	missing   map[lumo.ProfileID]bool
	lineDown  bool
	down      bool // Klaviyo
	taken     []lumo.Secret
	merged    map[lumo.ProfileID]lumo.ProfileID
	profiles  map[lumo.ProfileID]lumo.Profile
	page      string
	saved     map[lumo.MessageID]linkage.Saved
}

func channelStore(w *world) *channels.Store { return channels.New(w.vault) }

func newVendors() *vendors {
	return &vendors{nonces: map[string]bool{}, verifiers: map[string]bool{},
		friends: map[lumo.LineUserID]bool{}, byEmail: map[string]lumo.ProfileID{},
		missing: map[lumo.ProfileID]bool{}, merged: map[lumo.ProfileID]lumo.ProfileID{},
		profiles: map[lumo.ProfileID]lumo.Profile{}, saved: map[lumo.MessageID]linkage.Saved{}}
}

func (v *vendors) expect(nonce, verifier string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.nonces[nonce], v.verifiers[verifier] = true, true
}

func (v *vendors) befriend(who lumo.LineUserID, yes bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.friends[who] = yes
}

func (v *vendors) Exchange(_ context.Context, keys lumo.Keys, c linkage.AuthorizationCode) (
	linkage.Login, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.lineDown:
		return linkage.Login{}, fault.New(fault.Unavailable, "fake", "")
	case !v.nonces[c.Nonce], !v.verifiers[c.Verifier], keys.ID != "1657000002",
		c.RedirectURI != edgeURL+"/link/callback", !lumo.LineUserID(c.Code).Valid():
		return linkage.Login{}, fault.New(fault.Invalid, "fake", "")
	}
	return linkage.Login{User: lumo.LineUserID(c.Code), Name: "Yuki S.", PictureURL: "https://p.example/1",
		Token: lumo.Secret("token-of-" + c.Code)}, nil
}

func (v *vendors) Friendship(_ context.Context, user lumo.Secret) (bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.friends[lumo.LineUserID(user.Reveal()[len("token-of-"):])], nil
}

func (v *vendors) Deauthorize(_ context.Context, _ lumo.Keys, user lumo.Secret) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.taken = append(v.taken, user)
	return nil
}

func (v *vendors) ProfileByEmail(_ context.Context, _ lumo.MerchantID, _ lumo.AccountID, email string) (
	lumo.Profile, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.down {
		return lumo.Profile{}, fault.New(fault.Unavailable, "fake", "")
	}
	p, ok := v.byEmail[email]
	if !ok {
		return lumo.Profile{}, fault.New(fault.NotFound, "fake", "")
	}
	return lumo.Profile{ID: p}, nil
}

func (v *vendors) ProfileByPhone(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, phone string) (
	lumo.Profile, error) {
	return v.ProfileByEmail(ctx, m, a, phone)
}

func (v *vendors) Profile(_ context.Context, _ lumo.MerchantID, _ lumo.AccountID, p lumo.ProfileID) (
	lumo.Profile, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.down:
		return lumo.Profile{}, fault.New(fault.Unavailable, "fake", "")
	case v.missing[p]:
		return lumo.Profile{}, fault.New(fault.NotFound, "fake", "")
	case v.merged[p] != "":
		p = v.merged[p]
	}
	known := v.profiles[p]
	known.ID = p
	return known, nil
}

func (v *vendors) LastOrder(context.Context, lumo.MerchantID, lumo.AccountID, lumo.ProfileID) (time.Time, error) {
	return time.Time{}, nil
}

func (v *vendors) Forms(context.Context, lumo.MerchantID, lumo.AccountID) ([]linkage.KlaviyoForm, error) {
	return nil, nil
}

// A request counts as Klaviyo's when it says so, and its body is the profile it names.
func (v *vendors) Genuine(_ context.Context, _ lumo.MerchantID, _ lumo.AccountID, r lumo.EdgeRequest) (bool, error) {
	return r.Header["Klaviyo-Signature"] == "good", nil
}

func (v *vendors) Read(body []byte) ([]linkage.SystemEvent, error) {
	return []linkage.SystemEvent{{ID: "1", Topic: linkage.TopicMerged,
		Profiles: []lumo.ProfileID{lumo.ProfileID(body)}}}, nil
}

func (v *vendors) Saved(_ context.Context, _ lumo.MerchantID, _ lumo.ChannelID, m lumo.MessageID) (linkage.Saved, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	saved, ok := v.saved[m]
	if !ok {
		return saved, fault.New(fault.NotFound, "fake", "")
	}
	return saved, nil
}

func (v *vendors) Page(context.Context, string) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.page == "" {
		return "", fault.New(fault.Unavailable, "fake", "")
	}
	return v.page, nil
}

// japan is where the shop's phones are.
type japan struct{}

func (japan) Merchant(_ context.Context, m lumo.MerchantID) (lumo.Merchant, error) {
	return lumo.Merchant{ID: m, Country: "JP"}, nil
}

// lineAccount plays LINE's account calls.
type lineAccount struct{}

func (lineAccount) Profile(context.Context, lumo.Keys, lumo.LineUserID) (channel.Person, error) {
	return channel.Person{Name: "Yuki S."}, nil
}

func (lineAccount) Verified(context.Context, lumo.Keys) (bool, error) { return false, nil }

func (lineAccount) CheckKeys(context.Context, lumo.Keys) error { return nil }

func (lineAccount) Account(context.Context, lumo.Keys) (channel.Account, error) {
	return channel.Account{BotUser: bot, Name: "Hana Tea", BasicID: "@hanatea"}, nil
}

func (lineAccount) Quota(context.Context, lumo.Keys) (channel.Quota, error) {
	return channel.Quota{}, nil
}

func (v *vendors) Endpoint(context.Context, lumo.Keys) (channel.Endpoint, error) {
	return channel.Endpoint{}, nil
}
func (v *vendors) SetEndpoint(context.Context, lumo.Keys, string) error { return nil }
func (v *vendors) TestEndpoint(context.Context, lumo.Keys) (channel.WebhookTest, error) {
	return channel.WebhookTest{}, nil
}

// heard plays the capabilities that hear of what happens. Facts go into the timeline, where
// linkage looks for the follow that came first.
type heard struct {
	db    *postgres.DB
	newID func() id.ID
	mu    sync.Mutex // guards the rest
	facts []lumo.Fact
	made  []lumo.Link
	ended []lumo.Link
	kept  []string // properties that stay when a link ends
	many  int      // properties written for many links at once
	moved []lumo.Link
	gone  []lumo.Link
	told  []lumo.FriendID // whose properties are written again
	order []string
	// onFact hears how many facts there were; it may end the process that told them.
	onFact func(n int)
	greet  []greeting
}

// greeting is what a code was to do for somebody.
type greeting struct {
	friend lumo.FriendID
	status lumo.FollowStatus
	code   lumo.CodeID
}

func (h *heard) Record(ctx context.Context, f lumo.Fact) error {
	data, err := json.Marshal(f.Data)
	if err != nil {
		return err
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO friend_event (merchant_id, id, friend_id, channel_id, kind, source, occurred_at, data, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce($8::jsonb, '{}'), now())`,
		f.Merchant, h.newID(), f.Friend, f.Channel, string(f.Kind), f.Source, f.OccurredAt, data)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.facts = append(h.facts, f)
	if h.onFact != nil {
		h.onFact(len(h.facts))
	}
	h.order = append(h.order, string(f.Kind))
	return postgres.Fault("test.Record", err)
}

func (h *heard) LinkMade(_ context.Context, l lumo.Link, _ id.ID) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.made, h.order = append(h.made, l), append(h.order, "made")
	return nil
}

func (h *heard) LinkEnded(_ context.Context, _ lumo.Friend, _ lumo.Channel, l lumo.Link, kept string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended, h.kept = append(h.ended, l), append(h.kept, kept)
	return nil
}

func (h *heard) ProfileMoved(_ context.Context, l lumo.Link, _ lumo.ProfileID) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.moved = append(h.moved, l)
	return nil
}

func (h *heard) ProfileChanged(_ context.Context, _ lumo.MerchantID, f lumo.FriendID) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, f)
	return nil
}

func (h *heard) ProfileGone(_ context.Context, l lumo.Link) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gone = append(h.gone, l)
	return nil
}

func (h *heard) Greet(_ context.Context, _ lumo.MerchantID, f lumo.Friend, c linkage.Code) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.greet = append(h.greet, greeting{f.ID, f.FollowStatus, c.ID})
	return nil
}

func (h *heard) ReviewChanged(context.Context, lumo.MerchantID, lumo.ChannelID) {}
func (h *heard) Changed(context.Context, lumo.MerchantID, uint8, []byte) error  { return nil }
func (h *heard) WaitApplied(context.Context, time.Duration) error               { return nil }
func (h *heard) Audit(context.Context, lumo.AuditEntry) error                   { return nil }

func (h *heard) ChannelChanged(context.Context, lumo.MerchantID, lumo.ChannelID)               {}
func (h *heard) FriendChanged(context.Context, lumo.MerchantID, lumo.ChannelID, lumo.FriendID) {}
func (h *heard) LinkChanged(context.Context, lumo.MerchantID, lumo.Link, bool)                 {}
func (h *heard) CodeChanged(context.Context, lumo.MerchantID, lumo.ChannelID, lumo.CodeID)     {}

func (h *heard) of(kind lumo.FactKind) (out []lumo.Fact) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.facts {
		if f.Kind == kind {
			out = append(out, f)
		}
	}
	return out
}
