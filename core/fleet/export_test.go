package fleet

import (
	"context"

	"lumo/shared/edgeapi"
)

// ReadStream takes what an edge says on its stream until the connection ends.
func ReadStream(ctx context.Context, s *Service, e Edge, conn Conn) error {
	st := &stream{s: s, edge: e, conn: conn}
	st.status.Store(&edgeapi.Status{})
	return st.readAll(ctx)
}
