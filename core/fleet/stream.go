package fleet

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	heartbeatEvery = time.Second
	changesAtOnce  = 500
	// partSize keeps frames well below edgeapi.MaxFrame.
	partSize = 256 << 10
)

var errRevoked = errors.New("the edge was revoked")

// Conn is one edge's connection. Read fails when the edge has given no sign of life for a
// few seconds, and once the connection is closed.
type Conn interface {
	Read(ctx context.Context) ([]byte, error)
	Write(ctx context.Context, message []byte) error
	// Close tells the edge why, as far as it may know, and ends the connection.
	Close(why error)
}

// stream keeps one edge up to date.
type stream struct {
	s       *Service
	edge    Edge
	scope   lumo.Scope
	conn    Conn
	sent    uint64 // version that the frames written so far bring the edge to
	modules uint64 // module set that was written last
	// What the edge told last.
	applied atomic.Uint64
	status  atomic.Pointer[edgeapi.Status]
}

// Stream brings an edge from the version it has to the newest and keeps it there, until ctx
// ends or the connection does. After 0 comes a snapshot.
func (s *Service) Stream(ctx context.Context, e Edge, after uint64, conn Conn) error {
	const op = "fleet.Stream"
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	st := &stream{s: s, edge: e, scope: e.Scope(), conn: conn, sent: after}
	st.applied.Store(after)
	st.status.Store(&e.Report.Status)
	err := s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		if err := s.c.Store.Connected(ctx, e.ID, s.c.Now()); err != nil {
			return err
		}
		return s.note(ctx, Entry{Edge: e.ID, Action: ActionConnected})
	})
	if err != nil {
		return fault.Wrap(op, err)
	}
	s.c.Log.InfoContext(ctx, "an edge connected", "edge", e.ID.With(id.Edge), "version", after)
	read := make(chan struct{})
	go func() {
		defer close(read)
		cancel(st.readAll(ctx))
	}()
	err = st.writeAll(ctx)
	cancel(err)
	conn.Close(err)
	<-read
	if cause := context.Cause(ctx); err == nil || ctx.Err() != nil {
		err = cause
	}
	s.c.Log.InfoContext(ctx, "an edge went", "edge", e.ID.With(id.Edge), "error", err)
	_ = s.c.Tenants.InSystem(context.WithoutCancel(ctx), func(ctx context.Context) error {
		return s.note(ctx, Entry{Edge: e.ID, Action: ActionWent})
	}) // its last contact says so too
	return fault.Wrap(op, err)
}

// writeAll sends what is new as it comes, and a heartbeat each second.
func (st *stream) writeAll(ctx context.Context) error {
	tick := time.NewTicker(heartbeatEvery)
	defer tick.Stop()
	if err := st.s.refreshModules(ctx); err != nil {
		return err
	}
	if err := st.start(ctx); err != nil {
		return err
	}
	for first := true; ; first = false {
		news, revoked, offered := st.s.news.next(), st.s.revoked.next(), st.s.offered.next()
		if err := st.catchUp(ctx); err != nil {
			return err
		}
		if err := st.offer(ctx); err != nil {
			return err
		}
		if first { // only now: a heartbeat says that the edge has everything
			if err := st.heartbeat(ctx); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-news:
		case <-offered:
		case <-revoked: // perhaps this one: the heartbeat finds out
			if err := st.heartbeat(ctx); err != nil {
				return err
			}
		case <-tick.C:
			if err := st.heartbeat(ctx); err != nil {
				return err
			}
		}
	}
}

// offer sends the published module set once.
func (st *stream) offer(ctx context.Context) error {
	set := st.s.modules.Load()
	if set == nil || set.Version <= st.modules {
		return nil
	}
	st.modules = set.Version
	return st.write(ctx, set.frame())
}

// start sends a snapshot unless the changes since the edge's version are all there.
func (st *stream) start(ctx context.Context) error {
	newest, err := st.s.order(ctx)
	if err != nil {
		return err
	}
	_, known, err := st.s.since(ctx, st.sent, 1)
	if err != nil {
		return err
	}
	if known && st.sent > 0 {
		return nil
	}
	return st.snapshot(ctx, newest)
}

