package tracking

import (
	"context"
	"sync"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	// beatEvery spaces what open pages get: many facts make one message. Where telling takes
	// long, because much else is going on, it takes no more than one part in beatShare of the time.
	beatEvery = 100 * time.Millisecond
	beatShare = 5
	beatMost  = 500 * time.Millisecond
	// A page gets this much of a burst; the rest it reads when somebody looks.
	feedSample   = 5
	friendSample = 100
)

// pulse collects what changed until it is told. It is filled after commits and lost with
// the process, which pages notice by their own connection.
type pulse struct {
	mu    sync.Mutex // guards beats
	beats map[spot]*beat
	bell  chan struct{}
}

type spot struct {
	merchant lumo.MerchantID
	channel  lumo.ChannelID
}

type beat struct {
	rows    []id.ID // newest feed rows, at most feedSample
	more    int
	friends map[lumo.FriendID]bool
}

func newPulse() *pulse {
	return &pulse{beats: map[spot]*beat{}, bell: make(chan struct{}, 1)}
}

// facts notes what was recorded.
func (p *pulse) facts(m lumo.MerchantID, rows []Row) {
	p.mu.Lock()
	for _, r := range rows {
		p.at(spot{m, r.Fact.Channel}).add(r.ID, r.Fact.Friend, shown(r.Fact.Kind))
	}
	p.mu.Unlock()
	p.ring()
}

// taps notes counted clicks and opens.
func (p *pulse) taps(m lumo.MerchantID, events []Event) {
	p.mu.Lock()
	for _, e := range events {
		p.at(spot{m, e.Channel}).add(e.ID, e.Delivery.Friend, true)
	}
	p.mu.Unlock()
	p.ring()
}

// add notes a line of a friend's timeline, and whether the feed has it too. What is about nobody
// changes the numbers alone.
func (b *beat) add(row id.ID, f lumo.FriendID, shown bool) {
	if f == (lumo.FriendID{}) {
		return
	}
	if len(b.friends) < friendSample {
		b.friends[f] = true
	}
	if !shown {
		return
	}
	if len(b.rows) == feedSample {
		copy(b.rows, b.rows[1:])
		b.rows, b.more = b.rows[:feedSample-1], b.more+1
	}
	b.rows = append(b.rows, row)
}

// touch has the numbers told again.
func (p *pulse) touch(m lumo.MerchantID, c lumo.ChannelID) {
	p.mu.Lock()
	p.at(spot{m, c})
	p.mu.Unlock()
	p.ring()
}

// at is the beat of a spot; the caller holds mu.
func (p *pulse) at(s spot) *beat {
	if p.beats[s] == nil {
		p.beats[s] = &beat{friends: map[lumo.FriendID]bool{}}
	}
	return p.beats[s]
}

func (p *pulse) ring() {
	select {
	case p.bell <- struct{}{}:
	default: // it rings already
	}
}

func (p *pulse) take() map[spot]*beat {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.beats
	p.beats = map[spot]*beat{}
	return out
}

// shown tells that the feed has a line for a fact.
func shown(k lumo.FactKind) bool { return k != lumo.FactConsent }

// Run tells open pages what changed, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.pulse.bell:
		}
		begun := time.Now()
		s.beat(ctx)
		timer := time.NewTimer(min(max(beatEvery, (beatShare-1)*time.Since(begun)), beatMost))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// beat tells everything collected so far.
func (s *Service) beat(ctx context.Context) {
	for at, b := range s.pulse.take() {
		if err := s.tell(ctx, at, b); err != nil && ctx.Err() == nil {
			s.c.Log.WarnContext(ctx, "cannot tell open pages what changed", "merchant",
				at.merchant.String(), "error", err)
		}
	}
}

func (s *Service) tell(ctx context.Context, at spot, b *beat) error {
	err := s.c.Tenants.InTenant(ctx, at.merchant, func(ctx context.Context) error {
		u := Update{More: b.more}
		var err error
		if u.Figures, err = s.c.Store.Figures(ctx, at.merchant, at.channel, s.c.Now()); err != nil {
			return err
		}
		if u.Hours, err = s.c.Store.Hours(ctx, at.merchant, at.channel, s.c.Now()); err != nil {
			return err
		}
		if len(b.rows) > 0 {
			u.Feed, err = s.c.Store.Feed(ctx, at.merchant, at.channel, feedSample, b.rows)
			if err != nil {
				return err
			}
		}
		if err := s.c.Watcher.Counted(ctx, at.merchant, at.channel, u); err != nil {
			return err
		}
		if len(b.friends) == 0 {
			return nil
		}
		friends := make([]lumo.FriendID, 0, len(b.friends))
		for f := range b.friends {
			friends = append(friends, f)
		}
		return s.c.Watcher.FriendsChanged(ctx, at.merchant, at.channel, friends)
	})
	return fault.Wrap("tracking.tell", err)
}
