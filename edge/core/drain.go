package core

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"lumo/edge/spool"
	"lumo/shared/fault"
)

const (
	requestsAtOnce = 64 // the core works each one off before it answers
	eventsAtOnce   = 4000
	batchBytes     = 1 << 20
	idle           = 20 * time.Millisecond
	gather         = 50 * time.Millisecond // for what comes: a few cost as much to hand over as many
	maxPause       = time.Second
	busyRate       = 2000 // answers a second from which on the machine is for them
	busyShare      = 3    // pauses are this many times as long as work, then
)

// Taken is what the core says to a batch.
type Taken struct {
	Offset   int      `json:"offset"` // records from the start of the batch that it has
	Rejected []string `json:"rejected"`
}

// Send hands a batch of records over.
func (c *Client) Send(ctx context.Context, records []byte) (Taken, error) {
	const op = "core.Send"
	ctx, cancel := context.WithTimeout(ctx, recordsLimit)
	defer cancel()
	req, err := c.request(ctx, http.MethodPost, "/edge/v1/events", records)
	if err != nil {
		return Taken{}, fault.Wrap(op, err)
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	res, err := c.http.Do(req)
	if err != nil {
		return Taken{}, fault.As(fault.Unavailable, op, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return Taken{}, fault.As(fault.Unavailable, op, errors.New("the core answered "+res.Status))
	}
	var taken Taken
	err = json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&taken)
	return taken, fault.As(fault.Unavailable, op, err)
}

// Spool is what is to be handed over.
type Spool interface {
	Requests(maxCount, maxBytes int) (spool.Batch, error)
	Events(maxCount, maxBytes int) (spool.Batch, error)
	Done(b spool.Batch, n int) error
}

// drainer hands one log over. Batches that fail become smaller, so that one record that
// takes long holds nothing up but itself.
type drainer struct {
	client *Client
	kind   string
	read   func(maxCount, maxBytes int) (spool.Batch, error)
	done   func(b spool.Batch, n int) error
	count  int // of the next batch
	most   int
	gather time.Duration // rest after a batch that took all there was
}

func (c *Client) drainers(s Spool) []*drainer {
	return []*drainer{
		{client: c, kind: "request", read: s.Requests, done: s.Done, count: requestsAtOnce,
			most: requestsAtOnce},
		{client: c, kind: "event", read: s.Events, done: s.Done, count: eventsAtOnce,
			most: eventsAtOnce, gather: gather},
	}
}

// Drain hands the spool over until ctx ends. Requests and events go apart: neither waits
// for trouble with the other. Whoever waits for an answer now goes first.
func (c *Client) Drain(ctx context.Context, s Spool, failed func(error)) error {
	var group sync.WaitGroup
	for _, d := range c.drainers(s) {
		group.Go(func() { d.run(ctx, failed) })
	}
	group.Wait()
	return nil
}

// HandOver gives the core what it takes without trouble, until nothing waits or ctx ends.
func (c *Client) HandOver(ctx context.Context, s Spool) {
	for _, d := range c.drainers(s) {
		for n, err := d.runOnce(ctx); err == nil && n > 0; n, err = d.runOnce(ctx) {
		}
	}
}

func (d *drainer) run(ctx context.Context, failed func(error)) {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 100*time.Millisecond, 3*time.Second
	for ctx.Err() == nil {
		began, fresh, most := time.Now(), d.client.fresh(), d.count
		n, err := d.runOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		failed(err)
		switch {
		case err != nil:
			sleep(ctx, wait.NextBackOff())
			continue
		case n == 0:
			sleep(ctx, idle)
		default:
			pause := d.client.pause(time.Since(began), d.client.fresh()-fresh)
			if n < most {
				pause = max(pause, d.gather)
			}
			sleep(ctx, pause)
		}
		wait.Reset()
	}
}

// pause is how long a drainer rests after work that took some time, in which some requests
// were answered. Whoever waits for an answer goes first; who only fills the spool, almost.
func (c *Client) pause(took time.Duration, answered uint64) time.Duration {
	switch {
	case float64(answered) > busyRate*took.Seconds():
		return min(busyShare*took, maxPause)
	case c.asking.Load() > 0:
		return min(took, maxPause)
	}
	return 0
}

func (c *Client) fresh() uint64 {
	if c.c.Fresh == nil {
		return 0
	}
	return c.c.Fresh()
}

func sleep(ctx context.Context, pause time.Duration) {
	if pause <= 0 {
		return
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// runOnce hands one batch over and tells how many records went.
func (d *drainer) runOnce(ctx context.Context) (int, error) {
	b, err := d.read(d.count, batchBytes)
	if err != nil {
		return 0, err
	}
	taken := Taken{}
	if b.Count > 0 {
		if taken, err = d.client.Send(ctx, b.Records); err != nil {
			d.count = max(1, d.count/4)
			return 0, err
		}
		d.count = min(2*d.count, d.most)
		d.client.c.Meter.handedOver(d.kind, taken)
	}
	if taken.Offset == 0 && !b.Skipped() {
		return 0, nil
	}
	return taken.Offset, d.done(b, taken.Offset)
}
