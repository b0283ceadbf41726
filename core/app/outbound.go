package app

import (
	"net"
	"net/http"
	"net/netip"
	"time"

	"code.dny.dev/ssrf"
)

// idleConns is as many as a channel has pushes on their way: those that end between two batches
// are not dialled anew for each.
const idleConns = 512

// guardedDialer makes connections to the outside. Which address may be called is decided when
// it is dialled, after every name is resolved, so no name can lead inside.
func guardedDialer(allowPrivate bool) *net.Dialer {
	options := []ssrf.Option{ssrf.WithAnyPort(), ssrf.WithNetworks("tcp4", "tcp6")}
	if allowPrivate {
		options = append(options, ssrf.WithAllowedV4Prefixes(netip.MustParsePrefix("127.0.0.0/8")),
			ssrf.WithAllowedV6Prefixes(netip.MustParsePrefix("::1/128")))
	}
	return &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second, Control: ssrf.New(options...).Safe}
}

// guardedClient makes the client for all calls to the outside.
func guardedClient(allowPrivate bool) (*http.Client, error) {
	transport := &http.Transport{DialContext: guardedDialer(allowPrivate).DialContext, TLSHandshakeTimeout: 5 * time.Second,
		ResponseHeaderTimeout: 20 * time.Second, IdleConnTimeout: 90 * time.Second, MaxIdleConns: 4 * idleConns,
		MaxIdleConnsPerHost: idleConns, ForceAttemptHTTP2: true}
	return &http.Client{Transport: transport, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}
