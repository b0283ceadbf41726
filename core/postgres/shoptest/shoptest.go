// Package shoptest puts a small shop into a fresh database, for tests of stores and of the
// capabilities above them.
//
// Everything goes in through the stores of the product where there is one. Ids, times and
// secrets are fixed, so that tests can name them.
package shoptest

import (
	"bytes"
	"context"
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/core/postgres"
	channelstore "lumo/core/postgres/channel"
	"lumo/core/postgres/postgrestest"
	"lumo/core/postgres/vault"
	"lumo/shared/id"
)

// The secrets of the shop, for tests that look for them where they must not be.
const (
	LineUser      = lumo.LineUserID("Ucafe0000000000000000000000000001")
	ChannelSecret = "canary-channel-secret-0123456789"
)

// Shop is a merchant with one LINE account in a database of its own.
type Shop struct {
	DB       *postgres.DB
	Vault    *vault.Vault
	Clock    *Clock
	Merchant lumo.MerchantID
	Member   lumo.MemberID
	Channel  lumo.Channel
	url      string
	master   []byte
}

// Start is when the clock begins: noon in Tokyo.
func Start() time.Time { return time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC) }

// Clock is a time that tests move.
type Clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// New makes a shop.
func New(t testing.TB) *Shop {
	t.Helper()
	s := &Shop{Clock: &Clock{now: Start()}, url: postgrestest.URL(t),
		master: bytes.Repeat([]byte{7}, 32)}
	s.DB = s.Open(t)
	var err error
	if s.Vault, err = vault.New(s.DB, s.master); err != nil {
		t.Fatal(err)
	}
	s.Merchant, s.Member = lumo.MerchantID(s.ID()), lumo.MemberID(s.ID())
	s.addMerchant(t)
	s.Channel = s.AddChannel(t, "Hana Tea", "Ubot00000000000000000000000000001")
	return s
}

// Open is another pool of the same database, as another process would have.
func (s *Shop) Open(t testing.TB) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(context.Background(), s.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// ID makes an id of the clock's time.
func (s *Shop) ID() id.ID {
	var entropy [10]byte
	rand.Read(entropy[:]) // never fails
	return id.New(s.Clock.Now().UnixMilli(), entropy)
}

// In runs fn in a transaction of the merchant and fails the test on an error.
func (s *Shop) In(t testing.TB, fn func(ctx context.Context) error) {
	t.Helper()
	if err := s.DB.InTenant(context.Background(), s.Merchant, fn); err != nil {
		t.Fatal(err)
	}
}

// Exec runs a statement as the merchant; $1 is the merchant's id.
func (s *Shop) Exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	s.In(t, func(ctx context.Context) error {
		_, err := postgres.Tx(ctx).Exec(ctx, sql, append([]any{s.Merchant}, args...)...)
		return err
	})
}

// Get reads one value as the merchant; $1 is the merchant's id.
func Get[T any](t testing.TB, s *Shop, sql string, args ...any) (v T) {
	t.Helper()
	s.In(t, func(ctx context.Context) error {
		return postgres.Tx(ctx).QueryRow(ctx, sql, append([]any{s.Merchant}, args...)...).Scan(&v)
	})
	return v
}

func (s *Shop) addMerchant(t testing.TB) {
	t.Helper()
	data, index, err := s.Vault.NewMerchant(s.Merchant)
	if err != nil {
		t.Fatal(err)
	}
	s.Exec(t, `
INSERT INTO merchant (merchant_id, slug, name, data_key_enc, index_key_enc, created_at, updated_at)
VALUES ($1, 'hana', 'Hana Tea', $2, $3, $4, $4)`, data, index, s.Clock.Now())
}

