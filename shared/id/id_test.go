package id_test

import (
	"strings"
	"testing"

	"github.com/oklog/ulid/v2"

	"lumo/shared/fault"
	"lumo/shared/id"
)

func TestTextEqualsTheULIDLibrary(t *testing.T) {
	t.Parallel()
	entropy := [10]byte{0xff, 0, 1, 2, 3, 4, 5, 6, 7, 0x80}
	got := id.New(1793448000123, entropy)
	var want ulid.ULID
	_ = want.SetTime(1793448000123)
	_ = want.SetEntropy(entropy[:])
	if got != id.ID(want) || !strings.EqualFold(got.String(), want.String()) {
		t.Fatalf("got %s want %s", got, want)
	}
	if got.UnixMilli() != 1793448000123 {
		t.Errorf("time got %d", got.UnixMilli())
	}
}

func TestEitherCaseIsAccepted(t *testing.T) {
	t.Parallel()
	want := id.New(1, [10]byte{9})
	for _, text := range []string{want.String(), strings.ToUpper(want.String())} {
		if got, err := id.Parse(text); err != nil || got != want {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
	if got, err := id.ParseWith(id.Friend, want.With(id.Friend)); err != nil || got != want {
		t.Errorf("with prefix: got %v, %v", got, err)
	}
}

func TestForeignTextIsRefused(t *testing.T) {
	t.Parallel()
	good := id.New(1, [10]byte{9}).String()
	for _, text := range []string{"", good[1:], good + "0", "8" + good[1:], "u" + good[1:], good[:25] + "l", good[:25] + "é"[:1]} {
		if _, err := id.Parse(text); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: got %v want invalid", text, err)
		}
	}
	if _, err := id.ParseWith(id.Friend, "msg_"+good); !fault.Is(err, fault.Invalid) {
		t.Errorf("other prefix: got %v want invalid", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(id.New(1793448000123, [10]byte{1, 2, 3}).String())
	f.Add("7ZZZZZZZZZZZZZZZZZZZZZZZZZ")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := id.Parse(text)
		if err == nil && v.String() != strings.ToLower(text) {
			t.Fatalf("%q came back as %q", text, v)
		}
	})
}
