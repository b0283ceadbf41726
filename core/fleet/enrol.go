package fleet

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	codeLife   = 15 * time.Minute
	codePrefix = "lec_"
	keyPrefix  = "lek_"
	maxName    = 80
)

// Code is a one-time code with which one edge may enrol.
type Code struct {
	ID        id.ID
	Name      string            // of the edge to be; empty = the edge names itself
	Merchants []lumo.MerchantID // scope of the edge; empty = all
	CreatedAt time.Time
	ExpiresAt time.Time
	Edge      id.ID // that used it; zero = none yet
}

// CreateCode makes a code with which one edge may enrol within 15 minutes, for merchants that
// exist. The text is shown this once. by is the operator, zero = the command line.
func (s *Service) CreateCode(ctx context.Context, by id.ID, name string, scope []lumo.MerchantID) (
	c Code, text lumo.Secret, err error) {
	const op = "fleet.CreateCode"
	code, hash := secret(codePrefix)
	c = Code{ID: s.c.NewID(), Merchants: scope, CreatedAt: s.c.Now(), ExpiresAt: s.c.Now().Add(codeLife)}
	if strings.TrimSpace(name) != "" {
		c.Name = cleanName(name)
	}
	err = s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		if err := s.checkScope(ctx, scope); err != nil {
			return err
		}
		if err := s.c.Store.AddCode(ctx, c, hash); err != nil {
			return err
		}
		return s.note(ctx, Entry{Operator: by, Action: ActionCode,
			Data: map[string]any{"name": c.Name, "merchants": len(scope)}})
	})
	return c, lumo.Secret(code), fault.Wrap(op, err)
}

// checkScope refuses merchants that edges could know nothing of.
func (s *Service) checkScope(ctx context.Context, scope []lumo.MerchantID) error {
	if len(scope) == 0 {
		return nil
	}
	known, err := s.c.Store.Merchants(ctx)
	if err != nil {
		return err
	}
	for _, m := range scope {
		if !slices.Contains(known, m) {
			return fault.New(fault.Invalid, "fleet.checkScope",
				"The merchant %s does not exist or has no LINE account yet.", m)
		}
	}
	return nil
}

// Code tells what became of a code.
func (s *Service) Code(ctx context.Context, code id.ID) (c Code, err error) {
	err = s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		c, err = s.c.Store.Code(ctx, code)
		return err
	})
	return c, fault.Wrap("fleet.Code", err)
}

// Enrol makes an edge of whoever brings a code that still works.
func (s *Service) Enrol(ctx context.Context, code, name string) (Identity, error) {
	const op = "fleet.Enrol"
	key, keyHash := secret(keyPrefix)
	e := Edge{ID: s.c.NewID(), Name: cleanName(name), CreatedAt: s.c.Now()}
	err := s.c.Tenants.InSystem(ctx, func(ctx context.Context) (err error) {
		if e, err = s.c.Store.Enrol(ctx, hashOf(strings.TrimSpace(code)), e, keyHash); err != nil {
			return err
		}
		return s.note(ctx, Entry{Edge: e.ID, Action: ActionEnrolled, Data: map[string]any{"name": e.Name}})
	})
	if fault.Is(err, fault.NotFound) {
		return Identity{}, fault.New(fault.Unauthenticated, op,
			"This code is unknown, used or more than 15 minutes old. Make a new one.")
	}
	if err != nil {
		return Identity{}, fault.Wrap(op, err)
	}
	s.c.Log.InfoContext(ctx, "an edge enrolled", "edge", e.ID.With(id.Edge))
	return Identity{Edge: e.ID, Key: lumo.Secret(key), SealingKey: s.c.Keys.Sealing.Public,
		ModuleKey: s.c.ModuleKey}, nil
}

// Authenticate finds the edge that a key names. It is asked on every call; what it remembers
// ends with each revocation, so that a revoked edge is out at once.
func (s *Service) Authenticate(ctx context.Context, key string) (e Edge, err error) {
	const op = "fleet.Authenticate"
	if !strings.HasPrefix(key, keyPrefix) {
		return Edge{}, fault.New(fault.Unauthenticated, op, "An edge key is missing.")
	}
	hash, now := hashOf(key), s.c.Now()
	e, ok, round := s.known.get(hash, now)
	if ok {
		return e, nil
	}
	err = s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		e, err = s.c.Store.ByKey(ctx, hash)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		err = s.c.Tenants.InSystem(ctx, func(ctx context.Context) error { return s.c.Store.Asked(ctx, hash, now) })
		if err != nil {
			return Edge{}, fault.Wrap(op, err)
		}
		return Edge{}, fault.New(fault.Unauthenticated, op, "This edge key is unknown or revoked.")
	}
	if err == nil {
		s.known.keep(hash, e, now, round)
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

// Edge is one edge, revoked or not.
func (s *Service) Edge(ctx context.Context, edge id.ID) (e Edge, err error) {
	err = s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		e, err = s.c.Store.Edge(ctx, edge)
		return err
	})
	return e, fault.Wrap("fleet.Edge", err)
}

// Revoke ends an edge: its key at once, its stream within a second wherever it is connected.
// name must be the edge's: whoever revokes typed it.
func (s *Service) Revoke(ctx context.Context, by, edge id.ID, name string) error {
	const op = "fleet.Revoke"
	err := s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		e, err := s.c.Store.Edge(ctx, edge)
		if err != nil {
			return err
		}
		if cleanName(name) != e.Name {
			return fault.New(fault.Invalid, op, "Type the name of the edge to revoke it.")
		}
		fresh, err := s.c.Store.Revoke(ctx, edge, s.c.Now())
		if err != nil || !fresh {
			return err
		}
		s.c.Tenants.AfterCommit(ctx, s.anyRevoked)
		return s.note(ctx, Entry{Edge: edge, Operator: by, Action: ActionRevoked})
	})
	return fault.Wrap(op, err)
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

// cleanName keeps a name short, on one line, and as text that can be stored.
func cleanName(name string) string {
	name = strings.ToValidUTF8(strings.ReplaceAll(name, "\x00", ""), "")
	name = strings.Join(strings.Fields(name), " ")
	if runes := []rune(name); len(runes) > maxName {
		name = string(runes[:maxName])
	}
	if name == "" {
		return "edge"
	}
	return name
}
