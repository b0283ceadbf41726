package main

import "lumo/plugins/internal/guest"

//go:wasmexport lumo_buffer
func lumoBuffer() int32 { return guest.Buffer() }

//go:wasmexport lumo_handle
func lumoHandle(n int32) int64 { return guest.HandleFast(n, handle) }

//go:wasmexport handle
func portable() int32 { return guest.HandlePortable(handle) }

func main() {}
