package chaos_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/jackc/pgx/v5"
)

// session signs in as a browser does and gives the cookie and the merchant's path.
func (w *world) session(ctx context.Context) (cookie, merchant string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.CoreURL()+"/api/v1/sign_in",
		strings.NewReader(fmt.Sprintf(`{"email":%q,"password":%q}`, w.shop.Email, w.shop.Password)))
	w.must(err)
	req.Header.Set("Content-Type", "application/json")
	res, err := w.client.Do(req)
	w.must(err)
	w.must(res.Body.Close())
	for _, c := range res.Cookies() {
		cookie = c.Name + "=" + c.Value
	}
	return cookie, "/api/v1/merchants/" + w.console.Merchant
}

// keepAsking asks on one connection, as a proxy does, until an answer says that it is the last.
func keepAsking(addr, request string, answered *atomic.Int64) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	for {
		if _, err := io.WriteString(conn, request); err != nil {
			return err
		}
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, res.Body)
		if err = errors.Join(err, res.Body.Close()); err != nil {
			return err
		}
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("answered %d", res.StatusCode)
		}
		answered.Add(1)
		if res.Close {
			return nil
		}
	}
}

func TestCoreStopsUnderLoadWithoutAFailedRequest(t *testing.T) {
	w := newWorld(t)
	w.begin()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	const calls = 150
	cookie, merchant := w.session(ctx)
	socket, res, err := websocket.DefaultDialer.DialContext(ctx, "ws"+strings.TrimPrefix(w.CoreURL(), "http")+merchant+"/live",
		http.Header{"Cookie": {cookie}, "Origin": {w.CoreURL()}})
	if err != nil {
		t.Fatalf("%v: %+v", err, res)
	}
	closed := make(chan error, 1)
	go func() {
		for {
			if _, _, err := socket.ReadMessage(); err != nil {
				closed <- err
				return
			}
		}
	}()
	ask := "GET " + merchant + "/channels/" + w.shop.Channel + "/home HTTP/1.1\r\nHost: " + w.CoreAddr + "\r\nCookie: " + cookie + "\r\n\r\n"
	var asking sync.WaitGroup
	var answered atomic.Int64
	for range 4 {
		asking.Go(func() {
			if err := keepAsking(w.CoreAddr, ask, &answered); err != nil {
				t.Error("a page:", err)
			}
		})
	}
	loaded := make(chan error, 1)
	go func() { loaded <- w.load(ctx, 0, calls, 50, nil) }()
	for w.calls.Load() < calls/3 || answered.Load() < 20 {
		w.must(ctx.Err())
		<-yield()
	}
	w.must(w.StopCore())
	asking.Wait()
	if err := <-closed; !websocket.IsCloseError(err, websocket.CloseGoingAway) {
		t.Errorf("the console's websocket ended with %v", err)
	}
	conn, err := pgx.Connect(ctx, w.DatabaseURL())
	w.must(err)
	defer conn.Close(ctx)
	var unsettled, sessions int
	w.must(conn.QueryRow(ctx, `
SELECT (SELECT count(*) FROM delivery WHERE state = 'sending'),
       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid())`).
		Scan(&unsettled, &sessions))
	if unsettled != 0 || sessions != 0 {
		t.Errorf("%d deliveries are without an outcome, %d connections are open", unsettled, sessions)
	}
	w.must(w.StartCore(ctx))
	w.must(<-loaded)
	w.settle(calls)
	w.linked(ctx)
	t.Logf("%d pages and %d calls answered, none failed", answered.Load(), w.calls.Load())
}
