// Package vault seals columns and makes blind indexes.
//
// Each merchant has a Tink keyset of its own, wrapped by the master key, and an index key.
// A sealed value opens only for the merchant, table, column and row it was sealed for. A
// blind index finds equal values without showing them; two merchants' indexes of the same
// value differ. Plain values and keys are never logged and never part of an error.
package vault

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const keySize = 32

// Vault seals under the merchants' keys, which it keeps in memory once read.
type Vault struct {
	db     *postgres.DB
	master tink.AEAD
	index  []byte // for values that belong to no merchant
	mu     sync.RWMutex
	keys   map[lumo.MerchantID]keys // guarded by mu
}

type keys struct {
	data  tink.AEAD
	index []byte
}

// ParseMasterKey reads the setting: 32 bytes in base64.
func ParseMasterKey(text string) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) != keySize {
		return nil, fault.New(fault.Invalid, "vault.ParseMasterKey",
			"LUMO_MASTER_KEY must be 32 random bytes in base64, for example from: openssl rand -base64 32")
	}
	return raw, nil
}

// New makes a vault under a master key of 32 bytes.
func New(db *postgres.DB, master []byte) (*Vault, error) {
	const op = "vault.New"
	sealer, err := subtle.NewAESGCM(mac(master, "lumo wrap 1"))
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	return &Vault{db: db, master: sealer, index: mac(master, "lumo index 1"), keys: map[lumo.MerchantID]keys{}}, nil
}

// NewMerchant makes the wrapped keys of a merchant who is about to be created.
func (v *Vault) NewMerchant(m lumo.MerchantID) (data, index []byte, err error) {
	const op = "vault.NewMerchant"
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, nil, fault.Wrap(op, err)
	}
	var wrapped bytes.Buffer
	err = handle.WriteWithAssociatedData(keyset.NewBinaryWriter(&wrapped), v.master, label(m, "merchant", "data_key", id.ID(m)))
	if err != nil {
		return nil, nil, fault.Wrap(op, err)
	}
	raw := make([]byte, keySize)
	if _, err := rand.Read(raw); err != nil {
		return nil, nil, fault.Wrap(op, err)
	}
	index, err = v.master.Encrypt(raw, label(m, "merchant", "index_key", id.ID(m)))
	return wrapped.Bytes(), index, fault.Wrap(op, err)
}

// Seal encrypts a value for one row's column.
func (v *Vault) Seal(ctx context.Context, m lumo.MerchantID, table, column string, row id.ID, plain []byte) ([]byte, error) {
	const op = "vault.Seal"
	k, err := v.of(ctx, m)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	sealed, err := k.data.Encrypt(plain, label(m, table, column, row))
	return sealed, fault.Wrap(op, err)
}

// Open decrypts what Seal made for the same row's column; anything else is refused.
func (v *Vault) Open(ctx context.Context, m lumo.MerchantID, table, column string, row id.ID, sealed []byte) ([]byte, error) {
	const op = "vault.Open"
	k, err := v.of(ctx, m)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	plain, err := k.data.Decrypt(sealed, label(m, table, column, row))
	return plain, fault.Wrap(op+" "+table+"."+column, err)
}

// BlindIndex is the same for equal values of a kind (line_user, email, phone) of a merchant.
func (v *Vault) BlindIndex(ctx context.Context, m lumo.MerchantID, kind, value string) ([]byte, error) {
	k, err := v.of(ctx, m)
	if err != nil {
		return nil, fault.Wrap("vault.BlindIndex", err)
	}
	return mac(k.index, kind+"\x00"+value), nil
}

// SealSystem encrypts a value of a global table.
func (v *Vault) SealSystem(table, column, row string, plain []byte) ([]byte, error) {
	sealed, err := v.master.Encrypt(plain, []byte("|"+table+"|"+column+"|"+row))
	return sealed, fault.Wrap("vault.SealSystem", err)
}

// OpenSystem decrypts what SealSystem made.
func (v *Vault) OpenSystem(table, column, row string, sealed []byte) ([]byte, error) {
	plain, err := v.master.Decrypt(sealed, []byte("|"+table+"|"+column+"|"+row))
	return plain, fault.Wrap("vault.OpenSystem "+table+"."+column, err)
}

// IndexSystem is a blind index over all merchants: sign-in by email.
func (v *Vault) IndexSystem(kind, value string) []byte { return mac(v.index, kind+"\x00"+value) }

func (v *Vault) of(ctx context.Context, m lumo.MerchantID) (keys, error) {
	v.mu.RLock()
	k, ok := v.keys[m]
	v.mu.RUnlock()
	if ok {
		return k, nil
	}
	k, err := v.read(ctx, m)
	if err != nil {
		return keys{}, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.keys[m] = k
	return k, nil
}

func (v *Vault) read(ctx context.Context, m lumo.MerchantID) (k keys, err error) {
	const op = "vault.read"
	var data, index []byte
	err = v.db.InTenant(ctx, m, func(ctx context.Context) error {
		return postgres.Tx(ctx).QueryRow(ctx, `
			SELECT data_key_enc, index_key_enc
			FROM merchant
			WHERE merchant_id = $1`, m).Scan(&data, &index)
	})
	if err != nil {
		return keys{}, postgres.Fault(op, err)
	}
	handle, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(data)), v.master,
		label(m, "merchant", "data_key", id.ID(m)))
	if err != nil {
		return keys{}, fault.Wrap(op, err)
	}
	if k.data, err = aead.New(handle); err != nil {
		return keys{}, fault.Wrap(op, err)
	}
	k.index, err = v.master.Decrypt(index, label(m, "merchant", "index_key", id.ID(m)))
	return k, fault.Wrap(op, err)
}

// label is the associated data: a ciphertext moved to another place does not open.
func label(m lumo.MerchantID, table, column string, row id.ID) []byte {
	return []byte(id.ID(m).String() + "|" + table + "|" + column + "|" + row.String())
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
