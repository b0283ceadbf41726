package postgres_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/postgres/postgrestest"
	"lumo/shared/fault"
	"lumo/shared/id"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

func open(t *testing.T) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(context.Background(), postgrestest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

func merchant(n byte) lumo.MerchantID { return lumo.MerchantID(id.New(1, [10]byte{n})) }

func TestTenantSeesItsOwnRowsOnly(t *testing.T) {
	t.Parallel()
	db, ctx := open(t), context.Background()
	for _, n := range []byte{1, 2} {
		if err := db.InTenant(ctx, merchant(n), func(ctx context.Context) error { return addMerchant(ctx, merchant(n), n) }); err != nil {
			t.Fatal(err)
		}
	}
	err := db.InTenant(ctx, merchant(1), func(ctx context.Context) error {
		var count int
		if err := postgres.Tx(ctx).QueryRow(ctx, "SELECT count(*) FROM merchant").Scan(&count); err != nil {
			return err
		}
		if count != 1 {
			t.Errorf("got %d merchants want 1", count)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func addMerchant(ctx context.Context, m lumo.MerchantID, n byte) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO merchant (merchant_id, slug, name, data_key_enc, index_key_enc, created_at, updated_at)
		VALUES ($1, $2, 'Tea', '\x00', '\x00', now(), now())`, m, "shop-"+string('a'+rune(n)))
	return err
}

func TestUnsetTenantIsAnError(t *testing.T) {
	t.Parallel()
	db, ctx := open(t), context.Background()
	for name, run := range map[string]func(context.Context) error{
		"system": func(ctx context.Context) error { return db.InSystem(ctx, countMerchants) },
		"after a tenant on the same connection": func(ctx context.Context) error {
			if err := db.InTenant(ctx, merchant(1), countMerchants); err != nil {
				t.Fatal(err)
			}
			return db.InSystem(ctx, countMerchants)
		},
		"no transaction": countMerchants,
	} {
		if err := run(ctx); err == nil {
			t.Errorf("%s: rows were readable", name)
		}
	}
}

func countMerchants(ctx context.Context) error {
	var n int
	return postgres.Tx(ctx).QueryRow(ctx, "SELECT count(*) FROM merchant").Scan(&n)
}

func TestNestedCallsShareOneTransaction(t *testing.T) {
	t.Parallel()
	db, ctx := open(t), context.Background()
	stop := errors.New("stop")
	ran := false
	err := db.InTenant(ctx, merchant(1), func(ctx context.Context) error {
		db.AfterCommit(ctx, func() { ran = true })
		inner := db.InTenant(ctx, merchant(1), func(ctx context.Context) error { return addMerchant(ctx, merchant(1), 1) })
		return errors.Join(inner, stop)
	})
	if !errors.Is(err, stop) {
		t.Fatalf("got %v want stop", err)
	}
	if ran {
		t.Error("a hook ran although nothing was committed")
	}
	err = db.InTenant(ctx, merchant(1), func(ctx context.Context) error {
		var n int
		err := postgres.Tx(ctx).QueryRow(ctx, "SELECT count(*) FROM merchant").Scan(&n)
		if n != 0 {
			t.Errorf("got %d rows want none: the inner call committed by itself", n)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAnotherTenantInsideIsRefused(t *testing.T) {
	t.Parallel()
	db, ctx := open(t), context.Background()
	err := db.InTenant(ctx, merchant(1), func(ctx context.Context) error {
		return db.InTenant(ctx, merchant(2), countMerchants)
	})
	if err == nil {
		t.Error("a transaction changed its tenant")
	}
}

// Transactions that fill the pool each begin another one: were that one to wait for the pool,
// all would wait for each other.
func TestTransactionApartNeedsNoConnectionOfThePool(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	url, err := url.Parse(postgrestest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	query := url.Query()
	query.Set("pool_max_conns", "2")
	url.RawQuery = query.Encode()
	db, err := postgres.Open(ctx, url.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	var inside, all sync.WaitGroup
	inside.Add(2)
	for n := range byte(2) {
		all.Go(func() {
			err := db.InTenant(ctx, merchant(n+1), func(ctx context.Context) error {
				inside.Done()
				inside.Wait() // the pool is empty now
				return db.InTenant(postgres.Apart(ctx), merchant(n+1), func(ctx context.Context) error {
					return addMerchant(ctx, merchant(n+1), n)
				})
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestKindsComeFromCodes(t *testing.T) {
	t.Parallel()
	db, ctx := open(t), context.Background()
	for name, c := range map[string]struct {
		sql  string
		want fault.Kind
	}{
		"twice":      {"INSERT INTO sign_in_try VALUES ('a', 1, now()), ('a', 1, now())", fault.Conflict},
		"bad value":  {"INSERT INTO hook_route VALUES ('short', gen_random_uuid(), 'line', gen_random_uuid(), now())", fault.Invalid},
		"NUL":        {`SELECT '{"name":"a\u0000b"}'::jsonb ->> 'name'`, fault.Invalid},
		"bad syntax": {"SELEKT", fault.Internal},
	} {
		err := db.InSystem(ctx, func(ctx context.Context) error {
			_, err := postgres.Tx(ctx).Exec(ctx, c.sql)
			return postgres.Fault("test", err)
		})
		if got := fault.KindOf(err); got != c.want {
			t.Errorf("%s: got %s want %s (%v)", name, got, c.want, err)
		}
	}
}
