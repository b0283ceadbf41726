package channel

import (
	"context"
	"net/url"
	"strings"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// WebhookResult is what came of setting the webhook URL.
type WebhookResult struct {
	Set       bool
	Tested    bool
	Status    int    // what LINE's test got from us
	Reason    string // LINE's word for the outcome
	OtherHost string // another tool gets the events now; nothing was changed
}

// SetWebhook makes LINE send the account's events to our edges, and lets LINE test it.
// Another tool's URL is replaced only when asked to: LINE has one receiver per account.
func (s *Service) SetWebhook(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by Actor,
	replace bool) (WebhookResult, error) {
	const op = "channel.SetWebhook"
	full, keys, err := s.withKeys(ctx, m, c)
	if err != nil {
		return WebhookResult{}, err
	}
	ours := s.WebhookURL(full)
	now, err := s.c.Hooks.Endpoint(ctx, keys.Messaging)
	if err != nil {
		return WebhookResult{}, unanswered(op, err)
	}
	if other := otherHost(now.URL, s.c.EdgeURL); other != "" && !replace {
		return WebhookResult{OtherHost: other}, nil
	}
	s.waitForEdges(ctx) // LINE's test reaches an edge, which must know the channel by then
	if now.URL != ours {
		if err := s.c.Hooks.SetEndpoint(ctx, keys.Messaging, ours); err != nil {
			return WebhookResult{}, unsettable(op, err)
		}
	}
	test, err := s.c.Hooks.TestEndpoint(ctx, keys.Messaging)
	tested := err == nil && test.Success
	if err := s.learnWebhook(ctx, full, Endpoint{URL: ours, Active: now.Active}, &test); err != nil {
		return WebhookResult{}, fault.Wrap(op, err)
	}
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		return s.c.Auditor.Audit(ctx, by.entry("channel.webhook", c,
			map[string]any{"replaced_host": otherHost(now.URL, s.c.EdgeURL), "tested": tested}))
	})
	return WebhookResult{Set: true, Tested: tested, Status: test.StatusCode, Reason: test.Reason},
		fault.Wrap(op, err)
}

// edgesLimit is how long a change waits for the edges at most; they do without it then.
const edgesLimit = 5 * time.Second

func (s *Service) waitForEdges(ctx context.Context) {
	if err := s.c.Fleet.WaitApplied(ctx, edgesLimit); err != nil && ctx.Err() == nil {
		s.c.Log.WarnContext(ctx, "edges are behind", "error", err)
	}
}

// unsettable tells a URL that LINE refuses from LINE not answering.
func unsettable(op string, err error) error {
	if fault.Is(err, fault.Invalid) {
		return &fault.Error{Kind: fault.Invalid, Op: op, Err: err,
			Message: "LINE does not accept this server's address. It must be public and https."}
	}
	return unanswered(op, err)
}

// learnWebhook stores what LINE told about the webhook, and what follows for the channel.
func (s *Service) learnWebhook(ctx context.Context, c Channel, e Endpoint, test *WebhookTest) error {
	ours := e.URL == s.WebhookURL(c)
	state, problem := Working, ""
	switch {
	case !ours:
		state, problem = NeedsYou, ProblemWebhookURL
	case !e.Active:
		state, problem = NeedsYou, ProblemUseWebhook
	}
	active := ours && e.Active
	update := StateUpdate{State: state, Problem: problem, WebhookActive: &active,
		WebhookURL: &e.URL, WebhookChecked: true, Test: test, Now: s.c.Now()}
	return s.c.Tenants.InTenant(ctx, c.Merchant, func(ctx context.Context) error {
		if err := s.c.Channels.SetState(ctx, c.Merchant, c.ID, update); err != nil {
			return err
		}
		if c.WebhookActive != active || c.State != state || c.Problem != problem || test != nil {
			s.c.Watcher.ChannelChanged(ctx, c.Merchant, c.ID)
		}
		return nil
	})
}

// withKeys reads a channel and its keys at once.
func (s *Service) withKeys(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (
	full Channel, keys Keys, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if full, err = s.c.Channels.Channel(ctx, m, c); err != nil {
			return err
		}
		keys, err = s.c.Channels.Keys(ctx, m, c)
		return err
	})
	return full, keys, fault.Wrap("channel.withKeys", err)
}

// otherHost is the host of a URL that is not ours, or empty. Path and query stay unsaid:
// another tool's address may hold a secret.
func otherHost(current, ours string) string {
	if current == "" || strings.HasPrefix(current, ours+"/") {
		return ""
	}
	u, err := url.Parse(current)
	if err != nil || u.Host == "" {
		return "?"
	}
	return u.Host
}
