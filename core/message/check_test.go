package message_test

import (
	"fmt"
	"strings"
	"testing"

	"lumo/core/lumo"
	"lumo/core/message"
)

// found are the problems of a body as "level code path".
func found(b message.Body) (out []string) {
	for _, p := range message.Check(b) {
		out = append(out, fmt.Sprintf("%s %s %d %s", p.Level, p.Code, p.Block, p.Path))
	}
	return out
}

func bubble(inside string) string {
	return `{"type":"flex","altText":"a","contents":{"type":"bubble"` + inside + `}}`
}

func TestWhatLineRefusesIsSaidBeforehand(t *testing.T) {
	t.Parallel()
	area := func(x, w int) string {
		return fmt.Sprintf(`{"type":"uri","linkUri":"https://a.example","area":{"x":%d,"y":0,"width":%d,"height":10}}`, x, w)
	}
	imagemap := func(actions string) string {
		return `{"type":"imagemap","baseUrl":"https://a.example/i","altText":"a","baseSize":{"width":1040,"height":520},"actions":[` + actions + `]}`
	}
	cards := func(n int, each string) string {
		return `{"type":"flex","altText":"a","contents":{"type":"carousel","contents":[` + strings.TrimSuffix(strings.Repeat(each+",", n), ",") + `]}}`
	}
	const card = `{"type":"bubble","body":{"type":"box","layout":"vertical","contents":[]}}`
	for name, c := range map[string]struct{ block, want string }{
		"fine":               {`{"type":"text","text":"Hi"}`, ""},
		"not JSON":           {"{\n\"type\":}", "error not_json 0 "},
		"a list":             {`[]`, "error not_json 0 "},
		"a name twice":       {`{"type":"text","text":"a","text":"b"}`, "error name_twice 0 "},
		"no type":            {`{"text":"a"}`, "error missing 0 type"},
		"an unknown type":    {`{"type":"hologram"}`, "error unknown_type 0 type"},
		"an empty text":      {`{"type":"text","text":" "}`, "error empty 0 text"},
		"5,001 in UTF-16":    {`{"type":"text","text":"` + strings.Repeat("😀", 2500) + `a"}`, "error too_long 0 text"},
		"5,000 in UTF-16":    {`{"type":"text","text":"` + strings.Repeat("😀", 2500) + `"}`, ""},
		"no alt text":        {strings.Replace(bubble(""), `"altText":"a",`, "", 1), "error alt_missing 0 altText"},
		"a long alt text":    {strings.Replace(bubble(""), `"altText":"a"`, `"altText":"`+strings.Repeat("a", 1501)+`"`, 1), "error too_long 0 altText"},
		"a link of 1,001":    {bubble(`,"action":{"type":"uri","uri":"https://a.example/` + strings.Repeat("x", 983) + `"}`), "error uri_too_long 0 contents.action.uri"},
		"a link of 1,000":    {bubble(`,"action":{"type":"uri","uri":"https://a.example/` + strings.Repeat("x", 982) + `"}`), ""},
		"a script":           {bubble(`,"action":{"type":"uri","uri":"javascript:alert(1)"}`), "error uri_bad 0 contents.action.uri"},
		"Japanese in a link": {bubble(`,"action":{"type":"uri","uri":"https://a.example/お茶"}`), "error uri_bad 0 contents.action.uri"},
		"13 cards":           {cards(13, card), "error too_many 0 contents.contents"},
		"12 cards":           {cards(12, card), ""},
		"no cards":           {cards(0, ""), "error too_few 0 contents.contents"},
		"cards of two sizes": {cards(1, card+`,{"type":"bubble","size":"kilo"}`), "error card_sizes_differ 0 contents.contents[1].size"},
		"a card of 31 KB":    {bubble(`,"x":"` + strings.Repeat("a", 31<<10) + `"`), "error bubble_size 0 contents"},
		"a first card that a beacon makes too large": {cards(1, `{"type":"bubble","x":"`+strings.Repeat("a", 30<<10-200)+`"}`),
			"error bubble_size 0 contents.contents[0]"},
		"a second card as large": {cards(1, card+`,{"type":"bubble","x":"`+strings.Repeat("a", 30<<10-200)+`"}`), ""},
		"cards of 51 KB":         {cards(3, `{"type":"bubble","x":"`+strings.Repeat("a", 17<<10)+`"}`), "error carousel_size 0 contents"},
		"an unknown part":        {bubble(`,"body":{"type":"box","layout":"vertical","contents":[{"type":"marquee"}]}`), "error unknown_type 0 contents.body.contents[0].type"},
		"a body that is text":    {bubble(`,"body":{"type":"text","text":"x"}`), "error unknown_type 0 contents.body.type"},
		"a button alone":         {bubble(`,"footer":{"type":"box","layout":"vertical","contents":[{"type":"button"}]}`), "error missing 0 contents.footer.contents[0].action"},
		"a picture by http":      {`{"type":"image","originalContentUrl":"http://a.example/x.jpg","previewImageUrl":"https://a.example/x.jpg"}`, "error picture_url_bad 0 originalContentUrl"},
		"a picture by file":      {`{"type":"image","originalContentUrl":"file:///etc/passwd","previewImageUrl":"https://a.example/x.jpg"}`, "error picture_url_bad 0 originalContentUrl"},
		"an area outside":        {imagemap(area(1000, 41)), "error area_outside 0 actions[0].area"},
		"an area inside":         {imagemap(area(1000, 40)), ""},
		"51 areas":               {imagemap(strings.TrimSuffix(strings.Repeat(area(0, 1)+",", 51), ",")), "error too_many 0 actions"},
		"a narrow picture":       {strings.Replace(imagemap(""), "1040", "1000", 1), "error imagemap_width 0 baseSize.width"},
		"a long label":           {bubble(`,"footer":{"type":"box","layout":"vertical","contents":[{"type":"button","action":{"type":"uri","uri":"tel:1","label":"` + strings.Repeat("a", 41) + `"}}]}`), "error too_long 0 contents.footer.contents[0].action.label"},
		"emoji and variables":    {`{"type":"text","text":"[[ a | b ]] $","emojis":[{"index":2}]}`, "error emoji_shift 0 emojis"},
		"Klaviyo's form":         {`{"type":"text","text":"Hi {{ first_name|default:'you' }}"}`, "warning klaviyo_template 0 text"},
		"Klaviyo's logic":        {`{"type":"text","text":"{% if x %}"}`, "warning klaviyo_template 0 text"},
		"no fallback":            {`{"type":"text","text":"Hi [[ first_name ]]"}`, "warning no_fallback 0 text"},
		"a chosen nothing":       {`{"type":"text","text":"Hi [[ first_name | ]]"}`, ""},
		"no link without":        {bubble(`,"action":{"type":"uri","uri":"[[ url ]]"}`), "error link_no_fallback 0 contents.action.uri"},
		"a sticker alone":        {`{"type":"sticker","packageId":"1"}`, "error missing 0 stickerId"},
	} {
		got := strings.Join(found(one(c.block)), "; ")
		if got != c.want {
			t.Errorf("%s: got %q want %q", name, got, c.want)
		}
	}
}

