package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/tools/dev/stack"
	"lumo/tools/seed"
)

const (
	person   = "yuki"
	patience = 4 * time.Minute // what stays in sending is found again after two
	phone    = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Line/15.9.0"
)

// world is a seeded stack with one customer who is linked.
type world struct {
	*stack.Stack
	t        *testing.T
	sim      *seed.Sim
	console  *seed.Console
	shop     seed.Shop
	settings seed.FlowSettings
	client   *http.Client
	metrics  map[string]string // where core and edge tell what they hold
	calls    atomic.Int64      // flow calls that were answered 2xx
	clicks   atomic.Int64      // links that were followed, each once
}

func newWorld(t *testing.T) *world {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for at := dir; strings.HasPrefix(at, os.TempDir()) && at != os.TempDir(); at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil { // the database may run as another user
			t.Fatal(err)
		}
	}
	addrs := make([]string, 5)
	for i := range addrs {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addrs[i] = l.Addr().String()
	}
	s, err := stack.New(stack.Config{Root: root, Dir: filepath.Join(dir, "lumo"), Sim: true, CoreAddr: addrs[0],
		EdgeAddr: addrs[1], SimAddr: addrs[2], Out: t.Output(),
		Settings: []string{"LUMO_CORE_METRICS_ADDR=" + addrs[3], "LUMO_EDGE_METRICS_ADDR=" + addrs[4]}})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Stack: s, t: t, sim: seed.NewSim(s.SimURL()), metrics: map[string]string{"core": addrs[3], "edge": addrs[4]},
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	t.Cleanup(w.end)
	return w
}

func (w *world) end() {
	w.client.CloseIdleConnections()
	if err := w.Stop(); err != nil {
		w.t.Error(err)
	}
	if w.t.Failed() {
		for _, name := range []string{"lumo-core", "lumo-edge"} {
			log, err := os.ReadFile(filepath.Join(w.Dir, "log", name+".log"))
			w.t.Logf("%s: %v\n%s", name, err, log[max(0, len(log)-6000):])
		}
	}
}

