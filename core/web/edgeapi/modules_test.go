package edgeapi_test

import (
	"bytes"
	"crypto/ed25519"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"lumo/core/fleet"
	"lumo/core/postgres/shoptest"
	"lumo/shared/bundle"
	wire "lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

func itoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

func bundleHash(text string) string { return bundle.Hash([]byte(text)) }

func signingKey(b byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, ed25519.SeedSize))
}

func moduleKey() []byte { return signingKey(9).Public().(ed25519.PublicKey) }

// moduleFile is a file that looks like a module.
func moduleFile(mark string) []byte { return append([]byte("\x00asm\x01\x00\x00\x00"), mark...) }

// files are a set's modules, put into the core.
func (c *core) files(t *testing.T, mark string) []bundle.Module {
	t.Helper()
	var out []bundle.Module
	for _, name := range bundle.Names() {
		hash, err := c.fleet.AddModuleFile(t.Context(), moduleFile(name+mark))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, bundle.Module{Name: name, Version: "1." + mark, SHA256: hash})
	}
	return out
}

func signed(t *testing.T, key byte, version uint64, set, previous []bundle.Module) fleet.Publication {
	t.Helper()
	p, err := fleet.Sign(signingKey(key), version, time.Now().UTC(), set, previous)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestOneClickLeadsBackWithASignatureMadeBefore(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	first, second := c.files(t, "1"), c.files(t, "2")
	e := c.enrol(t)
	s := e.connect(0)
	s.until("heartbeat", func() bool { return s.beats > 0 })
	if s.modules != nil {
		t.Error("a set came that nobody published")
	}
	published := func(p fleet.Publication) {
		t.Helper()
		if _, err := c.fleet.Publish(t.Context(), id.ID{}, p); err != nil {
			t.Fatal(err)
		}
	}
	runs := func(what string, version uint64, files []bundle.Module) {
		t.Helper()
		s.until(what, func() bool { return s.modules != nil && s.modules.Version == version })
		if s.modules.Modules[0].SHA256 != files[0].SHA256 {
			t.Errorf("%s: it brings other files", what)
		}
	}
	published(signed(t, 9, 2, first, first))
	runs("the first set", 2, first)
	published(signed(t, 9, 4, second, first))
	runs("the second set", 4, second)
	if _, err := c.fleet.RollBack(t.Context(), id.ID{}, 2); !fault.Is(err, fault.Conflict) {
		t.Errorf("rolling back what does not run: got %v", err)
	}
	if _, err := c.fleet.RollBack(t.Context(), id.ID{}, 4); err != nil {
		t.Fatal(err)
	}
	runs("the way back", 5, first)
	if _, err := c.fleet.RollBack(t.Context(), id.ID{}, 5); !fault.Is(err, fault.Conflict) {
		t.Errorf("rolling back a roll-back: got %v", err)
	}
	// An edge that comes now is told at once; its files come by their hash.
	late := c.enrol(t)
	s = late.connect(0)
	runs("for a new edge", 5, first)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, late.url+"/edge/v1/modules/"+first[1].SHA256, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+late.key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if file, err := io.ReadAll(res.Body); err != nil || !bytes.Equal(file, moduleFile("qr1")) {
		t.Errorf("got %q %v", file, err)
	}
	log := shoptest.Get[int](t, c.Shop, `
SELECT count(*)::int FROM fleet_log WHERE $1::uuid IS NOT NULL AND action LIKE 'modules_%'`)
	if log != 3 {
		t.Errorf("the log has %d lines of modules want 3", log)
	}
}

func TestABadPublicationIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	first, second := c.files(t, "1"), c.files(t, "2")
	if _, err := c.fleet.Publish(t.Context(), id.ID{}, signed(t, 9, 4, first, first)); err != nil {
		t.Fatal(err)
	}
	unknown := bytes.Clone(moduleFile("never uploaded"))
	nowhere := []bundle.Module{{Name: "redirect", Version: "1", SHA256: bundle.Hash(unknown)}, second[1], second[2]}
	altered := signed(t, 9, 6, second, first)
	altered.Set.Manifest = bytes.Replace(altered.Set.Manifest, []byte(`"version":6`), []byte(`"version":8`), 1)
	swapped := signed(t, 9, 6, second, first)
	swapped.RollBack = signed(t, 9, 8, second, first).RollBack
	for name, test := range map[string]struct {
		p    fleet.Publication
		want fault.Kind
	}{
		"another key":            {signed(t, 8, 6, second, first), fault.Invalid},
		"altered":                {altered, fault.Invalid},
		"another's roll-back":    {swapped, fault.Invalid},
		"an old version":         {signed(t, 9, 3, second, first), fault.Conflict},
		"the roll-back's number": {signed(t, 9, 5, second, first), fault.Conflict},
		"leads elsewhere":        {signed(t, 9, 6, second, second), fault.Conflict},
		"a file is missing":      {signed(t, 9, 6, nowhere, first), fault.Invalid},
		"nothing":                {fleet.Publication{}, fault.Invalid},
	} {
		_, err := c.fleet.Publish(t.Context(), id.ID{}, test.p)
		if !fault.Is(err, test.want) || fault.MessageOf(err) == "" {
			t.Errorf("%s: got %v want %s", name, err, test.want)
		}
	}
	if _, err := c.fleet.AddModuleFile(t.Context(), []byte("#!/bin/sh")); !fault.Is(err, fault.Invalid) {
		t.Errorf("no module: got %v", err)
	}
	sets, err := c.fleet.ModuleSets(t.Context())
	if err != nil || len(sets) != 2 || fleet.Current(sets).Version != 4 {
		t.Errorf("got %d sets, %v", len(sets), err)
	}
}

