package channel

import (
	"context"
	"errors"
	"strings"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// UpsertFriend finds or makes the person's row on a channel and applies what was told, in
// the caller's transaction. Consent and Klaviyo's properties follow from it.
func (s *Service) UpsertFriend(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID,
	p lumo.Contact) (lumo.Friend, error) {
	row, err := s.meet(ctx, m, c, p)
	return row.Friend, err
}

// meet does the work of UpsertFriend.
func (s *Service) meet(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, p lumo.Contact) (
	FriendRow, error) {
	const op = "channel.UpsertFriend"
	if !p.User.Valid() {
		return FriendRow{}, fault.New(fault.Invalid, op, "This is not a LINE user id.")
	}
	now := s.c.Now()
	if err := s.mayReturn(ctx, m, c, p); err != nil {
		return FriendRow{}, fault.Wrap(op, err)
	}
	row, err := s.c.Friends.Upsert(ctx, m, c, p.User, lumo.FriendID(s.c.NewID()), now)
	if err != nil {
		return FriendRow{}, fault.Wrap(op, err)
	}
	if err := s.own(ctx, m, c, row, p); err != nil {
		return FriendRow{}, fault.Wrap(op, err)
	}
	named := row.tell(p)
	before := row.Follow
	followed := p.Seen != nil && row.Follow.observe(*p.Seen)
	row.Changed = followed
	if p.Seen != nil || named || row.New {
		row.derive()
		if err := s.c.Friends.Update(ctx, m, row, now); err != nil {
			return FriendRow{}, fault.Wrap(op, err)
		}
	}
	if followed && (before.Consent != row.Follow.Consent || row.New) {
		if err := s.recordConsent(ctx, m, c, row, p.Source); err != nil {
			return FriendRow{}, fault.Wrap(op, err)
		}
	}
	if named || followed || row.New {
		s.c.Watcher.FriendChanged(ctx, m, c, row.ID)
	}
	if named || followed {
		err = s.c.Profiles.ProfileChanged(ctx, m, row.ID)
	}
	return row, fault.Wrap(op, err)
}

// tell takes names over; what was not told stays.
func (r *FriendRow) tell(p lumo.Contact) (changed bool) {
	if p.Name != "" {
		r.Named = true
		changed = r.DisplayName != p.Name
		r.DisplayName = p.Name
		r.PictureURL = p.PictureURL
	}
	if lang := language(p.Language); lang != "" && r.Language != lang {
		r.Language, changed = lang, true
	}
	return changed
}

// errErased tells that a person was erased and has not come back.
var errErased = errors.New("this person was erased")

// mayReturn refuses what is told of an erased person, until they follow anew or sign in
// themselves: then a new friend begins.
func (s *Service) mayReturn(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, p lumo.Contact) error {
	erased, err := s.c.Friends.Erased(ctx, m, c, p.User)
	if err != nil || erased.IsZero() {
		return err
	}
	anew := p.Seen != nil && p.Seen.Event != "" && p.Seen.Status == lumo.Following && p.Seen.At.After(erased)
	if anew || p.Source == "qr" {
		return nil
	}
	return fault.As(fault.NotFound, "channel.mayReturn", errErased)
}

// own keeps the person's own email, and which code led here first.
func (s *Service) own(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, r FriendRow,
	p lumo.Contact) error {
	if p.Code != (lumo.CodeID{}) {
		if err := s.c.Friends.CameBy(ctx, m, r.ID, p.Code); err != nil {
			return err
		}
	}
	email := Email(p.Email)
	if email == "" {
		return nil
	}
	return s.ownContact(ctx, m, c, r.ID, OwnContact{Kind: ContactEmail, Value: email, Source: ContactLogin})
}

// ownContact keeps a friend's own email or phone; one that is new is looked up soon.
func (s *Service) ownContact(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID,
	v OwnContact) error {
	v.At = s.c.Now()
	changed, err := s.c.Friends.SetContact(ctx, m, c, f, v)
	if err != nil || !changed {
		return err
	}
	return s.c.Work.Hurry(ctx, m, c, s.c.Now())
}

// OwnForm keeps the email or phone that a friend typed into a form of the shop.
func (s *Service) OwnForm(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID,
	email, phone string) error {
	const op = "channel.OwnForm"
	if email = Email(email); email != "" {
		if err := s.ownContact(ctx, m, c, f, OwnContact{Kind: ContactEmail, Value: email, Source: ContactForm}); err != nil {
			return fault.Wrap(op, err)
		}
	}
	if phone = Phone(phone, ""); phone != "" {
		return fault.Wrap(op, s.ownContact(ctx, m, c, f, OwnContact{Kind: ContactPhone, Value: phone, Source: ContactForm}))
	}
	return nil
}

// language keeps what looks like a BCP 47 tag.
func language(tag string) string {
	if len(tag) < 2 || len(tag) > 35 || strings.Trim(strings.ToLower(tag),
		"abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return ""
	}
	return tag
}

func (s *Service) recordConsent(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID,
	r FriendRow, source string) error {
	if r.Follow.Consent == lumo.ConsentUnknown {
		return nil
	}
	at := r.Follow.ConsentAt
	return s.c.Recorder.Record(ctx, lumo.Fact{Merchant: m, Channel: c, Friend: r.ID,
		Kind: lumo.FactConsent, Source: source, OccurredAt: at,
		Ref: s.c.NewID().String(),
		Data: map[string]any{"consent": string(r.Follow.Consent),
			"source": r.Follow.ConsentSource}})
}

// profileID tells whether a text may be a Klaviyo profile id.
func profileID(text string) bool {
	return len(text) == 26 && strings.Trim(text, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") == ""
}

const (
	pageDefault = 50
	pageMax     = 100
)

func pageLimit(n int) int {
	if n <= 0 {
		return pageDefault
	}
	return min(n, pageMax)
}