// begin builds and starts everything, and has a customer link herself.
func (w *world) begin() {
	w.t.Helper()
	ctx := w.t.Context()
	w.must(w.Build(ctx))
	w.must(w.Start(ctx))
	var err error
	w.shop, err = seed.Run(ctx, seed.Config{Stack: w.Stack, Dir: w.Dir, Out: w.t.Output()})
	w.must(err)
	w.console, err = seed.SignIn(ctx, w.CoreURL(), w.shop.Email, w.shop.Password)
	w.must(err)
	_, err = seed.Link(ctx, w.sim, w.shop.Code, person, klaviyotest.DemoYuki, "callback_first")
	w.must(err)
	w.settings, err = w.console.FlowSettings(ctx, w.shop.Channel, "")
	w.must(err)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// text of the n-th message; each has a link of its own.
func text(n int) string {
	return fmt.Sprintf("tea %d https://shop.hanatea.example/cart?n=%d", n, n%50)
}

// call has a flow call the edge, again and again as Klaviyo does, until it is taken.
func (w *world) call(ctx context.Context, n int) error {
	body := fmt.Sprintf(`{"lumo":1,"step":"stp_chaos","profile_id":"%s","event_id":"chaos-%d","text":"%s","vars":{}}`,
		klaviyotest.DemoYuki, n, text(n))
	for {
		status, err := w.once(ctx, http.MethodPost, w.settings.URL, body)
		switch {
		case err != nil:
			return err
		case status == http.StatusOK || status == http.StatusAccepted:
			w.calls.Add(1)
			return nil
		case status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests:
			return fmt.Errorf("call %d was answered %d", n, status)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (w *world) once(ctx context.Context, method, address, body string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("User-Agent", phone)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set(w.settings.Header, w.settings.Key)
	}
	res, err := w.client.Do(req)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Body.Close()
}

// load calls and clicks at a steady pace. Links are followed once each, from a phone.
func (w *world) load(ctx context.Context, from, calls, perSecond int, links []string) error {
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	var group sync.WaitGroup
	failed := make(chan error, calls+len(links))
	for n := range calls {
		<-tick.C
		group.Go(func() { failed <- w.call(ctx, from+n) })
		if n < len(links) {
			group.Go(func() { failed <- w.click(ctx, links[n]) })
		}
	}
	group.Wait()
	close(failed)
	var all error
	for err := range failed {
		all = errors.Join(all, err)
	}
	return all
}

func (w *world) click(ctx context.Context, link string) error {
	status, err := w.once(ctx, http.MethodGet, link, "")
	if err == nil && status != http.StatusFound {
		err = fmt.Errorf("a link was answered %d", status)
	}
	if err == nil {
		w.clicks.Add(1)
	}
	return err
}

// texts are the messages on the phone, without their links.
func (w *world) texts(ctx context.Context) (counts map[string]int, links []string, err error) {
	chat, err := w.sim.Chat(ctx, person)
	counts = map[string]int{}
	link := regexp.MustCompile(`https?://\S+/c/\S+`)
	for _, m := range chat {
		counts[strings.TrimSpace(link.ReplaceAllString(m.Text(), ""))]++
		links = append(links, link.FindString(m.Text()))
	}
	return counts, links, err
}

// settle waits until nothing is open any more and everything accepted has come.
func (w *world) settle(total int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		got, err := w.state(ctx)
		if err == nil && got == w.want(total) {
			return
		}
		select {
		case <-ctx.Done():
			w.t.Fatalf("at last got %+v want %+v, %v", got, w.want(total), err)
		case <-tick.C:
		}
	}
}

// counts are what the far ends and the database have.
type counts struct {
	OnPhone, Different, Accepted, Open, Requests, Clicks, Klaviyo, KlaviyoClicks, Home, HomeClicks int
}

func (w *world) want(total int) counts {
	n, c := total, int(w.clicks.Load())
	return counts{OnPhone: n, Different: n, Accepted: n, Requests: n, Clicks: c, Klaviyo: n, KlaviyoClicks: c, Home: n, HomeClicks: c}
}

func (w *world) state(ctx context.Context) (c counts, err error) {
	texts, _, err := w.texts(ctx)
	if err != nil {
		return c, err
	}
	for _, n := range texts {
		c.Different++
		c.OnPhone += n
	}
	conn, err := pgx.Connect(ctx, w.DatabaseURL())
	if err != nil {
		return c, err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, `
SELECT (SELECT count(*) FROM delivery WHERE state = 'accepted'), (SELECT count(*) FROM delivery WHERE state <> 'accepted'),
       (SELECT count(*) FROM flow_request WHERE outcome = 'accepted'),
       (SELECT count(*) FROM edge_event WHERE type = 'click' AND counted)`).Scan(&c.Accepted, &c.Open, &c.Requests, &c.Clicks)
	if err != nil {
		return c, err
	}
	events, err := w.sim.Events(ctx, klaviyotest.DemoYuki)
	if err != nil {
		return c, err
	}
	for _, e := range events {
		switch e.Metric {
		case "Sent LINE Message":
			c.Klaviyo++
		case "Clicked LINE Message":
			c.KlaviyoClicks++
		}
	}
	var home struct {
		Today struct{ Sent, Clicked int } `json:"today"`
	}
	err = w.console.Get(ctx, "/channels/"+w.shop.Channel+"/home", &home)
	c.Home, c.HomeClicks = home.Today.Sent, home.Today.Clicked
	return c, err
}

// yield lets the load go on a little.
func yield() <-chan time.Time { return time.After(5 * time.Millisecond) }

// restarted loads the stack while its database ends twice, in order and by a crash.
func (w *world) restarted(warm, calls, perSecond, rounds int) {
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Duration(calls/perSecond)*time.Second+2*patience)
	defer cancel()
	w.must(w.load(ctx, 0, warm, perSecond, nil))
	w.settle(warm)
	base, err := w.held(ctx)
	w.must(err)
	_, links, err := w.texts(ctx)
	w.must(err)
	loaded := make(chan error, 1)
	go func() { loaded <- w.load(ctx, warm, calls, perSecond, links) }()
	for round := range rounds {
		share := int64(warm + calls*(2*round+1)/(2*rounds))
		for w.calls.Load() < share && ctx.Err() == nil {
			<-yield()
		}
		w.must(w.RestartDatabase(ctx, round%2 == 1))
	}
	w.must(<-loaded)
	w.settle(warm + calls)
	w.linked(ctx)
	w.returned(ctx, base)
}

func TestNothingIsLostOrDoubledWhenPostgreSQLRestartsUnderLoad(t *testing.T) {
	w := newWorld(t)
	w.begin()
	w.restarted(40, 200, 50, 2)
}

func TestSoakPostgreSQLRestartsUnderLoad(t *testing.T) {
	if os.Getenv("LUMO_SOAK") == "" {
		t.Skip("long: LUMO_SOAK is not set")
	}
	w := newWorld(t)
	w.begin()
	w.restarted(200, 4000, 100, 10)
}
