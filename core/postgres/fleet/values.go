package fleet

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/channel"
	"lumo/core/fleet"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/edgeapi"
	"lumo/shared/id"
	"lumo/shared/token"
)

// lineKey is the number of a vendor's secret: there is one at a time.
const lineKey = 1

// Opener opens the secrets that edges need.
type Opener interface {
	Open(ctx context.Context, m lumo.MerchantID, table, column string, row id.ID, sealed []byte) (
		[]byte, error)
}

// Values reads edge tables from the tables of other capabilities.
type Values struct {
	vault Opener
	log   *slog.Logger
	now   func() time.Time
}

// NewValues makes a reader of edge tables.
func NewValues(v Opener, log *slog.Logger, now func() time.Time) *Values {
	return &Values{vault: v, log: log, now: now}
}

// filter limits a read to one row; zero = all of the merchant's.
type filter struct {
	publicKey string
	channel   uint32
	number    uint32
}

// reader reads the rows of one edge table, or of one kind of its keys.
type reader func(ctx context.Context, m lumo.MerchantID, f filter) ([]edgeapi.Entry, error)

// All reads everything that edges need of a merchant.
func (v *Values) All(ctx context.Context, m lumo.MerchantID) ([]edgeapi.Entry, error) {
	var out []edgeapi.Entry
	for _, read := range []reader{v.hooks, v.links, v.images, v.channels, v.looks, v.codes, v.forms, v.channelKeys,
		v.lineSecrets, v.flowKeys, v.klaviyoSecrets} {
		entries, err := read(ctx, m, filter{})
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Op != 0 {
				out = append(out, e)
			}
		}
	}
	return out, nil
}

// Entries reads the row of each change, in their order.
func (v *Values) Entries(ctx context.Context, m lumo.MerchantID, changes []fleet.Change) (
	[]edgeapi.Entry, error) {
	out := make([]edgeapi.Entry, len(changes))
	for i, c := range changes {
		entry := edgeapi.Entry{Op: edgeapi.Delete, Table: c.Table, Key: c.Key}
		if read, f := v.readerOf(c); read != nil {
			entries, err := read(ctx, m, f)
			if err != nil {
				return nil, err
			}
			entry = matching(entries, entry)
		}
		out[i] = entry
	}
	return out, nil
}

// matching finds the entry of a key among those that were read, or answers none.
func matching(entries []edgeapi.Entry, none edgeapi.Entry) edgeapi.Entry {
	for _, e := range entries {
		if e.Table == none.Table && string(e.Key) == string(none.Key) {
			return e
		}
	}
	return none
}

// readerOf finds who reads a change's row; nil = nobody knows such rows yet.
func (v *Values) readerOf(c fleet.Change) (reader, filter) {
	switch {
	case c.Table == edgeapi.TableHook && len(c.Key) > 1:
		return v.hooks, filter{publicKey: string(c.Key[1:])}
	case c.Table == edgeapi.TableLink && len(c.Key) == 8:
		return v.links, filter{channel: binary.LittleEndian.Uint32(c.Key),
			number: binary.LittleEndian.Uint32(c.Key[4:])}
	case c.Table == edgeapi.TableImage && len(c.Key) == 10:
		return v.images, filter{channel: binary.LittleEndian.Uint32(c.Key),
			number: binary.LittleEndian.Uint32(c.Key[4:])}
	case c.Table == edgeapi.TableChannel && len(c.Key) == 4:
		return v.channels, filter{channel: binary.LittleEndian.Uint32(c.Key)}
	case c.Table == edgeapi.TableChannel && len(c.Key) == 5:
		return v.looks, filter{channel: binary.LittleEndian.Uint32(c.Key)}
	case c.Table == edgeapi.TableCode:
		return v.codes, filter{publicKey: string(c.Key)}
	case c.Table == edgeapi.TableForm:
		return v.forms, filter{publicKey: string(c.Key)}
	case c.Table == edgeapi.TableKey:
		return v.keyReader(c.Key)
	}
	return nil, filter{}
}

func (v *Values) keyReader(key []byte) (reader, filter) {
	ref, err := edgeapi.ParseKeyRef(key)
	if err != nil {
		return nil, filter{}
	}
	f := filter{channel: ref.Number(), number: uint32(ref.Key())}
	switch ref.Kind() {
	case edgeapi.KeyLink, edgeapi.KeyState:
		return v.channelKeys, f
	case edgeapi.KeyLINE:
		return v.lineSecrets, f
	case edgeapi.KeyFlow:
		return v.flowKeys, f
	case edgeapi.KeyKlaviyo:
		return v.klaviyoSecrets, f
	}
	return nil, filter{}
}

