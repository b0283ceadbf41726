package prooftest

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"time"

	"lumo/core/channel"
	"lumo/core/connection"
	"lumo/core/klaviyo"
	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/line/linetest"
	"lumo/core/lumo"
	"lumo/core/postgres"
	channelstore "lumo/core/postgres/channel"
	connectionstore "lumo/core/postgres/connection"
	"lumo/core/vendortest"
	"lumo/shared/id"
)

const (
	provider   = "provider-%d"
	writeBatch = 5000
)

// addShop makes a merchant with a LINE account, a Klaviyo account, and friends.
func (w *World) addShop(ctx context.Context, n int) error {
	s := &Shop{Name: fmt.Sprintf("shop%d", n), Merchant: lumo.MerchantID(w.newID()), Site: fmt.Sprintf("Site%02d", n),
		byLine: map[lumo.LineUserID]*Friend{}}
	w.Shops = append(w.Shops, s)
	data, index, err := w.Vault.NewMerchant(s.Merchant)
	if err != nil {
		return err
	}
	err = w.Exec(ctx, s, `
		INSERT INTO merchant (merchant_id, slug, name, data_key_enc, index_key_enc, created_at, updated_at)
		VALUES ($1, $2, $2, $3, $4, now(), now())`, s.Name, data, index)
	if err != nil {
		return err
	}
	if err := w.addChannel(ctx, s, n); err != nil {
		return err
	}
	if w.LinkEvery > 0 {
		if err := w.addAccount(ctx, s); err != nil {
			return err
		}
	}
	return w.addFriends(ctx, s, n)
}

func (w *World) addChannel(ctx context.Context, s *Shop, n int) error {
	account := w.LINE.AddChannel(linetest.Channel{Provider: fmt.Sprintf(provider, n), Name: s.Name, Verified: true})
	s.MessagingID = account.MessagingID
	key := func(kind channel.EdgeKeyKind) channel.EdgeKey {
		return channel.EdgeKey{ID: w.newID(), Kind: kind, Number: 1, Secret: bytes.Repeat([]byte{9}, 32)}
	}
	return w.in(ctx, s, func(ctx context.Context) error {
		made, err := channelstore.New(w.Vault).Create(ctx, channel.NewChannel{Merchant: s.Merchant,
			ID:      lumo.ChannelID(w.newID()),
			Account: channel.Account{BotUser: lumo.LineUserID(account.BotUserID), Name: s.Name, BasicID: account.BasicID},
			Keys: channel.Keys{Messaging: lumo.Keys{ID: account.MessagingID, Secret: account.MessagingSecret},
				Login: lumo.Keys{ID: account.LoginID, Secret: account.LoginSecret}},
			HookKey: channel.PublicKey(), FlowHookKey: channel.PublicKey(),
			EdgeKeys: []channel.EdgeKey{key(channel.LinkMAC), key(channel.StateKey)}, State: channel.Working, Now: w.Clock.Now()})
		s.Channel = made.Channel
		return err
	})
}

// addAccount connects a Klaviyo account the way a member does, through its consent page.
func (w *World) addAccount(ctx context.Context, s *Shop) error {
	w.Klaviyo.AddAccount(klaviyotest.Account{ID: s.Site, Name: s.Name, Timezone: "Asia/Tokyo", Currency: "JPY",
		Locale: "ja-JP", Country: "Japan", PrivateKey: "pk_" + s.Site})
	app := klaviyotest.DemoAccount
	client, err := klaviyo.New(klaviyo.Config{API: w.klaviyoURL + "/klaviyo-api", Web: w.klaviyoURL + "/klaviyo-web",
		ClientID: app.ClientID, ClientSecret: app.ClientSecret, RedirectURL: "http://127.0.0.1:8080/oauth/klaviyo/callback",
		HTTP: vendortest.LocalClient(10 * time.Second), Now: w.Clock.Now})
	if err != nil {
		return err
	}
	tokens, err := w.approve(ctx, client, s)
	if err != nil {
		return err
	}
	return w.in(ctx, s, func(ctx context.Context) error {
		a, err := connectionstore.New(w.Vault).Save(ctx, connection.Account{Merchant: s.Merchant, ID: lumo.AccountID(w.newID()),
			Site: connection.Site{ID: s.Site, Name: s.Name}, State: connection.Working}, tokens, w.Clock.Now())
		if err != nil {
			return err
		}
		s.Account = a.ID
		_, err = channelstore.New(w.Vault).JoinAccount(ctx, s.Merchant, a.ID, w.Clock.Now())
		s.Channel.KlaviyoAccount, s.Channel.PropertyNumber = a.ID, 1
		return err
	})
}

