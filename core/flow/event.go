package flow

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"lumo/core/lumo"
	"lumo/core/message"
	"lumo/shared/fault"
)

const (
	// eventPatience is how long a message waits for its event. Then it goes out with the
	// variables' fallbacks: a reminder without its picture is worth more than none.
	eventPatience = 10 * time.Minute
	eventRows     = 1000 // of a profile's events are looked through
	eventPage     = 200  // of them at once: the one that is meant is among the newest
	eventsOfDays  = 35 * 24 * time.Hour

	readsTogether = 8                // events of one account, in one process
	readLimit     = 25 * time.Second // of one event
	readLease     = 30 * time.Second // who dies over it loses no more
	readSoonest   = 2 * time.Second  // after a fault
	readLatest    = time.Minute
	readIdle      = time.Second
	readAgain     = 200 * time.Millisecond // when as many are read as may be
	readNothing   = time.Hour              // a call that comes brings its account forward
)

// Why a message that wanted values of its event went out without.
const (
	EventMissing = "missing" // Klaviyo has no such event of the profile
	EventUnread  = "unread"  // Klaviyo could not be asked, or not in time
)

// Readings keeps calls that wait for their event, in the transaction of its context.
type Readings interface {
	// Await notes that calls of an account wait. It comes last: who reads for the account has to
	// wait for this transaction.
	Await(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) error
	// TakeReadings takes those that are due, so that nobody else does before the lease ends, and
	// tells when the next one is due; zero = none waits.
	TakeReadings(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time, lease time.Duration, limit int) (
		[]Request, time.Time, error)
	// ReadLater puts a reading off.
	ReadLater(ctx context.Context, m lumo.MerchantID, r lumo.RequestID, due time.Time) error
	// EventRead ends a reading, with the event or a note why there are no values.
	EventRead(ctx context.Context, m lumo.MerchantID, r lumo.RequestID, e lumo.ReadEvent, note string) error
}

// want finds the variables of a message that its event fills and the call did not bring. A call
// without an event, or whose account has no Klaviyo, wants nothing that can be had.
func (s *Service) want(ctx context.Context, r *Request, c lumo.Content) error {
	r.Wanted, r.WantedUntil, r.EventNote = nil, time.Time{}, ""
	if r.EventRef == "" || r.Profile == "" {
		return nil
	}
	names, err := s.Messages.EventVariables(ctx, r.Merchant, c)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, brought := c.Vars[name]; !brought {
			r.Wanted = append(r.Wanted, name)
		}
	}
	if len(r.Wanted) == 0 {
		return nil
	}
	channel, err := s.Channels.Get(ctx, r.Merchant, r.Channel)
	if err == nil && channel.KlaviyoAccount == (lumo.AccountID{}) {
		r.Wanted, r.EventNote = nil, EventUnread
		return nil
	}
	r.WantedUntil = s.Now().Add(eventPatience)
	return err
}

// await has the events of calls read once the transaction stands.
func (s *Service) await(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, calls ...Request) error {
	if !slices.ContainsFunc(calls, func(r Request) bool { return len(r.Wanted) > 0 }) {
		return nil
	}
	s.Tenants.AfterCommit(ctx, func() {
		select {
		case s.wanting <- struct{}{}:
		default: // somebody is woken already
		}
	})
	return s.Readings.Await(ctx, m, c, s.Now())
}

