package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/hashicorp/raft-wal/types"
	"go.etcd.io/bbolt"

	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

const (
	newSuffix     = ".new"
	damagedSuffix = ".damaged"
	walFiles      = "*.wal"
)

// errDamaged is a log of which the library cannot make anything.
var errDamaged = errors.New("the log is damaged")

// openOrSalvage opens a log. One that is damaged where no record is, in a head or in the
// list of files, is set aside whole, and each record that can still be read goes into a
// new one. What was done already comes once more that way, and is known by its id.
func openOrSalvage(dir string, vfs layer, fileSize int, mend bool) (*disk, error) {
	const op = "spool.salvage"
	if err := finishSalvage(dir); err != nil {
		return nil, fault.As(fault.Unavailable, op, err)
	}
	d, err := openGuarded(dir, vfs, fileSize, mend)
	if err == nil || !isDamage(err) {
		return d, err
	}
	records, readErr := scanFolder(dir)
	if err := errors.Join(readErr, storeAll(dir+newSuffix, vfs, fileSize, records)); err != nil {
		return nil, fault.As(fault.Unavailable, op, err)
	}
	if err := os.Rename(dir, unused(dir+damagedSuffix)); err != nil {
		return nil, fault.As(fault.Unavailable, op, err)
	}
	if err := finishSalvage(dir); err != nil {
		return nil, fault.As(fault.Unavailable, op, err)
	}
	return openDisk(dir, vfs, fileSize, false)
}

func isDamage(err error) bool {
	for _, kind := range []error{errDamaged, types.ErrCorrupt, io.EOF, io.ErrUnexpectedEOF,
		fs.ErrNotExist, bbolt.ErrInvalid, bbolt.ErrVersionMismatch, bbolt.ErrChecksum} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// finishSalvage puts the new log in the old one's place, also where a crash came between.
func finishSalvage(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, os.RemoveAll(dir+newSuffix)) // half of one
	}
	err := os.Rename(dir+newSuffix, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the first start
	}
	return err
}

func unused(name string) string {
	for n := 1; ; n++ {
		numbered := fmt.Sprintf("%s-%d", name, n)
		if _, err := os.Stat(numbered); errors.Is(err, fs.ErrNotExist) {
			return numbered
		}
	}
}

func storeAll(dir string, vfs layer, fileSize int, records [][]byte) error {
	d, err := openDisk(dir, vfs, fileSize, false)
	if err != nil {
		return err
	}
	return errors.Join(d.storeRecords(records), d.close())
}

// storeRecords appends records behind the newest one, in groups.
func (d *disk) storeRecords(records [][]byte) error {
	for len(records) > 0 {
		n := min(len(records), groupCount)
		jobs := make([]*appendJob, n)
		for i, data := range records[:n] {
			jobs[i] = &appendJob{data: data}
		}
		next := max(d.head, d.last+1)
		if err := d.store(next, jobs); err != nil {
			return err
		}
		d.last, records = next+uint64(n)-1, records[n:]
	}
	return nil
}

func scanFolder(dir string) ([][]byte, error) {
	files, err := filepath.Glob(filepath.Join(dir, walFiles)) // in the order of their numbers
	if err != nil {
		return nil, err
	}
	var all [][]byte
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all = append(all, scan(b)...)
	}
	return all, nil
}

// scan finds the records in a file by their own checksums, whatever became of the rest.
// What a stranger sent is sealed, so that nobody can hide a record inside of another.
func scan(file []byte) [][]byte {
	const version, head = 1, 8 // length and checksum stand before the version
	var all [][]byte
	for at := head; at < len(file); {
		next := bytes.IndexByte(file[at:], version)
		if next < 0 {
			break
		}
		at += next
		rest := file[at-head:]
		_, after, err := edgeapi.NextRecord(rest)
		if err != nil {
			at++
			continue
		}
		n := len(rest) - len(after)
		all = append(all, rest[:n:n])
		at += n
	}
	return all
}

// openGuarded opens a log. Panics of the store of the file list are damage, too: it maps its
// file into memory and believes what stands there.
func openGuarded(dir string, vfs layer, fileSize int, mend bool) (d *disk, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			d, err = nil, fmt.Errorf("%w: %v", errDamaged, r)
		}
	}()
	return openDisk(dir, vfs, fileSize, mend)
}
