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
	silence     = 6 * time.Second // heartbeats come each second
	statusEvery = 2 * time.Second
	writeLimit  = 5 * time.Second
)

// Sink takes what the stream brings.
type Sink interface {
	Version() uint64
	Apply(f edgeapi.Frame) (gap bool, err error)
	Lapse()
}

// Stream keeps the configuration coming until ctx ends: it connects, applies, says what it
// applied, and begins again when the connection breaks. status tells how the edge is.
func (c *Client) Stream(ctx context.Context, sink Sink, status func() edgeapi.Status, broken func(error)) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 100*time.Millisecond, 3*time.Second
	again := false // whether everything must come anew
	for ctx.Err() == nil {
		begun := time.Now()
		gap, err := c.stream(ctx, sink, status, again)
		sink.Lapse()
		if ctx.Err() != nil {
			return nil
		}
		again = gap
		broken(err)
		if time.Since(begun) > silence {
			wait.Reset()
		}
		pause := time.NewTimer(wait.NextBackOff())
		select {
		case <-ctx.Done():
			pause.Stop()
		case <-pause.C:
		}
	}
	return nil
}

func (c *Client) stream(ctx context.Context, sink Sink, status func() edgeapi.Status, again bool) (gap bool, err error) {
	const op = "core.stream"
	after := sink.Version()
	if again {
		after = 0
	}
	address := "ws" + strings.TrimPrefix(c.url, "http") + "/edge/v1/stream?after=" + strconv.FormatUint(after, 10)
	dialer := websocket.Dialer{HandshakeTimeout: writeLimit, ReadBufferSize: 64 << 10}
	conn, res, err := dialer.DialContext(ctx, address, http.Header{"Authorization": {"Bearer " + c.identity.Key}})
	if err != nil {
		if res != nil && res.StatusCode == http.StatusUnauthorized {
			return again, fault.New(fault.Unauthenticated, op, "The core does not know this edge any more.")
		}
		return again, fault.As(fault.Unavailable, op, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	conn.SetReadLimit(edgeapi.MaxFrame)
	said := time.Time{}
	for {
		if err := conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
			return false, fault.As(fault.Unavailable, op, err)
		}
		kind, message, err := conn.ReadMessage()
		if err != nil {
			return false, fault.As(fault.Unavailable, op, err)
		}
		if kind != websocket.BinaryMessage {
			continue
		}
		if gap, err := take(sink, message); err != nil || gap {
			return true, err
		}
		if err := say(conn, edgeapi.Frame{Type: edgeapi.FrameAck, Sequence: sink.Version()}); err != nil {
			return false, err
		}
		if time.Since(said) > statusEvery {
			said = time.Now()
			if err := say(conn, edgeapi.Frame{Type: edgeapi.FrameStatus, Payload: status().Append(nil)}); err != nil {
				return false, err
			}
		}
	}
}

func take(sink Sink, message []byte) (gap bool, err error) {
	frame, err := edgeapi.ParseFrame(message)
	if err != nil {
		return true, err
	}
	return sink.Apply(frame)
}

func say(conn *websocket.Conn, f edgeapi.Frame) error {
	if err := conn.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return fault.As(fault.Unavailable, "core.say", err)
	}
	return fault.As(fault.Unavailable, "core.say", conn.WriteMessage(websocket.BinaryMessage, f.Append(nil)))
}
