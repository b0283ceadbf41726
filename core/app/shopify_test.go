package app_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"lumo/shared/edgeapi"
	"lumo/shared/id"
)

const shopHook = "aaaaaaaaaaaaaab5"

// shopify passes a shop's webhook on as an edge does.
func (c *core) shopify(edge, secret string) (status int, text string) {
	c.t.Helper()
	const body = `{"id":1}`
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	now := time.Now().UnixMilli()
	return c.send(http.MethodPost, "/edge/v1/requests", map[string]string{
		"Authorization": "Bearer " + edge, edgeapi.HeaderEventID: id.New(now, [10]byte{7}).String(),
		edgeapi.HeaderReceivedAt: strconv.FormatInt(now, 10), edgeapi.HeaderAuth: "unchecked",
		edgeapi.HeaderMethod: http.MethodPost, edgeapi.HeaderTarget: "/hooks/shopify/" + shopHook,
		"X-Shopify-Shop-Domain": "tea.myshopify.com", "X-Shopify-Topic": "shop/redact",
		"X-Shopify-Event-Id":    "event-1",
		"X-Shopify-Hmac-Sha256": base64.StdEncoding.EncodeToString(mac.Sum(nil))}, body)
}

const addShop = `INSERT INTO hook_route (public_key, merchant_id, kind, target_id, created_at)
SELECT '` + shopHook + `', merchant_id, 'shopify', gen_random_uuid(), now() FROM merchant`

func TestShopsWebhooksReachTheCore(t *testing.T) {
	t.Parallel()
	c := start(t, "LUMO_SHOPIFY_CLIENT_SECRET=shpss_test")
	edge := c.enrol()
	if status, text := c.shopify(edge, "shpss_test"); status != http.StatusNotFound {
		t.Errorf("a shop that is not there: got %d %s", status, text)
	}
	c.exec(addShop)
	if status, text := c.shopify(edge, "another"); status != http.StatusUnauthorized ||
		!strings.Contains(text, "bad_signature") {
		t.Errorf("another secret: got %d %s", status, text)
	}
	if status, text := c.shopify(edge, "shpss_test"); status != http.StatusOK ||
		!strings.Contains(text, "accepted") {
		t.Errorf("got %d %s", status, text)
	}
}

func TestShopsWebhooksAreSentBackWithoutAnApp(t *testing.T) {
	t.Parallel()
	c := start(t)
	edge := c.enrol()
	c.exec(addShop)
	if status, text := c.shopify(edge, ""); status != http.StatusServiceUnavailable {
		t.Errorf("got %d %s", status, text)
	}
	said, _ := c.doctor()
	if !strings.Contains(said, "LUMO_SHOPIFY_CLIENT_SECRET is not set") {
		t.Errorf("the doctor says nothing of it:\n%s", said)
	}
}
