package connection_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"lumo/core/connection"
	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/lumo"
	"lumo/core/postgres"
	connectionstore "lumo/core/postgres/connection"
	"lumo/core/postgres/postgrestest"
	"lumo/core/postgres/shoptest"
	"lumo/shared/fault"
	"lumo/shared/id"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

const (
	canaryAccess  = "canary-access-token"
	canaryRefresh = "canary-refresh-token"
)

// shop is a shop that connects a Klaviyo which we wrote.
type shop struct {
	*shoptest.Shop
	service *connection.Service
	klaviyo *klaviyo
	log     *bytes.Buffer
	by      connection.Actor
	waited  time.Duration
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{Shop: shoptest.New(t), log: &bytes.Buffer{}}
	s.klaviyo = &klaviyo{now: s.Clock.Now, site: "HnTeaX"}
	s.by = connection.Actor{Member: s.Member, Session: "session one"}
	s.service = s.replica(t, s.DB)
	return s
}

// replica is the service as another process would run it.
func (s *shop) replica(t *testing.T, db *postgres.DB) *connection.Service {
	t.Helper()
	service, err := connection.New(connection.Config{Tenants: db,
		Store: connectionstore.New(s.Vault), Klaviyo: s.klaviyo, Data: s.klaviyo, Channels: s.klaviyo, Fleet: s.klaviyo,
		EdgeURL: "https://edge.example",
		Auditor: s.klaviyo, Watcher: s.klaviyo, NewID: s.ID, Now: s.Clock.Now,
		Wait: func(_ context.Context, d time.Duration) error { s.waited += d; return nil },
		Log:  slog.New(slog.NewTextHandler(s.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return service
}

// begin goes to Klaviyo and answers the state that comes back.
func (s *shop) begin(t *testing.T) string {
	t.Helper()
	address, err := s.service.Begin(t.Context(), s.Merchant, s.by, false)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("state")
}

func (s *shop) connect(t *testing.T) connection.Account {
	t.Helper()
	back, err := s.service.Finish(t.Context(), s.by, connection.Answer{State: s.begin(t), Code: "code"})
	if err != nil || back.Outcome != connection.Connected || back.Slug != "hana" {
		t.Fatalf("got %+v %v", back, err)
	}
	a, err := s.service.Current(t.Context(), s.Merchant)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// klaviyo is the far end, and all that the service tells.
type klaviyo struct {
	mu          sync.Mutex // guards what follows
	now         func() time.Time
	site        string
	verifier    string
	refreshes   int
	slow        chan struct{} // a refresh waits until it is closed
	ended       bool          // refresh tokens are no longer good
	down        bool
	refused     lumo.Secret // an access token that gives 401
	busy        int         // how often it is asked too soon which account it is
	joined      int
	audit       []string
	changed     int
	hooks       []connection.Hook
	hookRefused error
}

func (k *klaviyo) AuthorizeURL(state, verifier string, scopes []string) (string, error) {
	k.verifier = verifier
	return "https://www.klaviyo.com/oauth/authorize?" +
		url.Values{"state": {state}, "scope": {strings.Join(scopes, " ")}}.Encode(), nil
}

func (k *klaviyo) tokens(n string) connection.Tokens {
	return connection.Tokens{Access: lumo.Secret(canaryAccess + n), Refresh: lumo.Secret(canaryRefresh + n),
		ExpiresAt: k.now().Add(time.Hour), Scopes: []string{"accounts:read", "events:write"}}
}

func (k *klaviyo) Exchange(_ context.Context, _, verifier string) (connection.Tokens, error) {
	if verifier != k.verifier {
		return connection.Tokens{}, fault.As(fault.Invalid, "klaviyo", errors.New("wrong verifier"))
	}
	return k.tokens("0"), nil
}

func (k *klaviyo) Refresh(context.Context, lumo.Secret) (connection.Tokens, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refreshes++
	if k.slow != nil {
		<-k.slow
	}
	switch {
	case k.ended:
		return connection.Tokens{}, fault.As(fault.Unauthenticated, "klaviyo", errors.New("invalid_grant"))
	case k.down:
		return connection.Tokens{}, fault.As(fault.Unavailable, "klaviyo", errors.New("503"))
	}
	return k.tokens(strings.Repeat("+", k.refreshes)), nil
}

// tooSoon is Klaviyo's 429.
type tooSoon struct{ error }

func (tooSoon) RetryAfter() time.Duration { return time.Second }

func (k *klaviyo) Account(context.Context, lumo.Secret) (connection.Site, error) {
	if k.busy > 0 {
		k.busy--
		return connection.Site{}, fault.As(fault.Limited, "klaviyo", tooSoon{errors.New("throttled")})
	}
	return connection.Site{ID: k.site, Name: "Hana Tea"}, nil
}

func (k *klaviyo) Profile(_ context.Context, token lumo.Secret, p lumo.ProfileID) (lumo.Profile, error) {
	if token == k.refused {
		return lumo.Profile{}, fault.As(fault.Unauthenticated, "klaviyo", errors.New("401"))
	}
	return lumo.Profile{ID: p, Email: "lumo-example@example.com"}, nil
}

func (k *klaviyo) ProfileByEmail(context.Context, lumo.Secret, string) (lumo.Profile, error) {
	return lumo.Profile{}, fault.As(fault.NotFound, "klaviyo", errors.New("none"))
}

func (k *klaviyo) ProfileByPhone(context.Context, lumo.Secret, string) (lumo.Profile, error) {
	return lumo.Profile{}, fault.As(fault.NotFound, "klaviyo", errors.New("none"))
}

func (k *klaviyo) Flows(context.Context, lumo.Secret) ([]lumo.KlaviyoFlow, error) { return nil, nil }

func (k *klaviyo) FlowWebhooks(context.Context, lumo.Secret, string) ([]lumo.FlowWebhook, error) {
	return nil, nil
}

func (k *klaviyo) EventPage(context.Context, lumo.Secret, lumo.ProfileID, time.Time, string, int) (
	lumo.EventPage, error) {
	return lumo.EventPage{}, nil
}

func (k *klaviyo) ImportProfile(context.Context, lumo.Secret, lumo.ProfileWrite) (
	lumo.ProfileID, time.Duration, error) {
	return "EXAMPLE", 0, nil
}

func (k *klaviyo) CreateEvent(context.Context, lumo.Secret, lumo.ProfileEvent) (time.Duration, error) {
	return 0, nil
}

func (k *klaviyo) JoinAccount(context.Context, lumo.MerchantID, lumo.AccountID) error {
	k.joined++
	return nil
}

func (k *klaviyo) Audit(_ context.Context, e lumo.AuditEntry) error {
	k.audit = append(k.audit, e.Action)
	return nil
}

func (k *klaviyo) AccountChanged(context.Context, lumo.MerchantID, lumo.AccountID) { k.changed++ }

func TestConnectStoresOneSealedPair(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	a := s.connect(t)
	if a.State != connection.Working || a.Site.ID != "HnTeaX" || len(a.Scopes) != 2 || s.klaviyo.joined != 1 {
		t.Errorf("got %+v, joined %d", a, s.klaviyo.joined)
	}
	sealed := shoptest.Get[[]byte](t, s.Shop, "SELECT tokens_enc FROM klaviyo_account WHERE merchant_id = $1")
	if bytes.Contains(sealed, []byte("canary")) || len(sealed) == 0 {
		t.Error("the tokens are not sealed")
	}
	token, err := s.service.Access(t.Context(), s.Merchant, a.ID)
	if err != nil || token.Reveal() != canaryAccess+"0" || s.klaviyo.refreshes != 0 {
		t.Errorf("got %v, %d refreshes", err, s.klaviyo.refreshes)
	}
	again := s.connect(t)
	if again.ID != a.ID {
		t.Error("approving again made another account")
	}
}

func TestTryIsUsedOnceByItsSession(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	stranger, other := s.by, s.by
	stranger.Session, other.Member = "session two", lumo.MemberID(s.ID())
	state := s.begin(t)
	late := s.begin(t)
	answer := func(state string) connection.Answer { return connection.Answer{State: state, Code: "code"} }
	for name, try := range map[string]struct {
		by    connection.Actor
		state string
	}{
		"another session":   {stranger, state},
		"another member":    {other, state},
		"a forged state":    {s.by, "AAAA"},
		"a changed state":   {s.by, state[:len(state)-2] + "AA"},
		"no state whatever": {s.by, ""},
	} {
		back, err := s.service.Finish(t.Context(), try.by, answer(try.state))
		if err == nil || back.Outcome != connection.Failed {
			t.Errorf("%s: got %+v %v", name, back, err)
		}
	}
	s.Clock.Advance(time.Minute)
	s.klaviyo.verifier = "another try's" // Klaviyo refuses the verifier; the try is used all the same
	if back, err := s.service.Finish(t.Context(), s.by, answer(state)); err == nil || back.Outcome != connection.Failed {
		t.Errorf("wrong verifier: got %+v %v", back, err)
	}
	if _, err := s.service.Finish(t.Context(), s.by, answer(state)); !fault.Is(err, fault.NotFound) {
		t.Errorf("used twice: got %v", err)
	}
	s.Clock.Advance(10 * time.Minute)
	if _, err := s.service.Finish(t.Context(), s.by, answer(late)); !fault.Is(err, fault.NotFound) {
		t.Errorf("after ten minutes: got %v", err)
	}
}

func TestRefusalChangesNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	back, err := s.service.Finish(t.Context(), s.by,
		connection.Answer{State: s.begin(t), Error: "access_denied"})
	if err != nil || back.Outcome != connection.Refused || back.Slug != "hana" {
		t.Errorf("got %+v %v", back, err)
	}
	if _, err := s.service.Current(t.Context(), s.Merchant); !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v want no account", err)
	}
}

func TestTwoReplicasRefreshOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	a := s.connect(t)
	s.Clock.Advance(2 * time.Hour)
	replicas := []*connection.Service{s.replica(t, s.DB), s.replica(t, s.Open(t))}
	s.klaviyo.slow = make(chan struct{})
	tokens := make(chan string, 12)
	var asking sync.WaitGroup
	for i := range cap(tokens) {
		asking.Go(func() {
			token, err := replicas[i%2].Access(context.Background(), s.Merchant, a.ID)
			if err != nil {
				t.Error(err)
			}
			tokens <- token.Reveal()
		})
	}
	close(s.klaviyo.slow)
	asking.Wait()
	close(tokens)
	for token := range tokens {
		if token != canaryAccess+"+" {
			t.Errorf("got another token than the refreshed one")
		}
	}
	if s.klaviyo.refreshes != 1 {
		t.Errorf("got %d refreshes want 1", s.klaviyo.refreshes)
	}
}

func TestIdleAccountIsRefreshedDaily(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	a := s.connect(t)
	s.Exec(t, "UPDATE klaviyo_account SET tokens_expire_at = now() + interval '10 years' WHERE merchant_id = $1")
	s.Clock.Advance(25 * time.Hour)
	if _, err := s.service.Access(t.Context(), s.Merchant, a.ID); err != nil || s.klaviyo.refreshes != 1 {
		t.Errorf("got %v, %d refreshes want 1", err, s.klaviyo.refreshes)
	}
}

func TestEndedApprovalWaitsForAPerson(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	a := s.connect(t)
	s.Clock.Advance(2 * time.Hour)
	s.klaviyo.down = true
	if _, err := s.service.Access(t.Context(), s.Merchant, a.ID); !fault.Is(err, fault.Unavailable) {
		t.Errorf("klaviyo down: got %v", err)
	}
	s.klaviyo.down, s.klaviyo.ended = false, true
	for range 2 {
		if _, err := s.service.Access(t.Context(), s.Merchant, a.ID); !fault.Is(err, fault.Forbidden) {
			t.Errorf("ended: got %v want forbidden", err)
		}
	}
	if s.klaviyo.refreshes != 2 {
		t.Errorf("got %d refreshes want none once it is known", s.klaviyo.refreshes)
	}
	got, err := s.service.Current(t.Context(), s.Merchant)
	if err != nil || got.State != connection.Reconnect || got.Problem == "" {
		t.Errorf("got %+v %v", got, err)
	}
	s.klaviyo.ended = false
	if got := s.connect(t); got.State != connection.Working || got.Problem != "" || got.ID != a.ID {
		t.Errorf("reconnected: got %+v", got)
	}
}

func TestRefusedTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	a := s.connect(t)
	s.klaviyo.refused = canaryAccess + "0"
	p, err := s.service.Profile(t.Context(), s.Merchant, a.ID, "P1")
	if err != nil || p.ID != "P1" || s.klaviyo.refreshes != 1 {
		t.Errorf("got %v %v, %d refreshes", p, err, s.klaviyo.refreshes)
	}
	s.klaviyo.refused = canaryAccess + "++"
	s.klaviyo.mu.Lock()
	s.klaviyo.refused = canaryAccess + "+"
	s.klaviyo.mu.Unlock()
	if _, err := s.service.Profile(t.Context(), s.Merchant, a.ID, "P1"); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestExampleIsWrittenAndReadBack(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.connect(t)
	e, err := s.service.Test(t.Context(), s.Merchant, s.by)
	if err != nil || e.Profile.ID != "EXAMPLE" || e.Metric == "" || e.Event["LINE Account"] == nil {
		t.Errorf("got %+v %v", e, err)
	}
}

func TestKlaviyoAccountHasOneMerchant(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.connect(t)
	other := lumo.MerchantID(s.ID())
	data, index, err := s.Vault.NewMerchant(other)
	if err != nil {
		t.Fatal(err)
	}
	err = s.DB.InTenant(t.Context(), other, func(ctx context.Context) error {
		_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO merchant (merchant_id, slug, name, data_key_enc, index_key_enc, created_at, updated_at)
VALUES ($1, 'other', 'Other', $2, $3, now(), now())`, other, data, index)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	address, err := s.service.Begin(t.Context(), other, s.by, false)
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(address)
	back, err := s.service.Finish(t.Context(), s.by,
		connection.Answer{State: u.Query().Get("state"), Code: "code"})
	if !fault.Is(err, fault.Conflict) || back.Outcome != connection.Failed || back.Slug != "other" {
		t.Errorf("got %+v %v want conflict", back, err)
	}
	s.klaviyo.site = "OthrXX"
	back, err = s.service.Finish(t.Context(), s.by, connection.Answer{State: s.begin(t), Code: "code"})
	if !fault.Is(err, fault.Conflict) || back.Outcome != connection.Failed {
		t.Errorf("a second account: got %+v %v want conflict", back, err)
	}
}

func TestAnApprovalWaitsUntilKlaviyoAnswersWhoseItIs(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.klaviyo.busy = 2
	s.connect(t)
	if s.waited != 2*time.Second {
		t.Errorf("waited %s", s.waited)
	}
	s.klaviyo.busy = 100 // not for ever
	back, err := s.service.Finish(t.Context(), s.by, connection.Answer{State: s.begin(t), Code: "code"})
	if !fault.Is(err, fault.Limited) || back.Outcome != connection.Failed {
		t.Errorf("got %+v %v", back, err)
	}
}

func TestTokensAreInNoLogAndNoError(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	a := s.connect(t)
	s.Clock.Advance(2 * time.Hour)
	s.klaviyo.ended = true
	_, err := s.service.Access(t.Context(), s.Merchant, a.ID)
	if text := s.log.String() + err.Error(); strings.Contains(text, "canary") {
		t.Errorf("a token stands in %s", text)
	}
}

func FuzzMerchantOf(f *testing.F) {
	f.Add("")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, state string) {
		m, ok := connection.MerchantOf(state)
		if ok == (id.ID(m).IsZero()) {
			t.Errorf("got %v %v", m, ok)
		}
	})
}

func (k *klaviyo) CreateHook(_ context.Context, _ lumo.Secret, h connection.Hook) (string, error) {
	k.hooks = append(k.hooks, h)
	return "01JHOOK", k.hookRefused
}

func (k *klaviyo) Changed(context.Context, lumo.MerchantID, uint8, []byte) error { return nil }
func (k *klaviyo) WaitApplied(context.Context, time.Duration) error              { return nil }

func TestKlaviyoIsToldOnceWhereToReportMerges(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	a := s.connect(t)
	for range 2 {
		if err := s.service.EnsureHook(t.Context(), s.Merchant, a.ID); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.klaviyo.hooks) != 1 {
		t.Fatalf("%d webhooks were made", len(s.klaviyo.hooks))
	}
	hook := s.klaviyo.hooks[0]
	if !strings.HasPrefix(hook.URL, "https://edge.example/hooks/klaviyo/system/") || len(hook.Secret.Reveal()) < 16 {
		t.Errorf("got %s, secret of %d", hook.URL, len(hook.Secret.Reveal()))
	}
	body, at := []byte(`{"data":[]}`), "1795521600"
	r := lumo.EdgeRequest{Body: body, Auth: lumo.AuthUnchecked, Header: map[string]string{"Klaviyo-Timestamp": at,
		"Klaviyo-Signature": klaviyotest.SignHook(hook.Secret.Reveal(), body, at)}}
	if ok, err := s.service.Genuine(t.Context(), s.Merchant, a.ID, r); !ok || err != nil {
		t.Errorf("Klaviyo's own: got %v %v", ok, err)
	}
	r.Header["Klaviyo-Signature"] = klaviyotest.SignHook("another secret entirely", body, at)
	if ok, _ := s.service.Genuine(t.Context(), s.Merchant, a.ID, r); ok {
		t.Error("a forged notice counts")
	}
}

func TestAnAccountWithoutThePermissionGoesOnWithoutNotices(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	a := s.connect(t)
	s.klaviyo.hookRefused = fault.New(fault.Forbidden, "klaviyo", "")
	for range 2 {
		if err := s.service.EnsureHook(t.Context(), s.Merchant, a.ID); err != nil {
			t.Fatalf("got %v, want the refusal noted", err)
		}
	}
}
