package wasm

import (
	"context"
	"errors"
	"slices"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"lumo/shared/fault"
)

// The modules that functions may be imported from.
const (
	fastModule   = "lumo"
	wasiModule   = "wasi_snapshot_preview1"
	kernelModule = "extism:host/env"
	userModule   = "extism:host/user"
)

const (
	i32 = api.ValueTypeI32
	i64 = api.ValueTypeI64
)

// stub is a function of the portable ABI.
type stub struct {
	name            string
	params, results []api.ValueType
}

// kernelStubs and userStubs are all of the portable ABI that a module may import.
func kernelStubs() []stub {
	one := []api.ValueType{i64}
	return []stub{
		{"store_u8", []api.ValueType{i64, i32}, nil}, {"load_u8", one, []api.ValueType{i32}},
		{"store_u64", []api.ValueType{i64, i64}, nil}, {"load_u64", one, one},
		{"length", one, one}, {"length_unsafe", one, one}, {"alloc", one, one}, {"free", one, nil},
		{"input_length", nil, one}, {"input_load_u8", one, []api.ValueType{i32}},
		{"input_load_u64", one, one}, {"output_set", []api.ValueType{i64, i64}, nil},
		{"error_set", one, nil},
	}
}

func userStubs() []stub {
	one := []api.ValueType{i64}
	two := []api.ValueType{i64, i64}
	three := []api.ValueType{i64, i64, i64}
	return []stub{
		{"lumo_lookup", two, one}, {"lumo_mac_verify", three, one}, {"lumo_sha256_equal", two, one},
		{"lumo_body_hmac", three, one}, {"lumo_body", nil, one}, {"lumo_sig_verify", three, one},
		{"lumo_seal", two, one}, {"lumo_open", two, one}, {"lumo_derive", three, one},
		{"lumo_now", nil, one},
	}
}

// wasiFunctions are what Go's runtime asks for. None of them reaches a file, the network or
// the environment: the guest has none, and its clock and chance are made up.
func wasiFunctions() []string {
	return []string{
		"args_get", "args_sizes_get", "clock_time_get", "environ_get", "environ_sizes_get",
		"fd_close", "fd_fdstat_get", "fd_fdstat_set_flags", "fd_prestat_dir_name",
		"fd_prestat_get", "fd_write", "poll_oneoff", "proc_exit", "random_get", "sched_yield",
	}
}

func allowed(module, function string) bool {
	named := func(s stub) bool { return s.name == function }
	switch module {
	case fastModule:
		fast := func(f fastFunction) bool { return f.name == function }
		return slices.ContainsFunc(fastFunctions(), fast)
	case wasiModule:
		return slices.Contains(wasiFunctions(), function)
	case kernelModule:
		return slices.ContainsFunc(kernelStubs(), named)
	case userModule:
		return slices.ContainsFunc(userStubs(), named)
	}
	return false
}

// checkImports refuses a module that asks for more than it may have.
func checkImports(name string, m wazero.CompiledModule) error {
	const op = "wasm.checkImports"
	for _, f := range m.ImportedFunctions() {
		from, function, _ := f.Import()
		if !allowed(from, function) {
			return fault.New(fault.Invalid, op,
				"the module %s imports %s from %s, which is not allowed", name, function, from)
		}
	}
	if len(m.ImportedMemories()) > 0 {
		return fault.New(fault.Invalid, op,
			"the module %s imports a memory, which is not allowed", name)
	}
	return nil
}

// exportStubs satisfies the imports of the portable ABI, so that one file serves both.
// Calling one of them here is a mistake of the module and ends the call.
func (h *Host) exportStubs(ctx context.Context) error {
	refuse := api.GoModuleFunc(func(context.Context, api.Module, []uint64) {
		// wazero turns a panic of the host into the call's error; there is no other way out.
		panic(errors.New("this function belongs to the portable ABI"))
	})
	for module, stubs := range map[string][]stub{kernelModule: kernelStubs(), userModule: userStubs()} {
		builder := h.runtime.NewHostModuleBuilder(module)
		for _, s := range stubs {
			builder = builder.NewFunctionBuilder().
				WithGoModuleFunction(refuse, s.params, s.results).
				Export(s.name)
		}
		if _, err := builder.Instantiate(ctx); err != nil {
			return fault.Wrap("wasm.exportStubs", err)
		}
	}
	return nil
}
