// Package channel stores LINE accounts, their friends and what LINE sent about them.
//
// Secrets, LINE user ids and webhook bodies are sealed before they are written; a blind
// index finds a person. Every method runs in the transaction of its context.
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

// Vault seals columns and makes blind indexes under the merchant's keys.
type Vault interface {
	Seal(ctx context.Context, m lumo.MerchantID, table, column string, row id.ID, plain []byte) (
		[]byte, error)
	Open(ctx context.Context, m lumo.MerchantID, table, column string, row id.ID, sealed []byte) (
		[]byte, error)
	BlindIndex(ctx context.Context, m lumo.MerchantID, kind, value string) ([]byte, error)
}

// userIndex is the kind of the blind index of LINE user ids, friends' and accounts' alike.
const userIndex = "line_user"

// Store implements the stores of the channel capability.
type Store struct{ vault Vault }

// New makes a store.
func New(v Vault) *Store { return &Store{vault: v} }

const selectChannel = `
SELECT c.merchant_id, c.id, c.number, c.name, c.basic_id, c.picture_url, c.messaging_channel_id,
       c.login_channel_id, c.klaviyo_account_id, c.property_number, c.fallback_url, c.state, c.problem,
       c.state_changed_at, c.webhook_url, c.webhook_active, c.webhook_checked_at, c.webhook_test_ms,
       c.last_event_at, c.provider, c.login_joined, c.verified, c.ring, c.opens_measured, c.utm,
       coalesce(o.url, '') AS link_url, coalesce(o.state = 'used', false) AS link_host_used, c.quota_limit, c.quota_used,
       c.quota_read_at, c.created_at,
       (SELECT h.public_key
          FROM hook_route h
         WHERE h.merchant_id = c.merchant_id AND h.target_id = c.id AND h.kind = 'line') AS hook_key,
       (SELECT h.public_key
          FROM hook_route h
         WHERE h.merchant_id = c.merchant_id AND h.target_id = c.id AND h.kind = 'klaviyo_flow')
       AS flow_hook_key
  FROM channel c
  LEFT JOIN link_host o
         ON o.merchant_id = c.merchant_id`

// row is a channel as the database has it; pointers are columns that may be null.
type row struct {
	MerchantID         lumo.MerchantID
	ID                 lumo.ChannelID
	Number             int64
	Name               string
	BasicID            string
	PictureURL         *string
	MessagingChannelID string
	LoginChannelID     string
	KlaviyoAccountID   *lumo.AccountID
	PropertyNumber     *int
	FallbackURL        string
	State              string
	Problem            *string
	StateChangedAt     time.Time
	WebhookURL         string
	WebhookActive      bool
	WebhookCheckedAt   *time.Time
	WebhookTestMS      *int `db:"webhook_test_ms"`
	LastEventAt        *time.Time
	Provider           string
	LoginJoined        string
	Verified           string
	Ring               *string
	OpensMeasured      bool
	UTM                lumo.UTM `db:"utm"`
	LinkURL            string
	LinkHostUsed       bool
	QuotaLimit         *int64
	QuotaUsed          int64
	QuotaReadAt        *time.Time
	CreatedAt          time.Time
	HookKey            string
	FlowHookKey        string
}

// Channel reads one channel.
func (s *Store) Channel(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (
	channel.Channel, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, selectChannel+`
 WHERE c.merchant_id = $1 AND c.id = $2`, m, c)
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[row])
	return r.channel(), found("This LINE account does not exist.", "postgres.Channel", err)
}

// Channels reads all channels of a merchant, oldest first.
func (s *Store) Channels(ctx context.Context, m lumo.MerchantID) ([]channel.Channel, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, selectChannel+`
 WHERE c.merchant_id = $1
 ORDER BY c.id`, m)
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (channel.Channel, error) {
		one, err := pgx.RowToStructByName[row](r)
		return one.channel(), err
	})
	return list, postgres.Fault("postgres.Channels", err)
}

// ring is the colour that somebody chose, else the one of the number.
func (r row) ring() string {
	if r.Ring != nil {
		return *r.Ring
	}
	return channel.RingOf(uint32(r.Number))
}

