package linkpage_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"lumo/core/channel"
	"lumo/core/line"
	"lumo/core/line/linetest"
	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/postgres"
	channelstore "lumo/core/postgres/channel"
	linkagestore "lumo/core/postgres/linkage"
	"lumo/core/postgres/postgrestest"
	"lumo/core/postgres/shoptest"
	"lumo/core/web/linkpage"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/token"
	"lumo/shared/webhooksig"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

const profile = "01JD4E1S4E5A0YR5M0T2N7X9QA"

// journey is everything between a scan and the page at the end: LINE's fake with a phone, an
// edge that does what the modules do, and the core's capabilities on PostgreSQL.
type journey struct {
	*shoptest.Shop
	line     *linetest.Server
	access   string
	edge     *httptest.Server
	channels *channel.Service
	linkage  *linkage.Service
	pages    *linkpage.Pages
	channel  channel.Channel
	code     linkage.Code
	logs     syncBuffer
}

// syncBuffer takes logs of several goroutines.
type syncBuffer struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func newJourney(t *testing.T, change func(*linetest.Channel)) *journey {
	t.Helper()
	j := &journey{Shop: shoptest.New(t)}
	j.AddAccount(t)
	account := linetest.DemoChannel
	account.UseWebhook = true
	if change != nil {
		change(&account)
	}
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		j.line.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(vendor.Close)
	j.access = vendor.URL + "/line-access"
	j.line = linetest.New(linetest.Config{Now: j.Clock.Now, Channels: []linetest.Channel{account},
		AccessURL: j.access})
	j.edge = httptest.NewServer(j.serveEdge())
	t.Cleanup(j.edge.Close)
	client, err := line.New(line.Config{API: vendor.URL + "/line-api", Now: j.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	j.build(t, client)
	j.connect(t, account)
	return j
}

func (j *journey) build(t *testing.T, client *line.Client) {
	t.Helper()
	log := slog.New(slog.NewJSONHandler(&j.logs, nil))
	cs, ls := channelstore.New(j.Vault), linkagestore.New(j.Vault)
	others := &others{shop: j.Shop}
	var err error
	j.channels, err = channel.New(channel.Config{Directory: channel.NewDirectory(j.DB, j.DB, cs, cs),
		Tenants: j.DB, Systems: j.DB, Channels: cs, Friends: cs, Requests: cs, Work: cs, Accounts: client,
		Hooks: client, Read: line.ReadWebhook, Recorder: others, Profiles: others, Fleet: others,
		Auditor: others, Joiner: linkage.NewJoiner(j.DB, ls, ls, channel.NewDirectory(j.DB, j.DB, cs, cs), others, j.Clock.Now), Watcher: others,
		EdgeURL: j.edge.URL, NewID: j.ID, Now: j.Clock.Now, Log: log, Owner: "core-1"})
	if err != nil {
		t.Fatal(err)
	}
	j.linkage, err = linkage.New(linkage.Config{Directory: linkage.NewDirectory(j.DB, ls, j.channels),
		Tenants: j.DB, Links: ls, States: ls, Codes: ls, Forms: ls, Settings: ls, Health: ls, Tokens: ls, Greeter: others, Messages: others,
		Upkeep: cs, Hooks: others, Pages: others, Channels: j.channels, Friends: j.channels, Merchants: others,
		LINE: client, Profiles: others, Recorder: others, Outbox: others, Fleet: others,
		Auditor: others, Watcher: others, EdgeURL: j.edge.URL, NewID: j.ID, Now: j.Clock.Now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if j.pages, err = linkpage.New(j.linkage, j.channels, others); err != nil {
		t.Fatal(err)
	}
}

func (j *journey) connect(t *testing.T, a linetest.Channel) {
	t.Helper()
	var err error
	j.channel, err = j.channels.Connect(t.Context(), j.Merchant, channel.Actor{}, channel.Keys{
		Messaging: lumo.Keys{ID: a.MessagingID, Secret: a.MessagingSecret},
		Login:     lumo.Keys{ID: a.LoginID, Secret: a.LoginSecret}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := j.channels.SetWebhook(t.Context(), j.Merchant, j.channel.ID, channel.Actor{}, false)
	if err != nil || !got.Set || !got.Tested {
		t.Fatalf("webhook: got %+v %v", got, err)
	}
	j.code, err = j.linkage.CreateCode(t.Context(), j.Merchant, j.channel.ID, j.Member,
		linkage.NewCode{IdentifyBy: linkage.ByProfile, CodeContent: linkage.CodeContent{Name: "Newsletter"}})
	if err != nil {
		t.Fatal(err)
	}
}

// serveEdge does what hookauth.wasm and qr.wasm do.
func (j *journey) serveEdge() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hooks/line/{key}", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		signature := r.Header.Get("X-Line-Signature")
		if !webhooksig.VerifyLINE(linetest.DemoChannel.MessagingSecret, body, signature) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		in := j.request(r, lumo.AuthVerified, body)
		in.Merchant, in.Subject = j.Merchant, id.ID(j.channel.ID)
		j.answer(w, func() (lumo.EdgeAnswer, error) { return j.channels.HandleEdge(r.Context(), in) })
	})
	mux.HandleFunc("GET /q/{code}", j.scan)
	mux.HandleFunc("/link/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		in := j.request(r, lumo.AuthUnchecked, body)
		if c, err := r.Cookie(edgeapi.LinkCookie); err == nil {
			in.Header[edgeapi.HeaderLinkCookie] = c.Value
		}
		j.answer(w, func() (lumo.EdgeAnswer, error) { return j.pages.HandleEdge(r.Context(), in) })
	})
	return mux
}

func (j *journey) request(r *http.Request, auth lumo.EdgeAuth, body []byte) lumo.EdgeRequest {
	return lumo.EdgeRequest{ID: lumo.RequestID(j.ID()), ReceivedAt: j.Clock.Now(), Auth: auth, Method: r.Method,
		Target: r.URL.RequestURI(), Body: body, Header: map[string]string{
			"X-Line-Signature": r.Header.Get("X-Line-Signature"), "Accept-Language": r.Header.Get("Accept-Language")}}
}

func (j *journey) answer(w http.ResponseWriter, work func() (lumo.EdgeAnswer, error)) {
	got, err := work()
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	for name, value := range got.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(got.Status)
	_, _ = w.Write(got.Body)
}

// scan seals the claim and leads to LINE Login.
func (j *journey) scan(w http.ResponseWriter, r *http.Request) {
	key, err := j.channels.StateKey(r.Context(), j.Merchant, j.channel.ID, 1)
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	st := token.State{ID: j.ID(), Issued: uint32(j.Clock.Now().Unix()), Language: "ja", Code: r.PathValue("code"),
		Claim: token.ClaimProfile, Value: r.URL.Query().Get("k")}
	if r.URL.Query().Get("u") == "1" {
		st.Claim, st.Value = token.ClaimUnlink, ""
	}
	header := token.StateHeader{Channel: j.channel.Number, Key: 1}
	rand.Read(header.Nonce[:])
	sealed, err := token.SealState(header, [32]byte(key), st)
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: edgeapi.LinkCookie, Path: "/", MaxAge: 600, Secure: true, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Value: base64.RawURLEncoding.EncodeToString(st.ID[:])})
	http.Redirect(w, r, j.access+"/oauth2/v2.1/authorize?"+url.Values{"response_type": {"code"},
		"client_id": {j.channel.LoginChannelID}, "redirect_uri": {j.edge.URL + "/link/callback"}, "state": {sealed},
		"scope": {"profile openid"}, "nonce": {token.Nonce(key, st.ID)}, "bot_prompt": {"aggressive"},
		"code_challenge":        {token.Challenge(token.Verifier(key, st.ID))},
		"code_challenge_method": {"S256"}}.Encode(), http.StatusFound)
}

