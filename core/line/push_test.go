package line_test

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"lumo/core/delivery"
)

// TestWhatAnAnswerProves has LINE answer a push in every way, whole or broken off.
func TestWhatAnAnswerProves(t *testing.T) {
	t.Parallel()
	say := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, text)
		}
	}
	hangUp := func(before string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, to, err := w.(http.Hijacker).Hijack()
			if err == nil {
				to.WriteString(before)
				to.Flush()
				conn.Close()
			}
		}
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   delivery.Result
	}{
		"taken":               {say(200, `{"sentMessages":[{"id":"1"}]}`), delivery.Result{Verdict: delivery.TakenByLINE, Status: 200, RequestID: "req-1"}},
		"taken without words": {say(200, ""), delivery.Result{Verdict: delivery.TakenByLINE, Status: 200, RequestID: "req-1"}},
		"taken, broken off": {hangUp("HTTP/1.1 200 OK\r\nX-Line-Request-Id: req-1\r\nContent-Length: 900\r\n\r\n{"),
			delivery.Result{Verdict: delivery.TakenByLINE, Status: 200, RequestID: "req-1"}},
		"broken off in the head": {hangUp("HTTP/1.1 200 OK\r\nX-Line-Re"), delivery.Result{Verdict: delivery.Unanswered}},
		"no answer":              {hangUp(""), delivery.Result{Verdict: delivery.Unanswered}},
		"refused, broken off": {hangUp("HTTP/1.1 400 Bad Request\r\nX-Line-Request-Id: req-1\r\nContent-Length: 900\r\n\r\n{"),
			delivery.Result{Verdict: delivery.Unanswered, Status: 400, RequestID: "req-1"}},
		"taken before": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Line-Accepted-Request-Id", "req-0")
			say(409, `{"message":"The retry key is already accepted"}`)(w, r)
		}, delivery.Result{Verdict: delivery.TakenByLINE, Status: 409, RequestID: "req-0"}},
		"refused": {say(400, `{"message":"to[2] is wrong"}`), delivery.Result{Verdict: delivery.Refused, Status: 400, RequestID: "req-1", Bad: 3,
			Refusal: delivery.Refusal{Words: "to[2] is wrong"}}},
		"refused for the person": {say(400, `{"message":"The property, 'to', in the request body is invalid (line: -, column: -)"}`),
			delivery.Result{Verdict: delivery.Refused, Status: 400, RequestID: "req-1", Refusal: delivery.Refusal{Kind: "person",
				Words: "The property, 'to', in the request body is invalid (line: -, column: -)"}}},
		"refused for the message": {say(400, `{"message":"A message (messages[0]) in the request body is invalid",`+
			`"details":[{"message":"invalid property U0123456789abcdef0123456789abcdef","property":"/footer/contents/2"}]}`),
			delivery.Result{Verdict: delivery.Refused, Status: 400, RequestID: "req-1", Refusal: delivery.Refusal{Kind: "message",
				Words: "A message (messages[0]) in the request body is invalid; invalid property U…cdef /footer/contents/2"}}},
		"redirect":  {say(307, ""), delivery.Result{Verdict: delivery.Refused, Status: 307, RequestID: "req-1"}},
		"fails":     {say(500, "{}"), delivery.Result{Verdict: delivery.Unanswered, Status: 500, RequestID: "req-1"}},
		"too fast":  {say(429, `{"message":"The API rate limit has been exceeded."}`), delivery.Result{Verdict: delivery.SlowDown, Status: 429, RequestID: "req-1"}},
		"used up":   {say(429, `{"message":"You have reached your monthly limit."}`), delivery.Result{Verdict: delivery.UsedUp, Status: 429, RequestID: "req-1"}},
		"forbidden": {say(403, "{}"), delivery.Result{Verdict: delivery.AccountFails, Status: 403, RequestID: "req-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var tries atomic.Int64
			client, _, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
				tries.Add(1)
				c.answer(w, r)
			})
			if got := client.Push(t.Context(), keys(), uuid.New(), []byte("{}")); got != c.want {
				t.Errorf("got %+v want %+v", got, c.want)
			}
			if n := tries.Load(); n != 1 {
				t.Errorf("LINE was asked %d times", n)
			}
		})
	}
}

func TestAPushIsTheseBytesUnderThisKey(t *testing.T) {
	t.Parallel()
	key, body := uuid.New(), `{"to":"U1","messages":[{"type":"text","text":"tea ❤"}]}`
	client, _, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		got, _ := io.ReadAll(r.Body)
		if string(got) != body || r.Header.Get("X-Line-Retry-Key") != key.String() || r.Method != http.MethodPost ||
			r.URL.Path != "/line-api/v2/bot/message/push" || r.Header.Get("Authorization") != "Bearer canary-token-1" ||
			r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("got %s %s %v %s", r.Method, r.URL.Path, r.Header, got)
		}
	})
	for range 3 { // the second goes over the first one's connection
		if got := client.Push(t.Context(), keys(), key, []byte(body)); got.Verdict != delivery.TakenByLINE {
			t.Errorf("got %+v", got)
		}
	}
}

func TestAPushEndsWithItsTime(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	client, _, _ := server(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-done:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(done) })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if got := client.Push(ctx, keys(), uuid.New(), []byte("{}")); got.Verdict != delivery.Unanswered {
		t.Errorf("got %+v", got)
	}
}