func (r row) channel() channel.Channel {
	return channel.Channel{
		Channel: lumo.Channel{Merchant: r.MerchantID, ID: r.ID, Number: uint32(r.Number), Name: r.Name,
			BasicID: r.BasicID, KlaviyoAccount: value(r.KlaviyoAccountID),
			PropertyNumber: max(1, value(r.PropertyNumber)), OpensMeasured: r.OpensMeasured, UTM: r.UTM,
			LinkHost: lumo.LinkHost{URL: r.LinkURL, Used: r.LinkHostUsed}},
		PictureURL: value(r.PictureURL), MessagingChannelID: r.MessagingChannelID,
		LoginChannelID: r.LoginChannelID, HookKey: r.HookKey, FlowHookKey: r.FlowHookKey,
		FallbackURL: r.FallbackURL, State: channel.State(r.State), Problem: value(r.Problem),
		StateChangedAt: r.StateChangedAt, WebhookURL: r.WebhookURL, WebhookActive: r.WebhookActive,
		WebhookCheckedAt: value(r.WebhookCheckedAt), TestMS: orMinus(r.WebhookTestMS),
		Provider: r.Provider, LoginJoined: r.LoginJoined, Verified: r.Verified, Ring: r.ring(),
		LastEventAt: value(r.LastEventAt),
		Quota: channel.Quota{Unlimited: r.QuotaLimit == nil, Limit: value(r.QuotaLimit),
			Used: r.QuotaUsed, ReadAt: value(r.QuotaReadAt)},
		CreatedAt: r.CreatedAt,
	}
}

// Counts are how many people follow the account, and how many of its friends are linked.
func (s *Store) Counts(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (
	following, linked int64, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT coalesce(sum(n) FILTER (WHERE follow_status = 'following'), 0)::bigint,
       coalesce(sum(n) FILTER (WHERE linked), 0)::bigint
  FROM friend_total
 WHERE merchant_id = $1 AND channel_id = $2`, m, c).Scan(&following, &linked)
	return following, linked, postgres.Fault("postgres.Counts", err)
}

// Keys opens the channel's credentials.
func (s *Store) Keys(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (channel.Keys, error) {
	const op = "postgres.Keys"
	var k channel.Keys
	var messaging, login []byte
	err := postgres.Tx(ctx).QueryRow(ctx, `
SELECT messaging_channel_id, messaging_secret_enc, login_channel_id, login_secret_enc
  FROM channel
 WHERE merchant_id = $1 AND id = $2`, m, c).
		Scan(&k.Messaging.ID, &messaging, &k.Login.ID, &login)
	if err != nil {
		return channel.Keys{}, found("This LINE account does not exist.", op, err)
	}
	if messaging, err = s.vault.Open(ctx, m, "channel", "messaging_secret_enc", id.ID(c), messaging); err != nil {
		return channel.Keys{}, fault.Wrap(op, err)
	}
	if login, err = s.vault.Open(ctx, m, "channel", "login_secret_enc", id.ID(c), login); err != nil {
		return channel.Keys{}, fault.Wrap(op, err)
	}
	k.Messaging.Secret, k.Login.Secret = string(messaging), string(login)
	return k, nil
}

// SetKeys replaces the credentials. What a scan proved, it proved of the login channel of then.
func (s *Store) SetKeys(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, k channel.Keys,
	now time.Time) error {
	const op = "postgres.SetKeys"
	messaging, login, err := s.sealKeys(ctx, m, c, k)
	if err != nil {
		return fault.Wrap(op, err)
	}
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE channel
   SET messaging_channel_id = $3, messaging_secret_enc = $4, login_channel_id = $5,
       login_secret_enc = $6, updated_at = $7,
       provider = CASE WHEN login_channel_id = $5 THEN provider ELSE 'unknown' END,
       login_joined = CASE WHEN login_channel_id = $5 THEN login_joined ELSE 'unknown' END,
       problem = CASE WHEN problem = 'keys' THEN 'webhook_url' ELSE problem END
 WHERE merchant_id = $1 AND id = $2`,
		m, c, k.Messaging.ID, messaging, k.Login.ID, login, now)
	return one("This LINE account does not exist.", op, tag.RowsAffected(), err)
}

