package delivery_test

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/shared/edgeapi"
)

// staged is a world whose friend and composer a test chooses.
type staged struct {
	*world
	friend lumo.Friend
	gone   bool     // the friend was erased
	why    lumo.Why // nothing can be composed
	told   []lumo.Fact
}

func (p *staged) FriendsByID(context.Context, lumo.MerchantID, []lumo.FriendID) (map[lumo.FriendID]lumo.Friend, error) {
	if p.gone {
		return nil, nil
	}
	return map[lumo.FriendID]lumo.Friend{p.world.friend: p.friend}, nil
}

func (p *staged) Compose(ctx context.Context, c lumo.Channel, n uint64, content lumo.Content, to lumo.LineUserID) (
	[]byte, lumo.Why, error) {
	if p.why.Reason != "" {
		return nil, p.why, nil
	}
	return p.world.Compose(ctx, c, n, content, to)
}

func (p *staged) RecordAll(ctx context.Context, m lumo.MerchantID, facts []lumo.Fact) error {
	p.mu.Lock()
	p.told = append(p.told, facts...)
	p.mu.Unlock()
	return p.world.RecordAll(ctx, m, facts)
}

// filledBy are the names under which the console finds what a sentence says; parts/reason.tsx
// has the same.
var filledBy = map[string][]string{"n": {"n", "over"}, "h": {"hours"}, "m": {"limit"}, "time": {"time", "at", "until"}}

// blanksOf are the places of a reason's sentence, in each language, that nothing fills.
func blanksOf(t *testing.T, reason string, data map[string]any) (empty []string) {
	t.Helper()
	for _, language := range []string{"en", "ja"} {
		text, err := os.ReadFile("../../console/ui/locales/" + language + "/reason.json")
		var all map[string]string
		if err == nil {
			err = json.Unmarshal(text, &all)
		}
		if err != nil {
			t.Fatal(err)
		}
		sentence := all["reason."+reason]
		if why, ok := data["why"].(string); ok && all["reason."+reason+"."+why] != "" {
			sentence = all["reason."+reason+"."+why]
		}
		if sentence == "" {
			empty = append(empty, language+": no sentence")
		}
		for _, place := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(sentence, -1) {
			names := append([]string{place[1]}, filledBy[place[1]]...)
			if !slices.ContainsFunc(names, func(name string) bool { return data[name] != nil && data[name] != "" }) {
				empty = append(empty, language+": "+place[1])
			}
		}
	}
	return empty
}

