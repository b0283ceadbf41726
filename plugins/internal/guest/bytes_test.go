package guest_test

import (
	"bytes"
	"strings"
	"testing"

	"lumo/plugins/internal/guest"
	"lumo/shared/id"
)

func TestIndexFindsTheFirst(t *testing.T) {
	t.Parallel()
	for length := range 100 {
		for at := range length {
			b := []byte(strings.Repeat("x", at) + strings.Repeat("#", length-at))
			if got := guest.Index(b, '#'); got != at {
				t.Fatalf("%q: got %d want %d", b, got, at)
			}
		}
		if got := guest.Index(bytes.Repeat([]byte{'x'}, length), '#'); got != -1 {
			t.Fatalf("%d bytes without it: got %d", length, got)
		}
	}
}

func TestULIDTextIsTheOneOfPackageID(t *testing.T) {
	t.Parallel()
	for _, v := range []id.ID{{}, id.New(1795521600123, [10]byte{1, 2, 3, 250}), {0: 0xff, 15: 0xff}} {
		var got [26]byte
		raw := [16]byte(v)
		if guest.PutULID(&got, &raw); string(got[:]) != v.String() {
			t.Errorf("got %s want %s", got, v)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("https://shop.example/cart?utm_source=line#top"), "cart", byte('?'))
	f.Add([]byte("https://shop.example/a/very/long/path/#fragment?no=query"), "https://", byte('#'))
	f.Add([]byte{0x80, 0xa3, 0x22, 0x24}, "\xa3", byte(0xa3))
	f.Fuzz(func(t *testing.T, b []byte, text string, c byte) {
		if got, want := guest.Index(b, c), bytes.IndexByte(b, c); got != want {
			t.Errorf("Index: got %d want %d", got, want)
		}
		rest, found := guest.CutPrefix(b, text)
		if want := bytes.HasPrefix(b, []byte(text)); found != want ||
			found && len(rest) != len(b)-len(text) {
			t.Errorf("CutPrefix: got %v want %v", found, want)
		}
		if _, got := guest.CutSuffix(b, text); got != bytes.HasSuffix(b, []byte(text)) {
			t.Errorf("CutSuffix: got %v", got)
		}
		if text != "" && guest.Contains(b, text) != bytes.Contains(b, []byte(text)) {
			t.Errorf("Contains: got %v", guest.Contains(b, text))
		}
		front, _, _ := bytes.Cut(b, []byte("#"))
		if end, query := guest.QueryEnd(b); end != len(front) || query != bytes.Contains(front, []byte("?")) {
			t.Errorf("QueryEnd: got %d %v", end, query)
		}
	})
}