// login scans the code as a person does and answers LINE's consent screen.
func (j *journey) login(t *testing.T, person, query string, c linetest.Choice) linetest.Page {
	t.Helper()
	pages, err := j.line.Open(t.Context(), person, j.edge.URL+"/q/"+j.code.Key+query)
	if err != nil {
		t.Fatal(err)
	}
	last := pages[len(pages)-1]
	if last.Login == nil { // LINE asks only once
		return last
	}
	c.Request = last.Login.Request
	pages, err = j.line.Consent(t.Context(), person, c)
	if err != nil {
		t.Fatal(err)
	}
	return pages[len(pages)-1]
}

func (j *journey) friend(t *testing.T) lumo.Friend {
	t.Helper()
	_, f, err := j.linkage.ByProfile(t.Context(), j.Merchant, j.channel.ID, profile)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

const linkedText = "連携が完了しました。"

func TestScanEndsInALinkWhateverComesFirst(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"follow_first", linetest.CallbackFirst} {
		j := newJourney(t, nil)
		page := j.login(t, "yuki", "?k="+profile, linetest.Choice{AddFriend: true, Order: order})
		if page.Status != 200 || !strings.Contains(page.Text, linkedText) {
			t.Fatalf("%s: got %d %s", order, page.Status, page.Text)
		}
		f := j.friend(t)
		if f.DisplayName != "Yuki S." || f.FollowStatus != lumo.Following || f.Consent != lumo.ConsentGiven ||
			string(f.Line) != linetest.UserID(linetest.DemoChannel.Provider, "yuki") {
			t.Errorf("%s: got %+v", order, f)
		}
		source := shoptest.Get[string](t, j.Shop, `SELECT consent_source FROM friend WHERE merchant_id = $1`)
		if source != "friend_added" {
			t.Errorf("%s: consent by %s, want the follow event", order, source)
		}
		codes, err := j.linkage.Codes(t.Context(), j.Merchant, j.channel.ID)
		if err != nil || codes[0].Friends != 1 || codes[0].Links != 1 {
			t.Errorf("%s: code counts %+v %v", order, codes[0], err)
		}
		if again := j.line.CurrentPage("yuki"); again == nil || strings.Contains(again.URL, profile) {
			t.Errorf("%s: the page's address names the customer: %+v", order, again)
		}
	}
}

