package edgeapi_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/postgres/shoptest"
	wire "lumo/shared/edgeapi"
	"lumo/shared/event"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/sealing"
)

func TestCodeEnrolsOnce(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	code := c.code(t)
	if _, err := c.fleet.Enrol(t.Context(), " "+code+"\n", "one"); err != nil {
		t.Fatal(err)
	}
	for name, code := range map[string]string{"used": code, "unknown": "lec_x", "empty": ""} {
		if _, err := c.fleet.Enrol(t.Context(), code, "two"); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	old := c.code(t)
	c.Exec(t, "UPDATE edge_code SET expires_at = now() - interval '1 second' WHERE used_at IS NULL AND $1::uuid IS NOT NULL")
	if _, err := c.fleet.Enrol(t.Context(), old, "three"); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("after 15 minutes: got %v", err)
	}
}

// A machine's name may hold anything; it does not stand in the way of the code.
func TestAnEdgeWithAnOddNameEnrols(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	for said, want := range map[string]string{"to\x00kyo\xff": "tokyo", "a\n\tb": "a b", "\x00": "edge", "": "edge",
		strings.Repeat("\u9002", 300): strings.Repeat("\u9002", 80)} {
		made, err := c.fleet.Enrol(t.Context(), c.code(t), said)
		if err != nil {
			t.Errorf("%q: %v", said, err)
			continue
		}
		if e, err := c.fleet.Edge(t.Context(), made.Edge); err != nil || e.Name != want {
			t.Errorf("%q became %q, %v", said, e.Name, err)
		}
	}
}

func TestRevokedEdgeIsOutAtOnce(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	e := c.enrol(t)
	s := e.connect(0)
	s.until("heartbeat", func() bool { return s.beats > 0 })
	if err := c.fleet.Revoke(t.Context(), id.ID{}, e.id, "osaka"); !fault.Is(err, fault.Invalid) {
		t.Errorf("under another name: got %v", err)
	}
	begun := time.Now()
	if err := c.fleet.Revoke(t.Context(), id.ID{}, e.id, "tokyo 1"); err != nil {
		t.Fatal(err)
	}
	if status := e.post("/edge/v1/events", nil, "", nil); status != http.StatusUnauthorized {
		t.Errorf("events: got %d want 401", status)
	}
	for {
		if _, err := s.next(); err != nil {
			break // the stream ended
		}
	}
	if took := time.Since(begun); took > time.Second {
		t.Errorf("the stream ended after %v", took)
	}
	if _, status, err := e.dial(0); err == nil || status != http.StatusUnauthorized {
		t.Errorf("stream: got %d %v want 401", status, err)
	}
}

// An edge that is connected to one core and revoked at another is out within a second, too.
func TestRevokedEdgeIsOutAtEveryCore(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	_, second := c.replica(t, c.Open(t))
	near := c.enrol(t)
	far := *near
	far.url = second.URL
	s := far.connect(0)
	s.until("heartbeat", func() bool { return s.beats > 0 })
	for name, e := range map[string]*edge{"here": near, "there": &far} { // both remember the key now
		if status := e.post("/edge/v1/events", nil, "", nil); status == http.StatusUnauthorized {
			t.Fatalf("%s: it is refused before", name)
		}
	}
	begun := time.Now()
	if err := c.fleet.Revoke(t.Context(), id.ID{}, near.id, "tokyo 1"); err != nil {
		t.Fatal(err)
	}
	for far.post("/edge/v1/events", nil, "", nil) != http.StatusUnauthorized {
		if time.Since(begun) > time.Second {
			t.Fatal("the other core takes its events")
		}
	}
	for {
		if _, err := s.next(); err != nil {
			break // the stream ended
		}
	}
	if took := time.Since(begun); took > time.Second {
		t.Errorf("the stream at the other core ended after %v", took)
	}
	if _, status, err := far.dial(0); err == nil || status != http.StatusUnauthorized {
		t.Errorf("a new stream there: got %d %v want 401", status, err)
	}
}

