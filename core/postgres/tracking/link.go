package tracking

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/tracking"
	"lumo/shared/fault"
	"lumo/shared/token"
)

// linksADay is how many new links of a channel edges are given in a day. Addresses that
// differ for each person would fill every edge; beyond the budget the core keeps them.
const linksADay = 2000

// Link finds or makes a link.
func (Store) Link(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, l tracking.NewLink, now time.Time) (
	number uint32, fresh bool, err error) {
	const op = "postgres.Link"
	number, err = findLink(ctx, m, c, l.Hash)
	if !fault.Is(err, fault.NotFound) {
		return number, false, err
	}
	var next int64 // the channel's row is the lock under which numbers are given out
	err = postgres.Tx(ctx).QueryRow(ctx, `
UPDATE channel
   SET link_seq = link_seq + 1
 WHERE merchant_id = $1 AND id = $2
RETURNING link_seq`, m, c).Scan(&next)
	if err != nil {
		return 0, false, postgres.Fault(op, err)
	}
	number, err = findLink(ctx, m, c, l.Hash) // made while we waited
	if !fault.Is(err, fault.NotFound) {
		return number, false, err
	}
	if number = uint32(next); !l.Own {
		if l.Own, err = budgetSpent(ctx, m, c, now); err != nil {
			return 0, false, postgres.Fault(op, err)
		}
	}
	if l.Own {
		number |= token.OneOffRow
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO tracked_link (merchant_id, channel_id, number, target, target_hash, stands_for, created_at)
VALUES ($1, $2, $3, $4, $5, nullif($6::bigint, 0), $7)`, m, c, int64(number), l.Target, l.Hash, int64(l.Of), now)
	return number, true, postgres.Fault(op, err)
}

func budgetSpent(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) (bool, error) {
	var today int
	err := postgres.Tx(ctx).QueryRow(ctx, `
SELECT count(*)
  FROM tracked_link
 WHERE merchant_id = $1 AND channel_id = $2 AND created_at > $3::timestamptz - interval '1 day'
   AND number < $4`, m, c, now, int64(token.OneOffRow)).Scan(&today)
	return today >= linksADay, err
}

// ImageFile is the file of an image in a width.
func (Store) ImageFile(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, image uint32, width int) (
	sha [32]byte, ok bool, err error) {
	var found []byte
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT sha256
  FROM image_file
 WHERE merchant_id = $1 AND channel_id = $2 AND number = $3 AND use = $4`, m, c, int64(image), width).Scan(&found)
	if err = postgres.Fault("postgres.ImageFile", err); fault.Is(err, fault.NotFound) {
		return sha, false, nil
	}
	copy(sha[:], found)
	return sha, err == nil, err
}

func findLink(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, hash []byte) (uint32, error) {
	var number int64
	err := postgres.Tx(ctx).QueryRow(ctx, `
SELECT number
  FROM tracked_link
 WHERE merchant_id = $1 AND channel_id = $2 AND target_hash = $3`, m, c, hash).Scan(&number)
	return uint32(number), postgres.Fault("postgres.findLink", err)
}

// Targets are where links lead.
func (Store) Targets(ctx context.Context, m lumo.MerchantID, links []tracking.Link) (
	map[tracking.Link]string, error) {
	channels, numbers := make([][16]byte, len(links)), make([]int64, len(links))
	for i, l := range links {
		channels[i], numbers[i] = l.Channel, int64(l.Number)
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT DISTINCT l.channel_id, l.number, l.target
  FROM tracked_link l
  JOIN unnest($2::uuid[], $3::bigint[]) AS t (channel, number)
    ON l.channel_id = t.channel AND l.number = t.number
 WHERE l.merchant_id = $1`, m, channels, numbers)
	out := map[tracking.Link]string{}
	var channel lumo.ChannelID
	var number int64
	var target string
	_, err := pgx.ForEachRow(rows, []any{&channel, &number, &target}, func() error {
		out[tracking.Link{Channel: channel, Number: uint32(number)}] = target
		return nil
	})
	return out, postgres.Fault("postgres.Targets", err)
}
