package flow

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

const (
	// callsTogether is how many calls of one account share a transaction at most, and
	// gatherers how many such transactions run side by side.
	callsTogether = 32
	gatherers     = 2
	// gatherLimit is how long a transaction of calls may take: no edge waits longer.
	gatherLimit = 10 * time.Second
)

// call is one call on its way into the database.
type call struct {
	ctx  context.Context // of whoever waits for the answer
	in   lumo.EdgeRequest
	body Body
	bad  error
	done chan struct{} // closed when taken or err is set
	err  error

	taken   Request
	content lumo.Content
	friend  lumo.Friend
}

// end answers a call.
func (c *call) end(err error) {
	c.err = err
	close(c.done)
}

// gatherer lets calls of one account share transactions. A call that comes alone is taken at
// once; those that come while transactions are running wait for the next one together. What a
// transaction costs, above all its way to the disk, is then shared by all of them, so that the
// more calls come in the less each of them costs. Nobody waits for a clock.
type gatherer struct {
	mu       sync.Mutex // guards accounts and what they hold
	accounts map[lumo.ChannelID]*waiting
}

// waiting are the calls of one account that no transaction has taken up.
type waiting struct {
	calls   []*call
	running int // transactions
}

func newGatherer() *gatherer { return &gatherer{accounts: map[lumo.ChannelID]*waiting{}} }

// add leaves a call to the transaction that takes it up; true = the caller must run one.
func (g *gatherer) add(c *call) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	account := lumo.ChannelID(c.in.Subject)
	w := g.accounts[account]
	if w == nil {
		w = &waiting{}
		g.accounts[account] = w
	}
	w.calls = append(w.calls, c)
	if w.running == gatherers {
		return false
	}
	w.running++
	return true
}

// next are the calls of an account for one transaction; none = the caller's turn has ended.
// One that came twice is for two of them: the second finds what the first stored.
func (g *gatherer) next(account lumo.ChannelID) []*call {
	g.mu.Lock()
	defer g.mu.Unlock()
	w := g.accounts[account]
	taken := map[lumo.RequestID]bool{}
	var calls []*call
	for _, c := range w.calls {
		if len(calls) == callsTogether || taken[c.in.ID] {
			break
		}
		calls, taken[c.in.ID] = append(calls, c), true
	}
	if w.calls = w.calls[len(calls):]; len(calls) > 0 {
		return calls
	}
	if w.running--; w.running == 0 {
		delete(g.accounts, account)
	}
	return nil
}

// take brings a call into the database, perhaps together with others.
func (s *Service) take(ctx context.Context, c *call) (Request, error) {
	c.ctx, c.done = ctx, make(chan struct{})
	if s.gatherer.add(c) {
		go s.gather(lumo.ChannelID(c.in.Subject))
	}
	select {
	case <-ctx.Done(): // it may be stored all the same, and is known when it comes again
		return Request{}, fault.As(fault.Unavailable, "flow.take", ctx.Err())
	case <-c.done:
		return c.taken, c.err
	}
}

// gather takes an account's calls until none waits.
func (s *Service) gather(account lumo.ChannelID) {
	for calls := s.gatherer.next(account); len(calls) > 0; calls = s.gatherer.next(account) {
		calls = slices.DeleteFunc(calls, func(c *call) bool {
			gone := c.ctx.Err() != nil // the edge keeps it and brings it again
			if gone {
				c.end(fault.As(fault.Unavailable, "flow.gather", c.ctx.Err()))
			}
			return gone
		})
		if len(calls) > 0 {
			s.takeAll(calls)
		}
	}
}

// takeAll stores calls in one transaction. Those that stand in the database already are
// answered as they were then and leave the others alone; where one cannot be stored, each is
// tried by itself.
func (s *Service) takeAll(calls []*call) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(calls[0].ctx), gatherLimit)
	defer cancel()
	for len(calls) > 0 {
		repeated, err := s.store(ctx, calls)
		switch {
		case errors.Is(err, errRepeated):
			calls = slices.DeleteFunc(calls, func(c *call) bool {
				if repeated[c.in.ID] {
					c.taken, err = s.first(ctx, c.request())
					c.end(err)
				}
				return repeated[c.in.ID]
			})
			continue
		case err == nil || len(calls) == 1 || fault.Is(err, fault.Unavailable):
			for _, c := range calls {
				c.end(err)
			}
		default:
			for _, c := range calls {
				s.takeAll([]*call{c})
			}
		}
		return
	}
}
