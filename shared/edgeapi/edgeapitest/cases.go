package edgeapitest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"lumo/shared/edgeapi"
	"lumo/shared/token"
	"lumo/shared/webhooksig"
)

// Cases are the golden requests.
func Cases() []Case {
	cases := slices.Concat(
		linkCases(),
		imageCases(),
		codeCases(),
		claimCases(),
		loginCases(),
		formCases(),
		lineCases(),
		flowCases(),
		otherHookCases(),
	)
	event := EventID()
	for i := range cases {
		cases[i].Request.EventID = event[:]
		cases[i].Request.Host = []byte("edge.example")
	}
	return cases
}

// CaseOf is the golden request of a name.
func CaseOf(name string) Case {
	for _, c := range Cases() {
		if c.Name == name {
			return c
		}
	}
	return Case{}
}

// change alters a case that is right.
func change(name string, c Case, alter func(r *edgeapi.Request)) Case {
	c.Name = name
	alter(&c.Request)
	return c
}

func get(name, module, path, query, agent string) Case {
	return Case{Name: name, Module: module, Request: edgeapi.Request{
		Method: edgeapi.GET, Path: []byte(path), Query: []byte(query), UserAgent: []byte(agent),
	}}
}

func head(r *edgeapi.Request)     { r.Method = edgeapi.HEAD }
func post(r *edgeapi.Request)     { r.Method = edgeapi.POST }
func prefetch(r *edgeapi.Request) { r.Purpose = []byte("prefetch;prerender") }

// form is a posted form, URL-encoded.
func form(path, origin string) edgeapi.Request {
	return edgeapi.Request{
		Method: edgeapi.POST, Flags: edgeapi.FlagHasBody, Path: []byte(path),
		ContentType: []byte(formType), Origin: []byte(origin),
	}
}

// tokenOf signs a token of a kind for a link or image number.
func tokenOf(kind token.Kind, number uint32) string {
	return token.Sign(
		token.Token{Kind: kind, Key: 1, Channel: Channel, Subject: 42, Link: number},
		LinkKey(),
	)
}

// tamper changes a character inside a sealed or signed text.
func tamper(text string) string {
	b := []byte(text)
	if b[len(b)/2] != 'A' {
		b[len(b)/2] = 'A'
	} else {
		b[len(b)/2] = 'B'
	}
	return string(b)
}

func linkCases() []Case {
	oneOff := token.SignOneOff(
		token.Token{Key: 1, Channel: Channel, Subject: 42, Link: 3},
		"https://shop.example/x",
		OneOffKey(),
	)
	foreign := token.Sign(
		token.Token{Kind: token.Link, Key: 1, Channel: 99, Subject: 42, Link: 1},
		LinkKey(),
	)
	anyKey := token.Sign(
		token.Token{Kind: token.Link, Channel: Channel, Subject: 42, Link: 1},
		LinkKey(),
	)
	shared := token.Sign(
		token.Token{
			Kind:    token.Link,
			Key:     1,
			Channel: Channel,
			Subject: token.SharedSend | 42,
			Link:    1,
		},
		LinkKey(),
	)
	link := get("link", "redirect", "/c/"+tokenOf(token.Link, 1), "", Phone)
	return []Case{
		link,
		change("link-head", link, head),
		change("link-prefetch", link, prefetch),
		change("link-post", link, post),
		get("link-shared-send", "redirect", "/c/"+shared, "", Phone),
		get(
			"link-fragment",
			"redirect",
			"/c/"+tokenOf(token.Link, 2),
			"openExternalBrowser=1",
			Phone,
		),
		get("link-crawler", "redirect", "/c/"+tokenOf(token.Link, 1), "", Crawler),
		get("link-unknown", "redirect", "/c/"+tokenOf(token.Link, 99), "", Phone),
		get(
			"link-one-off-row",
			"redirect",
			"/c/"+tokenOf(token.Link, token.OneOffRow|9),
			"",
			Phone,
		),
		get("link-tampered", "redirect", "/c/"+tamper(tokenOf(token.Link, 1)), "", Phone),
		get("link-foreign-channel", "redirect", "/c/"+foreign, "", Phone),
		get("link-key-zero", "redirect", "/c/"+anyKey, "", Phone),
		get("link-kind", "redirect", "/c/"+tokenOf(token.Open, 0), "", Phone),
		get("link-one-off", "redirect", "/c/"+oneOff, "", Phone),
		get("link-one-off-tampered", "redirect", "/c/"+tamper(oneOff), "", Phone),
		get("link-nonsense", "redirect", "/c/x", "", Phone),
		get("link-other-path", "redirect", "/", "", Phone),
	}
}

