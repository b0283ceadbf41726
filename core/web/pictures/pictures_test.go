package pictures_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"code.dny.dev/ssrf"

	"lumo/core/message"
	"lumo/core/web/pictures"
)

const jpeg, png = "\xff\xd8\xff\xe0 a picture", "\x89PNG\r\n\x1a\n a picture"

// host answers as hosts of merchants do; never is what does not come to an end.
func host(t *testing.T) string {
	t.Helper()
	never := make(chan struct{})
	mux := http.NewServeMux()
	say := func(path, body string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
	}
	say("/a.jpg", jpeg)
	say("/a.png", png)
	say("/page", "<html>")
	say("/huge.jpg", jpeg+strings.Repeat("x", 2000))
	mux.HandleFunc("/slow.jpg", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(jpeg))
		_ = http.NewResponseController(w).Flush()
		select {
		case <-never:
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/inside.jpg", func(w http.ResponseWriter, r *http.Request) {
		_, port, _ := net.SplitHostPort(r.Host)
		http.Redirect(w, r, "http://127.0.0.2:"+port+"/a.jpg", http.StatusFound)
	})
	mux.HandleFunc("/round.jpg", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/round.jpg", http.StatusFound)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(func() { close(never); s.Close() })
	return s.URL
}

// guarded is a client that refuses private addresses, but for those that are allowed.
func guarded(t *testing.T, allowed ...string) *http.Client {
	t.Helper()
	options := []ssrf.Option{ssrf.WithAnyPort(), ssrf.WithNetworks("tcp4", "tcp6")}
	for _, one := range allowed {
		options = append(options, ssrf.WithAllowedV4Prefixes(netip.MustParsePrefix(one)))
	}
	transport := &http.Transport{DialContext: (&net.Dialer{Control: ssrf.New(options...).Safe}).DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestPicturesAreTakenByTheirFirstBytesAndNeverFromInside(t *testing.T) {
	t.Parallel()
	at := host(t)
	outside := pictures.New(guarded(t, "127.0.0.1/32")) // the test's host plays one outside
	for name, c := range map[string]struct {
		path, kind string
		want       error
	}{
		"a JPEG":                 {"/a.jpg", "image/jpeg", nil},
		"a PNG":                  {"/a.png", "image/png", nil},
		"a page":                 {"/page", "", message.ErrPictureType},
		"too large":              {"/huge.jpg", "", message.ErrPictureLarge},
		"slow":                   {"/slow.jpg", "", message.ErrPictureSlow},
		"led into a private net": {"/inside.jpg", "", message.ErrPicturePrivate},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		_, kind, err := outside.Load(ctx, at+c.path, 1000)
		cancel()
		if kind != c.kind || !errors.Is(err, c.want) {
			t.Errorf("%s: got %q, %v", name, kind, err)
		}
		if err != nil && strings.Contains(err.Error(), at) {
			t.Errorf("%s: the error tells the address", name)
		}
	}
	if _, _, err := pictures.New(guarded(t)).Load(t.Context(), at+"/a.jpg", 1000); !errors.Is(err, message.ErrPicturePrivate) {
		t.Errorf("a private address: got %v", err)
	}
	for _, path := range []string{"/round.jpg", "/gone.jpg"} {
		if _, _, err := outside.Load(t.Context(), at+path, 1000); err == nil {
			t.Errorf("%s is a picture", path)
		}
	}
}
