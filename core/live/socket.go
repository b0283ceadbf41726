package live

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/websocket"

	"lumo/core/lumo"
)

const (
	heartbeatEvery = 2 * time.Second // the page notices within five seconds that it is cut off
	writeLimit     = 5 * time.Second
	readLimit      = 512 // pages say nothing; pongs are short
	silenceLimit   = 30 * time.Second
)

// ErrSignedOut is the cause with which a request's context ends when its session does.
var ErrSignedOut = errors.New("signed out")

// Serve streams a merchant's messages to one page until it leaves, its session ends
// (allowed turns false) or ctx of the request ends. The caller checked origin and session.
func (h *Hub) Serve(w http.ResponseWriter, r *http.Request, m lumo.MerchantID, allowed func(context.Context) bool) {
	if !h.enter() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	defer h.open.Done()
	upgrader := websocket.Upgrader{HandshakeTimeout: writeLimit, ReadBufferSize: 1 << 10, WriteBufferSize: 8 << 10,
		CheckOrigin: sameOrigin}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the upgrader answered
	}
	defer conn.Close()
	after, _ := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	p, missed, complete := h.subscribe(m, after)
	defer h.unsubscribe(m, p)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() {
		defer cancel()
		listen(conn)
	}()
	first := append([]Message{{Kind: KindHello}}, missed...)
	if !complete {
		first = append(first, Message{Kind: KindResync})
	}
	for _, message := range first {
		if write(conn, message) != nil {
			return
		}
	}
	h.stream(ctx, conn, p, allowed)
}

func (h *Hub) stream(ctx context.Context, conn *websocket.Conn, p *page, allowed func(context.Context) bool) {
	tick := time.NewTicker(heartbeatEvery)
	defer tick.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			code, why := websocket.CloseGoingAway, "closing"
			if errors.Is(context.Cause(ctx), ErrSignedOut) {
				code, why = websocket.ClosePolicyViolation, ErrSignedOut.Error()
			}
			farewell(conn, code, why)
			return
		case <-h.stop:
			farewell(conn, websocket.CloseGoingAway, "closing")
			return
		case <-p.gone:
			farewell(conn, websocket.ClosePolicyViolation, "too slow")
			return
		case message := <-p.out:
			err = write(conn, message)
		case <-tick.C:
			if !allowed(ctx) {
				farewell(conn, websocket.ClosePolicyViolation, ErrSignedOut.Error())
				return
			}
			if err = write(conn, Message{Kind: KindHeartbeat}); err == nil {
				err = conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeLimit))
			}
		}
		if err != nil {
			return
		}
	}
}

// listen reads, because pongs and the page's farewell arrive that way; content is ignored.
func listen(conn *websocket.Conn) {
	conn.SetReadLimit(readLimit)
	extend := func(string) error { return conn.SetReadDeadline(time.Now().Add(silenceLimit)) }
	conn.SetPongHandler(extend)
	if extend("") != nil {
		return
	}
	for {
		if _, _, err := conn.NextReader(); err != nil {
			return
		}
	}
}

func write(conn *websocket.Conn, m Message) error {
	if err := conn.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return err
	}
	return conn.WriteJSON(m)
}

func farewell(conn *websocket.Conn, code int, why string) {
	_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, why), time.Now().Add(writeLimit))
}

// sameOrigin refuses pages of other sites: browsers send cookies with their sockets too.
func sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return origin == "http://"+r.Host || origin == "https://"+r.Host
}