func (s *Store) sealKeys(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, k channel.Keys) (
	messaging, login []byte, err error) {
	messaging, err = s.vault.Seal(ctx, m, "channel", "messaging_secret_enc", id.ID(c),
		[]byte(k.Messaging.Secret))
	if err != nil {
		return nil, nil, err
	}
	login, err = s.vault.Seal(ctx, m, "channel", "login_secret_enc", id.ID(c), []byte(k.Login.Secret))
	return messaging, login, err
}

// BotUser is the account's own LINE user id.
func (s *Store) BotUser(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (
	lumo.LineUserID, error) {
	const op = "postgres.BotUser"
	var sealed []byte
	err := postgres.Tx(ctx).QueryRow(ctx, `
SELECT bot_user_enc
  FROM channel
 WHERE merchant_id = $1 AND id = $2`, m, c).Scan(&sealed)
	if err != nil {
		return "", found("This LINE account does not exist.", op, err)
	}
	user, err := s.vault.Open(ctx, m, "channel", "bot_user_enc", id.ID(c), sealed)
	return lumo.LineUserID(user), fault.Wrap(op, err)
}

// Connected tells whether an account is one of the merchant's channels.
func (s *Store) Connected(ctx context.Context, m lumo.MerchantID, bot lumo.LineUserID) (known bool, err error) {
	const op = "postgres.Connected"
	index, err := s.vault.BlindIndex(ctx, m, userIndex, string(bot))
	if err != nil {
		return false, fault.Wrap(op, err)
	}
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT EXISTS (SELECT 1
                 FROM channel
                WHERE merchant_id = $1 AND bot_user_bidx = $2)`, m, index).Scan(&known)
	return known, postgres.Fault(op, err)
}

// EdgeKey opens one key that edges hold; number 0 is the newest that counts now.
func (s *Store) EdgeKey(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID,
	kind channel.EdgeKeyKind, number uint16) (channel.EdgeKey, error) {
	const op = "postgres.EdgeKey"
	k := channel.EdgeKey{Kind: kind}
	var sealed []byte
	err := postgres.Tx(ctx).QueryRow(ctx, `
SELECT id, number, secret_enc
  FROM channel_key
 WHERE merchant_id = $1 AND channel_id = $2 AND kind = $3 AND ($4::int = 0 OR number = $4)
   AND (valid_until IS NULL OR valid_until > now())
 ORDER BY number DESC
 LIMIT 1`, m, c, string(kind), int(number)).Scan(&k.ID, &k.Number, &sealed)
	if err != nil {
		return channel.EdgeKey{}, found("This key does not exist.", op, err)
	}
	k.Secret, err = s.vault.Open(ctx, m, "channel_key", "secret_enc", k.ID, sealed)
	return k, fault.Wrap(op, err)
}

// ByNumber finds the channel with a global number, in a transaction without a merchant.
func (s *Store) ByNumber(ctx context.Context, number uint32) (m lumo.MerchantID, c lumo.ChannelID, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT merchant_id, target_id
  FROM number
 WHERE number = $1 AND kind = 'channel'`, int64(number)).Scan(&m, &c)
	return m, c, found("This LINE account does not exist.", "postgres.ByNumber", err)
}

// found says what is missing; other errors get their kind.
func found(sentence, op string, err error) error {
	err = postgres.Fault(op, err)
	if fault.Is(err, fault.NotFound) {
		return &fault.Error{Kind: fault.NotFound, Op: op, Message: sentence}
	}
	return err
}

// one makes sure that a statement changed its row.
func one(sentence, op string, rows int64, err error) error {
	if err == nil && rows == 0 {
		return &fault.Error{Kind: fault.NotFound, Op: op, Message: sentence}
	}
	return postgres.Fault(op, err)
}

// value is what a nullable column holds, or the zero value.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// orNull stores zero values as null.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func orMinus(p *int) int {
	if p == nil {
		return -1
	}
	return *p
}
