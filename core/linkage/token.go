package linkage

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

const (
	// tokenLife is how long LINE takes a person's own token.
	tokenLife = 30 * 24 * time.Hour
	// undoSpan is how long a member may take an unlinking back before LINE hears of it.
	undoSpan = 10 * time.Second
	// deauthorizeTimeout bounds one word to LINE.
	deauthorizeTimeout = 3 * time.Second
	toldAtOnce         = 50
)

// TokenStore keeps people's own LINE Login tokens, sealed, for one purpose: LINE wants to be
// told when a link ends, and takes that only with the person's token.
type TokenStore interface {
	// KeepToken stores a friend's newest token and that nothing is to be told.
	KeepToken(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID,
		token lumo.Secret, until time.Time) error
	DropToken(ctx context.Context, m lumo.MerchantID, f lumo.FriendID) error
	// TellAt notes when LINE is to be told of a friend; zero = not any more. False means that
	// there is no token to tell it with.
	TellAt(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, at time.Time) (bool, error)
	// Tokens are those that are due, of friends who are not linked.
	Tokens(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time, limit int) (
		[]HeldToken, error)
	// DropStale removes tokens that LINE no longer takes, and due ones of people who are
	// linked again.
	DropStale(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) error
}

// HeldToken is a person's token with whose it is.
type HeldToken struct {
	Friend lumo.FriendID
	Token  lumo.Secret
}

// Upkeep has a channel looked after no later than a time.
type Upkeep interface {
	Hurry(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, due time.Time) error
}

// tellLINE has LINE told, after a while, that a friend is no longer linked; best effort while
// we hold the person's token. It does nothing for who is linked.
func (s *Service) tellLINE(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID,
	after time.Duration) error {
	_, err := s.c.Links.ByFriend(ctx, m, f)
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	due := s.c.Now().Add(after)
	held, err := s.c.Tokens.TellAt(ctx, m, f, due)
	if err != nil || !held {
		return err
	}
	return s.c.Upkeep.Hurry(ctx, m, c, due)
}

// LookAfter does what is due for a channel outside of any request: it tells LINE of links
// that ended, and looks whether forms' scripts are still where they were.
func (s *Service) LookAfter(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) error {
	const op = "linkage.LookAfter"
	var due []HeldToken
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) (err error) {
		if err = s.c.Tokens.DropStale(ctx, m, c, s.c.Now()); err != nil {
			return err
		}
		due, err = s.c.Tokens.Tokens(ctx, m, c, s.c.Now(), toldAtOnce)
		return err
	})
	for _, one := range due {
		if err == nil {
			err = s.tellOf(ctx, m, c, one)
		}
	}
	if err != nil {
		return fault.Wrap(op, err)
	}
	return fault.Wrap(op, s.lookAtPages(ctx, m, c))
}

// tellOf tells LINE of one person. What LINE refuses is over: the token is spent.
func (s *Service) tellOf(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, one HeldToken) error {
	err := s.deauthorize(ctx, m, c, one.Token)
	if kind := fault.KindOf(err); kind == fault.Unavailable || kind == fault.Limited {
		return err // the next round tries again, while the token lives
	}
	if err != nil {
		s.c.Log.WarnContext(ctx, "LINE keeps a sign-in that was taken back", "error", err,
			"merchant", m.String())
	}
	return s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		return s.c.Tokens.DropToken(ctx, m, one.Friend)
	})
}

// deauthorize takes back at LINE what the person allowed.
func (s *Service) deauthorize(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID,
	user lumo.Secret) error {
	ctx, cancel := context.WithTimeout(ctx, deauthorizeTimeout)
	defer cancel()
	channelID, secret, err := s.c.Channels.LoginCredentials(ctx, m, c)
	if err != nil {
		return err
	}
	return s.c.LINE.Deauthorize(ctx, lumo.Keys{ID: channelID, Secret: secret}, user)
}
