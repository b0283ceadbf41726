package channel

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Tag is a label on friends of one channel.
type Tag struct {
	ID         lumo.TagID
	Channel    lumo.ChannelID
	Name       string
	Color      int // 1 to 8
	Friends    int64
	Hand       int64      // of those, given by hand
	QR         int64      // by a custom QR code
	MergedInto lumo.TagID // zero = not merged
	ArchivedAt time.Time  // zero = in use
	CreatedAt  time.Time
}

// How a tag was given.
const (
	TagByHand = "hand"
	TagByQR   = "qr"
	TagByCSV  = "csv"
	TagByAPI  = "api"
)

const (
	tagNameMax = 40
	tagColors  = 8
)

// TagStore keeps tags. A name that is in use is fault.Conflict.
type TagStore interface {
	Tags(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, archived bool) ([]Tag, error)
	Tag(ctx context.Context, m lumo.MerchantID, t lumo.TagID) (Tag, error)
	AddTag(ctx context.Context, m lumo.MerchantID, t Tag) error
	UpdateTag(ctx context.Context, m lumo.MerchantID, t Tag, now time.Time) error
	// MergeTag gives the friends of one tag another; UnmergeTag takes away what that gave.
	MergeTag(ctx context.Context, m lumo.MerchantID, from, into lumo.TagID, now time.Time) error
	UnmergeTag(ctx context.Context, m lumo.MerchantID, from, into lumo.TagID) error
	// GiveTag puts a tag on friends and answers those who did not have it; TakeTag is the reverse.
	GiveTag(ctx context.Context, m lumo.MerchantID, t lumo.TagID, f []lumo.FriendID, source string,
		now time.Time) ([]lumo.FriendID, error)
	TakeTag(ctx context.Context, m lumo.MerchantID, t lumo.TagID, f []lumo.FriendID) ([]lumo.FriendID, error)
}

// Tags are a channel's tags by name, or the archived ones.
func (p *People) Tags(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, archived bool) (all []Tag, err error) {
	err = p.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		all, err = p.c.Store.Tags(ctx, m, c, archived)
		return err
	})
	return all, fault.Wrap("channel.Tags", err)
}

// AddTag makes a tag.
func (p *People) AddTag(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by Actor, name string,
	color int) (Tag, error) {
	const op = "channel.AddTag"
	t := Tag{ID: lumo.TagID(p.c.NewID()), Channel: c, Name: strings.TrimSpace(name), Color: color, CreatedAt: p.c.Now()}
	if err := t.check(op); err != nil {
		return Tag{}, err
	}
	err := p.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if err := p.c.Store.AddTag(ctx, m, t); err != nil {
			return named(op, err)
		}
		return p.auditTag(ctx, by, "tag.create", t, nil)
	})
	return t, fault.Wrap(op, err)
}

func (t Tag) check(op string) error {
	fields := map[string]string{}
	if t.Name == "" || utf8.RuneCountInString(t.Name) > tagNameMax || strings.ContainsAny(t.Name, "\n\r\t;,") {
		fields["name"] = "Use 1 to 40 characters, without commas and semicolons."
	}
	if t.Color < 1 || t.Color > tagColors {
		fields["color"] = "Choose a colour from 1 to 8."
	}
	if len(fields) > 0 {
		return &fault.Error{Kind: fault.Invalid, Op: op, Fields: fields}
	}
	return nil
}

// named says which field is the matter when a name is in use.
func named(op string, err error) error {
	if fault.Is(err, fault.Conflict) {
		return &fault.Error{Kind: fault.Conflict, Op: op, Err: err, Message: "There is a tag with this name already.",
			Fields: map[string]string{"name": "There is a tag with this name already."}}
	}
	return err
}

func (p *People) auditTag(ctx context.Context, by Actor, action string, t Tag, data map[string]any) error {
	entry := by.entry(action, t.Channel, data)
	entry.TargetKind, entry.Target = "tag", t.ID.String()
	return p.c.Auditor.Audit(ctx, entry)
}

// Tag is one tag of a channel.
func (p *People) Tag(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.TagID) (t Tag, err error) {
	err = p.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		t, err = p.tag(ctx, m, c, v)
		return err
	})
	return t, fault.Wrap("channel.Tag", err)
}

func (p *People) tag(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.TagID) (Tag, error) {
	t, err := p.c.Store.Tag(ctx, m, v)
	if err == nil && t.Channel != c {
		err = fault.New(fault.NotFound, "channel.tag", "This tag does not exist.")
	}
	return t, err
}

