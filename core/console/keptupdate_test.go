package console_test

import (
	"log/slog"
	"net/http"
	"slices"
	"testing"

	"lumo/core/account"
	"lumo/core/connection"
	"lumo/core/console"
	"lumo/core/lumo"
	"lumo/core/outbox"
	connectionstore "lumo/core/postgres/connection"
	outboxstore "lumo/core/postgres/outbox"
	"lumo/core/postgres/shoptest"
	"lumo/shared/id"
)

// registerKlaviyo adds a Klaviyo account's operations; nothing of Klaviyo itself is asked.
func (d *desk) registerKlaviyo(t testing.TB, a *console.API, people *account.Service, log *slog.Logger) {
	t.Helper()
	accounts, err := connection.New(connection.Config{Tenants: d.DB, Store: connectionstore.New(d.Vault),
		Klaviyo: struct{ connection.Klaviyo }{}, Data: struct{ connection.Data }{}, Channels: struct{ connection.Channels }{},
		Fleet: struct{ connection.Fleet }{}, EdgeURL: "http://127.0.0.1:1", Auditor: people,
		Watcher: struct{ connection.Watcher }{}, NewID: d.ID, Now: d.Clock.Now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	store := outboxstore.New(d.Vault)
	items, err := outbox.New(outbox.Config{Tenants: d.DB, Store: store, Leases: store, Klaviyo: struct{ outbox.Klaviyo }{},
		Accounts: struct{ outbox.Accounts }{}, Links: struct{ outbox.Links }{}, Auditor: people,
		Watcher: struct{ outbox.Watcher }{}, NewID: d.ID, Now: d.Clock.Now, Log: log, Owner: "core-1"})
	if err != nil {
		t.Fatal(err)
	}
	console.RegisterKlaviyo(a, accounts, items)
}

// What Klaviyo refused is dismissed and brought back by those who may change things; others see it.
func TestWhatKlaviyoRefusedIsDismissedAndBroughtBack(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	a, item := d.AddAccount(t), d.ID()
	d.Exec(t, `
INSERT INTO outbox (merchant_id, id, klaviyo_account_id, channel_id, kind, metric, unique_id, profile_id, payload_enc, occurred_at, state,
                    due_at, problem, created_at)
VALUES ($1, $2, $3, $4, 'event', 'Followed LINE Account', 'u', 'P1', '', $5, 'kept', $5, 'profile_missing', $5)`,
		item, a, d.Channel.ID, d.Clock.Now())
	const path = "./klaviyo/kept"
	one := map[string]string{"item": item.With(id.Event)}
	shown := func(query string) (n int) {
		t.Helper()
		status, got := d.call(t, lumo.Viewer, http.MethodGet, path+query, nil)
		items, _ := got["items"].([]any)
		if status != http.StatusOK || got["total"] != float64(len(items)) {
			t.Errorf("%q: %d %v", query, status, got)
		}
		return len(items)
	}
	for _, step := range []struct {
		to              string
		kept, dismissed int
	}{{"/dismiss", 0, 1}, {"/bring_back", 1, 0}} {
		if status, _ := d.call(t, lumo.Viewer, http.MethodPost, path+step.to, one); status != http.StatusForbidden {
			t.Errorf("a viewer's %s: %d", step.to, status)
		}
		if status, got := d.call(t, lumo.Marketer, http.MethodPost, path+step.to, one); status != http.StatusOK || got["changed"] != 1.0 {
			t.Errorf("%s: %d %v", step.to, status, got)
		}
		if kept, dismissed := shown(""), shown("?dismissed=true"); kept != step.kept || dismissed != step.dismissed {
			t.Errorf("after %s %d kept and %d dismissed", step.to, kept, dismissed)
		}
		if status, _ := d.call(t, lumo.Marketer, http.MethodPost, path+step.to, one); status != http.StatusConflict {
			t.Errorf("%s once more: %d", step.to, status)
		}
	}
	audit := shoptest.Get[[]string](t, d.Shop, `
SELECT array_agg(action ORDER BY action) FROM audit WHERE merchant_id = $1 AND action LIKE 'outbox.%' AND actor_kind = 'member'`)
	if !slices.Equal(audit, []string{"outbox.bring_back", "outbox.dismiss"}) {
		t.Errorf("the audit log has %v", audit)
	}
	if status, _ := d.call(t, lumo.Marketer, http.MethodPost, path+"/dismiss", map[string]string{"item": "evt_x"}); status != http.StatusNotFound {
		t.Errorf("no id: %d", status)
	}
}