// AddChannel connects a LINE account.
func (s *Shop) AddChannel(t testing.TB, name, bot string) lumo.Channel {
	t.Helper()
	key := func(kind channel.EdgeKeyKind) channel.EdgeKey {
		return channel.EdgeKey{ID: s.ID(), Kind: kind, Number: 1, Secret: bytes.Repeat([]byte{9}, 32)}
	}
	var made channel.Channel
	s.In(t, func(ctx context.Context) (err error) {
		made, err = channelstore.New(s.Vault).Create(ctx, channel.NewChannel{Merchant: s.Merchant,
			ID:      lumo.ChannelID(s.ID()),
			Account: channel.Account{BotUser: lumo.LineUserID(bot), Name: name, BasicID: "@hanatea"},
			Keys: channel.Keys{Messaging: lumo.Keys{ID: "1650000001", Secret: ChannelSecret},
				Login: lumo.Keys{ID: "1650000002", Secret: "login-secret"}},
			HookKey: channel.PublicKey(), FlowHookKey: channel.PublicKey(),
			EdgeKeys: []channel.EdgeKey{key(channel.LinkMAC), key(channel.StateKey)},
			State:    channel.Working, Now: s.Clock.Now()})
		return err
	})
	return made.Channel
}

// AddFriend adds a person who follows the LINE account.
func (s *Shop) AddFriend(t testing.TB, name string, user lumo.LineUserID) lumo.FriendID {
	t.Helper()
	f := lumo.FriendID(s.ID())
	s.In(t, func(ctx context.Context) error {
		sealed, err := s.Vault.Seal(ctx, s.Merchant, "friend", "line_user_enc", id.ID(f), []byte(user))
		if err != nil {
			return err
		}
		index, err := s.Vault.BlindIndex(ctx, s.Merchant, "line_user", string(user))
		if err != nil {
			return err
		}
		_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO friend (merchant_id, id, channel_id, line_user_enc, line_user_bidx, display_name, follow_status,
                    follow_changed_at, followed_at, consent, consent_at, consent_source, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, 'following', $7, $7, 'given', $7, 'friend_added', $7, $7)`,
			s.Merchant, f, s.Channel.ID, sealed, index, name, s.Clock.Now())
		return err
	})
	return f
}

// AddAccount connects a Klaviyo account without tokens, and joins the LINE account to it.
func (s *Shop) AddAccount(t testing.TB) lumo.AccountID {
	t.Helper()
	a := lumo.AccountID(s.ID())
	s.Exec(t, `
WITH numbered AS (
    INSERT INTO number (merchant_id, kind, target_id) VALUES ($1, 'klaviyo_account', $2) RETURNING number)
INSERT INTO klaviyo_account (merchant_id, id, number, site_id, name, state, state_changed_at, created_at, updated_at)
SELECT $1, $2, number, 'HnTeaX', 'Hana Tea', 'working', $3, $3, $3
  FROM numbered`, a, s.Clock.Now())
	s.Exec(t, `
INSERT INTO work (merchant_id, channel_id, kind, due_at)
VALUES ($1, $2, 'outbox', $3)`, a, s.Clock.Now())
	s.In(t, func(ctx context.Context) error {
		_, err := channelstore.New(s.Vault).JoinAccount(ctx, s.Merchant, a, s.Clock.Now())
		return err
	})
	return a
}

// Link joins a friend to a Klaviyo profile.
func (s *Shop) Link(t testing.TB, f lumo.FriendID, a lumo.AccountID, p lumo.ProfileID) lumo.Link {
	t.Helper()
	l := lumo.Link{ID: lumo.LinkID(s.ID()), Channel: s.Channel.ID, Friend: f, Account: a, Profile: p,
		Method: "qr", Assurance: lumo.Proven, Version: 1, LinkedAt: s.Clock.Now()}
	s.Exec(t, `
INSERT INTO identity_link (merchant_id, id, channel_id, friend_id, klaviyo_account_id, profile_id, method,
                           assurance, state, linked_at, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, 'qr', 'proven', 'linked', $7, $7, $7)`,
		l.ID, l.Channel, f, a, string(p), l.LinkedAt)
	return l
}

// AddDelivery adds a message that LINE accepted.
func (s *Shop) AddDelivery(t testing.TB, f lumo.FriendID, number uint64) lumo.DeliveryID {
	t.Helper()
	d := lumo.DeliveryID(s.ID())
	s.Exec(t, `
INSERT INTO delivery (merchant_id, id, number, channel_id, logical_kind, logical_id, friend_id, state, due_at,
                      received_at, created_at, updated_at)
VALUES ($1, $2, $3, $4, 'flow', $5, $6, 'accepted', $7, $7, $7, $7)`,
		d, int64(number), s.Channel.ID, s.ID(), f, s.Clock.Now())
	return d
}
