package fleet

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

const (
	codeLife   = time.Hour
	codePrefix = "lec_"
	keyPrefix  = "lek_"
	maxName    = 80
)

// CreateCode makes a code with which one edge may enrol within an hour.
func (s *Service) CreateCode(ctx context.Context) (string, error) {
	code, hash := secret(codePrefix)
	err := s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		return s.c.Store.AddCode(ctx, hash, s.c.Now(), s.c.Now().Add(codeLife))
	})
	return code, fault.Wrap("fleet.CreateCode", err)
}

// Enrol makes an edge of whoever brings a code that still works.
func (s *Service) Enrol(ctx context.Context, code, name string) (Identity, error) {
	const op = "fleet.Enrol"
	key, keyHash := secret(keyPrefix)
	e := Edge{ID: s.c.NewID(), Name: cleanName(name), CreatedAt: s.c.Now()}
	err := s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		return s.c.Store.Enrol(ctx, hashOf(strings.TrimSpace(code)), e, keyHash)
	})
	if fault.Is(err, fault.NotFound) {
		return Identity{}, fault.New(fault.Unauthenticated, op,
			"This code is unknown, used or more than an hour old. Make a new one.")
	}
	if err != nil {
		return Identity{}, fault.Wrap(op, err)
	}
	s.c.Log.InfoContext(ctx, "an edge enrolled", "edge", e.ID.With(id.Edge))
	return Identity{Edge: e.ID, Key: lumo.Secret(key), SealingKey: s.c.Keys.Sealing.Public,
		ModuleKey: s.c.ModuleKey}, nil
}

// Authenticate finds the edge that a key names. It is asked on every call, so that a
// revoked edge is out at once.
func (s *Service) Authenticate(ctx context.Context, key string) (e Edge, err error) {
	const op = "fleet.Authenticate"
	if !strings.HasPrefix(key, keyPrefix) {
		return Edge{}, fault.New(fault.Unauthenticated, op, "An edge key is missing.")
	}
	err = s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		e, err = s.c.Store.ByKey(ctx, hashOf(key))
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return Edge{}, fault.New(fault.Unauthenticated, op, "This edge key is unknown or revoked.")
	}
	return e, fault.Wrap(op, err)
}

// Edges are all edges that are not revoked, oldest first.
func (s *Service) Edges(ctx context.Context) (list []Edge, err error) {
	err = s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		list, err = s.c.Store.Edges(ctx)
		return err
	})
	return list, fault.Wrap("fleet.Edges", err)
}

// Revoke ends an edge: its key, and its stream within a second.
func (s *Service) Revoke(ctx context.Context, edge id.ID) error {
	err := s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		return s.c.Store.Revoke(ctx, edge, s.c.Now())
	})
	return fault.Wrap("fleet.Revoke", err)
}

// secret is 32 random bytes as text, and the hash under which they are stored.
func secret(prefix string) (text string, hash []byte) {
	var raw [32]byte
	rand.Read(raw[:]) // never fails
	text = prefix + base64.RawURLEncoding.EncodeToString(raw[:])
	return text, hashOf(text)
}

func hashOf(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// cleanName keeps a name short and on one line.
func cleanName(name string) string {
	name = strings.Join(strings.Fields(name), " ")
	if runes := []rune(name); len(runes) > maxName {
		name = string(runes[:maxName])
	}
	if name == "" {
		return "edge"
	}
	return name
}
