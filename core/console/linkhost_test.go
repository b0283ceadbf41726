package console_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"log/slog"
	"slices"
	"testing"

	"lumo/core/account"
	"lumo/core/console"
	"lumo/core/lumo"
	"lumo/core/postgres/shoptest"
	trackingstore "lumo/core/postgres/tracking"
	"lumo/core/tracking"
)

// nowhere is a host that another shop's page answers on.
type nowhere struct{}

func (nowhere) Probe(context.Context, string, string) tracking.Finding {
	return tracking.Finding{Reason: tracking.HostElsewhere, Found: "301 www.shop.example"}
}

func (d *desk) registerLinkHost(t testing.TB, a *console.API, people *account.Service, log *slog.Logger) {
	t.Helper()
	store := trackingstore.Store{}
	hosts, err := tracking.NewHosts(tracking.HostConfig{Tenants: d.DB, Systems: d.DB, Store: store, Turns: store,
		Prober: nowhere{}, Auditor: people, Changed: func(context.Context, lumo.MerchantID) {},
		Working: func(context.Context) (bool, error) { return true, nil }, EdgeURL: "https://l.lumo.example",
		CoreURL: "https://console.lumo.example",
		OneOff:  tracking.OneOffKey{Number: 1, Private: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, 32))},
		Now:     d.Clock.Now, Log: log, Owner: "core-1"})
	if err != nil {
		t.Fatal(err)
	}
	console.RegisterLinkHost(a, hosts)
}

func TestTheLinkHostIsSetByWhoManagesSettings(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const at = "./link_host"
	host := map[string]string{"host": "Go.Shop.example"}
	for _, role := range []lumo.Role{lumo.Viewer, lumo.Marketer} {
		for method, path := range map[string]string{"PUT": at, "POST": at + "/check"} {
			if status, _ := d.call(t, role, method, path, host); status != 403 {
				t.Errorf("%s %s %s: got %d", role, method, path, status)
			}
		}
		if status, _ := d.call(t, role, "POST", at+"/remove", nil); status != 403 {
			t.Errorf("%s removes: got %d", role, status)
		}
		if status, got := d.call(t, role, "GET", at, nil); status != 200 || got["state"] != "none" || got["target"] != "l.lumo.example" {
			t.Errorf("%s reads: got %d %v", role, status, got)
		}
	}
	if status, got := d.call(t, lumo.Admin, "PUT", at, map[string]string{"host": "https://go.shop.example/"}); status != 400 ||
		got["fields"].(map[string]any)["host"] == nil {
		t.Errorf("an address: got %d %v", status, got)
	}
	if status, got := d.call(t, lumo.Admin, "PUT", at, host); status != 200 || got["state"] != "waiting" || got["host"] != "go.shop.example" {
		t.Fatalf("set: got %d %v", status, got)
	}
	status, got := d.call(t, lumo.Admin, "POST", at+"/check", nil)
	if status != 200 || got["state"] != "waiting" || got["reason"] != "elsewhere" || got["found"] != "301 www.shop.example" || got["checked_at"] == nil {
		t.Errorf("check: got %d %v", status, got)
	}

	shop := "/merchants/" + d.Merchant.String()
	key := func(right string) string {
		_, made := d.call(t, lumo.Owner, "POST", "./api_keys", map[string]any{"name": right, "rights": map[string]string{"settings": right}})
		return made["secret"].(string)
	}
	if status, _ := d.withKey(t, key("write"), "POST", shop+"/link_host/remove", ""); status != 403 {
		t.Errorf("a key that may not manage removes: %d", status)
	}
	if status, got := d.withKey(t, key("manage"), "POST", shop+"/link_host/remove", ""); status != 200 || got["state"] != "none" {
		t.Errorf("a key that may manage removes: %d %v", status, got)
	}
	actions := shoptest.Get[[]string](t, d.Shop, `
SELECT array_agg(action || ' ' || target_id ORDER BY action DESC) FROM audit WHERE merchant_id = $1 AND target_kind = 'link_host'`)
	if !slices.Equal(actions, []string{"link_host.set go.shop.example", "link_host.removed go.shop.example"}) {
		t.Errorf("the audit log has %v", actions)
	}
}
