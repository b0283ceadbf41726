// Package linkhost asks a merchant's host where a link on it leads, as a customer's tap would.
// Every address is decided when it is dialled, so none leads into a private network, and no
// redirect is followed.
package linkhost

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"code.dny.dev/ssrf"

	"lumo/core/tracking"
)

// Limit is how long an answer may take: a customer waits no longer.
const Limit = 5 * time.Second

// Prober asks hosts.
type Prober struct {
	http  *http.Client
	limit time.Duration
}

// New makes a prober. The client's transport must refuse private addresses.
func New(guarded *http.Client, limit time.Duration) *Prober {
	own := *guarded
	own.Jar = nil
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Prober{http: &own, limit: limit}
}

// Probe asks with HEAD whether a link leads to a target, and to nothing else.
func (p *Prober) Probe(ctx context.Context, link, target string) tracking.Finding {
	ctx, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, link, nil)
	if err != nil {
		return tracking.Finding{Reason: tracking.HostRefused}
	}
	req.Close = true // the next check looks the name up anew
	res, err := p.http.Do(req)
	if err != nil {
		return tracking.Finding{Reason: reason(ctx, err)}
	}
	_ = res.Body.Close() // HEAD has none
	location := res.Header.Get("Location")
	switch {
	case res.StatusCode == http.StatusFound && location == target:
		return tracking.Finding{}
	case res.StatusCode == http.StatusFound && strings.HasPrefix(location, target):
		return tracking.Finding{Reason: tracking.HostRewritten} // the edge took it for a person
	}
	return tracking.Finding{Reason: tracking.HostElsewhere, Found: answered(res.StatusCode, location)}
}

// answered is a status and the host that it leads to, for people to read.
func answered(status int, location string) string {
	text := strconv.Itoa(status)
	to, err := url.Parse(location)
	if err != nil || to.Host == "" || len(to.Host) > 100 {
		return text
	}
	return text + " " + strings.ToValidUTF8(to.Host, "")
}

// reason is why nobody answered; the error's own text holds the link.
func reason(ctx context.Context, err error) string {
	var name *net.DNSError
	var network net.Error
	switch {
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, ssrf.ErrProhibitedPort):
		return tracking.HostPrivate
	case ctx.Err() != nil:
		return tracking.HostTimeout
	case errors.As(err, &name) && !name.IsTimeout:
		return tracking.HostUnresolved
	case errors.As(err, &network) && network.Timeout():
		return tracking.HostTimeout
	case certificate(err):
		return tracking.HostCertificate
	}
	return tracking.HostRefused
}

// certificate tells that the host speaks, but not under a name that can be trusted.
func certificate(err error) bool {
	var checked *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var plain tls.RecordHeaderError
	var alert tls.AlertError
	return errors.As(err, &checked) || errors.As(err, &unknown) || errors.As(err, &name) || errors.As(err, &invalid) ||
		errors.As(err, &plain) || errors.As(err, &alert) || errors.Is(err, http.ErrSchemeMismatch)
}