// snapshot sends everything. What changes meanwhile comes again as a delta.
func (st *stream) snapshot(ctx context.Context, version uint64) error {
	var merchants []lumo.MerchantID
	err := st.s.c.Tenants.InSystem(ctx, func(ctx context.Context) (err error) {
		merchants, err = st.s.c.Store.Merchants(ctx)
		return err
	})
	if err != nil {
		return err
	}
	p := parts{stream: st, kind: edgeapi.FrameSnapshot, version: version}
	if err := p.add(ctx, st.s.ownEntries()); err != nil {
		return err
	}
	for _, m := range merchants {
		if !st.scope.Has(m) {
			continue
		}
		var entries []edgeapi.Entry
		err := st.s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) (err error) {
			entries, err = st.s.c.Values.All(ctx, m)
			return err
		})
		if err != nil {
			return err
		}
		if err := p.add(ctx, entries); err != nil {
			return err
		}
	}
	if err := p.flush(ctx); err != nil {
		return err
	}
	st.sent = version
	return st.write(ctx, edgeapi.Frame{Type: edgeapi.FrameSnapshot, Sequence: version})
}

// ownEntries are the rows that belong to no merchant: the public key of one-off links.
func (s *Service) ownEntries() []edgeapi.Entry {
	k := s.c.Keys.OneOff
	if len(k.Public) == 0 {
		return nil
	}
	return []edgeapi.Entry{{Op: edgeapi.Put, Table: edgeapi.TableKey,
		Key:   edgeapi.Ref(edgeapi.KeyOneOff, uint16(k.Number), 0).Append(nil),
		Value: edgeapi.KeyEntry{Secret: k.Public}.Append(nil)}}
}

// catchUp sends all changes that have a number by now.
func (st *stream) catchUp(ctx context.Context) error {
	for st.sent < st.s.newest.Load() {
		changes, known, err := st.s.since(ctx, st.sent, changesAtOnce)
		if err != nil {
			return err
		}
		if !known {
			return st.snapshot(ctx, st.s.newest.Load())
		}
		if len(changes) == 0 {
			return nil
		}
		if err := st.delta(ctx, changes); err != nil {
			return err
		}
	}
	return nil
}

// delta sends changes in order. A frame ends between two changes and carries the number of
// its last one: an edge applies it at once and has everything up to there.
func (st *stream) delta(ctx context.Context, changes []Change) error {
	p := parts{stream: st, kind: edgeapi.FrameDelta}
	for len(changes) > 0 {
		m := changes[0].Merchant
		n := 1
		for n < len(changes) && changes[n].Merchant == m {
			n++
		}
		entries, err := st.entries(ctx, m, changes[:n])
		if err != nil {
			return err
		}
		for i, e := range entries {
			p.version = changes[i].Sequence
			if e.Op == 0 {
				continue // cannot be read now: what the edge has stands
			}
			if err := p.add(ctx, []edgeapi.Entry{e}); err != nil {
				return err
			}
		}
		st.sent = changes[n-1].Sequence
		changes = changes[n:]
	}
	return p.end(ctx)
}

// entries are the rows of changes of one merchant. Those of a merchant out of scope are
// entries without operation: the edge only gets past their numbers.
func (st *stream) entries(ctx context.Context, m lumo.MerchantID, changes []Change) (
	entries []edgeapi.Entry, err error) {
	if !st.scope.Has(m) {
		return make([]edgeapi.Entry, len(changes)), nil
	}
	err = st.s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		entries, err = st.s.c.Values.Entries(ctx, m, changes)
		return err
	})
	return entries, err
}

func (s *Service) since(ctx context.Context, after uint64, limit int) (
	changes []Change, known bool, err error) {
	err = s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		changes, known, err = s.c.Store.Since(ctx, after, limit)
		return err
	})
	return changes, known, err
}

// heartbeat says which version is newest and what time it is, and stores that the edge
// lives. A revoked edge hears nothing more.
func (st *stream) heartbeat(ctx context.Context) error {
	s := st.s
	alive := false
	err := s.c.Tenants.InSystem(ctx, func(ctx context.Context) (err error) {
		alive, err = s.c.Store.Seen(ctx, st.edge.ID, st.report(), s.c.Now())
		return err
	})
	if err != nil {
		return err
	}
	if !alive {
		return fault.As(fault.Unauthenticated, "fleet.heartbeat", errRevoked)
	}
	return st.write(ctx, edgeapi.Frame{Type: edgeapi.FrameHeartbeat, Sequence: st.sent,
		Payload: edgeapi.Heartbeat{Version: st.sent, UnixMS: uint64(s.c.Now().UnixMilli())}.Append(nil)})
}

