// Package guest is what every module shares: the host's functions, and the entry points
// that read a request and write a verdict.
//
// A module is one pure function, Handler. It keeps nothing between calls: the memory here
// belongs to the call in progress. Keys never enter a module; it names them and the host
// computes. With the host's safety flag on, each turn of a loop in here leaves native code
// and each allocation costs microseconds, so there are no byte loops over long input, and
// what is built lies in the call's room.
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
	// BodyHMAC compares HMAC-SHA256 of the request's body and suffix with tag, 32 bytes.
	BodyHMAC(ref edgeapi.KeyRef, suffix, tag []byte) int32
	// Body is the request's body, for form claims only; nil when over 8 KiB.
	Body() []byte
	// SigVerify checks an Ed25519 signature of 64 bytes.
	SigVerify(ref edgeapi.KeyRef, message, signature []byte) int32
	// Seal and Open handle login states; nil = refused.
	Seal(ref edgeapi.KeyRef, plain []byte) []byte
	Open(ref edgeapi.KeyRef, sealed []byte) []byte
	// Derive gives 32 bytes of a state's id; nil = no key.
	Derive(ref edgeapi.KeyRef, label Label, id []byte) []byte
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

// Handler decides about one request: it reads c.Request, asks c.Host, fills c.Verdict.
type Handler func(c *Call)

const roomSize = 8 << 10

// Call is one request and the verdict in the making. It is used again for the next
// request, so that a module allocates nothing once it runs.
type Call struct {
	Host    Host
	Request edgeapi.Fields
	Verdict edgeapi.Builder
	room    [roomSize]byte
	used    int
}

// begin reads the request of n bytes and makes everything ready for its verdict.
func (c *Call) begin(n int) bool {
	c.used = 0
	c.Verdict.Reset()
	return c.Request.Parse(n)
}

// Room is n bytes to be filled, which last as long as the call.
func (c *Call) Room(n int) []byte {
	from := c.used
	c.used += n
	return c.room[from:c.used:c.used]
}

// Respond answers with a status.
func (c *Call) Respond(status uint16) { c.Verdict.Head(edgeapi.Respond, status, 0) }

// Deny refuses; the host writes the words.
func (c *Call) Deny(status uint16, reason edgeapi.Reason) {
	c.Verdict.Head(edgeapi.Deny, status, reason)
}

// BadMethod refuses a method; allow is the line "Allow: .." with those that work.
func (c *Call) BadMethod(allow string) {
	c.Deny(405, edgeapi.BadMethod)
	c.Verdict.Header(allow)
}

// Forward passes the request on to the core, with what could be proved about it. Its
// status is what the host answers when the core does not.
func (c *Call) Forward(auth edgeapi.Auth, number uint32, reason edgeapi.Reason) {
	c.Verdict.Head(edgeapi.Forward, 503, reason)
	c.Verdict.Auth(auth)
	c.Verdict.Number(number)
}

// NewCall has memory for one call after the other.
func NewCall(host Host) *Call {
	c := &Call{Host: host}
	c.Verdict.Use(make([]byte, edgeapi.MaxMessage))
	return c
}

// Decide reads a request, lets a module decide and gives the verdict, which is valid until
// the next one; nil = undecided.
func (c *Call) Decide(request []byte, handle Handler) []byte {
	c.Request.Use(request)
	if !c.begin(len(request)) {
		return nil
	}
	handle(c)
	return c.Verdict.Bytes()
}

// Decide is one call in new memory.
func Decide(host Host, request []byte, handle Handler) []byte {
	return NewCall(host).Decide(request, handle)
}
