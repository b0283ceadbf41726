package fleet_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"lumo/core/fleet"
	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/event"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/sealing"
)

// memory is everything that the fleet needs, without a database. It refuses what a database
// would.
type memory struct {
	fleet.Store
	fleet.Values
	t  testing.TB
	mu sync.Mutex // guards kept
	// kept are records set aside.
	kept []fleet.Kept
}

func (*memory) InTenant(ctx context.Context, _ lumo.MerchantID, fn func(context.Context) error) error {
	return fn(ctx)
}
func (*memory) InSystem(ctx context.Context, fn func(context.Context) error) error { return fn(ctx) }
func (*memory) AfterCommit(_ context.Context, fn func())                           { fn() }
func (*memory) Listen(context.Context, func(string)) error                         { return nil }
func (*memory) EdgesChanged(context.Context, lumo.MerchantID, fleet.Status)        {}
func (*memory) Took(context.Context, id.ID, time.Time, uint64) error               { return nil }

func (m *memory) Keep(_ context.Context, k fleet.Kept) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept = append(m.kept, k)
	return nil
}

func (m *memory) Seen(_ context.Context, _ id.ID, r fleet.Report, _ time.Time) (bool, error) {
	for _, text := range []string{r.Program, r.Detail} {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			m.t.Errorf("a text is stored that cannot be: %q", text)
		}
	}
	for _, n := range []uint64{r.Version, r.WaitingEvents, r.OldestSeconds, r.Modules, r.Refused, r.SpoolBytes, r.SpoolLimit, r.Served} {
		if n > math.MaxInt64 {
			m.t.Errorf("a number is stored that cannot be: %d", n)
		}
	}
	return true, nil
}

func (*memory) Note(context.Context, fleet.Entry) error { return nil }

func (*memory) Hook(_ context.Context, _, publicKey string) (m lumo.MerchantID, target id.ID, err error) {
	if publicKey != "aaaaaaaaaaaaaaaa" {
		return m, target, fault.New(fault.NotFound, "memory", "This hook does not exist.")
	}
	return lumo.MerchantID{1}, id.ID{2}, nil
}

func (*memory) ByNumber(_ context.Context, number uint32) (m lumo.MerchantID, c lumo.ChannelID, err error) {
	return m, c, fault.New(fault.NotFound, "memory", "nobody")
}

// Ingest rejects events without a number.
func (*memory) Ingest(_ context.Context, _ lumo.Scope, events []lumo.EdgeEvent) (rejected []id.ID, err error) {
	for _, e := range events {
		if e.Event.Number == 0 {
			rejected = append(rejected, e.ID)
		}
	}
	return rejected, nil
}

// HandleEdge takes what it is made for.
func (m *memory) HandleEdge(_ context.Context, r lumo.EdgeRequest) (lumo.EdgeAnswer, error) {
	if !fleet.ValidAuth(r.Auth) || !strings.HasPrefix(r.Target, "/hooks/line/aaaaaaaaaaaaaaaa") {
		m.t.Errorf("a handler got %q, %q", r.Auth, r.Target)
	}
	if r.Merchant != (lumo.MerchantID{1}) || !r.Spooled {
		m.t.Errorf("a handler got %+v", r)
	}
	return lumo.EdgeAnswer{Status: 200}, nil
}

type meter struct{}

func (meter) Took(id.ID, int) {}

