package delivery

import (
	"sync"
	"time"
)

// zones remembers time zones by name: each batch asks for its merchant's, and finding one reads
// a file.
type zones struct {
	mu    sync.Mutex // guards known
	known map[string]*time.Location
}

// of is a zone. One that the database knows and this machine does not is UTC.
func (z *zones) of(name string) *time.Location {
	z.mu.Lock()
	defer z.mu.Unlock()
	if at := z.known[name]; at != nil {
		return at
	}
	at, err := time.LoadLocation(name)
	if err != nil {
		at = time.UTC
	}
	if z.known == nil {
		z.known = map[string]*time.Location{}
	}
	z.known[name] = at
	return at
}
