package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"lumo/tools/dev/stack"
	"lumo/tools/seed"
)

const (
	ackRounds    = 5
	ackCalls     = 200 // a round
	ackPerSecond = 200
	ackWarmUp    = 20 // of them are not counted
)

// hookAcks measures until a flow webhook is acknowledged: with the core, which stores it, and
// without, when it is synced to the edge's disk first.
func hookAcks(ctx context.Context, s *stack.Stack, settings seed.FlowSettings, out io.Writer) error {
	up, err := acks(ctx, settings, "up", http.StatusOK)
	if err != nil {
		return err
	}
	bench(out, "hook_ack_p99_ms_core_up", up, "ms")
	if err := s.StopCore(); err != nil {
		return err
	}
	down, err := acks(ctx, settings, "down", http.StatusAccepted)
	if err != nil {
		return err
	}
	bench(out, "hook_ack_p99_ms_core_down", down, "ms")
	return s.StartCore(ctx)
}

func acks(ctx context.Context, settings seed.FlowSettings, name string, want int) (float64, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	var tails []float64
	for round := range ackRounds {
		times, errs := make([]time.Duration, ackCalls), make([]error, ackCalls)
		tick := time.NewTicker(time.Second / ackPerSecond)
		var group sync.WaitGroup
		for n := range ackCalls {
			<-tick.C
			group.Go(func() {
				// While a core comes or goes the edge may already, or still, do it the other way.
				times[n], errs[n] = ack(ctx, client, settings, fmt.Sprintf("%s-%d-%d", name, round, n), want,
					n < ackWarmUp)
			})
		}
		group.Wait()
		tick.Stop()
		wrong := slices.DeleteFunc(errs, func(err error) bool { return err == nil })
		if len(wrong) > 0 {
			return 0, fmt.Errorf("%d of %d webhooks were not answered as they should: %w", len(wrong), ackCalls, wrong[0])
		}
		counted := times[ackWarmUp:]
		slices.Sort(counted)
		tails = append(tails, milliseconds(quantile(counted, 0.99)))
	}
	return median(tails), nil
}

// ack is one webhook about a customer whom nobody has linked: it is decided, kept and
// answered, and nothing is sent.
func ack(ctx context.Context, client *http.Client, s seed.FlowSettings, name string, want int,
	warmUp bool) (time.Duration, error) {
	body := fmt.Sprintf(`{"lumo":1,"step":"stp_bench","profile_id":"01BENCH%s","event_id":"ack-%s","text":"tea","vars":{}}`,
		name, name)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader([]byte(body)))
	if err != nil {
		return 0, err
	}
	req.Header.Set(s.Header, s.Key)
	req.Header.Set("Content-Type", "application/json")
	begun := time.Now()
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	if res.StatusCode != want && !(warmUp && res.StatusCode == http.StatusAccepted) {
		return 0, fmt.Errorf("%s was answered %d, want %d", name, res.StatusCode, want)
	}
	return time.Since(begun), nil
}