func TestSnapshotHasAllThatAnEdgeNeeds(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	c.addFlowKey(t, 1)
	c.Exec(t, `
INSERT INTO tracked_link (merchant_id, channel_id, number, target, target_hash, created_at)
VALUES ($1, $2, 4, 'https://shop.example/', '\x01', now()),
       ($1, $2, 2147483653, 'https://shop.example/mine', '\x02', now())`, c.Channel.ID)
	c.Exec(t, `
INSERT INTO qr_code (merchant_id, id, channel_id, number, public_key, name, identify_by, state, created_at, updated_at)
VALUES ($1, $2, $3, 5, 'abcdefghijklmnop', 'Leaflet', 'email', 'paused', now(), now())`, c.ID(), c.Channel.ID)
	const picture = "https://profile.line-scdn.net/0h7"
	c.Exec(t, "UPDATE channel SET picture_url = $2 WHERE merchant_id = $1", picture)
	s := c.enrol(t).connect(0)
	s.until("heartbeat", func() bool { return s.beats > 0 })
	n := c.Channel.Number
	hook := shoptest.Get[string](t, c.Shop, "SELECT public_key FROM hook_route WHERE merchant_id = $1 AND kind = 'line'")
	for what, row := range map[string]struct {
		table uint8
		key   []byte
		check func([]byte) bool
	}{
		"line hook": {wire.TableHook, wire.HookKey(wire.KeyLINE, hook), func(b []byte) bool {
			h, err := wire.ParseHookEntry(b)
			return err == nil && h.Number == n && !h.Core
		}},
		"link": {wire.TableLink, wire.LinkKey(n, 4), func(b []byte) bool {
			target, err := wire.ParseTarget(b)
			return err == nil && target == "https://shop.example/"
		}},
		"channel": {wire.TableChannel, wire.ChannelKey(n), func(b []byte) bool {
			e, err := wire.ParseChannelEntry(b)
			return err == nil && e.StateKey == 1 && e.LoginChannel == "1650000002" && e.Shop == "Hana Tea" && e.Language == "ja"
		}},
		"look": {wire.TableChannel, wire.LookKey(n), func(b []byte) bool {
			e, err := wire.ParseLookEntry(b)
			return err == nil && e.Ring == channel.RingOf(n) && e.Picture == picture
		}},
		"code": {wire.TableCode, []byte("abcdefghijklmnop"), func(b []byte) bool {
			e, err := wire.ParseCodeEntry(b)
			return err == nil && e.Number == 5 && e.Channel == n && e.Claims == 2 && e.State == wire.CodePaused
		}},
		"link key":    {wire.TableKey, wire.Ref(wire.KeyLink, 1, n).Append(nil), has(32)},
		"state key":   {wire.TableKey, wire.Ref(wire.KeyState, 1, n).Append(nil), has(32)},
		"line secret": {wire.TableKey, wire.Ref(wire.KeyLINE, 1, n).Append(nil), has(len(shoptest.ChannelSecret))},
		"flow key":    {wire.TableKey, wire.Ref(wire.KeyFlow, 1, n).Append(nil), has(32)},
		"one-off key": {wire.TableKey, wire.Ref(wire.KeyOneOff, 1, 0).Append(nil), has(32)},
	} {
		value, ok := s.value(row.table, row.key)
		if !ok || !row.check(value) {
			t.Errorf("%s: got %v %x", what, ok, value)
		}
	}
	if _, ok := s.value(wire.TableLink, wire.LinkKey(n, 2147483653)); ok {
		t.Error("a one-off row left the core")
	}
	if strings.Contains(c.log.String(), "canary") {
		t.Error("a secret stands in the log")
	}
}

func has(length int) func([]byte) bool {
	return func(b []byte) bool {
		k, err := wire.ParseKeyEntry(b)
		return err == nil && len(k.Secret) == length
	}
}

