package linkage

import (
	"context"
	"errors"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// joinSpan is how long after a scan a follow event still belongs to it.
const joinSpan = 24 * time.Hour

// Joiner joins follow events with the logins that came before them. It needs the stores
// alone, so that the channel capability can be built before the linkage service.
type Joiner struct {
	tenants Tenants
	states  StateStore
	codes   CodeStore
	friends FriendReader
	greeter Greeter
	links   *Service  // nil until it is there
	auto    *Importer // as links
	now     func() time.Time
}

// NewJoiner makes a joiner.
func NewJoiner(t Tenants, st StateStore, codes CodeStore, f FriendReader, g Greeter,
	now func() time.Time) *Joiner {
	return &Joiner{tenants: t, states: st, codes: codes, friends: f, greeter: g, now: now}
}

// Followed tells which scan a follow event came from: a login of the same LINE user within
// the last day. It answers what to say in the fact, nil when nothing is known.
func (j *Joiner) Followed(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, at time.Time) (
	data map[string]any, err error) {
	err = j.tenants.InTenant(ctx, m, func(ctx context.Context) error {
		st, err := joinStates(ctx, j.states, j.codes, m, f, at.Add(-joinSpan), j.now())
		if err != nil || st.Code == (lumo.CodeID{}) {
			return err
		}
		code, err := j.codes.Code(ctx, m, st.Code)
		if err != nil {
			return err
		}
		if j.links != nil {
			j.links.c.Watcher.CodeChanged(ctx, m, code.Channel, code.ID)
		}
		data = map[string]any{"code": code.Name, "state": st.ID.String()}
		return j.greet(ctx, m, st)
	})
	return data, fault.Wrap("linkage.Followed", err)
}

// greet does what the code promised, now that the person is a friend: after a link, or where
// there was nothing to link.
func (j *Joiner) greet(ctx context.Context, m lumo.MerchantID, st State) error {
	if st.Phase != PhaseLinked && (st.Phase != PhaseTaken || st.Claim != ClaimNone) {
		return nil
	}
	friend, err := j.friends.Friend(ctx, m, st.Friend)
	if err != nil {
		return err
	}
	return greetBy(ctx, j.codes, j.greeter, m, st, friend)
}

// Attach gives the joiner the services, which could only be made after it.
func (j *Joiner) Attach(s *Service, auto *Importer) { j.links, j.auto = s, auto }

// LookAfter does what is due for a channel's links outside of any request.
func (j *Joiner) LookAfter(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) error {
	if j.links == nil {
		return nil
	}
	err := j.links.LookAfter(ctx, m, c)
	if j.auto != nil {
		err = errors.Join(err, j.auto.LookUp(ctx, m, c))
	}
	return err
}

// Forget removes logins that no follow can belong to any more, with what they claimed.
func (j *Joiner) Forget(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) error {
	err := j.tenants.InTenant(ctx, m, func(ctx context.Context) error {
		return j.states.DropStates(ctx, m, c, j.now().Add(-joinSpan))
	})
	return fault.Wrap("linkage.Forget", err)
}
