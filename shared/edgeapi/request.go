package edgeapi

import (
	"bytes"
	"encoding/binary"
)

// Method is a request's method; 0 = another one.
type Method uint8

// The methods that routes know.
const (
	OtherMethod Method = 0
	GET         Method = 1
	HEAD        Method = 2
	POST        Method = 3
	OPTIONS     Method = 4
)

// Flags of a request.
const (
	FlagRepeatedHeader uint16 = 1 << 0 // one of the listed headers came twice
	FlagHasBody        uint16 = 1 << 1
	FlagPlainHTTP      uint16 = 1 << 2 // the public URL is plain http (loopback only)
)

// Tags of a request's fields.
const (
	tagPath uint8 = iota + 1
	tagQuery
	tagHost
	tagEventID
	tagUserAgent
	tagPurpose
	tagLanguage
	tagLinkCookie
	tagOrigin
	tagContentType
	tagCredential
	tagCredentialExtra
)

const (
	requestVersion = 1
	requestHead    = 4
)

// Request is what a module sees of an HTTP request. Bodies stay in the host.
type Request struct {
	Method      Method
	Flags       uint16
	Path        []byte
	Query       []byte // raw
	Host        []byte // of the edge's public URL
	EventID     []byte // 16 bytes
	UserAgent   []byte
	Purpose     []byte // Sec-Purpose or Purpose
	Language    []byte // Accept-Language
	LinkCookie  []byte
	Origin      []byte
	ContentType []byte
	Credential  []byte // Lumo-Flow-Key, X-Line-Signature, Klaviyo-Signature or X-Shopify-Hmac-Sha256
	Extra       []byte // Klaviyo-Timestamp or X-Shopify-Shop-Domain
}

// IsClaim tells whether this is the claim of a form on a shop's page: the only request whose
// body a module may read.
func (r *Request) IsClaim() bool {
	return r.Method == POST && bytes.HasPrefix(r.Path, []byte("/f/")) &&
		bytes.HasSuffix(r.Path, []byte("/claim"))
}

// fields lists where each tag's value lives, in tag order.
func (r *Request) fields() [12]*[]byte {
	return [...]*[]byte{
		&r.Path,
		&r.Query,
		&r.Host,
		&r.EventID,
		&r.UserAgent,
		&r.Purpose,
		&r.Language,
		&r.LinkCookie,
		&r.Origin,
		&r.ContentType,
		&r.Credential,
		&r.Extra,
	}
}

// Append adds the request's bytes to dst. Absent values (nil or empty) are left out.
func (r *Request) Append(dst []byte) []byte {
	dst = append(dst, requestVersion, byte(r.Method))
	dst = binary.LittleEndian.AppendUint16(dst, r.Flags)
	for i, value := range r.fields() {
		if len(*value) > 0 {
			dst = appendField(dst, uint8(i)+tagPath, *value)
		}
	}
	return dst
}

// Parse reads a request; its values alias b. Unknown tags are skipped, a known tag
// that comes twice is refused.
func (r *Request) Parse(b []byte) error {
	var f Fields
	f.Use(b)
	if !f.Parse(len(b)) {
		return malformed("edgeapi.Request.Parse")
	}
	*r = Request{
		Method:      f.Method,
		Flags:       f.Flags,
		Path:        f.Path(),
		Query:       f.Query(),
		Host:        f.Host(),
		EventID:     f.EventID(),
		UserAgent:   f.UserAgent(),
		Purpose:     f.Purpose(),
		Language:    f.Language(),
		LinkCookie:  f.LinkCookie(),
		Origin:      f.Origin(),
		ContentType: f.ContentType(),
		Credential:  f.Credential(),
		Extra:       f.Extra(),
	}
	return nil
}
