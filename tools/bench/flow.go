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

	"lumo/core/klaviyo/klaviyotest"
	"lumo/tools/seed"
)

const (
	flowCalls     = 1000
	flowPerSecond = 200
	flowPatience  = 30 * time.Second
)

// flowToPush measures from the webhook leaving to the message at LINE, at a fixed rate. The
// first few calls warm everything up and are not counted.
func flowToPush(ctx context.Context, console *seed.Console, sim *seed.Sim, shop seed.Shop, out io.Writer) error {
	settings, err := console.FlowSettings(ctx, shop.Channel, "")
	if err != nil {
		return err
	}
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
			errs[n] = callFlow(ctx, client, settings, n)
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	arrived, err := arrivals(ctx, sim)
	if err != nil {
		return err
	}
	var times []time.Duration
	for n := flowCalls / 10; n < flowCalls; n++ {
		times = append(times, arrived[text(n)].Sub(sent[n]))
	}
	slices.Sort(times)
	bench(out, "flow_to_push_p50_ms", float64(quantile(times, 0.50).Microseconds())/1000, "ms")
	bench(out, "flow_to_push_p99_ms", float64(quantile(times, 0.99).Microseconds())/1000, "ms")
	return nil
}

func text(n int) string {
	if n == 0 {
		return "tea 0 https://shop.hanatea.example/cart" // gives the redirects something to follow
	}
	return fmt.Sprintf("tea %d", n)
}

func callFlow(ctx context.Context, client *http.Client, s seed.FlowSettings, n int) error {
	body := fmt.Sprintf(`{"lumo":1,"step":"stp_bench","profile_id":"%s","event_id":"bench-%d","text":"%s","vars":{}}`,
		klaviyotest.DemoYuki, n, text(n))
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

// arrivals waits until all messages are on the phone and gives when each came.
func arrivals(ctx context.Context, sim *seed.Sim) (map[string]time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, flowPatience)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		chat, err := sim.Chat(ctx, person)
		if err != nil {
			return nil, err
		}
		if len(chat) >= flowCalls {
			at := map[string]time.Time{}
			for _, m := range chat {
				at[m.Text()] = m.At
			}
			return at, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%d of %d messages arrived", len(chat), flowCalls)
		case <-tick.C:
		}
	}
}
