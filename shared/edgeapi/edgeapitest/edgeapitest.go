// Package edgeapitest holds the golden requests that every side reads: one small world of
// tables and keys, requests against it, and the verdicts that are right.
//
// The modules' native tests write the verdicts; the same files are then held against the
// compiled modules under each ABI. Nothing in it is secret outside of tests.
package edgeapitest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"lumo/shared/edgeapi"
	"lumo/shared/id"
	"lumo/shared/token"
	"lumo/shared/webhooksig"
)

// The fixed world.
const (
	NowMS     = int64(1795521600000) // 2026-11-24T12:00:00Z
	Channel   = uint32(7)
	LINEHook  = "aaaaaaaaaaaaaaa2"
	FlowHook  = "aaaaaaaaaaaaaaa3"
	Code      = "aaaaaaaaaaaaaaa4"
	Paused    = "aaaaaaaaaaaaaaa5"
	Secret    = "0123456789abcdef0123456789abcdef"
	Target    = "https://shop.example/cart?utm_source=line"
	Fragment  = "https://shop.example/tea#top"
	Phone     = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari Line/15.2.0"
	Desktop   = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0"
	Crawler   = "facebookexternalhit/1.1;line-poker/1.0"
	bodyOfTwo = `{"destination":"U0","events":[]}`
)

// Case is one golden request.
type Case struct {
	Name    string
	Module  string
	Request edgeapi.Request
	Body    []byte
}

// LinkKey, StateKey and FlowKey are the channel's keys.
func LinkKey() []byte  { return bytes.Repeat([]byte{1}, 32) }
func StateKey() []byte { return bytes.Repeat([]byte{3}, 32) }
func FlowKey() string  { return webhooksig.FormatFlowKey(1, [32]byte{5}) }

// OneOffKey signs one-off links.
func OneOffKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32)) }

// Zero is a source of nonces for repeatable states.
type Zero struct{}

// Read gives zeros.
func (Zero) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// World is the tables and keys, as an edge's replica would hold them.
type World struct{ tables map[string][]byte }

// NewWorld makes the fixed world.
func NewWorld() World {
	w := World{tables: map[string][]byte{}}
	w.put(edgeapi.TableHook, edgeapi.HookKey(edgeapi.KeyLINE, LINEHook), edgeapi.HookEntry{Number: Channel}.Append(nil))
	w.put(edgeapi.TableHook, edgeapi.HookKey(edgeapi.KeyFlow, FlowHook), edgeapi.HookEntry{Number: Channel}.Append(nil))
	w.put(edgeapi.TableLink, edgeapi.LinkKey(Channel, 1), edgeapi.AppendTarget(nil, Target))
	w.put(edgeapi.TableLink, edgeapi.LinkKey(Channel, 2), edgeapi.AppendTarget(nil, Fragment))
	w.put(edgeapi.TableChannel, edgeapi.ChannelKey(Channel), edgeapi.ChannelEntry{StateKey: 1, LoginChannel: "2001",
		BasicID: "@hanatea", Shop: "Hana Tea", FallbackURL: "https://shop.example/", Language: "ja"}.Append(nil))
	w.put(edgeapi.TableCode, []byte(Code), edgeapi.CodeEntry{Number: 4, Channel: Channel, Claims: 1, State: edgeapi.CodeLive}.Append(nil))
	w.put(edgeapi.TableCode, []byte(Paused), edgeapi.CodeEntry{Number: 5, Channel: Channel, Claims: 1, State: edgeapi.CodePaused}.Append(nil))
	return w
}

func (w World) put(table uint8, key, value []byte) { w.tables[string(rune(table))+string(key)] = value }

// Lookup is the replica's look-up.
func (w World) Lookup(table uint8, key []byte) ([]byte, bool) {
	value, ok := w.tables[string(rune(table))+string(key)]
	return value, ok
}

// Keys is the replica's keys; 0 = any.
func (w World) Keys(ref edgeapi.KeyRef, _ int64) [][]byte {
	if ref.Kind() == edgeapi.KeyOneOff && ref.Key() == 1 {
		return [][]byte{OneOffKey().Public().(ed25519.PublicKey)}
	}
	if ref.Number() != Channel || ref.Key() > 1 {
		return nil
	}
	switch ref.Kind() {
	case edgeapi.KeyLink:
		return [][]byte{LinkKey()}
	case edgeapi.KeyState:
		return [][]byte{StateKey()}
	case edgeapi.KeyLINE:
		return [][]byte{[]byte(Secret)}
	case edgeapi.KeyFlow:
		sum := webhooksig.HashFlowKey(FlowKey())
		return [][]byte{sum[:]}
	}
	return nil
}

// EventID is the id of every golden request.
func EventID() id.ID { return id.New(NowMS, [10]byte{1, 2, 3}) }

