package account

import (
	"context"
	"strings"

	"lumo/shared/fault"
	"lumo/shared/id"
)

// CreateOperator adds a person who runs the system. Without a name she is called what stands
// before the @ of her email.
func (s *Service) CreateOperator(ctx context.Context, name, email, password string) error {
	const op = "account.CreateOperator"
	if err := checkNew(op, email, password); err != nil {
		return err
	}
	email = NormalEmail(email)
	if name = strings.TrimSpace(name); name == "" {
		name, _, _ = strings.Cut(email, "@")
	}
	if len(name) > maxName {
		return fault.New(fault.Invalid, op, "The name is too long.")
	}
	hash, err := s.Hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	err = s.Units.InSystem(ctx, func(ctx context.Context) error {
		return s.Members.CreateOperator(ctx, Operator{ID: s.NewID(), Name: name, Email: email, PasswordHash: hash}, s.Now())
	})
	if fault.Is(err, fault.Conflict) {
		return &fault.Error{Kind: fault.Conflict, Op: op, Message: "This email is an operator's already.", Err: err}
	}
	return fault.Wrap(op, err)
}

// RemoveOperator takes the right to run the system from a person. Her sessions end with it.
func (s *Service) RemoveOperator(ctx context.Context, email string) error {
	const op = "account.RemoveOperator"
	err := s.Units.InSystem(ctx, func(ctx context.Context) error {
		return s.Members.RemoveOperator(ctx, NormalEmail(email))
	})
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, op, "This email is no operator's.")
	}
	return fault.Wrap(op, err)
}

// FindOperator reads an operator, for a session's next request; fault.NotFound once she was
// removed.
func (s *Service) FindOperator(ctx context.Context, operator id.ID) (o Operator, err error) {
	err = s.Units.InSystem(ctx, func(ctx context.Context) error {
		o, err = s.Members.OperatorByID(ctx, operator)
		return err
	})
	return o, fault.Wrap("account.FindOperator", err)
}

// Operators are all who run the system.
func (s *Service) Operators(ctx context.Context) (all []Operator, err error) {
	err = s.Units.InSystem(ctx, func(ctx context.Context) error {
		all, err = s.Members.Operators(ctx)
		return err
	})
	return all, fault.Wrap("account.Operators", err)
}
