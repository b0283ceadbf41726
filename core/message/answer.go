package message

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Reply is one answer to one event.
type Reply struct {
	Merchant  lumo.MerchantID
	ID        id.ID
	Channel   lumo.ChannelID
	Friend    lumo.FriendID
	Rule      id.ID
	Event     string
	Token     lumo.Secret
	ExpiresAt time.Time
	// From here on once it is begun.
	Delivery lumo.DeliveryID
	Number   uint64 // of the merchant's deliveries, for tracked links
	Message  lumo.MessageID
	Version  int
}

// The ends of a reply; they are those of deliveries.
const (
	ReplyAccepted = "accepted"
	ReplyRejected = "rejected"
	ReplyUnknown  = "unknown_expired" // LINE did not answer; a token works once, so nothing is sent again
	ReplySkipped  = "skipped"
)

// ReplyStore keeps replies. Its methods run in the caller's transaction.
type ReplyStore interface {
	// Plan stores a reply; false = this event has one already.
	Plan(ctx context.Context, r Reply, now time.Time) (bool, error)
	// Take locks a planned reply; ok is false when somebody else has it, and while an operator
	// stopped all sending: then it ends as not sent in time.
	Take(ctx context.Context, m lumo.MerchantID, reply id.ID) (r Reply, message lumo.MessageID, ok bool, err error)
	// Begin notes that the token is used from now on, and gives the reply its delivery number.
	Begin(ctx context.Context, r Reply, now time.Time) (number uint64, err error)
	// End stores what came of it, and the delivery it became.
	End(ctx context.Context, r Reply, state, reason, requestID string, now time.Time) error
	// Lost ends what was planned and is too old, and what was begun by a process that died.
	Lost(ctx context.Context, m lumo.MerchantID, now time.Time) error
	// Merchants are those that may have replies; it needs a transaction without a merchant.
	Merchants(ctx context.Context) ([]lumo.MerchantID, error)
}

// ReplyVerdict is what LINE said to one reply.
type ReplyVerdict struct {
	Status    int // 0 = no answer
	RequestID string
	Refused   map[string]any // what the sentence about a refusal says
}

// ReplySender sends the exact body of a reply.
type ReplySender interface {
	Reply(ctx context.Context, keys lumo.Keys, body []byte) (ReplyVerdict, error)
}

// Recorder takes facts into timeline, counters and the outbox, inside the transaction.
type Recorder interface {
	Record(ctx context.Context, f lumo.Fact) error
}

// Systems runs a unit of work over the global tables.
type Systems interface {
	InSystem(ctx context.Context, fn func(context.Context) error) error
}

// AnswererConfig is what an answerer needs; all fields are required.
type AnswererConfig struct {
	Tenants  Tenants
	Systems  Systems
	Rules    RuleStore
	Replies  ReplyStore
	Store    Store
	Channels Channels
	Composer *Composer
	Sender   ReplySender
	Recorder Recorder
	IDs      func() id.ID
	Now      func() time.Time
	Log      *slog.Logger
}

// Answerer answers people by LINE's free replies, where it is in time. It never pushes
// instead.
type Answerer struct {
	c    AnswererConfig
	jobs chan job
}

type job struct {
	merchant lumo.MerchantID
	reply    id.ID
}

const (
	answerers  = 8
	jobsKept   = 2000
	sweepEvery = time.Minute
	replyTries = 3
	replyLimit = 10 * time.Second
)

// NewAnswerer makes an answerer.
func NewAnswerer(c AnswererConfig) *Answerer {
	return &Answerer{c: c, jobs: make(chan job, jobsKept)}
}

// React plans the answer to what a friend did, in the transaction that takes the event; it
// is sent when that commits.
func (a *Answerer) React(ctx context.Context, r lumo.Reaction) error {
	const op = "message.React"
	if r.Token == "" || !a.c.Now().Before(r.At.Add(replyWithin)) {
		return nil
	}
	rules, err := a.c.Rules.Rules(ctx, r.Merchant, r.Channel)
	if err != nil {
		return fault.Wrap(op, err)
	}
	rule, ok := Match(rules, r.Followed, r.Text)
	if !ok {
		return nil
	}
	reply := Reply{Merchant: r.Merchant, ID: a.c.IDs(), Channel: r.Channel, Friend: r.Friend, Rule: rule.ID,
		Event: r.Event, Token: r.Token, ExpiresAt: r.At.Add(replyWithin)}
	planned, err := a.c.Replies.Plan(ctx, reply, a.c.Now())
	if err != nil || !planned {
		return fault.Wrap(op, err)
	}
	a.c.Tenants.AfterCommit(ctx, func() {
		select {
		case a.jobs <- job{r.Merchant, reply.ID}:
		default: // too many at once: it ends as not sent in time
		}
	})
	return nil
}

// Run answers until ctx ends.
func (a *Answerer) Run(ctx context.Context) error {
	var group sync.WaitGroup
	for range answerers {
		group.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case j := <-a.jobs:
					a.complain(ctx, a.answer(context.WithoutCancel(ctx), j))
				}
			}
		})
	}
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	for ctx.Err() == nil {
		a.complain(ctx, a.Sweep(ctx))
		select {
		case <-ctx.Done():
		case <-sweep.C:
		}
	}
	group.Wait()
	return nil
}

func (a *Answerer) complain(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		a.c.Log.WarnContext(ctx, "a reply was interrupted", "op", "message.answer", "error", err.Error())
	}
}

