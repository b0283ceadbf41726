package edgetest

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/websocket"

	"lumo/shared/edgeapi"
)

// Put sets a row of an edge table and tells connected edges.
func (c *Core) Put(table uint8, key, value []byte) {
	c.change(edgeapi.Entry{Op: edgeapi.Put, Table: table, Key: key, Value: value})
}

// PutKey sets a key.
func (c *Core) PutKey(ref edgeapi.KeyRef, e edgeapi.KeyEntry) {
	c.Put(edgeapi.TableKey, ref.Append(nil), e.Append(nil))
}

// Delete takes a row away.
func (c *Core) Delete(table uint8, key []byte) {
	c.change(edgeapi.Entry{Op: edgeapi.Delete, Table: table, Key: key})
}

func (c *Core) change(e edgeapi.Entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version++
	name := string(rune(e.Table)) + string(e.Key)
	if c.rows[name] = e; e.Op == edgeapi.Delete {
		delete(c.rows, name)
	}
	c.changes = append(c.changes, change{c.version, e})
	close(c.news)
	c.news = make(chan struct{})
}

// Forget drops the list of changes: an edge that is behind needs a snapshot.
func (c *Core) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes = nil
}

// Mute stops heartbeats, so that leases lapse, or begins them again.
func (c *Core) Mute(mute bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mute = mute
}

// Version is the newest configuration, Acked what an edge last said to have.
func (c *Core) Version() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.version
}

// Acked is the version that an edge last acknowledged.
func (c *Core) Acked() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.acked
}

func (c *Core) stream(w http.ResponseWriter, r *http.Request) {
	sent, err := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	closing := c.closing
	c.mu.Unlock()
	var upgrader websocket.Upgrader
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		c.readAcks(conn)
	}()
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	var told *edgeapi.ModuleSet
	for first := true; ; first = false {
		frames, news := c.frames(&sent, first)
		if set := c.published(); set != told {
			told = set
			frames = append(frames, edgeapi.Frame{Type: edgeapi.FrameModules,
				Payload: set.Append(nil)})
		}
		for _, f := range frames {
			if conn.WriteMessage(websocket.BinaryMessage, f.Append(nil)) != nil {
				return
			}
		}
		select {
		case <-gone:
			return
		case <-closing:
			return
		case <-news:
		case <-tick.C:
		}
	}
}

func (c *Core) published() *edgeapi.ModuleSet {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.modules
}

// frames are what an edge does not know yet, and a heartbeat.
func (c *Core) frames(sent *uint64, first bool) ([]edgeapi.Frame, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []edgeapi.Frame
	behind := *sent < c.version
	if behind && (len(c.changes) == 0 || c.changes[0].version > *sent+1) || first && (*sent == 0 ||
		*sent > c.version) {
		for _, e := range c.rows {
			all = append(all, edgeapi.Frame{Type: edgeapi.FrameSnapshot, Sequence: c.version,
				Payload: e.Append(nil)})
		}
		all = append(all, edgeapi.Frame{Type: edgeapi.FrameSnapshot, Sequence: c.version})
		*sent = c.version
	}
	for _, change := range c.changes {
		if change.version > *sent {
			all = append(all, edgeapi.Frame{Type: edgeapi.FrameDelta, Sequence: change.version,
				Payload: change.entry.Append(nil)})
			*sent = change.version
		}
	}
	if !c.mute {
		beat := edgeapi.Heartbeat{Version: c.version, UnixMS: uint64(time.Now().UnixMilli())}
		all = append(all, edgeapi.Frame{Type: edgeapi.FrameHeartbeat, Sequence: c.version,
			Payload: beat.Append(nil)})
	}
	return all, c.news
}

func (c *Core) readAcks(conn *websocket.Conn) {
	for {
		_, message, err := conn.ReadMessage()
		if err != nil {
			return
		}
		f, err := edgeapi.ParseFrame(message)
		if err != nil {
			c.t.Error("an edge sent nonsense:", err)
			return
		}
		if f.Type == edgeapi.FrameAck {
			c.mu.Lock()
			c.acked = f.Sequence
			c.mu.Unlock()
		}
		if status, err := edgeapi.ParseStatus(f.Payload); f.Type == edgeapi.FrameStatus && err == nil {
			c.mu.Lock()
			c.status = status
			c.mu.Unlock()
		}
	}
}
