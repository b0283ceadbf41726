package fleet

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/edgeapi"
	"lumo/shared/id"
)

// sealedKey is a key as it stands in a table.
type sealedKey struct {
	ref    edgeapi.KeyRef
	column [2]string // table and column it is sealed for
	row    id.ID
	sealed []byte
	until  *time.Time
}

// open makes entries of sealed keys. One that cannot be opened is logged and becomes an entry
// without operation: it is the core's trouble, and what edges have stands.
func (v *Values) open(ctx context.Context, m lumo.MerchantID, keys []sealedKey) []edgeapi.Entry {
	var out []edgeapi.Entry
	for _, k := range keys {
		plain, err := v.vault.Open(ctx, m, k.column[0], k.column[1], k.row, k.sealed)
		if err != nil {
			v.log.ErrorContext(ctx, "a key for edges cannot be opened", "merchant", m.String(),
				"table", k.column[0], "error", err)
			out = append(out, edgeapi.Entry{Table: edgeapi.TableKey, Key: k.ref.Append(nil)})
			continue
		}
		out = append(out, v.keyEntry(k.ref, plain, k.until))
	}
	return out
}

// keyEntry leaves as little as possible to an edge's clock, which follows ours a little behind:
// a key that ended is taken away, and one that an edge has counts from then on.
func (v *Values) keyEntry(ref edgeapi.KeyRef, secret []byte, until *time.Time) edgeapi.Entry {
	key := ref.Append(nil)
	e := edgeapi.KeyEntry{Secret: secret}
	if until != nil {
		if !v.now().Before(*until) {
			return edgeapi.Entry{Op: edgeapi.Delete, Table: edgeapi.TableKey, Key: key}
		}
		e.ValidUntil = until.UnixMilli()
	}
	return put(edgeapi.TableKey, key, e.Append(nil))
}

// channelKeys reads the keys that sign links and seal login states.
func (v *Values) channelKeys(ctx context.Context, m lumo.MerchantID, f filter) ([]edgeapi.Entry, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT c.number, k.kind, k.number, k.id, k.secret_enc, k.valid_until
  FROM channel_key k
  JOIN channel c ON c.merchant_id = k.merchant_id AND c.id = k.channel_id
 WHERE k.merchant_id = $1 AND ($2::bigint = 0 OR c.number = $2 AND k.number = $3)`, m, int64(f.channel),
		int64(f.number))
	var channel int64
	var kind string
	var number int
	k := sealedKey{column: [2]string{"channel_key", "secret_enc"}}
	var keys []sealedKey
	_, err := pgx.ForEachRow(rows, []any{&channel, &kind, &number, &k.row, &k.sealed, &k.until},
		func() error {
			keyKind := edgeapi.KeyLink
			if kind == "state" {
				keyKind = edgeapi.KeyState
			}
			k.ref = edgeapi.Ref(keyKind, uint16(number), uint32(channel))
			one := k
			one.sealed = append([]byte(nil), k.sealed...)
			keys = append(keys, one)
			return nil
		})
	if err != nil {
		return nil, postgres.Fault("postgres.channelKeys", err)
	}
	return v.open(ctx, m, keys), nil
}

// lineSecrets reads the secrets that LINE signs webhooks with.
func (v *Values) lineSecrets(ctx context.Context, m lumo.MerchantID, f filter) ([]edgeapi.Entry, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT number, id, messaging_secret_enc
  FROM channel
 WHERE merchant_id = $1 AND ($2::bigint = 0 OR number = $2)`, m, int64(f.channel))
	keys, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (sealedKey, error) {
		k := sealedKey{column: [2]string{"channel", "messaging_secret_enc"}}
		var number int64
		err := r.Scan(&number, &k.row, &k.sealed)
		k.ref = edgeapi.Ref(edgeapi.KeyLINE, lineKey, uint32(number))
		return k, err
	})
	if err != nil {
		return nil, postgres.Fault("postgres.lineSecrets", err)
	}
	return v.open(ctx, m, keys), nil
}

// klaviyoSecrets reads the secrets that Klaviyo signs system webhooks with.
func (v *Values) klaviyoSecrets(ctx context.Context, m lumo.MerchantID, f filter) ([]edgeapi.Entry, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT number, id, webhook_secret_enc
  FROM klaviyo_account
 WHERE merchant_id = $1 AND webhook_secret_enc IS NOT NULL AND ($2::bigint = 0 OR number = $2)`,
		m, int64(f.channel))
	keys, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (sealedKey, error) {
		k := sealedKey{column: [2]string{"klaviyo_account", "webhook_secret_enc"}}
		var number int64
		err := r.Scan(&number, &k.row, &k.sealed)
		k.ref = edgeapi.Ref(edgeapi.KeyKlaviyo, lineKey, uint32(number))
		return k, err
	})
	if err != nil {
		return nil, postgres.Fault("postgres.klaviyoSecrets", err)
	}
	return v.open(ctx, m, keys), nil
}

// flowKeys reads the hashes of flow keys; edges never get the keys themselves.
func (v *Values) flowKeys(ctx context.Context, m lumo.MerchantID, f filter) ([]edgeapi.Entry, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT c.number, k.number, k.hash, k.valid_until
  FROM flow_key k
  JOIN channel c ON c.merchant_id = k.merchant_id AND c.id = k.channel_id
 WHERE k.merchant_id = $1 AND ($2::bigint = 0 OR c.number = $2 AND k.number = $3)`, m, int64(f.channel),
		int64(f.number))
	entries, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (edgeapi.Entry, error) {
		var channel int64
		var number int
		var hash []byte
		var until *time.Time
		err := r.Scan(&channel, &number, &hash, &until)
		return v.keyEntry(edgeapi.Ref(edgeapi.KeyFlow, uint16(number), uint32(channel)), hash, until), err
	})
	return entries, postgres.Fault("postgres.flowKeys", err)
}
