package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/tools/seed"
)

type friend struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Linked       bool   `json:"linked"`
	FollowStatus string `json:"follow_status"`
	ProfileID    string `json:"profile_id"`
	Consent      string `json:"consent"`
}

func (p *play) friendOf(ctx context.Context, profile string) (friend, error) {
	var all struct{ Items []friend }
	if err := p.console.Get(ctx, "/channels/"+p.shop.Channel+"/friends", &all); err != nil {
		return friend{}, err
	}
	for _, f := range all.Items {
		if f.ProfileID == profile {
			return f, nil
		}
	}
	return friend{}, nil
}

func (p *play) linkPerson(ctx context.Context, person, profile, order string) (string, error) {
	page, err := seed.Link(ctx, p.sim, p.shop.Code, person, profile, order)
	if err != nil {
		return "", err
	}
	var f friend
	err = p.eventually(ctx, "the console to show her linked and following", func() (bool, error) {
		f, err = p.friendOf(ctx, profile)
		return f.Linked && f.FollowStatus == "following", err
	})
	return fmt.Sprintf("page %q; console: %s is linked and follows", firstLine(page.Text), f.Name), err
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

func (p *play) linkYuki(ctx context.Context) (string, error) {
	return p.linkPerson(ctx, "yuki", klaviyotest.DemoYuki, "callback_first")
}

func (p *play) linkMio(ctx context.Context) (string, error) {
	return p.linkPerson(ctx, "mio", klaviyotest.DemoMio, "follow_first")
}

func (p *play) klaviyoKnows(ctx context.Context) (string, error) {
	want := []string{"Linked LINE Identity", "Followed LINE Account", "Scanned LINE QR Code"}
	var properties map[string]any
	err := p.eventually(ctx, "Klaviyo to have properties and events", func() (bool, error) {
		found, err := p.metrics(ctx, klaviyotest.DemoYuki)
		if err != nil {
			return false, err
		}
		if properties, err = p.sim.Properties(ctx, klaviyotest.DemoYuki); err != nil {
			return false, err
		}
		for _, metric := range want {
			if found[metric] != 1 {
				return false, fmt.Errorf("events %v, properties %v", found, properties)
			}
		}
		return properties["LINE Consent"] == "given" && properties["LINE Follow Status"] == "following" &&
			properties["LINE User ID"] != nil, fmt.Errorf("properties %v", properties)
	})
	return fmt.Sprintf("LINE Consent %v, events %v", properties["LINE Consent"], strings.Join(want, ", ")), err
}

// metrics counts a customer's events at Klaviyo by metric.
func (p *play) metrics(ctx context.Context, profile string) (map[string]int, error) {
	events, err := p.sim.Events(ctx, profile)
	count := map[string]int{}
	for _, e := range events {
		count[e.Metric]++
	}
	return count, err
}

// replay opens the callback of a finished link again, and a tampered one.
func (p *play) replay(ctx context.Context) (string, error) {
	address, err := seed.Scanned(ctx, p.sim, p.shop.Code, klaviyotest.DemoKen)
	if err != nil {
		return "", err
	}
	opened, err := p.sim.Scan(ctx, "ken", address)
	if err != nil || opened[len(opened)-1].Login == nil {
		return "", errors.Join(err, errors.New("no login"))
	}
	done, err := p.sim.Consent(ctx, "ken", opened[len(opened)-1].Login.Request, "callback_first")
	if err != nil {
		return "", err
	}
	at := slices.IndexFunc(done, func(page seed.Page) bool { return strings.Contains(page.URL, "/link/callback?") })
	if at < 0 {
		return "", errors.New("the consent did not lead back to us")
	}
	callback := done[at].URL
	for _, bad := range []string{callback, strings.Replace(callback, "state=A", "state=B", 1)} {
		again, err := p.sim.OpenURL(ctx, "ken", bad)
		if err != nil {
			return "", err
		}
		if last := again[len(again)-1]; len(last.Forms) > 0 || !worksNoMore(last.Text) {
			return "", fmt.Errorf("a used or changed link says: %s", last.Text)
		}
	}
	return "the page says that this link no longer works", nil
}

func worksNoMore(text string) bool {
	return strings.Contains(text, "no longer works") || strings.Contains(text, "使用できません")
}
