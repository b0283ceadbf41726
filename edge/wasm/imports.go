package wasm

import (
	"context"
	"errors"
	"slices"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"lumo/shared/fault"
)

const fastModule = "lumo"

// allowed lists the modules that may be imported from. WASI comes without files, network
// and environment; the Extism ones belong to the portable ABI, which is not called here.
func allowed() []string {
	return []string{fastModule, "wasi_snapshot_preview1", "extism:host/env", "extism:host/user"}
}

func checkImports(name string, m wazero.CompiledModule) error {
	for _, f := range m.ImportedFunctions() {
		from, function, _ := f.Import()
		if !slices.Contains(allowed(), from) {
			return fault.New(fault.Invalid, "wasm.checkImports", "the module %s imports %s from %s, which is not allowed",
				name, function, from)
		}
	}
	if len(m.ImportedMemories()) > 0 {
		return fault.New(fault.Invalid, "wasm.checkImports", "the module %s imports a memory, which is not allowed", name)
	}
	return nil
}

// exportStubs satisfies the imports of the portable ABI, so that one file serves both.
// Calling one of them here is a mistake of the module and ends the call.
func (h *Host) exportStubs(ctx context.Context, compiled map[string]wazero.CompiledModule) error {
	stub := api.GoModuleFunc(func(context.Context, api.Module, []uint64) {
		// wazero turns a host panic into the call's error; there is no other way out of here.
		panic(errors.New("this function belongs to the portable ABI"))
	})
	for _, from := range []string{"extism:host/env", "extism:host/user"} {
		builder, done := h.runtime.NewHostModuleBuilder(from), map[string]bool{}
		for _, m := range compiled {
			for _, f := range m.ImportedFunctions() {
				module, name, _ := f.Import()
				if module != from || done[name] {
					continue
				}
				done[name] = true
				builder = builder.NewFunctionBuilder().
					WithGoModuleFunction(stub, f.ParamTypes(), f.ResultTypes()).Export(name)
			}
		}
		if _, err := builder.Instantiate(ctx); err != nil {
			return fault.Wrap("wasm.exportStubs", err)
		}
	}
	return nil
}
