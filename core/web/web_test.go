package web_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lumo/core/web"
	"lumo/shared/fault"
)

// site is a running server whose API is a handler of the test's.
type site struct {
	*web.Site
	addr  string
	log   *logged
	meter *prometheus.Registry
}

type logged struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func serve(t *testing.T, pace web.Pace, ready error, api http.HandlerFunc) *site {
	t.Helper()
	s := &site{log: &logged{}, meter: prometheus.NewRegistry()}
	s.Site = web.New(web.Config{API: api, Pages: http.NotFoundHandler(), Pace: pace, Meter: web.NewMeter(s.meter),
		Ready: func(context.Context) error { return ready }, Log: slog.New(slog.NewJSONHandler(s.log, nil))})
	server := web.NewServer(s.Site)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return s
}

// say sends text on a connection of its own and leaves it open.
func (s *site) say(t *testing.T, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

// end reads until the server closes the connection, which it must.
func end(t *testing.T, conn net.Conn) string {
	t.Helper()
	text, err := io.ReadAll(conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection stays open")
	}
	return string(text)
}

func TestWhoSendsHeadersSlowlyIsLeft(t *testing.T) {
	t.Parallel()
	s := serve(t, web.Pace{Header: 50 * time.Millisecond}, nil, func(http.ResponseWriter, *http.Request) {
		t.Error("the request was handled")
	})
	end(t, s.say(t, "GET /api/x HTTP/1.1\r\nHost: x\r\nX-Slow: "))
}

func TestWhoSendsABodySlowlyIsLeft(t *testing.T) {
	t.Parallel()
	read := make(chan error, 1)
	s := serve(t, web.Pace{Body: 50 * time.Millisecond, Rate: 1 << 30}, nil, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		read <- err
		w.WriteHeader(http.StatusBadRequest)
	})
	conn := s.say(t, "POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
	if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	end(t, conn)
	// Nobody needs to read it for that.
	unread := serve(t, web.Pace{Body: 50 * time.Millisecond, Rate: 1 << 30}, nil, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
	})
	end(t, unread.say(t, "POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"))
}

// The limit is the body's: what the handler does then may take as long as it takes.
func TestALongAnswerIsNotCutOff(t *testing.T) {
	t.Parallel()
	s := serve(t, web.Pace{Body: 50 * time.Millisecond, Rate: 1 << 30}, nil, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
		select {
		case <-r.Context().Done():
			t.Error("the request was given up")
		case <-time.After(150 * time.Millisecond): // three times the body's
		}
		_, _ = io.WriteString(w, "done")
	})
	conn := s.say(t, "POST /api/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody")
	if got := end(t, conn); !strings.HasSuffix(got, "done") {
		t.Errorf("got %q", got)
	}
}

func TestWhoTakesNothingOfAnAnswerIsLeft(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	s := serve(t, web.Pace{Read: 50 * time.Millisecond}, nil, func(w http.ResponseWriter, _ *http.Request) {
		part := make([]byte, 1<<20)
		for {
			if _, err := w.Write(part); err != nil {
				failed <- err
				return
			}
		}
	})
	s.say(t, "GET /api/x HTTP/1.1\r\nHost: x\r\n\r\n")
	if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestOversizedHeadersAreRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, web.Pace{}, nil, func(http.ResponseWriter, *http.Request) { t.Error("the request was handled") })
	conn := s.say(t, "GET /api/x HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("a", 24<<10)+"\r\n\r\n")
	if got := end(t, conn); !strings.HasPrefix(got, "HTTP/1.1 431") {
		t.Errorf("got %.40q", got)
	}
}

func TestWhoLeavesSaysSo(t *testing.T) {
	t.Parallel()
	s := serve(t, web.Pace{}, nil, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "answer") })
	ask := func(path string) (*http.Response, string) {
		conn := s.say(t, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(body)
	}
	if res, text := ask("/readyz"); res.StatusCode != 200 || res.Close || text != "ready\n" {
		t.Errorf("before: got %d %q", res.StatusCode, text)
	}
	s.Leave()
	if res, text := ask("/readyz"); res.StatusCode != 503 || text != "stopping\n" {
		t.Errorf("leaving: got %d %q", res.StatusCode, text)
	}
	if res, text := ask("/healthz"); res.StatusCode != 200 || text != "alive\n" {
		t.Errorf("leaving it lives still: got %d %q", res.StatusCode, text)
	}
	if res, text := ask("/api/x"); res.StatusCode != 200 || !res.Close || text != "answer" {
		t.Errorf("leaving it answers still, for the last time: got %d, last %v", res.StatusCode, res.Close)
	}
}

func TestReadyzSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]string{errors.New("canary"): "The database does not answer.\n",
		fault.New(fault.Unavailable, "x", "The schema is old."): "The schema is old.\n"} {
		s := serve(t, web.Pace{}, err, http.NotFound)
		conn := s.say(t, "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if got := end(t, conn); !strings.HasPrefix(got, "HTTP/1.1 503") || !strings.HasSuffix(got, "\r\n\r\n"+want) {
			t.Errorf("got %q", got)
		}
	}
}

func TestABugCostsOneRequestAndTellsNothing(t *testing.T) {
	t.Parallel()
	s := serve(t, web.Pace{}, nil, func(_ http.ResponseWriter, r *http.Request) {
		panic("canary " + r.Header.Get("X-Canary"))
	})
	conn := s.say(t, "GET /api/canary?canary=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Canary: canary\r\n\r\n")
	if got := end(t, conn); !strings.HasPrefix(got, "HTTP/1.1 500") || strings.Contains(got, "canary") {
		t.Errorf("got %q", got)
	}
	if got := s.log.String(); !strings.Contains(got, "met a bug") || strings.Contains(got, "canary") {
		t.Errorf("got the log %s", got)
	}
}

func TestRequestsAreCountedByClassAlone(t *testing.T) {
	t.Parallel()
	s := serve(t, web.Pace{}, nil, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "bad") {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	for _, path := range []string{"/api/mer_canary", "/api/bad", "/oauth/canary", "/canary", "/healthz", "/edge/v1/requests"} {
		end(t, s.say(t, "GET "+path+" HTTP/1.1\r\nHost: canary\r\nConnection: close\r\n\r\n"))
	}
	families, err := s.meter.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]uint64{}
	for _, f := range families {
		for _, m := range f.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetValue())
			}
			if h := m.Histogram; h != nil {
				got[strings.Join(labels, " ")] = h.GetSampleCount()
			}
		}
	}
	for want, n := range map[string]uint64{"api 2xx": 1, "api 4xx": 1, "oauth 2xx": 1, "page 4xx": 1, "health 2xx": 1,
		"edge_request 4xx": 1} {
		if got[want] != n {
			t.Errorf("%s: got %d want %d of %v", want, got[want], n, got)
		}
	}
	if len(got) != 6 {
		t.Errorf("got %v", got)
	}
}
