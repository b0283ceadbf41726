package connection

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"strings"
	"time"

	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/webhooksig"
)

// Hook is a system webhook as Klaviyo is told of it.
type Hook struct {
	Name        string
	Description string
	URL         string
	Secret      lumo.Secret
	Topics      []string
}

// HookState is whether Klaviyo tells us of merges.
type HookState string

// The states of the system webhook.
const (
	HookNone   HookState = "none"
	HookOn     HookState = "on"
	HookFailed HookState = "failed" // Klaviyo refused it; merges are noticed on the next write
)

// SystemHook is an account's webhook as we keep it.
type SystemHook struct {
	Number uint32 // of the account, in edge tables
	Key    string // public key in /hooks/klaviyo/system/{key}
	Secret lumo.Secret
	ID     string // Klaviyo's
	State  HookState
}

// hookTopics are what Lumo wants to be told of.
func hookTopics() []string { return []string{"event:klaviyo.merged_profile"} }

const (
	hookSecretBytes = 32
	hookTimeout     = 8 * time.Second
	timestampHeader = "Klaviyo-Timestamp"
	signatureHeader = "Klaviyo-Signature"
	systemPath      = "/hooks/klaviyo/system/"
)

// EnsureHook has Klaviyo tell us of merges; it does nothing where that is so. Key and secret
// are stored, and with the edges, before Klaviyo learns of them. An account whose approval
// lacks the permission stays without: merges are then noticed on the next write.
func (s *Service) EnsureHook(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) error {
	const op = "connection.EnsureHook"
	ctx, cancel := context.WithTimeout(ctx, hookTimeout)
	defer cancel()
	var hook SystemHook
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) (err error) {
		if hook, err = s.c.Store.SystemHook(ctx, m, a); err != nil || hook.State == HookOn {
			return err
		}
		if hook.Key == "" || hook.Secret == "" {
			hook.Key, hook.Secret = publicKey(), lumo.Secret(random(hookSecretBytes))
			if err := s.c.Store.SetSystemHook(ctx, m, a, hook, s.c.Now()); err != nil {
				return err
			}
		}
		return s.tellEdges(ctx, m, hook)
	})
	if err != nil || hook.State == HookOn {
		return fault.Wrap(op, err)
	}
	if err := s.c.Fleet.WaitApplied(ctx, hookTimeout/2); err != nil {
		return fault.Wrap(op, err)
	}
	hook.ID, err = call(ctx, s, m, a, func(token lumo.Secret) (string, error) {
		return s.c.Data.CreateHook(ctx, token, Hook{Name: "Lumo", URL: s.c.EdgeURL + systemPath + hook.Key,
			Description: "Tells Lumo when two customers become one.", Secret: hook.Secret, Topics: hookTopics()})
	})
	if kind := fault.KindOf(err); kind == fault.Unavailable || kind == fault.Limited {
		return fault.Wrap(op, err) // looked at again
	}
	if hook.State = HookOn; err != nil {
		hook.State = HookFailed
		s.c.Log.WarnContext(ctx, "klaviyo tells no merges", "merchant", m.String(), "error", err)
	}
	return fault.Wrap(op, s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		return s.c.Store.SetSystemHook(ctx, m, a, hook, s.c.Now())
	}))
}

func (s *Service) tellEdges(ctx context.Context, m lumo.MerchantID, h SystemHook) error {
	key := edgeapi.Ref(edgeapi.KeyKlaviyo, 1, h.Number).Append(nil)
	if err := s.c.Fleet.Changed(ctx, m, edgeapi.TableKey, key); err != nil {
		return err
	}
	return s.c.Fleet.Changed(ctx, m, edgeapi.TableHook, edgeapi.HookKey(edgeapi.KeyKlaviyo, h.Key))
}

// Genuine tells whether Klaviyo signed a request of an account's system webhook.
func (s *Service) Genuine(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, r lumo.EdgeRequest) (
	bool, error) {
	if r.Auth == lumo.AuthRefused {
		return false, nil
	}
	var hook SystemHook
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) (err error) {
		hook, err = s.c.Store.SystemHook(ctx, m, a)
		return err
	})
	if err != nil || hook.Secret == "" {
		return false, fault.Wrap("connection.Genuine", err)
	}
	return webhooksig.VerifyKlaviyo(hook.Secret.Reveal(), r.Body, r.Header[timestampHeader],
		r.Header[signatureHeader]), nil
}

// publicKey is a random name for a URL: 16 characters of a-z2-7.
func publicKey() string {
	var raw [10]byte
	rand.Read(raw[:]) // never fails
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw[:]))
}
