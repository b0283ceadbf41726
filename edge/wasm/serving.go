package wasm

import (
	"context"
	"iter"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"lumo/shared/fault"
)

// A call that can be ended costs the runtime a goroutine that watches it: on a machine with
// time to spare another core takes it up, and both pay for what they share. So an instance is
// called once for all its life: a few instructions of ours ask the host for the next request
// and pass it to the module, which sees what it always sees. The goroutine of that one call
// waits in the host between two requests; it runs on the core of whoever brings the next one.

const (
	servingModule = "lumo serving" // what it asks of the host; modules may not import it
	servedModule  = "served"       // the module that it serves
	noMore        = -1
)

// servingCode is in text:
//
//	(import "lumo serving" "next" (func $next (param i64) (result i32)))
//	(import "served" "lumo_handle" (func $handle (param i32) (result i64)))
//	(func (export "serve") (local $request i32) (local $verdict i64)
//	  (block $ended (loop $again
//	    (local.tee $request (call $next (local.get $verdict)))
//	    (br_if $ended (i32.lt_s (i32.const 0)))
//	    (local.set $verdict (call $handle (local.get $request)))
//	    (br $again))))
func servingCode() []byte {
	return []byte("\x00asm\x01\x00\x00\x00" +
		"\x01\x0e\x03\x60\x01\x7e\x01\x7f\x60\x01\x7f\x01\x7e\x60\x00\x00" + // types
		"\x02\x2a\x02\x0clumo serving\x04next\x00\x00\x06served\x0blumo_handle\x00\x01" + // imports
		"\x03\x02\x01\x02" + // functions
		"\x07\x09\x01\x05serve\x00\x02" + // exports
		"\x0a\x21\x01\x1f\x02\x01\x7f\x01\x7e" + // code: locals
		"\x02\x40\x03\x40" +
		"\x20\x01\x10\x00\x22\x00" +
		"\x41\x00\x48\x0d\x01" +
		"\x20\x00\x10\x01\x21\x01" +
		"\x0c\x00\x0b\x0b\x0b")
}

// prepareServing makes what instances are served with.
func (h *Host) prepareServing(ctx context.Context) (err error) {
	next := api.GoModuleFunc(func(ctx context.Context, _ api.Module, stack []uint64) {
		c, ok := ctx.Value(callKey{}).(*callContext)
		if !ok || !c.served.yield(stack[0]) {
			stack[0] = api.EncodeI32(noMore)
			return
		}
		stack[0] = api.EncodeI32(c.served.request)
	})
	_, err = h.runtime.NewHostModuleBuilder(servingModule).NewFunctionBuilder().
		WithGoModuleFunction(next, []api.ValueType{i64}, []api.ValueType{i32}).Export("next").
		Instantiate(ctx)
	if err == nil {
		h.serving, err = h.compileFile(ctx, servingCode())
	}
	return fault.Wrap("wasm.prepareServing", err)
}

// served is the one call of an instance.
type served struct {
	module  api.Module
	request int32 // length of the next one
	yield   func(verdict uint64) bool
	next    func() (verdict uint64, ok bool) // false = the call ended
	stop    func()
	err     error // how it ended
}

// serve begins the call; it goes as far as to ask for the first request.
func (h *Host) serve(ctx context.Context, c *callContext, m api.Module) (err error) {
	const op = "wasm.serve"
	ctx = experimental.WithImportResolver(ctx, func(name string) api.Module {
		if name == servedModule {
			return m
		}
		return nil
	})
	s := &c.served
	s.module, err = h.runtime.InstantiateModule(ctx, h.serving, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		return fault.As(fault.Invalid, op, err)
	}
	begin := s.module.ExportedFunction("serve")
	s.next, s.stop = iter.Pull(func(yield func(uint64) bool) {
		s.yield = yield
		s.err = begin.CallWithStack(c, nil)
	})
	if _, ok := s.next(); !ok {
		s.end(ctx)
		return fault.As(fault.Invalid, op, s.err)
	}
	return nil
}

// call lets the module judge a request of n bytes.
func (s *served) call(n int) (verdict uint64, err error) {
	s.request = int32(n)
	verdict, ok := s.next()
	if !ok {
		return 0, s.err
	}
	return verdict, nil
}

// end ends the call; none may be in flight.
func (s *served) end(ctx context.Context) {
	s.stop()
	_ = s.module.Close(ctx) // it has nothing
}
