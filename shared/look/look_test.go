package look_test

import (
	"strings"
	"testing"

	"lumo/shared/look"
)

func TestEachColourHasAClass(t *testing.T) {
	t.Parallel()
	for _, ring := range look.Rings() {
		if !strings.Contains(look.Style, "."+ring+"{") {
			t.Errorf("%s has none", ring)
		}
	}
}

func TestPicturesComeFromWebHostsAlone(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://profile.line-scdn.net/0h7":      "https://profile.line-scdn.net",
		"http://127.0.0.1:8080/picture":          "http://127.0.0.1:8080",
		"http://shop.example/a.png":              "",
		"https://a.example;script-src%20*/a.png": "",
		"https://a.example;script-src/a.png":     "",
		"javascript:alert(1)":                    "",
		"data:image/png;base64,AA":               "",
		"/picture":                               "",
		"":                                       "",
	} {
		if got := look.PictureOrigin(address); got != want {
			t.Errorf("%s: got %q, want %q", address, got, want)
		}
	}
}
