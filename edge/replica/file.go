package replica

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"

	"lumo/shared/fault"
)

const writeBuffer = 64 << 10

// WriteFile puts a file in place whole: who reads it sees the old content or the new one,
// also after a power cut. Only its owner may read it.
func WriteFile(name string, content []byte) error {
	return writeFile(name, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// writeFile is WriteFile for content that need not be in memory at once.
func writeFile(name string, write func(w io.Writer) error) error {
	const op = "replica.WriteFile"
	temporary := name + ".new"
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fault.Wrap(op, err)
	}
	w := bufio.NewWriterSize(f, writeBuffer)
	if err = errors.Join(write(w), w.Flush(), f.Sync(), f.Close()); err != nil {
		return fault.Wrap(op, err)
	}
	if err := os.Rename(temporary, name); err != nil {
		return fault.Wrap(op, err)
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return fault.Wrap(op, err)
	}
	return fault.Wrap(op, errors.Join(dir.Sync(), dir.Close()))
}
