package server_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"lumo/edge/edgetest"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
)

// Bodies that no program should send. The signature is over their bytes, so the edge does
// not read them: the core gets each byte as it came, now and from the spool, and judges.
func oddBodies() map[string]string {
	return map[string]string{
		"empty":           "",
		"not JSON":        "<xml/>",
		"duplicate keys":  `{"profile_id":"a","profile_id":"b"}`,
		"invalid UTF-8":   "{\"line_user_id\":\"\xff\xfe\x80\"}",
		"NUL":             "{\"name\":\"a\x00b\"}\x00",
		"lone surrogates": `{"name":"\ud800","other":"\udfff\ud800"}`,
		"byte order mark": "\ufeff{}",
		"deeply nested":   strings.Repeat("[", 100_000),
		"huge number":     `{"n":1e999999}`,
		"line ends":       "{}\r\n\r\nPOST / HTTP/1.1\r\n\r\n",
	}
}

func TestOddBodiesReachTheCoreByteForByte(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	shopify := func(hook, body string) answer {
		return e.do(http.MethodPost, "/hooks/shopify/"+hook, body, "X-Shopify-Hmac-Sha256", signed(body),
			"X-Shopify-Shop-Domain", "tea.myshopify.com", "X-Shopify-Topic", "products/update")
	}
	auth := []string{"verified", "verified", "verified", "unchecked", "verified"}
	send := func(body string) []answer {
		return []answer{e.flow(body, edgeapitest.FlowKey()), e.line(body, signed(body)),
			e.do(http.MethodPost, "/hooks/klaviyo/system/"+edgetest.KlaviyoHook, body,
				"Klaviyo-Signature", klaviyoSigned(body, "17"), "Klaviyo-Timestamp", "17"),
			shopify(edgetest.ShopifyHook, body), shopify(edgetest.OwnHook, body)}
	}
	for name, body := range oddBodies() {
		before := len(e.core.Asked())
		for i, got := range send(body) {
			if got.status != http.StatusOK {
				t.Errorf("%s, hook %d: got %d %s", name, i, got.status, got.body)
			}
		}
		asked := e.core.Asked()[before:]
		for i, a := range asked {
			if string(a.Body) != body || a.Auth != auth[i] {
				t.Errorf("%s, hook %d: the core got %q, %s", name, i, a.Body, a.Auth)
			}
		}
		if len(asked) != len(auth) {
			t.Errorf("%s: the core was asked %d times", name, len(asked))
		}
	}
	e.core.Stop()
	var sent []string
	for _, body := range oddBodies() {
		for _, got := range send(body) {
			if got.status != http.StatusAccepted {
				t.Errorf("the core away: got %d for %q", got.status, body[:min(20, len(body))])
			}
			sent = append(sent, body)
		}
	}
	e.core.Start()
	e.handOver()
	spooled := e.core.Requests()
	if len(spooled) != len(sent) {
		t.Fatalf("%d of %d came out of the spool", len(spooled), len(sent))
	}
	for i, r := range spooled {
		if string(r.Body) != sent[i] {
			t.Errorf("out of the spool came %q want %q", r.Body, sent[i])
		}
	}
}

