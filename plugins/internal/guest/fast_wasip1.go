package guest

import (
	"unsafe"

	"lumo/shared/edgeapi"
)

// The fast ABI: the host writes the request into the buffer and reads the verdict from
// memory; its functions take pointers of ours.

//go:wasmimport lumo lookup
func fastLookup(table int32, key unsafe.Pointer, n int32, out unsafe.Pointer, room int32) int32

//
//go:wasmimport lumo mac_verify
func fastMACVerify(
	ref uint64, message unsafe.Pointer, n int32, tag unsafe.Pointer, tagLen int32,
) int32

//go:wasmimport lumo sha256_equal
func fastSHA256Equal(ref uint64, value unsafe.Pointer, n int32) int32

//go:wasmimport lumo body_hmac
func fastBodyHMAC(ref uint64, suffix unsafe.Pointer, n int32, tag unsafe.Pointer) int32

//go:wasmimport lumo body
func fastBody(out unsafe.Pointer, room int32) int32

//go:wasmimport lumo sig_verify
func fastSigVerify(ref uint64, message unsafe.Pointer, n int32, signature unsafe.Pointer) int32

//go:wasmimport lumo seal
func fastSeal(ref uint64, plain unsafe.Pointer, n int32, out unsafe.Pointer, room int32) int32

//go:wasmimport lumo open
func fastOpen(ref uint64, sealed unsafe.Pointer, n int32, out unsafe.Pointer, room int32) int32

//go:wasmimport lumo derive
func fastDerive(ref uint64, label int32, id unsafe.Pointer, out unsafe.Pointer) int32

//go:wasmimport lumo now
func fastNow() int64

const (
	lookupRoom  = 4 << 10
	sealRoom    = 1 << 10
	bodyRoom    = 8 << 10
	derivedRoom = 32
)

// memory is the call in progress: fixed places, so that a steady state allocates nothing.
type memory struct {
	request [edgeapi.MaxMessage]byte
	verdict [edgeapi.MaxMessage]byte
	lookup  [lookupRoom]byte
	sealed  [sealRoom]byte
	opened  [sealRoom]byte
	body    [bodyRoom]byte
	derived [derivedRoom]byte
	call    Call
}

var mem memory // the one place that the host reads and writes

// fastHost has a size, so that its methods are called without a detour.
type fastHost struct{ _ byte }

func at(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }

func result(room []byte, n int32) []byte {
	if n < 0 || int(n) > len(room) {
		return nil
	}
	return room[:n]
}

func (*fastHost) Lookup(table uint8, key []byte) []byte {
	room := mem.lookup[:]
	n := fastLookup(int32(table), at(key), int32(len(key)), at(room), lookupRoom)
	return result(room, n)
}

func (*fastHost) MACVerify(ref edgeapi.KeyRef, message, tag []byte) int32 {
	return fastMACVerify(uint64(ref), at(message), int32(len(message)), at(tag), int32(len(tag)))
}

func (*fastHost) SHA256Equal(ref edgeapi.KeyRef, value []byte) int32 {
	return fastSHA256Equal(uint64(ref), at(value), int32(len(value)))
}

func (*fastHost) BodyHMAC(ref edgeapi.KeyRef, suffix, tag []byte) int32 {
	if len(tag) != 32 {
		return Mismatch
	}
	return fastBodyHMAC(uint64(ref), at(suffix), int32(len(suffix)), at(tag))
}

func (*fastHost) Body() []byte {
	room := mem.body[:]
	return result(room, fastBody(at(room), int32(len(room))))
}

func (*fastHost) SigVerify(ref edgeapi.KeyRef, message, signature []byte) int32 {
	if len(signature) != 64 {
		return Mismatch
	}
	return fastSigVerify(uint64(ref), at(message), int32(len(message)), at(signature))
}

func (*fastHost) Seal(ref edgeapi.KeyRef, plain []byte) []byte {
	room := mem.sealed[:]
	n := fastSeal(uint64(ref), at(plain), int32(len(plain)), at(room), sealRoom)
	return result(room, n)
}

func (*fastHost) Open(ref edgeapi.KeyRef, sealed []byte) []byte {
	room := mem.opened[:]
	n := fastOpen(uint64(ref), at(sealed), int32(len(sealed)), at(room), sealRoom)
	return result(room, n)
}

func (*fastHost) Derive(ref edgeapi.KeyRef, label Label, id []byte) []byte {
	room := mem.derived[:]
	if len(id) != 16 || fastDerive(uint64(ref), int32(label), at(id), at(room)) != derivedRoom {
		return nil
	}
	return room
}

func (*fastHost) Now() int64 { return fastNow() }

// Buffer is the address where the host writes a request. Whoever would call HandleFast needs
// it first, so the call is made ready here, once, and not looked at each time.
func Buffer() int32 {
	c := &mem.call
	c.Host = &fastHost{}
	c.Request.Use(mem.request[:])
	c.Verdict.Use(mem.verdict[:])
	return int32(uintptr(unsafe.Pointer(&mem.request)))
}

// HandleFast decides about the request of n bytes in the buffer and answers the verdict's
// address<<32 | length; 0 = undecided.
func HandleFast(n int32, handle Handler) int64 {
	c := &mem.call
	if !c.begin(int(n)) {
		return 0
	}
	handle(c)
	out := c.Verdict.Bytes()
	return int64(uintptr(at(out)))<<32 | int64(len(out))
}
