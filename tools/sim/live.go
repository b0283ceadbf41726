package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// change is one thing that happened.
type change struct {
	Seq  int64     `json:"seq"`
	Kind string    `json:"kind"`
	ID   string    `json:"id"`
	At   time.Time `json:"at"`
}

// live passes changes on to open pages. Publishing never blocks: a page that reads too
// slowly is cut off and loads everything anew when it comes back.
type live struct {
	now func() time.Time

	mu    sync.Mutex // guards seq and pages
	seq   int64
	pages map[chan change]bool
}

func newLive(now func() time.Time) *live { return &live{now: now, pages: map[chan change]bool{}} }

func (l *live) publish(kind, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	c := change{l.seq, kind, id, l.now()}
	for page := range l.pages {
		select {
		case page <- c:
		default:
			delete(l.pages, page)
			close(page)
		}
	}
}

func (l *live) join() chan change {
	page := make(chan change, 256)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pages[page] = true
	return page
}

func (l *live) leave(page chan change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pages[page] {
		delete(l.pages, page)
		close(page)
	}
}

// ServeHTTP streams changes as server-sent events.
func (l *live) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page := l.join()
	defer l.leave(page)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	fmt.Fprint(w, ": connected\n\n")
	if out.Flush() != nil {
		return
	}
	beat := time.NewTicker(10 * time.Second)
	defer beat.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-beat.C:
			fmt.Fprint(w, ": still here\n\n")
		case c, open := <-page:
			if !open {
				return
			}
			text, err := json.Marshal(c)
			if err != nil {
				return
			}
			fmt.Fprintf(w, "id: %d\ndata: %s\n\n", c.Seq, text)
		}
		if out.Flush() != nil {
			return
		}
	}
}
