package channel

import (
	"context"
	"errors"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/webhooksig"
)

// How often a channel is looked after, and how patiently.
const (
	refreshEvery = 10 * time.Minute
	retryAfter   = 5 * time.Second
	retryMost    = 5 * time.Minute
	retryTries   = 20
	roundLease   = 2 * time.Minute
	roundBatch   = 100
	idleWait     = time.Second
)

// RunUpkeep looks after channels until the context ends: requests that could not be applied
// at once, names nobody told, quota, and whether LINE still sends its events here. Any
// number of processes may run it; a lease gives each channel to one at a time.
func (s *Service) RunUpkeep(ctx context.Context) error {
	return lumo.Turns(ctx, s.UpkeepOnce, idleWait, nil, func(err error) {
		s.c.Log.ErrorContext(ctx, "upkeep of a channel", "error", err)
	})
}

// UpkeepOnce looks after one channel that is due; false means that none was.
func (s *Service) UpkeepOnce(ctx context.Context) (did bool, err error) {
	var w Work
	err = s.c.Systems.InSystem(ctx, func(ctx context.Context) error {
		w, did, err = s.c.Work.Claim(ctx, s.c.Owner, s.c.Now(), roundLease)
		return err
	})
	if err != nil || !did {
		return false, fault.Wrap("channel.UpkeepOnce", err)
	}
	limited, cancel := context.WithTimeout(ctx, roundLease)
	defer cancel()
	wait, roundErr := s.round(limited, w.Merchant, w.Channel)
	err = s.c.Systems.InSystem(ctx, func(ctx context.Context) error {
		return s.c.Work.Done(ctx, w, s.c.Now().Add(wait))
	})
	return true, fault.Wrap("channel.UpkeepOnce", errors.Join(roundErr, err))
}

// round does what is due for one channel and tells when to come back.
func (s *Service) round(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (
	time.Duration, error) {
	left, err := s.workOff(ctx, m, c)
	if err != nil {
		return retryMost, err
	}
	full, keys, err := s.withKeys(ctx, m, c)
	if err != nil {
		return refreshEvery, err
	}
	if err := s.forget(ctx, m, c); err != nil {
		return retryMost, err
	}
	if err := s.c.Joiner.LookAfter(ctx, m, c); err != nil {
		s.c.Log.WarnContext(ctx, "links not looked after", "error", err, "merchant", m.String())
	}
	named := s.readNames(ctx, m, c)
	if s.c.Now().Sub(full.WebhookCheckedAt) >= refreshEvery {
		if _, _, err := s.checkWebhook(ctx, full, keys); err != nil {
			return refreshEvery, err
		}
	}
	if s.c.Now().Sub(full.Quota.ReadAt) >= refreshEvery {
		s.readQuota(ctx, m, c, keys.Messaging)
		s.readVerified(ctx, m, c, keys.Messaging)
	}
	return min(left, named), nil
}

// forget removes bodies and logins that nobody needs any more.
func (s *Service) forget(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) error {
	now := s.c.Now()
	return s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if err := s.c.Requests.DropRefused(ctx, m, c, refusedMax, now.Add(-refusedLife)); err != nil {
			return err
		}
		if err := s.c.Requests.DropEnded(ctx, m, c, now.Add(-bodyLife)); err != nil {
			return err
		}
		return s.c.Joiner.Forget(ctx, m, c)
	})
}

