//go:build !wasip1

package guest

// Natively a module is only its Handler, called by tests; the entry points exist so that
// the packages build and vet on every platform.

// Buffer has no meaning outside of WebAssembly.
func Buffer() int32 { return 0 }

// HandleFast has no meaning outside of WebAssembly: undecided.
func HandleFast(int32, Handler) int64 { return 0 }

// HandlePortable has no meaning outside of WebAssembly: undecided.
func HandlePortable(Handler) int32 { return 1 }
