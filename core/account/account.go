// Package account owns merchants, members, roles, sign-in and the audit log.
//
// A person signs in with an email and may be a member of several merchants; what she may
// do is decided for each merchant by her role there. All causes of a failed sign-in look
// the same from outside, in words and in time. The audit log only grows.
package account

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Member is a person inside one merchant.
type Member struct {
	Merchant lumo.MerchantID
	ID       lumo.MemberID
	Email    string
	Name     string
	Role     lumo.Role
	Language string
	// StepsHidden says that she hid the first steps from her Home.
	StepsHidden bool
}

// Credentials are what a sign-in is checked against.
type Credentials struct {
	Merchant     lumo.MerchantID
	Member       lumo.MemberID
	PasswordHash string
}

// Operator runs the system. She sees merchants' names and counts, never their content.
type Operator struct {
	ID           id.ID
	Name         string // merchants see it where she stopped sending
	Email        string
	PasswordHash string
}

// Store keeps accounts. Methods with a merchant run in its transaction, the others in one
// without tenant.
type Store interface {
	// ByEmail lists the memberships of an email; none is no error.
	ByEmail(ctx context.Context, email string) ([]Membership, error)
	// Password reads one membership's hash.
	Password(ctx context.Context, m Membership) (string, error)
	Member(ctx context.Context, m Membership) (Member, error)
	Merchant(ctx context.Context, m lumo.MerchantID) (lumo.Merchant, error)
	// CreateMerchant answers fault.Conflict when the slug is taken.
	CreateMerchant(ctx context.Context, m lumo.Merchant, now time.Time) error
	UpdateMerchant(ctx context.Context, m lumo.Merchant, now time.Time) error
	// Merchants are all merchants, newest first.
	Merchants(ctx context.Context) ([]lumo.MerchantID, error)
	// Shop counts what a merchant has.
	Shop(ctx context.Context, m lumo.MerchantID, now time.Time) (Shop, error)
}

// MemberStore makes and changes members.
type MemberStore interface {
	// CreateMember answers fault.Conflict when the merchant has the email already.
	CreateMember(ctx context.Context, m Member, passwordHash string, now time.Time) error
	SetLanguage(ctx context.Context, m Membership, language string, now time.Time) error
	// HideSteps hides the first steps from a member's Home; zero shows them again.
	HideSteps(ctx context.Context, m Membership, at time.Time, now time.Time) error
	// CreateOperator answers fault.Conflict when the email is an operator's already.
	CreateOperator(ctx context.Context, o Operator, now time.Time) error
	// RemoveOperator is fault.NotFound for an email that is none's.
	RemoveOperator(ctx context.Context, email string) error
	// Operator finds her by her email, for signing in: id and password alone.
	Operator(ctx context.Context, email string) (Operator, error)
	Operators(ctx context.Context) ([]Operator, error)
	OperatorByID(ctx context.Context, operator id.ID) (Operator, error)
}

// Tries counts sign-ins, so that passwords cannot be guessed.
type Tries interface {
	// Count adds one try of a subject within a window and tells how many there were and
	// when the window ends.
	Count(ctx context.Context, subject string, now time.Time, window time.Duration) (int, time.Time, error)
	Forget(ctx context.Context, subject string) error
}

// AuditStore appends to the audit log, inside the transaction of the change.
type AuditStore interface {
	Append(ctx context.Context, entry id.ID, e lumo.AuditEntry, now time.Time) error
}

// Membership is a person's place in one merchant.
type Membership struct {
	Merchant lumo.MerchantID
	Member   lumo.MemberID
}

// Units runs units of work.
type Units interface {
	InTenant(ctx context.Context, m lumo.MerchantID, fn func(context.Context) error) error
	InSystem(ctx context.Context, fn func(context.Context) error) error
}

// Config is what the service needs; all fields are required.
type Config struct {
	Units    Units
	Store    Store
	Members  MemberStore
	Tries    Tries
	Audit    AuditStore
	Keys     KeyStore
	Sessions SessionStore
	Filters  FilterStore
	Hasher   *Hasher
	NewID    func() id.ID
	Now      func() time.Time
}

// Service is the capability.
type Service struct{ Config }

// New makes the service.
func New(c Config) *Service { return &Service{c} }

// Audit appends one entry in the transaction of ctx.
func (s *Service) Audit(ctx context.Context, e lumo.AuditEntry) error {
	return fault.Wrap("account.Audit", s.Config.Audit.Append(ctx, s.NewID(), e, s.Now()))
}

// Allows tells whether a role includes another one.
func Allows(have, need lumo.Role) bool { return rank(have) >= rank(need) && rank(need) > 0 }

func rank(r lumo.Role) int {
	switch r {
	case lumo.Owner:
		return 4
	case lumo.Admin:
		return 3
	case lumo.Marketer:
		return 2
	case lumo.Viewer:
		return 1
	}
	return 0
}