// findEvent looks for the event that started a call, newest first. wait is how long Klaviyo
// wants nothing of this kind.
func (s *Service) findEvent(ctx context.Context, a lumo.AccountID, r Request) (
	e lumo.ReadEvent, found bool, wait time.Duration, err error) {
	after := ""
	for seen := 0; seen < eventRows; {
		page, err := s.Klaviyo.EventPage(ctx, r.Merchant, a, r.Profile, r.ReceivedAt.Add(-eventsOfDays), after,
			min(eventPage, eventRows-seen))
		if err != nil {
			return e, false, 0, err
		}
		for _, e := range page.Events {
			if e.Ref == r.EventRef {
				return e, true, page.Wait, nil
			}
		}
		seen, after, wait = seen+len(page.Events), page.Next, page.Wait
		if after == "" || len(page.Events) == 0 {
			break
		}
		if err := lumo.Pause(ctx, wait); err != nil {
			return e, false, wait, fault.As(fault.Unavailable, "flow.findEvent", err)
		}
	}
	return e, false, wait, nil
}

// Reader reads in the background the events that messages wait for. Calls are answered before,
// and the sender goes on with everything else: only the message itself waits. An account is held
// while its calls are taken up, not while Klaviyo thinks.
type Reader struct {
	Flows   *Service
	Systems Systems
	Rounds  Rounds
	Owner   string
	Log     *slog.Logger

	reads sync.WaitGroup
	mu    sync.Mutex                   // guards everything below
	busy  map[lumo.ChannelID]int       // events that are being read
	rest  map[lumo.ChannelID]time.Time // until when Klaviyo wants nothing
}

// Run reads until ctx ends. Any number of processes may run it.
func (r *Reader) Run(ctx context.Context) error {
	defer r.reads.Wait()
	return lumo.Turns(ctx, r.RunOnce, readIdle, r.Flows.wanting, func(err error) {
		r.Log.WarnContext(ctx, "events not read", "error", err)
	})
}

// RunOnce takes up what is due of one account and begins to read it; false means that nothing
// was due.
func (r *Reader) RunOnce(ctx context.Context) (did bool, err error) {
	s := r.Flows
	var round Round
	err = r.Systems.InSystem(ctx, func(ctx context.Context) error {
		round, did, err = r.Rounds.Claim(ctx, r.Owner, s.Now(), readLease)
		return err
	})
	if err != nil || !did {
		return false, fault.Wrap("flow.Reader", err)
	}
	taken, next, err := r.take(ctx, round)
	done := r.Systems.InSystem(ctx, func(ctx context.Context) error { return r.Rounds.Done(ctx, round, next) })
	for _, reading := range taken { // they are taken: nobody else reads them
		r.count(round.Channel, 1)
		r.reads.Go(func() {
			defer r.count(round.Channel, -1)
			r.read(ctx, reading)
		})
	}
	return true, fault.Wrap("flow.Reader", errors.Join(err, done))
}

// take takes up as many of an account's calls as may be read now, and tells when to look again.
func (r *Reader) take(ctx context.Context, round Round) (taken []Request, next time.Time, err error) {
	s := r.Flows
	now := s.Now()
	r.mu.Lock()
	room, rest := readsTogether-r.busy[round.Channel], r.rest[round.Channel]
	r.mu.Unlock()
	switch {
	case now.Before(rest):
		return nil, rest, nil
	case room <= 0:
		return nil, now.Add(readAgain), nil
	}
	next = now.Add(readSoonest) // where it fails
	err = s.Tenants.InTenant(ctx, round.Merchant, func(ctx context.Context) error {
		var due time.Time
		if taken, due, err = s.Readings.TakeReadings(ctx, round.Merchant, round.Channel, now, readLease, room); err != nil {
			return err
		}
		if next = due; due.IsZero() {
			next = now.Add(readNothing)
		}
		return nil
	})
	if err != nil {
		return nil, next, err
	}
	return taken, next, nil
}

// Settle waits for what is being read.
func (r *Reader) Settle() { r.reads.Wait() }

// count notes that events of an account begin or end to be read.
func (r *Reader) count(c lumo.ChannelID, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy == nil {
		r.busy, r.rest = map[lumo.ChannelID]int{}, map[lumo.ChannelID]time.Time{}
	}
	if r.busy[c] += n; r.busy[c] == 0 {
		delete(r.busy, c)
	}
}

