package edgetest

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
)

// file is an uploaded file.
type file struct {
	kind    string
	content []byte
}

// AddMedia gives the core a file and answers its hash.
func (c *Core) AddMedia(kind string, content []byte) [32]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := sha256.Sum256(content)
	c.media[hex.EncodeToString(sum[:])] = file{kind, content}
	return sum
}

// MediaFetches is how often a file was asked for.
func (c *Core) MediaFetches() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fetched
}

func (c *Core) getMedia(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.fetched++
	f, ok := c.media[r.PathValue("sha256")]
	c.mu.Unlock()
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", f.kind)
	_, _ = w.Write(f.content) // the edge may have stopped reading
}
