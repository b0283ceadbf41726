package edgeapi

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// VerdictKind is what the host shall do.
type VerdictKind uint8

// The kinds of verdicts.
const (
	Respond VerdictKind = 1 // answer as given
	Forward VerdictKind = 2 // ask the core
	Deny    VerdictKind = 3 // the host writes the refusal from status and reason
)

// Page is a page that the host renders.
type Page uint8

// The pages.
const (
	PageNone        Page = 0
	PageNotFound    Page = 1
	PageGone        Page = 2 // this link no longer works
	PageDesktopQR   Page = 3
	PageUnavailable Page = 4
)

// Auth is what a module could prove about a forwarded request.
type Auth uint8

// The module's answers; provisional and refused are the host's.
const (
	AuthNone      Auth = 0
	AuthVerified  Auth = 1
	AuthUnchecked Auth = 3
)

const (
	verdictVersion = 1
	verdictHead    = 6

	tagHeader uint8 = 1
	tagBody   uint8 = 2
	tagEvent  uint8 = 3
	tagPage   uint8 = 4
	tagDraw   uint8 = 5
	tagAuth   uint8 = 6
	tagNumber uint8 = 7
)

// Statuses are those that a verdict may carry.
func Statuses() []uint16 { return []uint16{200, 202, 204, 302, 400, 401, 404, 405, 413, 503} }

// Verdict is a module's answer.
type Verdict struct {
	Kind    VerdictKind
	Status  uint16
	Reason  Reason
	Headers [][]byte // "Name: value"
	Body    []byte
	Events  [][]byte // package event
	Page    Page
	Draw    []byte // URL that the host turns into the PNG or the desktop page
	Auth    Auth
	Number  uint32 // channel or account of a forwarded request
}

// Append adds the verdict's bytes to dst.
func (v *Verdict) Append(dst []byte) []byte {
	dst = append(dst, verdictVersion, byte(v.Kind))
	dst = binary.LittleEndian.AppendUint16(dst, v.Status)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(v.Reason))
	for _, h := range v.Headers {
		dst = appendField(dst, tagHeader, h)
	}
	if len(v.Body) > 0 {
		dst = appendField(dst, tagBody, v.Body)
	}
	for _, e := range v.Events {
		dst = appendField(dst, tagEvent, e)
	}
	if v.Page != PageNone {
		dst = appendField(dst, tagPage, []byte{byte(v.Page)})
	}
	if len(v.Draw) > 0 {
		dst = appendField(dst, tagDraw, v.Draw)
	}
	if v.Auth != AuthNone {
		dst = appendField(dst, tagAuth, []byte{byte(v.Auth)})
	}
	if v.Number != 0 {
		var number [4]byte
		binary.LittleEndian.PutUint32(number[:], v.Number)
		dst = appendField(dst, tagNumber, number[:])
	}
	return dst
}

// Parse reads a verdict; its values alias b. Whatever is not well formed is an error: the
// host then treats the request as undecided.
func (v *Verdict) Parse(b []byte) error {
	const op = "edgeapi.Verdict.Parse"
	if len(b) < verdictHead || len(b) > MaxMessage || b[0] != verdictVersion {
		return malformed(op)
	}
	*v = Verdict{
		Kind:    VerdictKind(b[1]),
		Status:  binary.LittleEndian.Uint16(b[2:]),
		Reason:  Reason(binary.LittleEndian.Uint16(b[4:])),
		Headers: v.Headers[:0],
		Events:  v.Events[:0],
	}
	if v.Kind < Respond || v.Kind > Deny || !slices.Contains(Statuses(), v.Status) {
		return malformed(op)
	}
	var seen uint8
	for rest := b[verdictHead:]; len(rest) > 0; {
		tag, value, after, ok := nextField(rest)
		if !ok || !v.set(tag, value, &seen) {
			return malformed(op)
		}
		rest = after
	}
	return nil
}

// set takes one field; false = not well formed. Tags that modules do not know do not exist
// for them, so an unknown tag is malformed here.
func (v *Verdict) set(tag uint8, value []byte, seen *uint8) bool {
	switch tag {
	case tagHeader:
		v.Headers = append(v.Headers, value)
		return wellFormedHeader(value)
	case tagEvent:
		v.Events = append(v.Events, value)
		return true
	case tagBody, tagPage, tagDraw, tagAuth, tagNumber:
		if *seen&(1<<tag) != 0 {
			return false
		}
		*seen |= 1 << tag
	default:
		return false
	}
	return v.setSingle(tag, value)
}

func (v *Verdict) setSingle(tag uint8, value []byte) bool {
	switch tag {
	case tagBody:
		v.Body = value
	case tagDraw:
		v.Draw = value
	case tagPage:
		if len(value) != 1 || value[0] == 0 || value[0] > byte(PageUnavailable) {
			return false
		}
		v.Page = Page(value[0])
	case tagAuth:
		if len(value) != 1 || value[0] != byte(AuthVerified) && value[0] != byte(AuthUnchecked) {
			return false
		}
		v.Auth = Auth(value[0])
	case tagNumber:
		if len(value) != 4 {
			return false
		}
		v.Number = binary.LittleEndian.Uint32(value)
	}
	return true
}

// wellFormedHeader takes "Name: value" with a name that a module may set, on one line.
func wellFormedHeader(line []byte) bool {
	name, _, found := bytes.Cut(line, []byte(": "))
	if !found || bytes.IndexByte(line, '\n') >= 0 || bytes.IndexByte(line, '\r') >= 0 ||
		bytes.IndexByte(line, 0) >= 0 {
		return false
	}
	switch string(name) {
	case "Location", "Set-Cookie", "Cache-Control", "Content-Type", "Vary", "Allow":
		return true
	}
	return bytes.HasPrefix(name, []byte("Access-Control-"))
}
