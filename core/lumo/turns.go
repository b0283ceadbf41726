package lumo

import (
	"context"
	"time"
)

// Turns takes one turn after another until ctx ends, which is no error. A turn tells whether it
// found something to do; after one that did not, or that failed, there is a rest, which wake
// ends early (nil = nothing does). Errors go to failed, and the turns go on.
func Turns(ctx context.Context, turn func(context.Context) (did bool, err error), rest time.Duration,
	wake <-chan struct{}, failed func(error)) error {
	idle := time.NewTicker(rest)
	defer idle.Stop()
	for {
		did, err := turn(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			failed(err)
		}
		if did && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-idle.C:
		case <-wake:
		}
	}
}
