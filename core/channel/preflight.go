package channel

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// RowState is how a preflight row looks.
type RowState string

// The states of a preflight row.
const (
	Good    RowState = "good"
	Warning RowState = "warning"
	Bad     RowState = "bad" // blocks
	Unknown RowState = "unknown"
)

// Who can know a row.
const (
	KnownByLINE = "line" // checked with LINE
	KnownByYou  = "you"  // only a person can see it
)

// Row is one line of the preflight; screens put the code into words.
type Row struct {
	Code    string
	State   RowState
	KnownBy string
	Detail  map[string]any
}

// What the first scan can prove.
const (
	ProviderSame      = "same"
	ProviderDifferent = "different"
	JoinedYes         = "yes"
	JoinedNo          = "no"
)

// LINE is asked about the webhook at most this often, however many pages look on.
const webhookEvery = 3 * time.Second

// Preflight tells what is ready and what is missing. While a page asks, LINE is asked too,
// so that "Use webhook" is seen within seconds of somebody turning it on.
func (s *Service) Preflight(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) ([]Row, error) {
	full, keys, err := s.withKeys(ctx, m, c)
	if err != nil {
		return nil, err
	}
	keysRow := Row{Code: "keys", State: Good, KnownBy: KnownByLINE}
	if s.c.Now().Sub(full.WebhookCheckedAt) >= webhookEvery {
		full, keysRow.State, err = s.checkWebhook(ctx, full, keys)
		if err != nil {
			return nil, err
		}
	} else if full.Problem == ProblemKeys {
		keysRow.State = Bad
	}
	rows := []Row{keysRow, providerRow(full),
		{Code: "login_published", State: Unknown, KnownBy: KnownByYou}, callbackRow(full), joinedRow(full),
		s.urlRow(full), s.useWebhookRow(full),
		{Code: "redelivery", State: Unknown, KnownBy: KnownByYou},
		verifiedRow(full), quotaRow(full), s.otherToolRow(full)}
	return rows, nil
}

// checkWebhook asks LINE about both pairs of keys, then about the endpoint. A token from before
// outlives the secret that it was got with, so LINE is asked for new ones.
func (s *Service) checkWebhook(ctx context.Context, c Channel, keys Keys) (Channel, RowState, error) {
	err := s.c.Accounts.CheckKeys(ctx, keys.Messaging)
	if err == nil {
		err = s.c.Accounts.CheckKeys(ctx, keys.Login)
	}
	var e Endpoint
	if err == nil {
		e, err = s.c.Hooks.Endpoint(ctx, keys.Messaging)
	}
	switch {
	case fault.Is(err, fault.Unauthenticated):
		update := StateUpdate{State: NeedsYou, Problem: ProblemKeys, WebhookChecked: true, Now: s.c.Now()}
		err := s.c.Tenants.InTenant(ctx, c.Merchant, func(ctx context.Context) error {
			s.c.Watcher.ChannelChanged(ctx, c.Merchant, c.ID)
			return s.c.Channels.SetState(ctx, c.Merchant, c.ID, update)
		})
		return c, Bad, err
	case err != nil:
		return c, Unknown, nil // the rows say what was known before
	}
	if err := s.learnWebhook(ctx, c, e, nil); err != nil {
		return c, Unknown, err
	}
	c.WebhookURL, c.WebhookActive = e.URL, e.URL == s.WebhookURL(c) && e.Active
	return c, Good, nil
}

func providerRow(c Channel) Row {
	switch c.Provider {
	case ProviderSame:
		return Row{Code: "provider", State: Good, KnownBy: KnownByLINE}
	case ProviderDifferent:
		return Row{Code: "provider", State: Bad, KnownBy: KnownByLINE}
	}
	return Row{Code: "provider", State: Unknown, KnownBy: KnownByYou} // the scan will tell
}

// callbackRow is proven by whoever came back from LINE Login to us: nothing at LINE tells which
// callback URLs are registered. What a sign-in says of the account is known from then on.
func callbackRow(c Channel) Row {
	switch c.LoginJoined {
	case JoinedYes, JoinedNo:
		return Row{Code: "callback", State: Good, KnownBy: KnownByLINE}
	}
	return Row{Code: "callback", State: Unknown, KnownBy: KnownByYou}
}

func joinedRow(c Channel) Row {
	switch c.LoginJoined {
	case JoinedYes:
		return Row{Code: "login_joined", State: Good, KnownBy: KnownByLINE}
	case JoinedNo:
		return Row{Code: "login_joined", State: Warning, KnownBy: KnownByLINE}
	}
	return Row{Code: "login_joined", State: Unknown, KnownBy: KnownByYou}
}

// urlRow blocks until LINE's test, or an event that came, shows that the URL answers.
func (s *Service) urlRow(c Channel) Row {
	row := Row{Code: "webhook_url", State: Bad, KnownBy: KnownByLINE, Detail: map[string]any{}}
	row.Detail["set"] = c.WebhookURL == s.WebhookURL(c)
	switch {
	case c.WebhookURL != s.WebhookURL(c):
	case c.TestMS >= 0:
		row.State, row.Detail["ms"] = Good, c.TestMS
	case !c.LastEventAt.IsZero():
		row.State = Good
	}
	return row
}

func verifiedRow(c Channel) Row {
	switch c.Verified {
	case "yes":
		return Row{Code: "verified", State: Good, KnownBy: KnownByLINE}
	case "no":
		return Row{Code: "verified", State: Warning, KnownBy: KnownByLINE}
	}
	return Row{Code: "verified", State: Unknown, KnownBy: KnownByLINE}
}

// otherToolRow warns: what blocks is that the URL is not ours.
func (s *Service) otherToolRow(c Channel) Row {
	other := otherHost(c.WebhookURL, s.c.EdgeURL)
	if other == "" {
		return Row{Code: "other_tool", State: Good, KnownBy: KnownByLINE}
	}
	return Row{Code: "other_tool", State: Warning, KnownBy: KnownByLINE, Detail: map[string]any{"host": other}}
}

// useWebhookRow says nothing while events go to another URL: the switch is for that one then.
func (s *Service) useWebhookRow(c Channel) Row {
	switch {
	case c.WebhookActive:
		return Row{Code: "use_webhook", State: Good, KnownBy: KnownByLINE}
	case c.WebhookURL != s.WebhookURL(c):
		return Row{Code: "use_webhook", State: Unknown, KnownBy: KnownByLINE}
	}
	return Row{Code: "use_webhook", State: Bad, KnownBy: KnownByLINE}
}

func quotaRow(c Channel) Row {
	row := Row{Code: "quota", State: Good, KnownBy: KnownByLINE, Detail: map[string]any{}}
	switch {
	case c.Quota.ReadAt.IsZero():
		row.State = Unknown
	case c.Quota.Unlimited:
		row.Detail["unlimited"] = true
	default:
		left := max(0, c.Quota.Limit-c.Quota.Used)
		row.Detail["left"], row.Detail["limit"] = left, c.Quota.Limit
		if left*5 < c.Quota.Limit {
			row.State = Warning
		}
	}
	return row
}