func TestWhatAnEdgeTellsOfModulesIsKept(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	e := c.enrol(t)
	s := e.connect(0)
	s.until("heartbeat", func() bool { return s.beats > 0 })
	tell := func(status wire.Status) {
		t.Helper()
		f := wire.Frame{Type: wire.FrameStatus, Payload: status.Append(nil)}
		if err := s.ws.WriteMessage(websocket.BinaryMessage, f.Append(nil)); err != nil {
			t.Fatal(err)
		}
	}
	tell(wire.Status{Modules: 4, Trouble: wire.TroubleModules, Refused: 6, Refusal: wire.RefusedTest, Detail: "It traps.",
		Program: "1.2.0", SpoolBytes: 10, SpoolLimit: 20, WaitingEvents: 3})
	var got fleet.Edge
	s.until("the report is stored", func() bool {
		var err error
		got, err = c.fleet.Edge(t.Context(), e.id)
		return err == nil && got.Report.Modules == 4
	})
	if got.Report.Refusal != wire.RefusedTest || got.Report.Detail != "It traps." || got.Report.Refused != 6 || got.Report.Program != "1.2.0" ||
		got.Report.SpoolLimit != 20 || got.Report.Trouble != wire.TroubleModules {
		t.Errorf("got %+v", got.Report)
	}
	tell(wire.Status{Modules: 7, WaitingEvents: 1})
	s.until("the trouble is over", func() bool {
		got, err := c.fleet.Edge(t.Context(), e.id)
		return err == nil && got.Report.Modules == 7 && got.Report.Trouble == 0
	})
	minutes, log, err := c.fleet.History(t.Context(), e.id)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, l := range log {
		seen[l.Action]++
	}
	if len(minutes) == 0 || minutes[0].Waiting != 3 || seen[fleet.ActionModules] != 2 ||
		seen[fleet.ActionRefused] != 1 || seen[fleet.ActionTrouble] != 2 || seen[fleet.ActionConnected] != 1 {
		t.Errorf("got minutes %+v, log %v", minutes, seen)
	}
}
