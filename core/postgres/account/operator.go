package account

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/account"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// CreateOperator makes an operator.
func (s *Store) CreateOperator(ctx context.Context, o account.Operator, now time.Time) error {
	const op = "postgres.account.CreateOperator"
	sealed, err := s.vault.SealSystem("operator", "email", o.ID.String(), []byte(o.Email))
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO operator (id, name, email_bidx, email_enc, password_hash, created_at)
		VALUES ($1, $2, $3, $4, $5, $6)`, o.ID, o.Name, s.vault.IndexSystem("email", o.Email), sealed, o.PasswordHash, now)
	return postgres.Fault(op, err)
}

// RemoveOperator forgets an operator. What she did stays in the log.
func (s *Store) RemoveOperator(ctx context.Context, email string) error {
	const op = "postgres.account.RemoveOperator"
	tag, err := postgres.Tx(ctx).Exec(ctx, `
		DELETE FROM operator
		WHERE email_bidx = $1`, s.vault.IndexSystem("email", email))
	if err == nil && tag.RowsAffected() == 0 {
		return fault.New(fault.NotFound, op, "")
	}
	return postgres.Fault(op, err)
}

// Operator finds an operator by email.
func (s *Store) Operator(ctx context.Context, email string) (o account.Operator, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
		SELECT id, password_hash
		FROM operator
		WHERE email_bidx = $1`, s.vault.IndexSystem("email", email)).Scan(&o.ID, &o.PasswordHash)
	return o, postgres.Fault("postgres.account.Operator", err)
}

// OperatorByID reads an operator.
func (s *Store) OperatorByID(ctx context.Context, operator id.ID) (account.Operator, error) {
	const op = "postgres.account.OperatorByID"
	o := account.Operator{ID: operator}
	var email []byte
	err := postgres.Tx(ctx).QueryRow(ctx, `
		SELECT name, email_enc
		FROM operator
		WHERE id = $1`, operator).Scan(&o.Name, &email)
	if err != nil {
		return account.Operator{}, postgres.Fault(op, err)
	}
	plain, err := s.vault.OpenSystem("operator", "email", operator.String(), email)
	o.Email = string(plain)
	return o, fault.Wrap(op, err)
}

// Operators are ids and names of all of them.
func (s *Store) Operators(ctx context.Context) ([]account.Operator, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
		SELECT id, name
		FROM operator
		ORDER BY id`)
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (o account.Operator, err error) {
		return o, r.Scan(&o.ID, &o.Name)
	})
	return all, postgres.Fault("postgres.account.Operators", err)
}
