// Package webhooksig knows how each vendor signs its webhooks and how a flow key looks.
//
// Signatures cover the raw body; comparison is constant time. Decoders accept exactly one
// text for a value: the right length, the right alphabet, no spaces.
package webhooksig

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"math"
	"strconv"

	"lumo/shared/fault"
	"lumo/shared/internal/strict64"
)

const (
	signatureSize = sha256.Size
	hexLength     = 64
	keyPrefix     = "lfk_"
	keySecretText = 43 // of 32 bytes, base64url without padding
	keyMaxDigits  = 5  // a key reference has 16 bits for it
)

// DecodeBase64 reads the 32 bytes of a LINE or Shopify signature header.
func DecodeBase64(header []byte) (sum [signatureSize]byte, ok bool) {
	ok = strict64.Std(&sum, header)
	return sum, ok
}

// DecodeHex reads the 32 bytes of a Klaviyo signature header: lower-case hex.
func DecodeHex(header []byte) (sum [signatureSize]byte, ok bool) {
	if len(header) != hexLength {
		return sum, false
	}
	var wrong byte
	for i := range sum {
		high, low := nibble(header[2*i]), nibble(header[2*i+1])
		sum[i], wrong = high<<4|low, wrong|high|low
	}
	return sum, wrong < 16
}

func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 255
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
	number, ok := ParseFlowKeyBytes([]byte(header))
	if !ok {
		return 0, badKey()
	}
	return number, nil
}

// ParseFlowKeyBytes is ParseFlowKey without allocation.
func ParseFlowKeyBytes(header []byte) (number uint32, ok bool) {
	digits := len(header) - len(keyPrefix) - 1 - keySecretText
	if digits < 1 || digits > keyMaxDigits || string(header[:len(keyPrefix)]) != keyPrefix {
		return 0, false
	}
	number, ok = decimal(header[len(keyPrefix) : len(keyPrefix)+digits])
	rest := header[len(keyPrefix)+digits:]
	var secret [signatureSize]byte
	return number, ok && rest[0] == '_' && strict64.URL43(&secret, (*[keySecretText]byte)(rest[1:]))
}

// decimal reads a key number: without sign or leading zeros, at most 65535.
func decimal(digits []byte) (uint32, bool) {
	var n uint32
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint32(c-'0')
	}
	return n, digits[0] != '0' && n <= math.MaxUint16
}

// FormatFlowKey gives the text of a key. Numbers count per channel from 1.
func FormatFlowKey(number uint32, secret [32]byte) string {
	digits := strconv.FormatUint(uint64(number), 10)
	return keyPrefix + digits + "_" + base64.RawURLEncoding.EncodeToString(secret[:])
}

// HashFlowKey is how a key is stored: SHA-256 of the whole text.
func HashFlowKey(whole string) [32]byte { return sha256.Sum256([]byte(whole)) }

func badKey() error {
	return fault.New(fault.Invalid, "webhooksig.ParseFlowKey", "This is not a flow key.")
}
