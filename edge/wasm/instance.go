package wasm

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"math"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero/api"

	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

// maxKeyed is how many keyed hashes an instance remembers.
const maxKeyed = 256

// instance is one module in memory, serving one call at a time.
type instance struct {
	module  api.Module
	memory  api.Memory
	buffer  uint32 // where requests go
	initial uint32 // memory size when it was made
	calls   int
	context callContext
	needs   func(r *edgeapi.Request) edgeapi.Request
	keyed   map[string]hash.Hash // by key; keying one costs more than using it
	sum     [sha256.Size]byte
}

func newInstance(ctx context.Context, h *Host, name string, m api.Module) (*instance, error) {
	const op = "wasm.newInstance"
	i := &instance{
		module: m,
		memory: m.Memory(),
		needs:  needsOf(name),
		keyed:  map[string]hash.Hash{},
	}
	handle, buffer := m.ExportedFunction("lumo_handle"), m.ExportedFunction("lumo_buffer")
	if i.memory == nil || !hasShape(handle, api.ValueTypeI32, api.ValueTypeI64) ||
		!hasShape(buffer, 0, api.ValueTypeI32) {
		return nil, fault.New(fault.Invalid, op, "it lacks its exports")
	}
	at, err := buffer.Call(ctx)
	if err != nil {
		return nil, fault.As(fault.Invalid, op, err)
	}
	i.buffer, i.initial = api.DecodeU32(at[0]), i.memory.Size()
	i.context = callContext{host: h, instance: i, done: make(chan struct{})}
	if err := h.serve(ctx, &i.context, m); err != nil {
		return nil, fault.Wrap(op, err)
	}
	return i, nil
}

// hasShape tells whether a function takes one value (0 = none) and gives one.
func hasShape(f api.Function, param, result api.ValueType) bool {
	if f == nil {
		return false
	}
	params, results := f.Definition().ParamTypes(), f.Definition().ResultTypes()
	if len(results) != 1 || results[0] != result {
		return false
	}
	if param == 0 {
		return len(params) == 0
	}
	return len(params) == 1 && params[0] == param
}

// run lets the module judge one request. The verdict is copied out of its memory.
func (i *instance) run(c *Call) error {
	i.calls++
	room, ok := i.memory.Read(i.buffer, edgeapi.MaxMessage)
	if !ok {
		return undecided("the request's buffer is outside of the memory")
	}
	shown := i.needs(&c.Request)
	request := shown.Append(room[:0])
	if len(request) > edgeapi.MaxMessage {
		return undecided("the request is too large")
	}
	i.context.begin(c)
	at, err := i.context.served.call(len(request))
	if i.context.end() {
		return undecided("it took too long")
	}
	if err != nil {
		return undecided("%w", err)
	}
	address, length := uint32(at>>32), uint32(at)
	if length == 0 || length > edgeapi.MaxMessage {
		return undecided("the module says so, or its verdict is too large")
	}
	verdict, ok := i.memory.Read(address, length)
	if !ok {
		return undecided("the verdict is outside of the memory")
	}
	c.raw = append(c.raw[:0], verdict...)
	return nil
}

// close ends the instance; its memory is let go either way.
func (i *instance) close(ctx context.Context) {
	i.context.served.end(ctx)
	_ = i.module.Close(ctx)
}

// mac computes HMAC-SHA256 of two parts; the result is valid until the next one.
func (i *instance) mac(key, message, suffix []byte) []byte {
	m, ok := i.keyed[string(key)]
	if !ok {
		if len(i.keyed) >= maxKeyed {
			clear(i.keyed)
		}
		m = hmac.New(sha256.New, key)
		i.keyed[string(key)] = m
	}
	m.Reset()
	m.Write(message)
	m.Write(suffix)
	return m.Sum(i.sum[:0])
}

// callContext is the context of an instance's calls, made once: a context for each call
// would cost as much as half of the call. Its host functions find the call by it.
type callContext struct {
	host     *Host
	instance *instance
	served   served
	call     *Call
	nowMS    int64         // 0 = not asked yet in this call
	began    atomic.Uint64 // the watchdog's look before the call; 0 = idle, ended = too late
	done     chan struct{}
}

const ended = math.MaxUint64

type callKey struct{}

func (c *callContext) begin(call *Call) {
	c.call, c.nowMS = call, 0
	c.began.Store(c.host.tick.Load())
}

// end tells whether the watchdog gave up on the call: then the instance is spent, even if
// the module made it at that very moment.
func (c *callContext) end() (overdue bool) {
	c.call = nil
	return c.began.Swap(0) == ended
}

// now is one time for the whole call.
func (c *callContext) now() int64 {
	if c.nowMS == 0 {
		c.nowMS = c.host.config.Now().UnixMilli()
	}
	return c.nowMS
}

// endIfOverdue ends a call that the watchdog has seen too often. The first look may come
// right after the call began, so one more is granted.
func (c *callContext) endIfOverdue(tick uint64) {
	began := c.began.Load()
	if began != 0 && began != ended && tick > began+ticksPerCall &&
		c.began.CompareAndSwap(began, ended) {
		close(c.done)
	}
}

// Deadline, Done, Err and Value make it a context.Context.
func (c *callContext) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done is closed when the call took too long.
func (c *callContext) Done() <-chan struct{} { return c.done }

// Err says so.
func (c *callContext) Err() error {
	if c.began.Load() == ended {
		return context.DeadlineExceeded
	}
	return nil
}

// Value gives the context itself to host functions.
func (c *callContext) Value(key any) any {
	if _, ok := key.(callKey); ok {
		return c
	}
	return nil
}
