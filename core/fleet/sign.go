package fleet

import (
	"crypto/ed25519"
	"time"

	"lumo/shared/bundle"
	"lumo/shared/fault"
)

// Sign makes a publication of the modules of a set and of those that run before it. It is
// called where the key is: on a machine that is not the core. The roll-back is signed along,
// as the version that follows, so that nobody has to fetch the key when a set misbehaves. All
// it allows the core is one step back to the files that ran before.
func Sign(key ed25519.PrivateKey, version uint64, now time.Time, set, previous []bundle.Module) (
	Publication, error) {
	const op = "fleet.Sign"
	forward, err := sign(key, bundle.Manifest{Version: version, MadeAt: now, Modules: set})
	if err != nil {
		return Publication{}, fault.Wrap(op, err)
	}
	back, err := sign(key, bundle.Manifest{Version: version + 1, MadeAt: now, Modules: previous})
	if err != nil {
		return Publication{}, fault.Wrap(op, err)
	}
	return Publication{Set: forward, RollBack: back}, nil
}

func sign(key ed25519.PrivateKey, m bundle.Manifest) (Signed, error) {
	text, err := m.Encode()
	if err != nil {
		return Signed{}, err
	}
	return Signed{Manifest: text, Signature: bundle.Sign(text, key)}, nil
}
