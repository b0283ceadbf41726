package journey_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lumo/core/app"
	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/line/linetest"
	"lumo/core/postgres/postgrestest"
	"lumo/core/vendortest"
	edgeapp "lumo/edge/app"
	"lumo/tools/seed"
)

const (
	shopName = "Hana Tea"
	email    = "owner@hanatea.example"
	password = "a long password of 2026"
	patience = 3 * time.Minute // edges that compile their modules first, on a busy machine
	site     = "HnTeaX"        // the demo account at Klaviyo
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// compiled is where all edges of these tests keep their compiled modules: it is done once.
func compiled(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "lumo", "compiled")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// world is a shop on a core with edges, and both vendors.
type world struct {
	t        *testing.T
	line     *linetest.Server
	klaviyo  *klaviyotest.Server
	lineURL  string
	coreURL  string
	front    *front
	settings []string // of the core
	console  *seed.Console
	channel  string
	code     seed.QRCode
}

// newWorld makes a shop with Klaviyo, a LINE account and a QR code, behind so many edges.
func newWorld(t *testing.T, edges int) *world {
	t.Helper()
	w := &world{t: t, klaviyo: klaviyotest.New(klaviyotest.Config{Now: time.Now})}
	demo := linetest.DemoChannel
	demo.UseWebhook, demo.Email = true, true
	w.line = linetest.New(linetest.Config{Now: time.Now, Channels: []linetest.Channel{demo}})
	lineURL, stopLINE, err := w.line.Listen()
	w.must(err)
	t.Cleanup(stopLINE)
	klaviyoURL, stopKlaviyo, err := w.klaviyo.Listen()
	w.must(err)
	t.Cleanup(stopKlaviyo)
	w.lineURL, w.front = lineURL, newFront(t)
	addr := freePort(t)
	w.coreURL = "http://" + addr
	w.settings = []string{"LUMO_DATABASE_URL=" + postgrestest.URL(t), "LUMO_CORE_ADDR=" + addr,
		"LUMO_MASTER_KEY=" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{5}, 32)),
		"LUMO_LOG_LEVEL=error", "LUMO_EDGE_PUBLIC_URL=" + w.front.URL, "LUMO_ALLOW_PRIVATE_TARGETS=true",
		"LUMO_LINE_API_URL=" + lineURL + "/line-api", "LUMO_LINE_DATA_URL=" + lineURL + "/line-data",
		"LUMO_LINE_ACCESS_URL=" + lineURL + "/line-access", "LUMO_KLAVIYO_API_URL=" + klaviyoURL + "/klaviyo-api",
		"LUMO_KLAVIYO_WEB_URL=" + klaviyoURL + "/klaviyo-web", "LUMO_KLAVIYO_CLIENT_ID=" + klaviyotest.DemoAccount.ClientID,
		"LUMO_KLAVIYO_CLIENT_SECRET=" + klaviyotest.DemoAccount.ClientSecret}
	w.startCore()
	for range edges {
		w.startEdge()
	}
	w.open()
	return w
}

// startCore runs a core with an owner until the test ends.
func (w *world) startCore() {
	w.t.Helper()
	s, err := app.Read(w.settings)
	w.must(err)
	a, err := app.New(w.t.Context(), s, w.t.Output())
	w.must(err)
	_, err = a.Accounts().CreateOwner(w.t.Context(), shopName, email, password)
	w.must(err)
	w.runs(a.Serve, a.Close)
	w.until("the core to answer", func() (bool, error) { return answers(w.coreURL + "/readyz") })
}

// startEdge enrols one more edge and puts it behind the front.
func (w *world) startEdge() {
	w.t.Helper()
	var code strings.Builder
	w.must(app.Run(w.t.Context(), []string{"admin", "create-edge-code"}, w.settings, nil, &code, io.Discard))
	addr, dir := freePort(w.t), w.t.TempDir()
	w.must(os.Symlink(compiled(w.t), filepath.Join(dir, "compiled")))
	environ := []string{"LUMO_EDGE_ADDR=" + addr, "LUMO_EDGE_PUBLIC_URL=" + w.front.URL, "LUMO_EDGE_CORE_URL=" + w.coreURL,
		"LUMO_EDGE_DIR=" + dir, "LUMO_EDGE_ENROL=" + strings.TrimSpace(code.String()),
		"LUMO_LINE_ACCESS_URL=" + w.lineURL + "/line-access"}
	w.runs(func(ctx context.Context) error {
		return edgeapp.Run(ctx, nil, environ, io.Discard, w.t.Output())
	}, func() error { return nil })
	w.until("the edge to answer", func() (bool, error) { return answers("http://" + addr + "/readyz") })
	w.front.add(w.t, "http://"+addr)
}

