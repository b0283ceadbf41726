package token_test

import (
	"crypto/ed25519"
	"strings"
	"testing"

	"lumo/shared/token"
)

func TestLinksOfAMessageAreCountedOnce(t *testing.T) {
	t.Parallel()
	key := make([]byte, 32)
	private := ed25519.NewKeyFromSeed(make([]byte, 32))
	link := func(number uint32) string {
		return "https://l.example/c/" + token.Sign(token.Token{Kind: token.Link, Key: 1, Channel: 2, Subject: 3, Link: number}, key)
	}
	oneOff := "https://l.example/c/" + token.SignOneOff(token.Token{Key: 1, Channel: 2, Subject: 3, Link: 9},
		"https://shop.example/c/someone", private)
	image := "https://l.example/i/" + token.Sign(token.Token{Kind: token.Image, Key: 1, Channel: 2, Subject: 3, Link: 4}, key)
	for _, c := range []struct {
		name, text string
		want       int
	}{
		{"none", `{"messages":[]}`, 0},
		{"one twice", link(1) + " " + link(1), 1},
		{"two", `{"uri":"` + link(1) + `"},{"uri":"` + link(2) + `"}`, 2},
		{"with its target in it", oneOff + `","` + link(1), 2},
		{"a picture is none", image, 0},
		{"a shop's own address", "https://shop.example/c/tea https://shop.example/c/" + strings.Repeat("A", 60), 0},
		{"cut off", link(1)[:len(link(1))-1], 0},
	} {
		if got := token.CountLinks([]byte(c.text)); got != c.want {
			t.Errorf("%s: got %d want %d", c.name, got, c.want)
		}
	}
}

func FuzzCountLinks(f *testing.F) {
	f.Add([]byte("/c//c/"))
	f.Add([]byte("/c/" + token.Sign(token.Token{Kind: token.Link, Link: 5}, make([]byte, 32))))
	f.Fuzz(func(t *testing.T, message []byte) {
		if n := token.CountLinks(message); n > len(message)/(len("/c/")+42) {
			t.Errorf("%d links in %d bytes", n, len(message))
		}
	})
}