// addFlowKey adds a key and tells edges, in one transaction.
func (c *core) addFlowKey(t *testing.T, number int) {
	t.Helper()
	hash := sha256.Sum256([]byte{byte(number)})
	c.In(t, func(ctx context.Context) error {
		_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO flow_key (merchant_id, id, channel_id, number, hash, value_enc, last4, valid_from, created_at)
VALUES ($1, $2, $3, $4, $5, '', 'abcd', now(), now())`, c.Merchant, c.ID(), c.Channel.ID, number, hash[:])
		if err != nil {
			return err
		}
		return c.fleet.Changed(ctx, c.Merchant, wire.TableKey, c.flowKey(number))
	})
}

func (c *core) flowKey(number int) []byte {
	return wire.Ref(wire.KeyFlow, uint16(number), c.Channel.Number).Append(nil)
}

func TestNewKeyReachesEveryEdgeBeforeItIsShown(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	_, second := c.replica(t, c.Open(t))
	e := c.enrol(t)
	near, far := e.connect(0), *e
	far.url = second.URL // an edge at another core process
	far.key = c.enrol(t).key
	away := far.connect(0)
	for _, s := range []*stream{near, away} {
		s.until("heartbeat", func() bool { return s.beats > 0 })
		go func() {
			for {
				if _, err := s.next(); err != nil {
					return
				}
			}
		}()
	}
	for number := 1; number <= 5; number++ {
		begun := time.Now()
		c.addFlowKey(t, number)
		if err := c.fleet.WaitApplied(t.Context(), 5*time.Second); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("key %d took %v", number, took)
		}
		behind := shoptest.Get[int](t, c.Shop, `
SELECT count(*)::int FROM edge WHERE config_version < (SELECT max(sequence) FROM edge_change) AND $1::uuid IS NOT NULL`)
		if behind != 0 {
			t.Errorf("key %d: %d edges were asked too early", number, behind)
		}
	}
}

// Who waits for edges waits for one that does not say that it has the change, as long as it may
// trust what it has; not longer, and not for one that nobody heard of for long.
func TestAnEdgeThatNeverAcknowledgesIsWaitedForUntilItsLeaseEnds(t *testing.T) {
	t.Parallel()
	const lease, quick, patience = 5 * time.Second, 4 * time.Second, time.Minute
	c := newCore(t)
	s := c.enrol(t).connect(0)
	s.until("heartbeat", func() bool { return s.beats > 0 })
	var version atomic.Uint64
	gone := make(chan struct{})
	go func() { // hears everything, says nothing
		defer close(gone)
		for {
			_, message, err := s.ws.ReadMessage()
			if err != nil {
				return
			}
			if f, err := wire.ParseFrame(message); err == nil {
				version.Store(f.Sequence)
			}
		}
	}()
	wait := func(key int) time.Duration {
		t.Helper()
		c.addFlowKey(t, key)
		begun := time.Now()
		if err := c.fleet.WaitApplied(t.Context(), patience); err != nil {
			t.Fatal(err)
		}
		return time.Since(begun)
	}
	if took := wait(1); took < lease || took > lease+quick {
		t.Errorf("one that says nothing is waited for %s", took)
	}
	ack := wire.Frame{Type: wire.FrameAck, Sequence: version.Load() + 1}
	if err := s.ws.WriteMessage(websocket.BinaryMessage, ack.Append(nil)); err != nil {
		t.Fatal(err)
	}
	if took := wait(2); took > quick {
		t.Errorf("one that has it is waited for %s", took)
	}
	_ = s.ws.Close()
	<-gone
	for begun := time.Now(); shoptest.Get[int](t, c.Shop, `
SELECT count(*)::int FROM fleet_log WHERE action = 'went' AND $1::uuid IS NOT NULL`) == 0; {
		if time.Since(begun) > patience {
			t.Fatal("the core does not notice that it went")
		}
	}
	c.Exec(t, "UPDATE edge SET last_seen_at = now() - interval '11 seconds' WHERE $1::uuid IS NOT NULL")
	if took := wait(3); took > quick {
		t.Errorf("one that is long gone is waited for %s", took)
	}
}

func TestNoCommittedChangeIsSkipped(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	s := c.enrol(t).connect(0)
	s.until("heartbeat", func() bool { return s.beats > 0 })
	// One change is made first and committed last.
	held, release := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- c.DB.InTenant(context.Background(), c.Merchant, func(ctx context.Context) error {
			err := c.fleet.Changed(ctx, c.Merchant, wire.TableLink, wire.LinkKey(c.Channel.Number, 100))
			close(held)
			<-release
			return err
		})
	}()
	<-held
	c.addFlowKey(t, 1)
	s.until("the key", func() bool { _, ok := s.value(wire.TableKey, c.flowKey(1)); return ok })
	before := s.version
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	s.until("the late change", func() bool { return s.version > before })
}

func TestReturningEdgeGetsWhatItMissed(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	e := c.enrol(t)
	first := e.connect(0)
	first.until("heartbeat", func() bool { return first.beats > 0 })
	c.addFlowKey(t, 1)
	first.until("the key", func() bool { _, ok := first.value(wire.TableKey, c.flowKey(1)); return ok })
	seen := first.version
	_ = first.ws.Close()
	c.addFlowKey(t, 2)
	c.Exec(t, "DELETE FROM flow_key WHERE merchant_id = $1 AND number = 1")
	c.In(t, func(ctx context.Context) error {
		return c.fleet.Changed(ctx, c.Merchant, wire.TableKey, c.flowKey(1))
	})
	back := e.connect(seen)
	back.rows = first.rows
	frames := map[wire.FrameType]int{}
	for back.beats == 0 {
		f, err := back.next()
		if err != nil {
			t.Fatal(err)
		}
		frames[f.Type]++
	}
	_, ended := back.value(wire.TableKey, c.flowKey(1))
	_, made := back.value(wire.TableKey, c.flowKey(2))
	if frames[wire.FrameSnapshot] != 0 || ended || !made {
		t.Errorf("got %v frames, key 1 there: %v, key 2 there: %v", frames, ended, made)
	}
	// From a version that was never given out, or whose changes are gone, only a snapshot helps.
	c.Exec(t, "DELETE FROM edge_change WHERE sequence < (SELECT max(sequence) FROM edge_change) AND $1::uuid IS NOT NULL")
	for name, after := range map[string]uint64{"from the future": back.version + 1000, "long away": 0} {
		s := e.connect(after)
		f, err := s.next()
		if err != nil || f.Type != wire.FrameSnapshot {
			t.Errorf("%s: got frame %d %v want a snapshot", name, f.Type, err)
		}
	}
}

func TestManyChangesArriveWhole(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	e := c.enrol(t)
	first := e.connect(0)
	first.until("heartbeat", func() bool { return first.beats > 0 })
	c.addFlowKey(t, 1)
	first.until("the key", func() bool { _, ok := first.value(wire.TableKey, c.flowKey(1)); return ok })
	_ = first.ws.Close() // nobody answers for it while the changes are made
	const n = 1200
	long := strings.Repeat("x", 900)
	c.In(t, func(ctx context.Context) error {
		_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO tracked_link (merchant_id, channel_id, number, target, target_hash, created_at)
SELECT $1, $2, i, 'https://shop.example/' || $3, int4send(i), now()
  FROM generate_series(1, $4::int) AS i`, c.Merchant, c.Channel.ID, long, n)
		for i := 1; i <= n && err == nil; i++ {
			err = c.fleet.Changed(ctx, c.Merchant, wire.TableLink, wire.LinkKey(c.Channel.Number, uint32(i)))
		}
		return err
	})
	s := e.connect(first.version)
	count := func() (found int) {
		for i := 1; i <= n; i++ {
			if _, ok := s.value(wire.TableLink, wire.LinkKey(c.Channel.Number, uint32(i))); ok {
				found++
			}
		}
		return found
	}
	for count() < n {
		f, err := s.next()
		if err != nil {
			t.Fatal(err)
		}
		if f.Type == wire.FrameSnapshot {
			t.Fatal("they came as a snapshot")
		}
	}
}

