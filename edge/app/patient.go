package app

import (
	"errors"
	"net"
	"syscall"
	"time"
)

const (
	// filesOfEach is what a connection may need: itself, and a file that it is given. So the
	// limit of the process is not met by connections alone, and the spool can still be written.
	filesOfEach = 2
	acceptAgain = 5 * time.Millisecond
)

// patient is a listener that waits where the system has no file left for a connection. Without
// it the server would end, which is what somebody who opens many connections wants.
type patient struct{ net.Listener }

// Accept waits for a connection.
func (p patient) Accept() (net.Conn, error) {
	for {
		c, err := p.Listener.Accept()
		var number syscall.Errno
		if !errors.As(err, &number) || !number.Temporary() {
			return c, err
		}
		time.Sleep(acceptAgain)
	}
}