// hooks reads table 1. Public keys of codes and forms have tables of their own.
func (v *Values) hooks(ctx context.Context, m lumo.MerchantID, f filter) ([]edgeapi.Entry, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT h.public_key, h.kind, n.number
  FROM hook_route h
  JOIN number n ON n.target_id = h.target_id
 WHERE h.merchant_id = $1 AND n.merchant_id = $1
   AND h.kind IN ('line', 'klaviyo_flow', 'klaviyo_system', 'shopify')
   AND ($2 = '' OR h.public_key = $2)`, m, f.publicKey)
	var publicKey, kind string
	var number int64
	var out []edgeapi.Entry
	_, err := pgx.ForEachRow(rows, []any{&publicKey, &kind, &number}, func() error {
		k := hookKind(kind)
		entry := edgeapi.HookEntry{Kind: k, Number: uint32(number), Core: k == edgeapi.KeyShopify}
		out = append(out, put(edgeapi.TableHook, edgeapi.HookKey(k, publicKey), entry.Append(nil)))
		return nil
	})
	return out, postgres.Fault("postgres.hooks", err)
}

func hookKind(kind string) edgeapi.HookKind {
	switch kind {
	case "line":
		return edgeapi.KeyLINE
	case "klaviyo_flow":
		return edgeapi.KeyFlow
	case "klaviyo_system":
		return edgeapi.KeyKlaviyo
	}
	return edgeapi.KeyShopify
}

// links reads table 2; one-off rows stay in the core.
func (v *Values) links(ctx context.Context, m lumo.MerchantID, f filter) ([]edgeapi.Entry, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT c.number, l.number, l.target
  FROM tracked_link l
  JOIN channel c ON c.merchant_id = l.merchant_id AND c.id = l.channel_id
 WHERE l.merchant_id = $1 AND l.number < $4
   AND ($2::bigint = 0 OR c.number = $2 AND l.number = $3)`, m, int64(f.channel), int64(f.number),
		int64(token.OneOffRow))
	var channel, number int64
	var target string
	var out []edgeapi.Entry
	_, err := pgx.ForEachRow(rows, []any{&channel, &number, &target}, func() error {
		out = append(out, put(edgeapi.TableLink, edgeapi.LinkKey(uint32(channel), uint32(number)),
			edgeapi.AppendTarget(nil, target)))
		return nil
	})
	return out, postgres.Fault("postgres.links", err)
}

// images reads table 3. Whose an open is, the token in the address says.
func (v *Values) images(ctx context.Context, m lumo.MerchantID, f filter) ([]edgeapi.Entry, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT c.number, i.number, i.use, i.sha256, d.media_type
  FROM image_file i
  JOIN channel c ON c.merchant_id = i.merchant_id AND c.id = i.channel_id
  JOIN media d ON d.merchant_id = i.merchant_id AND d.sha256 = i.sha256
 WHERE i.merchant_id = $1 AND i.use NOT IN (2, 3)
   AND ($2::bigint = 0 OR c.number = $2 AND i.number = $3)`, m, int64(f.channel), int64(f.number))
	var channel, number int64
	var use int
	var sha []byte
	e := edgeapi.ImageEntry{PerPerson: true}
	var out []edgeapi.Entry
	_, err := pgx.ForEachRow(rows, []any{&channel, &number, &use, &sha, &e.MediaType}, func() error {
		copy(e.SHA256[:], sha)
		out = append(out, put(edgeapi.TableImage, edgeapi.ImageKey(uint32(channel), uint32(number), uint16(use)),
			e.Append(nil)))
		return nil
	})
	return out, postgres.Fault("postgres.images", err)
}

// channels reads table 4.
func (v *Values) channels(ctx context.Context, m lumo.MerchantID, f filter) ([]edgeapi.Entry, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT c.number, c.login_channel_id, c.basic_id, s.name, c.fallback_url, left(s.language, 2),
       coalesce((SELECT max(k.number)
                   FROM channel_key k
                  WHERE k.merchant_id = c.merchant_id AND k.channel_id = c.id AND k.kind = 'state'
                    AND (k.valid_until IS NULL OR k.valid_until > now())), 0),
       coalesce(a.email AND a.ask_email, false)
  FROM channel c
  JOIN merchant s ON s.merchant_id = c.merchant_id
  LEFT JOIN automatic_linking a ON a.merchant_id = c.merchant_id AND a.channel_id = c.id
 WHERE c.merchant_id = $1 AND ($2::bigint = 0 OR c.number = $2)`, m, int64(f.channel))
	var number, stateKey int64
	var e edgeapi.ChannelEntry
	var out []edgeapi.Entry
	_, err := pgx.ForEachRow(rows, []any{&number, &e.LoginChannel, &e.BasicID, &e.Shop, &e.FallbackURL,
		&e.Language, &stateKey, &e.AskEmail}, func() error {
		e.StateKey = uint16(stateKey)
		out = append(out, put(edgeapi.TableChannel, edgeapi.ChannelKey(uint32(number)), e.Append(nil)))
		return nil
	})
	return out, postgres.Fault("postgres.channels", err)
}