func (st *stream) report() Report {
	return Report{Version: st.applied.Load(), Status: *st.status.Load()}
}

func (st *stream) write(ctx context.Context, f edgeapi.Frame) error {
	return st.conn.Write(ctx, f.Append(nil))
}

// readAll takes the edge's acknowledgements and reports.
func (st *stream) readAll(ctx context.Context) error {
	for {
		message, err := st.conn.Read(ctx)
		if err != nil {
			return err
		}
		f, err := edgeapi.ParseFrame(message)
		if err != nil {
			return err
		}
		if f.Sequence > math.MaxInt64 {
			return errUnstorable()
		}
		switch f.Type {
		case edgeapi.FrameAck:
			if err := st.acknowledged(ctx, f.Sequence); err != nil {
				return err
			}
		case edgeapi.FrameStatus:
			status, err := edgeapi.ParseStatus(f.Payload)
			if err != nil {
				return err
			}
			if !storable(status) {
				return errUnstorable()
			}
			if err := st.told(ctx, status); err != nil {
				return err
			}
		}
	}
}

// storable tells whether a database takes what an edge says: an edge that says anything else
// is broken, and our log need not suffer from it.
func storable(s edgeapi.Status) bool {
	for _, n := range []uint64{s.WaitingEvents, s.OldestSeconds, s.Modules, s.Refused, s.SpoolBytes, s.SpoolLimit, s.Served} {
		if n > math.MaxInt64 {
			return false
		}
	}
	for _, text := range []string{s.Program, s.Detail} {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return false
		}
	}
	return true
}

func errUnstorable() error {
	return fault.As(fault.Invalid, "fleet.readAll", errors.New("the edge says what cannot be stored"))
}

// told takes what the edge says of itself. What is news to an operator is stored at once.
func (st *stream) told(ctx context.Context, now edgeapi.Status) error {
	before := *st.status.Swap(&now)
	news := changes(before, now)
	if len(news) == 0 {
		return nil
	}
	s := st.s
	return s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		if _, err := s.c.Store.Seen(ctx, st.edge.ID, st.report(), s.c.Now()); err != nil {
			return err
		}
		for _, e := range news {
			e.Edge = st.edge.ID
			if err := s.note(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// changes are the lines of the log that a status is worth.
func changes(before, now edgeapi.Status) (news []Entry) {
	if now.Modules != before.Modules {
		news = append(news, Entry{Action: ActionModules, Data: map[string]any{"version": now.Modules}})
	}
	if now.Refusal != 0 && (now.Refusal != before.Refusal || now.Refused != before.Refused) {
		news = append(news, Entry{Action: ActionRefused,
			Data: map[string]any{"version": now.Refused, "reason": now.Refusal.Code(), "detail": now.Detail}})
	}
	if now.Trouble != before.Trouble {
		news = append(news, Entry{Action: ActionTrouble, Data: map[string]any{"trouble": now.Trouble.Names()}})
	}
	return news
}

// acknowledged is stored at once: somebody may be waiting to show a new key.
func (st *stream) acknowledged(ctx context.Context, version uint64) error {
	st.applied.Store(version)
	s := st.s
	err := s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		_, err := s.c.Store.Seen(ctx, st.edge.ID, st.report(), s.c.Now())
		return err
	})
	s.applied.fire()
	return err
}

// parts packs entries into frames.
type parts struct {
	stream  *stream
	kind    edgeapi.FrameType
	version uint64
	payload []byte
}

// add packs entries; a full part goes out at once.
func (p *parts) add(ctx context.Context, entries []edgeapi.Entry) error {
	for _, e := range entries {
		p.payload = e.Append(p.payload)
		if len(p.payload) < partSize {
			continue
		}
		if err := p.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (p *parts) flush(ctx context.Context) error {
	if len(p.payload) == 0 {
		return nil
	}
	err := p.stream.write(ctx, edgeapi.Frame{Type: p.kind, Sequence: p.version, Payload: p.payload})
	p.payload = nil
	return err
}

// end sends the last part. Without entries it still brings the edge to its version.
func (p *parts) end(ctx context.Context) error {
	f := edgeapi.Frame{Type: p.kind, Sequence: p.version, Payload: p.payload}
	p.payload = nil
	return p.stream.write(ctx, f)
}
