package delivery

import (
	"context"
	"time"

	"github.com/google/uuid"

	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/id"
)

const (
	failRetry  = 10 * time.Second
	failTries  = 5
	quotaStale = 10 * time.Minute // LINE's figure is read again before more is sent
	quotaAgain = time.Minute      // and at the limit
	quotaRetry = time.Minute
	// So soon after its last answer LINE is asked again when a person, or its own refusal, says
	// that the figure is wrong.
	quotaByHand = 10 * time.Second
)

// The holds beside a state.
const (
	HoldKept    = "kept"    // our own fault, again and again: a person decides
	HoldDropped = "dropped" // a person dropped it
	HoldQuiet   = "quiet_hours_wait"
)

// Situation is what a sender must know before each batch.
type Situation struct {
	Stop  Stop
	Hold  Hold
	Rules Rules
	Quota Quota
	Zone  *time.Location
}

// taking is one batch from the database's rows to bytes that may leave. It runs in one
// transaction, perhaps several times.
type taking struct {
	sender *channelSender
	due    Due

	situation Situation
	account   account
	friends   map[lumo.FriendID]lumo.Friend
	had       map[lumo.FriendID]int // messages within the limit's days
	suspect   Delivery              // being prepared when something failed
	decided   []Outcome
	ready     []Delivery
	chunks    []Chunk
	more      bool
	readQuota bool
}

func (t *taking) run(ctx context.Context) (err error) {
	*t = taking{sender: t.sender, due: t.due}
	c, s := t.sender, t.sender.service
	if t.situation, err = s.Store.Look(ctx, c.lease); err != nil {
		return err
	}
	kind := KindFlow
	if t.due.Broadcasts {
		kind = KindBroadcast
	}
	if t.situation.Hold.InForce() || t.situation.Stop.Holds(kind) {
		return nil
	}
	if err := t.noteLimit(ctx); err != nil {
		return err
	}
	query := t.allowed(kind)
	var retried []Chunk
	if t.due.Chunks {
		if retried, err = s.Store.DueChunks(ctx, c.lease, query.Now, chunksInFlight-len(c.chunkers)); err != nil {
			return err
		}
	}
	due, err := s.Store.Due(ctx, c.lease, query)
	if err != nil || len(due)+len(retried) == 0 {
		return err
	}
	t.more = len(due) > 0 && len(due) >= query.least()
	return t.prepare(ctx, query.within(due), retried)
}

// prepare decides what becomes of a batch, and commits to their bytes those that are tried.
func (t *taking) prepare(ctx context.Context, due []Delivery, retried []Chunk) (err error) {
	c, s := t.sender, t.sender.service
	if t.account, err = c.known(ctx); err != nil {
		return err
	}
	if err := t.learn(ctx, due); err != nil {
		return err
	}
	if err := t.prepareAll(ctx, due, retried); err != nil {
		return err
	}
	t.suspect = Delivery{}
	changed, err := s.settle(ctx, c.lease, t.decided)
	if err != nil {
		return err
	}
	if err := s.Store.FreezeChunks(ctx, c.lease, t.chunks); err != nil {
		return err
	}
	if err := s.Store.Freeze(ctx, c.lease, t.ready); err != nil {
		return err
	}
	return s.Store.Count(ctx, c.lease, changed)
}

// allowed bounds a batch by what is left of the month. Where nothing is left only what was
// tried before goes on: it was counted then. LINE refuses for the month's end where our figure
// says otherwise, too: a plan without a limit may have become one with a limit.
func (t *taking) allowed(kind string) Due {
	q, quota := t.due, t.situation.Quota
	age := q.Now.Sub(quota.ReadAt)
	t.readQuota = t.sender.usedUp.Load() && age > quotaByHand
	if quota.Unlimited {
		return q
	}
	left := quota.LeftFor(kind, t.situation.Rules)
	t.readQuota = t.readQuota || age > quotaStale || left <= 0 && age > quotaAgain
	if left <= 0 && q.Broadcasts {
		q.Retries = true
		return q
	}
	if q.Broadcasts {
		q.Limit, q.Alike = int(min(int64(q.Limit), left)), int(min(int64(q.Alike), left))
	}
	return q
}

// learn reads what decides about the people of a batch.
func (t *taking) learn(ctx context.Context, due []Delivery) (err error) {
	s, c := t.sender.service, t.sender
	var recipients []lumo.FriendID
	for _, d := range due {
		recipients = append(recipients, d.Friend)
	}
	if t.friends, err = s.Channels.FriendsByID(ctx, c.lease.Merchant, recipients); err != nil {
		return err
	}
	if limit := t.situation.Rules.Cap; limit.Messages > 0 {
		t.had, err = s.Store.Sent(ctx, c.lease.Merchant, recipients, t.due.Now.AddDate(0, 0, -limit.Days))
	}
	return err
}

