package core

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/gorilla/websocket"

	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

const (
	// tooQuiet ends a connection: heartbeats come each second.
	tooQuiet    = 6 * time.Second
	statusEvery = 2 * time.Second
	writeLimit  = 5 * time.Second
	readBuffer  = 64 << 10
)

// Sink takes what the stream brings.
type Sink interface {
	Version() uint64
	Apply(f edgeapi.Frame) (gap bool, err error)
	Lapse()
}

// Stream keeps the configuration coming until ctx ends: it connects, applies, says what it
// applied, and begins again when the connection breaks. status tells how the edge is;
// changed hears nil when a connection works and the error when it broke.
func (c *Client) Stream(ctx context.Context, sink Sink, status func() edgeapi.Status,
	changed func(error)) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 100*time.Millisecond, 3*time.Second
	after := sink.Version()
	for ctx.Err() == nil {
		began := time.Now()
		gap, err := c.stream(ctx, conversation{sink: sink, status: status, changed: changed,
			modules: c.c.Modules, acked: after})
		sink.Lapse()
		if ctx.Err() != nil {
			return nil
		}
		changed(err)
		if after = sink.Version(); gap {
			after = 0 // everything anew
		}
		if time.Since(began) > tooQuiet {
			wait.Reset()
		}
		sleep(ctx, wait.NextBackOff())
	}
	return nil
}

// stream is one connection. gap tells that it ended because something was missed.
func (c *Client) stream(ctx context.Context, t conversation) (gap bool, err error) {
	const op = "core.stream"
	address := "ws" + strings.TrimPrefix(c.c.URL,
		"http") + "/edge/v1/stream?after=" + strconv.FormatUint(t.acked, 10)
	dialer := websocket.Dialer{HandshakeTimeout: writeLimit, ReadBufferSize: readBuffer}
	conn, res, err := dialer.DialContext(ctx, address,
		http.Header{"Authorization": {"Bearer " + c.c.Identity.Key}})
	if res != nil && res.StatusCode == http.StatusUnauthorized {
		c.revoked.Store(true)
		return false, fault.New(fault.Unauthenticated, op,
			"The core does not know this edge any more.")
	}
	if err != nil {
		return false, fault.As(fault.Unavailable, op, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	conn.SetReadLimit(edgeapi.MaxFrame)
	t.conn = conn
	for {
		if gap, err := t.turn(); err != nil || gap {
			return gap, err
		}
		c.revoked.Store(false)
	}
}

// conversation is the work on one connection.
type conversation struct {
	conn    *websocket.Conn
	sink    Sink
	status  func() edgeapi.Status
	changed func(error)
	modules func(edgeapi.ModuleSet)
	acked   uint64 // version that the core knows us to have
	said    time.Time
	begun   bool
}

// turn takes one message and says what is to be said.
func (t *conversation) turn() (gap bool, err error) {
	const op = "core.turn"
	if err := t.conn.SetReadDeadline(time.Now().Add(tooQuiet)); err != nil {
		return false, fault.As(fault.Unavailable, op, err)
	}
	kind, message, err := t.conn.ReadMessage()
	if err != nil {
		return false, fault.As(fault.Unavailable, op, err)
	}
	if kind != websocket.BinaryMessage {
		return false, nil
	}
	frame, err := edgeapi.ParseFrame(message)
	if err != nil {
		return true, err
	}
	if frame.Type == edgeapi.FrameModules {
		return false, t.offered(frame.Payload)
	}
	if gap, err := t.sink.Apply(frame); err != nil || gap {
		return true, err
	}
	if !t.begun {
		t.begun = true
		t.changed(nil)
	}
	return false, t.answer()
}

// offered passes a module set on. One that cannot even be read is nobody's.
func (t *conversation) offered(payload []byte) error {
	set, err := edgeapi.ParseModuleSet(payload)
	if err == nil && t.modules != nil {
		t.modules(set)
	}
	return nil
}

func (t *conversation) answer() error {
	if version := t.sink.Version(); version != t.acked {
		if err := t.say(edgeapi.Frame{Type: edgeapi.FrameAck, Sequence: version}); err != nil {
			return err
		}
		t.acked = version
	}
	if time.Since(t.said) < statusEvery {
		return nil
	}
	t.said = time.Now()
	return t.say(edgeapi.Frame{Type: edgeapi.FrameStatus, Payload: t.status().Append(nil)})
}

func (t *conversation) say(f edgeapi.Frame) error {
	const op = "core.say"
	if err := t.conn.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return fault.As(fault.Unavailable, op, err)
	}
	return fault.As(fault.Unavailable, op, t.conn.WriteMessage(websocket.BinaryMessage,
		f.Append(nil)))
}
