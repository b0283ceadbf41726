package account_test

import (
	"context"
	"testing"
	"time"

	"lumo/core/account"
	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// refusing are units of work that a test does not expect.
type refusing struct{ t *testing.T }

func (r refusing) InTenant(context.Context, lumo.MerchantID, func(context.Context) error) error {
	r.t.Error("stored")
	return nil
}

func (r refusing) InSystem(context.Context, func(context.Context) error) error { return nil }

func TestASavedFilterHoldsIdsAndFixedWordsOnly(t *testing.T) {
	t.Parallel()
	s := account.New(account.Config{Units: refusing{t}, NewID: func() id.ID { return id.ID{1} }, Now: time.Now})
	for name, values := range map[string]map[string]string{
		"nothing":                {},
		"a filter of no list":    {"text": "yes"},
		"an email":               {"tag": "yuki@customer.example"},
		"a phone number":         {"tag": "+819012345678"},
		"another kind of id":     {"tag": "frd_01k0000000000000000000000a"},
		"a word of another":      {"state": "given"},
		"one right, one typed":   {"linked": "no", "consent": "Yuki"},
		"days beyond the list's": {"from": "31"},
	} {
		_, err := s.SaveFilter(t.Context(), account.Membership{}, "", account.SavedFilter{List: "friends", Name: "VIP", Values: values})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, f := range map[string]account.SavedFilter{
		"no list":                 {List: "audit", Name: "x", Values: map[string]string{"linked": "no"}},
		"no name":                 {List: "friends", Name: " ", Values: map[string]string{"linked": "no"}},
		"a phone as a flow":       {List: "flow_requests", Name: "x", Values: map[string]string{"flow": "09012345678"}},
		"a sentence for a reason": {List: "flow_requests", Name: "x", Values: map[string]string{"reason": "not linked"}},
	} {
		if _, err := s.SaveFilter(t.Context(), account.Membership{}, "", f); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
