//go:build !guest

package edgeapi

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"

	"lumo/shared/fault"
	"lumo/shared/id"
)

// RecordKind is what a spooled record holds.
type RecordKind uint8

// The kinds of records. With SealedRecord set the body is sealed to the core's public key
// (HPKE base mode, info "lumo spool 1", associated data = kind and id): the encapsulated
// key, then the ciphertext.
const (
	RecordEvent   RecordKind = 1
	RecordRequest RecordKind = 2
	SealedRecord  RecordKind = 1 << 7
)

const (
	recordVersion = 1
	recordHead    = 8                // length and checksum
	recordFixed   = 2 + len(id.ID{}) // version, kind, id
	// MaxRecord is the most bytes a record may have: the largest body and its headers.
	MaxRecord = 6 << 20
)

// Record is one thing that an edge took: an event, or a request with its body.
type Record struct {
	Kind RecordKind
	ID   id.ID
	Body []byte
}

// Append adds the record's bytes: u32 length, u32 CRC-32C, payload.
func (r Record) Append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, recordHead)...)
	dst = append(dst, recordVersion, byte(r.Kind))
	dst = append(append(dst, r.ID[:]...), r.Body...)
	payload := dst[start+recordHead:]
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(dst[start+4:], checksum(payload))
	return dst
}

// NextRecord cuts the first record off. Damaged bytes are an error and leave rest as the
// bytes after the damaged record when its length was believable, so that one bad record
// does not cost the others.
func NextRecord(b []byte) (r Record, rest []byte, err error) {
	const op = "edgeapi.NextRecord"
	if len(b) < recordHead {
		return Record{}, nil, malformed(op)
	}
	n := binary.LittleEndian.Uint32(b)
	if n < uint32(recordFixed) || n > MaxRecord || uint64(len(b)-recordHead) < uint64(n) {
		return Record{}, nil, malformed(op)
	}
	payload, rest := b[recordHead:recordHead+int(n)], b[recordHead+int(n):]
	if checksum(payload) != binary.LittleEndian.Uint32(b[4:]) || payload[0] != recordVersion {
		return Record{}, rest, malformed(op)
	}
	kind := RecordKind(payload[1])
	if plain := kind &^ SealedRecord; plain != RecordEvent && plain != RecordRequest {
		return Record{}, rest, malformed(op)
	}
	return Record{
		Kind: kind,
		ID:   id.ID(payload[2:recordFixed]),
		Body: payload[recordFixed:],
	}, rest, nil
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// SpooledRequest is the body of a request record: a JSON line, then the raw body.
type SpooledRequest struct {
	Method     string            `json:"method"`
	Target     string            `json:"target"`      // path and query
	ReceivedAt int64             `json:"received_at"` // Unix ms, core time
	Auth       string            `json:"auth"`
	Config     uint64            `json:"config"`
	Headers    map[string]string `json:"headers,omitempty"`
	KeySHA256  string            `json:"key_sha256,omitempty"` // hex
	Body       []byte            `json:"-"`
}

// Append adds the request's bytes.
func (s SpooledRequest) Append(dst []byte) ([]byte, error) {
	head, err := json.Marshal(s)
	if err != nil {
		return nil, fault.Wrap("edgeapi.SpooledRequest.Append", err)
	}
	return append(append(append(dst, head...), '\n'), s.Body...), nil
}

// ParseSpooledRequest reads a request record's body; the raw body aliases b.
func ParseSpooledRequest(b []byte) (SpooledRequest, error) {
	const op = "edgeapi.ParseSpooledRequest"
	head, body, found := bytes.Cut(b, []byte{'\n'})
	if !found {
		return SpooledRequest{}, malformed(op)
	}
	var s SpooledRequest
	if err := json.Unmarshal(head, &s); err != nil {
		return SpooledRequest{}, malformed(op)
	}
	s.Body = body
	return s, nil
}
