package console

import (
	"encoding/csv"
	"net/http"
	"strings"
	"time"

	"lumo/shared/fault"
)

// streamCSV answers with a file that is written as it is read, however long that takes: each
// hands it over page by page.
func (a *API) streamCSV(w http.ResponseWriter, r *http.Request, name string, head []string,
	each func(page func(lines [][]string) error) error) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // a million lines take their time
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	w.Header().Set("Cache-Control", "no-store")
	out := csv.NewWriter(w)
	_ = out.Write(head)
	err := each(out.WriteAll) // which also hands on what it wrote
	if err != nil && r.Context().Err() == nil {
		a.Log.ErrorContext(r.Context(), "export broke off", "kind", string(fault.KindOf(err)))
		panic(http.ErrAbortHandler) // a file that ends early must not look whole
	}
}

// harmless keeps a spreadsheet from working a cell out that somebody typed as a formula.
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
