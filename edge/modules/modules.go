// Package modules carries the default set of WebAssembly modules inside the binary.
//
// The files are built, not committed: `make build` makes them. A binary without them
// compiles and says so when it starts.
package modules

import (
	"embed"

	"lumo/shared/fault"
)

//go:embed *
var files embed.FS

// Names are the modules of a set, exactly these three.
func Names() []string { return []string{"redirect", "qr", "hookauth"} }

// Default is the set this binary was built with, by name.
func Default() (map[string][]byte, error) {
	set := map[string][]byte{}
	for _, name := range Names() {
		b, err := files.ReadFile(name + ".wasm")
		if err != nil {
			return nil, fault.New(fault.Internal, "modules.Default",
				"The module %s is not built into this program. Run make build.", name)
		}
		set[name] = b
	}
	return set, nil
}
