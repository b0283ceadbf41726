package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/tools/seed"
)

const (
	flowCalls     = 1000
	flowPerSecond = 200
	flowPatience  = 30 * time.Second
)

// flowToPush measures from the webhook leaving to the message at LINE, at a fixed rate.
func flowToPush(ctx context.Context, console *seed.Console, w *wire, shop seed.Shop, out io.Writer) error {
	p50, p99, err := flowRounds(ctx, console, w, shop, "tea")
	if err != nil {
		return err
	}
	bench(out, "flow_to_push_p50_ms", p50, "ms")
	bench(out, "flow_to_push_p99_ms", p99, "ms")
	return nil
}

// flowRounds answers the medians of some rounds.
func flowRounds(ctx context.Context, console *seed.Console, w *wire, shop seed.Shop, mark string) (p50, p99 float64, err error) {
	var middles, tails []float64
	for n := range rounds {
		times, err := flowRound(ctx, console, w, shop, fmt.Sprintf("%s %d,", mark, n))
		if err != nil {
			return 0, 0, err
		}
		middles = append(middles, milliseconds(quantile(times, 0.50)))
		tails = append(tails, milliseconds(quantile(times, 0.99)))
	}
	return median(middles), median(tails), nil
}

// flowRound calls a flow's webhook at a fixed rate and answers, sorted, how long each message
// took. The first few calls warm everything up and are not counted.
func flowRound(ctx context.Context, console *seed.Console, w *wire, shop seed.Shop, mark string) ([]time.Duration, error) {
	settings, err := console.FlowSettings(ctx, shop.Channel, "")
	if err != nil {
		return nil, err
	}
	w.watch(mark)
	sent := make([]time.Time, flowCalls)
	errs := make([]error, flowCalls)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	tick := time.NewTicker(time.Second / flowPerSecond)
	defer tick.Stop()
	var group sync.WaitGroup
	for n := range flowCalls {
		<-tick.C
		group.Go(func() {
			sent[n] = time.Now()
			errs[n] = callFlow(ctx, client, settings, mark, n)
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	arrived, err := w.wait(ctx, flowCalls)
	if err != nil {
		return nil, err
	}
	var times []time.Duration
	for n := flowCalls / 10; n < flowCalls; n++ {
		times = append(times, arrived[n].Sub(sent[n]))
	}
	slices.Sort(times)
	return times, nil
}

func text(mark string, n int) string {
	if n == 0 {
		return mark + " 0 https://shop.hanatea.example/cart" // gives the redirects something to follow
	}
	return fmt.Sprintf("%s %d", mark, n)
}

func callFlow(ctx context.Context, client *http.Client, s seed.FlowSettings, mark string, n int) error {
	body := fmt.Sprintf(`{"lumo":1,"step":"stp_bench","profile_id":"%s","event_id":"bench-%s-%d","text":"%s","vars":{}}`,
		klaviyotest.DemoYuki, mark, n, text(mark, n))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	req.Header.Set(s.Header, s.Key)
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	// 202 means that the edge took it and hands it over a little later: slower, not lost
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusAccepted {
		return fmt.Errorf("call %d was answered %d", n, res.StatusCode)
	}
	return nil
}
