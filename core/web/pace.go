package web

import (
	"cmp"
	"io"
	"net/http"
	"time"
)

// Pace is how slow the other end may be.
type Pace struct {
	Header time.Duration // how long headers may take
	// Body is how long a body may take beside the time for its length at Rate.
	Body time.Duration
	Rate int64 // bytes a second
	// Read is how long the other end may take nothing of an answer.
	Read time.Duration
}

// largestBody is what a body without a length is given time for.
const largestBody = 32 << 20

func (p Pace) orUsual() Pace {
	return Pace{Header: cmp.Or(p.Header, 5*time.Second), Body: cmp.Or(p.Body, 15*time.Second), Rate: cmp.Or(p.Rate, 64<<10), Read: cmp.Or(p.Read, 30*time.Second)}
}

// pacedWriter gives up on whoever sends or reads too slowly, and remembers what was answered.
type pacedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	pace    Pace
	code    int
}

// begin gives the body the time for its length. The limit is lifted at the body's end: the
// handler may take longer. What the answer before had for a limit is over.
func (w *pacedWriter) begin(r *http.Request) {
	_ = w.control.SetWriteDeadline(time.Time{}) // where there is no connection, nobody is slow
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	length := r.ContentLength
	if length < 0 || length > largestBody {
		length = largestBody
	}
	limit := w.pace.Body + time.Duration(length)*time.Second/time.Duration(w.pace.Rate)
	if w.control.SetReadDeadline(time.Now().Add(limit)) != nil {
		return // not a connection: a test's recorder
	}
	r.Body = &pacedBody{r.Body, w.control}
}

type pacedBody struct {
	io.ReadCloser
	control *http.ResponseController
}

// Read reads on; the end lifts the limit.
func (b *pacedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.control.SetReadDeadline(time.Time{}) // it could be set before
	}
	return n, err
}

// WriteHeader remembers the status.
func (w *pacedWriter) WriteHeader(status int) {
	if w.code == 0 && status >= http.StatusOK {
		w.code = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write waits a while for the other end.
func (w *pacedWriter) Write(p []byte) (int, error) {
	w.code = cmp.Or(w.code, http.StatusOK)
	_ = w.control.SetWriteDeadline(time.Now().Add(w.pace.Read)) // as in begin
	return w.ResponseWriter.Write(p)
}

// Unwrap serves http.ResponseController.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *pacedWriter) status() int { return cmp.Or(w.code, http.StatusOK) }
