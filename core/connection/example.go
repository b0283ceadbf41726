package connection

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// exampleEmail is of a domain that nobody can own (RFC 2606): the example reaches nobody.
const exampleEmail = "lumo-example@example.com"

// Example is what the test of a connection wrote, as Klaviyo shows it.
type Example struct {
	Profile lumo.Profile
	Metric  string
	Event   map[string]any
	At      time.Time
}

// Test writes one example profile and one example event, and reads the profile back. The
// event is marked as backfill: it starts no flow.
func (s *Service) Test(ctx context.Context, m lumo.MerchantID, by Actor) (Example, error) {
	const op = "connection.Test"
	a, err := s.Current(ctx, m)
	if err != nil {
		return Example{}, fault.Wrap(op, err)
	}
	if err := usable(a); err != nil {
		return Example{}, err
	}
	now := s.c.Now()
	p, err := s.WriteProfile(ctx, m, a.ID, lumo.ProfileWrite{Email: exampleEmail,
		FirstName: "Lumo", LastName: "Example", Set: exampleProperties(now)})
	if err != nil {
		return Example{}, unanswered(op, err)
	}
	e := exampleEvent(p, now)
	_, err = call(ctx, s, m, a.ID, func(token lumo.Secret) (time.Duration, error) {
		return s.c.Data.CreateEvent(ctx, token, e)
	})
	if err != nil {
		return Example{}, unanswered(op, err)
	}
	profile, err := s.Profile(ctx, m, a.ID, p)
	if err != nil {
		return Example{}, unanswered(op, err)
	}
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if err := s.c.Store.Touch(ctx, m, a.ID, now); err != nil {
			return err
		}
		return s.note(ctx, m, by, "klaviyo.test", a.ID.String())
	})
	return Example{Profile: profile, Metric: e.Metric, Event: e.Properties, At: e.OccurredAt},
		fault.Wrap(op, err)
}

func exampleProperties(now time.Time) map[string]any {
	return map[string]any{
		"LINE User ID":            "U00000000000000000000000000000000",
		"LINE Display Name":       "Lumo Example",
		"LINE Follow Status":      string(lumo.Following),
		"LINE Consent":            string(lumo.ConsentGiven),
		"LINE Consent Updated At": now.UTC().Format(time.RFC3339),
		"LINE Consent Source":     "friend_added",
	}
}

func exampleEvent(p lumo.ProfileID, now time.Time) lumo.ProfileEvent {
	return lumo.ProfileEvent{Profile: p, Metric: "Linked LINE Identity",
		UniqueID: "example:" + now.UTC().Format("2006-01-02T15:04:05.000"), OccurredAt: now,
		Backfill: true, Properties: map[string]any{"LINE Account": "Lumo Example",
			"LINE Account ID": "@example", "Method": "qr", "Example": true}}
}

// Current is the merchant's Klaviyo account: the living one, else the last; none is
// fault.NotFound.
func (s *Service) Current(ctx context.Context, m lumo.MerchantID) (Account, error) {
	const op = "connection.Current"
	var accounts []Account
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) (err error) {
		accounts, err = s.c.Store.Accounts(ctx, m)
		return err
	})
	if err != nil {
		return Account{}, fault.Wrap(op, err)
	}
	for i := len(accounts) - 1; i >= 0; i-- {
		if accounts[i].State != Off || i == 0 {
			return accounts[i], nil
		}
	}
	return Account{}, fault.New(fault.NotFound, op, "Klaviyo is not connected.")
}

// unanswered gives a vendor's refusal of our own example a sentence for people.
func unanswered(op string, err error) error {
	if fault.MessageOf(err) != "" && fault.Is(err, fault.Forbidden) {
		return err
	}
	return &fault.Error{Kind: fault.Unavailable, Op: op,
		Message: "Klaviyo does not answer as expected at the moment.", Err: err}
}