func TestWholeMessagesAreChecked(t *testing.T) {
	t.Parallel()
	text := `{"type":"text","text":"a"}`
	item := `{"type":"action","action":{"type":"message","label":"a","text":"a"}}`
	reply := func(n int) message.Body {
		b := one(text)
		b.QuickReply = `{"items":[` + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + `]}`
		return b
	}
	sender := one(text)
	sender.Sender = `{"name":"` + strings.Repeat("あ", 21) + `"}`
	campaign := one(text)
	campaign.UTM = lumo.UTM{Campaign: "[[ message | x ]] [[ account ]]", Term: strings.Repeat("あ", 100)}
	person := one(text)
	person.UTM = lumo.UTM{Source: "[[ first_name ]]", Content: "{{ event.id }}", Term: strings.Repeat("あ", 101)}
	long := reply(1)
	long.QuickReply = strings.Replace(long.QuickReply, `"label":"a"`, `"label":"`+strings.Repeat("a", 21)+`"`, 1)
	for name, c := range map[string]struct {
		body message.Body
		want string
	}{
		"nothing":          {message.Body{}, "error no_blocks -1 "},
		"six blocks":       {one(text, text, text, text, text, text), "error too_many_blocks -1 "},
		"13 quick replies": {reply(13), ""},
		"14 quick replies": {reply(14), "error too_many -1 quickReply.items"},
		"a long one":       {long, "error too_long -1 quickReply.items[0].action.label"},
		"campaign":         {campaign, ""},
		"a person's campaign": {person,
			"error utm_variable -1 utm_source; error utm_variable -1 utm_content; error too_long -1 utm_term"},
		"a long sender": {sender, "error too_long -1 sender.name"},
	} {
		if got := strings.Join(found(c.body), "; "); got != c.want {
			t.Errorf("%s: got %q want %q", name, got, c.want)
		}
	}
}

