package fleet

import (
	"context"
	"encoding/hex"
	"errors"
	"net/textproto"
	"time"

	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/event"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/sealing"
)

const (
	// eventsAtOnce bounds what is counted together: as many as edges hand over.
	eventsAtOnce = 4000
	// requestsAtOnce bounds how many spooled requests are worked on together.
	requestsAtOnce = 64
	// maxTries is how often a record may fail by our own fault before it is kept: it must
	// not hold up the ones behind it for ever.
	maxTries = 5
	// maxFailing bounds the memory of failing records.
	maxFailing = 10_000
)

// Taken is the answer to a batch: how many records from its start need not come again, and
// which of them are kept here because they cannot be taken.
type Taken struct {
	Offset   int
	Rejected []id.ID
}

// Take works a batch of records off in order. What it answers as taken is stored. A record
// that must come again ends the batch before it.
func (i *Intake) Take(ctx context.Context, e Edge, batch []byte) (Taken, error) {
	const op = "fleet.Take"
	t := take{i: i, edge: e, scope: e.Scope()}
	for rest := batch; len(rest) > 0; {
		r, after, err := edgeapi.NextRecord(rest)
		if err != nil && after == nil && len(rest) == len(batch) {
			return Taken{}, fault.Wrap(op, err) // nothing in it can be read
		}
		switch {
		case err != nil:
			err = t.damaged(ctx, rest[:len(rest)-len(after)])
		default:
			err = t.record(ctx, r)
		}
		if err != nil {
			return t.answer(ctx, op, err)
		}
		rest = after
	}
	return t.answer(ctx, op, t.flush(ctx))
}

// take is the work on one batch. Of what it collects only one kind waits at a time, so that
// offsets count from the start.
type take struct {
	i        *Intake
	edge     Edge
	scope    lumo.Scope
	events   []lumo.EdgeEvent
	requests []edgeapi.Record
	done     Taken
}

// answer says how far we got. An error counts only when nothing was taken at all.
func (t *take) answer(ctx context.Context, op string, err error) (Taken, error) {
	if err == nil {
		return t.done, nil
	}
	if t.done.Offset == 0 {
		return Taken{}, fault.Wrap(op, err)
	}
	t.i.c.Log.WarnContext(ctx, "a batch of an edge was taken in part", "edge",
		t.edge.ID.With(id.Edge), "taken", t.done.Offset, "error", err)
	return t.done, nil
}

// record takes one record: what is alike is collected and worked off together.
func (t *take) record(ctx context.Context, r edgeapi.Record) error {
	plain, err := sealing.Open(t.i.c.Sealing, r)
	if err != nil {
		return t.keep(ctx, r, "unreadable")
	}
	if plain.Kind == edgeapi.RecordRequest {
		if err := t.flushEvents(ctx); err != nil {
			return err
		}
		if t.requests = append(t.requests, plain); len(t.requests) < requestsAtOnce {
			return nil
		}
		return t.flush(ctx)
	}
	e, err := event.Parse(plain.Body)
	if err != nil {
		return t.keep(ctx, r, "malformed")
	}
	if err := t.flushRequests(ctx); err != nil {
		return err
	}
	t.events = append(t.events, lumo.EdgeEvent{ID: plain.ID, Edge: t.edge.ID, Event: e})
	if len(t.events) < eventsAtOnce {
		return nil
	}
	return t.flush(ctx)
}

// flush works off what is collected.
func (t *take) flush(ctx context.Context) error {
	if err := t.flushEvents(ctx); err != nil {
		return err
	}
	return t.flushRequests(ctx)
}

// flushEvents hands the collected events over.
func (t *take) flushEvents(ctx context.Context) error {
	if len(t.events) == 0 {
		return nil
	}
	rejected, err := t.i.c.Tracker.Ingest(ctx, t.scope, t.events)
	if err != nil {
		return err
	}
	for _, v := range rejected {
		if err := t.store(ctx, Kept{ID: v, Kind: uint8(edgeapi.RecordEvent),
			Body: t.body(v), Problem: "rejected"}); err != nil {
			return err
		}
	}
	t.i.c.Meter.Took(t.edge.ID, len(t.events)-len(rejected))
	t.done.Rejected = append(t.done.Rejected, rejected...)
	t.done.Offset += len(t.events)
	t.events = t.events[:0]
	return nil
}

func (t *take) body(v id.ID) []byte {
	for _, e := range t.events {
		if e.ID == v {
			return e.Event.Append(nil)
		}
	}
	return nil
}

// spooledRequest is the request as the edge took it.
func spooledRequest(e Edge, v id.ID, s edgeapi.SpooledRequest) (lumo.EdgeRequest, error) {
	const op = "fleet.spooledRequest"
	auth := lumo.EdgeAuth(s.Auth)
	if !ValidAuth(auth) {
		return lumo.EdgeRequest{}, fault.As(fault.Invalid, op, errors.New("unknown auth"))
	}
	key, err := hex.DecodeString(s.KeySHA256)
	if err != nil {
		return lumo.EdgeRequest{}, fault.As(fault.Invalid, op, errors.New("the key's hash is not hex"))
	}
	return lumo.EdgeRequest{ID: lumo.RequestID(v), Edge: e.ID, Scope: e.Scope(),
		ReceivedAt: time.UnixMilli(s.ReceivedAt).UTC(), Auth: auth, Method: s.Method,
		Target: s.Target, Header: canonical(s.Headers), Body: s.Body, KeySHA256: key,
		Spooled: true}, nil
}

// canonical names headers as they are named on the direct way.
func canonical(in map[string]string) map[string]string {
	out := make(map[string]string, len(in))
	for name, value := range in {
		out[textproto.CanonicalMIMEHeaderKey(name)] = value
	}
	return out
}

// ValidAuth tells whether an edge may say so.
func ValidAuth(a lumo.EdgeAuth) bool {
	switch a {
	case lumo.AuthVerified, lumo.AuthProvisional, lumo.AuthUnchecked, lumo.AuthRefused:
		return true
	}
	return false
}

// keep works off what is collected, and then stores a record for a person to see.
func (t *take) keep(ctx context.Context, r edgeapi.Record, problem string) error {
	if err := t.flush(ctx); err != nil { // offsets count from the start
		return err
	}
	return t.keepNow(ctx, r, problem)
}

// keepNow stores a record for a person to see and counts it as taken.
func (t *take) keepNow(ctx context.Context, r edgeapi.Record, problem string) error {
	err := t.store(ctx, Kept{ID: r.ID, Kind: uint8(r.Kind), Body: r.Body, Problem: problem})
	if err != nil {
		return err
	}
	t.i.recovered(r.ID)
	t.done.Rejected = append(t.done.Rejected, r.ID)
	t.done.Offset++
	return nil
}

// damaged keeps bytes that no longer say what they were.
func (t *take) damaged(ctx context.Context, raw []byte) error {
	if err := t.flush(ctx); err != nil {
		return err
	}
	if err := t.store(ctx, Kept{ID: t.i.c.NewID(), Body: raw, Problem: "damaged"}); err != nil {
		return err
	}
	t.done.Offset++
	return nil
}

func (t *take) store(ctx context.Context, k Kept) error {
	k.Edge, k.At = t.edge.ID, t.i.c.Now()
	return t.i.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		return t.i.c.Store.Keep(ctx, k)
	})
}

// failed counts one more failure of a record.
func (i *Intake) failed(v id.ID) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.failing) > maxFailing {
		clear(i.failing)
	}
	i.failing[v]++
	return i.failing[v]
}

func (i *Intake) recovered(v id.ID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.failing, v)
}
