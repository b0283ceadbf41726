// Package edgeapi is the contract between edge modules, the edge's host and the core:
// requests and verdicts, tables and key references, stream frames and spool records,
// reason codes (CONTRACTS.md part A). Golden files in testdata freeze its bytes; all
// integers are little endian. Decoders take hostile bytes and never panic.
package edgeapi

import "lumo/shared/fault"

// MaxMessage is the most bytes a request or verdict may have.
const MaxMessage = 64 << 10

// Names of the headers with which an edge passes a request on to the core.
const (
	HeaderEventID    = "Lumo-Event-Id"    // ULID, 26 characters
	HeaderReceivedAt = "Lumo-Received-At" // Unix ms, core time
	HeaderAuth       = "Lumo-Auth"        // verified, provisional, unchecked, refused
	HeaderConfig     = "Lumo-Config"      // configuration version that judged it
	HeaderMethod     = "Lumo-Method"
	HeaderTarget     = "Lumo-Target"      // original path and query
	HeaderKeySHA256  = "Lumo-Key-Sha256"  // hex, provisional requests only
	HeaderLinkCookie = "Lumo-Link-Cookie" // value of __Host-lumo_link
	HeaderFlowKey    = "Lumo-Flow-Key"    // what Klaviyo sends; never stored
)

// LinkCookie is the cookie that ties a scan to its return from LINE Login.
const LinkCookie = "__Host-lumo_link"

// MediaPath is the route of uploaded media; the media's SHA-256 in hex follows.
const MediaPath = "/m/"

func malformed(op string) error {
	return &fault.Error{Kind: fault.Invalid, Op: op, Message: "malformed bytes"}
}