// ChangeTag renames or recolours a tag; empty values stay.
func (p *People) ChangeTag(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by Actor, v lumo.TagID,
	name string, color int) (t Tag, err error) {
	const op = "channel.ChangeTag"
	err = p.changeTag(ctx, m, c, v, func(ctx context.Context, old Tag) error {
		t = old
		if name = strings.TrimSpace(name); name != "" {
			t.Name = name
		}
		if color != 0 {
			t.Color = color
		}
		if err := t.check(op); err != nil {
			return err
		}
		if err := p.c.Store.UpdateTag(ctx, m, t, p.c.Now()); err != nil {
			return named(op, err)
		}
		return p.auditTag(ctx, by, "tag.change", t, map[string]any{"from": old.Name, "to": t.Name})
	})
	return t, fault.Wrap(op, err)
}

func (p *People) changeTag(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.TagID,
	change func(context.Context, Tag) error) error {
	return p.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		t, err := p.tag(ctx, m, c, v)
		if err != nil {
			return err
		}
		return change(ctx, t)
	})
}

// Archive puts a tag away with all that it says, or brings it back as it was. What a merge
// gave to the other tag goes with the way back.
func (p *People) Archive(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by Actor, v lumo.TagID,
	away bool) (t Tag, err error) {
	const op = "channel.Archive"
	err = p.changeTag(ctx, m, c, v, func(ctx context.Context, old Tag) error {
		t = old
		action := "tag.archive"
		if t.ArchivedAt = p.c.Now(); !away {
			t.ArchivedAt, t.MergedInto, action = time.Time{}, lumo.TagID{}, "tag.restore"
			if old.MergedInto != (lumo.TagID{}) {
				if err := p.c.Store.UnmergeTag(ctx, m, v, old.MergedInto); err != nil {
					return err
				}
			}
		}
		if err := p.c.Store.UpdateTag(ctx, m, t, p.c.Now()); err != nil {
			return named(op, err)
		}
		return p.auditTag(ctx, by, action, t, nil)
	})
	return t, fault.Wrap(op, err)
}

// Merge gives the friends of one tag another one, and puts the first away.
func (p *People) Merge(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by Actor, from,
	into lumo.TagID) (t Tag, err error) {
	const op = "channel.Merge"
	if from == into {
		return Tag{}, fault.New(fault.Invalid, op, "Choose another tag to merge into.")
	}
	err = p.changeTag(ctx, m, c, from, func(ctx context.Context, old Tag) error {
		other, err := p.tag(ctx, m, c, into)
		if err != nil {
			return err
		}
		if !old.ArchivedAt.IsZero() || !other.ArchivedAt.IsZero() {
			return fault.New(fault.Conflict, op, "One of these tags is archived.")
		}
		if err := p.c.Store.MergeTag(ctx, m, from, into, p.c.Now()); err != nil {
			return err
		}
		old.ArchivedAt, old.MergedInto = p.c.Now(), into
		if err := p.c.Store.UpdateTag(ctx, m, old, p.c.Now()); err != nil {
			return err
		}
		if err := p.auditTag(ctx, by, "tag.merge", old, map[string]any{"into": into.String()}); err != nil {
			return err
		}
		t, err = p.c.Store.Tag(ctx, m, into)
		return err
	})
	return t, fault.Wrap(op, err)
}

// Label puts a tag on friends or takes it off; it tells how many changed. It joins the
// transaction it is called in.
func (p *People) Label(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.TagID,
	friends []lumo.FriendID, source string, on bool) (n int, err error) {
	err = p.changeTag(ctx, m, c, v, func(ctx context.Context, t Tag) error {
		if !t.ArchivedAt.IsZero() {
			return fault.New(fault.Conflict, "channel.Label", "This tag is archived.")
		}
		kind := lumo.FactTagged
		var changed []lumo.FriendID
		if on {
			changed, err = p.c.Store.GiveTag(ctx, m, v, friends, source, p.c.Now())
		} else {
			kind = lumo.FactUntagged
			changed, err = p.c.Store.TakeTag(ctx, m, v, friends)
		}
		n = len(changed)
		if err != nil {
			return err
		}
		p.changed(ctx, m, c, changed)
		return p.recordTags(ctx, m, t, kind, changed, source)
	})
	return n, fault.Wrap("channel.Label", err)
}

func (p *People) recordTags(ctx context.Context, m lumo.MerchantID, t Tag, kind lumo.FactKind,
	friends []lumo.FriendID, source string) error {
	facts := make([]lumo.Fact, len(friends))
	for i, f := range friends {
		facts[i] = lumo.Fact{Merchant: m, Channel: t.Channel, Friend: f, Kind: kind, Source: source,
			Ref: id.ID(p.c.NewID()).String(), OccurredAt: p.c.Now(),
			Data: map[string]any{"tag": t.ID.String(), "tag_name": t.Name}}
	}
	return p.c.Facts.RecordAll(ctx, m, facts)
}
