package message_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lumo/core/lumo"
	"lumo/core/message"
	"lumo/core/message/jsontree"
	"lumo/shared/fault"
	"lumo/shared/token"
)

const (
	edgeURL = "https://l.lumo.example"
	yuki    = lumo.LineUserID("Ucafe0000000000000000000000000001")
)

var saved = lumo.MessageID{1, 2, 3} // the message of these tests

// marks is a tracker that writes down what it was asked.
type marks struct{ oneOffs []lumo.OneOff }

func (m *marks) Link(_ context.Context, _ lumo.Channel, d uint64, target string) (string, error) {
	return fmt.Sprintf("%s/c/L%d-%x", edgeURL, d, len(target)), nil
}

func (m *marks) OneOff(_ context.Context, _ lumo.Channel, d uint64, o lumo.OneOff) (string, error) {
	m.oneOffs = append(m.oneOffs, o)
	return fmt.Sprintf("%s/c/O%d", edgeURL, d), nil
}

func (m *marks) Beacon(_ context.Context, _ lumo.Channel, d uint64) (string, error) {
	return fmt.Sprintf("%s/o/B%d.png", edgeURL, d), nil
}

func (m *marks) Image(_ context.Context, _ lumo.Channel, d uint64, image uint32) (string, error) {
	if d == token.SharedSend {
		return fmt.Sprintf("%s/i/Ishared-%d", edgeURL, image), nil
	}
	return fmt.Sprintf("%s/i/I%d-%d", edgeURL, d, image), nil
}

// bodies are versions in memory; picture number 5 is ours.
type bodies struct {
	body  message.Body
	reads int
}

func (b *bodies) Version(_ context.Context, _ lumo.MerchantID, v lumo.MessageID, n int) (message.Version, error) {
	b.reads++
	if v != saved {
		return message.Version{}, fault.New(fault.NotFound, "test", "")
	}
	return message.Version{Message: v, Number: n, Name: "Cart & more", Body: b.body}, nil
}

func (*bodies) ImageNumber(_ context.Context, _ lumo.MerchantID, _ lumo.ChannelID, sha [32]byte) (uint32, bool, error) {
	return 5, sha == [32]byte{}, nil
}

func channelOf(opens bool) lumo.Channel {
	return lumo.Channel{Number: 3, Name: "Hana Tea", OpensMeasured: opens, UTM: lumo.UTM{Source: "line", Medium: "flow"}}
}

// compose renders a body for Yuki as delivery 7 and gives its messages.
func compose(t testing.TB, b message.Body, opens bool, vars map[string]string) (messages, reason string, asked []lumo.OneOff) {
	t.Helper()
	m := &marks{}
	c := message.NewComposer(&bodies{body: b}, &bodies{}, m, edgeURL)
	out, why, err := c.Compose(t.Context(), channelOf(opens), 7, lumo.Content{Message: saved, Version: 1, Vars: vars}, yuki)
	if err != nil {
		t.Fatal(err)
	}
	if why.Reason != "" {
		return "", why.Reason, m.oneOffs
	}
	text := strings.TrimPrefix(string(out), `{"to":"`+string(yuki)+`","messages":[`)
	tail := `],"customAggregationUnits":["` + message.Unit(saved) + `"]}`
	if !json.Valid(out) || !strings.HasSuffix(text, tail) {
		t.Fatalf("not a push: %s", out)
	}
	return strings.TrimSuffix(text, tail), "", m.oneOffs
}

func one(blocks ...string) message.Body { return message.Body{Blocks: blocks} }

func TestWhatMerchantsWroteStaysByteForByte(t *testing.T) {
	t.Parallel()
	odd := `{ "type" : "flex", "altText":"\u304a\u8336",` + "\n\t" + `"contents":{"type":"bubble","x-new":[1.50,1e3,-0],` +
		`"body":{"type":"box","layout":"baseline","contents":[{"type":"text","text":"a\/b <&>"}]}} }`
	got, _, _ := compose(t, one(odd), false, nil)
	if got != odd {
		t.Errorf("\ngot  %s\nwant %s", got, odd)
	}
}

