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

// guardedClient makes the client for all calls to the outside. Which address may be called
// is decided when it is dialled, after every name is resolved, so no name can lead inside.
func guardedClient(allowPrivate bool) (*http.Client, error) {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
	if !allowPrivate {
		dialer.Control = ssrf.New(ssrf.WithAnyPort(), ssrf.WithNetworks("tcp4", "tcp6")).Safe
	} else {
		dialer.Control = ssrf.New(ssrf.WithAnyPort(), ssrf.WithNetworks("tcp4", "tcp6"),
			ssrf.WithAllowedV4Prefixes(netip.MustParsePrefix("127.0.0.0/8")),
			ssrf.WithAllowedV6Prefixes(netip.MustParsePrefix("::1/128"))).Safe
	}
	transport := &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: 5 * time.Second,
		ResponseHeaderTimeout: 20 * time.Second, IdleConnTimeout: 90 * time.Second, MaxIdleConns: 4 * idleConns,
		MaxIdleConnsPerHost: idleConns, ForceAttemptHTTP2: true}
	return &http.Client{Transport: transport, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}
