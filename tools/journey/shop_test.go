package journey_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"lumo/shared/edgeapi/edgeapitest"
)

// Who opens a link that works no more is led to the shop, once its address is known.
func TestALinkThatWorksNoMoreLeadsToTheShop(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	old := w.front.URL + "/q/" + w.code.Code + "?s=altered"
	const shop = "https://shop.example/tea"
	if text := w.reads(old); strings.Contains(text, "Go to") {
		t.Errorf("without an address the page leads to %s", text)
	}
	w.must(w.console.Patch(t.Context(), "/channels/"+w.channel, map[string]string{"shop_url": "shop.example/tea"}, nil))
	if got := get[struct {
		ShopURL string `json:"shop_url"`
	}](w, ""); got.ShopURL != shop {
		t.Errorf("kept is %q, want %q", got.ShopURL, shop)
	}
	w.until("the page to lead to the shop", func() (bool, error) {
		text := w.reads(old)
		return strings.Contains(text, `href="`+shop+`"`) && strings.Contains(text, "Go to "+shopName), fmt.Errorf("%s", text)
	})
	w.must(w.console.Patch(t.Context(), "/channels/"+w.channel, map[string]string{"shop_url": ""}, nil))
	w.until("the page to lead nowhere", func() (bool, error) {
		text := w.reads(old)
		return !strings.Contains(text, shop), fmt.Errorf("%s", text)
	})
}

// reads is the page that a phone shows.
func (w *world) reads(address string) string {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, address, nil)
	w.must(err)
	req.Header.Set("User-Agent", edgeapitest.Phone)
	res, err := http.DefaultClient.Do(req)
	w.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	w.must(err)
	return string(text)
}
