package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// An API key is lak_ and 32 random bytes in base64url.
const (
	keyPrefix = "lak_"
	keyLength = len(keyPrefix) + 43
	keysMost  = 100
	usedEvery = time.Minute
)

// Right is how far a key reaches in an area; each includes the ones before it.
type Right string

// The rights, and the role that each stands for.
const (
	MayRead   Right = "read"
	MayWrite  Right = "write"
	MayManage Right = "manage"
)

// Areas are what rights are given for.
func Areas() []string { return []string{"friends", "linking", "messages", "flows", "settings"} }

// APIKey is a key without its secret.
type APIKey struct {
	ID         id.ID
	Name       string
	Last4      string
	Rights     map[string]Right
	Channels   []lumo.ChannelID // empty = all
	CreatedBy  lumo.MemberID
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero = never
	LastUsedAt time.Time // zero = never
	RevokedAt  time.Time // zero = valid
}

// role is the role that a key has in an area; none is empty.
func (k APIKey) role(area string) lumo.Role {
	switch k.Rights[area] {
	case MayRead:
		return lumo.Viewer
	case MayWrite:
		return lumo.Marketer
	case MayManage:
		return lumo.Admin
	}
	return ""
}

// KeyStore keeps API keys; with a merchant in its transaction, else in one without tenant.
type KeyStore interface {
	AddKey(ctx context.Context, m lumo.MerchantID, k APIKey, hash [32]byte) error
	Keys(ctx context.Context, m lumo.MerchantID) ([]APIKey, error)
	Key(ctx context.Context, m lumo.MerchantID, v id.ID) (APIKey, error)
	// RevokeKey ends a key at once.
	RevokeKey(ctx context.Context, m lumo.MerchantID, v id.ID, now time.Time) error
	KeyUsed(ctx context.Context, m lumo.MerchantID, v id.ID, now time.Time) error
	// ByHash finds whose key it is; nobody's is fault.NotFound.
	ByHash(ctx context.Context, hash [32]byte) (lumo.MerchantID, id.ID, error)
}

// CreateKey makes a key and gives its secret, this once.
func (s *Service) CreateKey(ctx context.Context, who Membership, address string, k APIKey) (
	made APIKey, secret string, err error) {
	const op = "account.CreateKey"
	k.Name = strings.TrimSpace(k.Name)
	if err := k.check(op, s.Now()); err != nil {
		return APIKey{}, "", err
	}
	var raw [32]byte
	rand.Read(raw[:]) // never fails
	secret = keyPrefix + base64.RawURLEncoding.EncodeToString(raw[:])
	k.ID, k.Last4, k.CreatedBy, k.CreatedAt = s.NewID(), secret[len(secret)-4:], who.Member, s.Now()
	err = s.Units.InTenant(ctx, who.Merchant, func(ctx context.Context) error {
		all, err := s.Keys.Keys(ctx, who.Merchant)
		if err != nil {
			return err
		}
		if len(all) >= keysMost {
			return fault.New(fault.Conflict, op, "There are %d keys already. Revoke some first.", keysMost)
		}
		if err := s.Keys.AddKey(ctx, who.Merchant, k, sha256.Sum256([]byte(secret))); err != nil {
			return err
		}
		return s.auditKey(ctx, who, address, "api_key.create", k)
	})
	return k, secret, fault.Wrap(op, err)
}

func (k APIKey) check(op string, now time.Time) error {
	fields := map[string]string{}
	if k.Name == "" || len(k.Name) > maxName {
		fields["name"] = "Give the key a name, at most 80 characters."
	}
	known := map[string]bool{}
	for _, area := range Areas() {
		known[area] = true
	}
	for area := range k.Rights {
		if !known[area] || k.role(area) == "" {
			fields["rights"] = "Choose read, write or manage for the areas listed."
		}
	}
	if len(k.Rights) == 0 {
		fields["rights"] = "Choose at least one right."
	}
	if !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(now) {
		fields["expires_at"] = "Choose a day in the future."
	}
	if len(fields) > 0 {
		return &fault.Error{Kind: fault.Invalid, Op: op, Fields: fields}
	}
	return nil
}

