package linkage

import (
	"context"

	"github.com/jackc/pgx/v5"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/id"
)

// groundsOf are conflicts of a pick with what a rule goes by. The first side's level is its
// link's, where one stood. An open one is meant, or one that run $6 decided.
const groundsOf = `
SELECT c.id, coalesce(l.assurance, c.assurance) AS first, c.assurance AS second,
       c.link_id IS NOT NULL AS stood, coalesce(l.state = 'linked', false) AS stands, c.decision
  FROM link_conflict c
  LEFT JOIN identity_link l ON l.merchant_id = c.merchant_id AND l.id = c.link_id
 WHERE c.merchant_id = $1 AND c.channel_id = $2 AND ($3 = '' OR c.kind = $3)
   AND ($4::uuid[] IS NULL OR c.id = ANY($4)) AND c.created_at <= $5
   AND (c.state = 'open' OR $6 <> '' AND c.resolution ->> 'run' = $6)`

func picked(m lumo.MerchantID, c lumo.ChannelID, p linkage.Pick, run string) []any {
	return []any{m, c, string(p.Kind), p.Items, p.Until, run}
}

// CountGrounds counts open conflicts of a pick by what a rule goes by.
func (s *Store) CountGrounds(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, p linkage.Pick) (
	map[linkage.Grounds]int64, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
WITH grounds AS (`+groundsOf+`)
SELECT first, second, stood, stands, count(*)
  FROM grounds
 GROUP BY first, second, stood, stands`, picked(m, c, p, "")...)
	counts := map[linkage.Grounds]int64{}
	var g linkage.Grounds
	var n int64
	_, err := pgx.ForEachRow(rows, []any{&g.First, &g.Second, &g.Stood, &g.Stands, &n}, func() error {
		counts[g] = n
		return nil
	})
	return counts, postgres.Fault("postgres.CountGrounds", err)
}

// GroundsAfter are open conflicts of a pick after an id, and those that a run decided.
func (s *Store) GroundsAfter(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, p linkage.Pick, v lumo.RunID,
	after id.ID, limit int) ([]linkage.Ground, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, groundsOf+`
   AND c.id > $7
 ORDER BY c.id
 LIMIT $8`, append(picked(m, c, p, v.String()), after, limit)...)
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (g linkage.Ground, err error) {
		return g, r.Scan(&g.ID, &g.First, &g.Second, &g.Stood, &g.Stands, &g.Decision)
	})
	return list, postgres.Fault("postgres.GroundsAfter", err)
}

// DecidedBy are conflicts after an id that are still decided as a run did.
func (s *Store) DecidedBy(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.RunID, after id.ID, limit int) (
	[]id.ID, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT id
  FROM link_conflict
 WHERE merchant_id = $1 AND channel_id = $2 AND state = 'resolved' AND resolution ->> 'run' = $3 AND id > $4
 ORDER BY id
 LIMIT $5`, m, c, v.String(), after, limit)
	list, err := pgx.CollectRows(rows, pgx.RowTo[id.ID])
	return list, postgres.Fault("postgres.DecidedBy", err)
}