// Whatever a delivery ends or waits with, its sentence has all its facts, where the message stands
// and in the friend's timeline.
func TestEveryReasonOfADeliveryHasTheFactsOfItsSentence(t *testing.T) {
	t.Parallel()
	refused := func(v delivery.Verdict, status int, why delivery.Refusal) func(*staged, *delivery.Rules) {
		return func(p *staged, _ *delivery.Rules) {
			p.answer = func(int) delivery.Result { return delivery.Result{Verdict: v, Status: status, Refusal: why} }
		}
	}
	composed := func(r edgeapi.Reason, data map[string]any) func(*staged, *delivery.Rules) {
		return func(p *staged, _ *delivery.Rules) { p.why = lumo.Why{Reason: r.Code(), Data: data} }
	}
	quiet := func(a delivery.QuietAction) func(*staged, *delivery.Rules) {
		return func(_ *staged, r *delivery.Rules) {
			local := time.Now().In(time.FixedZone("Tokyo", 9*60*60))
			begin := (local.Hour()*60 + local.Minute() + 23*60) % (24 * 60)
			r.Quiet = delivery.QuietHours{On: true, From: begin, Until: (begin + 9*60) % (24 * 60), Days: 127, Flows: a,
				Broadcasts: a}
		}
	}
	after := map[string]func(*staged, *delivery.Service, *clock){
		"too_late": func(_ *staged, _ *delivery.Service, c *clock) { c.advance(7 * time.Hour) },
		"hold_expired": func(p *staged, s *delivery.Service, c *clock) {
			p.stop(s)
			c.advance(7 * time.Hour)
			p.resume(s)
		},
		"dropped": func(p *staged, _ *delivery.Service, _ *clock) {
			p.exec(`UPDATE delivery SET hold = 'dropped' WHERE merchant_id = $1`, p.m)
		},
		"unconfirmed": func(p *staged, s *delivery.Service, _ *clock) {
			p.run(s, 1)
			p.exec(`UPDATE delivery SET first_try_at = now() - interval '24 hours', due_at = now() WHERE merchant_id = $1`, p.m)
		},
	}
	cases := map[string]func(*staged, *delivery.Rules){
		"blocked": func(p *staged, _ *delivery.Rules) {
			p.friend.FollowStatus, p.friend.BlockedAt = lumo.Blocked, time.Now()
		},
		"not_friend":       func(p *staged, _ *delivery.Rules) { p.friend.FollowStatus = lumo.NotFriend },
		"erased":           func(p *staged, _ *delivery.Rules) { p.gone = true },
		"cap":              func(_ *staged, r *delivery.Rules) { r.Cap = delivery.Cap{Messages: 1, Days: 7, Flows: true} },
		"too_late":         nil,
		"hold_expired":     nil,
		"dropped":          nil,
		"quiet_hours":      quiet(delivery.QuietSkip),
		"quiet_hours_wait": quiet(delivery.QuietWait),
		"no_content":       composed(edgeapi.NoContent, nil),
		"too_long":         composed(edgeapi.TooLong, map[string]any{"over": 12}),
		"unknown_message":  composed(edgeapi.UnknownMessage, nil),
		"line_refused":     refused(delivery.Refused, 400, delivery.Refusal{Words: "The request body has 1 error(s)"}),
		"line_refused message": refused(delivery.Refused, 400,
			delivery.Refusal{Kind: delivery.BadMessage, Words: "A message (messages[0]) in the request body is invalid"}),
		"line_refused person":   refused(delivery.Refused, 400, delivery.Refusal{Kind: delivery.UnknownPerson, Words: "Failed to send messages"}),
		"line_refused wordless": refused(delivery.Refused, 413, delivery.Refusal{}),
		"account_fails":         refused(delivery.AccountFails, 401, delivery.Refusal{}),
		"rate":                  refused(delivery.SlowDown, 429, delivery.Refusal{}),
		"quota":                 refused(delivery.UsedUp, 429, delivery.Refusal{}),
		"unanswered":            refused(delivery.Unanswered, 0, delivery.Refusal{}),
		"unconfirmed":           refused(delivery.Unanswered, 0, delivery.Refusal{}),
	}
	seen := map[string]bool{}
	for name := range cases {
		seen[regexp.MustCompile(` .*`).ReplaceAllString(name, "")] = true
	}
	// These are a call's, a broadcast's, or what a message waits with before a sender sees it.
	elsewhere := []string{"unlinked", "empty_recipient", "duplicate", "left_segment", "holdout", "stopped", "event_wait", "late_event"}
	for number, code := range edgeapi.Reasons() {
		decidedHere := number >= edgeapi.Unlinked && number < edgeapi.BadBody || number >= edgeapi.Stopped
		if decidedHere && !seen[code] && !slices.Contains(elsewhere, code) {
			t.Errorf("%s is not looked at", code)
		}
	}
	for name, set := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.answer = always(delivery.TakenByLINE)
			p := &staged{world: w, friend: lumo.Friend{ID: w.friend, Channel: w.channel, FollowStatus: lumo.Following}}
			rules := delivery.DefaultRules()
			if set != nil {
				set(p, &rules)
			}
			s, c := w.serviceOf("a", p), &clock{}
			s.Now, s.Recorder = c.now, p
			if err := s.SetRules(t.Context(), w.m, w.channel, w.actor(), rules); err != nil {
				t.Fatal(err)
			}
			d := w.plan(s, 7)
			moves := 1
			if name == "cap" {
				d, moves = w.plan(s, 8), 2
			}
			if then := after[name]; then != nil {
				then(p, s, c)
			}
			w.run(s, moves)
			_, reason, data := w.ended(d)
			if want := regexp.MustCompile(` .*`).ReplaceAllString(name, ""); reason != want {
				t.Fatalf("it is because of %q", reason)
			}
			if empty := blanksOf(t, reason, data); len(empty) > 0 {
				t.Errorf("the sentence lacks %v; known is %v", empty, data)
			}
			for _, f := range p.told {
				if f.Data["reason"] != reason {
					continue // the first of two
				}
				if empty := blanksOf(t, reason, f.Data); len(empty) > 0 {
					t.Errorf("in the timeline the sentence lacks %v; known is %v", empty, f.Data)
				}
			}
		})
	}
}

func (p *staged) stop(s *delivery.Service) {
	p.t.Helper()
	if err := s.StopSending(context.Background(), p.m, p.channel, p.actor(), delivery.StoppedEverything); err != nil {
		p.t.Fatal(err)
	}
}

func (p *staged) resume(s *delivery.Service) {
	p.t.Helper()
	if err := s.ResumeSending(context.Background(), p.m, p.channel, p.actor(), nil); err != nil {
		p.t.Fatal(err)
	}
}
