package app

import (
	"context"
	"slices"

	"lumo/core/connection"
	"lumo/core/klaviyo"
	"lumo/core/lumo"
)

// flowEditor changes flows with the access that a merchant gave apart.
type flowEditor struct {
	accounts *connection.Service
	klaviyo  *klaviyo.Client
}

// MayEdit tells whether the account in use has the optional permission.
func (e flowEditor) MayEdit(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) (bool, error) {
	account, err := e.accounts.Current(ctx, m)
	return err == nil && account.ID == a && slices.Contains(account.Scopes, connection.Optional().Name), err
}

func (e flowEditor) ChangeWebhooks(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, flow string, c lumo.WebhookChange) (
	int, error) {
	return connection.Call(ctx, e.accounts, m, a, func(token lumo.Secret) (int, error) {
		return e.klaviyo.ChangeWebhooks(ctx, token, flow, c)
	})
}

func (e flowEditor) CreateFlow(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, f lumo.NewFlow) (string, error) {
	return connection.Call(ctx, e.accounts, m, a, func(token lumo.Secret) (string, error) {
		return e.klaviyo.CreateFlow(ctx, token, f)
	})
}

func (e flowEditor) Metrics(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) ([]lumo.KlaviyoMetric, error) {
	return connection.Call(ctx, e.accounts, m, a, func(token lumo.Secret) ([]lumo.KlaviyoMetric, error) {
		return e.klaviyo.Metrics(ctx, token)
	})
}
