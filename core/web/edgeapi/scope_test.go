package edgeapi_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/postgres/shoptest"
	wire "lumo/shared/edgeapi"
	"lumo/shared/event"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// addOther makes another merchant with a hook, and answers it and the hook's path.
func (c *core) addOther(t *testing.T) (lumo.MerchantID, string) {
	t.Helper()
	other := lumo.MerchantID(c.ID())
	target := c.ID()
	err := c.DB.InTenant(context.Background(), other, func(ctx context.Context) error {
		_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO number (merchant_id, kind, target_id) VALUES ($1, 'channel', $2)`, other, target)
		if err != nil {
			return err
		}
		_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO hook_route (public_key, merchant_id, kind, target_id, created_at)
VALUES ('zzzzzzzzzzzzzzzz', $1, 'line', $2, now())`, other, target)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return other, "/hooks/line/zzzzzzzzzzzzzzzz"
}

func TestAnEdgeGetsNothingOfMerchantsOutsideItsScope(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	other, hook := c.addOther(t)
	e := c.enrolWith(t, c.code(t, other))
	s := e.connect(0)
	s.until("heartbeat", func() bool { return s.beats > 0 })
	for row := range s.rows {
		if row[0] != wire.TableKey && row[0] != wire.TableHook {
			t.Errorf("a row of table %d came", row[0])
		}
	}
	own := wire.HookKey(wire.KeyLINE, "zzzzzzzzzzzzzzzz")
	if _, ok := s.value(wire.TableHook, own); !ok || len(s.rows) != 2 { // and the one-off key
		t.Errorf("got %d rows, its own hook: %v", len(s.rows), ok)
	}
	before := s.version
	c.addFlowKey(t, 1) // of the merchant outside
	s.until("the number of the change", func() bool { return s.version > before })
	if _, ok := s.value(wire.TableKey, c.flowKey(1)); ok {
		t.Error("a key of another merchant came")
	}
	// What it passes on for others does not exist.
	c.far.mu.Lock()
	c.far.numbers = map[uint32]lumo.MerchantID{c.Channel.Number: c.Merchant, 77: other}
	c.far.mu.Unlock()
	for target, want := range map[string]int{hook: 202, c.lineHook(t): 404,
		"/link/of/77": 202, "/link/of/" + itoa(c.Channel.Number): 404} {
		if got := e.post("/edge/v1/requests", c.headers(target, lumo.AuthVerified), "{}", nil); got != want {
			t.Errorf("%s: got %d want %d", target, got, want)
		}
	}
	batch := record(wire.RecordRequest, c.ID(), spooled(t, c.lineHook(t), "x")).Append(nil)
	var got taken
	if status := e.post("/edge/v1/events", nil, string(batch), &got); status != 200 || len(got.Rejected) != 1 {
		t.Errorf("a spooled request: got %d %+v", status, got)
	}
	if status := e.get(t, "/edge/v1/media/"+strings.Repeat("07", 32)); status != 404 {
		t.Errorf("a file of another merchant: got %d", status)
	}
	click := event.Event{Type: event.Click, Number: c.Channel.Number, Subject: 7, Link: 1}.Append(nil)
	e.post("/edge/v1/events", nil, string(record(wire.RecordEvent, c.ID(), click).Append(nil)), nil)
	c.far.mu.Lock()
	defer c.far.mu.Unlock()
	if len(c.far.scopes) != 1 || c.far.scopes[0].Has(c.Merchant) || !c.far.scopes[0].Has(other) {
		t.Errorf("events are judged under %+v", c.far.scopes)
	}
}

func (e *edge) get(t *testing.T, path string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+e.key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func TestAScopeNamesMerchantsThatExist(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	_, _, err := c.fleet.CreateCode(t.Context(), id.ID{}, "", []lumo.MerchantID{lumo.MerchantID(c.ID())})
	if !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v want invalid", err)
	}
}

func TestAnEdgeCanDoNothingElse(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	e := c.enrol(t)
	for _, call := range []struct{ method, path string }{
		{"GET", "/edge/v1/events"}, {"DELETE", "/edge/v1/events"}, {"GET", "/edge/v1/requests"},
		{"PUT", "/edge/v1/modules/" + bundleHash("x")}, {"POST", "/edge/v1/modules/x"},
		{"GET", "/edge/v1/modules/" + bundleHash("x")}, {"GET", "/edge/v1/modules/../../etc/passwd"},
		{"GET", "/edge/v1/edges"}, {"POST", "/edge/v1/revoke"}, {"GET", "/edge/v1/keys"},
		{"GET", "/edge/v1/enrol"}, {"GET", "/edge/v1/media/" + bundleHash("x")},
	} {
		req, err := http.NewRequestWithContext(t.Context(), call.method, e.url+call.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+e.key)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != 404 && res.StatusCode != 405 {
			t.Errorf("%s %s: got %d", call.method, call.path, res.StatusCode)
		}
	}
	// Another edge's key and the code that was used are no way in either.
	for _, key := range []string{"", "lek_", "lak_" + e.key[4:], e.key + "x", e.key[:len(e.key)-1]} {
		other := *e
		other.key = key
		if got := other.post("/edge/v1/events", nil, "", nil); got != http.StatusUnauthorized {
			t.Errorf("key %q: got %d", key, got)
		}
		if _, status, err := other.dial(0); err == nil || status != http.StatusUnauthorized {
			t.Errorf("key %q: the stream answered %d", key, status)
		}
	}
	if n := shoptest.Get[int](t, c.Shop, `
SELECT count(*)::int FROM edge WHERE $1::uuid IS NOT NULL AND revoked_at IS NULL`); n != 1 {
		t.Errorf("there are %d edges", n)
	}
}