// workOff applies requests that are waiting, each event in a transaction of its own, so
// that one that fails again holds up no other.
func (s *Service) workOff(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (
	time.Duration, error) {
	waiting, err := s.stored(ctx, m, c, RequestWaiting)
	if err != nil {
		return 0, err
	}
	next := refreshEvery
	for _, req := range waiting {
		again := s.again(ctx, req)
		if again == nil {
			continue
		}
		if ctx.Err() != nil || fault.Is(again, fault.Unavailable) {
			return 0, again
		}
		s.c.Log.ErrorContext(ctx, "webhook still fails", "error", again,
			"merchant", m.String(), "request", req.ID.String())
		next = min(next, retryIn(req.Tries+1))
		if err := s.finish(ctx, req, afterFailure(req.Tries+1), problemFailed); err != nil {
			return 0, err
		}
	}
	if len(waiting) == roundBatch {
		next = 0
	}
	return next, nil
}

// again applies one stored request event by event.
func (s *Service) again(ctx context.Context, req Request) error {
	batch, err := s.c.Read(req.Body)
	if err != nil {
		return s.finish(ctx, req, RequestKept, problemUnread)
	}
	var ended Request
	err = s.c.Tenants.InTenant(ctx, req.Merchant, func(ctx context.Context) error {
		ended, err = s.judge(ctx, req, batch)
		return err
	})
	if err != nil {
		return err
	}
	if ended.Problem != problemAccount {
		err = s.applyEach(ctx, req, batch)
	}
	if err != nil {
		return err
	}
	return s.finish(ctx, req, ended.State, ended.Problem)
}

func (s *Service) applyEach(ctx context.Context, req Request, b Batch) error {
	var failed []error
	for _, e := range b.Events {
		failed = append(failed, s.c.Tenants.InTenant(ctx, req.Merchant,
			func(ctx context.Context) error { return s.apply(ctx, req, e) }))
	}
	return errors.Join(failed...)
}

func (s *Service) stored(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, state RequestState) (
	found []Request, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		found, err = s.c.Requests.Again(ctx, m, c, state, roundBatch)
		return err
	})
	return found, err
}

// finish ends a try of a stored request.
func (s *Service) finish(ctx context.Context, req Request, state RequestState, problem string) error {
	return s.c.Tenants.InTenant(ctx, req.Merchant, func(ctx context.Context) error {
		return s.c.Requests.Finish(ctx, req.Merchant, req.ID, state, problem)
	})
}

func afterFailure(tries int) RequestState {
	if tries >= retryTries {
		return RequestKept
	}
	return RequestWaiting
}

// retryIn doubles from retryAfter up to retryMost.
func retryIn(tries int) time.Duration {
	return min(retryMost, retryAfter<<min(tries, 10))
}

// retryRefused tries what the old secret did not fit with the keys that are stored now.
func (s *Service) retryRefused(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) {
	keys, err := s.Keys(ctx, m, c)
	if err != nil {
		return // the next change of keys tries again
	}
	refused, err := s.stored(ctx, m, c, RequestRefused)
	for _, req := range refused {
		if err != nil {
			break
		}
		if s.c.Now().Sub(req.ReceivedAt) > refusedLife {
			continue // they come oldest first
		}
		if webhooksig.VerifyLINE(keys.Messaging.Secret, req.Body, req.Signature) {
			err = s.again(ctx, req)
		}
	}
	if err != nil {
		s.c.Log.ErrorContext(ctx, "refused webhooks not retried", "error", err, "merchant", m.String())
	}
}

// readNames asks for the names that are still missing.
func (s *Service) readNames(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) time.Duration {
	var rows []FriendRow
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) (err error) {
		rows, err = s.c.Friends.Unnamed(ctx, m, c, roundBatch)
		return err
	})
	for _, r := range rows {
		if err != nil {
			break
		}
		err = s.readName(ctx, question{merchant: m, channel: c, friend: r.ID, user: r.Line})
	}
	if err == nil && len(rows) == roundBatch {
		return 0
	}
	return refreshEvery
}

// ReadQuota reads and stores the month's messages now, for senders that need the newest.
func (s *Service) ReadQuota(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) error {
	_, keys, err := s.withKeys(ctx, m, c)
	if err == nil {
		s.readQuota(ctx, m, c, keys.Messaging)
	}
	return fault.Wrap("channel.ReadQuota", err)
}

// readQuota reads and stores the month's messages; without an answer the old numbers stay,
// with the time they are of.
func (s *Service) readQuota(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, keys lumo.Keys) {
	q, err := s.c.Accounts.Quota(ctx, keys)
	if err == nil {
		err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
			return s.c.Channels.SetQuota(ctx, m, c, q)
		})
	}
	if err != nil && ctx.Err() == nil {
		s.c.Log.WarnContext(ctx, "quota not read", "error", err, "merchant", m.String())
	}
}
