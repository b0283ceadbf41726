//go:build !guest

package token

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	nonceDomain = "lumo nonce 1\x00"
	pkceDomain  = "lumo pkce 1\x00"
)

// strict refuses unused bits that are not 0, so that one token has one text.
func strict() *base64.Encoding { return base64.RawURLEncoding.Strict() }

// Sign gives the text of a token of kind Link, Open or Image: 42 characters.
func Sign(t Token, key []byte) string {
	prefix := t.Prefix()
	tag := t.tag(key)
	return strict().EncodeToString(append(prefix[:], tag[:]...))
}

func (t Token) tag(key []byte) [tagLength]byte {
	prefix := t.Prefix()
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(linkDomain))
	mac.Write(prefix[:])
	return [tagLength]byte(mac.Sum(nil)[:tagLength])
}

// Verify checks a tag in constant time.
func Verify(t Token, tag [tagLength]byte, key []byte) bool {
	want := t.tag(key)
	return hmac.Equal(want[:], tag[:])
}

// SignOneOff gives the text of a link whose target stands in the URL itself.
func SignOneOff(t Token, target string, key ed25519.PrivateKey) string {
	t.Kind = OneOff
	prefix := t.Prefix()
	message := append(append([]byte(oneOffDomain), prefix[:]...), target...)
	signed := append(message, ed25519.Sign(key, message)...)
	return strict().EncodeToString(signed[len(oneOffDomain):])
}

// SealState gives the text that goes to LINE Login and comes back.
func SealState(h StateHeader, key [32]byte, s State) (string, error) {
	if len(s.Code) > 255 || len(s.Value) > 255 {
		return "", fault.New(fault.Invalid, "token.SealState", "The claim is too long.")
	}
	gcm, err := stateCipher(key[:])
	if err != nil {
		return "", err
	}
	header := h.Append(nil)
	return strict().EncodeToString(gcm.Seal(header, h.Nonce[:], s.Append(nil), header)), nil
}

// OpenState opens the sealed part. Its age is for the caller to judge.
func OpenState(h StateHeader, key []byte, sealed []byte) (State, error) {
	gcm, err := stateCipher(key)
	if err != nil {
		return State{}, err
	}
	plain, err := gcm.Open(nil, h.Nonce[:], sealed, h.Append(nil))
	if err != nil {
		return State{}, badState()
	}
	return ParseState(plain)
}

func stateCipher(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fault.Wrap("token.stateCipher", err)
	}
	gcm, err := cipher.NewGCM(block)
	return gcm, fault.Wrap("token.stateCipher", err)
}

// Nonce is the OIDC nonce of a state, derived so that nobody needs to store it.
func Nonce(key []byte, v id.ID) string { return derive(key, nonceDomain, v) }

// Verifier is the PKCE verifier of a state. It never enters a module.
func Verifier(key []byte, v id.ID) string { return derive(key, pkceDomain, v) }

// Challenge is the S256 challenge of a verifier.
func Challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func derive(key []byte, domain string, v id.ID) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(domain))
	mac.Write(v[:])
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
