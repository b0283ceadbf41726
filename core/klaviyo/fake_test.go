package klaviyo_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lumo/core/connection"
	"lumo/core/klaviyo"
	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/vendortest"
	"lumo/shared/fault"
)

const verifier = "verifier-verifier-verifier-verifier-verifier-123"

// connected is a client with a token of the fake's demo account.
type connected struct {
	*klaviyo.Client
	fake     *klaviyotest.Server
	clock    *vendortest.Clock
	contract *contract
	tokens   connection.Tokens
}

func connect(t *testing.T) *connected {
	t.Helper()
	c := &connected{clock: vendortest.Fixed(now()), contract: newContract(t, "/klaviyo-api")}
	c.fake = klaviyotest.New(klaviyotest.Config{Now: c.clock.Now})
	address, stop, err := c.fake.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	app := klaviyotest.DemoAccount
	c.Client, err = klaviyo.New(klaviyo.Config{API: address + "/klaviyo-api", Web: address + "/klaviyo-web",
		ClientID: app.ClientID, ClientSecret: app.ClientSecret,
		RedirectURL: "http://127.0.0.1:8080/oauth/klaviyo/callback",
		HTTP:        &http.Client{Transport: c.contract}, Now: c.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	c.tokens = c.approve(t)
	return c
}

// approve goes through Klaviyo's consent page.
func (c *connected) approve(t *testing.T) connection.Tokens {
	t.Helper()
	var scopes []string
	for _, s := range connection.Scopes() {
		scopes = append(scopes, s.Name)
	}
	scopes = append(scopes, connection.Optional().Name)
	page, err := c.AuthorizeURL("state-1", verifier, scopes)
	if err != nil {
		t.Fatal(err)
	}
	back, err := c.fake.Decide(page, "", true)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(back)
	if err != nil || u.Query().Get("state") != "state-1" {
		t.Fatalf("got %s %v", back, err)
	}
	if _, err := c.Exchange(t.Context(), u.Query().Get("code"), "wrong"+verifier); err == nil {
		t.Error("a wrong verifier was taken")
	}
	if back, err = c.fake.Decide(page, "", true); err != nil { // a code works once, even in vain
		t.Fatal(err)
	}
	u, _ = url.Parse(back)
	tokens, err := c.Exchange(t.Context(), u.Query().Get("code"), verifier)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(tokens.Scopes, " "); got != strings.Join(scopes, " ") {
		t.Errorf("got scopes %s", got)
	}
	return tokens
}

func TestFakeAccountIsConnectedAndRefreshed(t *testing.T) {
	t.Parallel()
	c := connect(t)
	site, err := c.Account(t.Context(), c.tokens.Access)
	if err != nil || site.ID != "HnTeaX" || site.Name != "Hana Tea" {
		t.Errorf("got %+v %v", site, err)
	}
	c.clock.Advance(2 * time.Hour)
	if _, err := c.Account(t.Context(), c.tokens.Access); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("an old token: got %v", err)
	}
	fresh, err := c.Refresh(t.Context(), c.tokens.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Account(t.Context(), fresh.Access); err != nil {
		t.Errorf("a fresh token: got %v", err)
	}
	c.fake.Uninstall("HnTeaX")
	if _, err := c.Refresh(t.Context(), fresh.Refresh); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("after uninstalling: got %v", err)
	}
}

func TestFakeTakesWhatLumoWrites(t *testing.T) {
	t.Parallel()
	c := connect(t)
	token := c.tokens.Access
	id, _, err := c.ImportProfile(t.Context(), token, lumo.ProfileWrite{ID: klaviyotest.DemoYuki,
		Set: map[string]any{"LINE User ID": "U1", "LINE Consent": "given"}})
	if err != nil || id != klaviyotest.DemoYuki {
		t.Fatalf("got %v %v", id, err)
	}
	if _, _, err := c.ImportProfile(t.Context(), token, lumo.ProfileWrite{ID: klaviyotest.DemoYuki,
		Unset: []string{"LINE Consent"}}); err != nil {
		t.Fatal(err)
	}
	p, err := c.Profile(t.Context(), token, klaviyotest.DemoYuki)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"LINE User ID": "U1", "Favourite Tea": "Sencha"}
	if diff := cmp.Diff(want, p.Properties); diff != "" || p.Email != "yuki@customer.example" {
		t.Errorf("got %+v %s", p, diff)
	}
	for range 2 { // again after a lost answer
		if _, err := c.CreateEvent(t.Context(), token, lumo.ProfileEvent{Profile: klaviyotest.DemoYuki,
			Metric: "Sent LINE Message", UniqueID: "chn_1:sent:7", OccurredAt: now(),
			Properties: map[string]any{"LINE Account": "Hana Tea"}}); err != nil {
			t.Fatal(err)
		}
	}
	c.clock.Advance(time.Minute)
	page, err := c.EventPage(t.Context(), token, klaviyotest.DemoYuki, now().Add(-time.Hour), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	var refs []string
	for _, e := range page.Events {
		refs = append(refs, e.Ref)
	}
	if strings.Count(strings.Join(refs, " "), "chn_1:sent:7") != 1 {
		t.Errorf("got %v want the event once", refs)
	}
	if c.contract.router != nil && len(c.contract.seen) < 4 {
		t.Errorf("only %v were checked", c.contract.seen)
	}
}

func TestFakeGivesOneProfilesEventsOfATimeNewestFirst(t *testing.T) {
	t.Parallel()
	c := connect(t)
	for name, h := range map[string]klaviyotest.Happening{
		"old":    {Profile: klaviyotest.DemoYuki, Time: now().Add(-40 * 24 * time.Hour)},
		"first":  {Profile: klaviyotest.DemoYuki, Time: now().Add(-3 * time.Hour)},
		"second": {Profile: klaviyotest.DemoYuki, Time: now().Add(-2 * time.Hour)},
		"third":  {Profile: klaviyotest.DemoYuki, Time: now().Add(-time.Hour)},
		"mios":   {Profile: klaviyotest.DemoMio, Time: now().Add(-time.Hour)},
	} {
		h.Metric, h.UniqueID, h.Backfill = "Cart", name, true
		h.Properties = map[string]any{"Item": name}
		if _, err := c.fake.Happen("", h); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	after := ""
	for range 5 { // one more than there are
		page, err := c.EventPage(t.Context(), c.tokens.Access, klaviyotest.DemoYuki, now().Add(-35*24*time.Hour), after, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			if e.Properties["Item"] != nil {
				got = append(got, e.Metric+" "+e.Ref+" "+e.OccurredAt.Sub(now()).String())
			}
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"Cart third -1h0m0s", "Cart second -2h0m0s", "Cart first -3h0m0s"}, got); diff != "" {
		t.Error(diff)
	}
	c.fake.Faults().Add(vendortest.Fault{API: "klaviyo.events_read", Kind: "429"})
	_, err := c.EventPage(t.Context(), c.tokens.Access, klaviyotest.DemoYuki, now(), "", 1)
	var refused *klaviyo.Error
	if !fault.Is(err, fault.Limited) || !asError(err, &refused) || refused.RetryAfter() <= 0 {
		t.Errorf("throttled: got %v", err)
	}
}

func TestFakeFindsAndRefusesProfiles(t *testing.T) {
	t.Parallel()
	c := connect(t)
	token := c.tokens.Access
	for name, find := range map[string]func() (lumo.Profile, error){
		"email": func() (lumo.Profile, error) { return c.ProfileByEmail(t.Context(), token, "mio@customer.example") },
		"phone": func() (lumo.Profile, error) { return c.ProfileByPhone(t.Context(), token, "+819012345602") },
	} {
		if p, err := find(); err != nil || p.ID != klaviyotest.DemoMio {
			t.Errorf("%s: got %+v %v", name, p, err)
		}
	}
	if _, err := c.ProfileByEmail(t.Context(), token, "nobody@customer.example"); !fault.Is(err, fault.NotFound) {
		t.Errorf("nobody: got %v", err)
	}
	if _, err := c.Profile(t.Context(), token, "01ARZ3NDEKTSV4RRFFQ69G5FAV"); !fault.Is(err, fault.NotFound) {
		t.Errorf("no such id: got %v", err)
	}
	_, _, err := c.ImportProfile(t.Context(), token, lumo.ProfileWrite{ID: "01ARZ3NDEKTSV4RRFFQ69G5FAV"})
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("import of no such id: got %v", err)
	}
	_, _, err = c.ImportProfile(t.Context(), token, lumo.ProfileWrite{Email: "yuki@customer.example", Phone: "+819012345602"})
	var refused *klaviyo.Error
	if !fault.Is(err, fault.Conflict) || !asError(err, &refused) || refused.Duplicate() == "" {
		t.Errorf("two customers' identifiers: got %v", err)
	}
	_, _, err = c.ImportProfile(t.Context(), token, lumo.ProfileWrite{Email: "x@customer.example", Phone: "090-1234"})
	if !fault.Is(err, fault.Invalid) || !asError(err, &refused) || !strings.HasSuffix(refused.Field(), "/phone_number") {
		t.Errorf("bad phone: got %v %+v", err, refused)
	}
	c.fake.Faults().Add(vendortest.Fault{API: "klaviyo.events", Kind: "429"})
	wait, err := c.CreateEvent(t.Context(), token, lumo.ProfileEvent{Profile: klaviyotest.DemoYuki, Metric: "x",
		UniqueID: "1", OccurredAt: now()})
	if !fault.Is(err, fault.Limited) || wait <= 0 {
		t.Errorf("throttled: got %v, wait %v", err, wait)
	}
}

func TestSegmentsAreReadPageByPage(t *testing.T) {
	t.Parallel()
	c := connect(t)
	for n := range 130 {
		email := "c" + strconv.Itoa(n) + "@customer.example"
		if _, err := c.fake.AddProfile("HnTeaX", klaviyotest.Profile{Email: email,
			Properties: map[string]any{"LINE User ID": "U" + strings.Repeat("a", 32)}}); err != nil {
			t.Fatal(err)
		}
	}
	made, err := c.fake.SetSegment("HnTeaX", klaviyotest.Segment{Name: "Old tool", Property: "LINE User ID",
		Operator: "is_set"})
	if err != nil {
		t.Fatal(err)
	}
	c.fake.Work(t.Context())
	list, err := c.Segments(t.Context(), c.tokens.Access)
	if err != nil || !slices.ContainsFunc(list, func(s linkage.Segment) bool { return s.ID == made.ID && s.Name == "Old tool" }) {
		t.Errorf("got %+v %v", list, err)
	}
	size, err := c.SegmentSize(t.Context(), c.tokens.Access, made.ID)
	if err != nil || size != 130 {
		t.Errorf("got size %d %v", size, err)
	}
	seen := map[lumo.ProfileID]bool{}
	for after, more := "", true; more; {
		page, err := c.SegmentMembers(t.Context(), c.tokens.Access, made.ID, after, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page.Members {
			seen[m.ID] = m.Properties["LINE User ID"] != nil
		}
		after, more = page.Next, page.Next != ""
	}
	if len(seen) != 130 {
		t.Errorf("read %d customers of 130", len(seen))
	}
	c.fake.Faults().Add(vendortest.Fault{API: "klaviyo.segments", Kind: "429"})
	var says interface{ RetryAfter() time.Duration }
	_, err = c.SegmentMembers(t.Context(), c.tokens.Access, made.ID, "", 100)
	if !fault.Is(err, fault.Limited) || !errors.As(err, &says) {
		t.Errorf("a storm: got %v", err)
	}
}

func TestCustomersAreFoundManyAtOnce(t *testing.T) {
	t.Parallel()
	c := connect(t)
	values := []string{"yuki@customer.example", "mio@customer.example", "quoted\"@customer.example"}
	for n := range 120 {
		values = append(values, "nobody"+strconv.Itoa(n)+"@customer.example")
	}
	found, _, err := c.FindProfiles(t.Context(), c.tokens.Access, linkage.FieldEmail, values)
	if err != nil || len(found) != 2 {
		t.Fatalf("got %d customers %v", len(found), err)
	}
	found, _, err = c.FindProfiles(t.Context(), c.tokens.Access, linkage.FieldPhone, []string{"+819012345602"})
	if err != nil || len(found) != 1 || found[0].ID != klaviyotest.DemoMio || found[0].FirstName != "Mio" {
		t.Errorf("got %+v %v", found, err)
	}
}

// A flow is made in draft; its key and its state are changed inside Klaviyo, and nothing else
// of it, nor webhooks of other addresses.
func TestAFlowIsMadeAndItsWebhooksAreChanged(t *testing.T) {
	t.Parallel()
	c := connect(t)
	ctx, token := t.Context(), c.tokens.Access
	metrics, err := c.Metrics(ctx, token)
	i := slices.IndexFunc(metrics, func(m lumo.KlaviyoMetric) bool { return m.Name == klaviyotest.DemoMetric })
	if err != nil || i < 0 {
		t.Fatalf("got %v %v", metrics, err)
	}
	const address = "http://127.0.0.1:9/hooks/klaviyo/flow/abc"
	made, err := c.CreateFlow(ctx, token, lumo.NewFlow{Name: "Cart by LINE 🍵 茶", Metric: metrics[i].ID, URL: address,
		Header: "Lumo-Flow-Key", Value: "lfk_1_old", Body: `{"profile_id":"{{ person.KlaviyoID }}"}`})
	if err != nil || made == "" {
		t.Fatalf("got %q %v", made, err)
	}
	if all, err := c.Flows(ctx, token); err != nil || !slices.ContainsFunc(all, func(f lumo.KlaviyoFlow) bool { return f.Name == "Cart by LINE 🍵 茶" }) {
		t.Errorf("names as people gave them: got %+v %v", all, err)
	}
	hooks, err := c.FlowWebhooks(ctx, token, made)
	if err != nil || len(hooks) != 1 || hooks[0].Status != "draft" || hooks[0].URL != address {
		t.Fatalf("got %+v %v", hooks, err)
	}
	for _, change := range []struct {
		lumo.WebhookChange
		want int
	}{{lumo.WebhookChange{URL: address + "d", Status: "live"}, 0},
		{lumo.WebhookChange{URL: address, Header: "Lumo-Flow-Key", Value: "lfk_2_new"}, 1},
		{lumo.WebhookChange{URL: address, Status: "live"}, 1}} {
		c.clock.Advance(10 * time.Second) // Klaviyo allows few of these
		if n, err := c.ChangeWebhooks(ctx, token, made, change.WebhookChange); err != nil || n != change.want {
			t.Errorf("%+v: got %d %v want %d", change, n, err, change.want)
		}
	}
	flows := c.fake.Flows("")
	f := flows[slices.IndexFunc(flows, func(f klaviyotest.Flow) bool { return f.ID == made })]
	if a := f.Actions[0]; a.Status != "live" || a.Headers["Lumo-Flow-Key"] != "lfk_2_new" || len(a.Headers) != 1 ||
		!strings.Contains(a.Body, "KlaviyoID") || a.Name != "Cart by LINE 🍵 茶" || f.Status != "draft" {
		t.Errorf("got %+v of %s", a, f.Status)
	}
	if _, err := c.ChangeWebhooks(ctx, token, "x/../y", lumo.WebhookChange{URL: address}); !fault.Is(err, fault.NotFound) {
		t.Errorf("a path as a flow: %v", err)
	}
}
