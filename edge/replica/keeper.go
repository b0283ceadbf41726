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
	tables  func() *tables
}

// LoadKey reads the edge's key, or makes it on the first start.
func LoadKey(file string) ([]byte, error) {
	const op = "replica.LoadKey"
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		key := make([]byte, keySize)
		if _, err := rand.Read(key); err != nil {
			return nil, fault.Wrap(op, err)
		}
		return key, fault.Wrap(op, os.WriteFile(file, []byte(base64.StdEncoding.EncodeToString(key)+"\n"), 0o600))
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
	r := New(now)
	k := &keeper{dir: dir, sealer: sealer, tables: func() *tables { return r.tables }}
	for _, name := range []string{snapshotFile, changesFile} {
		k.read(name, func(f edgeapi.Frame) { _, _ = r.Apply(f) })
	}
	r.kept = k
	return r, fault.Wrap(op, k.openChanges(os.O_APPEND))
}

func (k *keeper) openChanges(flag int) (err error) {
	if k.changes != nil {
		_ = k.changes.Close()
	}
	k.changes, err = os.OpenFile(filepath.Join(k.dir, changesFile), os.O_CREATE|os.O_WRONLY|flag, 0o600)
	if err != nil {
		return err
	}
	info, err := k.changes.Stat()
	if err == nil {
		k.size = info.Size()
	}
	return err
}

// Close ends writing.
func (r *Replica) Close() error {
	if r.kept == nil || r.kept.changes == nil {
		return nil
	}
	return r.kept.changes.Close()
}

// all writes a snapshot and begins an empty list of changes. The file is complete before
// it takes its name.
func (k *keeper) all(t *tables) error {
	if k == nil {
		return nil
	}
	const op = "replica.keep"
	var out bytes.Buffer
	for _, f := range t.frames() {
		k.append(&out, f)
	}
	temporary := filepath.Join(k.dir, snapshotFile+".new")
	if err := os.WriteFile(temporary, out.Bytes(), 0o600); err != nil {
		return fault.Wrap(op, err)
	}
	if err := os.Rename(temporary, filepath.Join(k.dir, snapshotFile)); err != nil {
		return fault.Wrap(op, err)
	}
	return fault.Wrap(op, k.openChanges(os.O_TRUNC))
}

// change appends a delta.
func (k *keeper) change(f edgeapi.Frame) error {
	if k == nil {
		return nil
	}
	if k.size > maxChanges {
		return k.all(k.tables())
	}
	var out bytes.Buffer
	k.append(&out, f)
	n, err := k.changes.Write(out.Bytes())
	k.size += int64(n)
	return fault.Wrap("replica.keep", err)
}

// append seals one frame: u32 length, nonce, ciphertext.
func (k *keeper) append(out *bytes.Buffer, f edgeapi.Frame) {
	nonce := make([]byte, k.sealer.NonceSize())
	_, _ = rand.Read(nonce) // it never fails: crypto/rand ends the program instead
	sealed := k.sealer.Seal(nonce, nonce, f.Append(nil), nil)
	out.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(sealed))))
	out.Write(sealed)
}

// read gives a file's frames until the first that is damaged or cut off.
func (k *keeper) read(name string, take func(edgeapi.Frame)) {
	b, err := os.ReadFile(filepath.Join(k.dir, name))
	if err != nil {
		return
	}
	for len(b) >= 4 {
		n := int(binary.LittleEndian.Uint32(b))
		if n < k.sealer.NonceSize() || n > len(b)-4 {
			return
		}
		sealed := b[4 : 4+n]
		plain, err := k.sealer.Open(nil, sealed[:k.sealer.NonceSize()], sealed[k.sealer.NonceSize():], nil)
		if err != nil {
			return
		}
		f, err := edgeapi.ParseFrame(plain)
		if err != nil {
			return
		}
		take(f)
		b = b[4+n:]
	}
}

// frames are a configuration as the stream would send it.
func (t *tables) frames() []edgeapi.Frame {
	var frames []edgeapi.Frame
	var payload []byte
	add := func(e edgeapi.Entry) {
		payload = e.Append(payload)
		if len(payload) > partSize {
			frames = append(frames, edgeapi.Frame{Type: edgeapi.FrameSnapshot, Sequence: t.version, Payload: payload})
			payload = nil
		}
	}
	for i, rows := range t.rows {
		for key, value := range rows {
			add(edgeapi.Entry{Op: edgeapi.Put, Table: uint8(i) + 1, Key: []byte(key), Value: value})
		}
	}
	for ref, rows := range t.keys {
		if ref.Key() == 0 {
			continue // made again from the others
		}
		for _, row := range rows {
			add(edgeapi.Entry{Op: edgeapi.Put, Table: edgeapi.TableKey, Key: ref.Append(nil), Value: row.KeyEntry.Append(nil)})
		}
	}
	if len(payload) > 0 {
		frames = append(frames, edgeapi.Frame{Type: edgeapi.FrameSnapshot, Sequence: t.version, Payload: payload})
	}
	return append(frames, edgeapi.Frame{Type: edgeapi.FrameSnapshot, Sequence: t.version})
}
