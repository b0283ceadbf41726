package flow

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Repairs changes calls that a member takes up again, in the transaction of its context.
type Repairs interface {
	// Body is what Klaviyo sent; gone after its time.
	Body(ctx context.Context, m lumo.MerchantID, r lumo.RequestID) ([]byte, error)
	// Sent turns a call that led to nothing into one that planned a logical message.
	Sent(ctx context.Context, r Request, logical id.ID) error
}

// Check tells what would become of a call if it came now. Nothing changes.
func (s *Service) Check(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.RequestID) (now Request, err error) {
	err = s.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		now, _, _, err = s.judgeAgain(ctx, m, c, v, nil)
		return err
	})
	return now, fault.Wrap("flow.Check", err)
}

// SendNow sends what a call asked for and did not get: because nobody was linked then, the
// time was over, or Lumo took it for a duplicate. However often it is asked, it sends once:
// the message it plans has the same logical id each time.
func (s *Service) SendNow(ctx context.Context, by Actor, m lumo.MerchantID, c lumo.ChannelID, v lumo.RequestID) (r Request, err error) {
	known := s.knownVars(ctx, m, c, v)
	err = s.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		r, err = s.sendNow(ctx, by, m, c, v, known)
		return err
	})
	return r, fault.Wrap("flow.SendNow", err)
}

// knownVars are the profile's values for a call whose own could not be read, as for a call that
// comes; asked for before the transaction, which must not wait for Klaviyo. What else is wrong
// with the call shows when it is judged.
func (s *Service) knownVars(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.RequestID) map[string]string {
	var text []byte
	err := s.Tenants.InTenant(ctx, m, func(ctx context.Context) (err error) {
		text, err = s.Repairs.Body(ctx, m, v)
		return err
	})
	if err != nil {
		return nil
	}
	b, err := ParseBody(text)
	if err != nil || !b.VarsBroken {
		return nil
	}
	s.fillFromProfile(ctx, Request{Merchant: m, Channel: c}, &b)
	return b.Vars
}

func (s *Service) sendNow(ctx context.Context, by Actor, m lumo.MerchantID, c lumo.ChannelID, v lumo.RequestID,
	known map[string]string) (Request, error) {
	const op = "flow.sendNow"
	r, friend, content, err := s.judgeAgain(ctx, m, c, v, known)
	if err != nil {
		return r, err
	}
	unsent := r.Delivery // what it led to before, which nobody got
	if r.Outcome != Accepted {
		return r, fault.New(fault.Conflict, op, "Nothing can be sent for this call yet. Check again to see why.")
	}
	if err := s.want(ctx, &r, content); err != nil {
		return r, err
	}
	logical := againID(v, unsent)
	d, err := s.Planner.Plan(ctx, delivery.Plan{Merchant: m, Channel: c, Kind: delivery.KindFlow, Logical: logical,
		Friend: friend.ID, Profile: r.Profile, Content: content, ReceivedAt: s.Now(),
		WaitsUntil: r.WantedUntil})
	if err != nil {
		return r, err
	}
	r.Delivery = d.ID
	if err := s.Repairs.Sent(ctx, r, logical); err != nil {
		return r, err
	}
	if err := s.await(ctx, m, c, r); err != nil {
		return r, err
	}
	s.Watcher.RequestChanged(ctx, m, c, v)
	return r, s.Auditor.Audit(ctx, lumo.AuditEntry{ActorKind: "member", Actor: id.ID(by.Member), Address: by.Address,
		Action: "flow_request.send_now", TargetKind: "flow_request", Target: v.String()})
}

// againID is the logical message of a call that a member takes up: one for each call, and another
// once that message itself ended unsent.
func againID(v lumo.RequestID, unsent lumo.DeliveryID) id.ID {
	text := append([]byte("lumo send now 1\x00"), v[:]...)
	sum := sha256.Sum256(append(text, unsent[:]...))
	return id.New(id.ID(v).UnixMilli(), [10]byte(sum[:10]))
}

// judgeAgain decides a call as it would be decided now, without its key, its age and what
// came before it. A call that led to a message, or may have, is fault.Conflict. known takes the
// place of values that cannot be read.
func (s *Service) judgeAgain(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.RequestID,
	known map[string]string) (Request, lumo.Friend, lumo.Content, error) {
	const op = "flow.judgeAgain"
	none, nothing := lumo.Friend{}, lumo.Content{}
	row, err := s.Views.Row(ctx, m, c, v)
	if err != nil {
		return Request{}, none, nothing, err
	}
	if row.Outcome == Refused || row.Delivery != (lumo.DeliveryID{}) && row.State != delivery.Skipped {
		return row.Request, none, nothing, &fault.Error{Kind: fault.Conflict, Op: op, Err: errors.New(string(row.State)),
			Message: "This call was refused, or its message is on its way already."}
	}
	text, err := s.Repairs.Body(ctx, m, v)
	if err != nil {
		return row.Request, none, nothing, err
	}
	b, bad := ParseBody(text)
	r := row.Request
	r.Data, r.Outcome, r.Reason, r.DuplicateOf = map[string]any{}, "", "", lumo.RequestID{}
	if bad != nil {
		return r.refuse(edgeapi.BadBody, nil), none, nothing, nil
	}
	if b.VarsBroken && known != nil {
		b.Vars = known
	}
	content, done, err := s.content(ctx, sources{s.Recipients, s.Messages}, &r, b)
	if err != nil || done {
		return r, none, content, err
	}
	friend, done, err := s.recipient(ctx, sources{s.Recipients, s.Messages}, &r, b)
	if err != nil || done {
		return r, none, content, err
	}
	limit, had, err := s.Planner.Had(ctx, m, c, []lumo.FriendID{friend.ID})
	if err != nil {
		return r, none, content, err
	}
	if limit.Messages > 0 && had[friend.ID] >= limit.Messages {
		return r.skip(edgeapi.Cap, limit.Data()), none, content, nil
	}
	r.Outcome = Accepted
	return r, friend, content, nil
}

// FlowCheck is how a flow stands in Klaviyo at this moment.
type FlowCheck struct {
	Status   string // live, manual, draft, gone
	Webhooks []lumo.FlowWebhook
	At       time.Time
}

// CheckFlow asks Klaviyo whether a flow is live and which webhooks it has.
func (s *Service) CheckFlow(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, flow string) (FlowCheck, error) {
	const op = "flow.CheckFlow"
	check := FlowCheck{Status: "gone", At: s.Now()}
	channel, err := s.Channels.Get(ctx, m, c)
	if err != nil {
		return check, fault.Wrap(op, err)
	}
	if channel.KlaviyoAccount == (lumo.AccountID{}) {
		return check, fault.New(fault.Conflict, op, "This LINE account is not connected to Klaviyo.")
	}
	all, err := s.Klaviyo.Flows(ctx, m, channel.KlaviyoAccount)
	if err != nil {
		return check, fault.Wrap(op, err)
	}
	seen := slices.Clone(all)
	if err := s.withWebhooks(ctx, channel, seen); err != nil {
		return check, fault.Wrap(op, err)
	}
	err = s.Tenants.InTenant(ctx, m, func(ctx context.Context) error { return s.Board.Seen(ctx, m, c, seen, s.Now()) })
	if err != nil {
		return check, fault.Wrap(op, err)
	}
	for _, f := range all {
		if f.ID == flow {
			check.Status = f.Status
			check.Webhooks, err = s.Klaviyo.FlowWebhooks(ctx, m, channel.KlaviyoAccount, flow)
		}
	}
	return check, fault.Wrap(op, err)
}
