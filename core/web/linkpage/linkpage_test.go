package linkpage_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"lumo/core/channel"
	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/web/linkpage"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

// backend plays linkage, the LINE account and the merchant.
type backend struct {
	result linkage.Result
	err    error
	ring   string // of the account
	back   linkage.Return
	value  string
}

func (b *backend) Callback(_ context.Context, r linkage.Return) (linkage.Result, error) {
	b.back = r
	return b.result, b.err
}

func (b *backend) Confirm(_ context.Context, value string) (linkage.Result, error) {
	b.value = value
	return b.result, b.err
}

func (b *backend) Channel(context.Context, lumo.MerchantID, lumo.ChannelID) (channel.Channel, error) {
	return channel.Channel{Channel: lumo.Channel{BasicID: "@hanatea"}, Ring: b.ring, PictureURL: "https://p.example/hana.png"}, nil
}

func (b *backend) Merchant(context.Context, lumo.MerchantID) (lumo.Merchant, error) {
	return lumo.Merchant{Name: `Hana <script>Tea</script>`, Language: "ja"}, nil
}

func serve(t *testing.T, b *backend, r lumo.EdgeRequest) lumo.EdgeAnswer {
	t.Helper()
	pages, err := linkpage.New(b, b, b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pages.HandleEdge(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func callback() lumo.EdgeRequest {
	return lumo.EdgeRequest{Method: "GET", Target: "/link/callback?code=c&state=s&friendship_status_changed=true",
		Header: map[string]string{edgeapi.HeaderLinkCookie: "cookie", "Accept-Language": "ja-JP,ja;q=0.9"}}
}

func outcomes() []linkage.Outcome {
	return []linkage.Outcome{linkage.Linked, linkage.Added, linkage.AskLink, linkage.AskUnlink,
		linkage.Unlinked, linkage.InReview, linkage.Declined, linkage.NoLongerWorks, linkage.TryAgain}
}

func TestEveryOutcomeHasASafePageInEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ja", "zh", "th"} {
		seen := map[string]linkage.Outcome{}
		for _, o := range outcomes() {
			b := &backend{result: linkage.Result{Outcome: o, Merchant: lumo.MerchantID{1},
				Channel: lumo.ChannelID{1}, Language: lang, Confirm: "one-time"}}
			got := serve(t, b, callback())
			page := string(got.Body)
			if strings.Contains(page, "<script") || strings.Contains(page, "{shop}") || strings.Contains(page, "{{") {
				t.Errorf("%s %s: unsafe or unfinished page:\n%s", lang, o, page)
			}
			if got.Header["Cache-Control"] != "no-store" || got.Header["Referrer-Policy"] != "no-referrer" {
				t.Errorf("%s %s: headers %v", lang, o, got.Header)
			}
			text := strings.Join(regexp.MustCompile(`<p>([^<]*)</p>`).FindStringSubmatch(page)[1:], "")
			if other, ok := seen[text]; ok || text == "" {
				t.Errorf("%s: %s and %s say the same: %q", lang, o, other, text)
			}
			seen[text] = o
			if _, err := html.Parse(strings.NewReader(page)); err != nil {
				t.Errorf("%s %s: %v", lang, o, err)
			}
			if asks := o == linkage.AskLink || o == linkage.AskUnlink; asks != strings.Contains(page, `<form method="post" action="/link/confirm">`) ||
				asks != strings.Contains(page, `value="one-time"`) {
				t.Errorf("%s %s: form present: %v", lang, o, !asks)
			}
		}
	}
}

func TestSentencesAreThoseOfTheSpecification(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		outcome    linkage.Outcome
		lang, want string
	}{
		{linkage.Linked, "en", "Linked. You can close this page."},
		{linkage.Linked, "ja", "連携が完了しました。この画面は閉じて構いません。"},
		{linkage.NoLongerWorks, "en", "This link no longer works. Open the newest email from"},
		{linkage.NoLongerWorks, "ja", "このリンクは使用できません。"},
		{linkage.AskLink, "en", "You can undo this any time."},
		{linkage.AskLink, "ja", "いつでも解除できます。"},
	} {
		b := &backend{result: linkage.Result{Outcome: c.outcome, Merchant: lumo.MerchantID{1}, Language: c.lang}}
		if got := string(serve(t, b, callback()).Body); !strings.Contains(got, c.want) {
			t.Errorf("%s %s: not found: %s", c.outcome, c.lang, c.want)
		}
	}
}