func TestReturnInAnotherBrowserAsksAndLinksOnTheClick(t *testing.T) {
	t.Parallel()
	j := newJourney(t, nil)
	page := j.login(t, "yuki", "?k="+profile, linetest.Choice{AddFriend: true, OtherBrowser: true})
	if page.Status != 200 || len(page.Forms) != 1 || strings.Contains(page.Text, "Yuki") {
		t.Fatalf("got %+v", page)
	}
	if n := shoptest.Get[int](t, j.Shop, `SELECT count(*) FROM identity_link WHERE merchant_id = $1`); n != 0 {
		t.Fatal("linked before the click")
	}
	pages, err := j.line.SubmitForm(t.Context(), "yuki", linetest.Submission{OtherBrowser: true})
	if err != nil || !strings.Contains(pages[len(pages)-1].Text, linkedText) {
		t.Fatalf("got %+v %v", pages, err)
	}
	j.friend(t)
}

func TestReturnThatWasUsedLinksNobody(t *testing.T) {
	t.Parallel()
	j := newJourney(t, nil)
	page := j.login(t, "yuki", "?k="+profile, linetest.Choice{AddFriend: true})
	for name, address := range map[string]string{"replayed": page.URL,
		"altered": strings.Replace(page.URL, "state=A", "state=B", 1)} {
		pages, err := j.line.Open(t.Context(), "mio", address)
		if err != nil {
			t.Fatal(err)
		}
		last := pages[len(pages)-1]
		if last.Status != 400 || !strings.Contains(last.Text, "このリンクは使用できません。") {
			t.Errorf("%s: got %d %s", name, last.Status, last.Text)
		}
	}
	if n := shoptest.Get[int](t, j.Shop, `SELECT count(*) FROM friend WHERE merchant_id = $1`); n != 1 {
		t.Errorf("%d friends, want only the one who signed in", n)
	}
}

