package wasm

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"lumo/shared/edgeapi"
	"lumo/shared/event"
	"lumo/shared/fault"
)

// ErrUndecided says that a module gave no well-formed verdict in time: it trapped, ran out
// of time or memory, or answered nonsense. What else the error says is for the log.
var ErrUndecided = errors.New("the module is undecided")

func undecided(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrUndecided, fmt.Errorf(format, args...))
}

// Call is one request and, afterwards, its verdict. It can be used again and again.
type Call struct {
	Request edgeapi.Request
	Body    []byte // stays in the host, unless it is a form claim; modules only verify it
	Verdict edgeapi.Verdict
	// Targets are the redirect targets that a look-up or signature check gave in this call.
	Targets [][]byte
	raw     []byte
}

// Allowed tells whether a redirect may lead to a target: only to one that this call looked
// up or verified, so that no module can invent one.
func (c *Call) Allowed(target []byte) bool {
	for _, known := range c.Targets {
		if bytes.Equal(known, target) {
			return true
		}
	}
	return false
}

// Bytes is the verdict as the module wrote it, until the call is used again.
func (c *Call) Bytes() []byte { return c.raw }

// Do lets a module decide. The verdict's bytes belong to the call.
func (h *Host) Do(ctx context.Context, module string, c *Call) error {
	for {
		p, ok := h.set.Load().pools[module]
		if !ok {
			return fault.New(fault.Internal, "wasm.Do", "no module %s", module)
		}
		c.Targets = c.Targets[:0]
		err := p.do(ctx, c)
		if errors.Is(err, errReplaced) {
			continue
		}
		if err != nil {
			return err
		}
		return c.check()
	}
}

// check holds a verdict against what no bytes alone can tell: a verdict that parses may
// still make no sense.
func (c *Call) check() error {
	v := &c.Verdict
	if err := v.Parse(c.raw); err != nil {
		return undecided("%w", err)
	}
	for _, e := range v.Events {
		if _, err := event.Parse(e); err != nil {
			return undecided("%w", err)
		}
	}
	switch v.Kind {
	case edgeapi.Respond:
		if v.Status >= 400 || v.Status == 302 != (locations(v) == 1) {
			return undecided("a response of status %d with %d locations", v.Status, locations(v))
		}
	case edgeapi.Forward:
		if v.Auth == edgeapi.AuthNone || locations(v) != 0 {
			return undecided("nothing is known about what is passed on")
		}
	case edgeapi.Deny:
		if v.Status < 400 || locations(v) != 0 {
			return undecided("a refusal of status %d", v.Status)
		}
	}
	return nil
}

func locations(v *edgeapi.Verdict) int {
	n := 0
	for _, line := range v.Headers {
		if bytes.HasPrefix(line, []byte("Location: ")) {
			n++
		}
	}
	return n
}
