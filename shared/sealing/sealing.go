// Package sealing protects what an edge spools: only the core can read it back.
//
// An edge knows the core's public key and forgets what it wrote; a stolen disk yields
// nothing. The suite is HPKE base mode with X25519, HKDF-SHA256 and AES-256-GCM, info
// "lumo spool 1"; the associated data is the record's kind and id, so that no body can be
// moved to another record. Bytes: the encapsulated key, then the ciphertext.
package sealing

import (
	"crypto/ecdh"
	"crypto/hpke"
	"errors"

	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	info           = "lumo spool 1"
	encapsulation  = 32 // bytes of an X25519 public key
	privateKeySize = 32
)

// PublicKey is the core's key as an edge holds it: 32 bytes.
type PublicKey struct{ key hpke.PublicKey }

// PrivateKey is the core's key.
type PrivateKey struct{ key hpke.PrivateKey }

// ParsePublicKey reads the 32 bytes of an X25519 public key.
func ParsePublicKey(raw []byte) (PublicKey, error) {
	const op = "sealing.ParsePublicKey"
	public, err := ecdh.X25519().NewPublicKey(raw)
	if err != nil {
		return PublicKey{}, fault.As(fault.Invalid, op, errors.New("not an X25519 key"))
	}
	key, err := hpke.NewDHKEMPublicKey(public)
	return PublicKey{key}, fault.Wrap(op, err)
}

// ParsePrivateKey reads the 32 bytes of an X25519 private key.
func ParsePrivateKey(raw []byte) (PrivateKey, error) {
	const op = "sealing.ParsePrivateKey"
	if len(raw) != privateKeySize {
		return PrivateKey{}, fault.As(fault.Invalid, op, errors.New("not an X25519 key"))
	}
	private, err := ecdh.X25519().NewPrivateKey(raw)
	if err != nil {
		return PrivateKey{}, fault.As(fault.Invalid, op, errors.New("not an X25519 key"))
	}
	key, err := hpke.NewDHKEMPrivateKey(private)
	return PrivateKey{key}, fault.Wrap(op, err)
}

// Public is the half that edges get.
func (k PrivateKey) Public() []byte { return k.key.PublicKey().Bytes() }

// Seal gives a record a body that only the core can read, and marks it so.
func Seal(k PublicKey, r edgeapi.Record) (edgeapi.Record, error) {
	const op = "sealing.Seal"
	r.Kind |= edgeapi.SealedRecord
	enc, sender, err := hpke.NewSender(k.key, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(info))
	if err != nil {
		return edgeapi.Record{}, fault.Wrap(op, err)
	}
	body, err := sender.Seal(associated(r.Kind, r.ID), r.Body)
	if err != nil {
		return edgeapi.Record{}, fault.Wrap(op, err)
	}
	r.Body = append(enc, body...)
	return r, nil
}

// Open gives the plain record back; one that is not sealed is answered as it is.
func Open(k PrivateKey, r edgeapi.Record) (edgeapi.Record, error) {
	const op = "sealing.Open"
	if r.Kind&edgeapi.SealedRecord == 0 {
		return r, nil
	}
	if len(r.Body) < encapsulation {
		return edgeapi.Record{}, fault.As(fault.Invalid, op, errors.New("too short"))
	}
	recipient, err := hpke.NewRecipient(r.Body[:encapsulation], k.key, hpke.HKDFSHA256(),
		hpke.AES256GCM(), []byte(info))
	if err != nil {
		return edgeapi.Record{}, fault.As(fault.Invalid, op, errors.New("not sealed to this key"))
	}
	body, err := recipient.Open(associated(r.Kind, r.ID), r.Body[encapsulation:])
	if err != nil {
		return edgeapi.Record{}, fault.As(fault.Invalid, op, errors.New("not sealed to this key"))
	}
	return edgeapi.Record{Kind: r.Kind &^ edgeapi.SealedRecord, ID: r.ID, Body: body}, nil
}

// associated ties a body to its record: the kind with its mark, and the id.
func associated(kind edgeapi.RecordKind, v id.ID) []byte {
	return append([]byte{byte(kind)}, v[:]...)
}