func TestPersonWhoAddsNoFriendIsLinkedAndNotReachable(t *testing.T) {
	t.Parallel()
	j := newJourney(t, nil)
	page := j.login(t, "yuki", "?k="+profile, linetest.Choice{})
	if !strings.Contains(page.Text, linkedText) || len(page.Links) != 1 {
		t.Fatalf("got %+v", page)
	}
	if f := j.friend(t); f.FollowStatus != lumo.NotFriend || f.Consent != lumo.ConsentUnknown {
		t.Errorf("got %+v", f)
	}
	if err := j.line.Follow("yuki", linetest.DemoChannel.MessagingID); err != nil {
		t.Fatal(err)
	}
	j.line.Deliver(t.Context())
	if f := j.friend(t); f.FollowStatus != lumo.Following {
		t.Errorf("after adding: got %+v", f)
	}
}

func TestBlockAndComeBack(t *testing.T) {
	t.Parallel()
	j := newJourney(t, nil)
	j.login(t, "yuki", "?k="+profile, linetest.Choice{AddFriend: true})
	j.Clock.Advance(60e9)
	if err := j.line.Block("yuki", linetest.DemoChannel.MessagingID); err != nil {
		t.Fatal(err)
	}
	j.line.Deliver(t.Context())
	if f := j.friend(t); f.FollowStatus != lumo.Blocked || f.Consent != lumo.ConsentWithdrawn {
		t.Errorf("blocked: got %+v", f)
	}
	j.Clock.Advance(60e9)
	if err := j.line.Unblock("yuki", linetest.DemoChannel.MessagingID); err != nil {
		t.Fatal(err)
	}
	j.line.Deliver(t.Context())
	if f := j.friend(t); f.FollowStatus != lumo.Following || f.Consent != lumo.ConsentGiven {
		t.Errorf("back: got %+v", f)
	}
}

func TestFriendUnlinksByThePage(t *testing.T) {
	t.Parallel()
	j := newJourney(t, nil)
	j.login(t, "yuki", "?k="+profile, linetest.Choice{AddFriend: true})
	page := j.login(t, "yuki", "?u=1", linetest.Choice{})
	if len(page.Forms) != 1 {
		t.Fatalf("got %+v", page)
	}
	pages, err := j.line.SubmitForm(t.Context(), "yuki", linetest.Submission{})
	if err != nil || !strings.Contains(pages[len(pages)-1].Text, "連携を解除しました。") {
		t.Fatalf("got %+v %v", pages, err)
	}
	if _, _, err := j.linkage.ByProfile(t.Context(), j.Merchant, j.channel.ID, profile); !fault.Is(err, fault.NotFound) {
		t.Errorf("still linked: %v", err)
	}
}

func TestWrongProviderShowsInThePreflight(t *testing.T) {
	t.Parallel()
	for provider, want := range map[string]channel.RowState{"": channel.Good, "prv_agency": channel.Bad} {
		j := newJourney(t, func(c *linetest.Channel) { c.LoginProvider = provider })
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- j.channels.RunQuestions(ctx) }()
		j.login(t, "yuki", "?k="+profile, linetest.Choice{AddFriend: true})
		j.eventually(t, func() bool {
			rows, err := j.channels.Preflight(t.Context(), j.Merchant, j.channel.ID)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				if r.Code == "provider" {
					return r.State == want
				}
			}
			return false
		})
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestNothingOfThePersonOrTheKeysIsLogged(t *testing.T) {
	t.Parallel()
	j := newJourney(t, func(c *linetest.Channel) { c.Unlinked = true }) // the friendship cannot be read
	j.login(t, "yuki", "?k="+profile, linetest.Choice{})
	logs := j.logs.String()
	if logs == "" {
		t.Fatal("nothing was logged, so this proves nothing")
	}
	for _, canary := range []string{linetest.UserID(linetest.DemoChannel.Provider, "yuki"), "Yuki",
		linetest.DemoChannel.MessagingSecret, linetest.DemoChannel.LoginSecret, profile} {
		if strings.Contains(logs, canary) {
			t.Errorf("the log holds %q", canary)
		}
	}
}

