package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/klauspost/compress/zstd"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Opener opens what a column holds sealed.
type Opener interface {
	Open(ctx context.Context, m lumo.MerchantID, table, column string, row id.ID, sealed []byte) ([]byte, error)
}

// SentBodies gives the exact bodies that LINE took, of those deliveries that still have theirs.
func SentBodies(ctx context.Context, vault Opener, m lumo.MerchantID, of []lumo.DeliveryID) (
	map[lumo.DeliveryID][]byte, error) {
	const op = "postgres.SentBodies"
	if len(of) == 0 {
		return nil, nil
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	defer decoder.Close()
	rows, _ := Tx(ctx).Query(ctx, `
SELECT id, summary_enc
  FROM delivery
 WHERE merchant_id = $1 AND id = ANY($2) AND summary_enc IS NOT NULL`, m, of)
	sealed := map[lumo.DeliveryID][]byte{}
	var delivery lumo.DeliveryID
	var body []byte
	_, err = pgx.ForEachRow(rows, []any{&delivery, &body}, func() error {
		sealed[delivery] = body
		return nil
	})
	if err != nil {
		return nil, Fault(op, err)
	}
	for d, body := range sealed {
		packed, err := vault.Open(ctx, m, "delivery", "body", id.ID(d), body)
		if err != nil {
			return nil, err
		}
		if sealed[d], err = decoder.DecodeAll(packed, nil); err != nil {
			return nil, fault.Wrap(op, err)
		}
	}
	return sealed, nil
}
