// Package webhooksig knows how each vendor signs its webhooks and how a flow key looks.
//
// Signatures cover the raw body; comparison is constant time. Decoders accept exactly one
// text for a value: the right length, the right alphabet, no spaces.
package webhooksig

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"

	"lumo/shared/fault"
)

const (
	signatureSize = sha256.Size
	base64Length  = 44 // of 32 bytes with padding
	hexLength     = 64
	keyPrefix     = "lfk_"
	keySecretText = 43 // of 32 bytes, base64url without padding
)

// DecodeBase64 reads the 32 bytes of a LINE or Shopify signature header.
func DecodeBase64(header []byte) (sum [signatureSize]byte, ok bool) {
	if len(header) != base64Length {
		return sum, false
	}
	var raw [33]byte
	n, err := base64.StdEncoding.Strict().Decode(raw[:], header)
	if err != nil || n != signatureSize {
		return sum, false
	}
	return [signatureSize]byte(raw[:]), true
}

// DecodeHex reads the 32 bytes of a Klaviyo signature header: lower-case hex.
func DecodeHex(header []byte) (sum [signatureSize]byte, ok bool) {
	if len(header) != hexLength {
		return sum, false
	}
	for _, c := range header {
		if c >= 'A' && c <= 'F' {
			return sum, false
		}
	}
	_, err := hex.Decode(sum[:], header)
	return sum, err == nil
}

// VerifyLINE checks X-Line-Signature: base64 of HMAC-SHA256(channel secret, body).
func VerifyLINE(secret string, body []byte, header string) bool {
	sum, ok := DecodeBase64([]byte(header))
	return ok && equal(secret, body, "", sum)
}

// VerifyKlaviyo checks Klaviyo-Signature: hex of HMAC-SHA256(secret, body || timestamp header).
func VerifyKlaviyo(secret string, body []byte, timestamp, header string) bool {
	sum, ok := DecodeHex([]byte(header))
	return ok && equal(secret, body, timestamp, sum)
}

// VerifyShopify checks X-Shopify-Hmac-Sha256: base64 of HMAC-SHA256(app secret, body).
func VerifyShopify(secret string, body []byte, header string) bool {
	return VerifyLINE(secret, body, header)
}

func equal(secret string, body []byte, suffix string, sum [signatureSize]byte) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	mac.Write([]byte(suffix))
	return hmac.Equal(mac.Sum(nil), sum[:])
}

// ParseFlowKey reads the number of a flow key, lfk_<number>_<32 bytes, base64url>. The secret
// may itself hold underscores, so the text is split at the first two only.
func ParseFlowKey(header string) (number uint32, err error) {
	rest, ok := strings.CutPrefix(header, keyPrefix)
	digits, secret, both := strings.Cut(rest, "_")
	n, parsed := decimal(digits)
	if !ok || !both || !parsed || len(secret) != keySecretText {
		return 0, badKey()
	}
	if _, err := base64.RawURLEncoding.Strict().DecodeString(secret); err != nil {
		return 0, badKey()
	}
	return n, nil
}

// decimal reads a number without sign or leading zeros.
func decimal(text string) (uint32, bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	return uint32(n), err == nil && n > 0 && text == strconv.FormatUint(n, 10)
}

// FormatFlowKey gives the text of a key. Numbers count per channel from 1.
func FormatFlowKey(number uint32, secret [32]byte) string {
	return keyPrefix + strconv.FormatUint(uint64(number), 10) + "_" + base64.RawURLEncoding.EncodeToString(secret[:])
}

// HashFlowKey is how a key is stored: SHA-256 of the whole text.
func HashFlowKey(whole string) [32]byte { return sha256.Sum256([]byte(whole)) }

func badKey() error {
	return fault.New(fault.Invalid, "webhooksig.ParseFlowKey", "This is not a flow key.")
}
