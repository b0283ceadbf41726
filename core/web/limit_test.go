package web_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"lumo/core/web"
)

// Whoever is refused in the middle of a body asks again without harm.
func TestARefusedBodyDoesNotSpoilWhatComesNext(t *testing.T) {
	t.Parallel()
	s := serve(t, web.Pace{}, nil, func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		_, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	})
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport}
	for _, size := range []int{1 << 10, 1<<20 + 100<<10, 1 << 10, 2 << 20, 1 << 10, 32 << 20, 1 << 10} {
		res, err := client.Post("http://"+s.addr+"/api/x", "text/plain", strings.NewReader(strings.Repeat("x", size)))
		if err != nil {
			t.Errorf("%d bytes: %v", size, err)
			continue
		}
		_ = res.Body.Close()
		want := http.StatusOK
		if size > 1<<20 {
			want = http.StatusRequestEntityTooLarge
		}
		if res.StatusCode != want {
			t.Errorf("%d bytes: got %d want %d", size, res.StatusCode, want)
		}
	}
}
