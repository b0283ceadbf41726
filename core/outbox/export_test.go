package outbox

import "context"

// BulkOver is the backlog over which first attempts go in bulk.
const BulkOver = bulkOver

// RunOnce writes one batch to the account of a lease.
func (s *Service) RunOnce(ctx context.Context, l Lease) (bool, error) {
	return s.account(l).runOnce(ctx)
}
