package outbox

import (
	"context"
	"time"
)

// BulkOver is the backlog over which first attempts go in bulk.
const BulkOver = bulkOver

// LongestRest is how long an item lies that is due, while somebody writes to its account or is to
// begin: until an account is shared out, or until a writer looks that no bell woke.
const LongestRest time.Duration = claimEvery + pollEvery

// RunOnce writes one batch to the account of a lease.
func (s *Service) RunOnce(ctx context.Context, l Lease) (bool, error) {
	return s.account(l).runOnce(ctx)
}
