package connection

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

const (
	// early is how long before its end a token is no longer used.
	early = 2 * time.Minute
	// keepAlive is how old a pair may get: 90 days unused would end it.
	keepAlive = 24 * time.Hour
	// renewLimit bounds the time others wait for a refresh.
	renewLimit = 15 * time.Second
	// touchEvery is how often good contact is noted.
	touchEvery = 30 * time.Second
)

// The codes of what is wrong with an account.
const problemApproval = "approval_ended"

// Access gives a token that is good for at least the next minutes. An account that waits
// for approval is fault.Forbidden, one that is not there fault.NotFound.
func (s *Service) Access(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) (
	lumo.Secret, error) {
	const op = "connection.Access"
	var account Account
	var tokens Tokens
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) (err error) {
		account, tokens, err = s.c.Store.Tokens(ctx, m, a, false)
		return err
	})
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	if err := usable(account); err != nil {
		return "", err
	}
	if s.fresh(account, tokens) {
		return tokens.Access, nil
	}
	return s.Renew(ctx, m, a, tokens.Access)
}

func (s *Service) fresh(a Account, t Tokens) bool {
	now := s.c.Now()
	return now.Before(t.ExpiresAt.Add(-early)) && now.Before(a.RefreshedAt.Add(keepAlive))
}

func usable(a Account) error {
	switch a.State {
	case Working:
		return nil
	case Reconnect:
		return fault.New(fault.Forbidden, "connection.Access", "Klaviyo needs your approval again.")
	}
	return fault.New(fault.NotFound, "connection.Access", "Klaviyo is not connected.")
}

// Renew replaces a token that ended or that Klaviyo refused. Of all who ask at once, in
// whatever process, one refreshes; the others get what it stored.
func (s *Service) Renew(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, stale lumo.Secret) (
	lumo.Secret, error) {
	result := s.renew.DoChan(a.String(), func() (any, error) {
		// the pair must be stored even when the one who asked has left
		own, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewLimit)
		defer cancel()
		return s.refresh(own, m, a, stale)
	})
	select {
	case r := <-result:
		token, _ := r.Val.(lumo.Secret)
		return token, r.Err
	case <-ctx.Done():
		return "", fault.As(fault.Unavailable, "connection.Renew", ctx.Err())
	}
}

// refresh holds the account's row for the whole exchange: that is the lock between replicas.
func (s *Service) refresh(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, stale lumo.Secret) (
	lumo.Secret, error) {
	const op = "connection.Renew"
	var token lumo.Secret
	var refused error
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		account, tokens, err := s.c.Store.Tokens(ctx, m, a, true)
		if err != nil {
			return err
		}
		if err := usable(account); err != nil {
			return err
		}
		if tokens.Access != stale && s.fresh(account, tokens) {
			token = tokens.Access
			return nil
		}
		fresh, err := s.c.Klaviyo.Refresh(ctx, tokens.Refresh)
		if fault.Is(err, fault.Unauthenticated) {
			refused = fault.As(fault.Forbidden, op, err)
			return s.ended(ctx, account)
		}
		if err != nil {
			return err
		}
		token = fresh.Access
		return s.c.Store.SaveTokens(ctx, m, a, fresh, s.c.Now())
	})
	if err == nil {
		err = refused
	}
	return token, fault.Wrap(op, err)
}

// ended is committed like a success: the account's new state must stand.
func (s *Service) ended(ctx context.Context, a Account) error {
	s.c.Log.WarnContext(ctx, "klaviyo needs approval again", "merchant", a.Merchant.String(),
		"account", a.ID.String())
	err := s.c.Store.SetState(ctx, a.Merchant, a.ID, Reconnect, problemApproval, s.c.Now())
	if err != nil {
		return err
	}
	s.c.Watcher.AccountChanged(ctx, a.Merchant, a.ID)
	return s.c.Auditor.Audit(ctx, lumo.AuditEntry{ActorKind: "system", Action: "klaviyo.end",
		TargetKind: "klaviyo_account", Target: a.ID.String()})
}