func imageCases() []Case {
	beacon := get("beacon", "redirect", "/o/"+tokenOf(token.Open, 0)+".png", "", Phone)
	return []Case{
		beacon,
		change("beacon-head", beacon, head),
		get("beacon-suffix", "redirect", "/o/"+tokenOf(token.Open, 0), "", Phone),
		get("beacon-kind", "redirect", "/o/"+tokenOf(token.Link, 1)+".png", "", Phone),
		get("image", "redirect", "/i/"+tokenOf(token.Image, 5)+"/1040", "", Phone),
		get("image-shared", "redirect", "/i/"+tokenOf(token.Image, 6)+"/0", "", Phone),
		get("image-unknown", "redirect", "/i/"+tokenOf(token.Image, 5)+"/700", "", Phone),
		get("image-width", "redirect", "/i/"+tokenOf(token.Image, 5)+"/999", "", Phone),
	}
}

func codeCases() []Case {
	scan := get("code-phone", "qr", "/q/"+Code, "k=01HPROFILE&_kx=abc", Phone)
	return []Case{
		scan,
		change("code-head", scan, head),
		change("code-prefetch", scan, prefetch),
		change("code-post", scan, post),
		change(
			"code-plain-http",
			scan,
			func(r *edgeapi.Request) { r.Flags |= edgeapi.FlagPlainHTTP },
		),
		change(
			"code-language",
			scan,
			func(r *edgeapi.Request) { r.Language = []byte("zh-TW,zh;q=0.9,en;q=0.8") },
		),
		get("code-desktop", "qr", "/q/"+Code, "utm_source=mail&k=01HPROFILE", Desktop),
		get("code-crawler", "qr", "/q/"+Code, "k=01HPROFILE", Crawler),
		get("code-image", "qr", "/q/"+Code+".png", "k=01HPROFILE", Desktop),
		get("code-image-paused", "qr", "/q/"+Paused+".png", "", Desktop),
		get("code-paused", "qr", "/q/"+Paused, "", Phone),
		get("code-paused-unlink", "qr", "/q/"+Paused, "k=01HPROFILE&u=1", Phone),
		get("code-expired-unlink", "qr", "/q/"+OldCode, "u=1", Phone),
		get("code-paused-unlink-desktop", "qr", "/q/"+Paused, "u=1", Desktop),
		get("code-expired", "qr", "/q/"+OldCode, "", Phone),
		get("code-unknown", "qr", "/q/aaaaaaaaaaaaaaaa", "", Phone),
		get("code-without-login", "qr", "/q/"+BareCode, "k=01HPROFILE", Phone),
		get("code-other-path", "qr", "/link", "", Phone),
	}
}

func claimCases() []Case {
	scan := func(name, query string) Case { return get("claim-"+name, "qr", "/q/"+AnyCode, query, Phone) }
	return []Case{
		get("code-claim-not-taken", "qr", "/q/"+Code, "e=a%2Bb@example.com", Phone),
		scan("email", "e=Taro%2Btea%40Example.com%20"),
		scan("email-plain-plus", "e=taro+tea@example.com"),
		scan("email-not-one", "e=taro"),
		scan("phone", "t=%2B819012345678"),
		scan("phone-lost-plus", "t=%20819012345678"),
		scan("phone-local", "t=09012345678"),
		scan("profile-first", "e=taro@example.com&k=01HPROFILE"),
		scan("not-filled-in", "k=%7B%7B%20person.KlaviyoID%20%7D%7D&e="),
		scan("unlink", "k=01HPROFILE&u=1"),
		scan("form", "s="+stateOf(token.ClaimForm, "taro@example.com", Channel, 599)),
		scan("form-expired", "s="+stateOf(token.ClaimForm, "taro@example.com", Channel, 601)),
		scan(
			"form-tampered",
			"s="+tamper(stateOf(token.ClaimForm, "taro@example.com", Channel, 1)),
		),
		scan("form-foreign", "s="+stateOf(token.ClaimForm, "taro@example.com", Bare, 1)),
		scan("form-other-claim", "s="+State(1)),
	}
}

