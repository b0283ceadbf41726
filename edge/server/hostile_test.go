package server_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"lumo/edge/edgetest"
	"lumo/edge/modules"
	"lumo/shared/edgeapi/edgeapitest"
)

// swap puts a set to work in which some modules are another file.
func (e *edge) swap(file []byte, names ...string) {
	e.t.Helper()
	set, err := modules.Default()
	if err != nil {
		e.t.Fatal(err)
	}
	for _, name := range names {
		set[name] = file
	}
	if err := e.wasm.Swap(context.Background(), set); err != nil {
		e.t.Fatal(err)
	}
}

// expect checks an answer; trouble of our own must say when to come again.
func (e *edge) expect(what string, got answer, status int, location string) {
	e.t.Helper()
	if got.status != status || !strings.HasPrefix(got.location(), location) ||
		status == 503 && got.header.Get("Retry-After") == "" {
		e.t.Errorf("%s: got %d %q", what, got.status, got.location())
	}
}

// Whatever a module does, answers follow the policy: links ask the core, then lead to the
// shop; hooks are sent back to come again.
func TestAnswersWhileModulesAreHostile(t *testing.T) {
	t.Parallel()
	e := start(t, setup{deadline: 50 * time.Millisecond})
	known := edgetest.Answer{Status: 302,
		Header: map[string]string{"Location": edgeapitest.Target}}
	unknown := edgetest.Answer{Status: 404}
	link := "/c/" + edgetest.Link(1, 42)
	for name, file := range edgetest.Hostile() {
		e.swap(file, "redirect", "qr", "hookauth")
		e.core.Answering(func(edgetest.Asked) edgetest.Answer { return known })
		e.expect(name+": link", e.get(link, "User-Agent", phone), 302, edgeapitest.Target)
		e.core.Answering(func(edgetest.Asked) edgetest.Answer { return unknown })
		e.expect(name+": unknown link", e.get(link, "User-Agent", phone), 302, edgetest.Shop)
		e.expect(name+": link of nobody", e.get("/c/x"), 503, "")
		e.expect(name+": beacon", e.get("/o/"+edgetest.Beacon(1)+".png"), 503, "")
		e.expect(name+": code", e.get("/q/"+edgeapitest.Code, "User-Agent", phone), 503, "")
		e.expect(name+": script", e.get("/f/"+edgetest.Form+".js"), 503, "")
		e.expect(name+": the core's word", e.get("/link/callback?state=x"), 404, "")
		e.expect(name+": LINE", e.line("{}", signed("{}")), 503, "")
		e.expect(name+": flow", e.flow(flowBody, edgeapitest.FlowKey()), 503, "")
		e.expect(name+": the process", e.get("/healthz"), 200, "")
	}
	if got, want := metric(t, e, "lumo_edge_undecided_total"), 9*len(edgetest.Hostile()); int(got) != want {
		t.Errorf("%v calls were undecided want %d", got, want)
	}
	if got := e.spool.Stats().Waiting; got != 0 {
		t.Errorf("%d records of something undecided were kept", got)
	}
}

// With every instance in an endless loop nobody waits for all who came before.
func TestManyAtOnceAreAnsweredWhileAModuleNeverEnds(t *testing.T) {
	t.Parallel()
	const clicks, deadline = 200, 100 * time.Millisecond
	e := start(t, setup{deadline: deadline})
	e.swap(edgetest.Hostile()["endless loop"], "redirect")
	e.core.Answering(func(edgetest.Asked) edgetest.Answer {
		return edgetest.Answer{Status: 302, Header: map[string]string{"Location": edgeapitest.Target}}
	})
	began := time.Now()
	var group sync.WaitGroup
	for range clicks {
		group.Go(func() {
			// The core's limit for links is short; a machine that is busy answers by the shop.
			if got := e.get("/c/"+edgetest.Link(1, 42), "User-Agent", phone); got.status != 302 {
				t.Errorf("got %d", got.status)
			}
		})
	}
	group.Wait()
	if took, oneByOne := time.Since(began), clicks*deadline; took > oneByOne/2 {
		t.Errorf("the last was answered after %s", took)
	}
}

func TestOneHostileModuleLeavesTheOthersAtWork(t *testing.T) {
	t.Parallel()
	e := start(t, setup{deadline: 200 * time.Millisecond})
	click := func() answer { return e.get("/c/"+edgetest.Link(1, 42), "User-Agent", phone) }
	scan := func() answer { return e.get("/q/"+edgeapitest.Code, "User-Agent", phone) }
	hook := func() answer { return e.line("{}", signed("{}")) }
	for bad, good := range map[string][]struct {
		ask    func() answer
		status int
	}{
		"redirect": {{scan, 302}, {hook, 200}}, "qr": {{click, 302}, {hook, 200}},
		"hookauth": {{click, 302}, {scan, 302}},
	} {
		e.swap(edgetest.Hostile()["endless loop"], bad)
		done := make(chan struct{})
		go func() { // keeps the bad one busy meanwhile
			defer close(done)
			click()
			scan()
			hook()
		}()
		for _, g := range good {
			e.expect("beside "+bad, g.ask(), g.status, "")
		}
		<-done
	}
}
