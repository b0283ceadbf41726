package delivery

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	pushPerSecond = 1900 // 95 % of LINE's 2,000
	pushBurst     = 100
	pushLimit     = 15 * time.Second
	firstRetry    = time.Second
	longestRetry  = 5 * time.Minute
	rateRetry     = 2 * time.Second
	quotaRetry    = 5 * time.Minute
	settleTries   = 8
)

// channelSender sends for one channel under one lease.
type channelSender struct {
	service *Service
	lease   Lease
	bucket  *rate.Limiter
	slots   chan struct{}
	group   sync.WaitGroup
}

func newChannelSender(s *Service, l Lease) *channelSender {
	bucket := rate.NewLimiter(pushPerSecond, pushBurst)
	bucket.AllowN(time.Now(), pushBurst) // empty: the last owner may have used this second
	return &channelSender{service: s, lease: l, bucket: bucket, slots: make(chan struct{}, inFlight)}
}

func (c *channelSender) wait() { c.group.Wait() }

// runOnce takes one batch of due deliveries, commits them to their bytes, and begins to
// push them. more tells that there may be further ones.
func (c *channelSender) runOnce(ctx context.Context) (more bool, err error) {
	s := c.service
	var ready []Delivery
	var keys lumo.Keys
	err = s.Units.InTenant(ctx, c.lease.Merchant, func(ctx context.Context) error {
		ready, more = nil, false
		if err := s.Leases.Hold(ctx, c.lease); err != nil {
			return err
		}
		due, err := s.Store.Due(ctx, c.lease, s.Now(), min(batch, inFlight-len(c.slots)))
		if err != nil || len(due) == 0 {
			return err
		}
		more = len(due) == batch
		channel, err := s.Channels.Get(ctx, c.lease.Merchant, c.lease.Channel)
		if err != nil {
			return err
		}
		if keys.ID, keys.Secret, err = s.Channels.MessagingCredentials(ctx, c.lease.Merchant, c.lease.Channel); err != nil {
			return err
		}
		ready, err = c.prepareAll(ctx, channel, due)
		return err
	})
	if err != nil {
		return false, fault.Wrap("delivery.runOnce", err)
	}
	for _, d := range ready {
		c.slots <- struct{}{}
		c.group.Go(func() {
			defer func() { <-c.slots }()
			c.push(ctx, keys, d)
		})
	}
	return more, nil
}

func (c *channelSender) prepareAll(ctx context.Context, channel lumo.Channel, due []Delivery) ([]Delivery, error) {
	var ready []Delivery
	for _, d := range due {
		d, outcome, err := c.prepare(ctx, channel, d)
		if err != nil {
			return nil, err
		}
		if outcome != nil {
			if err := c.service.settle(ctx, c.lease, *outcome); err != nil {
				return nil, err
			}
			continue
		}
		if err := c.service.Store.Freeze(ctx, c.lease, d); err != nil {
			return nil, err
		}
		ready = append(ready, d)
	}
	return ready, nil
}

// prepare gives a delivery its bytes, or the outcome that makes a try needless. What was
// tried before keeps its bytes: a second rendering could differ.
func (c *channelSender) prepare(ctx context.Context, channel lumo.Channel, d Delivery) (Delivery, *Outcome, error) {
	s := c.service
	if d.State == Sending || d.State == Unknown {
		if d.Expired {
			return d, &Outcome{Delivery: d, State: UnknownExpired, Reason: edgeapi.Unconfirmed.Code()}, nil
		}
		d.State = Unknown // until LINE says otherwise
		return d, nil, nil
	}
	if !d.TooLateAt.IsZero() && s.Now().After(d.TooLateAt) {
		return d, skip(d, edgeapi.TooLate, map[string]any{"hours": int(s.Now().Sub(d.ReceivedAt).Hours())}), nil
	}
	friend, err := s.Channels.Friend(ctx, d.Merchant, d.Friend)
	if fault.Is(err, fault.NotFound) {
		return d, skip(d, edgeapi.Erased, nil), nil
	}
	if err != nil {
		return d, nil, err
	}
	switch friend.FollowStatus {
	case lumo.Blocked:
		return d, skip(d, edgeapi.Blocked, nil), nil
	case lumo.NotFriend:
		return d, skip(d, edgeapi.NotFriend, nil), nil
	}
	if len(d.Body) > 0 {
		return d, nil, nil // deferred: never accepted, the same bytes again
	}
	body, reason, err := s.Composer.Compose(ctx, channel, d.Number, d.Content, friend.Line)
	if err != nil {
		return d, nil, err
	}
	if reason != "" {
		return d, &Outcome{Delivery: d, State: Skipped, Reason: reason}, nil
	}
	d.Body = body
	return d, nil, nil
}

func skip(d Delivery, reason edgeapi.Reason, data map[string]any) *Outcome {
	return &Outcome{Delivery: d, State: Skipped, Reason: reason.Code(), Data: data}
}

// push makes one try and records it. The try may outlive the lease: its bytes and key are
// committed, and what it learns is worth recording whoever owns the channel now.
func (c *channelSender) push(ctx context.Context, keys lumo.Keys, d Delivery) {
	ctx = context.WithoutCancel(ctx)
	limited, cancel := context.WithTimeout(ctx, pushLimit)
	defer cancel()
	result := Result{Verdict: TokenFailed}
	if c.bucket.Wait(limited) == nil {
		result = c.service.Pusher.Push(limited, keys, d.Key, d.Body)
	}
	c.record(ctx, judge(d, result, c.service.Now()))
}

// record writes an outcome down, again and again if it must: the evidence is in hand.
func (c *channelSender) record(ctx context.Context, o Outcome) {
	s := c.service
	wait := 50 * time.Millisecond
	for try := 1; ; try++ {
		err := s.Units.InTenant(ctx, c.lease.Merchant, func(ctx context.Context) error { return s.settle(ctx, c.lease, o) })
		if err == nil {
			return
		}
		s.complain(ctx, "delivery.record", err)
		if try == settleTries { // about half a minute: the row stays in sending, found again as unknown
			return
		}
		time.Sleep(wait)
		wait = min(2*wait, 8*time.Second)
	}
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
	case r.Verdict == TokenFailed:
		o.State, o.NextAt = Deferred, now.Add(backoff(d.Tries))
		o.Reason = edgeapi.LINERefused.Code()
	default:
		o.State, o.Reason, o.Data = Rejected, edgeapi.LINERefused.Code(), map[string]any{"status": r.Status}
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

// settle records an outcome and tells everybody, in the transaction of ctx.
func (s *Service) settle(ctx context.Context, l Lease, o Outcome) error {
	changed, err := s.Store.Settle(ctx, l, o)
	if err != nil || !changed {
		return err
	}
	if kind, ok := factOf(o.State); ok {
		err := s.Recorder.Record(ctx, fact(o, kind, s.Now()))
		if err != nil {
			return fault.Wrap("delivery.settle", err)
		}
	}
	s.Watcher.DeliveryChanged(ctx, o.Delivery, o.State, o.Reason)
	return nil
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
	data := map[string]any{"delivery": d.ID.String(), "number": d.Number, "kind": d.Kind}
	if o.Reason != "" {
		data["reason"] = o.Reason
	}
	if d.Content.Message != (lumo.MessageID{}) {
		data["message"] = d.Content.Message.String()
	}
	return lumo.Fact{Merchant: d.Merchant, Channel: d.Channel, Friend: d.Friend, Kind: kind, Source: d.Kind,
		Ref: id.ID(d.ID).String(), OccurredAt: now, Data: data}
}
