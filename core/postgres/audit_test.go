package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"lumo/core/postgres/postgrestest"
)

// The audit log and the history of links only grow: the application may add and read, and the
// database refuses it everything else.
func TestAuditAndLinkHistoryOnlyGrow(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, postgrestest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(ctx) })
	for _, table := range []string{"audit", "link_history"} {
		for right, want := range map[string]bool{"INSERT": true, "SELECT": true, "UPDATE": false, "DELETE": false, "TRUNCATE": false} {
			var has bool
			if err := conn.QueryRow(ctx, `SELECT has_table_privilege('lumo_app', $1, $2)`, table, right).Scan(&has); err != nil {
				t.Fatal(err)
			}
			if has != want {
				t.Errorf("%s on %s: %t, want %t", right, table, has, want)
			}
		}
	}
}