// looks reads how accounts look, from table 4.
func (v *Values) looks(ctx context.Context, m lumo.MerchantID, f filter) ([]edgeapi.Entry, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT number, coalesce(ring, ''), coalesce(picture_url, '')
  FROM channel
 WHERE merchant_id = $1 AND ($2::bigint = 0 OR number = $2)`, m, int64(f.channel))
	var number int64
	var e edgeapi.LookEntry
	var out []edgeapi.Entry
	_, err := pgx.ForEachRow(rows, []any{&number, &e.Ring, &e.Picture}, func() error {
		e.Ring = cmp.Or(e.Ring, channel.RingOf(uint32(number)))
		out = append(out, put(edgeapi.TableChannel, edgeapi.LookKey(uint32(number)), e.Append(nil)))
		return nil
	})
	return out, postgres.Fault("postgres.looks", err)
}

// codes reads table 5.
func (v *Values) codes(ctx context.Context, m lumo.MerchantID, f filter) ([]edgeapi.Entry, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT q.public_key, q.number, c.number, q.identify_by, q.state, q.expires_at
  FROM qr_code q
  JOIN channel c ON c.merchant_id = q.merchant_id AND c.id = q.channel_id
 WHERE q.merchant_id = $1 AND ($2 = '' OR q.public_key = $2)`, m, f.publicKey)
	var publicKey, identifyBy, state string
	var number, channel int64
	var expires *time.Time
	var out []edgeapi.Entry
	_, err := pgx.ForEachRow(rows, []any{&publicKey, &number, &channel, &identifyBy, &state, &expires},
		func() error {
			e := edgeapi.CodeEntry{Number: uint64(number), Channel: uint32(channel),
				Claims: claimsOf(identifyBy), State: edgeapi.CodeLive}
			if state == "paused" {
				e.State = edgeapi.CodePaused
			}
			if expires != nil {
				e.Expires = uint32(expires.Unix())
			}
			out = append(out, put(edgeapi.TableCode, []byte(publicKey), e.Append(nil)))
			return nil
		})
	return out, postgres.Fault("postgres.codes", err)
}

// forms reads table 6; a form that is paused is unknown to edges.
func (v *Values) forms(ctx context.Context, m lumo.MerchantID, f filter) ([]edgeapi.Entry, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT f.public_key, c.number, q.public_key, q.number, f.origins, f.klaviyo_form, f.shows, f.texts
  FROM form f
  JOIN channel c ON c.merchant_id = f.merchant_id AND c.id = f.channel_id
  JOIN qr_code q ON q.merchant_id = f.merchant_id AND q.id = f.qr_code_id
 WHERE f.merchant_id = $1 AND f.state = 'live' AND ($2 = '' OR f.public_key = $2)`, m, f.publicKey)
	var publicKey string
	var channel, code int64
	var e edgeapi.FormEntry
	var s formSettings
	var out []edgeapi.Entry
	_, err := pgx.ForEachRow(rows, []any{&publicKey, &channel, &e.Code, &code, &e.Origins, &s.Form, &s.Show,
		&s.Texts}, func() error {
		settings, err := json.Marshal(s) // escapes what could end a script
		if err != nil {
			return err
		}
		e.Channel, e.Number, e.Settings = uint32(channel), uint64(code), string(settings)
		out = append(out, put(edgeapi.TableForm, []byte(publicKey), e.Append(nil)))
		return nil
	})
	return out, postgres.Fault("postgres.forms", err)
}

// formSettings are what a form's script knows of it.
type formSettings struct {
	Form  string          `json:"form"` // Klaviyo's id, empty = any
	Show  string          `json:"show"`
	Texts json.RawMessage `json:"texts"`
}

// claimsOf is the bit of the claim that a code identifies people by.
func claimsOf(identifyBy string) uint8 {
	switch identifyBy {
	case "profile":
		return 1 << (token.ClaimProfile - 1)
	case "email":
		return 1 << (token.ClaimEmail - 1)
	case "phone":
		return 1 << (token.ClaimPhone - 1)
	}
	return 0
}

func put(table uint8, key, value []byte) edgeapi.Entry {
	return edgeapi.Entry{Op: edgeapi.Put, Table: table, Key: key, Value: value}
}
