package lumo

import (
	"context"
	"time"
)

// Pause lets time pass by the system's clock; it ends early, with ctx's error, when ctx does.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
