package linkage

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// A confirm value is u32 channel, 16-byte state id, 32 random bytes, in base64url: the
// first two find the state, the hash of the whole proves that the page was ours.
const (
	confirmHead   = 4 + 16
	confirmRandom = 32
)

func newConfirm(channel uint32, state id.ID) (value string, hash []byte) {
	raw := binary.BigEndian.AppendUint32(make([]byte, 0, confirmHead+confirmRandom), channel)
	raw = append(raw, state[:]...)
	raw = raw[:confirmHead+confirmRandom]
	rand.Read(raw[confirmHead:]) // never fails
	return base64.RawURLEncoding.EncodeToString(raw), hashConfirm(raw)
}

func hashConfirm(raw []byte) []byte {
	sum := sha256.Sum256(raw)
	return sum[:]
}

// ParseConfirm reads a confirm value.
func ParseConfirm(value string) (channel uint32, state id.ID, hash []byte, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil || len(raw) != confirmHead+confirmRandom {
		return 0, id.ID{}, nil, false
	}
	return binary.BigEndian.Uint32(raw), id.ID(raw[4:confirmHead]), hashConfirm(raw), true
}

// Confirm links or unlinks what a page of ours asked about, once.
func (s *Service) Confirm(ctx context.Context, value string) (Result, error) {
	const op = "linkage.Confirm"
	number, state, hash, ok := ParseConfirm(value)
	if !ok {
		return Result{Outcome: NoLongerWorks}, nil
	}
	m, ch, err := s.c.Channels.ByNumber(ctx, number)
	if fault.Is(err, fault.NotFound) {
		return Result{Outcome: NoLongerWorks}, nil
	}
	if err != nil {
		return Result{}, fault.Wrap(op, err)
	}
	c, err := s.c.Channels.Get(ctx, m, ch)
	if err != nil {
		return Result{}, fault.Wrap(op, err)
	}
	result, err := s.confirm(ctx, m, c, state, hash)
	result.Merchant, result.Channel = m, c.ID
	return result, fault.Wrap(op, err)
}

func (s *Service) confirm(ctx context.Context, m lumo.MerchantID, c lumo.Channel, v id.ID, hash []byte) (
	Result, error) {
	st, err := s.asking(ctx, m, v, hash)
	if fault.Is(err, fault.NotFound) {
		return Result{Outcome: NoLongerWorks}, nil
	}
	if err != nil {
		return Result{}, err
	}
	if st.Claim == ClaimUnlink {
		return s.confirmUnlink(ctx, m, c, st, hash)
	}
	claimed, err := s.resolve(ctx, m, c, st) // asks Klaviyo, so outside of a transaction
	switch kind := fault.KindOf(err); {
	case kind == fault.NotFound, kind == fault.Invalid:
		return Result{Outcome: NoLongerWorks}, s.answered(ctx, m, v, hash, func(ctx context.Context, st State) error {
			if err := s.own(ctx, m, c.ID, st, claimed); err != nil { // Klaviyo may know her in a minute
				return err
			}
			return s.end(ctx, m, st, PhaseRefused)
		})
	case err != nil:
		s.c.Log.WarnContext(ctx, "customer not looked up", "error", err, "merchant", m.String())
		return Result{Outcome: TryAgain}, nil // the question stays open
	}
	var result Result
	err = s.answered(ctx, m, v, hash, func(ctx context.Context, st State) error {
		friend, err := s.c.Friends.Friend(ctx, m, st.Friend)
		if err != nil {
			return err
		}
		if err := s.own(ctx, m, c.ID, st, claimed); err != nil {
			return err
		}
		result, err = s.link(ctx, m, c, st, friend, claimed)
		result.IsFriend = friend.FollowStatus == lumo.Following
		return err
	})
	return gone(result, err)
}

// own keeps what the friend typed into a form and confirmed: it is their own.
func (s *Service) own(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, st State, claimed Claimed) error {
	if st.Claim != ClaimForm || claimed.Email == "" && claimed.Phone == "" {
		return nil
	}
	return s.c.Friends.OwnForm(ctx, m, c, st.Friend, claimed.Email, claimed.Phone)
}

// gone turns a question that was answered meanwhile into the page that says so.
func gone(r Result, err error) (Result, error) {
	if fault.Is(err, fault.NotFound) {
		return Result{Outcome: NoLongerWorks}, nil
	}
	return r, err
}

// asking reads a state that waits for exactly this answer; fault.NotFound otherwise.
func (s *Service) asking(ctx context.Context, m lumo.MerchantID, v id.ID, hash []byte) (st State, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		st, err = s.lockAsking(ctx, m, v, hash)
		return err
	})
	return st, err
}

func (s *Service) lockAsking(ctx context.Context, m lumo.MerchantID, v id.ID, hash []byte) (State, error) {
	st, err := s.c.States.State(ctx, m, v)
	if err != nil {
		return State{}, err
	}
	if st.Phase != PhaseAsking || subtle.ConstantTimeCompare(st.ConfirmHash, hash) != 1 ||
		!s.c.Now().Before(st.ExpiresAt) {
		return State{}, fault.New(fault.NotFound, "linkage.lockAsking", "nothing is asked")
	}
	return st, nil
}

// answered runs the answer's work with the state locked, so that two clicks are one.
func (s *Service) answered(ctx context.Context, m lumo.MerchantID, v id.ID, hash []byte,
	work func(context.Context, State) error) error {
	return s.inTenant(ctx, m, func(ctx context.Context) error {
		st, err := s.lockAsking(ctx, m, v, hash)
		if err != nil {
			return err
		}
		return work(ctx, st)
	})
}

func (s *Service) confirmUnlink(ctx context.Context, m lumo.MerchantID, c lumo.Channel, st State,
	hash []byte) (Result, error) {
	user := lumo.Secret(st.Value)
	err := s.answered(ctx, m, st.ID, hash, func(ctx context.Context, st State) error {
		l, err := s.c.Links.ByFriend(ctx, m, st.Friend)
		if err == nil {
			_, err = s.unlink(ctx, m, l, History{ActorKind: "customer"}, 0)
		} else if fault.Is(err, fault.NotFound) {
			err = nil // unlinked meanwhile: what was wanted
		}
		if err != nil {
			return err
		}
		if err := s.c.Tokens.DropToken(ctx, m, st.Friend); err != nil { // this visit brought a newer one
			return err
		}
		return s.end(ctx, m, st, PhaseUnlinked)
	})
	if err != nil {
		return gone(Result{}, err)
	}
	if err := s.deauthorize(ctx, m, c.ID, user); err != nil {
		s.c.Log.WarnContext(ctx, "LINE keeps a sign-in that was taken back", "error", err,
			"merchant", m.String())
	}
	return Result{Outcome: Unlinked}, nil
}