func TestProblemsSayLineWordsAndFix(t *testing.T) {
	t.Parallel()
	all := message.Check(one("{\n \"type\": \"text\",\n \"text\": \"{{ person|lookup:'Nick Name'|default:\\\"you\\\" }}\"\n}"))
	if len(all) != 1 || all[0].Line != 3 || all[0].Data["fix"] != "[[ person.Nick Name | you ]]" ||
		!strings.Contains(all[0].Sentence(), "[[ person.Nick Name | you ]]") {
		t.Errorf("got %+v", all)
	}
	for _, code := range message.Codes() {
		if s := (message.Problem{Code: code}).Sentence(); s == code || !strings.HasSuffix(s, ".") {
			t.Errorf("%s: got %q", code, s)
		}
	}
}

func TestKeywordsAreFoundWhateverTheirWidthAndCase(t *testing.T) {
	t.Parallel()
	rules := []message.Rule{{Kind: message.Greeting, Active: true}, {Kind: message.Keyword, Keyword: "Off", Active: false},
		{Kind: message.Keyword, Keyword: "coupon", Active: true}, {Kind: message.Keyword, Keyword: "営業時間", Contains: true, Active: true, Position: 3}}
	for text, want := range map[string]string{"coupon": "coupon", " ＣＯＵＰＯＮ　": "coupon", "a coupon": "", "off": "",
		"営業時間は?": "営業時間", "": ""} {
		got, ok := message.Match(rules, false, text)
		if got.Keyword != want || ok != (want != "") {
			t.Errorf("%q: got %q", text, got.Keyword)
		}
	}
	if got, ok := message.Match(rules, true, "coupon"); !ok || got.Kind != message.Greeting {
		t.Errorf("a follow: got %+v", got)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(bubble(`,"body":{"type":"box","layout":"vertical","contents":[{"type":"text","text":"[[ a ]] {{ b }}"}]}`), "{}", `{"items":[{}]}`)
	f.Add(`{"type":"imagemap","baseSize":3,"actions":[{"area":[]}]}`, "[]", "x")
	f.Add(`{"type":"template","template":{"type":"carousel","columns":[{"actions":[1]}]}}`, "null", `{"items":{"a":1}}`)
	f.Fuzz(func(t *testing.T, block, sender, reply string) {
		for _, p := range message.Check(message.Body{Blocks: []string{block}, Sender: sender, QuickReply: reply}) {
			if p.Line < 0 || p.Block < -1 || p.Block > 0 || p.Sentence() == "" {
				t.Fatalf("got %+v", p)
			}
		}
	})
}