func TestConsoleHearsThatEdgesCameAndWent(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	if status, err := c.fleet.Status(t.Context()); err != nil || status.Working {
		t.Errorf("got %+v %v want off", status, err)
	}
	s := c.enrol(t).connect(0)
	s.until("heartbeat", func() bool { return s.beats > 1 })
	status, err := c.fleet.Status(t.Context())
	if err != nil || !status.Working || status.Edges != 1 || status.Since.IsZero() {
		t.Errorf("got %+v %v want working", status, err)
	}
	s.until("the message", func() bool {
		c.far.mu.Lock()
		defer c.far.mu.Unlock()
		return len(c.far.statuses) > 0 && c.far.statuses[0].Working
	})
}

// headers are those of a request that an edge passes on.
func (c *core) headers(target string, auth lumo.EdgeAuth) map[string]string {
	return map[string]string{wire.HeaderEventID: c.ID().String(), wire.HeaderAuth: string(auth),
		wire.HeaderReceivedAt: strconv.FormatInt(time.Now().UnixMilli(), 10), wire.HeaderMethod: "POST",
		wire.HeaderTarget: target, "X-Line-Signature": "sig", "X-Klaviyo-Flow-ID": "Fl1", "X-Not-Listed": "x"}
}

func (c *core) lineHook(t *testing.T) string {
	t.Helper()
	return "/hooks/line/" + shoptest.Get[string](t, c.Shop, "SELECT public_key FROM hook_route WHERE merchant_id = $1 AND kind = 'line'")
}

