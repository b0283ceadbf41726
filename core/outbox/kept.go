package outbox

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const keptMax = 100

// KeptItem is an item that Klaviyo refuses, as the list of what was kept aside shows it.
type KeptItem struct {
	ID         id.ID
	Channel    lumo.ChannelID
	Friend     lumo.FriendID
	FriendName string
	Kind       Kind
	Metric     string // of an event
	Profile    lumo.ProfileID
	Problem    string
	Tries      int
	OccurredAt time.Time
	CreatedAt  time.Time
}

// KeptPage is a page of what Klaviyo refuses.
type KeptPage struct {
	Items []KeptItem
	Next  id.ID // what the next page begins before; zero = this is the last
	Total int64 // on all pages
}

// Kept is one page of what Klaviyo refuses, kept or dismissed, newest first.
func (s *Service) Kept(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, in State, before id.ID, limit int) (
	p KeptPage, err error) {
	if limit <= 0 || limit > keptMax {
		limit = keptMax
	}
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if p.Items, err = s.c.Store.Kept(ctx, m, a, in, before, limit+1); err == nil {
			p.Total, err = s.c.Store.KeptTotal(ctx, m, a, in)
		}
		return err
	})
	if len(p.Items) > limit {
		p.Items, p.Next = p.Items[:limit], p.Items[limit-1].ID
	}
	return p, fault.Wrap("outbox.Kept", err)
}

// Again has kept items tried once more: one, or with the zero id all of the account. The
// unique id of each is what it was, so what Klaviyo has after all it does not count twice.
func (s *Service) Again(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, item id.ID,
	by lumo.MemberID) (n int64, err error) {
	const op = "outbox.Again"
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		n, err = s.c.Store.Again(ctx, m, a, item, s.c.Now())
		if err != nil {
			return err
		}
		if n == 0 && !item.IsZero() {
			return fault.New(fault.NotFound, op, "This is not kept aside any more.")
		}
		s.ring(ctx, []NewItem{{Account: a}})
		return s.audit(ctx, by, "outbox.again", a, n)
	})
	return n, fault.Wrap(op, err)
}

// Dismiss says of kept items that nothing needs to be done about them: of one, or with the zero
// id of all. They ask for nobody's attention any more, and can be brought back. What changes
// later is written all the same.
func (s *Service) Dismiss(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, item id.ID, by lumo.MemberID) (
	int64, error) {
	n, err := s.move(ctx, m, a, item, by, "outbox.dismiss", Kept, Dismissed)
	return n, fault.Wrap("outbox.Dismiss", err)
}

// BringBack undoes Dismiss.
func (s *Service) BringBack(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, item id.ID, by lumo.MemberID) (
	int64, error) {
	n, err := s.move(ctx, m, a, item, by, "outbox.bring_back", Dismissed, Kept)
	return n, fault.Wrap("outbox.BringBack", err)
}

func (s *Service) move(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, item id.ID, by lumo.MemberID,
	action string, from, to State) (n int64, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if n, err = s.c.Store.Move(ctx, m, a, item, from, to); err != nil {
			return err
		}
		if n == 0 && !item.IsZero() {
			return fault.New(fault.Conflict, "outbox.move", "This changed meanwhile. Load the page again.")
		}
		return s.audit(ctx, by, action, a, n)
	})
	return n, err
}

func (s *Service) audit(ctx context.Context, by lumo.MemberID, action string, a lumo.AccountID, n int64) error {
	return s.c.Auditor.Audit(ctx, lumo.AuditEntry{ActorKind: "member", Actor: id.ID(by), Action: action,
		TargetKind: "klaviyo_account", Target: a.String(), Data: map[string]any{"items": n}})
}
