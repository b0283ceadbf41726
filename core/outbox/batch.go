package outbox

import (
	"context"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	batchSize = 60
	parallel  = 8
	// ahead is how many properties of a batch go before what has waited longer: a consent must not
	// wait for the thousand events of a broadcast, nor those for a first sync.
	ahead = batchSize / 4
	// staleAfter is how old an event may be that still starts flows.
	staleAfter = 6 * time.Hour
)

// account writes to one Klaviyo account while this process holds its lease.
type account struct {
	s        *Service
	lease    Lease
	events   *pace
	profiles *pace
	bulk     *pace
	token    lumo.Secret
	bulkAt   time.Time // not before then events go in bulk again
}

func (s *Service) account(l Lease) *account {
	now := time.Now() // the limiter runs on the real clock
	return &account{s: s, lease: l, events: newPace(eventTier(), now),
		profiles: newPace(profileTier(), now), bulk: newPace(bulkTier(), now)}
}

// work is what an account has to do now.
type work struct {
	job   Job
	open  bool   // there is a job
	over  bool   // the backlog is so large that first attempts go in bulk
	items []Item // to be written singly
}

// runOnce writes one batch. more tells that there may be another at once.
func (a *account) runOnce(ctx context.Context) (more bool, err error) {
	const op = "outbox.runOnce"
	w, err := a.look(ctx)
	if err != nil || !w.over && !w.open && len(w.items) == 0 {
		return false, fault.Wrap(op, err)
	}
	if a.token, err = a.s.c.Accounts.Access(ctx, a.lease.Merchant, a.lease.Account); err != nil {
		return false, fault.Wrap(op, err)
	}
	moved, err := a.inBulk(ctx, w)
	if err != nil {
		return false, fault.Wrap(op, err)
	}
	results := a.write(ctx, w.items)
	if err := a.finish(ctx, results); err != nil {
		return false, fault.Wrap(op, err)
	}
	return moved || len(w.items) == batchSize && anySent(results), ctx.Err()
}

func (a *account) look(ctx context.Context) (w work, err error) {
	s, m, of := a.s, a.lease.Merchant, a.lease.Account
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if err := s.unbundle(ctx, m, of); err != nil {
			return err
		}
		if w.job, w.open, err = s.c.Store.OpenJob(ctx, m, of); err != nil {
			return err
		}
		backlog, err := s.c.Store.Backlog(ctx, m, of, s.c.Now(), bulkOver+1)
		if err != nil {
			return err
		}
		part := All
		if w.over = backlog > bulkOver; w.over {
			part = Retries
		}
		if w.items, err = s.c.Store.Due(ctx, m, of, part, s.c.Now(), batchSize); err != nil || part != All || len(w.items) < batchSize {
			return err
		}
		first, err := s.c.Store.Due(ctx, m, of, FirstProfiles, s.c.Now(), ahead)
		w.items = before(first, w.items)
		return err
	})
	return w, err
}

// before puts items before others, once each, and keeps as many as there were.
func before(first, items []Item) []Item {
	among := map[id.ID]bool{}
	for _, item := range first {
		among[item.ID] = true
	}
	all := first
	for _, item := range items {
		if !among[item.ID] && len(all) < len(items) {
			all = append(all, item)
		}
	}
	return all
}

// unbundle makes items of bundles until there are more than go singly; the rest stays as it is.
func (s *Service) unbundle(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) error {
	for {
		facts, found, err := s.c.Store.Unbundle(ctx, m, a, bulkOver+1)
		if err != nil || !found {
			return err
		}
		if _, err := s.AddEvents(ctx, m, facts); err != nil {
			return err
		}
	}
}

// write tries all items: customers beside each other, each customer's items in order.
func (a *account) write(ctx context.Context, items []Item) []Result {
	lanes, order := lanes(items)
	out := make([][]Result, len(order))
	var g errgroup.Group
	g.SetLimit(parallel)
	for i, profile := range order {
		g.Go(func() error {
			out[i] = a.lane(ctx, lanes[profile])
			return nil
		})
	}
	_ = g.Wait() // lanes have no errors of their own
	var all []Result
	for _, results := range out {
		all = append(all, results...)
	}
	return all
}

func lanes(items []Item) (lanes map[lumo.ProfileID][]Item, order []lumo.ProfileID) {
	lanes = map[lumo.ProfileID][]Item{}
	for _, item := range items {
		if lanes[item.Profile] == nil {
			order = append(order, item.Profile)
		}
		lanes[item.Profile] = append(lanes[item.Profile], item)
	}
	return lanes, order
}

// lane writes one customer's items. What has to wait makes later ones wait with it: an event
// must not start a flow before the properties are there that the flow uses. What Klaviyo
// refuses holds up nothing.
func (a *account) lane(ctx context.Context, items []Item) []Result {
	var out []Result
	for i, item := range items {
		if ctx.Err() != nil {
			break // untried items stay due
		}
		r := a.try(ctx, item)
		if ctx.Err() != nil && r.State == Waiting {
			break // stopped, not refused
		}
		out = append(out, r)
		if r.State != Waiting {
			continue
		}
		for _, later := range items[i+1:] {
			out = append(out, Result{Item: later, State: Waiting, Problem: r.Problem, DueAt: r.DueAt})
		}
		break
	}
	return out
}

