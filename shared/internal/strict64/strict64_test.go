package strict64_test

import (
	"bytes"
	"encoding/base64"
	"testing"

	"lumo/shared/internal/strict64"
)

func TestEqualsTheStandardLibrary(t *testing.T) {
	t.Parallel()
	for n := range 70 {
		want := bytes.Repeat([]byte{0xfb, 0x01, 0xfe}, 24)[:n]
		got := make([]byte, n)
		text := base64.RawURLEncoding.EncodeToString(want)
		if !strict64.URL(got, []byte(text)) || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %x want %x", n, got, want)
		}
	}
}

func FuzzURL(f *testing.F) {
	f.Add([]byte("EQABAAAAAQAAAAAAAAAqAAAABw"))
	f.Add([]byte("AB"))
	f.Add([]byte("AAAAAAA\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		want, err := base64.RawURLEncoding.Strict().DecodeString(string(text))
		if bytes.ContainsAny(text, "\r\n") { // the library skips them, we do not
			want, err = nil, base64.CorruptInputError(0)
		}
		got := make([]byte, strict64.Length(len(text)))
		if ok := strict64.URL(got, text); ok != (err == nil) || ok && !bytes.Equal(got, want) {
			t.Fatalf("%q: got %x %v, want %x %v", text, got, ok, want, err)
		}
	})
}

func FuzzStd(f *testing.F) {
	f.Add([]byte(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xfb}, 32))))
	f.Add([]byte("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB="))
	f.Fuzz(func(t *testing.T, text []byte) {
		want, err := base64.StdEncoding.Strict().DecodeString(string(text))
		good := err == nil && len(want) == 32 && len(text) == 44
		var got [32]byte
		if ok := strict64.Std(&got, text); ok != good || ok && !bytes.Equal(got[:], want) {
			t.Fatalf("%q: got %x %v, want %x %v", text, got, ok, want, err)
		}
	})
}
