package app

import (
	"net"
	"syscall"
	"testing"
)

// scarce is a listener of a system without files, for a while.
type scarce struct {
	net.Listener
	refuses []error
}

func (s *scarce) Accept() (net.Conn, error) {
	err := s.refuses[0]
	s.refuses = s.refuses[1:]
	if err != nil {
		return nil, err
	}
	c, _ := net.Pipe()
	return c, nil
}

func TestAListenerOutlivesASystemWithoutFiles(t *testing.T) {
	t.Parallel()
	accept := func(err error) error { return &net.OpError{Op: "accept", Err: err} }
	s := &scarce{refuses: []error{accept(syscall.EMFILE), accept(syscall.ENFILE), nil, accept(net.ErrClosed)}}
	c, err := patient{s}.Accept()
	if err != nil || len(s.refuses) != 1 {
		t.Fatalf("got %v, %d refusals are left", err, len(s.refuses))
	}
	_ = c.Close()
	if _, err := (patient{s}).Accept(); err == nil {
		t.Error("a closed listener is waited for")
	}
}