func (w *World) approve(ctx context.Context, client *klaviyo.Client, s *Shop) (connection.Tokens, error) {
	const verifier = "prooftest-verifier-of-more-than-forty-three-characters"
	var scopes []string
	for _, scope := range connection.Scopes() {
		scopes = append(scopes, scope.Name)
	}
	page, err := client.AuthorizeURL("state", verifier, scopes)
	if err != nil {
		return connection.Tokens{}, err
	}
	back, err := w.Klaviyo.Decide(page, s.Site, true)
	if err != nil {
		return connection.Tokens{}, err
	}
	u, err := url.Parse(back)
	if err != nil || u.Query().Get("code") == "" {
		return connection.Tokens{}, errNoAccount
	}
	return client.Exchange(ctx, u.Query().Get("code"), verifier)
}

// addFriends makes people with phones who follow the account, some of them linked.
func (w *World) addFriends(ctx context.Context, s *Shop, n int) error {
	people := make([]linetest.Person, w.Friends)
	s.Friends = make([]Friend, w.Friends)
	for i := range s.Friends {
		people[i] = linetest.Person{ID: fmt.Sprintf("p%d-%d", n, i), Name: "Person", Language: "ja"}
		f := &s.Friends[i]
		f.ID = lumo.FriendID(w.newID())
		f.Line = lumo.LineUserID(linetest.UserID(fmt.Sprintf(provider, n), people[i].ID))
		f.Blocked = w.BlockEvery > 0 && i%w.BlockEvery == w.BlockEvery-1
		if w.LinkEvery > 0 && i%w.LinkEvery == 0 {
			f.Profile = lumo.ProfileID(fmt.Sprintf("01PROOF%02d%08d", n, i))
			_, err := w.Klaviyo.AddProfile(s.Site, klaviyotest.Profile{ID: string(f.Profile),
				Email: fmt.Sprintf("p%d-%d@customer.example", n, i)})
			if err != nil {
				return err
			}
		}
		s.byLine[f.Line] = f
	}
	w.LINE.AddFriends(s.MessagingID, people)
	for begin := 0; begin < len(s.Friends); begin += writeBatch {
		batch := s.Friends[begin:min(begin+writeBatch, len(s.Friends))]
		if err := w.writeFriends(ctx, s, batch); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) writeFriends(ctx context.Context, s *Shop, batch []Friend) error {
	return w.in(ctx, s, func(ctx context.Context) error {
		var ids, linked, links []id.ID
		var sealed, indexes [][]byte
		var statuses, profiles []string
		for _, f := range batch {
			user, err := w.Vault.Seal(ctx, s.Merchant, "friend", "line_user_enc", id.ID(f.ID), []byte(f.Line))
			if err != nil {
				return err
			}
			index, err := w.Vault.BlindIndex(ctx, s.Merchant, "line_user", string(f.Line))
			if err != nil {
				return err
			}
			status := lumo.Following
			if f.Blocked {
				status = lumo.Blocked
			}
			ids, sealed, indexes = append(ids, id.ID(f.ID)), append(sealed, user), append(indexes, index)
			statuses = append(statuses, string(status))
			if f.Profile != "" {
				linked, links = append(linked, id.ID(f.ID)), append(links, w.newID())
				profiles = append(profiles, string(f.Profile))
			}
		}
		_, err := postgres.Tx(ctx).Exec(ctx, `
			INSERT INTO friend (merchant_id, id, channel_id, line_user_enc, line_user_bidx, follow_status, follow_changed_at,
				followed_at, profile_read_at, consent, consent_at, consent_source, created_at, updated_at)
			SELECT $1, t.id, $2, t.user_enc, t.bidx, t.status, now(), now(), now(), 'given', now(), 'friend_added', now(), now()
			FROM unnest($3::uuid[], $4::bytea[], $5::bytea[], $6::text[]) AS t (id, user_enc, bidx, status)`,
			s.Merchant, s.Channel.ID, ids, sealed, indexes, statuses)
		if err != nil || len(links) == 0 {
			return postgres.Fault("prooftest.writeFriends", err)
		}
		_, err = postgres.Tx(ctx).Exec(ctx, `
			WITH link AS (
				INSERT INTO identity_link (merchant_id, id, channel_id, friend_id, klaviyo_account_id, profile_id, method,
					assurance, state, linked_at, created_at, updated_at)
				SELECT $1, t.id, $2, t.friend, $3, t.profile, 'qr', 'proven', 'linked', now(), now(), now()
				FROM unnest($4::uuid[], $5::uuid[], $6::text[]) AS t (id, friend, profile)
				RETURNING id)
			INSERT INTO link_history (merchant_id, id, link_id, step, actor_kind, created_at)
			SELECT $1, gen_random_uuid(), id, 'linked', 'customer', now()
			FROM link`,
			s.Merchant, s.Channel.ID, s.Account, links, linked, profiles)
		return postgres.Fault("prooftest.writeLinks", err)
	})
}
