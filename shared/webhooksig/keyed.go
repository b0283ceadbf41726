//go:build !guest

package webhooksig

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
)

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

// FormatFlowKey gives the text of a key. Numbers count per channel from 1.
func FormatFlowKey(number uint32, secret [32]byte) string {
	digits := strconv.FormatUint(uint64(number), 10)
	return keyPrefix + digits + "_" + base64.RawURLEncoding.EncodeToString(secret[:])
}

// HashFlowKey is how a key is stored: SHA-256 of the whole text.
func HashFlowKey(whole string) [32]byte { return sha256.Sum256([]byte(whole)) }
