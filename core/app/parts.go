package app

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"lumo/shared/fault"
)

// parts are the capabilities and adapters that depend on each other; each is wired in the
// file of its name.
type parts struct {
	edge  http.Handler // what edges ask: /edge/v1/
	codes codes
}

// codes makes one-time codes with which edges enrol.
type codes interface {
	CreateCode(ctx context.Context) (string, error)
}

// wireParts makes the capabilities in the order of their needs.
func (a *App) wireParts() error {
	return nil
}

func (a *App) createEdgeCode(ctx context.Context, out io.Writer) error {
	if a.parts.codes == nil {
		return fault.New(fault.Unavailable, "app.createEdgeCode", "This core takes no edges.")
	}
	code, err := a.parts.codes.CreateCode(ctx)
	if err == nil {
		fmt.Fprintln(out, code)
	}
	return err
}