func TestRequestReachesWhomItsPathBelongsTo(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	e := c.enrol(t)
	var text string
	header := c.headers(c.lineHook(t), lumo.AuthVerified)
	if status := e.post("/edge/v1/requests", header, `{"events":[]}`, &text); status != 202 || text != "taken" {
		t.Fatalf("got %d %s", status, text)
	}
	got := c.far.requests[0]
	if got.Merchant != c.Merchant || lumo.ChannelID(got.Subject) != c.Channel.ID || got.Edge != e.id ||
		got.Auth != lumo.AuthVerified || string(got.Body) != `{"events":[]}` || got.Method != "POST" || got.Spooled ||
		got.Header["X-Line-Signature"] != "sig" || got.Header["X-Klaviyo-Flow-Id"] != "Fl1" || got.Header["X-Not-Listed"] != "" {
		t.Errorf("got %+v", got)
	}
	for name, test := range map[string]struct {
		target string
		edit   func(map[string]string)
		answer error
		want   int
	}{
		"unknown hook":    {target: "/hooks/line/aaaaaaaaaaaaaaaa", want: 404},
		"no hook at all":  {target: "/hooks/line/../x", want: 404},
		"unknown path":    {target: "/elsewhere", want: 404},
		"refused":         {target: "/link/a", answer: fault.New(fault.Forbidden, "x", "No."), want: 403},
		"our own trouble": {target: "/link/b", answer: errors.New("broken"), want: 503},
		"database away":   {target: "/link/c", answer: fault.New(fault.Unavailable, "x", ""), want: 503},
		"no event id":     {target: "/link/d", edit: func(h map[string]string) { delete(h, wire.HeaderEventID) }, want: 400},
		"unknown auth":    {target: "/link/e", edit: func(h map[string]string) { h[wire.HeaderAuth] = "root" }, want: 400},
		"not an edge":     {target: "/link/f", edit: func(h map[string]string) { h["Authorization"] = "Bearer lek_x" }, want: 401},
	} {
		c.far.mu.Lock()
		c.far.answers[test.target] = test.answer
		c.far.mu.Unlock()
		header := c.headers(test.target, lumo.AuthVerified)
		if test.edit != nil {
			test.edit(header)
		}
		var p struct {
			Status int    `json:"status"`
			Kind   string `json:"kind"`
		}
		if status := e.post("/edge/v1/requests", header, "", &p); status != test.want || p.Status != test.want || p.Kind == "" {
			t.Errorf("%s: got %d %+v want %d", name, status, p, test.want)
		}
	}
}

func record(kind wire.RecordKind, v id.ID, body []byte) wire.Record {
	return wire.Record{Kind: kind, ID: v, Body: body}
}

