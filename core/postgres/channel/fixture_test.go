package channel_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
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
	"lumo/core/lumo"
	"lumo/core/postgres"
	store "lumo/core/postgres/channel"
	"lumo/core/postgres/postgrestest"
	"lumo/core/postgres/vault"
	"lumo/shared/fault"
	"lumo/shared/id"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

const (
	edgeURL   = "https://edge.example"
	bot       = lumo.LineUserID("Ub0700000000000000000000000000001")
	yuki      = lumo.LineUserID("U1111111111111111111111111111aaaa")
	mio       = lumo.LineUserID("U2222222222222222222222222222bbbb")
	secret    = "0123456789abcdef0123456789abcdef"
	newSecret = "fedcba9876543210fedcba9876543210"
)

func keys() channel.Keys {
	return channel.Keys{Messaging: lumo.Keys{ID: "1657000001", Secret: secret},
		Login: lumo.Keys{ID: "1657000002", Secret: "a-login-secret-a-login-secret-00"}}
}

// world is the channel capability on a database of its own, with LINE and the other
// capabilities played by the test.
type world struct {
	db       *postgres.DB
	vault    *vault.Vault
	service  *channel.Service
	people   *channel.People
	url      string
	line     *fakeLINE
	facts    *facts
	fleet    *fleet
	merchant lumo.MerchantID
	logs     *bytes.Buffer
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
	w := &world{db: db, url: url, vault: v, line: newFakeLINE(), facts: &facts{}, fleet: &fleet{},
		logs: &bytes.Buffer{}, now: time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)}
	w.merchant = w.addMerchant(t, 1)
	w.service = w.newService(t, "core-1")
	w.people = w.newPeople(t)
	return w
}

func (w *world) newService(t *testing.T, owner string) *channel.Service {
	t.Helper()
	s := store.New(w.vault)
	service, err := channel.New(channel.Config{Directory: channel.NewDirectory(w.db, w.db, s, s),
		Tenants: w.db, Systems: w.db, Channels: s, Friends: s, Requests: s, Work: s, Accounts: w.line,
		Hooks: w.line, Read: line.ReadWebhook, Recorder: w.facts, Profiles: w.facts, Fleet: w.fleet,
		Auditor: w.facts, Joiner: w.facts, Watcher: w.facts, EdgeURL: edgeURL, NewID: newIDs(),
		Now: w.clock, Log: slog.New(slog.NewJSONHandler(w.logs, nil)), Owner: owner})
	if err != nil {
		t.Fatal(err)
	}
	return service
}

