package fleet

import (
	"context"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"

	"lumo/shared/fault"
	"lumo/shared/sealing"
)

// CoreKeys are the core's own keys: edges seal their spools to one and check one-off links
// with the other.
type CoreKeys struct {
	Sealing CoreKey
	OneOff  CoreKey
}

// CoreKey is a key pair of the core.
type CoreKey struct {
	Number  int
	Private []byte
	Public  []byte
}

// The kinds of core keys.
const (
	KindSealing = "spool_sealing"
	KindOneOff  = "one_off"
)

// KeyStore keeps the core's keys, wrapped by the master key; its methods run inside a
// transaction without a merchant.
type KeyStore interface {
	// Key answers the newest key of a kind. Where there is none it stores the offered one;
	// of several processes that offer at once, one wins for all.
	Key(ctx context.Context, kind string, offer CoreKey) (CoreKey, error)
}

// LoadKeys reads the core's keys, and makes them in a database that has none.
func LoadKeys(ctx context.Context, t Tenants, store KeyStore) (CoreKeys, error) {
	const op = "fleet.LoadKeys"
	sealingKey, err := newSealingKey()
	if err != nil {
		return CoreKeys{}, fault.Wrap(op, err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return CoreKeys{}, fault.Wrap(op, err)
	}
	var keys CoreKeys
	err = t.InSystem(ctx, func(ctx context.Context) (err error) {
		if keys.Sealing, err = store.Key(ctx, KindSealing, sealingKey); err != nil {
			return err
		}
		keys.OneOff, err = store.Key(ctx, KindOneOff,
			CoreKey{Number: 1, Private: private.Seed(), Public: public})
		return err
	})
	return keys, fault.Wrap(op, err)
}

func newSealingKey() (CoreKey, error) {
	raw, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return CoreKey{}, err
	}
	key, err := sealing.ParsePrivateKey(raw.Bytes())
	if err != nil {
		return CoreKey{}, err
	}
	return CoreKey{Number: 1, Private: raw.Bytes(), Public: key.Public()}, nil
}
