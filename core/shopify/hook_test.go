package shopify_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"os"
	"strings"
	"testing"

	"lumo/core/lumo"
	"lumo/core/postgres/postgrestest"
	shopifystore "lumo/core/postgres/shopify"
	"lumo/core/postgres/shoptest"
	"lumo/core/shopify"
	"lumo/shared/fault"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

const secret = "shpss_test"

func signed(key, body string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(body))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// webhook is one as an edge passes it on: it cannot check the signature.
func webhook(s *shoptest.Shop, body, signature string) lumo.EdgeRequest {
	return lumo.EdgeRequest{ID: lumo.RequestID(s.ID()), Merchant: s.Merchant, Subject: s.ID(),
		Auth: lumo.AuthUnchecked, Method: "POST", Body: []byte(body), ReceivedAt: s.Clock.Now(),
		Header: map[string]string{"X-Shopify-Hmac-Sha256": signature,
			"X-Shopify-Shop-Domain": "tea.myshopify.com", "X-Shopify-Topic": "products/update",
			"X-Shopify-Event-Id": "event-1"}}
}

func TestAShopsWebhookIsProvenAndStoredOnce(t *testing.T) {
	t.Parallel()
	s := shoptest.New(t)
	hooks := &shopify.Hooks{Tenants: s.DB, Store: shopifystore.New(s.Vault), Secret: secret, Now: s.Clock.Now}
	rows := func() int64 {
		return shoptest.Get[int64](t, s, `SELECT count(*) FROM hook_request WHERE merchant_id = $1 AND kind = 'shopify'`)
	}
	const body = `{"id":1,"title":"café \u0000"}`
	good := webhook(s, body, signed(secret, body))
	for _, c := range []struct {
		name   string
		alter  func(r *lumo.EdgeRequest)
		status int
		rows   int64 // afterwards
	}{
		{"another secret", func(r *lumo.EdgeRequest) { r.Header["X-Shopify-Hmac-Sha256"] = signed("x", body) }, 401, 0},
		{"another body", func(r *lumo.EdgeRequest) { r.Body = append(r.Body, ' ') }, 401, 0},
		{"no signature", func(r *lumo.EdgeRequest) { delete(r.Header, "X-Shopify-Hmac-Sha256") }, 401, 0},
		{"no shop", func(r *lumo.EdgeRequest) { delete(r.Header, "X-Shopify-Shop-Domain") }, 401, 0},
		{"a shop that is none", func(r *lumo.EdgeRequest) {
			r.Header["X-Shopify-Shop-Domain"] = "evil.example/.myshopify.com"
		}, 401, 0},
		{"an endless topic", func(r *lumo.EdgeRequest) { r.Header["X-Shopify-Topic"] = strings.Repeat("x", 201) }, 401, 0},
		{"genuine", func(*lumo.EdgeRequest) {}, 200, 1},
		{"the same out of the spool", func(r *lumo.EdgeRequest) { r.Spooled = true }, 200, 1},
		{"sent again by Shopify", func(r *lumo.EdgeRequest) { r.ID = lumo.RequestID(s.ID()) }, 200, 1},
		{"the same id of another shop", func(r *lumo.EdgeRequest) {
			r.ID, r.Header["X-Shopify-Shop-Domain"] = lumo.RequestID(s.ID()), "coffee.myshopify.com"
		}, 200, 2},
		{"erasure", func(r *lumo.EdgeRequest) {
			r.ID, r.Header["X-Shopify-Topic"] = lumo.RequestID(s.ID()), "customers/redact"
			r.Header["X-Shopify-Event-Id"] = "event-2"
		}, 200, 3},
		{"no event id", func(r *lumo.EdgeRequest) {
			r.ID = lumo.RequestID(s.ID())
			delete(r.Header, "X-Shopify-Event-Id")
		}, 200, 4},
	} {
		r := good
		r.Body, r.Header = append([]byte{}, good.Body...), map[string]string{}
		for name, value := range good.Header {
			r.Header[name] = value
		}
		c.alter(&r)
		got, err := hooks.HandleEdge(context.Background(), r)
		if err != nil || got.Status != c.status {
			t.Errorf("%s: got %d %v want %d", c.name, got.Status, err, c.status)
		}
		if n := rows(); n != c.rows {
			t.Errorf("%s: %d rows want %d", c.name, n, c.rows)
		}
	}
	sealed := shoptest.Get[[]byte](t, s, `SELECT body_enc FROM hook_request WHERE merchant_id = $1 AND id = $2`, good.ID)
	if strings.Contains(string(sealed), "title") {
		t.Error("the body is stored in the clear")
	}
	erasures := `SELECT count(*) FROM hook_request WHERE merchant_id = $1 AND topic = 'customers/redact' AND state = 'done'`
	if n := shoptest.Get[int64](t, s, erasures); n != 1 {
		t.Errorf("%d requests for erasure are stored", n)
	}
}

// Without an app nothing can be proven: the sender comes again, and what waits in a spool does
// not hold up the rest.
func TestWithoutAnAppNothingIsTaken(t *testing.T) {
	t.Parallel()
	s := shoptest.New(t)
	hooks := &shopify.Hooks{Tenants: s.DB, Store: shopifystore.New(s.Vault), Now: s.Clock.Now}
	r := webhook(s, "{}", signed("", "{}"))
	if _, err := hooks.HandleEdge(context.Background(), r); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v want unavailable", err)
	}
	r.Spooled = true
	if _, err := hooks.HandleEdge(context.Background(), r); !fault.Is(err, fault.Conflict) {
		t.Errorf("out of the spool: got %v want conflict", err)
	}
	if n := shoptest.Get[int64](t, s, `SELECT count(*) FROM hook_request WHERE merchant_id = $1`); n != 0 {
		t.Errorf("%d rows", n)
	}
}
