package delivery

import (
	"context"
	"time"

	"lumo/core/delivery"
	"lumo/core/postgres"
	"lumo/shared/fault"
)

// Hold reads the operator's stop, or the last one.
func (s *Store) Hold(ctx context.Context) (h delivery.Hold, err error) {
	const op = "postgres.delivery.Hold"
	var resumed *time.Time
	err = postgres.Fault(op, postgres.Tx(ctx).QueryRow(ctx, `
		SELECT operator_id, name, reason, stopped_at, resumed_at
		FROM system_hold`).Scan(&h.Operator, &h.Name, &h.Reason, &h.At, &resumed))
	if fault.Is(err, fault.NotFound) {
		return delivery.Hold{}, nil
	}
	h.ResumedAt = read(resumed)
	return h, err
}

// StopAll stores a stop unless one is in force.
func (s *Store) StopAll(ctx context.Context, h delivery.Hold) (bool, error) {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO system_hold AS h (operator_id, name, reason, stopped_at)
		VALUES ($1, $2, $3, $4)
		ON CONFLICT (one) DO UPDATE
		SET operator_id = EXCLUDED.operator_id, name = EXCLUDED.name, reason = EXCLUDED.reason,
			stopped_at = EXCLUDED.stopped_at, resumed_at = NULL
		WHERE h.resumed_at IS NOT NULL`, h.Operator, h.Name, h.Reason, h.At)
	return tag.RowsAffected() == 1, postgres.Fault("postgres.delivery.StopAll", err)
}

// ResumeAll ends the stop in force.
func (s *Store) ResumeAll(ctx context.Context, now time.Time) (bool, error) {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE system_hold
		SET resumed_at = $1
		WHERE resumed_at IS NULL`, now)
	return tag.RowsAffected() == 1, postgres.Fault("postgres.delivery.ResumeAll", err)
}
