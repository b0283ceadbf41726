package outbox

import "context"

// RunOnce writes one batch to the account of a lease.
func (s *Service) RunOnce(ctx context.Context, l Lease) (bool, error) {
	return s.account(l).runOnce(ctx)
}