func (w *world) newPeople(t *testing.T) *channel.People {
	t.Helper()
	s := store.New(w.vault)
	p, err := channel.NewPeople(channel.PeopleConfig{Directory: channel.NewDirectory(w.db, w.db, s, s),
		Tenants: w.db, Store: s, Merchants: japan{}, Customers: w.facts, Facts: w.facts, Eraser: w.facts,
		Auditor: w.facts, Watcher: w.facts, NewID: newIDs(), Now: w.clock,
		Log: slog.New(slog.NewJSONHandler(w.logs, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// japan is where the shop's phones are.
type japan struct{}

func (japan) Merchant(_ context.Context, m lumo.MerchantID) (lumo.Merchant, error) {
	return lumo.Merchant{ID: m, Country: "JP", TimeZone: "Asia/Tokyo"}, nil
}

func (w *world) addMerchant(t *testing.T, n byte) lumo.MerchantID {
	t.Helper()
	m := lumo.MerchantID(id.New(1, [10]byte{n}))
	data, index, err := w.vault.NewMerchant(m)
	if err != nil {
		t.Fatal(err)
	}
	w.exec(t, m, `
INSERT INTO merchant (merchant_id, slug, name, data_key_enc, index_key_enc, created_at, updated_at)
VALUES ($1, $2, 'Hana Tea', $3, $4, now(), now())`, m, "shop-"+string('a'+rune(n)), data, index)
	return m
}

func (w *world) addKlaviyo(t *testing.T, n byte) lumo.AccountID {
	t.Helper()
	a := lumo.AccountID(id.New(2, [10]byte{n}))
	w.exec(t, w.merchant, `
INSERT INTO klaviyo_account (merchant_id, id, number, site_id, name, state, state_changed_at, created_at,
                             updated_at)
VALUES ($1, $2, $3, $4, 'Hana Tea', 'working', now(), now(), now())`,
		w.merchant, a, 1000+int64(n), string('A'+rune(n)))
	return a
}

func (w *world) exec(t *testing.T, m lumo.MerchantID, sql string, args ...any) {
	t.Helper()
	err := w.db.InTenant(t.Context(), m, func(ctx context.Context) error {
		_, err := postgres.Tx(ctx).Exec(ctx, sql, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
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

func (w *world) connect(t *testing.T) channel.Channel {
	t.Helper()
	c, err := w.service.Connect(t.Context(), w.merchant, channel.Actor{}, keys())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// event is one webhook event as LINE writes it.
func event(kind, eventID string, user lumo.LineUserID, at time.Time) map[string]any {
	e := map[string]any{"type": kind, "mode": "active", "timestamp": at.UnixMilli(),
		"webhookEventId": eventID, "deliveryContext": map[string]any{"isRedelivery": false},
		"source": map[string]any{"type": "user", "userId": string(user)}}
	switch kind {
	case "follow":
		e["follow"], e["replyToken"] = map[string]any{"isUnblocked": false}, "r"
	case "message":
		e["message"] = map[string]any{"type": "text", "id": "1", "text": "hello", "quoteToken": "q"}
	}
	return e
}

func body(t *testing.T, events ...any) []byte {
	t.Helper()
	if events == nil {
		events = []any{}
	}
	b, err := json.Marshal(map[string]any{"destination": string(bot), "events": events})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sign(key string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

var requestIDs = newIDs()

// request is a webhook as an edge hands it over.
func (w *world) request(c channel.Channel, auth lumo.EdgeAuth, key string, body []byte) lumo.EdgeRequest {
	return lumo.EdgeRequest{ID: lumo.RequestID(requestIDs()), ReceivedAt: w.clock(), Auth: auth,
		Method: "POST", Target: "/hooks/line/" + c.HookKey, Body: body, Merchant: c.Merchant,
		Subject: id.ID(c.ID), Header: map[string]string{"X-Line-Signature": sign(key, body)}}
}

// deliver hands a verified webhook over and wants it taken.
func (w *world) deliver(t *testing.T, c channel.Channel, events ...any) {
	t.Helper()
	got, err := w.service.HandleEdge(t.Context(), w.request(c, lumo.AuthVerified, secret, body(t, events...)))
	if err != nil || got.Status != 200 {
		t.Fatalf("got %d, %v want 200", got.Status, err)
	}
}

func newIDs() func() id.ID {
	var mu sync.Mutex
	var n uint64
	return func() id.ID {
		mu.Lock()
		defer mu.Unlock()
		n++
		var e [10]byte
		binary.BigEndian.PutUint64(e[2:], n)
		return id.New(1795489200000, e)
	}
}

// facts plays the capabilities that hear of what happens.
type facts struct {
	mu       sync.Mutex // guards the rest
	recorded []lumo.Fact
	profiles int
	audits   []lumo.AuditEntry
	joined   map[string]any
	erased   []lumo.ProfileID
	fail     error
}

func (f *facts) Record(_ context.Context, one lumo.Fact) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return f.fail
	}
	f.recorded = append(f.recorded, one)
	return nil
}

func (f *facts) ProfileChanged(context.Context, lumo.MerchantID, lumo.FriendID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.profiles++
	return nil
}

// actions are what the audit log has.
func (f *facts) actions() (all []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.audits {
		all = append(all, e.Action)
	}
	return all
}

func (f *facts) Audit(_ context.Context, e lumo.AuditEntry) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.audits = append(f.audits, e)
	return nil
}

func (f *facts) Followed(context.Context, lumo.MerchantID, lumo.FriendID, time.Time) (
	map[string]any, error) {
	return f.joined, nil
}

func (f *facts) LookAfter(context.Context, lumo.MerchantID, lumo.ChannelID) error { return nil }
func (f *facts) Forget(context.Context, lumo.MerchantID, lumo.ChannelID) error    { return nil }

func (f *facts) ChannelChanged(context.Context, lumo.MerchantID, lumo.ChannelID)               {}
func (f *facts) FriendChanged(context.Context, lumo.MerchantID, lumo.ChannelID, lumo.FriendID) {}

func (f *facts) kinds() (kinds []lumo.FactKind) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.recorded {
		kinds = append(kinds, one.Kind)
	}
	return kinds
}

func (f *facts) setFail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}

// fleet plays the edges.
type fleet struct {
	mu      sync.Mutex // guards changes
	changes []uint8
}

func (f *fleet) Changed(_ context.Context, _ lumo.MerchantID, table uint8, _ []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changes = append(f.changes, table)
	return nil
}

func (f *fleet) WaitApplied(context.Context, time.Duration) error { return nil }

// fakeLINE plays LINE's API for one account.
type fakeLINE struct {
	mu       sync.Mutex // guards the rest
	account  channel.Account
	keys     channel.Keys
	endpoint channel.Endpoint
	sets     int
	people   map[lumo.LineUserID]channel.Person
	down     bool
	verified bool
	tokens   bool // those of before live on: all but CheckKeys takes the old keys, too
}

func newFakeLINE() *fakeLINE {
	return &fakeLINE{keys: keys(), people: map[lumo.LineUserID]channel.Person{},
		account: channel.Account{BotUser: bot, Name: "Hana Tea", BasicID: "@hanatea"}}
}

func (f *fakeLINE) check(k lumo.Keys) error {
	f.mu.Lock()
	old := f.tokens && (k == keys().Messaging || k == keys().Login)
	f.mu.Unlock()
	if old {
		return nil
	}
	return f.CheckKeys(context.Background(), k)
}

func (f *fakeLINE) CheckKeys(_ context.Context, k lumo.Keys) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.down:
		return fault.New(fault.Unavailable, "fake", "")
	case k == f.keys.Messaging, k == f.keys.Login:
		return nil
	}
	return fault.New(fault.Unauthenticated, "fake", "")
}

func (f *fakeLINE) Account(_ context.Context, k lumo.Keys) (channel.Account, error) {
	if k == f.keys.Login {
		return channel.Account{}, fault.New(fault.Forbidden, "fake", "")
	}
	return f.account, f.check(k)
}

func (f *fakeLINE) Profile(_ context.Context, k lumo.Keys, u lumo.LineUserID) (channel.Person, error) {
	if err := f.check(k); err != nil {
		return channel.Person{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	p, ok := f.people[u]
	if !ok {
		return channel.Person{}, fault.New(fault.NotFound, "fake", "")
	}
	return p, nil
}

func (f *fakeLINE) Quota(_ context.Context, k lumo.Keys) (channel.Quota, error) {
	return channel.Quota{Limit: 200, Used: 5, ReadAt: time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)}, f.check(k)
}

func (f *fakeLINE) Verified(_ context.Context, k lumo.Keys) (bool, error) {
	return f.verified, f.check(k)
}

func (f *fakeLINE) Endpoint(_ context.Context, k lumo.Keys) (channel.Endpoint, error) {
	if err := f.check(k); err != nil {
		return channel.Endpoint{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.endpoint, nil
}

func (f *fakeLINE) SetEndpoint(_ context.Context, k lumo.Keys, url string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.endpoint.URL = url
	f.sets++
	return nil
}

func (f *fakeLINE) TestEndpoint(context.Context, lumo.Keys) (channel.WebhookTest, error) {
	return channel.WebhookTest{Success: true, StatusCode: 200, Reason: "OK", Took: 21 * time.Millisecond}, nil
}

func (f *fakeLINE) useWebhook(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.endpoint.Active = on
}
