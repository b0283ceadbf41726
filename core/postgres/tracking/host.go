package tracking

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/tracking"
	"lumo/shared/fault"
)

// hostWork is the kind of work that checking hosts is. It is the merchant's, not an account's, so
// its rows name none.
const hostWork = "link_host"

// Host reads the merchant's host, and holds its row if it is to be changed.
func (Store) Host(ctx context.Context, m lumo.MerchantID, hold bool) (h tracking.Host, err error) {
	lock := ""
	if hold {
		lock = " FOR UPDATE"
	}
	var checked *time.Time
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT url, state, since, checked_at, reason, found, failures
  FROM link_host
 WHERE merchant_id = $1`+lock, m).Scan(&h.URL, &h.State, &h.Since, &checked, &h.Reason, &h.Found, &h.Failures)
	h.CheckedAt = value(checked)
	if err = postgres.Fault("postgres.Host", err); fault.Is(err, fault.NotFound) {
		return tracking.Host{}, nil
	}
	return h, err
}

// SetHost stores the merchant's host.
func (Store) SetHost(ctx context.Context, m lumo.MerchantID, h tracking.Host) error {
	var checked *time.Time
	if !h.CheckedAt.IsZero() {
		checked = &h.CheckedAt
	}
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO link_host (merchant_id, url, state, since, checked_at, reason, found, failures)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (merchant_id) DO UPDATE
   SET url = $2, state = $3, since = $4, checked_at = $5, reason = $6, found = $7, failures = $8`,
		m, h.URL, string(h.State), h.Since, checked, h.Reason, h.Found, h.Failures)
	return postgres.Fault("postgres.SetHost", err)
}

// RemoveHost forgets the merchant's host and its checks.
func (Store) RemoveHost(ctx context.Context, m lumo.MerchantID) error {
	const op = "postgres.RemoveHost"
	_, err := postgres.Tx(ctx).Exec(ctx, `
DELETE FROM link_host
 WHERE merchant_id = $1`, m)
	if err != nil {
		return postgres.Fault(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
DELETE FROM work
 WHERE merchant_id = $1 AND kind = $2`, m, hostWork)
	return postgres.Fault(op, err)
}

// CheckHost has the merchant's host checked again at a time.
func (Store) CheckHost(ctx context.Context, m lumo.MerchantID, at time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO work (merchant_id, channel_id, kind, due_at)
VALUES ($1, $2, $3, $4)
    ON CONFLICT (merchant_id, channel_id, kind) DO UPDATE SET due_at = $4`, m, lumo.ChannelID{}, hostWork, at)
	return postgres.Fault("postgres.CheckHost", err)
}

// AnyNumber is the number of the merchant's first channel.
func (Store) AnyNumber(ctx context.Context, m lumo.MerchantID) (uint32, error) {
	var number int64
	err := postgres.Tx(ctx).QueryRow(ctx, `
SELECT number
  FROM channel
 WHERE merchant_id = $1
 ORDER BY id
 LIMIT 1`, m).Scan(&number)
	return uint32(number), postgres.Fault("postgres.AnyNumber", err)
}

// ClaimHost takes the host whose check is due longest.
func (Store) ClaimHost(ctx context.Context, owner string, now time.Time, lease time.Duration) (
	tracking.HostTurn, bool, error) {
	w, found, err := postgres.ClaimWork(ctx, hostWork, owner, now, lease)
	return tracking.HostTurn{Merchant: w.Merchant, Due: w.Due, Fence: w.Fence}, found, err
}

// HostDone gives a host back until a time.
func (Store) HostDone(ctx context.Context, t tracking.HostTurn, next time.Time) error {
	return postgres.DoneWork(ctx, postgres.Work{Merchant: t.Merchant, Kind: hostWork, Due: t.Due, Fence: t.Fence}, next)
}
