package replica

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
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
)

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
	var out bytes.Buffer
	for _, f := range t.frames() {
		k.seal(&out, snapshotFile, f)
	}
	err := WriteFile(filepath.Join(k.dir, snapshotFile), out.Bytes())
	if err == nil {
		err = k.changes.Truncate(0)
		k.size = 0
	}
	k.failing.Store(err != nil)
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
	var out bytes.Buffer
	k.seal(&out, changesFile, f)
	n, err := k.changes.Write(out.Bytes())
	k.size += int64(n)
	k.failing.Store(err != nil)
}

// seal adds one frame: u32 length, nonce, ciphertext. It belongs to its file.
func (k *keeper) seal(out *bytes.Buffer, file string, f edgeapi.Frame) {
	nonce := make([]byte, k.sealer.NonceSize())
	_, _ = rand.Read(nonce)
	sealed := k.sealer.Seal(nonce, nonce, f.Append(nil), []byte(file))
	out.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(sealed))))
	out.Write(sealed)
}

// read applies a file's frames until the first that is damaged or cut off, and answers how
// many bytes were good.
func (k *keeper) read(file string, r *Replica) (good int64) {
	b, err := os.ReadFile(filepath.Join(k.dir, file))
	if err != nil {
		return 0
	}
	for len(b) >= 4 {
		n := int(binary.LittleEndian.Uint32(b))
		if n < k.sealer.NonceSize() || n > len(b)-4 {
			break
		}
		nonce, sealed := b[4:4+k.sealer.NonceSize()], b[4+k.sealer.NonceSize():4+n]
		plain, err := k.sealer.Open(nil, nonce, sealed, []byte(file))
		if err != nil {
			break
		}
		f, err := edgeapi.ParseFrame(plain)
		if err != nil {
			break
		}
		if _, err := r.Apply(f); err != nil {
			break
		}
		b = b[4+n:]
		good += int64(4 + n)
	}
	return good
}

// frames are a configuration as the stream would send it.
func (t *tables) frames() []edgeapi.Frame {
	var frames []edgeapi.Frame
	var payload []byte
	add := func(e edgeapi.Entry) {
		payload = e.Append(payload)
		if len(payload) > partSize {
			frames = append(frames, edgeapi.Frame{Type: edgeapi.FrameSnapshot, Sequence: t.version,
				Payload: payload})
			payload = nil
		}
	}
	for i, rows := range t.rows {
		for key, value := range rows {
			add(edgeapi.Entry{Op: edgeapi.Put, Table: uint8(i) + 1, Key: []byte(key), Value: value})
		}
	}
	for ref, ring := range t.keys {
		for _, row := range ring.rows {
			if row.ref == ref { // else it stands under its own, too
				add(edgeapi.Entry{Op: edgeapi.Put, Table: edgeapi.TableKey, Key: ref.Append(nil),
					Value: row.KeyEntry.Append(nil)})
			}
		}
	}
	if len(payload) > 0 {
		frames = append(frames, edgeapi.Frame{Type: edgeapi.FrameSnapshot, Sequence: t.version,
			Payload: payload})
	}
	return append(frames, edgeapi.Frame{Type: edgeapi.FrameSnapshot, Sequence: t.version})
}
