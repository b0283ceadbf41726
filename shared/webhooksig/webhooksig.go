// Package webhooksig knows how each vendor signs its webhooks and how a flow key looks.
//
// Signatures cover the raw body; comparison is constant time. Decoders accept exactly one
// text for a value: the right length, the right alphabet, no spaces. What computes is left
// out of modules, which are built with the tag guest and let their host compute.
package webhooksig

import (
	"math"

	"lumo/shared/fault"
	"lumo/shared/internal/strict64"
)

const (
	signatureSize = 32 // HMAC-SHA256
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

func badKey() error {
	return &fault.Error{Kind: fault.Invalid, Op: "webhooksig.ParseFlowKey", Message: "This is not a flow key."}
}
