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

// streamCSV answers with a file that is written as it is read, however long that takes: each
// hands it over page by page.
func (a *API) streamCSV(w http.ResponseWriter, r *http.Request, name string, head []string,
	each func(page func(lines [][]string) error) error) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // a million lines take their time
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(byteOrder))
	out := csv.NewWriter(w)
	_ = out.Write(head)
	err := each(out.WriteAll) // which also hands on what it wrote
	if err != nil && r.Context().Err() == nil {
		a.Log.ErrorContext(r.Context(), "export broke off", "kind", string(fault.KindOf(err)))
		panic(http.ErrAbortHandler) // a file that ends early must not look whole
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
