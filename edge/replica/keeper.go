package replica

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

const (
	keySize      = 32
	partSize     = 256 << 10 // of a kept snapshot's frames
	maxChanges   = 8 << 20   // bytes of deltas before everything is written anew
	snapshotFile = "snapshot"
	changesFile  = "changes"
	frameLength  = 4
	manyRows     = 50_000 // from then on a configuration is worth giving back
)

var errDamaged = errors.New("a kept frame is damaged")

// keeper writes frames to disk, each sealed under the edge's key: the last snapshot whole,
// then the deltas since. What cannot be read is dropped; the stream brings it again.
type keeper struct {
	dir     string
	sealer  cipher.AEAD
	changes *os.File
	size    int64
	failing atomic.Bool // what is on disk is older than what answers
}

// LoadKey reads the edge's key, or makes it on the first start.
func LoadKey(file string) ([]byte, error) {
	const op = "replica.LoadKey"
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		key := make([]byte, keySize)
		_, _ = rand.Read(key) // it never fails: crypto/rand ends the program instead
		text := base64.StdEncoding.EncodeToString(key) + "\n"
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return nil, fault.Wrap(op, err)
		}
		return key, fault.Wrap(op, os.WriteFile(file, []byte(text), 0o600))
	}
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(key) != keySize {
		return nil, fault.New(fault.Invalid, op, "LUMO_EDGE_KEY_FILE must hold 32 bytes in base64.")
	}
	return key, nil
}

// Open makes a replica that is kept in dir, with what the last run left there.
func Open(dir string, key []byte, now func() time.Time) (*Replica, error) {
	const op = "replica.Open"
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	sealer, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(op, err)
	}
	r, k := New(now), &keeper{dir: dir, sealer: sealer}
	if err := k.load(r); err != nil {
		return nil, fault.Wrap(op, err)
	}
	r.kept = k
	return r, nil
}

// load applies what is kept: a whole snapshot, and then the changes that can be read. The
// rest of the changes is cut off, so that later ones are not written behind a gap.
func (k *keeper) load(r *Replica) error {
	good := k.read(snapshotFile, r)
	whole := good > 0 && r.pending == nil
	r.pending = nil
	length := int64(0)
	if whole {
		length = k.read(changesFile, r)
	}
	if err := k.openChanges(); err != nil {
		return err
	}
	k.size = length
	return k.changes.Truncate(length)
}

func (k *keeper) openChanges() (err error) {
	k.changes, err = os.OpenFile(filepath.Join(k.dir, changesFile),
		os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	return err
}

// Close ends writing.
func (r *Replica) Close() error {
	if r.kept == nil {
		return nil
	}
	return fault.Wrap("replica.Close", r.kept.changes.Close())
}

// Failing tells that the last configuration could not be kept on disk.
func (r *Replica) Failing() bool { return r.kept != nil && r.kept.failing.Load() }

// all writes a snapshot and begins an empty list of changes. The file is complete before
// it takes its name; changes that are older than it are known already.
func (k *keeper) all(t *tables) {
	if k == nil {
		return
	}
	err := writeFile(filepath.Join(k.dir, snapshotFile), func(w io.Writer) error {
		return t.frames(func(f edgeapi.Frame) error {
			_, err := w.Write(k.seal(snapshotFile, f))
			return err
		})
	})
	if err == nil {
		err = k.changes.Truncate(0)
		k.size = 0
	}
	k.failing.Store(err != nil)
	if t.size() >= manyRows {
		debug.FreeOSMemory() // the configuration before this one is let go at once
	}
}

// change appends a delta; t is what it led to. After a failure everything is written: a
// change must not stand behind one that is missing.
func (k *keeper) change(f edgeapi.Frame, t *tables) {
	if k == nil {
		return
	}
	if k.failing.Load() || k.size > maxChanges {
		k.all(t)
		return
	}
	n, err := k.changes.Write(k.seal(changesFile, f))
	k.size += int64(n)
	k.failing.Store(err != nil)
}

// seal makes one frame: u32 length, nonce, ciphertext. It belongs to its file.
func (k *keeper) seal(file string, f edgeapi.Frame) []byte {
	plain := f.Append(nil)
	nonce := k.sealer.NonceSize()
	out := make([]byte, frameLength+nonce, frameLength+nonce+len(plain)+k.sealer.Overhead())
	_, _ = rand.Read(out[frameLength:])
	binary.LittleEndian.PutUint32(out, uint32(nonce+len(plain)+k.sealer.Overhead()))
	return k.sealer.Seal(out, out[frameLength:], plain, []byte(file))
}

// read applies a file's frames until the first that is damaged or cut off, and answers how
// many bytes were good.
func (k *keeper) read(file string, r *Replica) (good int64) {
	f, err := os.Open(filepath.Join(k.dir, file))
	if err != nil {
		return 0
	}
	defer f.Close()
	for in := bufio.NewReaderSize(f, writeBuffer); ; {
		n, err := k.readFrame(in, file, r)
		if err != nil {
			return good
		}
		good += n
	}
}

// readFrame applies one frame and answers how long it was.
func (k *keeper) readFrame(in io.Reader, file string, r *Replica) (int64, error) {
	var head [frameLength]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return 0, err
	}
	n, nonce := int(binary.LittleEndian.Uint32(head[:])), k.sealer.NonceSize()
	if n < nonce || n > edgeapi.MaxFrame+nonce+k.sealer.Overhead() {
		return 0, errDamaged
	}
	sealed := make([]byte, n)
	if _, err := io.ReadFull(in, sealed); err != nil {
		return 0, err
	}
	plain, err := k.sealer.Open(sealed[nonce:nonce], sealed[:nonce], sealed[nonce:], []byte(file))
	if err != nil {
		return 0, err
	}
	f, err := edgeapi.ParseFrame(plain)
	if err != nil {
		return 0, err
	}
	_, err = r.Apply(f)
	return int64(frameLength + n), err
}

// frames gives a configuration as the stream would send it, frame by frame.
func (t *tables) frames(give func(edgeapi.Frame) error) error {
	payload := make([]byte, 0, partSize+partSize/4)
	part := func() error {
		f := edgeapi.Frame{Type: edgeapi.FrameSnapshot, Sequence: t.version, Payload: payload}
		payload = payload[:0]
		return give(f)
	}
	add := func(e edgeapi.Entry) error {
		if payload = e.Append(payload); len(payload) > partSize {
			return part()
		}
		return nil
	}
	for i, rows := range t.rows {
		err := rows.each(func(key, value []byte) error {
			return add(edgeapi.Entry{Op: edgeapi.Put, Table: uint8(i) + 1, Key: key, Value: value})
		})
		if err != nil {
			return err
		}
	}
	for ref, ring := range t.keys {
		for _, row := range ring.rows {
			if row.ref != ref { // it stands under its own, too
				continue
			}
			if err := add(edgeapi.Entry{Op: edgeapi.Put, Table: edgeapi.TableKey, Key: ref.Append(nil),
				Value: row.KeyEntry.Append(nil)}); err != nil {
				return err
			}
		}
	}
	if len(payload) > 0 {
		if err := part(); err != nil {
			return err
		}
	}
	return part() // without entries: that was all
}

func (t *tables) size() int {
	n := len(t.keys)
	for _, rows := range t.rows {
		n += rows.count
	}
	return n
}
