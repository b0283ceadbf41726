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

// entry is a line of the audit log about something the member did.
func (a Actor) entry(action, kind, target string) lumo.AuditEntry {
	return lumo.AuditEntry{ActorKind: "member", Actor: id.ID(a.Member), Address: a.Address, Action: action,
		TargetKind: kind, Target: target}
}

// Draft is what a member writes.
type Draft struct {
	Name string
	Body Body
}

// Create saves a new message; nothing is published yet.
func (s *Service) Create(ctx context.Context, who Actor, m lumo.MerchantID, c lumo.ChannelID, d Draft) (Message, error) {
	const op = "message.Create"
	if err := d.storable(op); err != nil {
		return Message{}, err
	}
	now := s.c.Now()
	made := Message{ID: lumo.MessageID(s.c.IDs()), Channel: c, Name: strings.TrimSpace(d.Name), Body: d.Body, Revision: 1,
		Changed: true, CreatedAt: now, UpdatedAt: now, Writer: who.Member}
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if _, err := s.c.Channels.Get(ctx, m, c); err != nil {
			return err
		}
		if err := s.c.Store.Create(ctx, m, made); err != nil {
			return err
		}
		return s.audit(ctx, who, "message.create", made)
	})
	return made, fault.Wrap(op, err)
}

// Save stores the draft. revision is the one that the member saw; a newer one is fault.Stale.
func (s *Service) Save(ctx context.Context, who Actor, m lumo.MerchantID, c lumo.ChannelID, v lumo.MessageID,
	revision int, d Draft) (made Message, err error) {
	const op = "message.Save"
	if err := d.storable(op); err != nil {
		return Message{}, err
	}
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if made, err = s.inChannel(ctx, m, c, v); err != nil {
			return err
		}
		made.Name, made.Body, made.Revision = strings.TrimSpace(d.Name), d.Body, revision+1
		made.Changed, made.UpdatedAt, made.Writer = true, s.c.Now(), who.Member
		if err := s.c.Store.Save(ctx, m, made); err != nil {
			return err
		}
		return s.audit(ctx, who, "message.save", made)
	})
	return made, fault.Wrap(op, err)
}

// Publish makes the draft, as the member saw it, the version that flows send. Errors in it
// keep it back: they are answered, and nothing is published.
func (s *Service) Publish(ctx context.Context, who Actor, m lumo.MerchantID, c lumo.ChannelID, v lumo.MessageID,
	revision int) (published Message, problems []Problem, err error) {
	const op = "message.Publish"
	found, err := s.Get(ctx, m, c, v)
	if err != nil {
		return found, nil, err
	}
	if problems, err = s.Examine(ctx, m, c, found.Draft()); err != nil || Blocking(problems) {
		return found, problems, fault.Wrap(op, err)
	}
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if published, err = s.inChannel(ctx, m, c, v); err != nil {
			return err
		}
		published.Version, published.Changed = published.Version+1, false
		version := Version{Message: v, Number: published.Version, Name: published.Name, Body: published.Body,
			PublishedAt: s.c.Now()}
		if err := s.c.Store.Publish(ctx, m, version, revision, who.Member); err != nil {
			return err
		}
		return s.audit(ctx, who, "message.publish", published)
	})
	return published, problems, fault.Wrap(op, err)
}

// Archive puts a message away, or back. Flows that name one put away are refused; what was
// sent stays readable.
func (s *Service) Archive(ctx context.Context, who Actor, m lumo.MerchantID, c lumo.ChannelID, v lumo.MessageID,
	archived bool) (found Message, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if found, err = s.inChannel(ctx, m, c, v); err != nil || found.Archived == archived {
			return err
		}
		found.Archived = archived
		if err := s.c.Store.Archive(ctx, m, v, archived, s.c.Now()); err != nil {
			return err
		}
		action := "message.archive"
		if !archived {
			action = "message.restore"
		}
		return s.audit(ctx, who, action, found)
	})
	return found, fault.Wrap("message.Archive", err)
}

