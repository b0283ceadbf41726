package spool

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/types"
)

const probeSize = 64 << 10

// room makes files on a full disk all the same, empty ones: a log must open so that it can
// be handed over, which is what makes room again. Only writing into them fails until then.
type room struct{ *fs.FS }

// Create makes a file of a size, or of none where that finds no room.
func (r room) Create(dir, name string, size uint64) (types.WritableFile, error) {
	f, err := r.FS.Create(dir, name, size)
	if !errors.Is(err, syscall.ENOSPC) {
		return f, err
	}
	if err := os.Remove(filepath.Join(dir, name)); err != nil { // what it had made so far
		return nil, err
	}
	return r.FS.Create(dir, name, 0)
}

// probe tells whether a folder's disk takes writes.
func probe(dir string) error {
	f, err := os.CreateTemp(dir, "probe-")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, probeSize))
	return errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
}