// try writes one item, once more with a new token after a 401.
func (a *account) try(ctx context.Context, item Item) Result {
	p := a.events
	if item.Kind == KindProfile {
		p = a.profiles
	}
	if until, paused := p.paused(a.s.c.Now()); paused {
		return Result{Item: item, State: Waiting, Problem: WaitRate, DueAt: until}
	}
	if err := p.wait(ctx); err != nil {
		return Result{Item: item, State: Waiting, DueAt: a.s.c.Now()}
	}
	wait, err := a.send(ctx, a.token, item)
	if fault.Is(err, fault.Unauthenticated) {
		wait, err = a.sendRenewed(ctx, item)
	}
	if wait > 0 {
		p.pause(a.s.c.Now(), wait)
	}
	r := a.elsewhere(ctx, judge(item, err, wait, a.s.c.Now(), rand.Float64()))
	a.log(ctx, r, err)
	return r
}

// elsewhere looks for a customer whom Klaviyo does not have under this id any more: merged
// into another, the item follows; gone, it is kept.
func (a *account) elsewhere(ctx context.Context, r Result) Result {
	if r.State != Kept || r.Problem != ProblemProfileMissing && r.Problem != ProblemDuplicate {
		return r
	}
	if r.Problem == ProblemProfileMissing && r.Item.Kind == KindProfile && len(r.Item.Payload.Set) == 0 {
		return Result{Item: r.Item, State: Sent} // nothing is left to be removed
	}
	now, err := a.s.c.Links.Recheck(ctx, a.lease.Merchant, a.lease.Account, r.Item.Profile)
	switch {
	case err == nil && now != r.Item.Profile:
		return Result{Item: r.Item, State: Waiting, DueAt: a.s.c.Now()}
	case err != nil && !fault.Is(err, fault.NotFound):
		return a.putOff(r.Item)
	}
	switch followed, err := a.follow(ctx, r.Item); {
	case err != nil:
		return a.putOff(r.Item)
	case followed:
		return Result{Item: r.Item, State: Waiting, DueAt: a.s.c.Now()}
	}
	return r
}

func (a *account) putOff(item Item) Result {
	return Result{Item: item, State: Waiting, Problem: WaitUnavailable, Counts: true,
		DueAt: a.s.c.Now().Add(backoff(item.Tries, rand.Float64()))}
}

// follow sends an item after its friend's link, which moved to another customer while the item
// was being written: whoever moved the link could not see it yet.
func (a *account) follow(ctx context.Context, item Item) (followed bool, err error) {
	m := a.lease.Merchant
	err = a.s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		followed = false
		targets, err := a.s.c.Store.Targets(ctx, m, []lumo.FriendID{item.Friend})
		t, linked := targets[item.Friend]
		if err != nil || !linked || t.Link.Profile == item.Profile || t.Link.Account != a.lease.Account ||
			item.OccurredAt.Before(t.Link.LinkedAt) {
			return err
		}
		followed = true
		return a.s.ProfileMoved(ctx, t.Link, item.Profile)
	})
	return followed, err
}

// sendRenewed gives a refused token up. When Klaviyo wants to be asked for approval first,
// the item simply waits.
func (a *account) sendRenewed(ctx context.Context, item Item) (time.Duration, error) {
	token, err := a.s.c.Accounts.Renew(ctx, a.lease.Merchant, a.lease.Account, a.token)
	if err != nil {
		return 0, fault.As(fault.Unavailable, "outbox.renew", err)
	}
	wait, err := a.send(ctx, token, item)
	if fault.Is(err, fault.Unauthenticated) {
		err = fault.As(fault.Unavailable, "outbox.send", err)
	}
	return wait, err
}

func (a *account) send(ctx context.Context, token lumo.Secret, item Item) (time.Duration, error) {
	if item.Kind == KindProfile {
		written, wait, err := a.s.c.Klaviyo.ImportProfile(ctx, token, profileWrite(item))
		if err == nil && written != item.Profile { // the id of a merged one still leads to the other
			err = a.s.c.Links.ProfileMoved(ctx, a.lease.Merchant, item.Profile, written)
		}
		return wait, err
	}
	return a.s.c.Klaviyo.CreateEvent(ctx, token, a.event(item))
}

func (a *account) event(item Item) lumo.ProfileEvent {
	return lumo.ProfileEvent{Profile: item.Profile, Metric: item.Metric, UniqueID: item.UniqueID,
		OccurredAt: item.OccurredAt, Properties: item.Payload.Set,
		Backfill: item.Payload.Backfill || a.s.c.Now().Sub(item.OccurredAt) > staleAfter}
}

func (a *account) log(ctx context.Context, r Result, err error) {
	if r.State == Sent || r.Problem == WaitRate {
		return
	}
	a.s.c.Log.WarnContext(ctx, "klaviyo did not take an item", "merchant",
		a.lease.Merchant.String(), "item", r.Item.ID.String(), "kind", string(r.Item.Kind),
		"problem", r.Problem, "kept", r.State == Kept, "error", err)
}

// finish stores the outcomes even when the process is being stopped: evidence is not dropped.
func (a *account) finish(ctx context.Context, results []Result) error {
	if len(results) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishLimit)
	defer cancel()
	s, m := a.s, a.lease.Merchant
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		return s.c.Store.Finish(ctx, m, results, s.c.Now())
	})
	if err != nil {
		return err
	}
	a.tell(ctx, results)
	if anySent(results) {
		return s.c.Accounts.Touch(ctx, m, a.lease.Account)
	}
	return nil
}

// tell lets open timelines show what Klaviyo has now.
func (a *account) tell(ctx context.Context, results []Result) {
	byChannel := map[lumo.ChannelID][]lumo.FriendID{}
	for _, r := range results {
		if r.State != Waiting {
			c := r.Item.Channel
			byChannel[c] = append(byChannel[c], r.Item.Friend)
		}
	}
	for c, friends := range byChannel {
		a.s.c.Watcher.Recorded(ctx, a.lease.Merchant, c, friends)
	}
}

func anySent(results []Result) bool {
	for _, r := range results {
		if r.State == Sent {
			return true
		}
	}
	return false
}
