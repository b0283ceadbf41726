package delivery

import (
	"context"
	"maps"
	"sync"
	"time"

	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	settleBatch     = 256                  // outcomes in one transaction
	settleWait      = 5 * time.Millisecond // for more of them
	settlePatience  = 30 * time.Second     // with a database that is away
	refusedPatience = 5 * time.Second      // with one that refuses them
	firstInsist     = 50 * time.Millisecond
	longestInsist   = 4 * time.Second
)

// note is what LINE answered to one push.
type note struct {
	one   Outcome
	chunk *ChunkOutcome // set = the push was a chunk's
}

// settler records what LINE answered to one channel's pushes. While one transaction commits,
// further answers gather for the next, so that the disk's pace does not become the sender's.
type settler struct {
	service *Service
	lease   Lease
	notes   chan note
	group   sync.WaitGroup
}

func startSettler(s *Service, l Lease) *settler {
	w := &settler{service: s, lease: l, notes: make(chan note, settleBatch)}
	w.group.Go(w.run)
	return w
}

func (w *settler) record(n note) { w.notes <- n }

// finish waits until all that came before is recorded.
func (w *settler) finish() {
	close(w.notes)
	w.group.Wait()
}

func (w *settler) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for first := range w.notes {
		timer.Reset(settleWait)
		w.insist(context.Background(), w.gather(first, timer.C))
	}
}

// gather waits a moment for more answers: what a transaction costs is shared among them.
func (w *settler) gather(first note, over <-chan time.Time) []note {
	all := []note{first}
	for len(all) < settleBatch {
		select {
		case n, open := <-w.notes:
			if !open {
				return all
			}
			all = append(all, n)
		case <-over:
			return all
		}
	}
	return all
}

// insist writes outcomes down, again and again if it must: the evidence is in hand, and a
// database that crashed may take a while to come back. One that the database refuses does not
// keep the others from being recorded; where it goes on refusing, what LINE said is recorded
// without what follows from it. After all patience the rows stay in sending, and whoever sends for
// the account finds them two minutes after their try.
func (w *settler) insist(ctx context.Context, all []note) {
	begun := time.Now()
	for wait := firstInsist; ; wait = min(2*wait, longestInsist) {
		err := w.once(ctx, all, w.service.told)
		if err == nil {
			return
		}
		w.service.complain(ctx, "delivery.insist", err)
		away := fault.Is(err, fault.Unavailable)
		if len(all) > 1 && !away {
			for _, n := range all {
				w.insist(ctx, []note{n})
			}
			return
		}
		if waited := time.Since(begun); waited > settlePatience || !away && waited > refusedPatience {
			w.alone(ctx, all, err)
			return
		}
		time.Sleep(wait)
	}
}

// alone records outcomes and tells nobody: a timeline or an event for Klaviyo that cannot be written
// must not make a message that LINE took one that it may not have.
func (w *settler) alone(ctx context.Context, all []note, cause error) {
	nobody := func(context.Context, Lease, []Outcome) error { return nil }
	err := w.once(ctx, all, nobody)
	w.service.Log.ErrorContext(ctx, "what LINE said has no consequences", "op", "delivery.insist", "recorded", err == nil,
		"error", cause.Error())
}

// once records outcomes and what follows from them in one transaction.
func (w *settler) once(ctx context.Context, all []note, tell func(context.Context, Lease, []Outcome) error) error {
	s := w.service
	return s.Units.InTenant(ctx, w.lease.Merchant, func(ctx context.Context) error {
		var ones []Outcome
		var changed []Outcome
		for _, n := range all {
			if n.chunk == nil {
				ones = append(ones, n.one)
				continue
			}
			parts, err := s.Store.SettleChunk(ctx, w.lease, *n.chunk, s.Now())
			if err != nil {
				return err
			}
			changed = append(changed, parts...)
		}
		if len(ones) > 0 {
			parts, err := s.Store.Settle(ctx, w.lease, ones)
			if err != nil {
				return err
			}
			changed = append(changed, parts...)
		}
		if err := tell(ctx, w.lease, changed); err != nil {
			return err
		}
		return s.Store.Count(ctx, w.lease, changed)
	})
}

