package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"lumo/tools/seed"
)

const (
	followOnly      = "follow" // as an argument: no more than consents on their way to Klaviyo
	followPeople    = 60
	followRounds    = 3
	followPerSecond = 8 // below the 12 a second that Klaviyo takes for ever, which would be measured instead
	followFirst     = 1_000
	followPatience  = 30 * time.Second
)

// followToKlaviyo measures from LINE's webhook answered to the consent on the customer at
// Klaviyo: people block the account and come back, at a fixed rate.
func followToKlaviyo(ctx context.Context, console *seed.Console, sim *seed.Sim, w *wire, shop seed.Shop, out io.Writer) error {
	var channel seed.Channel
	if err := console.Get(ctx, "/channels/"+shop.Channel, &channel); err != nil {
		return err
	}
	w.watchConsents("given")
	users, err := followers(ctx, sim, shop)
	if err == nil {
		_, err = w.consents(ctx, len(users)) // the outbox has nothing else to do any more
	}
	if err != nil {
		return err
	}
	var times []time.Duration
	for round := range followRounds {
		took, err := followRound(ctx, w, channel.WebhookURL, users, round)
		if err != nil {
			return err
		}
		if round > 0 { // the first warms everything up
			times = append(times, took...)
		}
	}
	slices.Sort(times)
	bench(out, "follow_to_klaviyo_p50_ms", milliseconds(quantile(times, 0.50)), "ms")
	bench(out, "follow_to_klaviyo_p99_ms", milliseconds(quantile(times, 0.99)), "ms")
	return nil
}

// followers are people whom a code linked to customers, by LINE user id.
func followers(ctx context.Context, sim *seed.Sim, shop seed.Shop) (users []string, err error) {
	for n := range followPeople {
		if _, err := joinPerson(ctx, sim, shop, followFirst+n); err != nil {
			return nil, err
		}
	}
	var all struct {
		Items []struct {
			Name        string `json:"name"`
			Friendships map[string]struct {
				UserID string `json:"user_id"`
			} `json:"friendships"`
		} `json:"items"`
	}
	if err := sim.Get(ctx, "/people", &all); err != nil {
		return nil, err
	}
	for _, p := range all.Items {
		if user := p.Friendships[seed.DemoKeys().MessagingID].UserID; joined(p.Name) {
			users = append(users, user)
		}
	}
	if len(users) != followPeople {
		return nil, fmt.Errorf("%d people joined, want %d", len(users), followPeople)
	}
	return users, nil
}

func joined(name string) bool {
	var n int
	_, err := fmt.Sscanf(name, joinName, &n)
	return err == nil && n >= followFirst
}

// followRound has everybody block the account, or come back, and answers how long each consent
// took to reach Klaviyo.
func followRound(ctx context.Context, w *wire, url string, users []string, round int) ([]time.Duration, error) {
	kind, consent := "unfollow", "withdrawn"
	if round%2 == 1 {
		kind, consent = "follow", "given"
	}
	w.watchConsents(consent)
	answered, errs := make([]time.Time, len(users)), make([]error, len(users))
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(time.Second / followPerSecond)
	defer tick.Stop()
	var group sync.WaitGroup
	for n, user := range users {
		<-tick.C
		group.Go(func() {
			errs[n] = lineHook(ctx, client, url, kind, user, fmt.Sprintf("bench-%d-%d", round, n))
			answered[n] = time.Now()
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	arrived, err := w.consents(ctx, len(users))
	if err != nil {
		return nil, err
	}
	times := make([]time.Duration, len(users))
	for n, user := range users {
		times[n] = max(arrived[user].Sub(answered[n]), 0)
	}
	return times, nil
}

// lineHook is a webhook as LINE sends it.
func lineHook(ctx context.Context, client *http.Client, url, kind, user, eventID string) error {
	event := map[string]any{"type": kind, "mode": "active", "timestamp": time.Now().UnixMilli(), "webhookEventId": eventID,
		"deliveryContext": map[string]bool{"isRedelivery": false}, "source": map[string]string{"type": "user", "userId": user}}
	if kind == "follow" {
		event["follow"], event["replyToken"] = map[string]bool{"isUnblocked": true}, eventID
	}
	body, err := json.Marshal(map[string]any{"events": []any{event}})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, []byte(seed.DemoKeys().MessagingSecret))
	mac.Write(body)
	req.Header.Set("X-Line-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s was answered %d", eventID, res.StatusCode)
	}
	return nil
}
