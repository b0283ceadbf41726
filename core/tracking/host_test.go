package tracking_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/core/postgres"
	channelstore "lumo/core/postgres/channel"
	"lumo/core/postgres/shoptest"
	trackingstore "lumo/core/postgres/tracking"
	"lumo/core/tracking"
	"lumo/shared/fault"
	"lumo/shared/token"
)

const ownHost = "go.shop.example"

// road is the way from merchants' hosts to the edges, and what hosts' checks left in the log.
type road struct {
	mu      sync.Mutex // guards the rest
	finding tracking.Finding
	down    bool // no edge works
	asked   []string
	targets []string
	audits  []lumo.AuditEntry
	changed int
	during  func()
}

func (r *road) Probe(_ context.Context, link, target string) tracking.Finding {
	r.mu.Lock()
	r.asked, r.targets = append(r.asked, link), append(r.targets, target)
	found, during := r.finding, r.during
	r.mu.Unlock()
	if during != nil {
		during()
	}
	return found
}

func (r *road) Audit(_ context.Context, e lumo.AuditEntry) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.audits = append(r.audits, e)
	return nil
}

func (r *road) leads(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.finding = tracking.Finding{Reason: reason}
}

// log is what the audit log says, in short, and forgets it.
func (r *road) log() (said []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.audits {
		said = append(said, e.ActorKind+" "+e.Action+" "+e.Target)
	}
	r.audits = nil
	return said
}

