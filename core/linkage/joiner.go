package linkage

import (
	"context"
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
	now     func() time.Time
}

// NewJoiner makes a joiner.
func NewJoiner(t Tenants, st StateStore, codes CodeStore, now func() time.Time) *Joiner {
	return &Joiner{tenants: t, states: st, codes: codes, now: now}
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
		data = map[string]any{"code": code.Name, "state": st.ID.String()}
		return err
	})
	return data, fault.Wrap("linkage.Followed", err)
}

// Forget removes logins that no follow can belong to any more, with what they claimed.
func (j *Joiner) Forget(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) error {
	err := j.tenants.InTenant(ctx, m, func(ctx context.Context) error {
		return j.states.DropStates(ctx, m, c, j.now().Add(-joinSpan))
	})
	return fault.Wrap("linkage.Forget", err)
}
