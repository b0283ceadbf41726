// Package guest is what every module shares: the host's functions, and the entry points
// that read a request and write a verdict.
//
// A module is one pure function, Handler. It keeps nothing between calls: the buffers
// here belong to the call in progress. Keys never enter a module; it names them and the
// host computes. With the host's safety flag on, each loop iteration in here leaves native
// code, so there are no byte loops over long input: copy, or ask the host.
package guest

import "lumo/shared/edgeapi"

// Results of the host's yes-or-no functions.
const (
	Match    int32 = 1
	Mismatch int32 = 0
	NoKey    int32 = -1
)

// Host is what a module may ask. Slices it gives are valid until the next call of the
// same method.
type Host interface {
	// Lookup reads the replica; nil = absent.
	Lookup(table uint8, key []byte) []byte
	// MACVerify compares HMAC-SHA256 of message with tag, truncated to its 12-32 bytes.
	MACVerify(ref edgeapi.KeyRef, message, tag []byte) int32
	// SHA256Equal compares the hash of value with the stored one.
	SHA256Equal(ref edgeapi.KeyRef, value []byte) int32
	// BodyHMAC compares HMAC-SHA256 of the request's body and suffix with tag.
	BodyHMAC(ref edgeapi.KeyRef, suffix []byte, tag [32]byte) int32
	// Body is the request's body, for form claims only; nil when over 8 KiB.
	Body() []byte
	// SigVerify checks an Ed25519 signature.
	SigVerify(ref edgeapi.KeyRef, message []byte, signature [64]byte) int32
	// Seal and Open handle login states; nil = refused.
	Seal(ref edgeapi.KeyRef, plain []byte) []byte
	Open(ref edgeapi.KeyRef, sealed []byte) []byte
	// Derive gives 32 bytes of a state's id; false = no key.
	Derive(ref edgeapi.KeyRef, label Label, id []byte) ([32]byte, bool)
	// Now is the time in Unix milliseconds.
	Now() int64
}

// Label says what to derive.
type Label int32

// The labels. The PKCE verifier itself never enters a module.
const (
	LabelNonce     Label = 1
	LabelChallenge Label = 2
)

// Handler decides about one request.
type Handler func(h Host, r *edgeapi.Request, v *edgeapi.Verdict)

// Deny makes a refusal; the host writes its words.
func Deny(v *edgeapi.Verdict, status uint16, reason edgeapi.Reason) {
	v.Kind, v.Status, v.Reason = edgeapi.Deny, status, reason
}

// BadMethod refuses a method and names those that work.
func BadMethod(v *edgeapi.Verdict, allow string) {
	Deny(v, 405, edgeapi.BadMethod)
	v.Headers = append(v.Headers, []byte("Allow: "+allow))
}

// Forward passes the request on to the core, with what could be proved about it.
func Forward(v *edgeapi.Verdict, auth edgeapi.Auth, number uint32) {
	v.Kind, v.Status, v.Auth, v.Number = edgeapi.Forward, 503, auth, number
}

// Header adds "Name: value".
func Header(v *edgeapi.Verdict, name, value string) {
	v.Headers = append(v.Headers, []byte(name+": "+value))
}
