package channel

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

const (
	// questionsMax bounds what waits to be asked; names that find no room are left to the
	// upkeep round.
	questionsMax    = 1000
	questionTimeout = 15 * time.Second
)

// question is something to ask LINE about a person after a commit.
type question struct {
	merchant lumo.MerchantID
	channel  lumo.ChannelID
	friend   lumo.FriendID
	user     lumo.LineUserID
	login    *Login // nil = only the name
}

// Login is what a sign-in through the channel's LINE Login said.
type Login struct {
	User   lumo.LineUserID
	Joined bool // LINE could tell the friendship, so the login channel is joined to the account
	Friend bool
}

// ask puts a question into the queue after the commit. It never blocks.
func (s *Service) ask(ctx context.Context, q question) {
	s.c.Tenants.AfterCommit(ctx, func() {
		select {
		case s.questions <- q:
		default:
		}
	})
}

// askName asks LINE for a new friend's name, unless somebody told it already.
func (s *Service) askName(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, r FriendRow) {
	if !r.Named && r.Follow.Status == lumo.Following {
		s.ask(ctx, question{merchant: m, channel: c, friend: r.ID, user: r.Line})
	}
}

// SignedIn takes what a sign-in proves: that both LINE channels are under one provider,
// which shows in the Messaging API knowing the same user id, and joined to each other.
func (s *Service) SignedIn(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID,
	user lumo.LineUserID, joined, friend bool) {
	s.ask(ctx, question{merchant: m, channel: c, user: user,
		login: &Login{User: user, Joined: joined, Friend: friend}})
}

// RunQuestions asks LINE what is in the queue until the context ends.
func (s *Service) RunQuestions(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case q := <-s.questions:
			limited, cancel := context.WithTimeout(ctx, questionTimeout)
			if err := s.answer(limited, q); err != nil && ctx.Err() == nil {
				s.c.Log.WarnContext(ctx, "LINE not asked about a person", "error", err,
					"merchant", q.merchant.String())
			}
			cancel()
		}
	}
}

func (s *Service) answer(ctx context.Context, q question) error {
	if q.login != nil {
		return s.prove(ctx, q)
	}
	return s.readName(ctx, q)
}

// readName asks LINE who a friend is and stores the answer. A person LINE does not tell us
// about counts as asked: nothing follows from that for the follow state.
func (s *Service) readName(ctx context.Context, q question) error {
	keys, err := s.Keys(ctx, q.merchant, q.channel)
	if err != nil {
		return err
	}
	person, err := s.c.Accounts.Profile(ctx, keys.Messaging, q.user)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return s.c.Tenants.InTenant(ctx, q.merchant, func(ctx context.Context) error {
		now := s.c.Now()
		erased, err := s.c.Friends.Erased(ctx, q.merchant, q.channel, q.user)
		if err != nil || !erased.IsZero() {
			return err
		}
		row, err := s.c.Friends.Upsert(ctx, q.merchant, q.channel, q.user, q.friend, now)
		if err != nil {
			return err
		}
		changed := row.tell(lumo.Contact{Name: person.Name, PictureURL: person.PictureURL,
			Language: person.Language})
		row.Named = true
		if err := s.c.Friends.Update(ctx, q.merchant, row, now); err != nil || !changed {
			return err
		}
		s.c.Watcher.FriendChanged(ctx, q.merchant, q.channel, row.ID)
		return s.c.Profiles.ProfileChanged(ctx, q.merchant, row.ID)
	})
}

// prove compares the login channel's user id with what the Messaging API channel knows.
// A stranger proves nothing; a friend whom the other channel does not know proves that
// the two give different ids.
func (s *Service) prove(ctx context.Context, q question) error {
	full, keys, err := s.withKeys(ctx, q.merchant, q.channel)
	if err != nil {
		return err
	}
	update := StateUpdate{LoginJoined: JoinedNo, Now: s.c.Now()}
	if q.login.Joined {
		update.LoginJoined = JoinedYes
	}
	if q.login.Friend && full.Provider != ProviderSame {
		_, err := s.c.Accounts.Profile(ctx, keys.Messaging, q.login.User)
		switch fault.KindOf(err) {
		case "":
			update.Provider = ProviderSame
		case fault.NotFound, fault.Invalid:
			update.Provider = ProviderDifferent
		}
	}
	if full.LoginJoined == update.LoginJoined && (update.Provider == "" || update.Provider == full.Provider) {
		return nil
	}
	return s.c.Tenants.InTenant(ctx, q.merchant, func(ctx context.Context) error {
		s.c.Watcher.ChannelChanged(ctx, q.merchant, q.channel)
		return s.c.Channels.SetState(ctx, q.merchant, q.channel, update)
	})
}
