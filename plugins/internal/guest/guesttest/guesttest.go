// Package guesttest is the host for native tests of modules: the golden world, computed
// plainly. It also holds the one test that all modules share.
package guesttest

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lumo/plugins/internal/guest"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
	"lumo/shared/id"
	"lumo/shared/token"
)

// Golden holds a module's verdicts against shared/edgeapi/testdata; with -update it writes them.
func Golden(t *testing.T, module string, handle guest.Handler) {
	t.Helper()
	update := flag.Lookup("update").Value.String() == "true"
	for _, c := range edgeapitest.Cases() {
		if c.Module != module {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			host := Host{World: edgeapitest.NewWorld(), RequestBody: c.Body}
			verdict := guest.Decide(host, c.Request.Append(nil), handle)
			got := string(edgeapitest.Hex(verdict))
			file := filepath.Join("..", "..", "shared", "edgeapi", "testdata", "verdict", c.Name+".hex")
			if update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			if err := new(edgeapi.Verdict).Parse(verdict); err != nil {
				t.Errorf("the verdict is not well formed: %v", err)
			}
		})
	}
}

// Host answers from a world.
type Host struct {
	edgeapitest.World
	RequestBody []byte
}

func (h Host) any(ref edgeapi.KeyRef, match func(key []byte) bool) int32 {
	keys := h.Keys(ref, edgeapitest.NowMS)
	if len(keys) == 0 {
		return guest.NoKey
	}
	for _, key := range keys {
		if match(key) {
			return guest.Match
		}
	}
	return guest.Mismatch
}

func sum(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// Lookup and the other methods do what guest.Host says.
func (h Host) Lookup(table uint8, key []byte) []byte {
	value, _ := h.World.Lookup(table, key)
	return value
}

func (h Host) MACVerify(ref edgeapi.KeyRef, message, tag []byte) int32 {
	return h.any(ref, func(key []byte) bool { return hmac.Equal(sum(key, message)[:len(tag)], tag) })
}

func (h Host) SHA256Equal(ref edgeapi.KeyRef, value []byte) int32 {
	hash := sha256.Sum256(value)
	return h.any(ref, func(key []byte) bool { return hmac.Equal(key, hash[:]) })
}

func (h Host) BodyHMAC(ref edgeapi.KeyRef, suffix, tag []byte) int32 {
	return h.any(ref, func(key []byte) bool { return hmac.Equal(sum(key, h.RequestBody, suffix), tag) })
}

func (h Host) Body() []byte { return h.RequestBody }

func (h Host) SigVerify(ref edgeapi.KeyRef, message, signature []byte) int32 {
	return h.any(ref, func(key []byte) bool { return ed25519.Verify(key, message, signature) })
}

func (h Host) Seal(ref edgeapi.KeyRef, plain []byte) []byte {
	keys := h.Keys(ref, edgeapitest.NowMS)
	state, err := token.ParseState(plain)
	if err != nil || len(keys) == 0 {
		return nil
	}
	text, err := token.SealState(token.StateHeader{Channel: ref.Number(), Key: ref.Key()}, [32]byte(keys[0]), state)
	if err != nil {
		return nil
	}
	return decode(text)
}

func (h Host) Open(ref edgeapi.KeyRef, sealed []byte) []byte {
	keys := h.Keys(ref, edgeapitest.NowMS)
	header, rest, err := token.ParseStateHeader(base64.RawURLEncoding.EncodeToString(sealed))
	if err != nil || len(keys) == 0 {
		return nil
	}
	state, err := token.OpenState(header, keys[0], rest)
	if err != nil {
		return nil
	}
	return state.Append(nil)
}

func (h Host) Derive(ref edgeapi.KeyRef, label guest.Label, event []byte) []byte {
	keys := h.Keys(ref, edgeapitest.NowMS)
	if len(keys) == 0 {
		return nil
	}
	text := token.Nonce(keys[0], id.ID(event))
	if label == guest.LabelChallenge {
		text = token.Challenge(token.Verifier(keys[0], id.ID(event)))
	}
	return decode(text)
}

func (h Host) Now() int64 { return edgeapitest.NowMS }

func decode(text string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return b
}