// Signatures are compared as bytes of exactly one text form; header names in any case.
func TestOnlyTheExactSignatureCounts(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	const body = `{"events":[]}`
	mac := hmac.New(sha256.New, []byte(edgeapitest.Secret))
	mac.Write([]byte(body))
	raw := mac.Sum(nil)
	right := base64.StdEncoding.EncodeToString(raw)
	klaviyo := klaviyoSigned(body, "17")
	system := "/hooks/klaviyo/system/" + edgetest.KlaviyoHook
	own := "/hooks/shopify/" + edgetest.OwnHook
	shop := func(more ...string) []string {
		return append([]string{"X-Shopify-Shop-Domain", "tea.myshopify.com"}, more...)
	}
	for _, c := range []struct {
		name, path string
		header     []string
		status     int
	}{
		{"right", linePth, []string{"X-Line-Signature", right}, 200},
		{"header name in lower case", linePth, []string{"x-line-signature", right}, 200},
		{"twice, the same", linePth, []string{"X-Line-Signature", right, "X-Line-Signature", right}, 401},
		{"twice, right last", linePth, []string{"X-Line-Signature", "x", "X-Line-Signature", right}, 401},
		{"twice, in two cases", linePth, []string{"X-Line-Signature", right, "X-LINE-SIGNATURE", "x"}, 401},
		{"base64url", linePth, []string{"X-Line-Signature", base64.URLEncoding.EncodeToString(raw) + " "}, 401},
		{"no padding", linePth, []string{"X-Line-Signature", strings.TrimRight(right, "=")}, 401},
		{"more padding", linePth, []string{"X-Line-Signature", right + "="}, 401},
		{"unused bits set", linePth, []string{"X-Line-Signature", right[:42] + string(right[42]+1) + "="}, 401},
		{"a line end inside", linePth, []string{"X-Line-Signature", right[:20] + "\t" + right[20:]}, 401},
		{"other case", linePth, []string{"X-Line-Signature", strings.ToUpper(right)}, 401},
		{"hex instead", linePth, []string{"X-Line-Signature", klaviyoSigned(body, "")}, 401},
		{"half", linePth, []string{"X-Line-Signature", right[:22]}, 401},
		{"empty", linePth, []string{"X-Line-Signature", ""}, 401},
		{"of nothing", linePth, []string{"X-Line-Signature", signed("")}, 401},
		{"Klaviyo", system, []string{"Klaviyo-Signature", klaviyo, "Klaviyo-Timestamp", "17"}, 200},
		{"Klaviyo in capitals", system, []string{"Klaviyo-Signature", strings.ToUpper(klaviyo), "Klaviyo-Timestamp", "17"}, 401},
		{"Klaviyo, two times", system, []string{"Klaviyo-Signature", klaviyo, "Klaviyo-Timestamp", "17", "Klaviyo-Timestamp", "18"}, 401},
		{"Klaviyo, time moved into the body", system, []string{"Klaviyo-Signature", klaviyo, "Klaviyo-Timestamp", ""}, 401},
		{"Shopify", own, shop("X-Shopify-Hmac-Sha256", right), 200},
		{"Shopify, header name in capitals", own, shop("X-SHOPIFY-HMAC-SHA256", right), 200},
		{"Shopify twice, the same", own, shop("X-Shopify-Hmac-Sha256", right, "X-Shopify-Hmac-Sha256", right), 401},
		{"Shopify twice, right last", own, shop("X-Shopify-Hmac-Sha256", "x", "X-Shopify-Hmac-Sha256", right), 401},
		{"Shopify in other case", own, shop("X-Shopify-Hmac-Sha256", strings.ToUpper(right)), 401},
		{"Shopify without padding", own, shop("X-Shopify-Hmac-Sha256", strings.TrimRight(right, "=")), 401},
		{"Shopify, unused bits set", own, shop("X-Shopify-Hmac-Sha256", right[:42]+string(right[42]+1)+"="), 401},
		{"Shopify, hex instead", own, shop("X-Shopify-Hmac-Sha256", klaviyoSigned(body, "")), 401},
		{"Shopify, of nothing", own, shop("X-Shopify-Hmac-Sha256", signed("")), 401},
		{"Shopify, none", own, shop(), 401},
		{"flow key in capitals", flowPth, []string{edgeapi.HeaderFlowKey, strings.ToUpper(edgeapitest.FlowKey())}, 401},
		{"flow key twice", flowPth, []string{edgeapi.HeaderFlowKey, edgeapitest.FlowKey(), edgeapi.HeaderFlowKey, edgeapitest.FlowKey()}, 401},
		{"flow key and more", flowPth, []string{edgeapi.HeaderFlowKey, edgeapitest.FlowKey() + "A"}, 401},
		{"flow key of NULs", flowPth, []string{edgeapi.HeaderFlowKey, "lfk_1_" + strings.Repeat("A", 43)}, 401},
	} {
		if got := e.do(http.MethodPost, c.path, body, c.header...); got.status != c.status {
			t.Errorf("%s: got %d want %d: %s", c.name, got.status, c.status, got.body)
		}
	}
}
