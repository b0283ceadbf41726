package console

import (
	"encoding/csv"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"lumo/shared/fault"
)

// byteOrder at the beginning of a file has spreadsheets take it for UTF-8.
const byteOrder = "\ufeff"

// spreadsheet is the media type of such files.
var spreadsheet = []string{"text/csv"}

// csvFile is a file that is written as it is read, however long that takes: each hands it over
// page by page.
func (a *API) csvFile(name string, head []string, each func(page func(lines [][]string) error) error) File {
	return func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // a million lines take their time
		h := w.Header()
		h.Set("Content-Type", "text/csv; charset=utf-8")
		h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write([]byte(byteOrder))
		out := csv.NewWriter(w)
		_ = out.Write(head)
		err := each(out.WriteAll) // which also hands on what it wrote
		if err != nil && r.Context().Err() == nil {
			a.Log.ErrorContext(r.Context(), "export broke off", "kind", string(fault.KindOf(err)))
			panic(http.ErrAbortHandler) // a file that ends early must not look whole
		}
	}
}

// harmless keeps a spreadsheet from working a cell out that somebody typed as a formula, in the
// wide characters of East Asia too.
func harmless(text string) string {
	if first, _ := utf8.DecodeRuneInString(text); text != "" && strings.ContainsRune("=+-@＝＋－＠\t\r\n", first) {
		return "'" + text
	}
	return text
}
