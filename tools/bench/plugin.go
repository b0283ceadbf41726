package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"time"

	extism "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero"

	"lumo/edge/edgetest"
	"lumo/edge/modules"
	"lumo/edge/replica"
	"lumo/edge/wasm"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
)

const (
	pluginRounds = 5
	pluginCalls  = 100_000 // a round
	extismCalls  = 5_000
	noop         = "noop"
	mayBeLate    = 10_000 // one call in so many, where the machine was elsewhere
)

// pluginFigures measures one call each: of the shipped host with safety and its deadline on, keys and
// rows in a real replica, the verdict read and checked; of the same module under Extism's Go SDK; of
// the same code as a part of the program. Rounds alternate.
func pluginFigures(ctx context.Context, cacheDir string, out io.Writer) error {
	h, err := newHost(ctx, cacheDir)
	if err != nil {
		return err
	}
	defer func() { _ = h.Close(ctx) }()
	other, err := newExtism(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = other.Close(ctx) }()
	calls := []struct {
		figure string
		count  int
		call   func() error
	}{
		{"plugin_redirect_call_us", pluginCalls, call(ctx, h, edgeapitest.CaseOf("link"), 302)},
		{"plugin_hookauth_call_us", pluginCalls, call(ctx, h, edgeapitest.CaseOf("flow"), 503)},
		{"plugin_noop_call_us", pluginCalls, call(ctx, h, edgeapitest.Case{Module: noop,
			Request: edgeapi.Request{Method: edgeapi.GET, Path: []byte("/")}}, 404)},
		{"extism_sdk_redirect_call_us", extismCalls, other.call},
	}
	took := map[string][]float64{}
	total, late := 0, 0
	for range pluginRounds {
		for _, c := range calls {
			begun := time.Now()
			for range c.count {
				err := c.call()
				if errors.Is(err, wasm.ErrUndecided) {
					late++ // its time counts
				} else if err != nil {
					return fmt.Errorf("%s: %w", c.figure, err)
				}
			}
			total += c.count
			took[c.figure] = append(took[c.figure], time.Since(begun).Seconds()*1e6/float64(c.count))
		}
	}
	fmt.Fprintf(out, "%d of %d calls were ended at the deadline\n", late, total)
	if late*mayBeLate > total {
		return fmt.Errorf("%d of %d calls did not decide in time", late, total)
	}
	for _, c := range calls {
		bench(out, c.figure, median(took[c.figure]), "us")
	}
	bench(out, "plugin_redirect_by_extism_sdk", median(ratios(took["extism_sdk_redirect_call_us"],
		took["plugin_redirect_call_us"])), "x")
	return nativeCall(ctx, out)
}

func newHost(ctx context.Context, cacheDir string) (*wasm.Host, error) {
	set, err := modules.Default()
	if err != nil {
		return nil, err
	}
	set[noop] = edgetest.Answering((&edgeapi.Verdict{Kind: edgeapi.Deny, Status: 404}).Append(nil))
	r := replica.New(time.Now)
	for _, f := range edgeapitest.NewWorld().Frames(1) {
		if _, err := r.Apply(f); err != nil {
			return nil, err
		}
	}
	return wasm.New(ctx, wasm.Config{Modules: set, CacheDir: cacheDir, Replica: r}) // as it is shipped
}

// call is one call; status is what its verdict must say. Of a webhook that is what the host
// answers when the core, to whom it is passed on, does not.
func call(ctx context.Context, h *wasm.Host, c edgeapitest.Case, status uint16) func() error {
	call := wasm.Call{Request: c.Request, Body: c.Body}
	return func() error {
		if err := h.Do(ctx, c.Module, &call); err != nil || call.Verdict.Status != status {
			return fmt.Errorf("status %d: %w", call.Verdict.Status, err)
		}
		return nil
	}
}

// extismHost is the redirect module under Extism's own host.
type extismHost struct {
	*extism.Plugin
	request []byte
}

