package edgeapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"lumo/core/fleet"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	pingEvery = time.Second
	// silence is how long an edge may give no sign of life. It is less than the lease, so
	// that an edge whose answers are lost stops trusting what it has before we stop waiting.
	silence     = 4 * time.Second
	writeLimit  = 4 * time.Second
	bufferBytes = 32 << 10
)

// stream serves the configuration stream for as long as the edge stays.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, e fleet.Edge) {
	after, err := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64)
	if err != nil {
		after = 0
	}
	upgrader := websocket.Upgrader{ReadBufferSize: bufferBytes, WriteBufferSize: bufferBytes}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	s.streams.Add(1)
	defer s.streams.Done()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	conn := newConn(ws)
	var pings sync.WaitGroup
	pings.Go(func() { conn.ping(ctx) })
	pings.Go(func() {
		select {
		case <-ctx.Done():
		case <-s.stop:
			cancel()
		}
	})
	err = s.c.Edges.Stream(ctx, e, after, conn)
	if err != nil && !gone(err) && ctx.Err() == nil {
		s.c.Log.WarnContext(ctx, "a stream ended", "edge", e.ID.With(id.Edge), "error", err)
	}
	conn.Close(err) // in case it never began
	cancel()
	pings.Wait()
}

// conn is a websocket as the fleet sees it.
type conn struct {
	ws *websocket.Conn
	mu sync.Mutex // guards writing
}

func newConn(ws *websocket.Conn) *conn {
	ws.SetReadLimit(edgeapi.MaxFrame)
	alive := func(string) error { return ws.SetReadDeadline(time.Now().Add(silence)) }
	ws.SetPongHandler(alive)
	_ = alive("") // fails only on a closed connection, which reading tells
	return &conn{ws: ws}
}

// Read waits for the edge's next message. Each is a sign of life.
func (c *conn) Read(context.Context) ([]byte, error) {
	kind, message, err := c.ws.ReadMessage()
	if err != nil {
		return nil, fault.As(fault.Unavailable, "edgeapi.Read", err)
	}
	if kind != websocket.BinaryMessage {
		return nil, fault.As(fault.Invalid, "edgeapi.Read", errors.New("not a binary message"))
	}
	return message, c.ws.SetReadDeadline(time.Now().Add(silence))
}

// Write sends a message, or fails when the edge does not take it in time.
func (c *conn) Write(_ context.Context, message []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.ws.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return fault.As(fault.Unavailable, "edgeapi.Write", err)
	}
	return fault.As(fault.Unavailable, "edgeapi.Write", c.ws.WriteMessage(websocket.BinaryMessage, message))
}

// ping asks for a sign of life each second, until ctx ends.
func (c *conn) ping(ctx context.Context) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := c.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeLimit)); err != nil {
			return
		}
	}
}

// Close tells a revoked edge that it need not come back.
func (c *conn) Close(why error) {
	code := websocket.CloseGoingAway
	if fault.Is(why, fault.Unauthenticated) {
		code = websocket.ClosePolicyViolation
	}
	message := websocket.FormatCloseMessage(code, "")
	_ = c.ws.WriteControl(websocket.CloseMessage, message, time.Now().Add(time.Second)) // it may be gone
	_ = c.ws.Close()
}

// gone tells that the edge left or went silent, which it may.
func gone(err error) bool { return fault.Is(err, fault.Unavailable) }

var _ fleet.Conn = (*conn)(nil)
