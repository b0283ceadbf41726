package edgeapi_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"lumo/core/fleet"
	"lumo/core/lumo"
	"lumo/core/postgres"
	fleetstore "lumo/core/postgres/fleet"
	"lumo/core/postgres/postgrestest"
	"lumo/core/postgres/shoptest"
	"lumo/core/web/edgeapi"
	"lumo/shared/bundle"
	wire "lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/sealing"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// core is a core with one shop, as edges see it.
type core struct {
	*shoptest.Shop
	fleet  *fleet.Service
	server *httptest.Server
	far    *far
	log    *bytes.Buffer
}

func newCore(t *testing.T) *core {
	t.Helper()
	c := &core{Shop: shoptest.New(t), far: &far{answers: map[string]error{}}, log: &bytes.Buffer{}}
	c.fleet, c.server = c.replica(t, c.DB)
	return c
}

// replica is the core as another process would run it.
func (c *core) replica(t *testing.T, db *postgres.DB) (*fleet.Service, *httptest.Server) {
	t.Helper()
	store := fleetstore.New(c.Vault)
	log := slog.New(slog.NewTextHandler(&locked{w: c.log}, nil))
	keys, err := fleet.LoadKeys(t.Context(), db, store)
	if err != nil {
		t.Fatal(err)
	}
	service, err := fleet.New(fleet.Config{Tenants: db, Store: store,
		Values: fleetstore.NewValues(c.Vault, log, time.Now), Keys: keys, Bell: fleetstore.NewBell(db),
		Watcher: c.far, ModuleKey: moduleKey(), NewID: c.ID, Now: time.Now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	private, err := sealing.ParsePrivateKey(keys.Sealing.Private)
	if err != nil {
		t.Fatal(err)
	}
	intake, err := fleet.NewIntake(fleet.IntakeConfig{Tenants: db, Store: store, Hooks: store,
		Tracker: c.far, Meter: service, Numbers: c.far, Sealing: private, NewID: c.ID, Now: time.Now, Log: log,
		Routes: []fleet.Route{{Prefix: "/hooks/line/", Hook: "line", Handler: c.far, People: peopleIn},
			{Prefix: "/link/", Handler: c.far, Number: lastNumber}}})
	if err != nil {
		t.Fatal(err)
	}
	api, err := edgeapi.New(edgeapi.Config{Edges: service, Intake: intake, Media: c.far, Now: time.Now,
		Log: log})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = service.Run(ctx) })
	running.Go(func() { _ = api.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait(); server.Close() })
	return service, server
}

// lastNumber reads the channel's number at the end of /link/of/{number}.
func lastNumber(r lumo.EdgeRequest) (uint32, bool) {
	text, ok := strings.CutPrefix(r.Target, "/link/of/")
	n, err := strconv.ParseUint(text, 10, 32)
	return uint32(n), ok && err == nil
}

type locked struct {
	mu sync.Mutex // guards w
	w  io.Writer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// peopleIn takes the words before a colon for people.
func peopleIn(body []byte) []string {
	people, _, _ := strings.Cut(string(body), ":")
	return strings.Fields(people)
}

// far is who gets what edges bring.
type far struct {
	mu       sync.Mutex // guards everything below
	requests []lumo.EdgeRequest
	events   []lumo.EdgeEvent
	answers  map[string]error // by target, what handlers say
	down     bool             // Ingest fails
	numbers  map[uint32]lumo.MerchantID
	scopes   []lumo.Scope // of the batches
	statuses []fleet.Status
	meet     func(r lumo.EdgeRequest) // called before a request is taken
}

// distinct counts requests by their ids.
func (f *far) distinct() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	seen := map[lumo.RequestID]bool{}
	for _, r := range f.requests {
		seen[r.ID] = true
	}
	return len(seen)
}

func (f *far) HandleEdge(_ context.Context, r lumo.EdgeRequest) (lumo.EdgeAnswer, error) {
	if f.meet != nil {
		f.meet(r)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.answers[r.Target]; err != nil {
		return lumo.EdgeAnswer{}, err
	}
	f.requests = append(f.requests, r)
	return lumo.EdgeAnswer{Status: 202, Header: map[string]string{"Content-Type": "text/plain"}, Body: []byte("taken")}, nil
}

// File knows one file, whose hash is 07 07 07 ...
func (f *far) File(_ context.Context, scope lumo.Scope, sha [32]byte) (string, []byte, error) {
	if sha != [32]byte(bytes.Repeat([]byte{7}, 32)) || !scope.All() {
		return "", nil, fault.New(fault.NotFound, "far", "There is no such file.")
	}
	return "image/png", []byte("tea"), nil
}

func (f *far) Ingest(_ context.Context, scope lumo.Scope, events []lumo.EdgeEvent) (rejected []id.ID, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scopes = append(f.scopes, scope)
	if f.down {
		return nil, fault.New(fault.Unavailable, "far", "down")
	}
	for _, e := range events {
		if e.Event.Number == 0 {
			rejected = append(rejected, e.ID)
			continue
		}
		f.events = append(f.events, e)
	}
	return rejected, nil
}

func (f *far) ByNumber(_ context.Context, number uint32) (lumo.MerchantID, lumo.ChannelID, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, ok := f.numbers[number]
	if !ok {
		return m, lumo.ChannelID{}, fault.New(fault.NotFound, "far", "")
	}
	return m, lumo.ChannelID{}, nil
}

func (f *far) EdgesChanged(_ context.Context, _ lumo.MerchantID, s fleet.Status) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.statuses = append(f.statuses, s)
}

