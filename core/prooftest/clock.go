package prooftest

import (
	"context"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/postgres"
)

// clockSchema stands before PostgreSQL's own functions in the search path: every statement of
// the product that asks for the time gets the database's, moved.
const clockSchema = `
	CREATE SCHEMA proof_clock;
	CREATE TABLE proof_clock.shift (by interval NOT NULL);
	INSERT INTO proof_clock.shift VALUES ('0');
	CREATE FUNCTION proof_clock.now() RETURNS timestamptz LANGUAGE sql STABLE
		AS 'SELECT pg_catalog.now() + by FROM proof_clock.shift';
	CREATE FUNCTION proof_clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
		AS 'SELECT pg_catalog.clock_timestamp() + by FROM proof_clock.shift';
	GRANT USAGE ON SCHEMA proof_clock TO lumo_app;
	GRANT SELECT, UPDATE ON proof_clock.shift TO lumo_app`

// ownClock makes the functions and gives the address with them in front.
func ownClock(ctx context.Context, address string) (string, error) {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, clockSchema); err != nil {
		return "", err
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	q := u.Query()
	q.Set("search_path", "proof_clock,pg_catalog,public")
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// Advance lets time pass, for the database, the vendors and the senders alike.
func (w *World) Advance(ctx context.Context, d time.Duration) error {
	w.Clock.Advance(d)
	return w.DB.InSystem(ctx, func(ctx context.Context) error {
		_, err := postgres.Tx(ctx).Exec(ctx, `UPDATE proof_clock.shift SET by = by + $1`, d)
		return postgres.Fault("prooftest.Advance", err)
	})
}
