package vendortest

import (
	"math/rand/v2"
	"net"
	"strconv"
)

// The ports below those that systems give to outgoing connections: what is free there stays so until
// somebody asks for it by its number.
const (
	firstPort = 12000
	lastPort  = 32000
	attempts  = 100
)

// FreeAddr is a host and port of this machine that nobody listens on, for a server that is yet to
// be started.
func FreeAddr() (addr string, err error) {
	for range attempts {
		var l net.Listener
		addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(firstPort+rand.IntN(lastPort-firstPort)))
		if l, err = net.Listen("tcp", addr); err == nil {
			return addr, l.Close()
		}
	}
	return "", err
}
