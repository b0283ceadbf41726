package connection

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// Profile reads a Klaviyo profile; none is fault.NotFound.
func (s *Service) Profile(ctx context.Context, m lumo.MerchantID, a lumo.AccountID,
	p lumo.ProfileID) (lumo.Profile, error) {
	return call(ctx, s, m, a, func(token lumo.Secret) (lumo.Profile, error) {
		return s.c.Data.Profile(ctx, token, p)
	})
}

// ProfileByEmail finds the profile with an email; none is fault.NotFound.
func (s *Service) ProfileByEmail(ctx context.Context, m lumo.MerchantID, a lumo.AccountID,
	email string) (lumo.Profile, error) {
	return call(ctx, s, m, a, func(token lumo.Secret) (lumo.Profile, error) {
		return s.c.Data.ProfileByEmail(ctx, token, email)
	})
}

// ProfileByPhone finds the profile with an E.164 number; none is fault.NotFound.
func (s *Service) ProfileByPhone(ctx context.Context, m lumo.MerchantID, a lumo.AccountID,
	phone string) (lumo.Profile, error) {
	return call(ctx, s, m, a, func(token lumo.Secret) (lumo.Profile, error) {
		return s.c.Data.ProfileByPhone(ctx, token, phone)
	})
}

// EventPage reads a part of a profile's events since a time, newest first; after is where the
// page before ended.
func (s *Service) EventPage(ctx context.Context, m lumo.MerchantID, a lumo.AccountID,
	p lumo.ProfileID, since time.Time, after string, limit int) (lumo.EventPage, error) {
	return call(ctx, s, m, a, func(token lumo.Secret) (lumo.EventPage, error) {
		return s.c.Data.EventPage(ctx, token, p, since, after, limit)
	})
}

// Flows lists the account's flows.
func (s *Service) Flows(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) ([]lumo.KlaviyoFlow, error) {
	return call(ctx, s, m, a, func(token lumo.Secret) ([]lumo.KlaviyoFlow, error) { return s.c.Data.Flows(ctx, token) })
}

// FlowWebhooks reads the webhook actions of a flow.
func (s *Service) FlowWebhooks(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, flow string) (
	[]lumo.FlowWebhook, error) {
	return call(ctx, s, m, a, func(token lumo.Secret) ([]lumo.FlowWebhook, error) {
		return s.c.Data.FlowWebhooks(ctx, token, flow)
	})
}

// WriteProfile makes or changes a profile and answers its id.
func (s *Service) WriteProfile(ctx context.Context, m lumo.MerchantID, a lumo.AccountID,
	w lumo.ProfileWrite) (lumo.ProfileID, error) {
	return call(ctx, s, m, a, func(token lumo.Secret) (lumo.ProfileID, error) {
		p, _, err := s.c.Data.ImportProfile(ctx, token, w)
		return p, err
	})
}

// Call runs one request of a caller's own with a good token of an account, and once more with
// a new one after a 401.
func Call[T any](ctx context.Context, s *Service, m lumo.MerchantID, a lumo.AccountID,
	do func(lumo.Secret) (T, error)) (T, error) {
	return call(ctx, s, m, a, do)
}

// Touch notes good contact with an account; too often is left out.
func (s *Service) Touch(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) error {
	return s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		return s.c.Store.Touch(ctx, m, a, s.c.Now())
	})
}

// call runs one request with a good token, and once more with a new one after a 401.
func call[T any](ctx context.Context, s *Service, m lumo.MerchantID, a lumo.AccountID,
	do func(lumo.Secret) (T, error)) (T, error) {
	var none T
	token, err := s.Access(ctx, m, a)
	if err != nil {
		return none, err
	}
	out, err := do(token)
	if !fault.Is(err, fault.Unauthenticated) {
		return out, err
	}
	if token, err = s.Renew(ctx, m, a, token); err != nil {
		return none, err
	}
	out, err = do(token)
	if fault.Is(err, fault.Unauthenticated) {
		err = fault.As(fault.Unavailable, "connection.call", err) // not the caller's session
	}
	return out, err
}