// pause leaves an account's Klaviyo alone for a while.
func (r *Reader) pause(c lumo.ChannelID, wait time.Duration) {
	if wait <= 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rest[c] = r.Flows.Now().Add(wait)
}

// read reads one event, and has its message sent or tries again later.
func (r *Reader) read(ctx context.Context, reading Request) {
	limited, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	values, e, note, err := r.ask(limited, reading)
	if err == nil {
		err = r.Flows.filled(context.WithoutCancel(ctx), reading, values, e, note)
	} else {
		err = errors.Join(r.later(context.WithoutCancel(ctx), reading, err), err)
	}
	if err != nil && ctx.Err() == nil {
		r.Log.WarnContext(ctx, "an event was not read", "request", reading.ID.String(), "error", err)
	}
}

// ask gives the values of a call's event, or says why there are none. An error means that it is
// worth asking again.
func (r *Reader) ask(ctx context.Context, reading Request) (values map[string]string, e lumo.ReadEvent, note string, err error) {
	s := r.Flows
	if !s.Now().Before(reading.WantedUntil) {
		return nil, e, EventUnread, nil
	}
	channel, err := s.Channels.Get(ctx, reading.Merchant, reading.Channel)
	if err != nil {
		return nil, e, "", err
	}
	if channel.KlaviyoAccount == (lumo.AccountID{}) {
		return nil, e, EventUnread, nil
	}
	e, found, wait, err := s.findEvent(ctx, channel.KlaviyoAccount, reading)
	r.pause(reading.Channel, wait)
	switch fault.KindOf(err) {
	case "":
	case fault.NotFound:
		return nil, e, EventMissing, nil
	case fault.Forbidden, fault.Invalid: // Klaviyo will say the same again
		return nil, e, EventUnread, nil
	default:
		return nil, e, "", err
	}
	if !found {
		return nil, e, EventMissing, nil
	}
	values = map[string]string{}
	for _, name := range reading.Wanted {
		if value := message.EventValue(e.Properties, name); value != "" {
			values[name] = value
		}
	}
	return values, e, "", nil
}

// later puts a reading off after a fault: the longer it has waited, the longer; or for as long
// as Klaviyo says.
func (r *Reader) later(ctx context.Context, reading Request, cause error) error {
	s := r.Flows
	now := s.Now()
	wait := min(max(now.Sub(reading.WantedUntil.Add(-eventPatience))/2, readSoonest), readLatest)
	var told interface{ RetryAfter() time.Duration }
	if errors.As(cause, &told) && fault.Is(cause, fault.Limited) {
		rest := cmp.Or(told.RetryAfter(), readSoonest)
		r.pause(reading.Channel, rest)
		wait = max(wait, rest)
	}
	due := now.Add(wait)
	if due.After(reading.WantedUntil) {
		due = reading.WantedUntil
	}
	return s.Tenants.InTenant(ctx, reading.Merchant, func(ctx context.Context) error {
		if err := s.Readings.ReadLater(ctx, reading.Merchant, reading.ID, due); err != nil {
			return err
		}
		return s.Readings.Await(ctx, reading.Merchant, reading.Channel, due)
	})
}

// filled gives a message the values of its event and has it sent. One that went out meanwhile
// stays as it went.
func (s *Service) filled(ctx context.Context, r Request, values map[string]string, e lumo.ReadEvent, note string) error {
	return s.Tenants.InTenant(ctx, r.Merchant, func(ctx context.Context) error {
		waited, err := s.Planner.Fill(ctx, r.Merchant, r.Delivery, values)
		if err != nil {
			return err
		}
		if !waited && note == "" {
			note = EventUnread
		}
		if err := s.Readings.EventRead(ctx, r.Merchant, r.ID, e, note); err != nil {
			return err
		}
		s.Watcher.RequestChanged(ctx, r.Merchant, r.Channel, r.ID)
		return nil
	})
}
