package edgetest

import (
	"bytes"
	"crypto/ed25519"
	"net/http"
	"time"

	"lumo/shared/bundle"
	"lumo/shared/edgeapi"
)

// signingKey signs module sets; edges get its public half when they enrol.
func signingKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, ed25519.SeedSize))
}

// ModuleKey is what edges check sets with.
func ModuleKey() ed25519.PublicKey { return signingKey().Public().(ed25519.PublicKey) }

// SignModules makes a set of files as a stream brings it.
func SignModules(version uint64, files map[string][]byte) edgeapi.ModuleSet {
	m := bundle.Manifest{Version: version, MadeAt: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	for _, name := range bundle.Names() {
		m.Modules = append(m.Modules, bundle.Module{Name: name, Version: "1.0.0",
			SHA256: bundle.Hash(files[name])})
	}
	text, err := m.Encode()
	if err != nil {
		panic(err) // the three names are there
	}
	return Sign(text)
}

// Sign makes what a stream brings of any text.
func Sign(text []byte) edgeapi.ModuleSet {
	return edgeapi.ModuleSet{Signature: [64]byte(bundle.Sign(text, signingKey())), Manifest: text}
}

// Publish tells edges of a module set and gives its files to who asks.
func (c *Core) Publish(version uint64, files map[string][]byte) {
	set := SignModules(version, files)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.modules = &set
	for _, file := range files {
		c.files[bundle.Hash(file)] = file
	}
	close(c.news)
	c.news = make(chan struct{})
}

// Status is what an edge last told of itself.
func (c *Core) Status() edgeapi.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

func (c *Core) getModule(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	file, ok := c.files[r.PathValue("sha256")]
	c.mu.Unlock()
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_, _ = w.Write(file) // the edge may have stopped reading
}

// Marked is a module with another hash that does the same: a section of no meaning is added.
func Marked(file []byte, mark string) []byte {
	section := append([]byte{0, byte(len(mark) + 2), byte(len(mark))}, mark...)
	return append(append(bytes.Clone(file), section...), 0)
}
