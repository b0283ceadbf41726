//go:build !race

package wasm_test

const notes = 1
