package token_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/token"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".hex")
	if *update {
		if err := os.WriteFile(file, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSpace(string(want)), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func key(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func TestTokenBytes(t *testing.T) {
	t.Parallel()
	for name, tok := range map[string]token.Token{
		"link":   {Kind: token.Link, Key: 1, Channel: 7, Subject: 42, Link: 3},
		"open":   {Kind: token.Open, Key: 258, Channel: 1 << 31, Subject: 1},
		"image":  {Kind: token.Image, Key: 65535, Channel: 4294967295, Subject: 1<<62 + 5, Link: 9},
		"shared": {Kind: token.Link, Key: 1, Channel: 7, Subject: token.SharedSend | 42, Link: 3},
	} {
		text := token.Sign(tok, key(1))
		golden(t, name, text)
		got, tag, err := token.Parse(text)
		if err != nil || got != tok {
			t.Errorf("%s: got %+v, %v want %+v", name, got, err, tok)
		}
		if !token.Verify(got, tag, key(1)) || token.Verify(got, tag, key(2)) {
			t.Errorf("%s: the tag fits the wrong keys", name)
		}
	}
}

func TestChangedTokensFail(t *testing.T) {
	t.Parallel()
	text := token.Sign(
		token.Token{Kind: token.Link, Key: 1, Channel: 7, Subject: 42, Link: 3},
		key(1),
	)
	for i := range text {
		changed := []byte(text)
		changed[i] ^= 1
		got, tag, err := token.Parse(string(changed))
		if err == nil && token.Verify(got, tag, key(1)) {
			t.Errorf("a change at %d was not noticed", i)
		}
	}
	for _, bad := range []string{"", text[1:], text + "A", text[:41] + "B", strings.Replace(text, text[:1], "=", 1), text[:40] + "é"} {
		if _, _, err := token.Parse(bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestOneOffCarriesItsTarget(t *testing.T) {
	t.Parallel()
	private := ed25519.NewKeyFromSeed(key(9))
	want := token.Token{Kind: token.OneOff, Key: 1, Channel: 7, Subject: 42, Link: 3}
	text := token.SignOneOff(want, "https://shop.example/x?y=1", private)
	golden(t, "oneoff", text)
	got, target, message, signature, err := token.ParseOneOff(text)
	if err != nil || got != want || target != "https://shop.example/x?y=1" {
		t.Fatalf("got %+v %q %v", got, target, err)
	}
	public := private.Public().(ed25519.PublicKey)
	if !ed25519.Verify(public, message, signature[:]) {
		t.Error("the signature does not fit")
	}
	message[len(message)-1] ^= 1
	if ed25519.Verify(public, message, signature[:]) {
		t.Error("another target fits the signature")
	}
}

func state() token.State {
	return token.State{
		ID:       id.New(1795521600000, [10]byte{1}),
		Issued:   1795521600,
		Claim:    token.ClaimProfile,
		Language: "ja",
		Code:     "aaaaaaaaaaaaaaa4",
		Value:    "01HPROFILE",
	}
}

func TestStateComesBack(t *testing.T) {
	t.Parallel()
	header := token.StateHeader{Channel: 7, Key: 1, Nonce: [12]byte{1, 2, 3}}
	text, err := token.SealState(header, [32]byte(key(3)), state())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "state", text)
	golden(t, "state-plain", hex.EncodeToString(state().Append(nil)))
	golden(t, "state-nonce", token.Nonce(key(3), state().ID))
	golden(t, "state-challenge", token.Challenge(token.Verifier(key(3), state().ID)))
	got, sealed, err := token.ParseStateHeader(text)
	if err != nil || got != header {
		t.Fatalf("header got %+v, %v", got, err)
	}
	opened, err := token.OpenState(got, key(3), sealed)
	if err != nil || opened != state() {
		t.Errorf("got %+v, %v", opened, err)
	}
	other := header
	other.Channel = 8
	if _, err := token.OpenState(other, key(3), sealed); !fault.Is(err, fault.Invalid) {
		t.Error("a state opened for another channel")
	}
	if _, err := token.OpenState(header, key(4), sealed); !fault.Is(err, fault.Invalid) {
		t.Error("a state opened with another key")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(
		token.Sign(token.Token{Kind: token.Link, Key: 1, Channel: 7, Subject: 42, Link: 3}, key(1)),
	)
	f.Add(strings.Repeat("_", 42))
	f.Fuzz(func(t *testing.T, text string) {
		tok, tag, err := token.Parse(text)
		std, stdErr := base64.RawURLEncoding.Strict().DecodeString(text)
		if err == nil && (stdErr != nil || len(std) != 31 || len(text) != 42) {
			t.Fatalf("%q was read, the standard decoder refuses it", text)
		}
		prefix := tok.Prefix()
		if err == nil && !bytes.Equal(std, append(prefix[:], tag[:]...)) {
			t.Fatalf("%q was read as something else", text)
		}
	})
}

func FuzzParseOneOff(f *testing.F) {
	f.Add(
		token.SignOneOff(
			token.Token{Key: 1, Channel: 7},
			"https://x.example/",
			ed25519.NewKeyFromSeed(key(9)),
		),
	)
	f.Fuzz(func(t *testing.T, text string) {
		if _, target, message, _, err := token.ParseOneOff(text); err == nil &&
			!bytes.HasSuffix(message, []byte(target)) {
			t.Fatal("the message does not cover the target")
		}
	})
}

func FuzzParseState(f *testing.F) {
	f.Add(state().Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := token.ParseState(b); err == nil && !bytes.Equal(s.Append(nil), b) {
			t.Fatalf("%x came back otherwise", b)
		}
	})
}
