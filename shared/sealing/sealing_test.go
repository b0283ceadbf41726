package sealing_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"testing"

	"lumo/shared/edgeapi"
	"lumo/shared/id"
	"lumo/shared/sealing"
)

func keys(t testing.TB) (sealing.PublicKey, sealing.PrivateKey) {
	t.Helper()
	raw, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := sealing.ParsePrivateKey(raw.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	public, err := sealing.ParsePublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return public, private
}

func TestSealedRecordOpensForItsCoreAndRecordOnly(t *testing.T) {
	t.Parallel()
	public, private := keys(t)
	_, other := keys(t)
	plain := edgeapi.Record{Kind: edgeapi.RecordRequest, ID: id.New(7, [10]byte{1}), Body: []byte("hello")}
	sealed, err := sealing.Seal(public, plain)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed.Body, plain.Body) || sealed.Kind&edgeapi.SealedRecord == 0 {
		t.Error("the record is not sealed")
	}
	got, err := sealing.Open(private, sealed)
	if err != nil || got.Kind != plain.Kind || !bytes.Equal(got.Body, plain.Body) {
		t.Errorf("got %v %v want the plain record", got, err)
	}
	moved := sealed
	moved.ID[15]++
	if _, err := sealing.Open(private, moved); err == nil {
		t.Error("a body opened in another record")
	}
	if _, err := sealing.Open(other, sealed); err == nil {
		t.Error("another core opened it")
	}
	if got, err := sealing.Open(private, plain); err != nil || !bytes.Equal(got.Body, plain.Body) {
		t.Errorf("a plain record must stay: %v %v", got, err)
	}
}

func FuzzOpen(f *testing.F) {
	_, private := keys(f)
	f.Add([]byte("x"))
	f.Add(bytes.Repeat([]byte{1}, 80))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := edgeapi.Record{Kind: edgeapi.RecordEvent | edgeapi.SealedRecord, Body: body}
		if _, err := sealing.Open(private, r); err == nil {
			t.Error("forged bytes opened")
		}
	})
}
