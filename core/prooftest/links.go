package prooftest

import (
	"context"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/postgres"
)

// Querier is a transaction of the merchant's, or a connection that sees everything.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Logged is I10 for one merchant: who is linked to whom follows from the history. A link begins
// with a step, each change of it, which its version counts, has one more, and so has its end.
func Logged(ctx context.Context, q Querier, m lumo.MerchantID) (found []Problem, err error) {
	rows, _ := q.Query(ctx, `
		SELECT l.state, l.version, count(h.id)
		FROM identity_link AS l
		LEFT JOIN link_history AS h ON h.merchant_id = l.merchant_id AND h.link_id = l.id
		WHERE l.merchant_id = $1
		GROUP BY l.id, l.state, l.version
		HAVING count(h.id) FILTER (WHERE h.step = 'linked') = 0
			OR count(h.id) < l.version + (l.state = 'unlinked')::int`, m)
	var f findings
	var state string
	var version, steps int
	_, err = pgx.ForEachRow(rows, []any{&state, &version, &steps}, func() error {
		f.add("I10", "a link that is %s, in version %d, has %d steps in its history", state, version, steps)
		return nil
	})
	return f.all, postgres.Fault("prooftest.Logged", err)
}

// Linked is I10 for the world: beside that, sending changed nobody's link.
func (w *World) Linked(ctx context.Context) ([]Problem, error) {
	var f findings
	for _, s := range w.Shops {
		err := w.in(ctx, s, func(ctx context.Context) error {
			found, err := Logged(ctx, postgres.Tx(ctx), s.Merchant)
			f.all = append(f.all, found...)
			if err != nil {
				return err
			}
			return w.sameLinks(ctx, s, &f)
		})
		if err != nil {
			return f.all, err
		}
	}
	return f.all, nil
}

func (w *World) sameLinks(ctx context.Context, s *Shop, f *findings) error {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
		SELECT friend_id, profile_id
		FROM identity_link
		WHERE merchant_id = $1 AND state = 'linked'`, s.Merchant)
	linked := map[lumo.FriendID]lumo.ProfileID{}
	var friend lumo.FriendID
	var profile lumo.ProfileID
	_, err := pgx.ForEachRow(rows, []any{&friend, &profile}, func() error {
		linked[friend] = profile
		return nil
	})
	for _, p := range s.Friends {
		if linked[p.ID] != p.Profile {
			f.add("I10", "a friend of %s is linked to %q, which nobody asked for", s.Name, linked[p.ID])
		}
	}
	return postgres.Fault("prooftest.sameLinks", err)
}