func (e extismHost) call() error {
	_, verdict, err := e.Call("handle", e.request)
	if err != nil {
		return err
	}
	var v edgeapi.Verdict
	if err := v.Parse(verdict); err != nil || v.Status != 302 {
		return fmt.Errorf("status %d: %w", v.Status, err)
	}
	return nil
}

// newExtism makes it with a timeout: a host without one could not stop a module that spins.
func newExtism(ctx context.Context) (extismHost, error) {
	set, err := modules.Default()
	if err != nil {
		return extismHost{}, err
	}
	file := set["redirect"]
	functions, err := fastStubs(ctx, file)
	if err != nil {
		return extismHost{}, err
	}
	answers := edgeapitest.Answers{World: edgeapitest.NewWorld()}
	functions = append(functions,
		hosted("lumo_lookup", 2, func(p *extism.CurrentPlugin, s []uint64) {
			s[0] = put(p, answers.Value(uint8(s[0]), get(p, s[1])))
		}),
		hosted("lumo_mac_verify", 3, func(p *extism.CurrentPlugin, s []uint64) {
			s[0] = uint64(answers.MACVerify(edgeapi.KeyRef(s[0]), get(p, s[1]), get(p, s[2])))
		}),
		hosted("lumo_sig_verify", 3, func(p *extism.CurrentPlugin, s []uint64) {
			s[0] = uint64(answers.SigVerify(edgeapi.KeyRef(s[0]), get(p, s[1]), get(p, s[2])))
		}))
	manifest := extism.Manifest{Wasm: []extism.Wasm{extism.WasmData{Data: file}}, Timeout: 10_000}
	plugin, err := extism.NewPlugin(ctx, manifest, extism.PluginConfig{EnableWasi: true}, functions)
	link := edgeapitest.CaseOf("link")
	return extismHost{plugin, link.Request.Append(nil)}, err
}

func get(p *extism.CurrentPlugin, offset uint64) []byte {
	b, _ := p.ReadBytes(offset) // what cannot be read verifies nothing
	return b
}

func put(p *extism.CurrentPlugin, value []byte) uint64 {
	if value == nil {
		return 0
	}
	offset, _ := p.WriteBytes(value)
	return offset
}

func hosted(name string, args int, call func(p *extism.CurrentPlugin, stack []uint64)) extism.HostFunction {
	f := extism.NewHostFunctionWithStack(name,
		func(_ context.Context, p *extism.CurrentPlugin, stack []uint64) { call(p, stack) },
		slices.Repeat([]extism.ValueType{extism.ValueTypeI64}, args), []extism.ValueType{extism.ValueTypeI64})
	f.SetNamespace("extism:host/user")
	return f
}

// fastStubs satisfy the imports of the other ABI; none is called.
func fastStubs(ctx context.Context, file []byte) ([]extism.HostFunction, error) {
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer func() { _ = r.Close(ctx) }()
	m, err := r.CompileModule(ctx, file)
	if err != nil {
		return nil, err
	}
	var all []extism.HostFunction
	for _, f := range m.ImportedFunctions() {
		module, name, _ := f.Import()
		if module != "lumo" {
			continue
		}
		stub := extism.NewHostFunctionWithStack(name, func(context.Context, *extism.CurrentPlugin, []uint64) {
			panic("the portable entry called the fast ABI")
		}, f.ParamTypes(), f.ResultTypes())
		stub.SetNamespace("lumo")
		all = append(all, stub)
	}
	return all, nil
}

// nativeCall asks Go's own benchmark of the module's package: a program cannot import it.
func nativeCall(ctx context.Context, out io.Writer) error {
	text, err := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "NativeCall", "-count", "5",
		"-benchtime", "20000x", "./plugins/redirect").Output()
	if err != nil {
		return err
	}
	var took []float64
	for _, m := range regexp.MustCompile(`([0-9.]+) ns/op`).FindAllSubmatch(text, -1) {
		ns, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			return err
		}
		took = append(took, ns/1000)
	}
	if len(took) == 0 {
		return errors.New("no figure of the native call")
	}
	bench(out, "native_redirect_call_us", median(took), "us")
	return nil
}