// judge turns LINE's answer into an outcome. After a try whose outcome is unknown only an
// acceptance settles anything: a refusal now says nothing about that earlier try.
func judge(d Delivery, r Result, now time.Time) Outcome {
	o := Outcome{Delivery: d, RequestID: r.RequestID}
	unknownBefore := d.State == Unknown
	switch {
	case r.Verdict == TakenByLINE:
		o.State = Accepted
	case r.Verdict == Unanswered || unknownBefore:
		o.State, o.Reason, o.NextAt = Unknown, edgeapi.Unanswered.Code(), now.Add(backoff(d.Tries))
	case r.Verdict == SlowDown:
		o.State, o.Reason, o.NextAt = Deferred, edgeapi.Rate.Code(), now.Add(rateRetry)
	case r.Verdict == UsedUp:
		o.State, o.Reason, o.NextAt = QuotaBlocked, edgeapi.Quota.Code(), now.Add(quotaRetry)
	case r.Verdict == AccountFails:
		o.State, o.NextAt = Deferred, now.Add(backoff(d.Tries))
		o.Reason, o.Data = edgeapi.AccountFails.Code(), map[string]any{"status": r.Status}
	default:
		o.State, o.Reason, o.Data = Rejected, edgeapi.LINERefused.Code(), r.Refusal.Data(r.Status)
	}
	return o
}

func backoff(tries int) time.Duration {
	wait := firstRetry
	for range min(tries, 10) {
		wait *= 2
	}
	return min(wait, longestRetry)
}

// settle records outcomes and tells everybody, in the transaction of ctx. It answers what
// changed, which is still to be counted.
func (s *Service) settle(ctx context.Context, l Lease, all []Outcome) ([]Outcome, error) {
	if len(all) == 0 {
		return nil, nil
	}
	changed, err := s.Store.Settle(ctx, l, all)
	if err != nil {
		return nil, err
	}
	return changed, s.told(ctx, l, changed)
}

// told passes on outcomes that changed something.
func (s *Service) told(ctx context.Context, l Lease, changed []Outcome) error {
	var facts []lumo.Fact
	many := false
	for _, o := range changed {
		if kind, ok := factOf(o.State); ok {
			facts = append(facts, fact(o, kind, s.Now()))
		}
		if o.Delivery.Broadcast() {
			many = true
			continue // open pages hear of a broadcast, not of each of its people
		}
		s.Watcher.DeliveryChanged(ctx, o.Delivery, o.State, o.Reason)
	}
	if many {
		s.Watcher.BroadcastMoved(ctx, l.Merchant, l.Channel)
	}
	return fault.Wrap("delivery.told", s.Recorder.RecordAll(ctx, l.Merchant, facts))
}

// factOf is what an end state means in a friend's timeline. Unconfirmed means nothing: it
// may have arrived or not.
func factOf(s State) (lumo.FactKind, bool) {
	switch s {
	case Accepted:
		return lumo.FactSent, true
	case Skipped:
		return lumo.FactNotSent, true
	case Rejected:
		return lumo.FactFailed, true
	}
	return "", false
}

func fact(o Outcome, kind lumo.FactKind, now time.Time) lumo.Fact {
	d := o.Delivery
	data := map[string]any{}
	maps.Copy(data, o.Data) // what the reason's sentence says
	data["delivery"], data["number"], data["kind"] = d.ID.String(), d.Number, d.Kind
	if o.Reason != "" {
		data["reason"] = o.Reason
	}
	if d.Content.Message != (lumo.MessageID{}) {
		data["message"] = d.Content.Message.String()
	}
	return lumo.Fact{Merchant: d.Merchant, Channel: d.Channel, Friend: d.Friend, Kind: kind, Source: d.Kind,
		Ref: id.ID(d.ID).String(), OccurredAt: now, Data: data}
}
