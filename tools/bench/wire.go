package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// wire is LINE as the core sees it: messages are taken at once, by whomever they are for, and
// everything else is the simulator's to answer. A simulator keeps and shows what it gets, which
// on the same machine would be measured too. It is also Klaviyo as the core sees it, which the
// simulator plays; the wire notes which consents it took.
type wire struct {
	server *fasthttp.Server
	rest   *fasthttp.HostClient // the simulator
	addr   string

	mu      sync.Mutex // guards the rest
	mark    string
	arrived map[int]time.Time    // messages that begin with the mark, by the number that follows it
	taken   int                  // all messages
	consent string               // empty = not watched
	told    map[string]time.Time // whom Klaviyo took that consent of first, by LINE user id
}

func startWire() (*wire, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{addr: l.Addr().String()}
	w.server = &fasthttp.Server{NoDefaultServerHeader: true, Handler: w.serve}
	go func() { _ = w.server.Serve(l) }() // ends with the shutdown
	return w, nil
}

func (w *wire) stop() { _ = w.server.Shutdown() }

// settings lead the core here.
func (w *wire) settings() []string {
	return []string{"LUMO_LINE_API_URL=http://" + w.addr + "/line-api", "LUMO_KLAVIYO_API_URL=http://" + w.addr + "/klaviyo-api"}
}

func (w *wire) serve(c *fasthttp.RequestCtx) {
	path := string(c.Path())
	if !strings.HasSuffix(path, "/message/push") {
		c.Request.SetHost(w.rest.Addr)
		if err := w.rest.Do(&c.Request, &c.Response); err != nil {
			c.Error(err.Error(), fasthttp.StatusBadGateway)
		}
		if strings.HasSuffix(path, "/profile-import") && c.Response.StatusCode() < fasthttp.StatusMultipleChoices {
			w.tell(c.PostBody(), time.Now())
		}
		return
	}
	w.take(c.PostBody(), time.Now())
	c.SetContentType("application/json")
	c.Response.Header.Set("X-Line-Request-Id", "7e8a1b2c-0000-4000-8000-000000000000")
	c.SetBodyString(`{"sentMessages":[{"id":"1"}]}`)
}

// take notes a message; only a marked one is read.
func (w *wire) take(body []byte, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.taken++
	if w.mark == "" || !bytes.Contains(body, []byte(`"`+w.mark+" ")) {
		return
	}
	var push struct {
		Messages []struct {
			Text string `json:"text"`
		} `json:"messages"`
	}
	if json.Unmarshal(body, &push) != nil || len(push.Messages) == 0 {
		return
	}
	words := strings.Fields(strings.TrimPrefix(push.Messages[0].Text, w.mark))
	if n, err := strconv.Atoi(words[0]); err == nil {
		w.arrived[n] = now
	}
}

// tell notes a consent that Klaviyo took.
func (w *wire) tell(body []byte, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var written struct {
		Data struct {
			Attributes struct {
				Properties map[string]any `json:"properties"`
			} `json:"attributes"`
		} `json:"data"`
	}
	if w.consent == "" || json.Unmarshal(body, &written) != nil || written.Data.Attributes.Properties["LINE Consent"] != w.consent {
		return
	}
	user, _ := written.Data.Attributes.Properties["LINE User ID"].(string)
	if _, before := w.told[user]; !before {
		w.told[user] = now
	}
}

// watchConsents notes when Klaviyo is first told such a consent of each person, from now on.
func (w *wire) watchConsents(consent string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.consent, w.told = consent, map[string]time.Time{}
}

// consents answers when Klaviyo was told of so many people.
func (w *wire) consents(ctx context.Context, count int) (at map[string]time.Time, err error) {
	err = w.until(ctx, followPatience, func() string {
		if len(w.told) < count {
			return fmt.Sprintf("Klaviyo was told of %d of %d consents", len(w.told), count)
		}
		at, w.consent = w.told, ""
		return ""
	})
	return at, err
}

// watch notes messages that begin with a mark, from now on.
func (w *wire) watch(mark string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mark, w.arrived = mark, map[int]time.Time{}
}

// wait answers when each of the marked messages came.
func (w *wire) wait(ctx context.Context, count int) (at map[int]time.Time, err error) {
	err = w.until(ctx, flowPatience, func() string {
		if len(w.arrived) != count {
			return fmt.Sprintf("%d of %d messages arrived", len(w.arrived), count)
		}
		at, w.mark = w.arrived, ""
		return ""
	})
	return at, err
}

// until waits until nothing is missing any more; missing holds the lock.
func (w *wire) until(ctx context.Context, patience time.Duration, missing func() string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		w.mu.Lock()
		what := missing()
		w.mu.Unlock()
		if what == "" {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New(what)
		case <-tick.C:
		}
	}
}

func (w *wire) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.taken
}
