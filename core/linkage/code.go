package linkage

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"html"
	"strings"
	"time"
	"unicode/utf8"

	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const codeNameMax = 80

// edgesLimit is how long a new code waits for the edges, so that it works when it is shown.
const edgesLimit = 5 * time.Second

// NewCode is a code as a person makes it.
type NewCode struct {
	Name       string
	IdentifyBy IdentifyBy
}

// CreateCode makes a custom QR code and tells the edges of it.
func (s *Service) CreateCode(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID,
	by lumo.MemberID, n NewCode) (code Code, err error) {
	const op = "linkage.CreateCode"
	n.Name = strings.TrimSpace(n.Name)
	if err := n.validate(op); err != nil {
		return Code{}, err
	}
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		code, err = s.c.Codes.AddCode(ctx, m, Code{ID: lumo.CodeID(s.c.NewID()), Channel: c,
			Key: newKey(), Name: n.Name, IdentifyBy: n.IdentifyBy, Live: true, CreatedAt: s.c.Now()})
		if err != nil {
			return err
		}
		if err := s.c.Fleet.Changed(ctx, m, edgeapi.TableCode, []byte(code.Key)); err != nil {
			return err
		}
		s.c.Watcher.CodeChanged(ctx, m, c, code.ID)
		return s.c.Auditor.Audit(ctx, lumo.AuditEntry{ActorKind: "member", Actor: id.ID(by),
			Action: "qr_code.create", TargetKind: "qr_code", Target: code.ID.String(),
			Data: map[string]any{"identify_by": string(n.IdentifyBy)}})
	})
	if err != nil {
		return Code{}, fault.Wrap(op, err)
	}
	if err := s.c.Fleet.WaitApplied(ctx, edgesLimit); err != nil && ctx.Err() == nil {
		s.c.Log.WarnContext(ctx, "edges are behind", "error", err)
	}
	return code, nil
}

func (n NewCode) validate(op string) error {
	fields := map[string]string{}
	if n.Name == "" || utf8.RuneCountInString(n.Name) > codeNameMax {
		fields["name"] = "Enter a name of up to 80 characters."
	}
	switch n.IdentifyBy {
	case ByProfile, ByEmail, ByPhone, ByNothing:
	default:
		fields["identify_by"] = "Choose what the code identifies customers by."
	}
	if len(fields) > 0 {
		return &fault.Error{Kind: fault.Invalid, Op: op, Fields: fields}
	}
	return nil
}

// Codes lists a channel's codes, newest first.
func (s *Service) Codes(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (list []Code, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		list, err = s.c.Codes.Codes(ctx, m, c)
		return err
	})
	return list, fault.Wrap("linkage.Codes", err)
}

// Snippets are what a merchant pastes into a Klaviyo email.
type Snippets struct {
	URL      string // leads to LINE
	ImageURL string // the QR code of that URL
	HTML     string
}

// Snippets fills in nothing: Klaviyo's template language does, per customer.
func (s *Service) Snippets(c Code) Snippets {
	base := s.c.EdgeURL + "/q/" + c.Key
	query := map[IdentifyBy]string{
		ByProfile: "?k={{ person.KlaviyoID }}",
		ByEmail:   "?e={{ email|urlencode }}",
		ByPhone:   "?t={{ person.phone_number|urlencode }}",
	}[c.IdentifyBy]
	out := Snippets{URL: base + query, ImageURL: base + ".png" + query}
	out.HTML = `<a href="` + out.URL + `"><img src="` + out.ImageURL +
		`" width="200" height="200" alt="` + html.EscapeString(c.Name) + `"></a>`
	return out
}

// newKey makes a random name for a URL: 16 characters of a-z2-7, never given twice.
func newKey() string {
	var raw [10]byte
	rand.Read(raw[:]) // never fails
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw[:]))
}
