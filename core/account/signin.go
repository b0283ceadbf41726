package account

import (
	"context"
	"fmt"
	"strings"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	tryWindow       = 15 * time.Minute
	triesPerEmail   = 10
	triesPerAddress = 50
	maxPassword     = 256
)

// Signed is who signed in.
type Signed struct {
	Members  []Membership
	Operator id.ID // zero = none
}

// Limited is the cause of a refusal for too many tries.
type Limited struct{ RetryAfter time.Duration }

// Error says when to try again.
func (l *Limited) Error() string { return fmt.Sprintf("too many tries, again in %s", l.RetryAfter) }

// SignIn checks an email and a password. Whatever is wrong, the error is the same one and
// takes as long; fault.Limited carries *Limited.
func (s *Service) SignIn(ctx context.Context, email, password, address string) (Signed, error) {
	const op = "account.SignIn"
	email = NormalEmail(email)
	if err := s.countTries(ctx, email, address); err != nil {
		return Signed{}, err
	}
	if len(password) > maxPassword {
		password = ""
	}
	signed, err := s.check(ctx, email, password)
	if err != nil {
		return Signed{}, fault.Wrap(op, err)
	}
	if len(signed.Members) == 0 && signed.Operator.IsZero() {
		return Signed{}, fault.New(fault.Unauthenticated, op, "Email, password or code is not right.")
	}
	err = s.Units.InSystem(ctx, func(ctx context.Context) error { return s.Tries.Forget(ctx, "email:"+email) })
	return signed, fault.Wrap(op, err)
}

func (s *Service) countTries(ctx context.Context, email, address string) error {
	now := s.Now()
	return s.Units.InSystem(ctx, func(ctx context.Context) error {
		for _, by := range []struct {
			subject string
			limit   int
		}{{"address:" + address, triesPerAddress}, {"email:" + email, triesPerEmail}} {
			n, ends, err := s.Tries.Count(ctx, by.subject, now, tryWindow)
			if err != nil {
				return fault.Wrap("account.countTries", err)
			}
			if n > by.limit {
				return &fault.Error{Kind: fault.Limited, Op: "account.SignIn", Err: &Limited{RetryAfter: ends.Sub(now)},
					Message: fmt.Sprintf("Too many tries. Try again in %d min.", int(ends.Sub(now).Minutes())+1)}
			}
		}
		return nil
	})
}

// check compares the password with each membership's hash, and with an operator's. At
// least one comparison is made, so that unknown emails cannot be told by time.
func (s *Service) check(ctx context.Context, email, password string) (Signed, error) {
	members, operator, hashes, err := s.hashes(ctx, email)
	if err != nil {
		return Signed{}, err
	}
	var signed Signed
	for i, hash := range hashes {
		ok, err := s.Hasher.Matches(ctx, password, hash)
		if err != nil {
			return Signed{}, err
		}
		switch {
		case ok && i < len(members):
			signed.Members = append(signed.Members, members[i])
		case ok:
			signed.Operator = operator
		}
	}
	return signed, nil
}

// hashes are those of the email's memberships, then the operator's or an empty one.
func (s *Service) hashes(ctx context.Context, email string) (members []Membership, operatorID id.ID, hashes []string,
	err error) {
	var operator Operator
	err = s.Units.InSystem(ctx, func(ctx context.Context) error {
		if members, err = s.Store.ByEmail(ctx, email); err != nil {
			return err
		}
		operator, err = s.Members.Operator(ctx, email)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, id.ID{}, nil, err
	}
	for _, m := range members {
		err := s.Units.InTenant(ctx, m.Merchant, func(ctx context.Context) error {
			hash, err := s.Store.Password(ctx, m)
			hashes = append(hashes, hash)
			return err
		})
		if err != nil {
			return nil, id.ID{}, nil, err
		}
	}
	return members, operator.ID, append(hashes, operator.PasswordHash), nil
}

// Find reads a member and her merchant, for a session's next request.
func (s *Service) Find(ctx context.Context, m Membership) (member Member, merchant lumo.Merchant, err error) {
	err = s.Units.InTenant(ctx, m.Merchant, func(ctx context.Context) error {
		if member, err = s.Store.Member(ctx, m); err != nil {
			return err
		}
		merchant, err = s.Store.Merchant(ctx, m.Merchant)
		return err
	})
	return member, merchant, fault.Wrap("account.Find", err)
}

// NormalEmail is how emails are compared: trimmed, lower case.
func NormalEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }
