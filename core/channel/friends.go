package channel

import (
	"context"
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
	row, err := s.c.Friends.Upsert(ctx, m, c, p.User, lumo.FriendID(s.c.NewID()), now)
	if err != nil {
		return FriendRow{}, fault.Wrap(op, err)
	}
	named := row.tell(p)
	before := row.Follow
	followed := p.Seen != nil && row.Follow.observe(*p.Seen)
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

// Friends lists a channel's friends, newest first.
func (s *Service) Friends(ctx context.Context, m lumo.MerchantID, q FriendQuery) (FriendList, error) {
	q.Limit = pageLimit(q.Limit)
	var list FriendList
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) (err error) {
		list, err = s.c.Friends.Friends(ctx, m, q)
		return err
	})
	return list, fault.Wrap("channel.Friends", err)
}

// Search finds friends by name, LINE id or Klaviyo profile id, whichever the text may be.
func (s *Service) Search(ctx context.Context, m lumo.MerchantID, q FriendQuery, text string) (
	FriendList, error) {
	text = strings.TrimSpace(text)
	switch user := lumo.LineUserID(text); {
	case text == "":
		return s.Friends(ctx, m, q)
	case user.Valid():
		q.Line = user
	case profileID(text):
		q.Profile = lumo.ProfileID(text)
		if list, err := s.Friends(ctx, m, q); err != nil || len(list.Items) > 0 {
			return list, err
		}
		q.Profile, q.Name = "", text
	default:
		q.Name = text
	}
	return s.Friends(ctx, m, q)
}

// profileID tells whether a text may be a Klaviyo profile id.
func profileID(text string) bool {
	return len(text) == 26 && strings.Trim(text, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") == ""
}

// Page is what the page of one friend shows.
func (s *Service) Page(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID) (
	FriendPage, error) {
	const op = "channel.Page"
	var page FriendPage
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) (err error) {
		page, err = s.c.Friends.Page(ctx, m, f)
		return err
	})
	if err == nil && page.Channel != c {
		err = fault.New(fault.NotFound, op, "This friend does not exist.")
	}
	return page, fault.Wrap(op, err)
}

// Timeline is what happened to and by a friend, newest first.
func (s *Service) Timeline(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID,
	f lumo.FriendID, q PageQuery) (Timeline, error) {
	const op = "channel.Timeline"
	q.Limit = pageLimit(q.Limit)
	var t Timeline
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		friend, err := s.c.Channels.Friend(ctx, m, f)
		if err == nil && friend.Channel != c {
			err = fault.New(fault.NotFound, op, "This friend does not exist.")
		}
		if err != nil {
			return err
		}
		t, err = s.c.Friends.Timeline(ctx, m, f, q)
		return err
	})
	return t, fault.Wrap(op, err)
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
