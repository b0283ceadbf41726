package tracking

import (
	"cmp"
	"context"
	"slices"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// Together are the figures of several LINE accounts of a merchant: added up, and of each account.
// A message, an address and a QR code are one account's, and tell whose.
type Together struct {
	Statistics
	Accounts []AccountSums
}

// AccountSums are the figures of one LINE account.
type AccountSums struct {
	Channel lumo.ChannelID
	Sums
}

// Together reads the figures of LINE accounts, at one moment.
func (r *Reports) Together(ctx context.Context, m lumo.MerchantID, channels []lumo.ChannelID, d Days) (t Together, err error) {
	const op = "tracking.Together"
	if err := d.check(op); err != nil {
		return t, err
	}
	err = r.tenants.InTenant(ctx, m, func(ctx context.Context) error {
		t = Together{} // of a transaction that is tried again
		for _, c := range channels {
			s, err := r.store.Statistics(ctx, m, c, d)
			if err != nil {
				return err
			}
			t.Accounts = append(t.Accounts, AccountSums{c, s.Total})
			t.add(c, s)
		}
		return nil
	})
	t.sort()
	return t, fault.Wrap(op, err)
}

// Add adds other figures to these.
func (s *Sums) Add(o Sums) {
	s.Sent += o.Sent
	s.Failed += o.Failed
	s.NotSent += o.NotSent
	s.Opened += o.Opened
	s.Clicks += o.Clicks
	s.Raw += o.Raw
	s.Suspect += o.Suspect
	s.Clickers += o.Clickers
}

func (t *Together) add(c lumo.ChannelID, s Statistics) {
	t.Total.Add(s.Total)
	for _, one := range s.Days {
		found(&t.Days, DaySums{Day: one.Day}, func(o DaySums) bool { return o.Day.Equal(one.Day) }).Add(one.Sums)
	}
	for _, one := range s.Reasons {
		found(&t.Reasons, ReasonSums{Of: one.Of, Reason: one.Reason},
			func(o ReasonSums) bool { return o.Of == one.Of && o.Reason == one.Reason }).N += one.N
	}
	for _, one := range s.Hours {
		found(&t.Hours, HourSums{Weekday: one.Weekday, Hour: one.Hour},
			func(o HourSums) bool { return o.Weekday == one.Weekday && o.Hour == one.Hour }).Clicks += one.Clicks
	}
	for _, one := range s.Messages {
		one.Channel = c
		t.Messages = append(t.Messages, one)
	}
	for _, one := range s.Links {
		one.Channel = c
		t.Links = append(t.Links, one)
	}
	for _, one := range s.Codes {
		one.Channel = c
		t.Codes = append(t.Codes, one)
	}
}

// found is the row of a list that something is, or a new one at its end.
func found[R any](rows *[]R, fresh R, is func(R) bool) *R {
	i := slices.IndexFunc(*rows, is)
	if i < 0 {
		i = len(*rows)
		*rows = append(*rows, fresh)
	}
	return &(*rows)[i]
}

// sort puts rows into the order that those of one account have.
func (t *Together) sort() {
	slices.SortStableFunc(t.Messages, func(a, b MessageSums) int { return cmp.Compare(b.Sent, a.Sent) })
	slices.SortStableFunc(t.Reasons, func(a, b ReasonSums) int { return cmp.Compare(b.N, a.N) })
	slices.SortStableFunc(t.Links, func(a, b LinkSums) int { return cmp.Compare(b.Clicks, a.Clicks) })
	slices.SortStableFunc(t.Codes, func(a, b CodeSums) int { return cmp.Compare(b.Scans, a.Scans) })
	slices.SortFunc(t.Hours, func(a, b HourSums) int {
		return cmp.Or(cmp.Compare(a.Weekday, b.Weekday), cmp.Compare(a.Hour, b.Hour))
	})
}
