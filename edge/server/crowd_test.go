package server_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lumo/edge/edgetest"
)

const (
	shortTime  = 300 * time.Millisecond
	muchLonger = 10 * time.Second
)

// dial connects to the edge until the test ends.
func (e *edge) dial() net.Conn {
	e.t.Helper()
	conn, err := net.Dial("tcp", e.addr)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// serves checks that others are answered meanwhile.
func (e *edge) serves() {
	e.t.Helper()
	if got := e.get("/c/"+edgetest.Link(1, 42), "User-Agent", phone); got.status != http.StatusFound {
		e.t.Errorf("a neighbour: got %d", got.status)
	}
}

// Who asks and never takes an answer is left when one cannot be written in time.
func TestWhoTakesNoAnswerIsLeft(t *testing.T) {
	t.Parallel()
	e := start(t, setup{writeTime: shortTime})
	conn := e.dial()
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	asked := make(chan int64, 1)
	go func() { // until the edge takes no more; it has left when that fails
		n := int64(0)
		for requests := strings.Repeat("GET /c/x HTTP/1.1\r\nHost: x\r\n\r\n", 100); ; n += 100 {
			if _, err := io.WriteString(conn, requests); err != nil {
				asked <- n
				return
			}
		}
	}()
	begun := time.Now()
	for open := true; open; {
		select {
		case n := <-asked:
			open = false
			if took := time.Since(begun); took > muchLonger {
				t.Errorf("it was left only after %s", took)
			}
			t.Logf("it was left after %d requests and %s", n, time.Since(begun))
		default:
			e.serves()
		}
		if time.Since(begun) > soon {
			t.Fatal("it is still there")
		}
	}
	e.until("nobody is connected", func() bool { return e.server.HTTP().GetOpenConnectionsCount() == 0 })
}

// A handshake that is begun and not gone on with ends like a request that does.
func TestSlowHandshakesAreLeft(t *testing.T) {
	t.Parallel()
	e := start(t, setup{readTime: shortTime})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	shown := httptest.NewUnstartedServer(nil)
	shown.StartTLS()
	certificates := shown.TLS.Certificates
	shown.Close()
	go func() { // until the edge shuts down
		if err := e.server.Serve(tls.NewListener(l, &tls.Config{Certificates: certificates})); err != nil {
			t.Error(err)
		}
	}()
	hello := []byte{22, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3} // a long one begins
	for name, sent := range map[string][]byte{"nothing": nil, "a byte": hello[:1], "half": hello} {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(sent); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(soon)); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if _, err := io.Copy(io.Discard, conn); isTimeout(err) {
			t.Errorf("%s: it is still there", name)
		}
		if took := time.Since(begun); took < shortTime/2 {
			t.Errorf("%s: it had only %s", name, took)
		}
		_ = conn.Close()
	}
	client := &http.Client{Timeout: soon, Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	res, err := client.Get("https://" + l.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("a quick one: got %d", res.StatusCode)
	}
}

func isTimeout(err error) bool {
	failed, ok := err.(net.Error)
	return ok && failed.Timeout()
}

// Who comes when the edge is full is sent back at once, and is served when somebody has gone.
func TestConnectionsBeyondTheLimitAreSentBack(t *testing.T) {
	t.Parallel()
	const most = 8
	e := start(t, setup{connections: most})
	held := make([]net.Conn, most)
	for n := range held {
		held[n] = e.dial()
		if _, err := io.WriteString(held[n], "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if got := readStatus(t, held[n]); got != http.StatusOK {
			t.Fatalf("connection %d: got %d", n, got)
		}
	}
	for range 3 * most {
		if got := readAnswer(t, e.dial()); got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" ||
			!got.Close {
			t.Errorf("beyond the limit: got %d %v", got.StatusCode, got.Header)
		}
	}
	_ = held[0].Close()
	e.until("there is room again", func() bool {
		return e.get("/healthz").status == http.StatusOK
	})
}

func readStatus(t *testing.T, conn net.Conn) int {
	t.Helper()
	return readAnswer(t, conn).StatusCode
}

func readAnswer(t *testing.T, conn net.Conn) *http.Response {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(soon)); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return res
}
