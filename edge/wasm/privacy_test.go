package wasm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lumo/edge/edgetest"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
	"lumo/shared/token"
)

// marked is the golden world with a link key that stands nowhere by chance, as a row of equal
// bytes does in many a program's memory.
type marked struct {
	edgeapitest.World
	linkKey []byte
}

func (m marked) Keys(ref edgeapi.KeyRef, unixMS int64) [][]byte {
	keys := m.World.Keys(ref, unixMS)
	if ref.Kind() == edgeapi.KeyLink && len(keys) > 0 {
		return [][]byte{m.linkKey}
	}
	return keys
}

func markedWorld() marked {
	sum := sha256.Sum256([]byte("a link key"))
	return marked{edgeapitest.NewWorld(), sum[:]}
}

func privateHost(t *testing.T, set map[string][]byte, recycle int) *Host {
	t.Helper()
	h, err := New(context.Background(), Config{Modules: set,
		CacheDir: filepath.Join(os.TempDir(), "lumo-wasm-cache"), Replica: markedWorld(),
		Random: edgeapitest.Zero{}, Pool: 1, Deadline: time.Minute, Recycle: recycle,
		Now: func() time.Time { return time.UnixMilli(edgeapitest.NowMS) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close(context.Background()) })
	return h
}

func TestWebhookBodiesAndKeysAreNotForModules(t *testing.T) {
	t.Parallel()
	file := edgetest.Prying(edgeapitest.Channel)
	h := privateHost(t, map[string][]byte{"hookauth": file, "qr": file}, 0)
	for _, c := range []struct {
		module, path string
		method       edgeapi.Method
		want         uint16
	}{
		{"hookauth", "/hooks/line/" + edgeapitest.LINEHook, edgeapi.POST, 200},
		{"hookauth", "/hooks/klaviyo/flow/" + edgeapitest.FlowHook, edgeapi.POST, 200},
		{"qr", "/link/confirm", edgeapi.POST, 200},
		{"qr", "/f/" + edgetest.Form + "/claim", edgeapi.GET, 200},
		{"qr", "/f/" + edgetest.Form + "/claim", edgeapi.POST, 204},
	} {
		call := Call{Request: edgeapi.Request{Method: c.method, Path: []byte(c.path)},
			Body: []byte("email=taro%40shop.example")}
		if err := h.Do(context.Background(), c.module, &call); err != nil {
			t.Fatal(err)
		}
		if call.Verdict.Status != c.want {
			t.Errorf("%s: got %d want %d (204 = it got something)", c.path, call.Verdict.Status, c.want)
		}
	}
}

// Whatever stands in an instance's memory after all golden requests, no stored secret does,
// in any form in which the host has it, and no body of a webhook.
func TestNoSecretAndNoWebhookBodyStandsInAModulesMemory(t *testing.T) {
	t.Parallel()
	h := privateHost(t, edgetest.Modules(t), 0)
	hidden := storedSecrets()
	claim := []byte("email=taro%40shop.example&mark=seen")
	for _, c := range edgeapitest.Cases() {
		call := Call{Request: c.Request, Body: c.Body}
		if err := h.Do(context.Background(), c.Module, &call); err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		if c.Module != "hookauth" {
			continue
		}
		// The same request with a body that would be found; its signature is wrong, then.
		call.Body = []byte("the body of the webhook " + c.Name + ` {"userId":"U1"}`)
		hidden[c.Name] = call.Body
		if err := h.Do(context.Background(), c.Module, &call); err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
	}
	call := Call{Request: edgeapitest.CaseOf("shop-form-claim").Request, Body: claim}
	if err := h.Do(context.Background(), "qr", &call); err != nil {
		t.Fatal(err)
	}
	click := Call{Request: edgeapitest.CaseOf("link").Request}
	click.Request.Path = []byte("/c/" + token.Sign(token.Token{Kind: token.Link, Key: 1,
		Channel: edgeapitest.Channel, Subject: 42, Link: 1}, markedWorld().linkKey))
	if err := h.Do(context.Background(), "redirect", &click); err != nil || click.Verdict.Status != 302 {
		t.Fatalf("the link key was not used: %v %d", err, click.Verdict.Status)
	}
	if len(hidden) < 20 {
		t.Fatalf("only %d things are looked for", len(hidden))
	}
	for module, p := range h.set.Load().pools {
		memory := wholeMemory(t, p)
		for name, value := range hidden {
			if bytes.Contains(memory, value) {
				t.Errorf("%s: %s stands in its memory", module, name)
			}
		}
		if seen := bytes.Contains(memory, claim); seen != (module == "qr") {
			t.Errorf("%s: a claim is in its memory: %v", module, seen)
		}
	}
}

// storedSecrets are the keys and hashes of the golden world, as bytes and as text.
func storedSecrets() map[string][]byte {
	all := map[string][]byte{}
	world := markedWorld()
	for kind := edgeapi.KeyLink; kind <= edgeapi.KeyShopify; kind++ {
		for _, owner := range []uint32{0, edgeapitest.Channel, edgeapitest.Account, edgeapitest.ShopOwner} {
			if kind == edgeapi.KeyOneOff {
				continue // a public key
			}
			for _, secret := range world.Keys(edgeapi.Ref(kind, 0, owner), edgeapitest.NowMS) {
				name := hex.EncodeToString(secret)
				all[name] = secret
				all[name+" in hex"] = []byte(name)
				all[name+" in capitals"] = []byte(strings.ToUpper(name))
			}
		}
	}
	return all
}

func wholeMemory(t *testing.T, p *pool) []byte {
	t.Helper()
	i := <-p.ready
	defer func() { p.ready <- i }()
	memory, ok := i.memory.Read(0, i.memory.Size())
	if !ok {
		t.Fatal("the memory cannot be read")
	}
	return bytes.Clone(memory)
}

// Who finds every instance at work for as long as a call may take is told so.
func TestNobodyWaitsWithoutEndForAnInstance(t *testing.T) {
	t.Parallel()
	h, err := New(context.Background(), Config{Pool: 1, Deadline: 50 * time.Millisecond,
		Modules: map[string][]byte{"bad": edgetest.Asking()}, Replica: edgeapitest.NewWorld()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close(context.Background()) }()
	p := h.set.Load().pools["bad"]
	busy := <-p.ready
	call := Call{Request: edgeapi.Request{Method: edgeapi.GET, Path: []byte("/c/x")}}
	if err := h.Do(context.Background(), "bad", &call); !errors.Is(err, ErrUndecided) {
		t.Errorf("got %v want undecided", err)
	}
	p.ready <- busy
	if err := h.Do(context.Background(), "bad", &call); err != nil {
		t.Errorf("with an instance: %v", err)
	}
}

// An instance that has done its number of calls is replaced, and so is one that grew.
func TestOldAndGrownInstancesAreReplaced(t *testing.T) {
	t.Parallel()
	statuses := func(h *Host, n int) (got []uint16) {
		for range n {
			call := Call{Request: edgeapi.Request{Method: edgeapi.GET, Path: []byte("/c/x")}}
			if err := h.Do(context.Background(), "bad", &call); err != nil {
				t.Fatal(err)
			}
			got = append(got, call.Verdict.Status)
		}
		return got
	}
	young := privateHost(t, map[string][]byte{"bad": edgetest.Counting()}, 1)
	for _, status := range statuses(young, 5) {
		if status != 200 {
			t.Errorf("got %d; it remembers an earlier call", status)
		}
	}
	old := privateHost(t, map[string][]byte{"bad": edgetest.Counting()}, 3)
	if got := statuses(old, 2); got[0] != 200 || got[1] != 204 {
		t.Errorf("got %v; it was replaced too early", got)
	}
	grows := privateHost(t, map[string][]byte{"bad": edgetest.Growing(3 * growth)}, 0)
	if got := statuses(grows, 2); got[0] != 200 || got[1] != 200 {
		t.Errorf("got %v; it grew and was kept", got)
	}
	little := privateHost(t, map[string][]byte{"bad": edgetest.Growing(1)}, 0)
	if got := statuses(little, 2); got[0] != 200 || got[1] != 204 {
		t.Errorf("got %v; it grew a little and was replaced", got)
	}
}
