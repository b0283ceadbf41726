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

// Kept is one page of what Klaviyo refuses, newest first; next is zero on the last page.
func (s *Service) Kept(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, before id.ID, limit int) (
	list []KeptItem, next id.ID, err error) {
	if limit <= 0 || limit > keptMax {
		limit = keptMax
	}
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		list, err = s.c.Store.Kept(ctx, m, a, before, limit+1)
		return err
	})
	if len(list) > limit {
		list, next = list[:limit], list[limit-1].ID
	}
	return list, next, fault.Wrap("outbox.Kept", err)
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
		return s.c.Auditor.Audit(ctx, lumo.AuditEntry{ActorKind: "member", Actor: id.ID(by),
			Action: "outbox.again", TargetKind: "klaviyo_account", Target: a.String(),
			Data: map[string]any{"items": n}})
	})
	return n, fault.Wrap(op, err)
}