// others plays the capabilities that hear of what happens here.
type others struct{ shop *shoptest.Shop }

func (o *others) Record(ctx context.Context, f lumo.Fact) error {
	data, err := json.Marshal(f.Data)
	if err != nil {
		return err
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO friend_event (merchant_id, id, friend_id, channel_id, kind, source, occurred_at, data, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce($8::jsonb, '{}'), now())`,
		f.Merchant, o.shop.ID(), f.Friend, f.Channel, string(f.Kind), f.Source, f.OccurredAt, data)
	return postgres.Fault("test.Record", err)
}

func (o *others) Merchant(context.Context, lumo.MerchantID) (lumo.Merchant, error) {
	return lumo.Merchant{ID: o.shop.Merchant, Name: "Hana Tea", Language: "ja"}, nil
}

func (o *others) Profile(_ context.Context, _ lumo.MerchantID, _ lumo.AccountID, p lumo.ProfileID) (
	lumo.Profile, error) {
	return lumo.Profile{ID: p}, nil
}

func (o *others) ProfileByEmail(context.Context, lumo.MerchantID, lumo.AccountID, string) (
	lumo.Profile, error) {
	return lumo.Profile{}, fault.New(fault.NotFound, "test", "")
}

func (o *others) ProfileByPhone(context.Context, lumo.MerchantID, lumo.AccountID, string) (
	lumo.Profile, error) {
	return lumo.Profile{}, fault.New(fault.NotFound, "test", "")
}

func (o *others) LinkMade(context.Context, lumo.Link, id.ID) error { return nil }
func (o *others) LinkEnded(context.Context, lumo.Friend, lumo.Channel, lumo.Link, string) error {
	return nil
}
func (o *others) ProfileChanged(context.Context, lumo.MerchantID, lumo.FriendID) error { return nil }
func (o *others) Changed(context.Context, lumo.MerchantID, uint8, []byte) error        { return nil }
func (o *others) WaitApplied(context.Context, time.Duration) error                     { return nil }
func (o *others) Audit(context.Context, lumo.AuditEntry) error                         { return nil }
func (o *others) ChannelChanged(context.Context, lumo.MerchantID, lumo.ChannelID)      {}
func (o *others) FriendChanged(context.Context, lumo.MerchantID, lumo.ChannelID, lumo.FriendID) {
}
func (o *others) LinkChanged(context.Context, lumo.MerchantID, lumo.Link, bool)             {}
func (o *others) CodeChanged(context.Context, lumo.MerchantID, lumo.ChannelID, lumo.CodeID) {}

// eventually waits for what another goroutine does, by looking often, never by hoping.
func (j *journey) eventually(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(time.Minute)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("did not happen")
		}
	}
}

func (o *others) Saved(context.Context, lumo.MerchantID, lumo.ChannelID, lumo.MessageID) (linkage.Saved, error) {
	return linkage.Saved{}, nil
}

func (o *others) Greet(context.Context, lumo.MerchantID, lumo.Friend, linkage.Code) error { return nil }
func (o *others) ProfileMoved(context.Context, lumo.Link, lumo.ProfileID) error           { return nil }
func (o *others) ProfileGone(context.Context, lumo.Link) error                            { return nil }
func (o *others) ReviewChanged(context.Context, lumo.MerchantID, lumo.ChannelID)          {}
func (o *others) Page(context.Context, string) (string, error)                            { return "", nil }
func (o *others) Read([]byte) ([]linkage.SystemEvent, error)                              { return nil, nil }
func (o *others) Genuine(context.Context, lumo.MerchantID, lumo.AccountID, lumo.EdgeRequest) (bool, error) {
	return false, nil
}
func (o *others) LastOrder(context.Context, lumo.MerchantID, lumo.AccountID, lumo.ProfileID) (time.Time, error) {
	return time.Time{}, nil
}
func (o *others) Forms(context.Context, lumo.MerchantID, lumo.AccountID) ([]linkage.KlaviyoForm, error) {
	return nil, nil
}
