package connection

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// tryLife is how long a member may take at Klaviyo.
const tryLife = 10 * time.Minute

const stateEntropy = 24

// Actor is the member who connects, and the session in which that happens: a try comes back
// only to the session that began it.
type Actor struct {
	Member  lumo.MemberID
	Session string // anything that names the session; only its hash is used
	Address string
}

// Outcome is how a try ended.
type Outcome string

// The outcomes, as the console's address carries them.
const (
	Connected Outcome = "connected"
	Refused   Outcome = "refused" // the member or Klaviyo said no; nothing was changed
	Failed    Outcome = "failed"
)

// Return is where a member lands after Klaviyo.
type Return struct {
	Slug    string // of the merchant; empty when the state names none
	Outcome Outcome
}

// Begin makes a try and gives the address of Klaviyo's consent page, with the optional
// permission where the member wants it.
func (s *Service) Begin(ctx context.Context, m lumo.MerchantID, by Actor, optional bool) (string, error) {
	const op = "connection.Begin"
	state, verifier := newState(m), random(32)
	scopes := Scopes()
	if optional {
		scopes = append(scopes, Optional())
	}
	address, err := s.c.Klaviyo.AuthorizeURL(state, verifier, names(scopes))
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	t := Try{Merchant: m, ID: s.c.NewID(), StateHash: stateHash(state, by.Session),
		Verifier: lumo.Secret(verifier), Member: by.Member, ExpiresAt: s.c.Now().Add(tryLife)}
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		return s.c.Store.AddTry(ctx, t, s.c.Now())
	})
	return address, fault.Wrap(op, err)
}

// Answer is what Klaviyo's consent page sent back.
type Answer struct {
	State string
	Code  string
	Error string // access_denied, ..; empty when approved
}

// Finish uses the try up and connects the account. The answer says where the member goes
// in any case; the error is for the log.
func (s *Service) Finish(ctx context.Context, by Actor, a Answer) (Return, error) {
	const op = "connection.Finish"
	m, ok := MerchantOf(a.State)
	if !ok {
		return Return{Outcome: Failed}, fault.As(fault.Invalid, op,
			errors.New("the state is not one of ours"))
	}
	t, slug, err := s.take(ctx, m, by, a.State)
	if err != nil {
		return Return{Outcome: Failed}, fault.Wrap(op, err)
	}
	if a.Error != "" || a.Code == "" {
		return Return{slug, Refused}, s.note(ctx, m, by, "klaviyo.refuse", m.String())
	}
	if err := s.connect(ctx, t, by, a.Code); err != nil {
		return Return{slug, Failed}, fault.Wrap(op, err)
	}
	return Return{slug, Connected}, nil
}

// take ends the try in a transaction of its own: whatever comes next, it is used.
func (s *Service) take(ctx context.Context, m lumo.MerchantID, by Actor, state string) (
	t Try, slug string, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		t, err = s.c.Store.TakeTry(ctx, m, stateHash(state, by.Session), by.Member, s.c.Now())
		if err != nil {
			return err
		}
		slug, err = s.c.Store.Slug(ctx, m)
		return err
	})
	return t, slug, err
}

// connect turns the code into tokens and stores them with the account they belong to.
func (s *Service) connect(ctx context.Context, t Try, by Actor, code string) error {
	tokens, err := s.c.Klaviyo.Exchange(ctx, code, t.Verifier.Reveal())
	if err != nil {
		return err
	}
	site, err := s.site(ctx, tokens.Access)
	if err != nil {
		return err
	}
	return s.c.Tenants.InTenant(ctx, t.Merchant, func(ctx context.Context) error {
		if err := s.onlyOne(ctx, t.Merchant, site); err != nil {
			return err
		}
		saved, err := s.c.Store.Save(ctx, Account{Merchant: t.Merchant,
			ID: lumo.AccountID(s.c.NewID()), Site: site, State: Working}, tokens, s.c.Now())
		if err != nil {
			return err
		}
		if err := s.c.Channels.JoinAccount(ctx, t.Merchant, saved.ID); err != nil {
			return err
		}
		s.c.Watcher.AccountChanged(ctx, t.Merchant, saved.ID)
		return s.note(ctx, t.Merchant, by, "klaviyo.connect", saved.ID.String())
	})
}

// What Klaviyo may ask a member to wait who comes back from approving.
const (
	siteTries   = 3
	longestWait = 5 * time.Second
)

// site asks which account tokens belong to. Klaviyo answers this about once a second; the code
// is used up by now, so a refusal is waited out instead of sending the member for another.
func (s *Service) site(ctx context.Context, access lumo.Secret) (Site, error) {
	for tries := 1; ; tries++ {
		site, err := s.c.Klaviyo.Account(ctx, access)
		var says interface{ RetryAfter() time.Duration }
		if !errors.As(err, &says) || says.RetryAfter() <= 0 || says.RetryAfter() > longestWait || tries == siteTries {
			return site, err
		}
		if ended := s.c.Wait(ctx, says.RetryAfter()); ended != nil {
			return site, err
		}
	}
}

// onlyOne refuses a second Klaviyo account beside a living one: channels belong to one.
func (s *Service) onlyOne(ctx context.Context, m lumo.MerchantID, site Site) error {
	accounts, err := s.c.Store.Accounts(ctx, m)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		if a.State != Off && a.Site.ID != site.ID {
			return fault.New(fault.Conflict, "connection.connect",
				"Another Klaviyo account is connected already.")
		}
	}
	return nil
}

func (s *Service) note(ctx context.Context, m lumo.MerchantID, by Actor, action, target string) error {
	return s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		return s.c.Auditor.Audit(ctx, lumo.AuditEntry{ActorKind: "member", Actor: id.ID(by.Member),
			Action: action, TargetKind: "klaviyo_account", Target: target, Address: by.Address})
	})
}

// newState names the merchant, since the callback's address does not, and 192 random bits.
func newState(m lumo.MerchantID) string {
	raw := make([]byte, len(m)+stateEntropy)
	copy(raw, m[:])
	rand.Read(raw[len(m):]) // never fails
	return base64.RawURLEncoding.EncodeToString(raw)
}

// MerchantOf is the merchant that a state names; ok is false for one that is not of our form.
func MerchantOf(state string) (m lumo.MerchantID, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(state)
	if err != nil || len(raw) != len(m)+stateEntropy {
		return m, false
	}
	copy(m[:], raw)
	return m, m != lumo.MerchantID{}
}

func stateHash(state, session string) []byte {
	sum := sha256.Sum256([]byte(state + "\x00" + session))
	return sum[:]
}

func random(n int) string {
	raw := make([]byte, n)
	rand.Read(raw) // never fails
	return base64.RawURLEncoding.EncodeToString(raw)
}
