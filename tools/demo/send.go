package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/tools/seed"
)

type call struct {
	ID        string `json:"id"`
	ProfileID string `json:"profile_id"`
	Outcome   string `json:"outcome"`
	Reason    string `json:"reason"`
	State     string `json:"state"`
	Repeats   int    `json:"repeats"`
}

// calls are the flow calls of a customer, newest first, as the console lists them.
func (p *play) calls(ctx context.Context, profile string) ([]call, error) {
	var all struct{ Items []call }
	if err := p.console.Get(ctx, "/channels/"+p.shop.Channel+"/flow_requests", &all); err != nil {
		return nil, err
	}
	var own []call
	for _, c := range all.Items {
		if c.ProfileID == profile {
			own = append(own, c)
		}
	}
	return own, nil
}

// newest waits until the console's newest call of a customer is as wanted.
func (p *play) newest(ctx context.Context, profile string, n int, want func(call) bool) (call, error) {
	var c call
	err := p.eventually(ctx, "the console to show the call", func() (bool, error) {
		all, err := p.calls(ctx, profile)
		if err != nil || len(all) < n {
			return false, errors.Join(err, fmt.Errorf("%d calls", len(all)))
		}
		c = all[0]
		return want(c), fmt.Errorf("the newest call is %+v", c)
	})
	return c, err
}

// received waits for the n-th message on a phone.
func (p *play) received(ctx context.Context, person string, n int) (seed.ChatMessage, error) {
	var got seed.ChatMessage
	err := p.eventually(ctx, fmt.Sprintf("message %d on the phone", n), func() (bool, error) {
		chat, err := p.sim.Chat(ctx, person)
		if err != nil || len(chat) < n {
			return false, err
		}
		got = chat[n-1]
		return true, nil
	})
	return got, err
}

// exactly insists on the number of messages on a phone.
func (p *play) exactly(ctx context.Context, person string, n int) error {
	chat, err := p.sim.Chat(ctx, person)
	if err == nil && len(chat) != n {
		return fmt.Errorf("%d messages on the phone, want %d", len(chat), n)
	}
	return err
}

func (p *play) flowSend(ctx context.Context) (string, error) {
	if err := p.sim.Trigger(ctx, klaviyotest.DemoYuki, klaviyotest.DemoMetric); err != nil {
		return "", err
	}
	m, err := p.received(ctx, "yuki", 1)
	if err != nil {
		return "", err
	}
	p.tracked = regexp.MustCompile(`https?://\S+/c/\S+`).FindString(m.Text())
	if p.tracked == "" || !strings.Contains(m.Text(), "Hi Yuki") {
		return "", fmt.Errorf("the message reads %q", m.Text())
	}
	_, err = p.newest(ctx, klaviyotest.DemoYuki, 1, func(c call) bool { return c.State == "sent" })
	return fmt.Sprintf("phone: %q; console: sent", m.Text()), err
}

func (p *play) unlinked(ctx context.Context) (string, error) {
	if err := p.sim.Trigger(ctx, klaviyotest.DemoUnlinked, klaviyotest.DemoMetric); err != nil {
		return "", err
	}
	_, err := p.newest(ctx, klaviyotest.DemoUnlinked, 1, func(c call) bool { return c.Outcome == "skipped" && c.Reason == "unlinked" })
	return "console: not sent, unlinked", err
}

func (p *play) duplicate(ctx context.Context) (string, error) {
	if err := p.sim.Fault(ctx, "klaviyo.flow_webhook", "duplicate_webhook", 1); err != nil {
		return "", err
	}
	if err := p.sim.Trigger(ctx, klaviyotest.DemoMio, klaviyotest.DemoMetric); err != nil {
		return "", err
	}
	err := p.eventually(ctx, "both calls", func() (bool, error) {
		all, err := p.calls(ctx, klaviyotest.DemoMio)
		if err != nil || len(all) != 2 {
			return false, errors.Join(err, fmt.Errorf("%d calls", len(all)))
		}
		reasons := all[0].Reason + all[1].Reason
		sent := all[0].State == "sent" || all[1].State == "sent"
		return reasons == "duplicate" && sent, fmt.Errorf("calls %+v", all)
	})
	if err != nil {
		return "", err
	}
	return "phone: one message; console: the second is a duplicate", p.exactly(ctx, "mio", 1)
}

type home struct {
	Today struct {
		Sent, Clicked int
	} `json:"today"`
}

func (p *play) today(ctx context.Context) (home, error) {
	var h home
	err := p.console.Get(ctx, "/channels/"+p.shop.Channel+"/home", &h)
	return h, err
}

func (p *play) crawler(ctx context.Context) (string, error) {
	if err := p.sim.View(ctx, "yuki"); err != nil { // the chat opens: LINE fetches a preview
		return "", err
	}
	h, err := p.today(ctx)
	if err == nil && h.Today.Clicked != 0 {
		return "", fmt.Errorf("%d clicks are counted", h.Today.Clicked)
	}
	return "console: no click", err
}