func newID() id.ID { return id.New(1, [10]byte{1}) }

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func newIntake(t testing.TB, m *memory, private sealing.PrivateKey) *fleet.Intake {
	t.Helper()
	m.t = t
	i, err := fleet.NewIntake(fleet.IntakeConfig{Tenants: m, Store: m, Hooks: m, Numbers: m, Tracker: m, Meter: meter{},
		Routes: []fleet.Route{{Prefix: "/hooks/line/", Hook: "line", Handler: m,
			People: func(body []byte) []string { return strings.Fields(string(body)) }}},
		Sealing: private, NewID: newID, Now: time.Now, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// FuzzTake: whatever an edge sends as records is taken, kept or refused as a whole; what is
// answered as taken ends at the batch's end, and nothing is both lost and taken.
func FuzzTake(f *testing.F) {
	private, err := sealing.ParsePrivateKey(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		f.Fatal(err)
	}
	click := event.Event{Type: event.Click, Number: 1, Subject: 7, Link: 1}.Append(nil)
	request, err := edgeapi.SpooledRequest{Method: "POST", Target: "/hooks/line/aaaaaaaaaaaaaaaa", ReceivedAt: 1, Auth: "provisional",
		Headers: map[string]string{"x-line-signature": "a"}, KeySHA256: "ab", Body: []byte("ann bob")}.Append(nil)
	if err != nil {
		f.Fatal(err)
	}
	one := edgeapi.Record{Kind: edgeapi.RecordEvent, ID: id.ID{1}, Body: click}.Append(nil)
	two := edgeapi.Record{Kind: edgeapi.RecordRequest, ID: id.ID{2}, Body: request}.Append(nil)
	f.Add([]byte(nil))
	f.Add(slices.Concat(one, two, two, one))
	f.Add(slices.Concat(one, two[:len(two)-3]))
	public, err := sealing.ParsePublicKey(private.Public())
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := sealing.Seal(public, edgeapi.Record{Kind: edgeapi.RecordRequest, ID: id.ID{3}, Body: request})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(slices.Concat(sealed.Append(nil), one))
	damaged := slices.Concat(one, one)
	damaged[len(one)-1] ^= 1
	f.Add(damaged)
	f.Fuzz(func(t *testing.T, batch []byte) {
		m := &memory{}
		taken, err := newIntake(t, m, private).Take(t.Context(), fleet.Edge{ID: id.ID{9}}, batch)
		if err != nil {
			if taken.Offset != 0 || len(taken.Rejected) != 0 {
				t.Errorf("%v, and yet %+v", err, taken)
			}
			return
		}
		most := len(batch) / 8 // no record is shorter than its length and checksum
		if taken.Offset > most || len(taken.Rejected) > taken.Offset || len(batch) > 0 && taken.Offset == 0 {
			t.Errorf("of %d bytes %+v", len(batch), taken)
		}
		if len(m.kept) < len(taken.Rejected) {
			t.Errorf("%d were rejected, %d are kept", len(taken.Rejected), len(m.kept))
		}
	})
}

// said is a connection on which an edge says a few things and is gone.
type said struct{ messages [][]byte }

var errGone = errors.New("gone")

func (s *said) Read(context.Context) ([]byte, error) {
	if len(s.messages) == 0 {
		return nil, errGone
	}
	next := s.messages[0]
	s.messages = s.messages[1:]
	return next, nil
}
func (*said) Write(context.Context, []byte) error { return nil }
func (*said) Close(error)                         {}

// FuzzStream: whatever an edge says on its stream is stored as it can be, or ends the stream.
func FuzzStream(f *testing.F) {
	status := edgeapi.Status{WaitingEvents: 3, OldestSeconds: 9, Modules: 7, Program: "1.2.0", Refusal: edgeapi.RefusedTest, Detail: "理由"}.Append(nil)
	f.Add(edgeapi.Frame{Type: edgeapi.FrameAck, Sequence: 7}.Append(nil), edgeapi.Frame{Type: edgeapi.FrameStatus, Payload: status}.Append(nil))
	f.Add([]byte{}, []byte{1})
	f.Add(edgeapi.Frame{Type: edgeapi.FrameAck, Sequence: math.MaxUint64}.Append(nil), []byte(nil))
	f.Add(edgeapi.Frame{Type: edgeapi.FrameHeartbeat}.Append(nil), edgeapi.Frame{Type: edgeapi.FrameDelta, Payload: []byte{1, 2}}.Append(nil))
	nul := edgeapi.Status{Program: "a\x00", Detail: "b\x00", Served: math.MaxUint64}.Append(nil)
	f.Add(edgeapi.Frame{Type: edgeapi.FrameStatus, Payload: nul}.Append(nil), []byte(nil))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		m := &memory{t: t}
		s, err := fleet.New(fleet.Config{Tenants: m, Store: m, Values: m, Bell: m, Watcher: m, NewID: newID, Now: time.Now, Log: quiet(),
			Keys: fleet.CoreKeys{Sealing: fleet.CoreKey{Public: []byte{1}}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := fleet.ReadStream(t.Context(), s, fleet.Edge{ID: id.ID{9}}, &said{[][]byte{first, second}}); err == nil {
			t.Error("the stream goes on without a connection")
		}
	})
}
