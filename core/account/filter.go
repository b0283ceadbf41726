package account

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const filtersMost = 50 // of a list, for each member

// SavedFilter is what a member chose in a list, kept under a name for her alone. It holds ids
// and fixed words: nothing that somebody typed to find a person.
type SavedFilter struct {
	ID        id.ID
	Member    lumo.MemberID // or an API key, which keeps its own
	Channel   lumo.ChannelID
	List      string
	Name      string
	Values    map[string]string
	CreatedAt time.Time
}

// FilterStore keeps saved filters, in the merchant's transaction. A name that the member has in
// this list already is fault.Conflict; what is another member's is fault.NotFound.
type FilterStore interface {
	// AddFilter answers fault.NotFound for a channel that is not the merchant's.
	AddFilter(ctx context.Context, m lumo.MerchantID, f SavedFilter) error
	Filters(ctx context.Context, who Membership, c lumo.ChannelID, list string) ([]SavedFilter, error)
	Filter(ctx context.Context, who Membership, v id.ID) (SavedFilter, error)
	UpdateFilter(ctx context.Context, m lumo.MerchantID, f SavedFilter, now time.Time) error
	RemoveFilter(ctx context.Context, who Membership, v id.ID) error
}

// SavedFilters are a member's filters of a list, by name.
func (s *Service) SavedFilters(ctx context.Context, who Membership, c lumo.ChannelID, list string) (all []SavedFilter, err error) {
	err = s.Units.InTenant(ctx, who.Merchant, func(ctx context.Context) error {
		all, err = s.Filters.Filters(ctx, who, c, list)
		return err
	})
	return all, fault.Wrap("account.SavedFilters", err)
}

// SaveFilter keeps what a member chose in a list.
func (s *Service) SaveFilter(ctx context.Context, who Membership, address string, f SavedFilter) (SavedFilter, error) {
	const op = "account.SaveFilter"
	f.ID, f.Member, f.Name, f.CreatedAt = s.NewID(), who.Member, strings.TrimSpace(f.Name), s.Now()
	if err := f.check(op); err != nil {
		return SavedFilter{}, err
	}
	err := s.Units.InTenant(ctx, who.Merchant, func(ctx context.Context) error {
		all, err := s.Filters.Filters(ctx, who, f.Channel, f.List)
		if err != nil {
			return err
		}
		if len(all) >= filtersMost {
			return fault.New(fault.Conflict, op, "There are %d saved filters already. Delete one first.", filtersMost)
		}
		if err := s.Filters.AddFilter(ctx, who.Merchant, f); err != nil {
			return nameTaken(op, err)
		}
		return s.auditFilter(ctx, who, address, "saved_filter.create", f)
	})
	return f, fault.Wrap(op, err)
}

// SavedFilter reads one of a member's filters.
func (s *Service) SavedFilter(ctx context.Context, who Membership, c lumo.ChannelID, v id.ID) (f SavedFilter, err error) {
	err = s.Units.InTenant(ctx, who.Merchant, func(ctx context.Context) error {
		f, err = s.filter(ctx, who, c, v)
		return err
	})
	return f, fault.Wrap("account.SavedFilter", err)
}

func (s *Service) filter(ctx context.Context, who Membership, c lumo.ChannelID, v id.ID) (SavedFilter, error) {
	f, err := s.Filters.Filter(ctx, who, v)
	if err == nil && f.Channel != c {
		err = fault.New(fault.NotFound, "account.filter", "This filter does not exist.")
	}
	return f, err
}

// RenameFilter gives one of a member's filters another name.
func (s *Service) RenameFilter(ctx context.Context, who Membership, address string, c lumo.ChannelID, v id.ID,
	name string) (f SavedFilter, err error) {
	const op = "account.RenameFilter"
	err = s.Units.InTenant(ctx, who.Merchant, func(ctx context.Context) error {
		if f, err = s.filter(ctx, who, c, v); err != nil {
			return err
		}
		f.Name = strings.TrimSpace(name)
		if err := f.check(op); err != nil {
			return err
		}
		if err := s.Filters.UpdateFilter(ctx, who.Merchant, f, s.Now()); err != nil {
			return nameTaken(op, err)
		}
		return s.auditFilter(ctx, who, address, "saved_filter.rename", f)
	})
	return f, fault.Wrap(op, err)
}

// RemoveFilter forgets one of a member's filters, and answers what it was.
func (s *Service) RemoveFilter(ctx context.Context, who Membership, address string, c lumo.ChannelID, v id.ID) (f SavedFilter, err error) {
	err = s.Units.InTenant(ctx, who.Merchant, func(ctx context.Context) error {
		if f, err = s.filter(ctx, who, c, v); err != nil {
			return err
		}
		if err := s.Filters.RemoveFilter(ctx, who, v); err != nil {
			return err
		}
		return s.auditFilter(ctx, who, address, "saved_filter.delete", f)
	})
	return f, fault.Wrap("account.RemoveFilter", err)
}

// auditFilter says nothing of the name, which a member writes for herself.
func (s *Service) auditFilter(ctx context.Context, who Membership, address, action string, f SavedFilter) error {
	return s.Audit(ctx, lumo.AuditEntry{ActorKind: "member", Actor: id.ID(who.Member), Address: address, Action: action,
		TargetKind: "saved_filter", Target: f.ID.String(), Data: map[string]any{"list": f.List}})
}

// nameTaken says which field is the matter when a name is in use.
func nameTaken(op string, err error) error {
	if !fault.Is(err, fault.Conflict) {
		return err
	}
	const taken = "You have a filter with this name already."
	return &fault.Error{Kind: fault.Conflict, Op: op, Err: err, Message: taken, Fields: map[string]string{"name": taken}}
}

func (f SavedFilter) check(op string) error {
	fields := map[string]string{}
	if f.Name == "" || utf8.RuneCountInString(f.Name) > maxName || strings.ContainsAny(f.Name, "\n\r\t") {
		fields["name"] = "Use 1 to 80 characters on one line."
	}
	list, ok := filterLists()[f.List]
	if !ok {
		fields["list"] = "This list has no filters to save."
	}
	if ok && len(f.Values) == 0 {
		fields["values"] = "Choose a filter first."
	}
	for name, value := range f.Values {
		if may := list[name]; ok && (may == nil || !may(value)) {
			fields["values"] = "A filter holds ids and fixed words only, as the list offers them."
		}
	}
	if len(fields) > 0 {
		return &fault.Error{Kind: fault.Invalid, Op: op, Fields: fields}
	}
	return nil
}
