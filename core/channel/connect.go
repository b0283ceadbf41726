package channel

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"strings"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// The fields of the wizard, named as the API names them.
const (
	fieldMessagingID     = "messaging_channel_id"
	fieldMessagingSecret = "messaging_channel_secret"
	fieldLoginID         = "login_channel_id"
	fieldLoginSecret     = "login_channel_secret"
)

// Check asks LINE whose keys these are, so that a person can say "yes, that is mine".
func (s *Service) Check(ctx context.Context, keys lumo.Keys) (Account, error) {
	const op = "channel.Check"
	keys = trim(keys)
	fields := map[string]string{}
	wellFormed(keys, fieldMessagingID, fieldMessagingSecret, fields)
	if len(fields) > 0 {
		return Account{}, &fault.Error{Kind: fault.Invalid, Op: op, Fields: fields}
	}
	return s.account(ctx, op, keys)
}

// account proves the Messaging API keys by using them.
func (s *Service) account(ctx context.Context, op string, keys lumo.Keys) (Account, error) {
	a, err := s.c.Accounts.Account(ctx, keys)
	switch fault.KindOf(err) {
	case "":
		return a, nil
	case fault.Unauthenticated:
		return Account{}, refused(op, fieldMessagingSecret,
			"LINE does not accept this channel ID and secret.")
	case fault.Forbidden, fault.NotFound, fault.Invalid:
		return Account{}, refused(op, fieldMessagingID,
			"This is not a Messaging API channel.")
	}
	return Account{}, unanswered(op, err)
}

// login proves the LINE Login keys by getting a token with them.
func (s *Service) login(ctx context.Context, op string, keys lumo.Keys) error {
	err := s.c.Accounts.CheckKeys(ctx, keys)
	switch fault.KindOf(err) {
	case "":
		return nil
	case fault.Unauthenticated, fault.Invalid, fault.Forbidden, fault.NotFound:
		return refused(op, fieldLoginSecret, "LINE does not accept this channel ID and secret.")
	}
	return unanswered(op, err)
}

// Connect checks both pairs of keys with LINE and stores the account as a channel of the
// merchant, with all that edges need to serve it.
func (s *Service) Connect(ctx context.Context, m lumo.MerchantID, by Actor, keys Keys) (
	Channel, error) {
	const op = "channel.Connect"
	keys = Keys{Messaging: trim(keys.Messaging), Login: trim(keys.Login)}
	if err := formOf(op, keys); err != nil {
		return Channel{}, err
	}
	account, err := s.account(ctx, op, keys.Messaging)
	if err != nil {
		return Channel{}, err
	}
	if err := s.login(ctx, op, keys.Login); err != nil {
		return Channel{}, err
	}
	var made Channel
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		made, err = s.create(ctx, m, by, account, keys)
		return err
	})
	if fault.Is(err, fault.Conflict) {
		return Channel{}, fault.New(fault.Conflict, op, "This LINE account is connected already.")
	}
	if err != nil {
		return Channel{}, fault.Wrap(op, err)
	}
	s.readQuota(ctx, m, made.ID, keys.Messaging)
	s.readVerified(ctx, m, made.ID, keys.Messaging)
	return made, nil
}

// create stores the channel and tells edges, audit log and other capabilities, all at once.
func (s *Service) create(ctx context.Context, m lumo.MerchantID, by Actor, a Account, k Keys) (
	Channel, error) {
	c, err := s.c.Channels.Create(ctx, NewChannel{Merchant: m, ID: lumo.ChannelID(s.c.NewID()),
		Account: a, Keys: k, HookKey: PublicKey(), FlowHookKey: PublicKey(),
		EdgeKeys: []EdgeKey{s.newEdgeKey(LinkMAC, 1), s.newEdgeKey(StateKey, 1)},
		State:    NeedsYou, Problem: ProblemWebhookURL, Now: s.c.Now()})
	if err != nil {
		return Channel{}, err
	}
	if err := s.tellEdges(ctx, c); err != nil {
		return Channel{}, err
	}
	if err := s.c.Work.Hurry(ctx, m, c.ID, s.c.Now().Add(refreshEvery)); err != nil {
		return Channel{}, err
	}
	if s.c.Connected != nil {
		if err := s.c.Connected(ctx, c.Channel); err != nil {
			return Channel{}, err
		}
	}
	s.c.Watcher.ChannelChanged(ctx, m, c.ID)
	return c, s.c.Auditor.Audit(ctx, by.entry("channel.connect", c.ID,
		map[string]any{"basic_id": c.BasicID}))
}

func (s *Service) newEdgeKey(kind EdgeKeyKind, number uint16) EdgeKey {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	return EdgeKey{ID: s.c.NewID(), Kind: kind, Number: number, Secret: secret}
}

// PublicKey makes a random name for a URL: 16 characters of a-z2-7, never given twice.
func PublicKey() string {
	var raw [10]byte
	rand.Read(raw[:]) // never fails
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw[:]))
}

func trim(k lumo.Keys) lumo.Keys {
	return lumo.Keys{ID: strings.TrimSpace(k.ID), Secret: strings.TrimSpace(k.Secret)}
}

// formOf finds what cannot be right before LINE is asked.
func formOf(op string, k Keys) error {
	fields := map[string]string{}
	wellFormed(k.Messaging, fieldMessagingID, fieldMessagingSecret, fields)
	wellFormed(k.Login, fieldLoginID, fieldLoginSecret, fields)
	if len(fields) == 0 && k.Messaging.ID == k.Login.ID {
		fields[fieldLoginID] = "This is the Messaging API channel again. LINE Login has a channel of its own."
	}
	if len(fields) > 0 {
		return &fault.Error{Kind: fault.Invalid, Op: op, Fields: fields}
	}
	return nil
}

func wellFormed(k lumo.Keys, fieldID, fieldSecret string, fields map[string]string) {
	if k.ID == "" || len(k.ID) > 20 || strings.Trim(k.ID, "0123456789") != "" {
		fields[fieldID] = "A channel ID is a number, for example 1234567890."
	}
	if len(k.Secret) < 16 || len(k.Secret) > 128 || strings.ContainsAny(k.Secret, " \t\r\n") {
		fields[fieldSecret] = "A channel secret is 32 letters and digits."
	}
}

func refused(op, field, sentence string) error {
	return &fault.Error{Kind: fault.Invalid, Op: op, Fields: map[string]string{field: sentence}}
}

// unanswered says that LINE is to blame and nothing was changed.
func unanswered(op string, err error) error {
	return &fault.Error{Kind: fault.Unavailable, Op: op,
		Message: "LINE does not answer at the moment. Nothing was changed.", Err: err}
}

// Connects tells whether the merchant has connected an account already.
func (s *Service) Connects(ctx context.Context, m lumo.MerchantID, a Account) (known bool, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		known, err = s.c.Channels.Connected(ctx, m, a.BotUser)
		return err
	})
	return known, fault.Wrap("channel.Connects", err)
}