func loginCases() []Case {
	back := get("callback", "qr", "/link/callback", "code=1&state="+State(0), Phone)
	confirm := Case{Name: "confirm", Module: "qr", Body: []byte("value=x"),
		Request: form("/link/confirm", "null")}
	from := func(origin string) func(r *edgeapi.Request) {
		return func(r *edgeapi.Request) { r.Origin = []byte(origin) }
	}
	return []Case{
		back,
		change("callback-head", back, head),
		change("callback-prefetch", back, prefetch),
		get("callback-oldest", "qr", "/link/callback", "code=1&state="+State(600), Phone),
		get("callback-expired", "qr", "/link/callback", "code=1&state="+State(601), Phone),
		get(
			"callback-future",
			"qr",
			"/link/callback",
			"code=1&state="+stateOf(token.ClaimNone, "", Channel, ^uint32(60)),
			Phone,
		),
		get("callback-tampered", "qr", "/link/callback", "code=1&state="+tamper(State(0)), Phone),
		get(
			"callback-foreign",
			"qr",
			"/link/callback",
			"code=1&state="+stateOf(token.ClaimNone, "", 99, 0),
			Phone,
		),
		get("callback-stateless", "qr", "/link/callback", "code=1", Phone),
		get(
			"callback-declined",
			"qr",
			"/link/callback",
			"error=ACCESS_DENIED&state="+State(5),
			Phone,
		),
		confirm,
		change("confirm-own-origin", confirm, from("https://edge.example")),
		change("confirm-other-site", confirm, from("https://evil.example")),
		change("confirm-get", confirm, func(r *edgeapi.Request) { r.Method = edgeapi.GET }),
	}
}

func formCases() []Case {
	claim := func(name, body, origin string) Case {
		return Case{Name: "shop-form-" + name, Module: "qr", Body: []byte(body),
			Request: form("/f/"+Form+"/claim", origin)}
	}
	const shop = "https://shop.example"
	return []Case{
		get("shop-form-script", "qr", "/f/"+Form+".js", "", Desktop),
		get("shop-form-unknown", "qr", "/f/aaaaaaaaaaaaaaaa.js", "", Desktop),
		claim("claim", "email=Taro%40example.com&phone=", shop),
		claim("claim-phone", "phone=%2B819012345678", shop),
		claim("claim-phone-local", "email=&phone=090-1234-5678", shop),
		claim("claim-phone-spaced", "phone=%2B81+90-1234-5678", shop),
		claim("claim-email-no-use", "email=taro&phone=%2B819012345678", shop),
		claim("claim-phone-no-use", "phone=call+me", shop),
		claim("claim-empty", "email=", shop),
		claim("claim-origin", "email=taro%40example.com", "https://evil.example"),
		claim("claim-no-origin", "email=taro%40example.com", ""),
		claim("claim-too-large", "email="+strings.Repeat("a", 9<<10), shop),
		change(
			"shop-form-preflight",
			claim("", "", shop),
			func(r *edgeapi.Request) { r.Method = edgeapi.OPTIONS },
		),
		change(
			"shop-form-claim-get",
			claim("", "", shop),
			func(r *edgeapi.Request) { r.Method = edgeapi.GET },
		),
	}
}

func hook(name, path, credential, body string) Case {
	return Case{Name: name, Module: "hookauth", Body: []byte(body), Request: edgeapi.Request{
		Method: edgeapi.POST, Flags: edgeapi.FlagHasBody, Path: []byte(path),
		Credential: []byte(credential),
	}}
}

func sum(parts ...string) []byte {
	mac := hmac.New(sha256.New, []byte(Secret))
	for _, part := range parts {
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)
}

func sign(body string) string { return base64.StdEncoding.EncodeToString(sum(body)) }

