package linkage

import (
	"context"
	"sync"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// ReviewItem is a conflict as a list shows it.
type ReviewItem struct {
	Conflict
	FriendName string
	OtherName  string
}

// Compared is one side of a conflict with all that helps to decide. Customer's data is read
// from Klaviyo when it is shown and never stored.
type Compared struct {
	Friend      lumo.Friend
	Profile     lumo.Profile // only its id where Klaviyo could not be asked
	ProfileGone bool         // Klaviyo has no such customer any more
	Unread      bool         // Klaviyo did not answer
	LastOrderAt time.Time    // zero = none, or not known
	Method      string
	Assurance   lumo.Assurance
	Since       time.Time // linked, or claimed
	Linked      bool      // the link stands now
}

// Comparison is a conflict with both sides.
type Comparison struct {
	Conflict
	First       Compared
	Second      Compared
	Recommended Decision // Undecided = neither is surer
	Reason      string   // code: surer, other_gone
	Next        id.ID    // of the next open conflict; zero = none
}

const (
	compareLife    = 10 * time.Minute
	compareMax     = 2000
	compareTimeout = 5 * time.Second
)

func (s *Service) reviewItem(ctx context.Context, m lumo.MerchantID, c Conflict) (ReviewItem, error) {
	item := ReviewItem{Conflict: c}
	friend, err := s.c.Friends.Friend(ctx, m, c.Friend)
	if err != nil {
		return item, err
	}
	item.FriendName = friend.DisplayName
	if c.OtherFriend != (lumo.FriendID{}) {
		other, err := s.c.Friends.Friend(ctx, m, c.OtherFriend)
		if err != nil {
			return item, err
		}
		item.OtherName = other.DisplayName
	}
	return item, nil
}

// Compare reads a conflict with both sides.
func (s *Service) Compare(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v id.ID) (
	out Comparison, err error) {
	const op = "linkage.Compare"
	var first, second side
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		out = Comparison{}
		if out.Conflict, err = s.conflictOf(ctx, m, c, v); err != nil {
			return err
		}
		if first, second, err = s.sides(ctx, m, out.Conflict); err != nil {
			return err
		}
		if out.First, err = s.compared(ctx, m, out.Conflict, first); err != nil {
			return err
		}
		if out.Second, err = s.compared(ctx, m, out.Conflict, second); err != nil {
			return err
		}
		list, _, err := s.c.Links.Conflicts(ctx, m, c, ReviewQuery{Limit: 2})
		for _, other := range list {
			if other.ID != v && out.Next.IsZero() {
				out.Next = other.ID
			}
		}
		return err
	})
	if err != nil {
		return Comparison{}, fault.Wrap(op, err)
	}
	of, err := s.c.Channels.Get(ctx, m, c)
	if err != nil {
		return Comparison{}, fault.Wrap(op, err)
	}
	s.readCustomers(ctx, m, of.KlaviyoAccount, &out.First, &out.Second)
	out.Recommended, out.Reason = recommend(out.First, out.Second)
	return out, nil
}

func (s *Service) compared(ctx context.Context, m lumo.MerchantID, c Conflict, one side) (Compared, error) {
	out := Compared{Profile: lumo.Profile{ID: one.profile}, Method: c.Method, Assurance: c.Assurance,
		Since: c.CreatedAt}
	if one.old != nil {
		out.Method, out.Assurance, out.Since = one.old.Method, one.old.Assurance, one.old.LinkedAt
	}
	there, err := s.standing(ctx, m, c.Channel, one.friend, one.profile)
	if err != nil {
		return out, err
	}
	out.Linked = there.same()
	out.Friend, err = s.c.Friends.Friend(ctx, m, one.friend)
	return out, err
}

// readCustomers asks Klaviyo about both sides at once, at most every ten minutes.
func (s *Service) readCustomers(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, both ...*Compared) {
	limited, cancel := context.WithTimeout(ctx, compareTimeout)
	defer cancel()
	var wait sync.WaitGroup
	for _, one := range both {
		wait.Go(func() {
			seen, err := s.seen.read(s.c.Now(), profileKey{m, one.Profile.ID}, func() (customer, error) {
				p, err := s.c.Profiles.Profile(limited, m, a, one.Profile.ID)
				if err != nil {
					return customer{}, err
				}
				order, err := s.c.Profiles.LastOrder(limited, m, a, p.ID)
				return customer{p, order}, err
			})
			switch {
			case err == nil:
				one.Profile, one.LastOrderAt = seen.profile, seen.order
			case fault.Is(err, fault.NotFound):
				one.ProfileGone = true
			default:
				one.Unread = true
			}
		})
	}
	wait.Wait()
}

// recommend names the surer side; where both are equally sure nobody but a person can tell.
func recommend(first, second Compared) (Decision, string) {
	switch a, b := level(first.Assurance), level(second.Assurance); {
	case second.ProfileGone && !first.ProfileGone:
		return UseFirst, "other_gone"
	case first.ProfileGone && !second.ProfileGone:
		return UseSecond, "other_gone"
	case a > b:
		return UseFirst, "surer"
	case b > a:
		return UseSecond, "surer"
	}
	return Undecided, ""
}

// customer is what Klaviyo told of a profile.
type customer struct {
	profile lumo.Profile
	order   time.Time
}

type profileKey struct {
	merchant lumo.MerchantID
	profile  lumo.ProfileID
}

// seenCustomers keeps answers in memory for ten minutes, and nowhere else.
type seenCustomers struct {
	mu   sync.Mutex // guards rows
	rows map[profileKey]seenCustomer
}

type seenCustomer struct {
	customer
	until time.Time
}

func (s *seenCustomers) read(now time.Time, k profileKey, ask func() (customer, error)) (customer, error) {
	s.mu.Lock()
	row, ok := s.rows[k]
	s.mu.Unlock()
	if ok && now.Before(row.until) {
		return row.customer, nil
	}
	answer, err := ask()
	if err != nil {
		return answer, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows == nil || len(s.rows) >= compareMax {
		s.rows = map[profileKey]seenCustomer{}
	}
	s.rows[k] = seenCustomer{answer, now.Add(compareLife)}
	return answer, nil
}
