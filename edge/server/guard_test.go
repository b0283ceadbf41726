package server

import (
	"bytes"
	"strings"
	"testing"

	"lumo/shared/id"
)

// clickOn is what a person's redirect looks like.
func clickOn(target string, click id.ID) string {
	before, fragment, marked := strings.Cut(target, "#")
	separator := "?"
	if strings.Contains(before, "?") {
		separator = "&"
	}
	before += separator + clickParameter + click.String()
	if marked {
		before += "#" + fragment
	}
	return before
}

func FuzzOnlyTheClickIDMayBeAdded(f *testing.F) {
	click := id.New(1, [10]byte{1})
	f.Add("https://shop.example/", "https://shop.example/?lumo_click=x")
	f.Add("https://shop.example/a?b=c", clickOn("https://shop.example/a?b=c", click))
	f.Add("https://shop.example/a#top", clickOn("https://shop.example/a#top", click))
	f.Add("#", "")
	f.Fuzz(func(t *testing.T, target, location string) {
		right := clickOn(target, click)
		if !isClickOn([]byte(right), []byte(target), click) {
			t.Errorf("%q is refused", right)
		}
		if isClickOn([]byte(location), []byte(target), click) && location != right {
			t.Errorf("%q passes for a click on %q", location, target)
		}
	})
}

func FuzzLanguage(f *testing.F) {
	f.Add("ja,en;q=0.9", "th")
	f.Add("", "")
	f.Add(",,x,é", "zh")
	f.Fuzz(func(t *testing.T, browser, shop string) {
		if w := wordsFor(browser, shop); w.tag == "" || w.scan == "" {
			t.Errorf("no words for %q %q", browser, shop)
		}
	})
}

func TestEveryLanguageHasEverySentence(t *testing.T) {
	t.Parallel()
	for _, w := range []words{english(), japanese(), chinese(), thai()} {
		for name, text := range map[string]string{"gone": w.gone, "goneAnywhere": w.goneAnywhere,
			"missing": w.missing, "toShop": w.toShop, "unavailable": w.unavailable, "scan": w.scan} {
			if text == "" {
				t.Errorf("%s: %s is missing", w.tag, name)
			}
			if named := strings.Contains(text, "{shop}"); named != (name == "gone" || name == "toShop") {
				t.Errorf("%s: %s names the shop: %v", w.tag, name, named)
			}
		}
	}
}

func TestACodeIsDrawnInTwoColours(t *testing.T) {
	t.Parallel()
	long := "https://go.example/q/aaaaaaaaaaaaaaa4?k=" + strings.Repeat("x", 200)
	for _, address := range []string{"https://go.example/q/aaaaaaaaaaaaaaa4", long} {
		b, err := drawQR(address)
		if err != nil || !bytes.HasPrefix(b, []byte("\x89PNG")) || len(b) > 4096 {
			t.Errorf("%d characters: got %d bytes, %v", len(address), len(b), err)
		}
	}
	if _, err := drawQR(strings.Repeat("x", 5000)); err == nil {
		t.Error("more was drawn than a code holds")
	}
}
