package account

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/alexedwards/argon2id"

	"lumo/shared/fault"
)

// Hasher makes and compares argon2id hashes, a few at a time: each takes 64 MiB and most of
// a processor, so a flood of sign-ins must queue instead of starving the senders. The memory is
// given back at once: the collector would keep it for minutes.
type Hasher struct {
	params *argon2id.Params
	slots  chan struct{}
	never  string // a hash that no password has, compared when there is no member
}

// NewHasher makes a hasher; params nil = the library's defaults. Tests use cheap ones.
func NewHasher(params *argon2id.Params) (*Hasher, error) {
	if params == nil {
		params = argon2id.DefaultParams
	}
	never, err := argon2id.CreateHash("", params)
	if err != nil {
		return nil, fault.Wrap("account.NewHasher", err)
	}
	debug.FreeOSMemory()
	return &Hasher{params: params, slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), never: never}, nil
}

// Hash makes a password's hash.
func (h *Hasher) Hash(ctx context.Context, password string) (hash string, err error) {
	err = h.within(ctx, func() error {
		hash, err = argon2id.CreateHash(password, h.params)
		return err
	})
	return hash, fault.Wrap("account.Hash", err)
}

// Matches compares a password with a hash; an empty hash takes as long and never matches.
func (h *Hasher) Matches(ctx context.Context, password, hash string) (ok bool, err error) {
	compare := hash
	if compare == "" {
		compare = h.never
	}
	err = h.within(ctx, func() error {
		ok, err = argon2id.ComparePasswordAndHash(password, compare)
		return err
	})
	return ok && hash != "", fault.Wrap("account.Matches", err)
}

func (h *Hasher) within(ctx context.Context, work func() error) error {
	select {
	case h.slots <- struct{}{}:
		defer func() {
			debug.FreeOSMemory()
			<-h.slots
		}()
		return work()
	case <-ctx.Done():
		return fault.As(fault.Unavailable, "account.hash", ctx.Err())
	}
}
