// Package postgrestest gives each test a PostgreSQL database of its own, migrated.
//
// The server is LUMO_TEST_DATABASE_URL where set (make test starts one for all
// packages), else a private one that Main starts for this test binary and stops
// after it. Databases are cloned from one migrated template and dropped afterwards.
package postgrestest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that pgtestdb clones with
	"github.com/peterldowns/pgtestdb"

	"lumo/core/postgres"
	"lumo/core/postgres/embedded"
)

const (
	serverVariable = "LUMO_TEST_DATABASE_URL"
	soakVariable   = "LUMO_SOAK" // long runs are wanted
)

// Main runs the tests of a package with a server. Use it as TestMain's whole body:
// os.Exit(postgrestest.Main(m)).
func Main(m *testing.M) int {
	if os.Getenv(serverVariable) != "" {
		return m.Run()
	}
	dir, err := embedded.ThrowAwayDir(os.Getenv(soakVariable) != "")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	server, err := embedded.Start(context.Background(), embedded.Config{
		Dir: filepath.Join(dir, "pg"), CacheDir: cacheDir(), Unsafe: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer server.Stop()
	if err := os.Setenv(serverVariable, server.URL()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// URL is the address of a fresh, migrated database that lives as long as the test.
// Its role is a superuser, as migrations need; the product's pool steps down by itself.
func URL(t testing.TB) string {
	t.Helper()
	server, err := url.Parse(os.Getenv(serverVariable))
	if err != nil || server.Host == "" {
		t.Fatalf("%s is not set: the package's TestMain must call postgrestest.Main", serverVariable)
	}
	password, _ := server.User.Password()
	made := pgtestdb.Custom(t, pgtestdb.Config{
		DriverName: "pgx", Host: server.Hostname(), Port: server.Port(), User: server.User.Username(),
		Password: password, Database: filepath.Base(server.Path), Options: "sslmode=disable",
		TestRole: &pgtestdb.Role{Username: "lumo_test", Password: "lumo_test", Capabilities: "SUPERUSER"},
	}, migrator{})
	return made.URL()
}

// Waits returns when a transaction waits for another one, or done is closed. in runs something in a
// transaction of the test's database.
func Waits(t testing.TB, in func(fn func(context.Context) error), done <-chan struct{}) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for waiting := false; !waiting; {
		in(func(ctx context.Context) error {
			return postgres.Tx(ctx).QueryRow(ctx, `
SELECT EXISTS (
       SELECT
         FROM pg_locks AS w
         JOIN pg_locks AS h USING (pid)
        WHERE NOT w.granted AND h.database = (SELECT oid FROM pg_database WHERE datname = current_database()))`).Scan(&waiting)
		})
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
}

// migrator tells pgtestdb when a template is out of date, and makes it.
type migrator struct{}

func (migrator) Hash() (string, error) {
	files, err := postgres.Migrations()
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(files, name)
		sum.Write([]byte(name))
		sum.Write(b)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)), err
}

func (migrator) Migrate(ctx context.Context, _ *sql.DB, c pgtestdb.Config) error {
	return postgres.Migrate(ctx, c.URL())
}

func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "lumo")
}