// prepareAll commits deliveries to their bytes, and decides those that need no try.
func (t *taking) prepareAll(ctx context.Context, due []Delivery, retried []Chunk) error {
	left := t.situation.Quota.LeftFor(KindFlow, t.situation.Rules)
	maker := &chunker{taking: t}
	for _, d := range due {
		t.suspect = d
		outcome, err := t.decide(d)
		switch {
		case err != nil:
			return err
		case outcome != nil:
			t.decided = append(t.decided, *outcome)
			continue
		case d.tried():
			d.State = Unknown // until LINE says otherwise; it keeps its bytes
			t.ready = append(t.ready, d)
			continue
		case !t.situation.Quota.Unlimited && left <= 0:
			t.decided = append(t.decided, Outcome{Delivery: d, State: QuotaBlocked, Reason: edgeapi.Quota.Code(),
				NextAt: t.due.Now.Add(quotaRetry)})
			continue
		}
		left--
		if d.Shared {
			err = maker.add(ctx, d)
		} else {
			err = t.compose(ctx, d)
		}
		if err != nil {
			return err
		}
	}
	maker.close()
	return t.chunksAgain(retried)
}

// compose gives a delivery its bytes. What was refused for speed keeps those it has.
func (t *taking) compose(ctx context.Context, d Delivery) error {
	if d.Key == (uuid.UUID{}) {
		d.Key = RetryKey(d.Merchant, d.Logical, id.ID(d.Friend), d.Round)
	}
	if len(d.Body) == 0 {
		body, why, err := t.sender.service.Composer.Compose(ctx, t.account.channel, d.Number, d.Content,
			t.friends[d.Friend].Line)
		if err != nil {
			return err
		}
		if why.Reason != "" {
			t.decided = append(t.decided, Outcome{Delivery: d, State: Skipped, Reason: why.Reason, Data: why.Data})
			return nil
		}
		d.Body = body
	}
	t.ready = append(t.ready, d)
	return nil
}

// decide ends or puts off a delivery that must not be tried now; nil = try it.
func (t *taking) decide(d Delivery) (*Outcome, error) {
	if d.tried() {
		if d.Expired {
			return &Outcome{Delivery: d, State: UnknownExpired, Reason: edgeapi.Unconfirmed.Code()}, nil
		}
		return nil, nil
	}
	if d.Dropped || d.Hold == HoldDropped {
		return skip(d, edgeapi.Dropped, nil), nil
	}
	if o := t.late(d); o != nil {
		return o, nil
	}
	friend, ok := t.friends[d.Friend]
	switch {
	case !ok:
		return skip(d, edgeapi.Erased, nil), nil
	case friend.FollowStatus == lumo.Blocked:
		return skip(d, edgeapi.Blocked, friend.BlockedSince()), nil
	case friend.FollowStatus == lumo.NotFriend:
		return skip(d, edgeapi.NotFriend, nil), nil
	}
	if o := t.quiet(d); o != nil {
		return o, nil
	}
	if limit := t.situation.Rules.Cap; limit.Limits(d.Kind) {
		if t.had[d.Friend] >= limit.Messages {
			return skip(d, edgeapi.Cap, limit.Data()), nil
		}
		t.had[d.Friend]++
	}
	return nil, nil
}

// late ends what is too late to be sent: after a stop that it waited through, because of that.
func (t *taking) late(d Delivery) *Outcome {
	now := t.due.Now
	if d.TooLateAt.IsZero() || !now.After(d.TooLateAt) {
		return nil
	}
	limit := t.situation.Rules.TooLate
	if d.Kind != KindFlow {
		limit = d.TooLateAt.Sub(d.ReceivedAt)
	}
	stop, hold := t.situation.Stop, t.situation.Hold
	if covered(d.TooLateAt, stop.At, stop.ResumedAt) || covered(d.TooLateAt, hold.At, hold.ResumedAt) {
		return skip(d, edgeapi.HoldExpired, map[string]any{"hours": Late(0, limit)["limit"]})
	}
	return skip(d, edgeapi.TooLate, Late(now.Sub(d.ReceivedAt), limit))
}

// quiet puts a delivery off until quiet hours end, or ends it, as the merchant's rules say.
// The time it waits so does not count against it.
func (t *taking) quiet(d Delivery) *Outcome {
	rules := t.situation.Rules.Quiet
	action := rules.Action(d.Kind)
	if action == QuietSend {
		return nil
	}
	end := rules.Ends(t.due.Now, t.situation.Zone)
	if end.IsZero() {
		return nil
	}
	if action == QuietSkip {
		return skip(d, edgeapi.QuietHours, nil)
	}
	data := map[string]any{"time": end.UTC().Format(time.RFC3339)}
	return &Outcome{Delivery: d, State: d.State, Hold: HoldQuiet, Reason: edgeapi.QuietHoursWait.Code(), Data: data,
		NextAt: end, Longer: end.Sub(t.due.Now)}
}

func skip(d Delivery, reason edgeapi.Reason, data map[string]any) *Outcome {
	return &Outcome{Delivery: d, State: Skipped, Reason: reason.Code(), Data: data}
}