func spooled(t *testing.T, target, body string) []byte {
	t.Helper()
	b, err := wire.SpooledRequest{Method: "POST", Target: target, ReceivedAt: time.Now().UnixMilli(), Auth: "provisional",
		Headers: map[string]string{"X-Klaviyo-Flow-ID": "Fl1"}, KeySHA256: "ab01", Body: []byte(body)}.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// answer of a batch.
type taken struct {
	Offset   int      `json:"offset"`
	Rejected []string `json:"rejected"`
}

func TestBatchIsTakenWholeAndPoisonIsKept(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	e := c.enrol(t)
	click := event.Event{Type: event.Click, Number: 1, Subject: 7, Link: 1}.Append(nil)
	nobody := event.Event{Type: event.Click}.Append(nil)
	hook := c.lineHook(t)
	c.far.answers["/link/refused"] = fault.New(fault.Invalid, "x", "no")
	ids := make([]id.ID, 8)
	for i := range ids {
		ids[i] = c.ID()
	}
	sealed, err := sealing.Seal(e.sealing, record(wire.RecordRequest, ids[3], spooled(t, hook, "sealed")))
	if err != nil {
		t.Fatal(err)
	}
	forged := sealed
	forged.ID = ids[6]
	var batch []byte
	for _, r := range []wire.Record{record(wire.RecordEvent, ids[0], click), record(wire.RecordEvent, ids[1], nobody),
		record(wire.RecordRequest, ids[2], spooled(t, hook, "plain")), sealed,
		record(wire.RecordEvent, ids[4], []byte("short")), record(wire.RecordRequest, ids[5], spooled(t, "/link/refused", "canary-body")),
		forged, record(wire.RecordEvent, ids[7], click)} {
		batch = r.Append(batch)
	}
	for range 2 { // the same batch again changes nothing that is kept
		var got taken
		if status := e.post("/edge/v1/events", nil, string(batch), &got); status != 200 || got.Offset != 8 {
			t.Fatalf("got %d %+v", status, got)
		}
		want := []string{ids[1].String(), ids[4].String(), ids[5].String(), ids[6].String()}
		if strings.Join(got.Rejected, " ") != strings.Join(want, " ") {
			t.Errorf("got %v want %v", got.Rejected, want)
		}
	}
	if len(c.far.events) != 4 || len(c.far.requests) != 4 {
		t.Errorf("got %d events, %d requests", len(c.far.events), len(c.far.requests))
	}
	for i, want := range []string{"plain", "sealed"} {
		r := c.far.requests[slices.IndexFunc(c.far.requests, func(r lumo.EdgeRequest) bool { return string(r.Body) == want })]
		if !r.Spooled || r.Auth != lumo.AuthProvisional || len(r.KeySHA256) != 2 ||
			r.Merchant != c.Merchant || r.Header["X-Klaviyo-Flow-Id"] != "Fl1" || id.ID(r.ID) != ids[i+2] {
			t.Errorf("got %+v", r)
		}
	}
	kept := shoptest.Get[int](t, c.Shop, "SELECT count(*)::int FROM edge_kept WHERE $1::uuid IS NOT NULL")
	open := shoptest.Get[int](t, c.Shop, "SELECT count(*)::int FROM edge_kept WHERE position('canary' IN encode(body_enc, 'escape')) > 0 AND $1::uuid IS NOT NULL")
	if kept != 4 || open != 0 {
		t.Errorf("got %d kept, %d of them readable", kept, open)
	}
}

func TestBatchEndsBeforeWhatMustComeAgain(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	e := c.enrol(t)
	hook := c.lineHook(t)
	c.far.answers["/link/away"] = fault.New(fault.Unavailable, "x", "")
	var batch []byte
	for _, target := range []string{hook, "/link/away", hook} {
		batch = record(wire.RecordRequest, c.ID(), spooled(t, target, "x")).Append(batch)
	}
	var got taken
	if status := e.post("/edge/v1/events", nil, string(batch), &got); status != 200 || got.Offset != 1 {
		t.Errorf("got %d %+v want one taken", status, got)
	}
	c.far.mu.Lock()
	c.far.down = true
	c.far.mu.Unlock()
	click := record(wire.RecordEvent, c.ID(), event.Event{Type: event.Click, Number: 1}.Append(nil)).Append(nil)
	if status := e.post("/edge/v1/events", nil, string(click), nil); status != http.StatusServiceUnavailable {
		t.Errorf("got %d want 503", status)
	}
}

func TestRecordThatFailsByOurOwnFaultDoesNotBlockForEver(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	e := c.enrol(t)
	c.far.answers["/link/broken"] = errors.New("a bug of ours")
	batch := record(wire.RecordRequest, c.ID(), spooled(t, "/link/broken", "x")).Append(nil)
	batch = record(wire.RecordRequest, c.ID(), spooled(t, c.lineHook(t), "behind")).Append(batch)
	var got taken
	for try := 1; ; try++ {
		status := e.post("/edge/v1/events", nil, string(batch), &got)
		if status == 200 {
			if try < 2 {
				t.Error("it was given up at once")
			}
			break
		}
		if try > 10 {
			t.Fatal("it blocks for ever")
		}
	}
	if got.Offset != 2 || len(got.Rejected) != 1 || c.far.distinct() != 1 {
		t.Errorf("got %+v, %d requests", got, len(c.far.requests))
	}
}

func TestDamagedBatchIsRefused(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	e := c.enrol(t)
	if status := e.post("/edge/v1/events", nil, "garbage garbage garbage", nil); status != http.StatusBadRequest {
		t.Errorf("got %d want 400", status)
	}
	good := record(wire.RecordEvent, c.ID(), event.Event{Type: event.Click, Number: 1}.Append(nil)).Append(nil)
	bad := append([]byte(nil), good...)
	bad[len(bad)-1] ^= 1
	var got taken
	if status := e.post("/edge/v1/events", nil, string(append(bad, good...)), &got); status != 200 || got.Offset != 2 {
		t.Errorf("got %d %+v want both", status, got)
	}
	if len(c.far.events) != 1 {
		t.Errorf("got %d events want 1", len(c.far.events))
	}
}
