package wasm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"

	"lumo/shared/fault"
)

// growth is how many times its first size an instance's memory may have before the
// instance is replaced.
const growth = 4

// pool keeps ready instances of one module. A place whose instance could not be made holds
// nil; whoever takes it tries again.
type pool struct {
	host     *Host
	name     string
	compiled wazero.CompiledModule
	ready    chan *instance
	made     atomic.Uint64
	mu       sync.Mutex
	live     map[*instance]struct{} // guarded by mu: what the watchdog looks at
	replaced atomic.Bool
}

// errReplaced tells a call that its pool was swapped for another's.
var errReplaced = errors.New("the module set was replaced")

func newPool(ctx context.Context, h *Host, name string, m wazero.CompiledModule) (*pool, error) {
	p := &pool{
		host:     h,
		name:     name,
		compiled: m,
		ready:    make(chan *instance, h.config.Pool),
		live:     map[*instance]struct{}{},
	}
	for range h.config.Pool {
		i, err := p.instantiate(ctx)
		if err != nil {
			for range len(p.ready) {
				p.destroy(ctx, <-p.ready)
			}
			return nil, err
		}
		p.ready <- i
	}
	return p, nil
}

func (p *pool) instantiate(ctx context.Context) (*instance, error) {
	// It will serve others than who made it; but not even its start may last for ever.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx),
		startsPerCall*p.host.config.Deadline)
	defer cancel()
	config := wazero.NewModuleConfig().WithName(fmt.Sprintf("%s-%p-%d", p.name, p, p.made.Add(1))).
		WithStartFunctions("_initialize")
	m, err := p.host.runtime.InstantiateModule(withMappedMemory(ctx), p.compiled, config)
	if err != nil {
		return nil, fault.As(fault.Invalid, "start the module "+p.name, err)
	}
	i, err := newInstance(ctx, p.host, p.name, m)
	if err != nil {
		_ = m.Close(ctx)
		return nil, fault.Wrap("module "+p.name, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live[i] = struct{}{}
	return i, nil
}

// do runs one call on a free instance. One that failed, grew or is old is replaced before
// its place is given back, so that nobody meets what it left.
func (p *pool) do(ctx context.Context, c *Call) error {
	var i *instance
	select {
	case i = <-p.ready:
	default:
		var err error
		if i, err = p.wait(ctx); err != nil {
			return err
		}
	}
	defer func() { p.ready <- i }()
	if p.replaced.Load() {
		return errReplaced
	}
	return p.run(ctx, &i, c)
}

// wait is for a call that finds all instances at work: it waits as long as a call may take,
// since calls that each take so long would have those behind them wait without end.
func (p *pool) wait(ctx context.Context) (*instance, error) {
	limit := time.NewTimer(p.host.config.Deadline)
	defer limit.Stop()
	select {
	case i := <-p.ready:
		return i, nil
	case <-ctx.Done():
		return nil, undecided("no instance is free: %w", ctx.Err())
	case <-limit.C:
	}
	select {
	case i := <-p.ready: // both came while the machine was elsewhere
		return i, nil
	default:
		return nil, undecided("no instance became free in time")
	}
}

func (p *pool) run(ctx context.Context, place **instance, c *Call) (err error) {
	if *place == nil {
		if *place, err = p.instantiate(ctx); err != nil {
			return undecided("%w", err)
		}
	}
	i := *place
	if err = i.run(c); err == nil && i.calls < p.host.config.Recycle &&
		i.memory.Size() <= growth*i.initial {
		return nil
	}
	p.destroy(ctx, i)
	*place, _ = p.instantiate(ctx) // nil: the next one to take the place tries again
	return err
}

func (p *pool) destroy(ctx context.Context, i *instance) {
	p.mu.Lock()
	delete(p.live, i)
	p.mu.Unlock()
	i.close(context.WithoutCancel(ctx))
}

// close waits for the calls in flight and lets instances and code go. Calls that come only
// now find empty places and are told.
func (p *pool) close(ctx context.Context) {
	p.replaced.Store(true)
	for range cap(p.ready) {
		if i := <-p.ready; i != nil {
			p.destroy(ctx, i)
		}
	}
	for range cap(p.ready) {
		p.ready <- nil
	}
	_ = p.compiled.Close(context.WithoutCancel(ctx))
}

func (p *pool) endOverdue(tick uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.live {
		i.context.endIfOverdue(tick)
	}
}