// Customers see the account's own colour, as its merchant chose it in the console.
func TestPagesHaveTheAccountsColour(t *testing.T) {
	t.Parallel()
	for number := range uint32(6) {
		b := &backend{ring: channel.RingOf(number + 1),
			result: linkage.Result{Outcome: linkage.AskLink, Merchant: lumo.MerchantID{1}, Channel: lumo.ChannelID{1}}}
		page := string(serve(t, b, callback()).Body)
		if !strings.Contains(page, `<main class="`+b.ring+`">`) || !strings.Contains(page, "."+b.ring+"{border-color:#") {
			t.Errorf("%s is not the page's colour", b.ring)
		}
	}
	unknown := string(serve(t, &backend{result: linkage.Result{Outcome: linkage.NoLongerWorks}}, callback()).Body)
	if !strings.Contains(unknown, "<main>") {
		t.Error("a page of nobody's has a colour")
	}
}

func TestPolicyAllowsTheStyleAndThePictureAlone(t *testing.T) {
	t.Parallel()
	b := &backend{result: linkage.Result{Outcome: linkage.Linked, Merchant: lumo.MerchantID{1}, Channel: lumo.ChannelID{1}}}
	got := serve(t, b, callback())
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindSubmatch(got.Body)
	sum := sha256.Sum256(style[1])
	policy := got.Header["Content-Security-Policy"]
	for _, want := range []string{"default-src 'none'", "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
		"img-src https://p.example", "form-action 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("policy lacks %q: %s", want, policy)
		}
	}
}

func TestPersonWhoIsNoFriendYetGetsTheButton(t *testing.T) {
	t.Parallel()
	for _, friend := range []bool{true, false} {
		b := &backend{result: linkage.Result{Outcome: linkage.Linked, Merchant: lumo.MerchantID{1},
			Channel: lumo.ChannelID{1}, IsFriend: friend}}
		got := string(serve(t, b, callback()).Body)
		if has := strings.Contains(got, `href="https://line.me/R/ti/p/%40hanatea"`); has == friend {
			t.Errorf("friend %v: button %v", friend, has)
		}
	}
}

func TestPageWithoutAShopStillSpeaks(t *testing.T) {
	t.Parallel()
	got := serve(t, &backend{result: linkage.Result{Outcome: linkage.NoLongerWorks}}, callback())
	if got.Status != 400 || !strings.Contains(string(got.Body), "最新のメールを開き") {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
}

func TestRequestsReachLinkage(t *testing.T) {
	t.Parallel()
	b := &backend{}
	serve(t, b, callback())
	if want := (linkage.Return{State: "s", Code: "c", Cookie: "cookie"}); b.back != want {
		t.Errorf("got %+v want %+v", b.back, want)
	}
	serve(t, b, lumo.EdgeRequest{Method: "POST", Target: "/link/confirm", Body: []byte("value=abc")})
	if b.value != "abc" {
		t.Errorf("got %q", b.value)
	}
	pages, _ := linkpage.New(b, b, b)
	for _, r := range []lumo.EdgeRequest{{Method: "GET", Target: "/link/confirm"}, {Method: "POST", Target: "/link/callback"}} {
		if _, err := pages.HandleEdge(t.Context(), r); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s %s: got %v", r.Method, r.Target, err)
		}
	}
	b.err = fault.As(fault.Unavailable, "test", errors.New("down"))
	if _, err := pages.HandleEdge(t.Context(), callback()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v want unavailable", err)
	}
}