// Cases are the golden requests.
func Cases() []Case {
	link := func(kind token.Kind, number uint32) string {
		return token.Sign(token.Token{Kind: kind, Key: 1, Channel: Channel, Subject: 42, Link: number}, LinkKey())
	}
	oneOff := token.SignOneOff(token.Token{Key: 1, Channel: Channel, Subject: 42, Link: 3}, "https://shop.example/x", OneOffKey())
	get := func(name, module, path, query, agent string) Case {
		return Case{Name: name, Module: module, Request: edgeapi.Request{Method: edgeapi.GET, Path: []byte(path),
			Query: []byte(query), UserAgent: []byte(agent)}}
	}
	cases := []Case{
		get("link", "redirect", "/c/"+link(token.Link, 1), "", Phone),
		get("link-fragment", "redirect", "/c/"+link(token.Link, 2), "", Phone),
		get("link-crawler", "redirect", "/c/"+link(token.Link, 1), "", Crawler),
		get("link-unknown", "redirect", "/c/"+link(token.Link, 99), "", Phone),
		get("link-tampered", "redirect", "/c/"+tamper(link(token.Link, 1)), "", Phone),
		get("link-kind", "redirect", "/c/"+link(token.Open, 0), "", Phone),
		get("link-one-off", "redirect", "/c/"+oneOff, "", Phone),
		get("link-nonsense", "redirect", "/c/x", "", Phone),
		get("beacon", "redirect", "/o/"+link(token.Open, 0)+".png", "", Phone),
		get("code-phone", "qr", "/q/"+Code, "k=01HPROFILE&_kx=abc", Phone),
		get("code-desktop", "qr", "/q/"+Code, "k=01HPROFILE", Desktop),
		get("code-crawler", "qr", "/q/"+Code, "k=01HPROFILE", Crawler),
		get("code-image", "qr", "/q/"+Code+".png", "k=01HPROFILE", Desktop),
		get("code-paused", "qr", "/q/"+Paused, "", Phone),
		get("code-unknown", "qr", "/q/aaaaaaaaaaaaaaaa", "", Phone),
		get("code-claim-not-taken", "qr", "/q/"+Code, "e=a%2Bb@example.com", Phone),
		get("callback", "qr", "/link/callback", "code=1&state="+State(0), Phone),
		get("callback-expired", "qr", "/link/callback", "code=1&state="+State(601), Phone),
		get("callback-tampered", "qr", "/link/callback", "code=1&state="+tamper(State(0)), Phone),
		hook("line", "/hooks/line/"+LINEHook, sign(bodyOfTwo), bodyOfTwo),
		hook("line-tampered", "/hooks/line/"+LINEHook, sign(bodyOfTwo), bodyOfTwo+" "),
		hook("line-unsigned", "/hooks/line/"+LINEHook, "", bodyOfTwo),
		hook("line-upper-case", "/hooks/line/"+LINEHook, strings.ToUpper(sign(bodyOfTwo)), bodyOfTwo),
		hook("hook-unknown", "/hooks/line/aaaaaaaaaaaaaaaa", sign(bodyOfTwo), bodyOfTwo),
		hook("hook-other-kind", "/hooks/line/"+FlowHook, sign(bodyOfTwo), bodyOfTwo),
		hook("flow", "/hooks/klaviyo/flow/"+FlowHook, FlowKey(), "{}"),
		hook("flow-no-key", "/hooks/klaviyo/flow/"+FlowHook, "", "{}"),
		hook("flow-wrong-key", "/hooks/klaviyo/flow/"+FlowHook, webhooksig.FormatFlowKey(1, [32]byte{6}), "{}"),
		hook("flow-other-number", "/hooks/klaviyo/flow/"+FlowHook, webhooksig.FormatFlowKey(2, [32]byte{5}), "{}"),
		{Name: "flow-get", Module: "hookauth", Request: edgeapi.Request{Method: edgeapi.GET, Path: []byte("/hooks/klaviyo/flow/" + FlowHook)}},
		{Name: "link-post", Module: "redirect", Request: edgeapi.Request{Method: edgeapi.POST, Path: []byte("/c/" + link(token.Link, 1))}},
	}
	event := EventID()
	for i := range cases {
		cases[i].Request.EventID = event[:]
		cases[i].Request.Host = []byte("edge.example")
	}
	return cases
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

func hook(name, path, credential, body string) Case {
	return Case{Name: name, Module: "hookauth", Body: []byte(body), Request: edgeapi.Request{Method: edgeapi.POST,
		Flags: edgeapi.FlagHasBody, Path: []byte(path), Credential: []byte(credential)}}
}

func sign(body string) string {
	mac := hmac.New(sha256.New, []byte(Secret))
	mac.Write([]byte(body))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// State is a login state of some age, in seconds.
func State(age uint32) string {
	text, err := token.SealState(token.StateHeader{Channel: Channel, Key: 1}, [32]byte(StateKey()), token.State{ID: EventID(),
		Issued: uint32(NowMS/1000) - age, Claim: token.ClaimProfile, Language: "ja", Code: Code, Value: "01HPROFILE"})
	if err != nil {
		return ""
	}
	return text
}

// Hex is how a golden verdict is kept: lines of 32 bytes.
func Hex(b []byte) []byte {
	var out bytes.Buffer
	for len(b) > 0 {
		n := min(len(b), 32)
		out.WriteString(hex.EncodeToString(b[:n]) + "\n")
		b = b[n:]
	}
	return out.Bytes()
}
