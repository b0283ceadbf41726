package message

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/message"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Rules are a channel's rules: the greeting, then keywords in their order.
func (Store) Rules(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) ([]message.Rule, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
		SELECT id, kind, keyword, match = 'contains', position, message_id, active
		FROM reply_rule
		WHERE merchant_id = $1 AND channel_id = $2
		ORDER BY kind, position, id`, m, c)
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (message.Rule, error) {
		rule := message.Rule{Channel: c}
		err := r.Scan(&rule.ID, &rule.Kind, &rule.Keyword, &rule.Contains, &rule.Position, &rule.Message, &rule.Active)
		return rule, err
	})
	return all, postgres.Fault("postgres.message.Rules", err)
}

// SetRules replaces all rules of a channel.
func (Store) SetRules(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, rules []message.Rule, now time.Time) error {
	const op = "postgres.message.SetRules"
	kept := make([]id.ID, len(rules))
	for i, r := range rules {
		kept[i] = r.ID
	}
	_, err := postgres.Tx(ctx).Exec(ctx, `
		DELETE FROM reply_rule
		WHERE merchant_id = $1 AND channel_id = $2 AND NOT id = ANY ($3::uuid[])`, m, c, kept)
	if err != nil {
		return postgres.Fault(op, err)
	}
	for _, r := range rules {
		match := "exact"
		if r.Contains {
			match = "contains"
		}
		_, err := postgres.Tx(ctx).Exec(ctx, `
			INSERT INTO reply_rule AS r (merchant_id, id, channel_id, kind, keyword, match, position, message_id, active,
				created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
			ON CONFLICT (merchant_id, id) DO UPDATE
			SET kind = $4, keyword = $5, match = $6, position = $7, message_id = $8, active = $9, updated_at = $10
			WHERE r.channel_id = $3`,
			m, r.ID, c, string(r.Kind), r.Keyword, match, r.Position, r.Message, r.Active, now)
		if err != nil {
			return postgres.Fault(op, err)
		}
	}
	return nil
}

// Plan stores a reply.
func (s Store) Plan(ctx context.Context, r message.Reply, now time.Time) (bool, error) {
	const op = "postgres.message.Plan"
	sealed, err := s.vault.Seal(ctx, r.Merchant, "reply", "token_enc", r.ID, []byte(r.Token.Reveal()))
	if err != nil {
		return false, fault.Wrap(op, err)
	}
	tag, err := postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO reply (merchant_id, id, channel_id, friend_id, rule_id, event, token_enc, state, expires_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 'planned', $8, $9)
		ON CONFLICT (merchant_id, channel_id, event) DO NOTHING`,
		r.Merchant, r.ID, r.Channel, r.Friend, r.Rule, r.Event, sealed, r.ExpiresAt, now)
	return tag.RowsAffected() == 1, postgres.Fault(op, err)
}

// Take locks a planned reply, unless an operator stopped all sending, or a member all of the account's.
func (s Store) Take(ctx context.Context, m lumo.MerchantID, reply id.ID) (r message.Reply, v lumo.MessageID, ok bool, err error) {
	const op = "postgres.message.Take"
	r = message.Reply{Merchant: m, ID: reply}
	var sealed []byte
	err = postgres.Tx(ctx).QueryRow(ctx, `
		SELECT r.channel_id, r.friend_id, r.rule_id, r.event, r.token_enc, r.expires_at, u.message_id
		FROM reply AS r
		JOIN reply_rule AS u ON u.merchant_id = r.merchant_id AND u.id = r.rule_id
		WHERE r.merchant_id = $1 AND r.id = $2 AND r.state = 'planned'
			AND NOT EXISTS (SELECT FROM system_hold WHERE resumed_at IS NULL)
			AND NOT EXISTS (SELECT FROM sending AS s
				WHERE s.merchant_id = r.merchant_id AND s.channel_id = r.channel_id AND s.stop_scope = 'everything')
		FOR UPDATE OF r SKIP LOCKED`, m, reply).
		Scan(&r.Channel, &r.Friend, &r.Rule, &r.Event, &sealed, &r.ExpiresAt, &v)
	if err = postgres.Fault(op, err); fault.Is(err, fault.NotFound) {
		return r, v, false, nil
	}
	if err != nil {
		return r, v, false, err
	}
	token, err := s.vault.Open(ctx, m, "reply", "token_enc", reply, sealed)
	r.Token = lumo.Secret(token)
	return r, v, err == nil, err
}

// Begin notes that the token is used from now on.
func (Store) Begin(ctx context.Context, r message.Reply, now time.Time) (uint64, error) {
	const op = "postgres.message.Begin"
	var number int64
	err := postgres.Tx(ctx).QueryRow(ctx, `
		UPDATE merchant
		SET delivery_seq = delivery_seq + 1
		WHERE merchant_id = $1
		RETURNING delivery_seq`, r.Merchant).Scan(&number)
	if err != nil {
		return 0, postgres.Fault(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
		UPDATE reply
		SET state = 'sending', token_enc = NULL
		WHERE merchant_id = $1 AND id = $2`, r.Merchant, r.ID)
	return uint64(number), postgres.Fault(op, err)
}

// End stores what came of a reply. What left for LINE becomes a delivery that has ended, so
// that its links and openings belong to somebody.
func (Store) End(ctx context.Context, r message.Reply, state, reason, requestID string, now time.Time) error {
	const op = "postgres.message.End"
	_, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE reply
		SET state = $3, reason = nullif($4, ''), token_enc = NULL
		WHERE merchant_id = $1 AND id = $2`, r.Merchant, r.ID, state, reason)
	if err != nil || r.Number == 0 {
		return postgres.Fault(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO delivery (merchant_id, id, number, channel_id, logical_kind, logical_id, friend_id, message_id,
			message_version, state, reason, first_try_at, last_try_at, tries, accepted_at, line_request_id,
			received_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, 'reply', $5, $6, $7, $8, $9, nullif($10, ''), $11, $11, 1,
			CASE WHEN $9 = 'accepted' THEN $11::timestamptz END, nullif($12, ''), $11, $11, $11)`,
		r.Merchant, r.Delivery, int64(r.Number), r.Channel, r.ID, r.Friend, r.Message, r.Version, state, reason, now,
		requestID)
	return postgres.Fault(op, err)
}

// lostAfter is longer than a reply can be under way.
const lostAfter = 2 * time.Minute

// Lost ends what nobody will send any more.
func (Store) Lost(ctx context.Context, m lumo.MerchantID, now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE reply
		SET state = CASE state WHEN 'planned' THEN 'skipped' ELSE 'unknown_expired' END,
			reason = CASE state WHEN 'planned' THEN 'too_late' ELSE 'unconfirmed' END, token_enc = NULL
		WHERE merchant_id = $1 AND state IN ('planned', 'sending') AND expires_at < $2`, m, now.Add(-lostAfter))
	return postgres.Fault("postgres.message.Lost", err)
}

// Merchants are those that have a LINE account.
func (Store) Merchants(ctx context.Context) ([]lumo.MerchantID, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `SELECT DISTINCT merchant_id FROM number WHERE kind = 'channel'`)
	all, err := pgx.CollectRows(rows, pgx.RowTo[lumo.MerchantID])
	return all, postgres.Fault("postgres.message.Merchants", err)
}
