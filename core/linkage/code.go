package linkage

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	codeNameMax = 80
	codeTagsMax = 20
	welcomeMax  = 5000 // UTF-16 units, LINE's limit of a text
)

// edgesLimit is how long a new code waits for the edges, so that it works when it is shown.
const edgesLimit = 5 * time.Second

// CodeContent is what a person decides about a code.
type CodeContent struct {
	Name      string
	Tags      []lumo.TagID   // that whom it links gets
	Welcome   string         // text that whom it links gets once; empty = none
	Message   lumo.MessageID // saved message that they get instead; zero = none
	ExpiresAt time.Time      // zero = never
	Live      bool
}

// Says tells whether whom it links gets a message.
func (n CodeContent) Says() bool { return n.Welcome != "" || n.Message != (lumo.MessageID{}) }

// NewCode is a code as a person makes it.
type NewCode struct {
	CodeContent
	IdentifyBy IdentifyBy
}

// CreateCode makes a custom QR code and tells the edges of it.
func (s *Service) CreateCode(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID,
	by lumo.MemberID, n NewCode) (code Code, err error) {
	const op = "linkage.CreateCode"
	if err := n.tidy(op, s.c.Now()); err != nil {
		return Code{}, err
	}
	n.Live = true
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		saved, err := s.sendable(ctx, m, c, n.Message)
		if err != nil {
			return err
		}
		if code, err = s.addCode(ctx, m, c, n, lumo.FormID{}); err != nil {
			return err
		}
		code.Saved = saved
		return s.noteCode(ctx, m, code, by, "qr_code.create",
			map[string]any{"identify_by": string(n.IdentifyBy)})
	})
	if err != nil {
		return Code{}, fault.Wrap(op, err)
	}
	s.waitForEdges(ctx)
	return code, nil
}

func (s *Service) addCode(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, n NewCode,
	form lumo.FormID) (Code, error) {
	return s.c.Codes.AddCode(ctx, m, Code{ID: lumo.CodeID(s.c.NewID()), Channel: c, Key: newKey(),
		CodeContent: n.CodeContent, IdentifyBy: n.IdentifyBy, Form: form, CreatedAt: s.c.Now()})
}

// ChangeCode changes what a code is called and does. What it identifies by stays: emails
// with its URL have been sent.
func (s *Service) ChangeCode(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, id lumo.CodeID,
	by lumo.MemberID, n CodeContent) (code Code, err error) {
	const op = "linkage.ChangeCode"
	if err := n.tidy(op, time.Time{}); err != nil {
		return Code{}, err
	}
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if code, err = s.codeOf(ctx, m, c, id); err != nil {
			return err
		}
		changed := changes(code.CodeContent, n)
		if len(changed) == 0 {
			return nil
		}
		if n.Message != code.Message { // one that was put away since must not keep a code from being paused
			if code.Saved, err = s.sendable(ctx, m, c, n.Message); err != nil {
				return err
			}
		}
		code.CodeContent = n
		if err := s.c.Codes.SetCode(ctx, m, code, s.c.Now()); err != nil {
			return err
		}
		return s.noteCode(ctx, m, code, by, "qr_code.change", map[string]any{"changed": changed})
	})
	if err != nil {
		return Code{}, fault.Wrap(op, err)
	}
	s.waitForEdges(ctx)
	return code, nil
}

// noteCode tells edges, open pages and the audit log of a change.
func (s *Service) noteCode(ctx context.Context, m lumo.MerchantID, code Code, by lumo.MemberID,
	action string, data map[string]any) error {
	if err := s.c.Fleet.Changed(ctx, m, edgeapi.TableCode, []byte(code.Key)); err != nil {
		return err
	}
	s.c.Watcher.CodeChanged(ctx, m, code.Channel, code.ID)
	return s.c.Auditor.Audit(ctx, lumo.AuditEntry{ActorKind: "member", Actor: id.ID(by),
		Action: action, TargetKind: "qr_code", Target: code.ID.String(), Data: data})
}

// waitForEdges lets what was changed work by the time it is shown.
func (s *Service) waitForEdges(ctx context.Context) {
	if err := s.c.Fleet.WaitApplied(ctx, edgesLimit); err != nil && ctx.Err() == nil {
		s.c.Log.WarnContext(ctx, "edges are behind", "error", err)
	}
}

// changes names what differs, without saying what it is: a text may name people.
func changes(old, now CodeContent) (names []string) {
	for name, differs := range map[string]bool{
		"name": old.Name != now.Name, "tags": !slices.Equal(old.Tags, now.Tags),
		"welcome": old.Welcome != now.Welcome, "message": old.Message != now.Message, "expires_at": !old.ExpiresAt.Equal(now.ExpiresAt),
		"state": old.Live != now.Live,
	} {
		if differs {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (n *NewCode) tidy(op string, now time.Time) error {
	switch n.IdentifyBy {
	case ByProfile, ByEmail, ByPhone, ByNothing:
	default:
		return &fault.Error{Kind: fault.Invalid, Op: op, Fields: map[string]string{
			"identify_by": "Choose what the code identifies customers by."}}
	}
	return n.CodeContent.tidy(op, now)
}

// tidy brings what was typed into its one form and says what cannot stay. A code that ends
// before now is refused when it is new; now is zero for one that exists.
func (n *CodeContent) tidy(op string, now time.Time) error {
	fields := map[string]string{}
	n.Name, n.Welcome = strings.TrimSpace(n.Name), strings.TrimSpace(n.Welcome)
	if n.Name == "" || utf8.RuneCountInString(n.Name) > codeNameMax {
		fields["name"] = "Enter a name of up to 80 characters."
	}
	if len(utf16.Encode([]rune(n.Welcome))) > welcomeMax {
		fields["welcome"] = "The message is longer than LINE's 5,000 characters."
	}
	if n.Welcome != "" && n.Message != (lumo.MessageID{}) {
		fields["welcome"] = "Write a text, or choose a saved message."
	}
	if strings.Contains(n.Welcome, "{{") || strings.Contains(n.Welcome, "{%") {
		fields["welcome"] = "Klaviyo's {{ }} is not filled in here. Write the text as people shall read it."
	}
	if !n.ExpiresAt.IsZero() && !now.IsZero() && !n.ExpiresAt.After(now) {
		fields["expires_at"] = "Choose a time to come."
	}
	if len(n.Tags) > codeTagsMax {
		fields["tags"] = "Choose up to 20 tags."
	}
	if len(fields) > 0 {
		return &fault.Error{Kind: fault.Invalid, Op: op, Fields: fields}
	}
	return nil
}

// newKey makes a random name for a URL: 16 characters of a-z2-7, never given twice.
func newKey() string {
	var raw [10]byte
	rand.Read(raw[:]) // never fails
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw[:]))
}
