package console_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"lumo/core/console"
)

// awayStore is a database that does not answer.
type awayStore struct{}

var errAway = errors.New("away")

func (awayStore) Find(string) ([]byte, bool, error)       { return nil, false, errAway }
func (awayStore) Commit(string, []byte, time.Time) error  { return errAway }
func (awayStore) Delete(string) error                     { return errAway }
func (awayStore) DeleteCtx(context.Context, string) error { return errAway }
func (awayStore) FindCtx(context.Context, string) ([]byte, bool, error) {
	return nil, false, errAway
}
func (awayStore) CommitCtx(context.Context, string, []byte, time.Time) error { return errAway }

func TestWhoLeavesEarlyIsNoError(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	api := console.New(console.Config{Sessions: awayStore{}, Log: slog.New(slog.NewTextHandler(&log, nil)), Now: time.Now})
	ask := func(ctx context.Context) {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/v1/me", nil)
		r.AddCookie(&http.Cookie{Name: "__Host-lumo_session", Value: "any"})
		api.Handler().ServeHTTP(httptest.NewRecorder(), r)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if ask(gone); log.Len() > 0 {
		t.Errorf("a closed tab is logged: %s", &log)
	}
	if ask(t.Context()); log.Len() == 0 {
		t.Error("a database that is away is not logged")
	}
}
