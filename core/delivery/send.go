package delivery

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

const (
	pushPerSecond = 1900 // 95 % of LINE's 2,000
	pushBurst     = 100
	pushLimit     = 15 * time.Second
	firstRetry    = time.Second
	longestRetry  = 5 * time.Minute
	rateRetry     = 2 * time.Second
	quotaRetry    = 5 * time.Minute
)

// channelSender sends for one channel under one lease.
type channelSender struct {
	service *Service
	lease   Lease
	bucket  *rate.Limiter
	slots   chan struct{}
	pushes  sync.WaitGroup
	settler *settler
}

func newChannelSender(s *Service, l Lease) *channelSender {
	bucket := rate.NewLimiter(pushPerSecond, pushBurst)
	bucket.AllowN(time.Now(), pushBurst) // empty: the last owner may have used this second
	return &channelSender{service: s, lease: l, bucket: bucket, slots: make(chan struct{}, inFlight),
		settler: startSettler(s, l)}
}

// wait ends when every push was answered and every answer recorded.
func (c *channelSender) wait() {
	c.pushes.Wait()
	c.settler.finish()
}

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
		stop, _, err := s.Settings.Sending(ctx, c.lease.Merchant, c.lease.Channel)
		if err != nil || stop.Scope == StoppedEverything {
			return err
		}
		due, err := s.Store.Due(ctx, c.lease, stop, s.Now(), min(batch, inFlight-len(c.slots)))
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
		c.pushes.Go(func() {
			defer func() { <-c.slots }()
			c.push(ctx, keys, d)
		})
	}
	return more, nil
}

// prepareAll commits deliveries to their bytes, and settles those that need no try.
func (c *channelSender) prepareAll(ctx context.Context, channel lumo.Channel, due []Delivery) (
	ready []Delivery, err error) {
	s := c.service
	var recipients []lumo.FriendID
	for _, d := range due {
		recipients = append(recipients, d.Friend)
	}
	friends, err := s.Channels.FriendsByID(ctx, c.lease.Merchant, recipients)
	if err != nil {
		return nil, err
	}
	var decided []Outcome
	for _, d := range due {
		d, outcome, err := s.prepare(ctx, channel, d, friends)
		switch {
		case err != nil:
			return nil, err
		case outcome != nil:
			decided = append(decided, *outcome)
		default:
			ready = append(ready, d)
		}
	}
	if err := s.settle(ctx, c.lease, decided); err != nil {
		return nil, err
	}
	return ready, s.Store.Freeze(ctx, c.lease, ready)
}

// prepare gives a delivery its bytes, or the outcome that makes a try needless. What was
// tried before keeps its bytes: a second rendering could differ.
func (s *Service) prepare(ctx context.Context, channel lumo.Channel, d Delivery,
	friends map[lumo.FriendID]lumo.Friend) (Delivery, *Outcome, error) {
	if d.State == Sending || d.State == Unknown {
		if d.Expired {
			return d, &Outcome{Delivery: d, State: UnknownExpired, Reason: edgeapi.Unconfirmed.Code()}, nil
		}
		d.State = Unknown // until LINE says otherwise
		return d, nil, nil
	}
	if !d.TooLateAt.IsZero() && s.Now().After(d.TooLateAt) {
		hours := int(s.Now().Sub(d.ReceivedAt).Hours())
		return d, skip(d, edgeapi.TooLate, map[string]any{"hours": hours}), nil
	}
	friend, ok := friends[d.Friend]
	switch {
	case !ok:
		return d, skip(d, edgeapi.Erased, nil), nil
	case friend.FollowStatus == lumo.Blocked:
		return d, skip(d, edgeapi.Blocked, nil), nil
	case friend.FollowStatus == lumo.NotFriend:
		return d, skip(d, edgeapi.NotFriend, nil), nil
	case len(d.Body) > 0:
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

// push makes one try and has it recorded. The try may outlive the lease: its bytes and key are
// committed, and what it learns is worth recording whoever owns the channel now.
func (c *channelSender) push(ctx context.Context, keys lumo.Keys, d Delivery) {
	ctx = context.WithoutCancel(ctx)
	limited, cancel := context.WithTimeout(ctx, pushLimit)
	defer cancel()
	result := Result{Verdict: TokenFailed}
	if c.bucket.Wait(limited) == nil {
		result = c.service.Pusher.Push(limited, keys, d.Key, d.Body)
	}
	c.settler.outcomes <- judge(d, result, c.service.Now())
}
