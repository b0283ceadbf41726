package wasm_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	extism "github.com/extism/go-sdk"
	"github.com/google/go-cmp/cmp"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"lumo/edge/wasm"
	"lumo/shared/bundle"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
)

// desk is another host of the same files: Extism's own, with the host functions of the
// portable ABI over the golden world.
type desk struct{ edgeapitest.Answers }

// function is one host function: arguments in, one result out.
type function struct {
	name string
	args int
	call func(d *desk, read func(offset uint64) []byte, stack []uint64) (value []byte, code int64)
}

// portable lists the host functions. What gives bytes answers their offset, 0 = absent.
func portable() []function {
	ref := func(v uint64) edgeapi.KeyRef { return edgeapi.KeyRef(v) }
	return []function{
		{"lumo_lookup", 2, func(d *desk, read func(uint64) []byte, s []uint64) ([]byte, int64) {
			return d.Value(uint8(s[0]), read(s[1])), 0
		}},
		{"lumo_mac_verify", 3, func(d *desk, read func(uint64) []byte, s []uint64) ([]byte, int64) {
			return nil, int64(d.MACVerify(ref(s[0]), read(s[1]), read(s[2])))
		}},
		{
			"lumo_sha256_equal",
			2,
			func(d *desk, read func(uint64) []byte, s []uint64) ([]byte, int64) {
				return nil, int64(d.SHA256Equal(ref(s[0]), read(s[1])))
			},
		},
		{"lumo_body_hmac", 3, func(d *desk, read func(uint64) []byte, s []uint64) ([]byte, int64) {
			return nil, int64(d.BodyHMAC(ref(s[0]), read(s[1]), read(s[2])))
		}},
		{
			"lumo_body",
			0,
			func(d *desk, _ func(uint64) []byte, _ []uint64) ([]byte, int64) { return d.Body(), 0 },
		},
		{"lumo_sig_verify", 3, func(d *desk, read func(uint64) []byte, s []uint64) ([]byte, int64) {
			return nil, int64(d.SigVerify(ref(s[0]), read(s[1]), read(s[2])))
		}},
		{"lumo_seal", 2, func(d *desk, read func(uint64) []byte, s []uint64) ([]byte, int64) {
			return d.Seal(ref(s[0]), read(s[1])), 0
		}},
		{"lumo_open", 2, func(d *desk, read func(uint64) []byte, s []uint64) ([]byte, int64) {
			return d.Open(ref(s[0]), read(s[1])), 0
		}},
		{"lumo_derive", 3, func(d *desk, read func(uint64) []byte, s []uint64) ([]byte, int64) {
			return d.Derive(ref(s[0]), int32(s[1]), read(s[2])), 0
		}},
		{
			"lumo_now",
			0,
			func(d *desk, _ func(uint64) []byte, _ []uint64) ([]byte, int64) { return nil, d.Now() },
		},
	}
}

func (d *desk) functions(t *testing.T) []extism.HostFunction {
	var all []extism.HostFunction
	for _, f := range portable() {
		hosted := extism.NewHostFunctionWithStack(
			f.name,
			func(_ context.Context, p *extism.CurrentPlugin, stack []uint64) {
				read := func(offset uint64) []byte {
					b, err := p.ReadBytes(offset)
					if err != nil {
						t.Errorf("%s: %v", f.name, err)
					}
					return b
				}
				value, code := f.call(d, read, stack)
				stack[0] = uint64(code)
				if value != nil {
					offset, err := p.WriteBytes(value)
					if err != nil {
						t.Errorf("%s: %v", f.name, err)
					}
					stack[0] = offset
				}
			},
			slices.Repeat([]extism.ValueType{extism.ValueTypeI64}, f.args),
			[]extism.ValueType{extism.ValueTypeI64},
		)
		hosted.SetNamespace("extism:host/user")
		all = append(all, hosted)
	}
	return all
}

// fastStubs satisfy the imports of the other ABI. None may be called.
func fastStubs(t *testing.T, file []byte) []extism.HostFunction {
	var all []extism.HostFunction
	for _, f := range imports(t, file) {
		module, name, _ := f.Import()
		if module != "lumo" {
			continue
		}
		stub := extism.NewHostFunctionWithStack(
			name,
			func(context.Context, *extism.CurrentPlugin, []uint64) {
				t.Errorf("the portable entry called %s of the fast ABI", name)
			},
			f.ParamTypes(),
			f.ResultTypes(),
		)
		stub.SetNamespace("lumo")
		all = append(all, stub)
	}
	return all
}

func imports(t *testing.T, file []byte) []api.FunctionDefinition {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	t.Cleanup(func() { _ = r.Close(ctx) })
	m, err := r.CompileModule(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	return m.ImportedFunctions()
}

// The same files give the same verdicts under another host and ABI.
func TestAnExtismHostGivesTheGoldenVerdicts(t *testing.T) {
	t.Parallel()
	for name, file := range defaultSet(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			d := &desk{edgeapitest.Answers{World: edgeapitest.NewWorld()}}
			plugin, err := extism.NewPlugin(
				ctx,
				extism.Manifest{Wasm: []extism.Wasm{extism.WasmData{Data: file}}},
				extism.PluginConfig{
					EnableWasi: true,
				},
				append(d.functions(t), fastStubs(t, file)...),
			)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = plugin.Close(ctx) }()
			for _, c := range edgeapitest.Cases() {
				if c.Module != name {
					continue
				}
				d.RequestBody, d.Claim = c.Body, c.Request.IsClaim()
				_, got, err := plugin.Call("handle", c.Request.Append(nil))
				if err != nil {
					t.Fatalf("%s: %v", c.Name, err)
				}
				if got, want := string(edgeapitest.Hex(got)), golden(t, c.Name); got != want {
					t.Errorf("%s: got\n%swant\n%s", c.Name, got, want)
				}
			}
		})
	}
}

var update = flag.Bool("update", false, "write the golden files")

// The list is printed and kept, since each import is something a module could reach.
func TestModulesImportOnlyTheirOwn(t *testing.T) {
	t.Parallel()
	var list strings.Builder
	set := defaultSet(t)
	for _, name := range bundle.Names() {
		var lines []string
		for _, f := range imports(t, set[name]) {
			module, function, _ := f.Import()
			lines = append(lines, name+": "+signature(module, function, f.ParamTypes(),
				f.ResultTypes())+"\n")
		}
		slices.Sort(lines)
		list.WriteString(strings.Join(lines, ""))
	}
	t.Log("\n" + list.String())
	file := filepath.Join("testdata", "imports.txt")
	if *update {
		if err := os.WriteFile(file, []byte(list.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), list.String()); diff != "" {
		t.Errorf("the modules import something else (-want +got):\n%s", diff)
	}
}

// The interpreter shares nothing with the compiler but the runtime around both.
func TestTheInterpreterGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	h, err := wasm.New(context.Background(), wasm.Config{Modules: defaultSet(t), Interpreter: true,
		Replica: edgeapitest.NewWorld(), Random: edgeapitest.Zero{}, Now: now, Pool: 1,
		Deadline: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close(context.Background()) }()
	for _, c := range edgeapitest.Cases() {
		call := wasm.Call{Request: c.Request, Body: c.Body}
		if err := h.Do(context.Background(), c.Module, &call); err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if got, want := string(edgeapitest.Hex(call.Bytes())), golden(t, c.Name); got != want {
			t.Errorf("%s: got\n%swant\n%s", c.Name, got, want)
		}
	}
}
