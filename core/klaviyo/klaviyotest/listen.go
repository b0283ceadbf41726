package klaviyotest

import (
	"context"
	"net"
	"net/http"
	"time"
)

// Listen serves Handler on a free port of this machine and works flows off as they become
// due, until stop is called. url is the address without a path.
func (s *Server) Listen() (url string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second}
	ctx, cancel := context.WithCancel(context.Background())
	served, ran := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(l) // ends with Close
	}()
	go func() {
		defer close(ran)
		_ = s.Run(ctx) // ends with cancel
	}()
	return "http://" + l.Addr().String(), func() {
		cancel()
		_ = server.Close()
		<-served
		<-ran
		s.client.CloseIdleConnections()
	}, nil
}
