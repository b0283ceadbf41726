package message

import (
	"context"
	"strings"
	"unicode/utf8"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Actor is the member who changes a message.
type Actor struct {
	Member  lumo.MemberID
	Address string
}

// Draft is what a member writes.
type Draft struct {
	Name   string
	Blocks []lumo.Block
}

// Create saves a new message.
func (s *Service) Create(ctx context.Context, who Actor, m lumo.MerchantID, c lumo.ChannelID, d Draft) (Message, error) {
	const op = "message.Create"
	if err := d.check(op); err != nil {
		return Message{}, err
	}
	now := s.now()
	made := Message{ID: lumo.MessageID(s.ids()), Channel: c, Name: strings.TrimSpace(d.Name), Blocks: d.Blocks, Version: 1,
		CreatedAt: now, UpdatedAt: now}
	err := s.tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if _, err := s.channels.Get(ctx, m, c); err != nil {
			return err
		}
		if err := s.store.Create(ctx, m, made); err != nil {
			return err
		}
		return s.audit(ctx, who, "message.create", made)
	})
	return made, fault.Wrap(op, err)
}

// Replace saves the next version of a message. version is the one that the member saw;
// a newer one in between is fault.Stale.
func (s *Service) Replace(ctx context.Context, who Actor, m lumo.MerchantID, c lumo.ChannelID, v lumo.MessageID,
	version int, d Draft) (made Message, err error) {
	const op = "message.Replace"
	if err := d.check(op); err != nil {
		return Message{}, err
	}
	err = s.tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if made, err = s.inChannel(ctx, m, c, v); err != nil {
			return err
		}
		made.Name, made.Blocks, made.Version, made.UpdatedAt = strings.TrimSpace(d.Name), d.Blocks, version+1, s.now()
		if err := s.store.Replace(ctx, m, made); err != nil {
			return err
		}
		return s.audit(ctx, who, "message.update", made)
	})
	return made, fault.Wrap(op, err)
}

// Get reads a message of a channel.
func (s *Service) Get(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.MessageID) (found Message, err error) {
	err = s.tenants.InTenant(ctx, m, func(ctx context.Context) error {
		found, err = s.inChannel(ctx, m, c, v)
		return err
	})
	return found, fault.Wrap("message.Get", err)
}

// List reads a channel's messages, newest first, and counts them.
func (s *Service) List(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, p Page) (all []Message, total int, err error) {
	err = s.tenants.InTenant(ctx, m, func(ctx context.Context) error {
		all, total, err = s.store.List(ctx, m, c, p)
		return err
	})
	return all, total, fault.Wrap("message.List", err)
}

func (s *Service) inChannel(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.MessageID) (Message, error) {
	found, err := s.store.Get(ctx, m, v)
	if err == nil && found.Channel != c {
		return Message{}, fault.New(fault.NotFound, "message.inChannel", "This message does not exist.")
	}
	return found, err
}

func (s *Service) audit(ctx context.Context, who Actor, action string, v Message) error {
	return s.auditor.Audit(ctx, lumo.AuditEntry{ActorKind: "member", Actor: id.ID(who.Member), Address: who.Address,
		Action: action, TargetKind: "message", Target: v.ID.String(), Data: map[string]any{"version": v.Version}})
}

// check refuses what LINE would refuse, and what was written for another template language.
func (d Draft) check(op string) error {
	fields := map[string]string{}
	if name := strings.TrimSpace(d.Name); name == "" || utf8.RuneCountInString(name) > maxNameLength {
		fields["name"] = "Enter a name of at most 120 characters."
	}
	if len(d.Blocks) == 0 || len(d.Blocks) > MaxBlocks {
		fields["blocks"] = "A message has one to five blocks."
	}
	for _, b := range d.Blocks {
		switch {
		case b.Type != lumo.BlockText:
			fields["blocks"] = "Only text blocks can be saved so far."
		case strings.TrimSpace(b.Text) == "":
			fields["blocks"] = "Write a text."
		case Length(b.Text) > MaxTextLength:
			fields["blocks"] = "The text is longer than LINE's 5,000 characters."
		}
	}
	if len(fields) > 0 {
		return &fault.Error{Kind: fault.Invalid, Op: op, Message: "Some fields need another value.", Fields: fields}
	}
	return nil
}

// Warnings are what a merchant should look at before she uses a text.
func Warnings(blocks []lumo.Block) []string {
	for _, b := range blocks {
		if strings.Contains(b.Text, "{{") || strings.Contains(b.Text, "{%") {
			return []string{"klaviyo_template"}
		}
	}
	return nil
}
