package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"lumo/core/postgres/postgrestest"
)

// globals are the tables without a tenant: no personal data, no row-level security.
func globals() []string {
	return []string{"hook_route", "number", "work", "sign_in", "sign_in_try", "session", "operator", "edge", "edge_code",
		"edge_change", "edge_minute", "fleet_log", "module_set", "module_file", "system_hold", "core_key", "edge_kept",
		"media_route", "klaviyo_site", "daily_run", "run_turn", "api_key", "goose_db_version"}
}

// tables lists the schema's tables, partitions too.
func tables(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	rows, err := conn.Query(context.Background(), `
		SELECT c.relname
		FROM pg_class AS c
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
		ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// loosen takes away what keeps a made-up row out, in this scratch database alone: foreign
// keys, checks and required columns. Keys and policies stay.
func loosen(t *testing.T, conn *pgx.Conn, table string) {
	t.Helper()
	ctx := context.Background()
	for _, query := range []string{`
		SELECT format('ALTER TABLE %I DROP CONSTRAINT IF EXISTS %I CASCADE', $1::text, conname)
		FROM pg_constraint
		WHERE conrelid = ('public.' || quote_ident($1))::regclass AND contype IN ('f', 'c')`, `
		SELECT format('ALTER TABLE %I ALTER COLUMN %I DROP NOT NULL', $1::text, a.attname)
		FROM pg_attribute AS a
		WHERE a.attrelid = ('public.' || quote_ident($1))::regclass AND a.attnum > 0 AND a.attnotnull AND NOT a.attisdropped
			AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey))
			AND a.attidentity = ''`} {
		rows, err := conn.Query(ctx, query, table)
		if err != nil {
			t.Fatal(err)
		}
		statements, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range statements {
			if _, err := conn.Exec(ctx, s); err != nil && !strings.Contains(err.Error(), "inherited") &&
				!strings.Contains(err.Error(), "does not exist") {
				t.Fatalf("%s: %v", s, err)
			}
		}
	}
}

// insert makes the smallest row of a merchant: its key and nothing else.
func insert(t *testing.T, conn *pgx.Conn, table, merchant string) string {
	t.Helper()
	rows, err := conn.Query(context.Background(), `
		SELECT a.attname, format_type(a.atttypid, NULL)
		FROM pg_index AS i
		JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
		WHERE i.indrelid = ('public.' || quote_ident($1))::regclass AND i.indisprimary AND a.attname <> 'merchant_id'`, table)
	if err != nil {
		t.Fatal(err)
	}
	columns, values := []string{"merchant_id"}, []string{"'" + merchant + "'"}
	var name, kind string
	_, err = pgx.ForEachRow(rows, []any{&name, &kind}, func() error {
		value := map[string]string{"uuid": "gen_random_uuid()", "bytea": "'\\x01'", "date": "current_date",
			"timestamp with time zone": "now()"}[kind]
		if value == "" {
			value = "'1'"
		}
		columns, values = append(columns, name), append(values, value)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", pgx.Identifier{table}.Sanitize(), strings.Join(columns, ", "), strings.Join(values, ", "))
}

const (
	merchantA = "00000000-0000-0000-0000-00000000000a"
	merchantB = "00000000-0000-0000-0000-00000000000b"
)

// leaks tries to reach merchant A's row as merchant B, in every way, in every table that is
// not listed as global.
func leaks(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	ctx := context.Background()
	var found []string
	for _, table := range tables(t, conn) {
		if slices.Contains(globals(), table) {
			continue
		}
		loosen(t, conn, table)
		insertA := insert(t, conn, table, merchantA)
		if _, err := conn.Exec(ctx, insertA); err != nil {
			found = append(found, fmt.Sprintf("%s: it is no tenant table and not listed as global: %v", table, err))
			continue
		}
		found = append(found, reach(t, conn, table, insertA)...)
	}
	return found
}

func reach(t *testing.T, conn *pgx.Conn, table, insertA string) []string {
	t.Helper()
	ctx := context.Background()
	var found []string
	as := func(what, sql string, count bool) {
		tx, err := conn.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback(ctx)
		if _, err := tx.Exec(ctx, "SET LOCAL ROLE lumo_app"); err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(ctx, "SELECT set_config('lumo.merchant', $1, true)", merchantB); err != nil {
			t.Fatal(err)
		}
		tag, err := tx.Exec(ctx, sql)
		if err == nil && (!count || tag.RowsAffected() > 0) {
			found = append(found, table+": merchant B can "+what)
		}
	}
	name := pgx.Identifier{table}.Sanitize()
	as("read", "SELECT merchant_id FROM "+name+" WHERE merchant_id = '"+merchantA+"'", true)
	as("change", "UPDATE "+name+" SET merchant_id = merchant_id WHERE merchant_id = '"+merchantA+"'", true)
	as("delete", "DELETE FROM "+name+" WHERE merchant_id = '"+merchantA+"'", true)
	as("insert for merchant A", insertA, false)
	return found
}

func connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), postgrestest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func TestNoTableLetsAnotherTenantIn(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	if got := len(tables(t, conn)); got < 30 {
		t.Fatalf("got %d tables: the schema is not here", got)
	}
	for _, leak := range leaks(t, conn) {
		t.Error(leak)
	}
}

func TestOneDroppedPolicyIsCaught(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"policy that lets all in": "DROP POLICY tenant ON friend; CREATE POLICY tenant ON friend USING (true)",
		"security switched off":   "ALTER TABLE friend DISABLE ROW LEVEL SECURITY",
		"a table of neither kind": "CREATE TABLE stray (id uuid PRIMARY KEY, email text)",
		"a tenant table without":  "CREATE TABLE stray (merchant_id uuid, id uuid, PRIMARY KEY (merchant_id, id)); GRANT ALL ON stray TO lumo_app",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := connect(t)
			if _, err := conn.Exec(context.Background(), sql); err != nil {
				t.Fatal(err)
			}
			if len(leaks(t, conn)) == 0 {
				t.Error("it was not noticed")
			}
		})
	}
}

// Forced means: also for the tables' owner.
func TestSecurityIsForcedForOwnersToo(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	rows, err := conn.Query(context.Background(), `
		SELECT relname
		FROM pg_class
		WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity)`)
	if err != nil {
		t.Fatal(err)
	}
	open, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range open {
		if !slices.Contains(globals(), table) {
			t.Errorf("%s has no forced row-level security", table)
		}
	}
}