// Duplicate makes a new message with the same draft.
func (s *Service) Duplicate(ctx context.Context, who Actor, m lumo.MerchantID, c lumo.ChannelID, v lumo.MessageID,
	name string) (Message, error) {
	found, err := s.Get(ctx, m, c, v)
	if err != nil {
		return Message{}, err
	}
	return s.Create(ctx, who, m, c, Draft{Name: name, Body: found.Body})
}

// Get reads a message of a channel.
func (s *Service) Get(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.MessageID) (found Message, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		found, err = s.inChannel(ctx, m, c, v)
		return err
	})
	return found, fault.Wrap("message.Get", err)
}

// Published reads a version; 0 = the newest. Whoever has published none is fault.NotFound.
func (s *Service) Published(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.MessageID,
	number int) (found Version, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		message, err := s.inChannel(ctx, m, c, v)
		if err != nil {
			return err
		}
		if number == 0 {
			number = message.Version
		}
		found, err = s.c.Store.Version(ctx, m, v, number)
		return err
	})
	return found, fault.Wrap("message.Published", err)
}

// Impersonal is a message as somebody gets it of whom nothing is known.
type Impersonal struct {
	Message
	Empty []string // variables without a fallback in what is published
}

// Impersonal reads what is published of a message, for senders that know nothing of whom they send to.
func (s *Service) Impersonal(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.MessageID) (
	found Impersonal, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		found.Message, err = s.inChannel(ctx, m, c, v)
		if err != nil || found.Version == 0 {
			return err
		}
		published, err := s.c.Store.Version(ctx, m, v, found.Version)
		found.Empty = published.Body.withoutFallback()
		return err
	})
	return found, fault.Wrap("message.Impersonal", err)
}

// History are the versions of a message, newest first.
func (s *Service) History(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.MessageID) (all []Version, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if _, err := s.inChannel(ctx, m, c, v); err != nil {
			return err
		}
		all, err = s.c.Store.History(ctx, m, v)
		return err
	})
	return all, fault.Wrap("message.History", err)
}

// List reads a channel's messages, newest first, and counts them.
func (s *Service) List(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, p Page) (all []Row, total int, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		all, total, err = s.c.Store.List(ctx, m, c, p)
		return err
	})
	return all, total, fault.Wrap("message.List", err)
}

// Draft is what is being written.
func (v Message) Draft() Draft { return Draft{Name: v.Name, Body: v.Body} }

// AsDraft is what a test of the draft says: as it stands, and counted as the version that it would
// be published as.
func (v Message) AsDraft() (lumo.Content, error) {
	text, err := v.Body.Encode()
	return lumo.Content{Message: v.ID, Draft: text, Name: v.Name, Next: v.Version + 1}, err
}

func (s *Service) inChannel(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.MessageID) (Message, error) {
	found, err := s.c.Store.Get(ctx, m, v)
	if err == nil && found.Channel != c {
		return Message{}, fault.New(fault.NotFound, "message.inChannel", "This message does not exist.")
	}
	return found, err
}

func (s *Service) audit(ctx context.Context, who Actor, action string, v Message) error {
	e := who.entry(action, "message", v.ID.String())
	e.Data = map[string]any{"revision": v.Revision, "version": v.Version}
	return s.c.Auditor.Audit(ctx, e)
}

// storable refuses only what cannot even be kept as a draft; everything else is a problem
// that stands in the way of publishing.
func (d Draft) storable(op string) error {
	fields := map[string]string{}
	if name := strings.TrimSpace(d.Name); name == "" || utf8.RuneCountInString(name) > maxNameLength {
		fields["name"] = "Enter a name of at most 120 characters."
	}
	size := len(d.Body.QuickReply) + len(d.Body.Sender)
	for _, text := range d.Body.Blocks {
		size += len(text)
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			fields["blocks"] = "A block holds bytes that are no text."
		}
	}
	if size > maxDraft {
		fields["blocks"] = "The message is larger than 400 KB."
	}
	if len(fields) > 0 {
		return &fault.Error{Kind: fault.Invalid, Op: op, Message: "Some fields need another value.", Fields: fields}
	}
	return nil
}
