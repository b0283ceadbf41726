package delivery

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

var errBundle = errors.New("the bytes of a delivery are not in its bundle")

// bundles counts deliveries by the bundle that holds their bytes.
type bundles map[uuid.UUID]int

func (b bundles) add(v *uuid.UUID) {
	if v != nil {
		b[*v]++
	}
}

// queueBundle keeps the bytes of a batch of broadcasts together: what most of them have in
// common is packed, sealed and written once.
func (s *Store) queueBundle(ctx context.Context, batch *pgx.Batch, m lumo.MerchantID, all []delivery.Delivery) (
	*uuid.UUID, error) {
	v := uuid.New()
	var plain []byte
	for _, d := range all {
		plain = binary.AppendUvarint(plain, uint64(len(d.Body)))
		plain = append(plain, d.Body...)
	}
	sealed, err := s.vault.Seal(ctx, m, "delivery_bundle", "bodies", id.ID(v), s.encoder.EncodeAll(plain, nil))
	if err != nil {
		return nil, fault.Wrap("postgres.delivery.queueBundle", err)
	}
	batch.Queue(`
		INSERT INTO delivery_bundle (merchant_id, id, bodies_enc, remaining, created_at)
		VALUES ($1, $2, $3, $4, now())`, m, v, sealed, len(all))
	return &v, nil
}

// fillBodies gives deliveries that were read the bytes that their bundles hold.
func (s *Store) fillBodies(ctx context.Context, m lumo.MerchantID, rows []row, all []delivery.Delivery) error {
	const op = "postgres.delivery.fillBodies"
	wanted := bundles{}
	for _, r := range rows {
		wanted.add(r.bundle)
	}
	if len(wanted) == 0 {
		return nil
	}
	found, err := s.readBundles(ctx, m, wanted)
	if err != nil {
		return fault.Wrap(op, err)
	}
	for i, r := range rows {
		if r.bundle == nil {
			continue
		}
		bodies := found[*r.bundle]
		if r.place < 1 || r.place > len(bodies) {
			return fault.As(fault.Internal, op, errBundle)
		}
		all[i].Body = bodies[r.place-1]
	}
	return nil
}

func (s *Store) readBundles(ctx context.Context, m lumo.MerchantID, wanted bundles) (map[uuid.UUID][][]byte, error) {
	const op = "postgres.delivery.readBundles"
	rows, _ := postgres.Tx(ctx).Query(ctx, `
		SELECT id, bodies_enc
		FROM delivery_bundle
		WHERE merchant_id = $1 AND id = ANY($2::uuid[])`, m, slices.Collect(maps.Keys(wanted)))
	sealed := map[uuid.UUID][]byte{}
	var v uuid.UUID
	var b []byte
	if _, err := pgx.ForEachRow(rows, []any{&v, &b}, func() error {
		sealed[v], b = b, nil
		return nil
	}); err != nil {
		return nil, postgres.Fault(op, err)
	}
	found := map[uuid.UUID][][]byte{}
	for v, b := range sealed {
		packed, err := s.vault.Open(ctx, m, "delivery_bundle", "bodies", id.ID(v), b)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		plain, err := s.decoder.DecodeAll(packed, nil)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		if found[v], err = cutBodies(plain); err != nil {
			return nil, fault.As(fault.Internal, op, err)
		}
	}
	return found, nil
}

func cutBodies(plain []byte) (all [][]byte, err error) {
	for len(plain) > 0 {
		n, k := binary.Uvarint(plain)
		if k <= 0 || n > uint64(len(plain)-k) {
			return nil, errBundle
		}
		all = append(all, plain[k:k+int(n):k+int(n)])
		plain = plain[k+int(n):]
	}
	return all, nil
}

// bundlesOf are those that deliveries are about to leave for new ones.
func (s *Store) bundlesOf(ctx context.Context, m lumo.MerchantID, all []lumo.DeliveryID) (bundles, error) {
	left := bundles{}
	if len(all) == 0 {
		return left, nil
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
		SELECT bundle_id
		FROM delivery
		WHERE merchant_id = $1 AND id = ANY($2::uuid[])`, m, all)
	var v *uuid.UUID
	_, err := pgx.ForEachRow(rows, []any{&v}, func() error {
		left.add(v)
		v = nil
		return nil
	})
	return left, postgres.Fault("postgres.delivery.bundlesOf", err)
}

// leaveBundles is queueLeave at once.
func (s *Store) leaveBundles(ctx context.Context, m lumo.MerchantID, left bundles) error {
	if len(left) == 0 {
		return nil
	}
	batch := &pgx.Batch{}
	queueLeave(batch, m, left)
	return postgres.Fault("postgres.delivery.leaveBundles", postgres.Tx(ctx).SendBatch(ctx, batch).Close())
}

// queueLeave notes that deliveries left their bundles, and ends those that nobody is in. The
// bundles are named in order, so that two transactions do not wait for each other in a circle.
func queueLeave(batch *pgx.Batch, m lumo.MerchantID, left bundles) {
	if len(left) == 0 {
		return
	}
	ids := slices.SortedFunc(maps.Keys(left), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	for _, v := range ids {
		batch.Queue(`
			UPDATE delivery_bundle
			SET remaining = remaining - $3
			WHERE merchant_id = $1 AND id = $2`, m, v, left[v])
	}
	batch.Queue(`
		DELETE FROM delivery_bundle
		WHERE merchant_id = $1 AND id = ANY($2::uuid[]) AND remaining <= 0`, m, ids)
}