// edge is an enrolled edge that we wrote.
type edge struct {
	t       *testing.T
	core    *core
	url     string
	key     string
	sealing sealing.PublicKey
	id      id.ID
}

// code makes a code for an edge of some merchants, or of all.
func (c *core) code(t *testing.T, scope ...lumo.MerchantID) string {
	t.Helper()
	_, code, err := c.fleet.CreateCode(t.Context(), id.ID{}, "", scope)
	if err != nil {
		t.Fatal(err)
	}
	return code.Reveal()
}

func (c *core) enrol(t *testing.T) *edge {
	t.Helper()
	return c.enrolWith(t, c.code(t))
}

func (c *core) enrolWith(t *testing.T, code string) *edge {
	t.Helper()
	e := &edge{t: t, core: c, url: c.server.URL}
	var got struct {
		Edge       string `json:"edge"`
		Key        string `json:"key"`
		SealingKey string `json:"sealing_key"`
	}
	if status := e.post("/edge/v1/enrol", nil, `{"code":"`+code+`","name":"tokyo 1"}`, &got); status != 200 {
		t.Fatalf("enrol: got %d", status)
	}
	raw, err := base64.StdEncoding.DecodeString(got.SealingKey)
	if err != nil {
		t.Fatal(err)
	}
	if e.sealing, err = sealing.ParsePublicKey(raw); err != nil {
		t.Fatal(err)
	}
	if e.id, err = id.ParseWith(id.Edge, got.Edge); err != nil {
		t.Fatal(err)
	}
	e.key = got.Key
	return e
}

// post calls the core and decodes the answer.
func (e *edge) post(path string, header map[string]string, body string, answer any) int {
	e.t.Helper()
	req, err := http.NewRequestWithContext(e.t.Context(), http.MethodPost, e.url+path, strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+e.key)
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	if text, ok := answer.(*string); ok {
		*text = string(raw)
	} else if answer != nil {
		if err := json.Unmarshal(raw, answer); err != nil {
			e.t.Fatalf("%s: %v", raw, err)
		}
	}
	return res.StatusCode
}

// stream is the edge's end of the configuration stream.
type stream struct {
	t       *testing.T
	ws      *websocket.Conn
	rows    map[string][]byte // table and key -> value
	version uint64
	beats   int
	modules *bundle.Manifest // set that came last
}

func (e *edge) connect(after uint64) *stream {
	e.t.Helper()
	s, status, err := e.dial(after)
	if err != nil {
		e.t.Fatalf("stream: %v (%d)", err, status)
	}
	e.t.Cleanup(func() { _ = s.ws.Close() })
	return s
}

func (e *edge) dial(after uint64) (*stream, int, error) {
	url := "ws" + strings.TrimPrefix(e.url, "http") + "/edge/v1/stream?after=" + strconv.FormatUint(after, 10)
	ws, res, err := websocket.DefaultDialer.DialContext(e.t.Context(), url,
		http.Header{"Authorization": {"Bearer " + e.key}})
	status := 0
	if res != nil {
		status = res.StatusCode
	}
	return &stream{t: e.t, ws: ws, rows: map[string][]byte{}, version: after}, status, err
}

// next applies one frame and acknowledges it, as an edge does.
func (s *stream) next() (wire.Frame, error) {
	if err := s.ws.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		return wire.Frame{}, err
	}
	_, message, err := s.ws.ReadMessage()
	if err != nil {
		return wire.Frame{}, err
	}
	f, err := wire.ParseFrame(message)
	if err != nil {
		return f, err
	}
	switch f.Type {
	case wire.FrameHeartbeat:
		s.beats++
		return f, nil
	case wire.FrameModules:
		set, err := wire.ParseModuleSet(f.Payload)
		if err != nil {
			return f, err
		}
		m, err := bundle.Open(set.Manifest, set.Signature[:], moduleKey())
		s.modules = &m
		return f, err
	case wire.FrameDelta:
		if f.Sequence <= s.version {
			return f, nil // an edge drops what it has
		}
	}
	entries, err := wire.ParseEntries(f.Payload)
	if err != nil {
		return f, err
	}
	for _, e := range entries {
		key := string(e.Table) + string(e.Key)
		delete(s.rows, key)
		if e.Op == wire.Put {
			s.rows[key] = e.Value
		}
	}
	if f.Type == wire.FrameSnapshot && len(entries) > 0 {
		return f, nil
	}
	s.version = f.Sequence
	ack := wire.Frame{Type: wire.FrameAck, Sequence: s.version}
	return f, s.ws.WriteMessage(websocket.BinaryMessage, ack.Append(nil))
}

// until reads frames until a condition holds.
func (s *stream) until(what string, ok func() bool) {
	s.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !ok() {
		if _, err := s.next(); err != nil {
			s.t.Fatalf("%s: %v", what, err)
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: did not come", what)
		}
	}
}

func (s *stream) value(table uint8, key []byte) ([]byte, bool) {
	v, ok := s.rows[string(table)+string(key)]
	return v, ok
}
