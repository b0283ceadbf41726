package wasm

import (
	"context"
	"fmt"
	"hash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

// pool keeps ready instances of one module.
type pool struct {
	host     *Host
	name     string
	compiled wazero.CompiledModule
	ready    chan *instance
	recycle  int
	mu       sync.Mutex
	all      map[*instance]struct{} // guarded by mu: every instance that lives
	made     atomic.Uint64
}

// instance is one module in memory, serving one call at a time.
type instance struct {
	module  api.Module
	handle  api.Function
	buffer  uint32
	initial uint32 // memory size when it was made
	calls   int
	stack   [1]uint64
	context callContext
	mac     hash.Hash // keyed with macKey
	macKey  []byte
}

func newPool(ctx context.Context, h *Host, name string, m wazero.CompiledModule, c Config) (*pool, error) {
	p := &pool{host: h, name: name, compiled: m, recycle: c.Recycle, ready: make(chan *instance, c.Pool),
		all: map[*instance]struct{}{}}
	for range c.Pool {
		i, err := p.instantiate(ctx)
		if err != nil {
			return nil, err
		}
		p.ready <- i
	}
	return p, nil
}

func (p *pool) instantiate(ctx context.Context) (*instance, error) {
	const op = "wasm.instantiate"
	config := wazero.NewModuleConfig().WithName(fmt.Sprintf("%s-%d", p.name, p.made.Add(1))).
		WithStartFunctions("_initialize")
	m, err := p.host.runtime.InstantiateModule(context.WithoutCancel(ctx), p.compiled, config)
	if err != nil {
		return nil, fault.Wrap(op+" "+p.name, err)
	}
	i := &instance{module: m, handle: m.ExportedFunction("lumo_handle"), initial: m.Memory().Size()}
	buffer := m.ExportedFunction("lumo_buffer")
	if i.handle == nil || buffer == nil {
		return nil, fault.New(fault.Invalid, op, "the module %s lacks its exports", p.name)
	}
	at, err := buffer.Call(ctx)
	if err != nil || len(at) != 1 {
		return nil, fault.As(fault.Invalid, op+" "+p.name, err)
	}
	i.buffer = uint32(at[0])
	i.context.done = make(chan struct{})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all[i] = struct{}{}
	return i, nil
}

// do runs one call on a free instance. An instance that failed is replaced before its
// place in the pool is given back.
func (p *pool) do(ctx context.Context, c *Call) error {
	var i *instance
	select {
	case i = <-p.ready:
	case <-ctx.Done():
		return ErrUndecided
	}
	err := i.run(c)
	i.calls++
	if err != nil || i.calls >= p.recycle || i.module.Memory().Size() > 4*i.initial {
		i = p.replace(ctx, i)
	}
	if i != nil {
		p.ready <- i
	}
	return err
}

// replace destroys an instance and makes a new one. Where that fails the pool is one
// smaller until the next replacement; an empty pool leaves callers undecided.
func (p *pool) replace(ctx context.Context, old *instance) *instance {
	p.mu.Lock()
	delete(p.all, old)
	p.mu.Unlock()
	_ = old.module.Close(context.WithoutCancel(ctx))
	i, err := p.instantiate(ctx)
	if err != nil {
		return nil
	}
	return i
}

func (p *pool) endOverdue(now time.Time, deadline time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.all {
		i.context.endIfOverdue(now, deadline)
	}
}

func (i *instance) run(c *Call) error {
	memory := i.module.Memory()
	room, ok := memory.Read(i.buffer, edgeapi.MaxMessage)
	if !ok {
		return ErrUndecided
	}
	request := c.Request.Append(room[:0])
	if len(request) > edgeapi.MaxMessage {
		return ErrUndecided
	}
	i.context.begin(i, c)
	defer i.context.end()
	i.stack[0] = uint64(len(request))
	if err := i.handle.CallWithStack(&i.context, i.stack[:]); err != nil {
		return ErrUndecided
	}
	address, length := uint32(i.stack[0]>>32), uint32(i.stack[0])
	if length == 0 || length > edgeapi.MaxMessage {
		return ErrUndecided
	}
	verdict, ok := memory.Read(address, length)
	if !ok {
		return ErrUndecided
	}
	c.raw = append(c.raw[:0], verdict...)
	return nil
}

// callContext is the context of an instance's calls, made once: a context for each call
// would cost as much as half of the call.
type callContext struct {
	done     chan struct{}
	began    atomic.Int64 // Unix ns, 0 = idle
	over     atomic.Bool
	instance *instance
	call     *Call
}

type callKey struct{}

func (c *callContext) begin(i *instance, call *Call) {
	c.instance, c.call = i, call
	c.began.Store(time.Now().UnixNano())
}

func (c *callContext) end() {
	c.began.Store(0)
	c.call = nil
}

func (c *callContext) endIfOverdue(now time.Time, deadline time.Duration) {
	began := c.began.Load()
	if began != 0 && now.UnixNano()-began > int64(deadline) && c.over.CompareAndSwap(false, true) {
		close(c.done)
	}
}

// Deadline, Done, Err and Value make it a context.Context.
func (c *callContext) Deadline() (time.Time, bool) { return time.Time{}, false }
func (c *callContext) Done() <-chan struct{}       { return c.done }

func (c *callContext) Err() error {
	if c.over.Load() {
		return context.DeadlineExceeded
	}
	return nil
}

func (c *callContext) Value(key any) any {
	if _, ok := key.(callKey); ok {
		return c
	}
	return nil
}