// Sweep ends what a process that died left behind.
func (a *Answerer) Sweep(ctx context.Context) error {
	var all []lumo.MerchantID
	err := a.c.Systems.InSystem(ctx, func(ctx context.Context) (err error) {
		all, err = a.c.Replies.Merchants(ctx)
		return err
	})
	for _, m := range all {
		if err != nil {
			break
		}
		err = a.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error { return a.c.Replies.Lost(ctx, m, a.c.Now()) })
	}
	return fault.Wrap("message.Sweep", err)
}

// answer makes and sends one reply. Before the first byte leaves, the store knows of it.
func (a *Answerer) answer(ctx context.Context, j job) error {
	const op = "message.answer"
	r, keys, body, err := a.begin(ctx, j)
	if err != nil || body == nil {
		return fault.Wrap(op, err)
	}
	verdict, state := a.send(ctx, r, keys, body)
	var why lumo.Why
	switch state {
	case ReplyRejected:
		why = lumo.Why{Reason: edgeapi.LINERefused.Code(), Data: verdict.Refused}
	case ReplyUnknown:
		why.Reason = edgeapi.Unconfirmed.Code()
	}
	return fault.Wrap(op, a.c.Tenants.InTenant(ctx, r.Merchant, func(ctx context.Context) error {
		return a.end(ctx, r, state, why, verdict.RequestID)
	}))
}

// begin takes a reply and makes its body; nil = there is nothing to send.
func (a *Answerer) begin(ctx context.Context, j job) (r Reply, keys lumo.Keys, body []byte, err error) {
	err = a.c.Tenants.InTenant(ctx, j.merchant, func(ctx context.Context) error {
		body = nil
		var message lumo.MessageID
		var ok bool
		if r, message, ok, err = a.c.Replies.Take(ctx, j.merchant, j.reply); err != nil || !ok {
			return err
		}
		if !a.c.Now().Before(r.ExpiresAt) {
			return a.end(ctx, r, ReplySkipped, lumo.Why{Reason: edgeapi.TooLate.Code(), Data: map[string]any{"why": "reply"}}, "")
		}
		saved, err := a.c.Store.Get(ctx, r.Merchant, message)
		if err != nil {
			return err
		}
		r.Message, r.Version, r.Delivery = saved.ID, saved.Version, lumo.DeliveryID(a.c.IDs())
		if saved.Version == 0 || saved.Archived {
			return a.end(ctx, r, ReplySkipped, lumo.Why{Reason: edgeapi.UnknownMessage.Code()}, "")
		}
		channel, err := a.c.Channels.Get(ctx, r.Merchant, r.Channel)
		if err != nil {
			return err
		}
		if keys.ID, keys.Secret, err = a.c.Channels.MessagingCredentials(ctx, r.Merchant, r.Channel); err != nil {
			return err
		}
		if r.Number, err = a.c.Replies.Begin(ctx, r, a.c.Now()); err != nil {
			return err
		}
		content := lumo.Content{Message: r.Message, Version: r.Version}
		made, why, err := a.c.Composer.ComposeReply(ctx, channel, r.Number, content, r.Token.Reveal())
		if err != nil || why.Reason != "" {
			if err == nil {
				err = a.end(ctx, r, ReplySkipped, why, "")
			}
			return err
		}
		body = made
		return nil
	})
	return r, keys, body, err
}

// send tries while the token may still work. It works once, so a repetition cannot arrive
// twice; a refusal after silence proves nothing.
func (a *Answerer) send(ctx context.Context, r Reply, keys lumo.Keys, body []byte) (v ReplyVerdict, state string) {
	silent := false
	for range replyTries {
		limited, cancel := context.WithTimeout(ctx, replyLimit)
		verdict, err := a.c.Sender.Reply(limited, keys, body)
		cancel()
		switch {
		case err == nil && verdict.Status/100 == 2:
			return verdict, ReplyAccepted
		case err == nil && verdict.Status/100 == 4 && !silent:
			return verdict, ReplyRejected
		case err == nil && verdict.Status/100 == 4:
			return verdict, ReplyUnknown
		}
		silent = true
		if !a.c.Now().Before(r.ExpiresAt) {
			break
		}
	}
	return v, ReplyUnknown
}

// end stores what came of a reply, and what it means in the friend's timeline.
func (a *Answerer) end(ctx context.Context, r Reply, state string, why lumo.Why, requestID string) error {
	if err := a.c.Replies.End(ctx, r, state, why.Reason, requestID, a.c.Now()); err != nil {
		return err
	}
	kind := map[string]lumo.FactKind{ReplyAccepted: lumo.FactSent, ReplyRejected: lumo.FactFailed,
		ReplySkipped: lumo.FactNotSent}[state]
	if kind == "" {
		return nil
	}
	data := map[string]any{}
	maps.Copy(data, why.Data)
	data["kind"] = "reply"
	ref := r.ID
	if r.Number > 0 {
		data["delivery"], data["number"] = r.Delivery.String(), r.Number
		ref = id.ID(r.Delivery)
	}
	if why.Reason != "" {
		data["reason"] = why.Reason
	}
	if r.Message != (lumo.MessageID{}) {
		data["message"] = r.Message.String()
	}
	return a.c.Recorder.Record(ctx, lumo.Fact{Merchant: r.Merchant, Channel: r.Channel, Friend: r.Friend, Kind: kind,
		Source: "reply", Ref: ref.String(), OccurredAt: a.c.Now(), Data: data})
}