func TestVariablesLinksAndBeaconAreAllThatChanges(t *testing.T) {
	t.Parallel()
	flex := `{"type":"flex","altText":"[[ first_name | Hi ]]","contents":{"type":"bubble",` +
		`"hero":{"type":"image","url":"https://img.example/a.jpg","action":{"type":"uri","uri":"https:\/\/shop.example\/a"}},` +
		`"body":{"type":"box","layout":"vertical","contents":[{"type":"text","text":"\u3042 [[ first_name | you ]]!"},` +
		`{"type":"button","action":{"type":"uri","label":"tel","uri":"tel:0312345678"}},` +
		`{"type":"button","action":{"type":"uri","label":"L","uri":"https://liff.line.me/1-a"}}]}}}`
	want := `{"type":"flex","altText":"Yu\"ki","contents":{"type":"bubble",` +
		`"hero":{"type":"image","url":"https://img.example/a.jpg","action":{"type":"uri","uri":"https://l.lumo.example/c/L7-36"}},` +
		`"body":{"type":"box","layout":"vertical","contents":[{"type":"text","text":"\u3042 Yu\"ki!"},` +
		`{"type":"button","action":{"type":"uri","label":"tel","uri":"tel:0312345678"}},` +
		`{"type":"button","action":{"type":"uri","label":"L","uri":"https://liff.line.me/1-a"}},` +
		`{"type":"box","layout":"vertical","position":"absolute","width":"1px","height":"1px","offsetTop":"0px",` +
		`"offsetStart":"0px","contents":[{"type":"image","url":"https://l.lumo.example/o/B7.png","size":"full","aspectRatio":"1:1"}]}]}}}`
	got, _, _ := compose(t, one(flex), true, map[string]string{"first_name": `Yu"ki`})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEveryKindOfLinkIsTracked(t *testing.T) {
	t.Parallel()
	const track = edgeURL + "/c/L7-" // and the target's length
	for name, c := range map[string]struct{ in, want string }{
		"a text":              {`{"type":"text","text":"see https://a.example/x, ok"}`, `{"type":"text","text":"see ` + track + `33, ok"}`},
		"an imagemap":         {`{"type":"imagemap","actions":[{"type":"uri","linkUri":"https://a.example/x"}]}`, `{"type":"imagemap","actions":[{"type":"uri","linkUri":"` + track + `33"}]}`},
		"a desktop":           {`{"type":"template","template":{"actions":[{"type":"uri","uri":"https://a.example/x","altUri":{"desktop":"https://a.example/y"}}]}}`, `{"type":"template","template":{"actions":[{"type":"uri","uri":"` + track + `33","altUri":{"desktop":"` + track + `33"}}]}}`},
		"a card":              {`{"type":"template","template":{"defaultAction":{"type":"uri","uri":"https://a.example/x"}}}`, `{"type":"template","template":{"defaultAction":{"type":"uri","uri":"` + track + `33"}}}`},
		"not a picture":       {`{"type":"image","originalContentUrl":"https://a.example/x.jpg","previewImageUrl":"https://a.example/x.jpg"}`, ``},
		"not our own":         {`{"type":"text","text":"https://l.lumo.example/q/abc"}`, ``},
		"not LINE's":          {`{"type":"text","text":"https://line.me/R/ti/p/@x"}`, ``},
		"not in a label":      {`{"type":"flex","contents":{"type":"bubble","body":{"type":"box","layout":"baseline","contents":[{"type":"text","text":"https://a.example"}]}}}`, ``},
		"the own browser":     {`{"type":"text","text":"https://a.example/?openExternalBrowser=1"}`, `{"type":"text","text":"` + track + `48?openExternalBrowser=1"}`},
		"not with a password": {`{"type":"text","text":"https://me:pw@a.example/"}`, ``},
		"beside LINE's emoji": {`{"type":"text","text":"$ https://a.example/","emojis":[{"index":0,"productId":"1","emojiId":"1"}]}`, ``},
	} {
		got, _, _ := compose(t, one(c.in), false, nil)
		if want := strings.TrimSpace(c.want); want == "" && got != c.in || want != "" && got != want {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

func TestTrackedLinksOfTheShopsOwnHostAreNotTrackedTwice(t *testing.T) {
	t.Parallel()
	const before = `{"type":"text","text":"https://Go.Shop.example/c/abc https://go.shop.example/tea http://go.shop.example/c/abc"}`
	channel := channelOf(false)
	c := message.NewComposer(&bodies{body: one(before)}, &bodies{}, &marks{}, edgeURL)
	for _, host := range []struct {
		of      lumo.LinkHost
		tracked string
	}{
		{lumo.LinkHost{}, edgeURL + "/c/L7-3d " + edgeURL + "/c/L7-3b " + edgeURL + "/c/L7-3c"},
		{lumo.LinkHost{URL: "https://go.shop.example", Used: true}, "https://Go.Shop.example/c/abc " + edgeURL + "/c/L7-3b http://go.shop.example/c/abc"},
		{lumo.LinkHost{URL: "https://go.shop.example"}, "https://Go.Shop.example/c/abc " + edgeURL + "/c/L7-3b http://go.shop.example/c/abc"},
	} {
		channel.LinkHost = host.of
		got, _, err := c.Compose(t.Context(), channel, 7, lumo.Content{Message: saved, Version: 1}, yuki)
		if want := `"text":"` + host.tracked + `"`; err != nil || !strings.Contains(string(got), want) {
			t.Errorf("%+v: got %s %v want %s", host.of, got, err, want)
		}
	}
}

func TestQuickRepliesAndSenderAreAddedWhereTheyBelong(t *testing.T) {
	t.Parallel()
	b := one(`{"type":"text","text":"a"}`, `{"type":"text","text":"b","sender":{"name":"own"} }`)
	b.QuickReply, b.Sender = `{"items":[{"type":"action","action":{"type":"uri","label":"x","uri":"https://a.example/x"}}]}`, `{"name":"Mori"}`
	got, _, _ := compose(t, b, false, nil)
	want := `{"type":"text","text":"a","sender":{"name":"Mori"}},{"type":"text","text":"b","sender":{"name":"own"} ,` +
		`"quickReply":{"items":[{"type":"action","action":{"type":"uri","label":"x","uri":"` + edgeURL + `/c/L7-33"}}]}}`
	if got != want {
		t.Errorf("\ngot  %s\nwant %s", got, want)
	}
}

func TestPicturesOfOursTellWhoLoadsThem(t *testing.T) {
	t.Parallel()
	ours := edgeURL + "/m/" + strings.Repeat("0", 64)
	other := edgeURL + "/m/" + strings.Repeat("1", 64)
	in := `{"type":"image","originalContentUrl":"` + ours + `","previewImageUrl":"` + ours + `"}`
	mapped := `{"type":"imagemap","baseUrl":"` + ours + `"}`
	card := `{"type":"flex","contents":{"type":"bubble","hero":{"type":"image","url":"` + ours + `"}}}`
	unknown := `{"type":"image","originalContentUrl":"` + other + `","previewImageUrl":"` + other + `"}`
	got, _, _ := compose(t, one(in, mapped, card, unknown), true, nil)
	want := `{"type":"image","originalContentUrl":"` + edgeURL + `/i/I7-5/0","previewImageUrl":"` + edgeURL + `/i/I7-5/1"},` +
		`{"type":"imagemap","baseUrl":"` + edgeURL + `/i/I7-5"},` + card + `,` + unknown
	if got != want {
		t.Errorf("\ngot  %s\nwant %s", got, want)
	}
	if got, _, _ = compose(t, one(mapped), false, nil); got != `{"type":"imagemap","baseUrl":"`+edgeURL+`/i/Ishared-5"}` {
		t.Errorf("opens are not measured: got %s", got)
	}
}

func TestAddressesOfOnePersonAreSigned(t *testing.T) {
	t.Parallel()
	in := `{"type":"template","template":{"actions":[{"type":"uri","uri":"https://a.example/[[ cart ]]?x=[[ n | 1 ]]"},{"type":"uri","uri":"[[ url ]]"}]}}`
	_, reason, asked := compose(t, one(in), false, map[string]string{"cart": "a b/../?&#é", "url": "https://b.example/é?q=1"})
	want := []lumo.OneOff{
		{Target: "https://a.example/a%20b%2F..%2F%3F%26%23%C3%A9?x=1&utm_source=line&utm_medium=flow", Template: "https://a.example/[[ cart ]]?x=[[ n | 1 ]]"},
		{Target: "https://b.example/%C3%A9?q=1&utm_source=line&utm_medium=flow", Template: "[[ url ]]"}}
	if diff := cmp.Diff(want, asked); diff != "" || reason != "" {
		t.Errorf("%s (-want +got):\n%s", reason, diff)
	}
	for _, bad := range []string{"", "javascript:alert(1)", "//evil.example", "intent://x", "data:text/html,x"} {
		if _, reason, _ := compose(t, one(in), false, map[string]string{"cart": "1", "url": bad}); reason != "no_content" {
			t.Errorf("%q: got %q", bad, reason)
		}
	}
	text := `{"type":"text","text":"Go: [[ url ]]. [[ name ]]"}`
	got, _, asked := compose(t, one(text), false, map[string]string{"url": "https://b.example/", "name": "x"})
	if want := `{"type":"text","text":"Go: ` + edgeURL + `/c/O7. x"}`; got != want || len(asked) != 1 || !asked[0].InText {
		t.Errorf("got %s %+v", got, asked)
	}
}

// Nothing that a customer's name holds is ever read as JSON, as a variable, or as a template.
func TestValuesAreDataAndNothingElse(t *testing.T) {
	t.Parallel()
	b := one(`{"type":"text","text":"Hi [[ first_name | you ]]"}`,
		`{"type":"flex","altText":"[[ first_name | you ]]","contents":{"type":"bubble","body":{"type":"box","layout":"baseline","contents":[{"type":"text","text":"[[ first_name | you ]]"}]}}}`)
	for _, name := range []string{`","type":"image`, `\",\"x\":1,\"y\":\"`, "[[ email ]]", "{{ person.email }}", "\\", `"}]}`, "a\u2028b",
		"a\nb\tc", "<b>&amp;</b>", "絵文字👨‍👩‍👧", "\x00\x1f\ufffd", string([]byte{0xff, 0xfe}), "${x}", "]]"} {
		got, reason, _ := compose(t, b, false, map[string]string{"first_name": name, "email": "secret@customer.example"})
		if reason != "" || strings.Contains(got, "secret@") {
			t.Fatalf("%q: got %s %s", name, got, reason)
		}
		var read []struct{ Type, Text string }
		if err := json.Unmarshal([]byte("["+got+"]"), &read); err != nil || len(read) != 2 || read[0].Type != "text" || read[1].Type != "flex" {
			t.Fatalf("%q: %v %s", name, err, got)
		}
		if want := "Hi " + orElse(message.Clean(name), "you"); read[0].Text != want {
			t.Errorf("%q: got %q want %q", name, read[0].Text, want)
		}
	}
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func TestTooLongOrEmptyIsRefusedNeverCut(t *testing.T) {
	t.Parallel()
	text := func(s string) message.Body { return message.Text(s) }
	long := strings.Repeat("あ", 4999)
	for name, c := range map[string]struct {
		body   message.Body
		vars   map[string]string
		reason string
	}{
		"fits":                {text(long + "[[ x ]]"), map[string]string{"x": "a"}, ""},
		"over":                {text(long + "[[ x ]]"), map[string]string{"x": "ab"}, "too_long"},
		"an emoji counts two": {text(long + "[[ x ]]"), map[string]string{"x": "😀"}, "too_long"},
		"links count as sent": {text(long[:len(long)-3*29] + " https://a.example/"), nil, "too_long"},
		"empty":               {text("[[ x ]] "), nil, "no_content"},
		"a label":             {one(`{"type":"template","template":{"actions":[{"type":"uri","label":"[[ x ]]","uri":"tel:1"}]}}`), map[string]string{"x": strings.Repeat("x", 21)}, "too_long"},
		"a label of families": {one(`{"type":"template","template":{"actions":[{"type":"uri","label":"[[ x ]]","uri":"tel:1"}]}}`), map[string]string{"x": strings.Repeat("👨‍👩‍👧", 20)}, ""},
	} {
		if _, reason, _ := compose(t, c.body, false, c.vars); reason != c.reason {
			t.Errorf("%s: got %q want %q", name, reason, c.reason)
		}
	}
}

func TestATextThatIsTooLongSaysByHowMuch(t *testing.T) {
	t.Parallel()
	c := message.NewComposer(&bodies{}, &bodies{}, &marks{}, edgeURL)
	_, why, err := c.Compose(t.Context(), channelOf(false), 7,
		lumo.Content{Text: "[[ x ]]", Vars: map[string]string{"x": strings.Repeat("x", message.MaxTextLength+12)}}, yuki)
	if err != nil || why.Reason != "too_long" || why.Data["over"] != 12 {
		t.Errorf("got %+v, %v", why, err)
	}
}

func TestDirectTextAndUnknownMessages(t *testing.T) {
	t.Parallel()
	c := message.NewComposer(&bodies{}, &bodies{}, &marks{}, edgeURL)
	for name, w := range map[string]struct {
		content lumo.Content
		to      lumo.LineUserID
		want    string
		reason  string
	}{
		"text":    {lumo.Content{Text: "Hi \"[[ n | you ]]\" & https://a.example/"}, yuki, `{"to":"` + string(yuki) + `","messages":[{"type":"text","text":"Hi \"you\" & ` + edgeURL + `/c/L7-32"}]}`, ""},
		"nothing": {lumo.Content{Text: " \n"}, yuki, "", "no_content"},
		"unknown": {lumo.Content{Message: lumo.MessageID{9}}, yuki, "", "unknown_message"},
		"nobody":  {lumo.Content{Text: "x"}, "Unobody", "", "erased"},
	} {
		got, why, err := c.Compose(t.Context(), channelOf(false), 7, w.content, w.to)
		if err != nil || string(got) != w.want || why.Reason != w.reason {
			t.Errorf("%s: got %s %q %v", name, got, why.Reason, err)
		}
	}
}

func TestAVersionIsReadOnceAndUTMOfTheMessageWins(t *testing.T) {
	t.Parallel()
	b := &bodies{body: message.Body{Blocks: []string{`{"type":"template","template":{"defaultAction":{"type":"uri","uri":"https://a.example/[[ x ]]"}}}`},
		UTM: lumo.UTM{Campaign: "[[ message ]]/[[ version ]]"}}}
	m := &marks{}
	c := message.NewComposer(b, b, m, edgeURL)
	for range 3 {
		if _, why, err := c.Compose(t.Context(), channelOf(true), 7, lumo.Content{Message: saved, Version: 4, Vars: map[string]string{"x": "1"}}, yuki); why.Reason != "" || err != nil {
			t.Fatal(why, err)
		}
	}
	if b.reads != 1 {
		t.Errorf("it was read %d times", b.reads)
	}
	if want := "https://a.example/1?utm_source=line&utm_medium=flow&utm_campaign=Cart+%26+more%2F4"; m.oneOffs[0].Target != want {
		t.Errorf("got %s want %s", m.oneOffs[0].Target, want)
	}
}

func TestPreviewShowsGapsAndTracksNothing(t *testing.T) {
	t.Parallel()
	b := one(`{"type":"text","text":"😀 [[ first_name ]], https://a.example/ [[ x | y ]]"}`)
	got, gaps, err := message.Preview(b, nil, edgeURL)
	if want := `[{"type":"text","text":"😀 , https://a.example/ y"}]`; got != want || err != nil {
		t.Errorf("got %s %v", got, err)
	}
	if diff := cmp.Diff([]message.Gap{{Name: "first_name", Text: true, At: 3}}, gaps); diff != "" {
		t.Error(diff)
	}
	if _, _, err := message.Preview(one("{"), nil, edgeURL); err == nil {
		t.Error("broken JSON was shown")
	}
}

// flexWithTwoLinks is what send_personalised_per_s sends: two tracked links and a beacon.
const flexWithTwoLinks = `{"type":"flex","altText":"Hi [[ first_name | you ]]","contents":{"type":"bubble","body":{"type":"box","layout":"vertical","contents":[` +
	`{"type":"text","text":"Hi [[ first_name | you ]], your cart waits"},{"type":"button","action":{"type":"uri","label":"Cart","uri":"https://shop.example/cart"}},` +
	`{"type":"button","action":{"type":"uri","label":"Tea","uri":"https://shop.example/tea"}}]}}}`

func BenchmarkCompose(b *testing.B) {
	c := message.NewComposer(&bodies{body: one(flexWithTwoLinks)}, &bodies{}, signer{&marks{}}, edgeURL)
	content := lumo.Content{Message: saved, Version: 1, Vars: map[string]string{"first_name": "Yuki"}}
	channel := channelOf(true)
	b.ReportAllocs()
	for b.Loop() {
		if _, why, err := c.Compose(b.Context(), channel, 7, content, yuki); why.Reason != "" || err != nil {
			b.Fatal(why, err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "renders/s")
}

// signer signs as tracking does, with numbers at hand.
type signer struct{ *marks }

func (signer) sign(kind token.Kind, d uint64, link uint32) string {
	return token.Sign(token.Token{Kind: kind, Key: 1, Channel: 3, Subject: d, Link: link}, make([]byte, 32))
}

func (s signer) Link(_ context.Context, _ lumo.Channel, d uint64, target string) (string, error) {
	return edgeURL + "/c/" + s.sign(token.Link, d, uint32(len(target))), nil
}

func (s signer) Beacon(_ context.Context, _ lumo.Channel, d uint64) (string, error) {
	return edgeURL + "/o/" + s.sign(token.Open, d, 0) + ".png", nil
}

// Whatever is written and whoever it is for: what is rendered is JSON of as many messages,
// and without variables, links and beacon it is what was written.
func FuzzCompose(f *testing.F) {
	f.Add(flexWithTwoLinks, `Yu"ki`)
	f.Add(`{"type":"text","text":"[[ a ]] https://a.example/[[ a ]] \ud83d\ude00"}`, "https://b.example/")
	f.Add(`{"type":"imagemap","baseUrl":"[[ a | x ]]","actions":[{"type":"uri","linkUri":"[[ a ]]"}]}`, "\\u0022")
	f.Add(`{"type":"flex","contents":{"type":"carousel","contents":[{"type":"bubble","footer":{"layout":"vertical","contents":[]}}]}}`, "")
	f.Fuzz(func(t *testing.T, block, value string) {
		v, err := jsontree.Parse(block)
		if err != nil || v.Kind != jsontree.Object {
			return
		}
		message.Check(one(block))
		c := message.NewComposer(&bodies{body: one(block, block)}, &bodies{}, &marks{}, edgeURL)
		out, why, err := c.Compose(t.Context(), channelOf(true), 7,
			lumo.Content{Message: saved, Version: 1, Vars: map[string]string{"a": value, "first_name": value}}, yuki)
		if err != nil {
			t.Fatal(err)
		}
		if why.Reason != "" {
			return
		}
		var read struct{ Messages []json.RawMessage }
		if err := json.Unmarshal(out, &read); err != nil || len(read.Messages) != 2 {
			t.Fatalf("%v: %s", err, out)
		}
	})
}