// runs runs something until the test ends, and closes it then.
func (w *world) runs(serve func(context.Context) error, end func() error) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serve(ctx) }()
	w.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
		if err := end(); err != nil {
			w.t.Error(err)
		}
	})
}

// open sets the shop up through the console's API, as its owner does.
func (w *world) open() {
	w.t.Helper()
	ctx := w.t.Context()
	var err error
	w.console, err = seed.SignIn(ctx, w.coreURL, email, password)
	w.must(err)
	w.must(w.console.SetUp(ctx, shopName, "JP", "en"))
	w.must(w.console.ConnectKlaviyo(ctx))
	channel, err := w.console.ConnectLINE(ctx, seed.DemoKeys())
	w.must(err)
	w.channel = channel.ID
	w.code, err = w.console.CreateQRCode(ctx, w.channel, "Welcome email")
	w.must(err)
	for _, edge := range w.front.addresses {
		w.until("every edge to know the code", func() (bool, error) { return answers(edge + "/q/" + w.code.Code) })
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// until looks again and again until something is so.
func (w *world) until(what string, ok func() (bool, error)) {
	w.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for begun := time.Now(); ; <-tick.C {
		done, err := ok()
		if done {
			return
		}
		if time.Since(begun) > patience {
			w.t.Fatalf("waited for %s: %v", what, err)
		}
	}
}

// get reads below the shop's LINE account.
func get[T any](w *world, path string) (v T) {
	w.t.Helper()
	w.must(w.console.Get(w.t.Context(), "/channels/"+w.channel+path, &v))
	return v
}

func (w *world) post(path string, in, out any) {
	w.t.Helper()
	w.must(w.console.Post(w.t.Context(), "/channels/"+w.channel+path, in, out))
}

func answers(address string) (bool, error) {
	res, err := http.Get(address)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK, fmt.Errorf("it answers %s", res.Status)
}

func freePort(t *testing.T) string {
	t.Helper()
	addr, err := vendortest.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// front is the one public address of all edges. Requests go to them in turn, unless a test
// says which gets what.
type front struct {
	*httptest.Server
	mu        sync.Mutex // guards the rest
	edges     []http.Handler
	addresses []string
	turn      int
	choose    func(*http.Request) int  // nil = in turn
	all       func(*http.Request) bool // these go to all edges at once; nil = none
	answer    [][]string               // what each of them answered, request by request
}

func newFront(t *testing.T) *front {
	f := &front{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		all := f.all != nil && f.all(r)
		f.mu.Unlock()
		if all {
			f.askAll(w, r)
			return
		}
		f.pick(r).ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *front) pick(r *http.Request) http.Handler {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.edges) == 0 {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	}
	n := f.turn % len(f.edges)
	f.turn++
	if f.choose != nil {
		n = f.choose(r)
	}
	return f.edges[n]
}

// askAll has every edge answer the same request at the same moment, as happens when somebody
// presses twice, or a proxy tries again. The browser gets the first edge's answer.
func (f *front) askAll(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	edges := slices.Clone(f.edges)
	f.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	got := make([]*httptest.ResponseRecorder, len(edges))
	var group sync.WaitGroup
	for i, edge := range edges {
		group.Go(func() {
			one := r.Clone(r.Context())
			one.Body = io.NopCloser(bytes.NewReader(body))
			got[i] = httptest.NewRecorder()
			edge.ServeHTTP(got[i], one)
		})
	}
	group.Wait()
	var texts []string
	for _, one := range got {
		texts = append(texts, one.Body.String())
	}
	f.mu.Lock()
	f.answer = append(f.answer, texts)
	f.mu.Unlock()
	maps.Copy(w.Header(), got[0].Header())
	w.WriteHeader(got[0].Code)
	_, _ = w.Write(got[0].Body.Bytes())
}

func (f *front) add(t *testing.T, address string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	proxy := httputil.NewSingleHostReverseProxy(u)
	f.edges, f.addresses = append(f.edges, proxy), append(f.addresses, address)
}

// sends decides which edge gets what; nil = in turn again.
func (f *front) sends(choose func(*http.Request) int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.choose = choose
}

// sendsToAll decides which requests all edges get; nil = none.
func (f *front) sendsToAll(all func(*http.Request) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = all
}

// answers are what all edges said to what all of them were asked.
func (f *front) answers() [][]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.answer)
}
