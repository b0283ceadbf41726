package edgeapi

import "encoding/binary"

// Fields is a request as a module reads it: where each field lies in the request's bytes.
// It copies and allocates nothing and holds no pointer but the buffer's, so that reading a
// request costs a module one turn of a loop a field.
type Fields struct {
	Method Method
	Flags  uint16
	buffer []byte
	spans  [256]span // by tag; those of unknown tags are never looked at
}

type span struct{ from, to uint32 }

const knownTags = 1<<(tagCredentialExtra+1) - 1<<tagPath

// Use says which memory requests will lie in.
func (f *Fields) Use(buffer []byte) { f.buffer = buffer }

// Parse reads the request in the buffer's first n bytes. Unknown tags are skipped; false
// for what is malformed, as a known tag that comes twice.
func (f *Fields) Parse(n int) bool {
	if n < requestHead || n > MaxMessage || n > len(f.buffer) {
		return false
	}
	b := f.buffer[:n]
	clear(f.spans[:tagCredentialExtra+1])
	f.Method, f.Flags = Method(b[1]), binary.LittleEndian.Uint16(b[2:])
	var seen, twice uint32
	at := requestHead
	for n-at >= fieldHead { // a field that ends outside ends the loop with at behind n
		tag := b[at]
		end := at + fieldHead + int(binary.LittleEndian.Uint32(b[at+1:]))
		f.spans[tag] = span{uint32(at + fieldHead), uint32(end)}
		bit := uint32(1) << tag & knownTags
		twice |= seen & bit
		seen |= bit
		at = end
	}
	return at == n && twice == 0 && b[0] == requestVersion && f.Method <= OPTIONS
}

func (f *Fields) value(tag uint8) []byte {
	s := f.spans[tag]
	return f.buffer[s.from:s.to:s.to]
}

// Path is the request's path.
func (f *Fields) Path() []byte { return f.value(tagPath) }

// Query is the raw query.
func (f *Fields) Query() []byte { return f.value(tagQuery) }

// Host is the host of the edge's public URL.
func (f *Fields) Host() []byte { return f.value(tagHost) }

// EventID is the request's id, 16 bytes.
func (f *Fields) EventID() []byte { return f.value(tagEventID) }

// UserAgent is the User-Agent.
func (f *Fields) UserAgent() []byte { return f.value(tagUserAgent) }

// Purpose is Sec-Purpose or Purpose.
func (f *Fields) Purpose() []byte { return f.value(tagPurpose) }

// Language is Accept-Language.
func (f *Fields) Language() []byte { return f.value(tagLanguage) }

// LinkCookie is the cookie __Host-lumo_link.
func (f *Fields) LinkCookie() []byte { return f.value(tagLinkCookie) }

// Origin is Origin.
func (f *Fields) Origin() []byte { return f.value(tagOrigin) }

// ContentType is Content-Type.
func (f *Fields) ContentType() []byte { return f.value(tagContentType) }

// Credential is the vendor's key or signature.
func (f *Fields) Credential() []byte { return f.value(tagCredential) }

// Extra is Klaviyo-Timestamp or X-Shopify-Shop-Domain.
func (f *Fields) Extra() []byte { return f.value(tagCredentialExtra) }