func lineCases() []Case {
	line := hook("line", "/hooks/line/"+LINEHook, sign(bodyOfTwo), bodyOfTwo)
	return []Case{
		line,
		hook("line-tampered", "/hooks/line/"+LINEHook, sign(bodyOfTwo), bodyOfTwo+" "),
		hook("line-unsigned", "/hooks/line/"+LINEHook, "", bodyOfTwo),
		hook(
			"line-upper-case",
			"/hooks/line/"+LINEHook,
			strings.ToUpper(sign(bodyOfTwo)),
			bodyOfTwo,
		),
		hook("line-key-less", "/hooks/line/"+KeyLess, sign(bodyOfTwo), bodyOfTwo),
		change(
			"line-twice",
			line,
			func(r *edgeapi.Request) { r.Flags |= edgeapi.FlagRepeatedHeader },
		),
		hook("hook-unknown", "/hooks/line/aaaaaaaaaaaaaaaa", sign(bodyOfTwo), bodyOfTwo),
		hook("hook-other-kind", "/hooks/line/"+FlowHook, sign(bodyOfTwo), bodyOfTwo),
		hook("hook-short-key", "/hooks/line/a", sign(bodyOfTwo), bodyOfTwo),
		hook("hook-other-path", "/hooks/", "", ""),
	}
}

func flowCases() []Case {
	const path = "/hooks/klaviyo/flow/" + FlowHook
	flow := hook("flow", path, FlowKey(), "{}")
	return []Case{
		flow,
		hook("flow-no-key", path, "", "{}"),
		hook("flow-nonsense-key", path, "lfk_1_short", "{}"),
		hook("flow-wrong-key", path, webhooksig.FormatFlowKey(1, [32]byte{6}), "{}"),
		hook("flow-other-number", path, webhooksig.FormatFlowKey(2, [32]byte{5}), "{}"),
		hook("flow-core-checks", "/hooks/klaviyo/flow/"+KeyLess, FlowKey(), "{}"),
		change("flow-get", flow, func(r *edgeapi.Request) { r.Method = edgeapi.GET }),
	}
}

func otherHookCases() []Case {
	const system, stamp = "/hooks/klaviyo/system/" + Klaviyo, "2026-11-24T07:00:00Z"
	with := func(c Case, extra string) Case {
		c.Request.Extra = []byte(extra)
		return c
	}
	signed := hex.EncodeToString(sum(bodyOfTwo, stamp))
	return []Case{
		with(hook("klaviyo", system, signed, bodyOfTwo), stamp),
		with(hook("klaviyo-other-time", system, signed, bodyOfTwo), "2026-11-24T07:00:01Z"),
		with(hook("klaviyo-upper-case", system, strings.ToUpper(signed), bodyOfTwo), stamp),
		hook("klaviyo-no-time", system, hex.EncodeToString(sum(bodyOfTwo)), bodyOfTwo),
		with(
			hook("shopify", "/hooks/shopify/"+Shop, sign("other"), bodyOfTwo),
			"hana.myshopify.com",
		),
		with(hook("shopify-shape", "/hooks/shopify/"+Shop, "x", bodyOfTwo), "hana.myshopify.com"),
		with(
			hook("shopify-domain", "/hooks/shopify/"+Shop, sign(bodyOfTwo), bodyOfTwo),
			"evil.example",
		),
		with(
			hook("shopify-own-app", "/hooks/shopify/"+OwnShop, sign(bodyOfTwo), bodyOfTwo),
			"hana.myshopify.com",
		),
		with(
			hook("shopify-own-app-tampered", "/hooks/shopify/"+OwnShop, sign(bodyOfTwo), "{}"),
			"hana.myshopify.com",
		),
	}
}

// State is a login state of some age, in seconds.
func State(age uint32) string { return stateOf(token.ClaimProfile, "01HPROFILE", Channel, age) }

func stateOf(claim token.Claim, value string, channel, age uint32) string {
	header := token.StateHeader{Channel: channel, Key: 1}
	text, err := token.SealState(header, [32]byte(StateKey()), token.State{
		ID: EventID(), Issued: uint32(NowMS/1000) - age, Claim: claim, Language: "ja", Code: Code,
		Value: value,
	})
	if err != nil {
		return ""
	}
	return text
}
