package edgeapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestEdgesGetFilesByTheirHash(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	e := c.enrol(t)
	get := func(key, hash string) (int, string, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.url+"/edge/v1/media/"+hash, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, res.Header.Get("Content-Type"), string(text)
	}
	known := strings.Repeat("07", 32)
	if status, kind, text := get(e.key, known); status != 200 || kind != "image/png" || text != "tea" {
		t.Errorf("got %d %s %q", status, kind, text)
	}
	for name, hash := range map[string]string{"unknown": strings.Repeat("08", 32), "short": "07", "long": known + "07",
		"no hash": strings.Repeat("zz", 32)} {
		if status, _, _ := get(e.key, hash); status != http.StatusNotFound {
			t.Errorf("%s: got %d", name, status)
		}
	}
	if status, _, _ := get("lek_other", known); status != http.StatusUnauthorized {
		t.Errorf("a stranger: got %d", status)
	}
}
