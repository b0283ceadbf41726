package postgrestest_test

import (
	"context"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/postgres/postgrestest"
	"lumo/shared/id"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

func TestEachTestHasItsOwnDatabase(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"first", "second"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			conn, err := pgx.Connect(ctx, postgrestest.URL(t))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(ctx)
			want := lumo.MerchantID(id.New(1, [10]byte{7}))
			var got lumo.MerchantID
			if err := conn.QueryRow(ctx, "SELECT $1::uuid", want).Scan(&got); err != nil || got != want {
				t.Errorf("an id as uuid: got %v, %v want %v", got, err, want)
			}
			if _, err := conn.Exec(ctx, "INSERT INTO sign_in_try VALUES ('x', 1, now())"); err != nil {
				t.Error(err)
			}
		})
	}
}
