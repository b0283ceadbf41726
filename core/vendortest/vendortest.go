// Package vendortest is what the vendors' fakes share: a clock that can be set, switches
// for faults, a browser without a screen, and HTTP that never leaves this machine.
//
// What always holds: nothing here contacts an address that is not a loopback address; time
// comes from the clock given; nothing is kept outside the values the caller made.
package vendortest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// ErrOutside is the error of every request to an address beyond this machine.
var ErrOutside = errors.New("the address is outside the simulator")

// LocalClient is an HTTP client that reaches loopback addresses only and follows no
// redirects: whoever follows one decides about the next address again.
func LocalClient(timeout time.Duration) *http.Client {
	d := &net.Dialer{Timeout: timeout, Control: loopbackOnly}
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DialContext: d.DialContext, MaxIdleConnsPerHost: 16, IdleConnTimeout: 30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// loopbackOnly decides on the address that is really dialled, after names were resolved.
func loopbackOnly(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return ErrOutside
	}
	return nil
}

// Loopback tells whether a URL names this machine by address or as localhost.
func Loopback(u *url.URL) bool {
	host := u.Hostname()
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Target judges an address that a vendor would call. Vendors want https; plain http is
// taken for this machine only, and not at all when strict. plain says that it was.
func Target(address string, strict bool) (u *url.URL, plain, ok bool) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return nil, false, false
	}
	switch {
	case u.Scheme == "https":
		return u, false, true
	case u.Scheme == "http" && !strict && Loopback(u):
		return u, true, true
	}
	return nil, false, false
}

// Timeout tells whether an HTTP error is a missing answer rather than a missing server.
func Timeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}