// click taps the tracked link. A second flow, started by that click, writes to her again.
func (p *play) click(ctx context.Context) (string, error) {
	settings, err := p.console.FlowSettings(ctx, p.shop.Channel, "")
	if err != nil {
		return "", err
	}
	settings.Body = strings.Replace(settings.Body, "Write your text here", "Thank you for looking!", 1)
	if err := p.sim.InstallFlow(ctx, "Clickd", "After a click", "Clicked LINE Message", settings); err != nil {
		return "", err
	}
	opened, err := p.sim.Tap(ctx, "yuki", p.tracked)
	if err != nil {
		return "", err
	}
	target := opened[0].Location
	if opened[0].Status != 302 || !strings.Contains(target, "utm_source=line") || !strings.Contains(target, "lumo_click=") {
		return "", fmt.Errorf("the link answers %d to %s", opened[0].Status, target)
	}
	if m, err := p.received(ctx, "yuki", 2); err != nil || m.Text() != "Thank you for looking!" {
		return "", errors.Join(err, fmt.Errorf("the second flow wrote %q", m.Text()))
	}
	err = p.eventually(ctx, "Klaviyo and console to have one click", func() (bool, error) {
		found, err := p.metrics(ctx, klaviyotest.DemoYuki)
		h, err2 := p.today(ctx)
		return found["Clicked LINE Message"] == 1 && found["Sent LINE Message"] == 2 && h.Today.Clicked == 1,
			errors.Join(err, err2, fmt.Errorf("events %v, clicks %d", found, h.Today.Clicked))
	})
	return "302 to " + target + "; Klaviyo: clicked once, sent twice", err
}

// killed lets LINE take a message and not answer, and kills the core before it can know.
func (p *play) killed(ctx context.Context) (string, error) {
	if err := p.sim.Fault(ctx, "line.push", "accept_then_no_answer", 1); err != nil {
		return "", err
	}
	if err := p.sim.Trigger(ctx, klaviyotest.DemoMio, klaviyotest.DemoMetric); err != nil {
		return "", err
	}
	if _, err := p.received(ctx, "mio", 2); err != nil {
		return "", err
	}
	if err := p.stack.KillCore(); err != nil {
		return "", err
	}
	if err := p.stack.StartCore(ctx); err != nil {
		return "", err
	}
	if _, err := p.newest(ctx, klaviyotest.DemoMio, 3, func(c call) bool { return c.State == "checking" }); err != nil {
		return "", err
	}
	if _, err := p.newest(ctx, klaviyotest.DemoMio, 3, func(c call) bool { return c.State == "sent" }); err != nil {
		return "", err
	}
	return "phone: one message; console: checking, then sent", p.exactly(ctx, "mio", 2)
}

func (p *play) away(ctx context.Context) (string, error) {
	if err := p.stack.StopCore(); err != nil {
		return "", err
	}
	opened, err := p.sim.Tap(ctx, "yuki", p.tracked)
	if err != nil || opened[0].Status != 302 {
		return "", errors.Join(err, fmt.Errorf("without the core the link answers %d", opened[0].Status))
	}
	if err := p.sim.Trigger(ctx, klaviyotest.DemoMio, klaviyotest.DemoMetric); err != nil {
		return "", err
	}
	if err := p.eventually(ctx, "the edge to take the call", func() (bool, error) { return p.answered(ctx, 202) }); err != nil {
		return "", err
	}
	if err := p.stack.StartCore(ctx); err != nil {
		return "", err
	}
	if _, err := p.received(ctx, "mio", 3); err != nil {
		return "", err
	}
	return "link: 302; call: 202, and its message arrived once the core was back", p.exactly(ctx, "mio", 3)
}

// answered tells whether Klaviyo's newest call got a status.
func (p *play) answered(ctx context.Context, status int) (bool, error) {
	var raw json.RawMessage
	if err := p.sim.Get(ctx, "/klaviyo/activity", &raw); err != nil {
		return false, err
	}
	return regexp.MustCompile(fmt.Sprintf(`"status(_code)?":\s*%d\b`, status)).Match(raw), nil
}

func (p *play) block(ctx context.Context) (string, error) {
	if err := p.sim.Block(ctx, "yuki"); err != nil {
		return "", err
	}
	err := p.eventually(ctx, "Klaviyo to know", func() (bool, error) {
		properties, err := p.sim.Properties(ctx, klaviyotest.DemoYuki)
		found, err2 := p.metrics(ctx, klaviyotest.DemoYuki)
		return properties["LINE Consent"] == "withdrawn" && properties["LINE Follow Status"] == "blocked" &&
			found["Blocked LINE Account"] == 1, errors.Join(err, err2, fmt.Errorf("%v %v", properties, found))
	})
	if err != nil {
		return "", err
	}
	before, err := p.calls(ctx, klaviyotest.DemoYuki)
	if err != nil {
		return "", err
	}
	if err := p.sim.Trigger(ctx, klaviyotest.DemoYuki, klaviyotest.DemoMetric); err != nil {
		return "", err
	}
	_, err = p.newest(ctx, klaviyotest.DemoYuki, len(before)+1, func(c call) bool { return c.Outcome == "skipped" && c.Reason == "blocked" })
	return "Klaviyo: consent withdrawn, Blocked LINE Account; console: not sent, blocked", err
}