func (s *Service) auditKey(ctx context.Context, who Membership, address, action string, k APIKey) error {
	return s.Audit(ctx, lumo.AuditEntry{ActorKind: "member", Actor: id.ID(who.Member), Address: address, Action: action,
		TargetKind: "api_key", Target: k.ID.With(id.FlowKey), Data: map[string]any{"name": k.Name, "last4": k.Last4}})
}

// ListKeys are a merchant's keys, newest first.
func (s *Service) ListKeys(ctx context.Context, m lumo.MerchantID) (all []APIKey, err error) {
	err = s.Units.InTenant(ctx, m, func(ctx context.Context) error {
		all, err = s.Keys.Keys(ctx, m)
		return err
	})
	return all, fault.Wrap("account.ListKeys", err)
}

// RevokeKey ends a key: the next request with it is refused.
func (s *Service) RevokeKey(ctx context.Context, who Membership, address string, v id.ID) (k APIKey, err error) {
	err = s.Units.InTenant(ctx, who.Merchant, func(ctx context.Context) error {
		if k, err = s.Keys.Key(ctx, who.Merchant, v); err != nil || !k.RevokedAt.IsZero() {
			return err
		}
		k.RevokedAt = s.Now()
		if err := s.Keys.RevokeKey(ctx, who.Merchant, v, k.RevokedAt); err != nil {
			return err
		}
		return s.auditKey(ctx, who, address, "api_key.revoke", k)
	})
	return k, fault.Wrap("account.RevokeKey", err)
}

// ByKey finds who a presented key speaks for, and what it may do in an area. A key that is
// unknown, revoked or expired is fault.Unauthenticated, whichever it is.
func (s *Service) ByKey(ctx context.Context, secret, area string, channel string) (
	member Member, merchant lumo.Merchant, err error) {
	const op = "account.ByKey"
	refused := fault.New(fault.Unauthenticated, op, "This API key is not valid.")
	if len(secret) != keyLength || !strings.HasPrefix(secret, keyPrefix) {
		return Member{}, lumo.Merchant{}, refused
	}
	var m lumo.MerchantID
	var v id.ID
	err = s.Units.InSystem(ctx, func(ctx context.Context) error {
		m, v, err = s.Keys.ByHash(ctx, sha256.Sum256([]byte(secret)))
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return Member{}, lumo.Merchant{}, refused
	}
	if err != nil {
		return Member{}, lumo.Merchant{}, fault.Wrap(op, err)
	}
	var k APIKey
	err = s.Units.InTenant(ctx, m, func(ctx context.Context) error {
		if k, err = s.Keys.Key(ctx, m, v); err != nil {
			return err
		}
		if merchant, err = s.Store.Merchant(ctx, m); err != nil || s.Now().Sub(k.LastUsedAt) < usedEvery {
			return err
		}
		return s.Keys.KeyUsed(ctx, m, v, s.Now())
	})
	switch {
	case err != nil:
		return Member{}, lumo.Merchant{}, fault.Wrap(op, err)
	case !k.RevokedAt.IsZero(), !k.ExpiresAt.IsZero() && !s.Now().Before(k.ExpiresAt):
		return Member{}, lumo.Merchant{}, refused
	case !k.reaches(channel):
		return Member{}, lumo.Merchant{}, fault.New(fault.Forbidden, op, "This API key is not for this LINE account.")
	}
	return Member{Merchant: m, ID: lumo.MemberID(v), Name: k.Name, Role: k.role(area), Language: "en"}, merchant, nil
}

// reaches tells whether a key is for what a path names: an account, or with an empty channel
// the shop as a whole.
func (k APIKey) reaches(channel string) bool {
	if len(k.Channels) == 0 {
		return true
	}
	for _, c := range k.Channels {
		if c.String() == strings.ToLower(channel) {
			return true
		}
	}
	return false
}
