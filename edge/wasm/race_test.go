//go:build race

package wasm_test

// notes is how many times as much memory and time there is under the race detector, which
// keeps notes of what each byte was last used for, also of a stack that is long gone.
const notes = 3
