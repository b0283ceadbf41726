package server_test

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"lumo/edge/edgetest"
	"lumo/edge/media"
	"lumo/edge/replica"
	"lumo/edge/server"
	"lumo/edge/spool"
	"lumo/edge/wasm"
	"lumo/shared/edgeapi"
	"lumo/shared/id"
)

// memory is a connection that somebody hung up after sending.
type memory struct {
	in  *bytes.Reader
	out bytes.Buffer
}

func (m *memory) Read(p []byte) (int, error)       { return m.in.Read(p) }
func (m *memory) Write(p []byte) (int, error)      { return m.out.Write(p) }
func (m *memory) Close() error                     { return nil }
func (m *memory) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (m *memory) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (m *memory) SetDeadline(time.Time) error      { return nil }
func (m *memory) SetReadDeadline(time.Time) error  { return nil }
func (m *memory) SetWriteDeadline(time.Time) error { return nil }

// FuzzRequests holds that no bytes make the server fall over, or answer what is no answer.
func FuzzRequests(f *testing.F) {
	f.Add([]byte("GET /c/" + edgetest.Link(1, 1) + " HTTP/1.1\r\nHost: x\r\n\r\n"))
	f.Add([]byte("POST /hooks/line/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"))
	f.Add([]byte("POST /f/a/claim HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: a, b\r\n\r\n"))
	f.Add([]byte("GET http://[::1]%23/q/ HTTP/1.0\r\n\r\n"))
	f.Add([]byte("HEAD //../%00 HTTP/1.1\r\nHost: x\r\nCookie: " + edgeapi.LinkCookie + "=\"\r\n\r\n"))
	s := refusing(f)
	f.Fuzz(func(t *testing.T, sent []byte) {
		conn := &memory{in: bytes.NewReader(sent)}
		_ = s.HTTP().ServeConn(conn)
		for r := bufio.NewReader(&conn.out); ; {
			if _, err := r.Peek(1); err != nil {
				return
			}
			res, err := http.ReadResponse(r, &http.Request{Method: http.MethodGet})
			if err != nil || res.StatusCode < 100 {
				t.Fatalf("%q was answered with nonsense: %v", sent, err)
			}
			if _, err := io.Copy(io.Discard, res.Body); err != nil {
				return // an answer to HEAD has a length and no body
			}
		}
	})
}

// refusing is a server whose modules refuse everything.
func refusing(f testing.TB) *server.Server {
	f.Helper()
	sp, err := spool.Open(spool.Config{Dir: f.TempDir(), Now: time.Now})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = sp.Close() })
	deny := decides(func(c *wasm.Call) error {
		c.Verdict = edgeapi.Verdict{Kind: edgeapi.Deny, Status: 404, Reason: edgeapi.UnknownHook}
		return nil
	})
	files, err := media.Open(media.Config{Dir: f.TempDir(), Source: edgetest.Away{}})
	if err != nil {
		f.Fatal(err)
	}
	s, err := server.New(server.Config{Modules: deny, Replica: replica.New(time.Now),
		Core: edgetest.Away{}, Spool: sp, Media: files, PublicURL: "https://go.example",
		NewID: func() id.ID { return id.New(1, [10]byte{}) }, Now: time.Now,
		Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	return s
}
