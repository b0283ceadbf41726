package line_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lumo/core/line"
	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/shared/fault"
)

func keys() lumo.Keys { return lumo.Keys{ID: "1657000001", Secret: "canary-secret"} }

// server answers tokens by itself and everything else by handle.
func server(t *testing.T, handle http.HandlerFunc) (*line.Client, *atomic.Int64, func(time.Duration)) {
	t.Helper()
	var issued atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Line-Request-Id", "req-1")
		if r.URL.Path == "/line-api/oauth2/v3/token" {
			n := issued.Add(1)
			if r.FormValue("client_secret") != keys().Secret {
				w.WriteHeader(http.StatusBadRequest)
				io.WriteString(w, `{"error":"invalid_request","error_description":"Invalid 'client_credentials'."}`)
				return
			}
			io.WriteString(w, `{"access_token":"canary-token-`+string('0'+rune(n))+`","expires_in":900,"token_type":"Bearer"}`)
			return
		}
		handle(w, r)
	}))
	t.Cleanup(s.Close)
	var mu sync.Mutex
	clock := now()
	c, err := line.New(line.Config{API: s.URL + "/line-api/", Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return clock
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c, &issued, func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		clock = clock.Add(d)
	}
}

func quiet(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") }

func TestTokenIsFetchedOnceForAll(t *testing.T) {
	t.Parallel()
	c, issued, pass := server(t, quiet)
	var wait sync.WaitGroup
	for range 32 {
		wait.Go(func() {
			if _, err := c.Token(t.Context(), keys()); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if n := issued.Load(); n != 1 {
		t.Errorf("%d tokens issued, want 1", n)
	}
	pass(12*time.Minute + time.Second)
	if token, err := c.Token(t.Context(), keys()); err != nil || token != "canary-token-2" {
		t.Errorf("after 12 minutes: got %q %v", token, err)
	}
}

func TestCallerWhoLeavesTakesNoTokenAway(t *testing.T) {
	t.Parallel()
	c, _, _ := server(t, quiet)
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := c.Token(gone, keys()); err != nil && !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
	if _, err := c.Token(t.Context(), keys()); err != nil {
		t.Errorf("the others: %v", err)
	}
}

func TestWrongKeysAreUnauthenticated(t *testing.T) {
	t.Parallel()
	c, _, _ := server(t, quiet)
	err := c.CheckKeys(t.Context(), lumo.Keys{ID: "1", Secret: "other-canary"})
	if !fault.Is(err, fault.Unauthenticated) || line.StatusOf(err) != 400 {
		t.Errorf("got %v", err)
	}
}

func TestRefusedTokenIsReplacedOnce(t *testing.T) {
	t.Parallel()
	c, issued, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer canary-token-1" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		io.WriteString(w, `{"userId":"`+user+`","basicId":"@hana","displayName":"Hana"}`)
	})
	if a, err := c.Account(t.Context(), keys()); err != nil || a.BasicID != "@hana" {
		t.Errorf("got %+v %v", a, err)
	}
	if n := issued.Load(); n != 2 {
		t.Errorf("%d tokens, want 2", n)
	}
}

func TestErrorsKeepStatusAndRequestIDAndNothingElse(t *testing.T) {
	t.Parallel()
	for status, kind := range map[int]fault.Kind{400: fault.Invalid, 401: fault.Unauthenticated,
		403: fault.Forbidden, 404: fault.NotFound, 409: fault.Conflict, 429: fault.Limited, 500: fault.Unavailable} {
		c, _, _ := server(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, `{"message":"canary-body"}`)
		})
		for name, call := range map[string]func() error{
			"profile": func() error { _, err := c.Profile(t.Context(), keys(), user); return err },
			"set":     func() error { return c.SetEndpoint(t.Context(), keys(), "https://canary.example") },
			"code": func() error {
				_, err := c.Exchange(t.Context(), keys(), linkage.AuthorizationCode{Code: "canary-code", Verifier: "v", Nonce: "n"})
				return err
			},
			"friend": func() error { _, err := c.Friendship(t.Context(), "canary-user-token"); return err },
			"leave":  func() error { return c.Deauthorize(t.Context(), keys(), "canary-user-token") },
		} {
			err := call()
			var typed *line.Error
			if !fault.Is(err, kind) || !errors.As(err, &typed) || typed.Status != status || typed.RequestID != "req-1" {
				t.Errorf("%s %d: got %v", name, status, err)
			}
			if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), user) {
				t.Errorf("%s %d: the error tells too much: %v", name, status, err)
			}
		}
	}
}

func TestNoAnswerNamesNeitherPersonNorSecret(t *testing.T) {
	t.Parallel()
	c, _, _ := server(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	})
	_, err := c.Profile(t.Context(), keys(), user)
	if !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), user) || line.StatusOf(err) != 0 {
		t.Errorf("got %v", err)
	}
}

// A name may hold anything. It reaches the database as text that the database takes.
func TestNamesComeAsTextThatCanBeStored(t *testing.T) {
	t.Parallel()
	c, _, _ := server(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"userId":"`+user+`","displayName":"Yu\u0000ki \ud83c\udf75\ud800`+"\xff"+`","pictureUrl":"https://x/\u0000"}`)
	})
	got, err := c.Profile(t.Context(), keys(), user)
	if want := "Yuki 🍵\ufffd\ufffd"; err != nil || got.Name != want || got.PictureURL != "https://x/" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestUserIDIsCheckedBeforeItBecomesAPath(t *testing.T) {
	t.Parallel()
	c, issued, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("LINE was called: %s", r.URL.Path)
	})
	for _, bad := range []lumo.LineUserID{"", "../../bot/info", "U1", user + "0", lumo.LineUserID("u" + user[1:]), "U1111111111111111111111111111AAAA"} {
		if _, err := c.Profile(t.Context(), keys(), bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: got %v", bad, err)
		}
	}
	if issued.Load() != 0 {
		t.Error("a token was fetched for nothing")
	}
}

func TestNoWebhookSetIsAnEmptyURL(t *testing.T) {
	t.Parallel()
	c, _, _ := server(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"message":"Webhook endpoint not found"}`)
	})
	if e, err := c.Endpoint(t.Context(), keys()); err != nil || e.URL != "" || e.Active {
		t.Errorf("got %+v %v", e, err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a token was led astray")
	}))
	defer elsewhere.Close()
	c, _, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	if _, err := c.Account(t.Context(), keys()); err == nil {
		t.Error("a redirect passed as an answer")
	}
}

func TestKeysPrintAsAPlaceholder(t *testing.T) {
	t.Parallel()
	if text := keys().String() + keys().GoString() + keys().LogValue().String(); strings.Contains(text, "canary") {
		t.Errorf("got %s", text)
	}
}
