package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lumo/edge/modules"
	"lumo/edge/replica"
	"lumo/edge/wasm"
	"lumo/shared/edgeapi/edgeapitest"
)

const (
	pluginRounds = 5
	pluginCalls  = 100_000 // a round
)

// pluginCall measures one call of an embedded module as the edge makes it: safety on, keys
// and rows in a real replica, the verdict read and checked. name is a golden request, status
// what its verdict must say. The median of the rounds is given.
func pluginCall(ctx context.Context, cacheDir, name string, status uint16) (time.Duration, error) {
	set, err := modules.Default()
	if err != nil {
		return 0, err
	}
	r := replica.New(time.Now)
	for _, f := range edgeapitest.NewWorld().Frames(1) {
		if _, err := r.Apply(f); err != nil {
			return 0, err
		}
	}
	h, err := wasm.New(ctx, wasm.Config{Modules: set, CacheDir: cacheDir, Replica: r})
	if err != nil {
		return 0, err
	}
	defer func() { _ = h.Close(ctx) }()
	c := edgeapitest.CaseOf(name)
	call := wasm.Call{Request: c.Request, Body: c.Body}
	times := make([]time.Duration, 0, pluginRounds)
	for range pluginRounds {
		begun := time.Now()
		for range pluginCalls {
			if err := h.Do(ctx, c.Module, &call); err != nil || call.Verdict.Status != status {
				return 0, fmt.Errorf("%s: status %d: %w", name, call.Verdict.Status, err)
			}
		}
		times = append(times, time.Since(begun)/pluginCalls)
	}
	slices.Sort(times)
	return times[pluginRounds/2], nil
}

// pluginRedirectCall is a tap on a tracked link: valid token, link looked up, click recorded.
func pluginRedirectCall(ctx context.Context, cacheDir string) (time.Duration, error) {
	return pluginCall(ctx, cacheDir, "link", 302)
}

// pluginHookAuthCall is a flow webhook with its key; 503 is what the host would answer if
// the core, to whom it is passed on, did not.
func pluginHookAuthCall(ctx context.Context, cacheDir string) (time.Duration, error) {
	return pluginCall(ctx, cacheDir, "flow", 503)
}