// hosts are the use cases as one process has them.
func hosts(t *testing.T, s *shoptest.Shop, r *road, db *postgres.DB, local bool) *tracking.Hosts {
	t.Helper()
	store := trackingstore.Store{}
	h, err := tracking.NewHosts(tracking.HostConfig{Tenants: db, Systems: db, Store: store, Turns: store, Prober: r,
		Auditor: r, Changed: func(context.Context, lumo.MerchantID) { r.changed++ },
		Working: func(context.Context) (bool, error) { return !r.down, nil }, EdgeURL: edgeURL,
		CoreURL: "https://console.lumo.example", Local: local, OneOff: oneOffKey(), Now: s.Clock.Now,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Owner: s.ID().String()})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestOnlyBareHostNamesOfOthersAreTaken(t *testing.T) {
	t.Parallel()
	s, r := shoptest.New(t), &road{}
	set := func(local bool, text string) (string, error) {
		h, err := hosts(t, s, r, s.DB, local).Set(t.Context(), s.Merchant, tracking.Actor{}, text)
		return h.URL, err
	}
	for text, want := range map[string]string{" Go.Shop.Example. ": "https://go.shop.example",
		"お茶.example": "https://xn--t8jy01w.example", "GO.お茶.Example": "https://go.xn--t8jy01w.example"} {
		if got, err := set(false, text); err != nil || got != want {
			t.Errorf("%q: got %q %v want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{"localhost:8787": "http://localhost:8787", "go.shop.example": "https://go.shop.example"} {
		if got, err := set(true, text); err != nil || got != want {
			t.Errorf("%q locally: got %q %v want %q", text, got, err, want)
		}
	}
	long := strings.Repeat("x", 50) + "."
	for text, say := range map[string]string{"": "alone", "https://go.shop.example": "alone", "go.shop.example/c": "alone",
		"go.shop.example:443": "alone", "me@go.shop.example": "alone", "go.shop.example?x": "alone", "[::1]": "alone",
		"192.0.2.1": "IP address", "127.1": "IP address", "0x7f.0x1": "IP address", "::1": "alone", "localhost": "dot",
		"go shop.example": "no host name", "go_shop.example": "no host name", "go..example": "no host name",
		"-go.example": "no host name", "go.shop.example\x00": "no host name", "*.shop.example": "no host name",
		"L.LUMO.example": "Lumo's own", "console.lumo.example.": "Lumo's own", long + long + "example": "100 characters"} {
		_, err := set(false, text)
		if got := fault.FieldsOf(err)["host"]; !fault.Is(err, fault.Invalid) || !strings.Contains(got, say) {
			t.Errorf("%q: got %q %v", text, got, err)
		}
	}
	for _, text := range []string{"localhost:0", "localhost:70000", "localhost:x", "localhost:", "127.0.0.1:80"} {
		if got, err := set(true, text); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q locally: got %q %v", text, got, err)
		}
	}
}

// begins is how a tracked link of the shop begins now, as a sender reads the account.
func begins(t *testing.T, s *shop) (link, oneOff, beacon, image string) {
	t.Helper()
	store := channelstore.New(s.Vault)
	s.In(t, func(ctx context.Context) error {
		c, err := channel.NewDirectory(s.DB, s.DB, store, store).Get(ctx, s.Merchant, s.Channel.ID)
		if err != nil {
			return err
		}
		made := map[string]*string{}
		for name, one := range map[string]func() (string, error){
			"link": func() (string, error) { return s.service.Link(ctx, c, 7, "https://shop.example/") },
			"one-off": func() (string, error) {
				return s.service.OneOff(ctx, c, 7, lumo.OneOff{Target: "https://shop.example/?c=1", Template: "https://shop.example/?c=[[ c ]]"})
			},
			"beacon": func() (string, error) { return s.service.Beacon(ctx, c, 7) },
			"image":  func() (string, error) { return s.service.Image(ctx, c, 7, 3) },
		} {
			address, err := one()
			if err != nil {
				return err
			}
			begin := address[:strings.Index(address[len("https://"):], "/")+len("https://")]
			made[name] = &begin
		}
		link, oneOff, beacon, image = *made["link"], *made["one-off"], *made["beacon"], *made["image"]
		return nil
	})
	return link, oneOff, beacon, image
}

func TestAHostIsUsedForLinksAloneAndOnlyWhileItLeadsToTheEdges(t *testing.T) {
	t.Parallel()
	s, r := newShop(t), &road{finding: tracking.Finding{Reason: tracking.HostElsewhere, Found: "404"}}
	h := hosts(t, s.Shop, r, s.DB, false)
	ctx, by := t.Context(), tracking.Actor{Member: s.Member, Address: "192.0.2.7"}
	links := func(want, when string) {
		t.Helper()
		link, oneOff, beacon, image := begins(t, s)
		if link != want || oneOff != want || beacon != edgeURL || image != edgeURL {
			t.Errorf("%s: got link %s, one-off %s, beacon %s, image %s; want %s", when, link, oneOff, beacon, image, want)
		}
	}
	state := func(when string, want tracking.HostState, failures int) tracking.Host {
		t.Helper()
		now, err := h.Host(ctx, s.Merchant)
		if err != nil || now.State != want || now.Failures != failures {
			t.Errorf("%s: got %+v %v", when, now, err)
		}
		return now
	}
	round := func(did bool) {
		t.Helper()
		if got, err := h.RecheckOnce(ctx); got != did || err != nil {
			t.Fatalf("a round: got %v %v want %v", got, err, did)
		}
	}
	own := "https://" + ownHost
	links(edgeURL, "no host")
	if _, err := h.Check(ctx, s.Merchant, by); !fault.Is(err, fault.NotFound) {
		t.Errorf("nothing to check: got %v", err)
	}
	if _, err := h.Set(ctx, s.Merchant, by, ownHost); err != nil {
		t.Fatal(err)
	}
	links(edgeURL, "not checked")
	if got, err := h.Check(ctx, s.Merchant, by); err != nil || got.State != tracking.HostWaiting || got.Reason != "elsewhere" || got.Found != "404" {
		t.Errorf("not there yet: got %+v %v", got, err)
	}
	links(edgeURL, "waiting")
	s.Clock.Advance(2 * time.Hour)
	round(false) // who is not ready says so
	r.leads("")
	if _, err := h.Check(ctx, s.Merchant, by); err != nil {
		t.Fatal(err)
	}
	links(own, "used")
	if got := state("used", tracking.HostUsed, 0); !got.Since.Equal(s.Clock.Now()) || got.Reason != "" || got.Found != "" {
		t.Errorf("got %+v", got)
	}
	if got := r.log(); !slices.Equal(got, []string{"member link_host.set " + ownHost, "member link_host.verified " + ownHost}) {
		t.Errorf("the log has %v", got)
	}

	round(false) // not due
	s.Clock.Advance(time.Hour)
	round(true)
	round(false)
	r.leads(tracking.HostTimeout)
	for range 5 { // a button takes nothing out of use
		if _, err := h.Check(ctx, s.Merchant, by); err != nil {
			t.Fatal(err)
		}
	}
	state("pressed", tracking.HostUsed, 0)
	for n := 1; n <= 2; n++ {
		s.Clock.Advance(10 * time.Minute)
		round(true)
		state("failing", tracking.HostUsed, n)
		links(own, "failing")
	}
	r.leads("") // the failures have to be in a row
	s.Clock.Advance(10 * time.Minute)
	round(true)
	state("mended", tracking.HostUsed, 0)
	s.Clock.Advance(10 * time.Minute)
	round(false) // an hour again

	s.Clock.Advance(time.Hour)
	r.down = true // no fault of the host's
	for range 4 {
		round(true)
		s.Clock.Advance(10 * time.Minute)
	}
	if got := state("edges", tracking.HostUsed, 0); got.Reason != tracking.HostEdges {
		t.Errorf("got %+v", got)
	}
	r.down = false
	r.leads(tracking.HostCertificate)
	for range 3 {
		round(true)
		s.Clock.Advance(10 * time.Minute)
	}
	links(edgeURL, "lost")
	if got := state("lost", tracking.HostLost, 3); got.Reason != tracking.HostCertificate {
		t.Errorf("got %+v", got)
	}
	if got := r.log(); !slices.Equal(got, []string{"system link_host.lost " + ownHost}) {
		t.Errorf("the log has %v", got)
	}
	r.leads("")
	round(false) // a lost host is looked at each hour
	s.Clock.Advance(time.Hour)
	round(true)
	links(own, "back")
	if got := r.log(); !slices.Equal(got, []string{"system link_host.verified " + ownHost}) {
		t.Errorf("the log has %v", got)
	}

	if err := h.Remove(ctx, s.Merchant, by); err != nil {
		t.Fatal(err)
	}
	links(edgeURL, "removed")
	s.Clock.Advance(24 * time.Hour)
	round(false)
	if got := r.log(); !slices.Equal(got, []string{"member link_host.removed " + ownHost}) || r.changed == 0 {
		t.Errorf("the log has %v, pages heard %d times", got, r.changed)
	}
}

func TestACheckAsksForALinkThatOnlyAnEdgeOfOursCanFollow(t *testing.T) {
	t.Parallel()
	s, r := shoptest.New(t), &road{}
	h := hosts(t, s, r, s.DB, false)
	if _, err := h.Set(t.Context(), s.Merchant, tracking.Actor{}, ownHost); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := h.Check(t.Context(), s.Merchant, tracking.Actor{}); err != nil {
			t.Fatal(err)
		}
	}
	if r.asked[0] == r.asked[1] || r.targets[0] == r.targets[1] {
		t.Error("an old answer would do")
	}
	text, ok := strings.CutPrefix(r.asked[0], "https://"+ownHost+"/c/")
	parsed, target, _, _, err := token.ParseOneOff(text)
	if !ok || err != nil || target != r.targets[0] || parsed.Channel != s.Channel.Number || parsed.Subject != 0 || parsed.Link != 0 {
		t.Errorf("got %s: %+v %s %v", r.asked[0], parsed, target, err)
	}
}

func TestAHostThatWasChangedDuringItsCheckIsNotVerified(t *testing.T) {
	t.Parallel()
	s, r := shoptest.New(t), &road{}
	h := hosts(t, s, r, s.DB, false)
	set := func(name string) {
		if _, err := h.Set(t.Context(), s.Merchant, tracking.Actor{}, name); err != nil {
			t.Error(err)
		}
	}
	set(ownHost)
	r.during = func() { set("other.shop.example") }
	got, err := h.Check(t.Context(), s.Merchant, tracking.Actor{})
	if err != nil || got.Name() != "other.shop.example" || got.State != tracking.HostWaiting || !got.CheckedAt.IsZero() {
		t.Errorf("got %+v %v", got, err)
	}
}

func TestAHostBelongsToOneMerchant(t *testing.T) {
	t.Parallel()
	s, r := shoptest.New(t), &road{}
	other := *s
	other.Merchant = lumo.MerchantID(s.ID())
	other.Exec(t, `
INSERT INTO merchant (merchant_id, slug, name, data_key_enc, index_key_enc, created_at, updated_at)
VALUES ($1, 'kumo', 'Kumo', '\x01', '\x01', now(), now())`)
	h := hosts(t, s, r, s.DB, false)
	set := func(m lumo.MerchantID) error {
		_, err := h.Set(t.Context(), m, tracking.Actor{}, ownHost)
		return err
	}
	for range 2 { // the own one again is no change
		if err := set(s.Merchant); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.log(); len(got) != 1 {
		t.Errorf("the log has %v", got)
	}
	err := set(other.Merchant)
	if got := fault.FieldsOf(err)["host"]; !strings.Contains(got, "Another shop") {
		t.Errorf("got %q %v", got, err)
	}
	if got, err := h.Host(t.Context(), other.Merchant); got != (tracking.Host{}) || err != nil {
		t.Errorf("the other shop has %+v %v", got, err)
	}
	if err := h.Remove(t.Context(), other.Merchant, tracking.Actor{}); err != nil {
		t.Fatal(err)
	}
	if got, _ := h.Host(t.Context(), s.Merchant); got.Name() != ownHost {
		t.Error("one shop removed another one's host")
	}
	if err := h.Remove(t.Context(), s.Merchant, tracking.Actor{}); err != nil {
		t.Fatal(err)
	}
	if err := set(other.Merchant); err != nil {
		t.Errorf("given up, and not free: %v", err)
	}
}

func TestSeveralProcessesCheckAHostOnce(t *testing.T) {
	t.Parallel()
	s, r := shoptest.New(t), &road{}
	first := hosts(t, s, r, s.DB, false)
	if _, err := first.Set(t.Context(), s.Merchant, tracking.Actor{}, ownHost); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Check(t.Context(), s.Merchant, tracking.Actor{}); err != nil {
		t.Fatal(err)
	}
	s.Clock.Advance(time.Hour)
	both := []*tracking.Hosts{first, hosts(t, s, r, s.Open(t), false)}
	r.asked = nil
	r.during = func() { // while one is at it
		for i, h := range both {
			if did, err := h.RecheckOnce(t.Context()); did || err != nil {
				t.Error(fmt.Errorf("process %d: %v %w", i, did, err))
			}
		}
	}
	if did, err := both[1].RecheckOnce(t.Context()); !did || err != nil {
		t.Fatal(did, err)
	}
	if len(r.asked) != 1 {
		t.Errorf("checked %d times", len(r.asked))
	}
}
