package wasm

import (
	"context"
	"runtime"
	"syscall"

	"github.com/tetratelabs/wazero/experimental"
)

// withMappedMemory gives instances memory that is mapped, not allocated: only what a module
// touched is resident, growing copies nothing, and Go's collector knows nothing of it.
func withMappedMemory(ctx context.Context) context.Context {
	return experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(newMapped))
}

// mapped is the linear memory of one instance, as large as it may become.
type mapped struct{ whole []byte }

func newMapped(_, most uint64) experimental.LinearMemory {
	whole, err := syscall.Mmap(-1, 0, int(most), syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE)
	if err != nil {
		whole = make([]byte, most)
		return &mapped{whole}
	}
	m := &mapped{whole}
	runtime.SetFinalizer(m, func(m *mapped) { _ = syscall.Munmap(m.whole) })
	return m
}

// Reallocate makes it size bytes long.
func (m *mapped) Reallocate(size uint64) []byte {
	if size > uint64(len(m.whole)) {
		return nil
	}
	return m.whole[:size]
}

// Free gives the pages back. The address stays until nobody can ask for it any more: a
// module that exits is closed while its last call has not returned.
func (m *mapped) Free() { _ = syscall.Madvise(m.whole, syscall.MADV_DONTNEED) }
