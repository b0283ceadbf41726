package server

import (
	"crypto/tls"
	"io"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	// goingAway is how many connections may be ending while as many others are served.
	goingAway    = 64
	sendBackTime = time.Second
)

// Serve answers who connects, until the server is shut down.
func (s *Server) Serve(l net.Listener) error { return s.http.Serve(bounded{l, s}) }

// bounded is a listener that sends back at once who comes when as many are served as may be.
type bounded struct {
	net.Listener
	s *Server
}

// Accept waits for a connection for which there is room.
func (b bounded) Accept() (net.Conn, error) {
	for {
		c, err := b.Listener.Accept()
		if err != nil || int(b.s.http.GetOpenConnectionsCount()) < b.s.Connections {
			return c, err
		}
		b.s.sendBack(c)
	}
}

// sendBack says when to come again. Whoever would have to shake hands first, which may take as
// long as she likes, is only left.
func (s *Server) sendBack(c net.Conn) {
	defer c.Close()
	if _, encrypted := c.(*tls.Conn); encrypted {
		return
	}
	var ctx fasthttp.RequestCtx
	s.tryAgain(&ctx)
	ctx.SetConnectionClose()
	if c.SetWriteDeadline(time.Now().Add(sendBackTime)) == nil {
		_, _ = io.WriteString(c, ctx.Response.String()) // it may be gone
	}
}
