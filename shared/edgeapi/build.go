package edgeapi

import (
	"encoding/binary"

	"lumo/shared/event"
)

// Builder writes a verdict field by field into fixed memory, so that a module builds its
// answer where the host reads it. Fields follow in the order they are written; a single
// field must be written once. What does not fit makes the whole verdict empty.
type Builder struct {
	b      []byte
	n      int
	field  int // where the open field begins
	lost   int // negative once something did not fit
	kind   VerdictKind
	status uint16
	reason Reason
}

// Use says which memory verdicts are built in.
func (w *Builder) Use(memory []byte) { w.b = memory }

// Reset begins a verdict.
func (w *Builder) Reset() {
	w.n, w.lost = verdictHead, 0
	w.kind, w.status, w.reason = 0, 0, 0
}

// Head sets what is done and why.
func (w *Builder) Head(kind VerdictKind, status uint16, reason Reason) {
	w.kind, w.status, w.reason = kind, status, reason
}

// Kind is what Head set, 0 before.
func (w *Builder) Kind() VerdictKind { return w.kind }

// Bytes is the verdict, nil when it did not fit.
func (w *Builder) Bytes() []byte {
	if w.lost < 0 {
		return nil
	}
	w.b[0], w.b[1] = verdictVersion, byte(w.kind)
	binary.LittleEndian.PutUint16(w.b[2:], w.status)
	binary.LittleEndian.PutUint16(w.b[4:], uint16(w.reason))
	return w.b[:w.n]
}

// begin opens a field; End closes it.
func (w *Builder) begin(tag uint8) {
	w.field = w.n
	w.b[w.n] = tag
	w.n += fieldHead
}

// Put adds to the open field. There is no branch in it: in a module each costs.
func (w *Builder) Put(value []byte) {
	w.lost |= len(w.b) - w.n - len(value)
	w.n += copy(w.b[w.n:], value)
}

// PutString adds to the open field.
func (w *Builder) PutString(value string) {
	w.lost |= len(w.b) - w.n - len(value)
	w.n += copy(w.b[w.n:], value)
}

// Room is the next n bytes of the open field, to be filled.
func (w *Builder) Room(n int) []byte {
	from := w.n
	w.n += n
	return w.b[from:w.n:w.n]
}

// End closes the open field.
func (w *Builder) End() {
	binary.LittleEndian.PutUint32(w.b[w.field+1:], uint32(w.n-w.field-fieldHead))
}

// BeginHeader opens a header line "Name: value".
func (w *Builder) BeginHeader() { w.begin(tagHeader) }

// BeginBody opens the body.
func (w *Builder) BeginBody() { w.begin(tagBody) }

// BeginDraw opens the URL to draw.
func (w *Builder) BeginDraw() { w.begin(tagDraw) }

// Header adds a whole line "Name: value".
func (w *Builder) Header(line string) {
	w.begin(tagHeader)
	w.PutString(line)
	w.End()
}

// Event adds an event.
func (w *Builder) Event(e event.Event) {
	w.begin(tagEvent)
	e.Put((*[event.Size]byte)(w.Room(event.Size)))
	w.End()
}

// Page adds the page to show.
func (w *Builder) Page(p Page) {
	w.begin(tagPage)
	w.Room(1)[0] = byte(p)
	w.End()
}

// Auth adds what could be proved.
func (w *Builder) Auth(a Auth) {
	w.begin(tagAuth)
	w.Room(1)[0] = byte(a)
	w.End()
}

// Number adds the channel or account.
func (w *Builder) Number(n uint32) {
	w.begin(tagNumber)
	binary.LittleEndian.PutUint32(w.Room(4), n)
	w.End()
}
