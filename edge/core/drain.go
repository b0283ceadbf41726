package core

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"

	"lumo/edge/spool"
)

const (
	batchCount = 500
	batchBytes = 512 << 10
	idle       = 50 * time.Millisecond
)

// Drain hands the spool over until ctx ends, requests before events: people wait for what
// a webhook says, nobody for a counter. A batch leaves the spool when the core has it.
func (c *Client) Drain(ctx context.Context, s *spool.Spool, failed func(error)) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 100*time.Millisecond, 5*time.Second
	for ctx.Err() == nil {
		pause := idle
		n, err := c.drainOnce(ctx, s)
		switch {
		case err != nil:
			failed(err)
			pause = wait.NextBackOff()
		case n > 0:
			wait.Reset()
			continue
		default:
			wait.Reset()
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
	}
	return nil
}

// drainOnce hands one batch of each log over and tells how many records went.
func (c *Client) drainOnce(ctx context.Context, s *spool.Spool) (total int, err error) {
	for _, read := range []func(int, int) (spool.Batch, error){s.Requests, s.Events} {
		b, err := read(batchCount, batchBytes)
		if err != nil {
			return total, err
		}
		taken := Taken{}
		if b.Count > 0 {
			if taken, err = c.Send(ctx, b.Records); err != nil {
				return total, err
			}
		}
		if taken.Offset > 0 || b.Skipped() {
			if err := s.Done(b, taken.Offset); err != nil {
				return total, err
			}
		}
		total += taken.Offset
	}
	return total, nil
}
