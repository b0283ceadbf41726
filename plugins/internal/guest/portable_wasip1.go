package guest

import (
	pdk "github.com/extism/go-pdk"

	"lumo/shared/edgeapi"
)

// The portable ABI: plain Extism input and output, so that any Extism host runs the same
// file. Its functions take offsets in the kernel's memory and answer offsets.

//go:wasmimport extism:host/user lumo_lookup
func portLookup(table, key uint64) uint64

//go:wasmimport extism:host/user lumo_mac_verify
func portMACVerify(ref, message, tag uint64) int64

//go:wasmimport extism:host/user lumo_sha256_equal
func portSHA256Equal(ref, value uint64) int64

//go:wasmimport extism:host/user lumo_body_hmac
func portBodyHMAC(ref, suffix, tag uint64) int64

//go:wasmimport extism:host/user lumo_body
func portBody() uint64

//go:wasmimport extism:host/user lumo_sig_verify
func portSigVerify(ref, message, signature uint64) int64

//go:wasmimport extism:host/user lumo_seal
func portSeal(ref, plain uint64) uint64

//go:wasmimport extism:host/user lumo_open
func portOpen(ref, sealed uint64) uint64

//go:wasmimport extism:host/user lumo_derive
func portDerive(ref, label, id uint64) uint64

//go:wasmimport extism:host/user lumo_now
func portNow() int64

type portableHost struct{}

// lend puts bytes into the kernel's memory for the length of one call.
func lend(b []byte) pdk.Memory { return pdk.AllocateBytes(b) }

func take(offset uint64) []byte {
	if offset == 0 {
		return nil
	}
	m := pdk.FindMemory(offset)
	defer m.Free()
	return m.ReadBytes()
}

func with(b []byte, f func(offset uint64) uint64) []byte {
	m := lend(b)
	defer m.Free()
	return take(f(m.Offset()))
}

func with2(a, b []byte, f func(a, b uint64) int64) int32 {
	m, n := lend(a), lend(b)
	defer m.Free()
	defer n.Free()
	return int32(f(m.Offset(), n.Offset()))
}

func (portableHost) Lookup(table uint8, key []byte) []byte {
	return with(key, func(o uint64) uint64 { return portLookup(uint64(table), o) })
}

func (portableHost) MACVerify(ref edgeapi.KeyRef, message, tag []byte) int32 {
	return with2(message, tag, func(m, t uint64) int64 { return portMACVerify(uint64(ref), m, t) })
}

func (portableHost) SHA256Equal(ref edgeapi.KeyRef, value []byte) int32 {
	m := lend(value)
	defer m.Free()
	return int32(portSHA256Equal(uint64(ref), m.Offset()))
}

func (portableHost) BodyHMAC(ref edgeapi.KeyRef, suffix, tag []byte) int32 {
	return with2(suffix, tag, func(s, t uint64) int64 { return portBodyHMAC(uint64(ref), s, t) })
}

func (portableHost) Body() []byte { return take(portBody()) }

func (portableHost) SigVerify(ref edgeapi.KeyRef, message, signature []byte) int32 {
	verify := func(m, s uint64) int64 { return portSigVerify(uint64(ref), m, s) }
	return with2(message, signature, verify)
}

func (portableHost) Seal(ref edgeapi.KeyRef, plain []byte) []byte {
	return with(plain, func(o uint64) uint64 { return portSeal(uint64(ref), o) })
}

func (portableHost) Open(ref edgeapi.KeyRef, sealed []byte) []byte {
	return with(sealed, func(o uint64) uint64 { return portOpen(uint64(ref), o) })
}

func (portableHost) Derive(ref edgeapi.KeyRef, label Label, id []byte) []byte {
	return with(id, func(o uint64) uint64 { return portDerive(uint64(ref), uint64(label), o) })
}

func (portableHost) Now() int64 { return portNow() }

// HandlePortable decides about the plugin's input and writes the verdict as its output;
// no output = undecided.
func HandlePortable(handle Handler) int32 {
	verdict := Decide(portableHost{}, pdk.Input(), handle)
	if verdict == nil {
		return 1
	}
	pdk.Output(verdict)
	return 0
}
