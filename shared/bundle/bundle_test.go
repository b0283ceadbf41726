package bundle_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lumo/shared/bundle"
	"lumo/shared/fault"
)

var update = flag.Bool("update", false, "write the golden files")

func key() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
}

func manifest() bundle.Manifest {
	m := bundle.Manifest{Version: 3, MadeAt: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	for _, name := range bundle.Names() {
		m.Modules = append(
			m.Modules,
			bundle.Module{Name: name, Version: "1.0.0", SHA256: bundle.Hash([]byte(name))},
		)
	}
	return m
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s: got %s want %s", name, got, want)
	}
}

func TestASignedManifestOpens(t *testing.T) {
	t.Parallel()
	file, err := manifest().Encode()
	if err != nil {
		t.Fatal(err)
	}
	signature := bundle.Sign(file, key())
	golden(t, "manifest.json", file)
	golden(t, "manifest.sig.hex", []byte(hex.EncodeToString(signature)+"\n"))
	got, err := bundle.Open(file, signature, key().Public().(ed25519.PublicKey))
	if err != nil || got.Version != 3 || !got.MadeAt.Equal(manifest().MadeAt) {
		t.Fatalf("got %+v, %v", got, err)
	}
	if !got.Holds("qr", []byte("qr")) || got.Holds("qr", []byte("other")) ||
		got.Holds("other", []byte("other")) {
		t.Error("the hashes hold the wrong files")
	}
}

func TestChangedManifestsAreRefused(t *testing.T) {
	t.Parallel()
	file, err := manifest().Encode()
	if err != nil {
		t.Fatal(err)
	}
	signature, public := bundle.Sign(file, key()), key().Public().(ed25519.PublicKey)
	other := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	changed := bytes.Replace(file, []byte(`"version":3`), []byte(`"version":4`), 1)
	for name, open := range map[string]func() (bundle.Manifest, error){
		"changed":         func() (bundle.Manifest, error) { return bundle.Open(changed, signature, public) },
		"another key":     func() (bundle.Manifest, error) { return bundle.Open(file, signature, other) },
		"no key":          func() (bundle.Manifest, error) { return bundle.Open(file, signature, nil) },
		"half signature":  func() (bundle.Manifest, error) { return bundle.Open(file, signature[:32], public) },
		"a space behind":  func() (bundle.Manifest, error) { return bundle.Open(append(file, ' '), signature, public) },
		"another's bytes": func() (bundle.Manifest, error) { return bundle.Open(nil, signature, public) },
	} {
		if _, err := open(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v want invalid", name, err)
		}
	}
}

func TestManifestsAreWhole(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(m *bundle.Manifest){
		"no version":        func(m *bundle.Manifest) { m.Version = 0 },
		"no time":           func(m *bundle.Manifest) { m.MadeAt = time.Time{} },
		"one missing":       func(m *bundle.Manifest) { m.Modules = m.Modules[1:] },
		"one twice":         func(m *bundle.Manifest) { m.Modules[0] = m.Modules[1] },
		"one more":          func(m *bundle.Manifest) { m.Modules = append(m.Modules, m.Modules[0]) },
		"another name":      func(m *bundle.Manifest) { m.Modules[0].Name = "rewrite" },
		"short hash":        func(m *bundle.Manifest) { m.Modules[0].SHA256 = "ab" },
		"upper case":        func(m *bundle.Manifest) { m.Modules[0].SHA256 = strings.ToUpper(m.Modules[0].SHA256) },
		"no module version": func(m *bundle.Manifest) { m.Modules[0].Version = "" },
	} {
		m := manifest()
		change(&m)
		if _, err := m.Encode(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v want invalid", name, err)
		}
	}
	for name, file := range map[string]string{"empty": "", "a list": "[]", "unknown field": `{"version":1,"extra":2}`, "null": "null"} {
		if _, err := bundle.ParseManifest([]byte(file)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v want invalid", name, err)
		}
	}
	file, err := manifest().Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.ParseManifest(append(file, '}')); !fault.Is(err, fault.Invalid) {
		t.Errorf("something behind: got %v want invalid", err)
	}
}

func FuzzParseManifest(f *testing.F) {
	file, err := manifest().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add([]byte(`{"version":1,"made_at":"2026-11-24T12:00:00Z","modules":[]}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := bundle.ParseManifest(file)
		if err != nil {
			return
		}
		again, err := m.Encode()
		if err != nil {
			t.Fatalf("a manifest that was read cannot be written: %v", err)
		}
		if _, err := bundle.ParseManifest(again); err != nil {
			t.Fatalf("%s: %v", again, err)
		}
	})
}
