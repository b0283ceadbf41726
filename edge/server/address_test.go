package server_test

import (
	"net/http"
	"net/netip"
	"testing"

	"lumo/edge/edgetest"
)

// claims sends form claims until one is refused, and tells how many were not.
func (e *edge) claims(forwarded ...string) int {
	e.t.Helper()
	header := []string{"Origin", "https://shop.example"}
	for _, line := range forwarded {
		header = append(header, "X-Forwarded-For", line)
	}
	for n := 0; n < 30; n++ {
		got := e.do(http.MethodPost, "/f/"+edgetest.Form+"/claim", "email=yuki%40shop.example",
			header...)
		switch got.status {
		case http.StatusOK:
		case http.StatusTooManyRequests:
			return n
		default:
			e.t.Fatalf("got %d %s", got.status, got.body)
		}
	}
	return 30
}

func TestForwardedAddressesCountOnlyFromTrustedProxies(t *testing.T) {
	t.Parallel()
	behind := start(t, setup{proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"),
		netip.MustParsePrefix("10.0.0.0/8")}})
	for _, c := range []struct {
		name      string
		forwarded []string
		want      int
	}{
		{"a customer", []string{"203.0.113.1"}, 10},
		{"another one", []string{"203.0.113.2"}, 10},
		{"the first one again", []string{"203.0.113.1"}, 0},
		{"an address made up on the left", []string{"198.51.100.9, 203.0.113.1"}, 0},
		{"one made up in a line before", []string{"198.51.100.9", "203.0.113.1"}, 0},
		{"through two proxies", []string{"203.0.113.3, 10.0.0.7"}, 10},
		{"nonsense", []string{"203.0.113.4, nobody"}, 10}, // the proxy's own address counts
		{"a net of IPv6", []string{"2001:db8:1:2::1"}, 10},
		{"the same net", []string{"2001:db8:1:2:ffff::9"}, 0},
		{"the next net", []string{"2001:db8:1:3::1"}, 10},
	} {
		if got := behind.claims(c.forwarded...); got != c.want {
			t.Errorf("%s: %d claims went through, want %d", c.name, got, c.want)
		}
	}
	direct := start(t, setup{})
	if got := direct.claims("203.0.113.1"); got != 10 {
		t.Errorf("without a proxy: %d claims went through, want 10", got)
	}
	if got := direct.claims("203.0.113.2"); got != 0 {
		t.Errorf("without a proxy, another made-up address: %d went through, want 0", got)
	}
}
