package channel

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Create stores a new channel with its number, hooks and keys, and joins it to the
// merchant's Klaviyo account where there is one.
func (s *Store) Create(ctx context.Context, n channel.NewChannel) (channel.Channel, error) {
	const op = "postgres.Create"
	if err := s.insertChannel(ctx, n); err != nil {
		return channel.Channel{}, fault.Wrap(op, err)
	}
	if err := s.insertHooks(ctx, n); err != nil {
		return channel.Channel{}, fault.Wrap(op, err)
	}
	for _, k := range n.EdgeKeys {
		if err := s.insertEdgeKey(ctx, n, k); err != nil {
			return channel.Channel{}, fault.Wrap(op, err)
		}
	}
	account, err := workingAccount(ctx, n.Merchant)
	if err == nil && account != (lumo.AccountID{}) {
		_, err = s.JoinAccount(ctx, n.Merchant, account, n.Now)
	}
	if err != nil {
		return channel.Channel{}, fault.Wrap(op, err)
	}
	return s.Channel(ctx, n.Merchant, n.ID)
}

func (s *Store) insertChannel(ctx context.Context, n channel.NewChannel) error {
	const op = "postgres.insertChannel"
	bot, err := s.vault.Seal(ctx, n.Merchant, "channel", "bot_user_enc", id.ID(n.ID),
		[]byte(n.Account.BotUser))
	if err != nil {
		return fault.Wrap(op, err)
	}
	index, err := s.vault.BlindIndex(ctx, n.Merchant, userIndex, string(n.Account.BotUser))
	if err != nil {
		return fault.Wrap(op, err)
	}
	messaging, login, err := s.sealKeys(ctx, n.Merchant, n.ID, n.Keys)
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
WITH numbered AS (
    INSERT INTO number (merchant_id, kind, target_id)
    VALUES ($1, 'channel', $2)
    RETURNING number)
INSERT INTO channel (merchant_id, id, number, name, basic_id, bot_user_enc, bot_user_bidx, picture_url,
                     messaging_channel_id, messaging_secret_enc, login_channel_id, login_secret_enc,
                     state, problem, state_changed_at, created_at, updated_at)
SELECT $1, $2, number, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, $14
  FROM numbered`,
		n.Merchant, n.ID, n.Account.Name, n.Account.BasicID, bot, index, orNull(n.Account.PictureURL),
		n.Keys.Messaging.ID, messaging, n.Keys.Login.ID, login, string(n.State), orNull(n.Problem), n.Now)
	return postgres.Fault(op, err)
}

func (s *Store) insertHooks(ctx context.Context, n channel.NewChannel) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO hook_route (public_key, merchant_id, kind, target_id, created_at)
VALUES ($3, $1, 'line', $2, $5),
       ($4, $1, 'klaviyo_flow', $2, $5)`, n.Merchant, n.ID, n.HookKey, n.FlowHookKey, n.Now)
	return postgres.Fault("postgres.insertHooks", err)
}

func (s *Store) insertEdgeKey(ctx context.Context, n channel.NewChannel, k channel.EdgeKey) error {
	const op = "postgres.insertEdgeKey"
	sealed, err := s.vault.Seal(ctx, n.Merchant, "channel_key", "secret_enc", k.ID, k.Secret)
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO channel_key (merchant_id, channel_id, kind, number, id, secret_enc, valid_from)
VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		n.Merchant, n.ID, string(k.Kind), int(k.Number), k.ID, sealed, n.Now)
	return postgres.Fault(op, err)
}

// workingAccount is the merchant's Klaviyo account, zero where there is none or several.
func workingAccount(ctx context.Context, m lumo.MerchantID) (lumo.AccountID, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT id
  FROM klaviyo_account
 WHERE merchant_id = $1 AND state <> 'off'`, m)
	found, err := pgx.CollectRows(rows, pgx.RowTo[lumo.AccountID])
	if err != nil || len(found) != 1 {
		return lumo.AccountID{}, postgres.Fault("postgres.workingAccount", err)
	}
	return found[0], nil
}

// JoinAccount joins channels that have no Klaviyo account to this one. A LINE account keeps
// the property number it first got from the Klaviyo account, and no other ever gets it.
func (s *Store) JoinAccount(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, now time.Time) (
	[]lumo.ChannelID, error) {
	const op = "postgres.JoinAccount"
	tx := postgres.Tx(ctx)
	// One at a time per Klaviyo account: numbers count up.
	tag, err := tx.Exec(ctx, `
SELECT id
  FROM klaviyo_account
 WHERE merchant_id = $1 AND id = $2
   FOR UPDATE`, m, a)
	if err := one("This Klaviyo account does not exist.", op, tag.RowsAffected(), err); err != nil {
		return nil, err
	}
	rows, _ := tx.Query(ctx, `
SELECT id
  FROM channel
 WHERE merchant_id = $1 AND klaviyo_account_id IS NULL
 ORDER BY id
   FOR UPDATE`, m)
	joined, err := pgx.CollectRows(rows, pgx.RowTo[lumo.ChannelID])
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	for _, c := range joined {
		if err := joinOne(ctx, m, c, a, now); err != nil {
			return nil, fault.Wrap(op, err)
		}
	}
	return joined, nil
}

func joinOne(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, a lumo.AccountID, now time.Time) error {
	const op = "postgres.joinOne"
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO property_number (merchant_id, klaviyo_account_id, bot_user_bidx, number)
SELECT $1, $3, c.bot_user_bidx,
       (SELECT coalesce(max(p.number), 0) + 1
          FROM property_number p
         WHERE p.merchant_id = $1 AND p.klaviyo_account_id = $3)
  FROM channel c
 WHERE c.merchant_id = $1 AND c.id = $2
    ON CONFLICT (merchant_id, klaviyo_account_id, bot_user_bidx) DO NOTHING`, m, c, a)
	if err != nil {
		return postgres.Fault(op, err)
	}
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE channel c
   SET klaviyo_account_id = $3, property_number = p.number, updated_at = $4
  FROM property_number p
 WHERE c.merchant_id = $1 AND c.id = $2
   AND p.merchant_id = $1 AND p.klaviyo_account_id = $3 AND p.bot_user_bidx = c.bot_user_bidx`,
		m, c, a, now)
	return one("This LINE account does not exist.", op, tag.RowsAffected(), err)
}
