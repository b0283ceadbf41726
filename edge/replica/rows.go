package replica

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
)

const (
	firstChunk = 4 << 10
	fullChunk  = 256 << 10
	firstSlots = 64
	littleLoss = 1 << 20 // bytes that are not worth moving the others for
)

// rows is one table, as bytes in a few large pieces and a list of where each row begins. A
// map of slices would take half as much again for 200,000 links, and Go's collector would
// look at each of them each time. What was once written is never changed, so that values may
// be read without a lock; a row that is replaced or deleted leaves a hole, and when holes are
// most of it everything moves.
type rows struct {
	seed   maphash.Seed
	slots  []place // by hash; behind one that is taken the next one
	count  int
	chunks [][]byte
	stored int // bytes in chunks
	lost   int // of them in holes
}

// place is where a row begins: chunk<<32 | offset, plus one; 0 = nowhere.
type place uint64

func newRows() *rows { return &rows{seed: maphash.MakeSeed(), slots: make([]place, firstSlots)} }

// get gives a row's value, which is never changed.
func (r *rows) get(key []byte) ([]byte, bool) {
	p := r.slots[r.find(key)]
	if p == 0 {
		return nil, false
	}
	_, value, _ := r.read(p)
	return value, true
}

func (r *rows) put(key, value []byte) {
	r.delete(key)
	if r.count+1 > len(r.slots)/8*7 {
		r.index(2 * len(r.slots))
	}
	r.slots[r.find(key)] = r.store(key, value)
	r.count++
}

func (r *rows) delete(key []byte) {
	slot := r.find(key)
	p := r.slots[slot]
	if p == 0 {
		return
	}
	_, _, size := r.read(p)
	r.slots[slot] = 0
	r.count--
	r.closeUp(slot)
	if r.lost += size; r.lost > max(littleLoss, r.stored/2) {
		r.move()
	}
}

// each gives all rows until give fails.
func (r *rows) each(give func(key, value []byte) error) error {
	for _, p := range r.slots {
		if p == 0 {
			continue
		}
		key, value, _ := r.read(p)
		if err := give(key, value); err != nil {
			return err
		}
	}
	return nil
}

// find is the slot of a key, or the free one where it belongs.
func (r *rows) find(key []byte) int {
	for slot := r.home(key); ; slot = r.next(slot) {
		p := r.slots[slot]
		if p == 0 {
			return slot
		}
		if known, _, _ := r.read(p); bytes.Equal(known, key) {
			return slot
		}
	}
}

func (r *rows) home(key []byte) int {
	return int(maphash.Bytes(r.seed, key) & uint64(len(r.slots)-1))
}

func (r *rows) next(slot int) int { return (slot + 1) & (len(r.slots) - 1) }

// closeUp puts the rows behind a slot that became free where they are found without it.
func (r *rows) closeUp(slot int) {
	for slot = r.next(slot); r.slots[slot] != 0; slot = r.next(slot) {
		p := r.slots[slot]
		key, _, _ := r.read(p)
		r.slots[slot] = 0
		r.slots[r.find(key)] = p
	}
}

// index makes the list of slots anew.
func (r *rows) index(size int) {
	old := r.slots
	r.slots = make([]place, size)
	for _, p := range old {
		if p != 0 {
			key, _, _ := r.read(p)
			r.slots[r.find(key)] = p
		}
	}
}

// store writes a row behind the others: the lengths of key and value, and both.
func (r *rows) store(key, value []byte) place {
	most := 2*binary.MaxVarintLen32 + len(key) + len(value)
	last := len(r.chunks) - 1
	if last < 0 || cap(r.chunks[last])-len(r.chunks[last]) < most {
		size := max(most, min(fullChunk, max(firstChunk, r.stored)))
		r.chunks, last = append(r.chunks, make([]byte, 0, size)), last+1
	}
	chunk := r.chunks[last]
	at := len(chunk)
	chunk = binary.AppendUvarint(chunk, uint64(len(key)))
	chunk = binary.AppendUvarint(chunk, uint64(len(value)))
	chunk = append(append(chunk, key...), value...)
	r.chunks[last] = chunk
	r.stored += len(chunk) - at
	return place(uint64(last)<<32|uint64(at)) + 1
}

// read gives what stands at a place and how long it is there.
func (r *rows) read(p place) (key, value []byte, size int) {
	p--
	b := r.chunks[p>>32][uint32(p):]
	n, i := binary.Uvarint(b)
	m, j := binary.Uvarint(b[i:])
	from := i + j + int(n)
	end := from + int(m)
	return b[i+j : from : from], b[from:end:end], end
}

// move leaves the holes behind. Whoever still reads an old value keeps its piece alive.
func (r *rows) move() {
	old := *r
	r.chunks, r.stored, r.lost = nil, 0, 0
	for slot, p := range r.slots {
		if p != 0 {
			key, value, _ := old.read(p)
			r.slots[slot] = r.store(key, value)
		}
	}
}
