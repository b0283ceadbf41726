package flow

import (
	"context"
	"slices"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	editTries = 4
	editPause = 2 * time.Second
)

// Editor changes flows inside Klaviyo. The merchant allows that apart, or not.
type Editor interface {
	// MayEdit tells whether the account allows it.
	MayEdit(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) (bool, error)
	// ChangeWebhooks changes the webhooks of a flow that call an address, and answers how many.
	ChangeWebhooks(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, flow string, c lumo.WebhookChange) (int, error)
	// CreateFlow makes a flow in draft and answers its id.
	CreateFlow(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, f lumo.NewFlow) (string, error)
	// Metrics are the events that can start a flow.
	Metrics(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) ([]lumo.KlaviyoMetric, error)
}

// Rekeyed is a flow whose webhooks have the newest key now, or could not be changed.
type Rekeyed struct {
	ID, Name string
	Webhooks int
	Failed   bool
}

// MayEdit tells whether flows of the account may be changed.
func (s *Service) MayEdit(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (bool, error) {
	account, err := s.account(ctx, m, c)
	if fault.Is(err, fault.Conflict) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	may, err := s.Editor.MayEdit(ctx, m, account)
	return may, fault.Wrap("flow.MayEdit", err)
}

// Rekey puts the newest key into every webhook that calls address. A flow that cannot be
// changed does not keep the others from it.
func (s *Service) Rekey(ctx context.Context, who Actor, m lumo.MerchantID, c lumo.ChannelID, address string) ([]Rekeyed, error) {
	const op = "flow.Rekey"
	account, err := s.editable(ctx, m, c)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	key, value, err := s.newest(ctx, m, c)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	flows, err := s.Klaviyo.Flows(ctx, m, account)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	var all []Rekeyed
	for _, f := range flows {
		n, err := s.changePatiently(ctx, m, account, f.ID,
			lumo.WebhookChange{URL: address, Header: HeaderName, Value: lumo.Secret(value)})
		if n > 0 || err != nil {
			all = append(all, Rekeyed{ID: f.ID, Name: f.Name, Webhooks: n, Failed: err != nil})
		}
	}
	return all, fault.Wrap(op, s.edited(ctx, who, m, c, "flow.rekey", map[string]any{"key": key.Last4, "flows": len(all)}))
}

// changePatiently waits where Klaviyo asks for it: it allows about one flow a second.
func (s *Service) changePatiently(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, flow string, c lumo.WebhookChange) (
	n int, err error) {
	for try := range editTries {
		if n, err = s.Editor.ChangeWebhooks(ctx, m, a, flow, c); !fault.Is(err, fault.Limited) || try == editTries-1 {
			break
		}
		if lumo.Pause(ctx, editPause) != nil {
			return n, err
		}
	}
	return n, err
}

// SetLive sets the webhooks of a flow that call address live; the rest of the flow stays.
func (s *Service) SetLive(ctx context.Context, who Actor, m lumo.MerchantID, c lumo.ChannelID, flow, address string) (int, error) {
	const op = "flow.SetLive"
	account, err := s.editable(ctx, m, c)
	if err != nil {
		return 0, fault.Wrap(op, err)
	}
	n, err := s.Editor.ChangeWebhooks(ctx, m, account, flow, lumo.WebhookChange{URL: address, Status: "live"})
	if err != nil {
		return n, fault.Wrap(op, err)
	}
	return n, fault.Wrap(op, s.edited(ctx, who, m, c, "flow.set_live", map[string]any{"flow": flow, "webhooks": n}))
}

// Install makes a flow in draft whose only action is our webhook, with the newest key.
func (s *Service) Install(ctx context.Context, who Actor, m lumo.MerchantID, c lumo.ChannelID, f lumo.NewFlow) (string, error) {
	const op = "flow.Install"
	account, err := s.editable(ctx, m, c)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	_, value, err := s.newest(ctx, m, c)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	f.Header, f.Value = HeaderName, lumo.Secret(value)
	made, err := s.Editor.CreateFlow(ctx, m, account, f)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	return made, fault.Wrap(op, s.edited(ctx, who, m, c, "flow.install", map[string]any{"flow": made}))
}

// Metrics are the events that can start a flow.
func (s *Service) Metrics(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) ([]lumo.KlaviyoMetric, error) {
	account, err := s.editable(ctx, m, c)
	if err != nil {
		return nil, fault.Wrap("flow.Metrics", err)
	}
	all, err := s.Editor.Metrics(ctx, m, account)
	return all, fault.Wrap("flow.Metrics", err)
}

// account is the Klaviyo account of a LINE account.
func (s *Service) account(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (lumo.AccountID, error) {
	const op = "flow.account"
	channel, err := s.Channels.Get(ctx, m, c)
	if err != nil {
		return lumo.AccountID{}, fault.Wrap(op, err)
	}
	if channel.KlaviyoAccount == (lumo.AccountID{}) {
		return lumo.AccountID{}, fault.New(fault.Conflict, op, "This LINE account is not connected to Klaviyo.")
	}
	return channel.KlaviyoAccount, nil
}

// editable is the account where flows may be changed.
func (s *Service) editable(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (lumo.AccountID, error) {
	account, err := s.account(ctx, m, c)
	if err != nil {
		return account, err
	}
	may, err := s.Editor.MayEdit(ctx, m, account)
	if err == nil && !may {
		err = fault.New(fault.Forbidden, "flow.editable", "Klaviyo does not let Lumo change flows yet. Allow it in the Klaviyo settings.")
	}
	return account, err
}

// newest is the key that a webhook should carry.
func (s *Service) newest(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (key Key, value string, err error) {
	err = s.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		keys, err := s.Keys.List(ctx, m, c, s.Now())
		if err != nil {
			return err
		}
		i := slices.IndexFunc(keys, func(k Key) bool { return k.ValidUntil.IsZero() && k.Valid(s.Now()) })
		if i < 0 {
			return fault.New(fault.Conflict, "flow.newest", "This LINE account has no key yet.")
		}
		key = keys[i]
		value, err = s.Keys.Value(ctx, m, c, key.ID)
		return err
	})
	return key, value, err
}

func (s *Service) edited(ctx context.Context, who Actor, m lumo.MerchantID, c lumo.ChannelID, action string, data map[string]any) error {
	return s.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		return s.Auditor.Audit(ctx, lumo.AuditEntry{ActorKind: "member", Actor: id.ID(who.Member), Address: who.Address,
			Action: action, TargetKind: "channel", Target: c.String(), Data: data})
	})
}
