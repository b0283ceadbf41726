package linkage

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// What a form shows after it was submitted.
const (
	ShowButton = "button"
	ShowQR     = "qr"
	ShowBoth   = "both" // the button on phones, the QR code elsewhere, each with the other beside it
)

const (
	formTextMax    = 120
	formOriginsMax = 20
)

// FormText is what customers read, in one language.
type FormText struct {
	Title  string `json:"title"`
	Button string `json:"button"`
	Code   string `json:"code"` // beside the QR code
	Close  string `json:"close"`
}

// FormContent is what a person decides about a form.
type FormContent struct {
	Name        string
	KlaviyoForm string // Klaviyo's id; empty = any form of the page
	Shows       string
	Texts       map[string]FormText // by two-letter language: en, ja, zh, th
	Origins     []string            // pages that may ask: https://shop.example
	Live        bool
	Tags        []lumo.TagID
	Welcome     string
}

// Form is a form of a shop page, after which customers can link themselves.
type Form struct {
	FormContent
	ID            lumo.FormID
	Channel       lumo.ChannelID
	Key           string      // public key in /f/{key}.js
	Code          lumo.CodeID // its links use this code's URL
	Submitted     int64
	Shown         int64
	Tapped        int64
	Friends       int64
	Linked        int64
	LastSubmitAt  time.Time
	PageURL       string
	PageState     PageState
	PageCheckedAt time.Time
	PageFoundAt   time.Time // when the script was last seen there
	CreatedAt     time.Time
}

// FormStore keeps forms.
type FormStore interface {
	AddForm(ctx context.Context, m lumo.MerchantID, f Form) error
	SetForm(ctx context.Context, m lumo.MerchantID, f Form, now time.Time) error
	Forms(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) ([]Form, error)
	Form(ctx context.Context, m lumo.MerchantID, f lumo.FormID) (Form, error)
	// SetPage stores what a look at a page showed.
	SetPage(ctx context.Context, m lumo.MerchantID, f lumo.FormID, page string, state PageState,
		now time.Time) error
	// PagesDue are forms whose page was not looked at since a time.
	PagesDue(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, before time.Time, limit int) (
		[]Form, error)
}

// KlaviyoForm is a form in Klaviyo.
type KlaviyoForm struct {
	ID   string
	Name string
	Live bool
}

// CreateForm makes a form with its script and claim at the edges.
func (s *Service) CreateForm(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID,
	by lumo.MemberID, n FormContent) (Form, error) {
	const op = "linkage.CreateForm"
	if err := n.tidy(op); err != nil {
		return Form{}, err
	}
	n.Live = true
	form := Form{FormContent: n, ID: lumo.FormID(s.c.NewID()), Channel: c, Key: newKey(),
		PageState: PageUnchecked, CreatedAt: s.c.Now()}
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		code, err := s.addCode(ctx, m, c, NewCode{CodeContent: form.code(), IdentifyBy: ByNothing}, form.ID)
		if err != nil {
			return err
		}
		form.Code = code.ID
		if err := s.c.Forms.AddForm(ctx, m, form); err != nil {
			return err
		}
		if err := s.c.Fleet.Changed(ctx, m, edgeapi.TableCode, []byte(code.Key)); err != nil {
			return err
		}
		return s.noteForm(ctx, m, form, by, "form.create")
	})
	if err != nil {
		return Form{}, fault.Wrap(op, err)
	}
	s.waitForEdges(ctx)
	return form, nil
}

// code is what the form's own QR code does.
func (n FormContent) code() CodeContent {
	return CodeContent{Name: n.Name, Tags: n.Tags, Welcome: n.Welcome, Live: n.Live}
}

// ChangeForm changes a form; its address stays.
func (s *Service) ChangeForm(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, id lumo.FormID,
	by lumo.MemberID, n FormContent) (form Form, err error) {
	const op = "linkage.ChangeForm"
	if err := n.tidy(op); err != nil {
		return Form{}, err
	}
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if form, err = s.formOf(ctx, m, c, id); err != nil {
			return err
		}
		form.FormContent = n
		if err := s.c.Forms.SetForm(ctx, m, form, s.c.Now()); err != nil {
			return err
		}
		code, err := s.c.Codes.Code(ctx, m, form.Code)
		if err != nil {
			return err
		}
		code.CodeContent = n.code()
		if err := s.c.Codes.SetCode(ctx, m, code, s.c.Now()); err != nil {
			return err
		}
		if err := s.c.Fleet.Changed(ctx, m, edgeapi.TableCode, []byte(code.Key)); err != nil {
			return err
		}
		return s.noteForm(ctx, m, form, by, "form.change")
	})
	if err != nil {
		return Form{}, fault.Wrap(op, err)
	}
	s.waitForEdges(ctx)
	return form, nil
}

func (s *Service) noteForm(ctx context.Context, m lumo.MerchantID, f Form, by lumo.MemberID,
	action string) error {
	if err := s.c.Fleet.Changed(ctx, m, edgeapi.TableForm, []byte(f.Key)); err != nil {
		return err
	}
	return s.c.Auditor.Audit(ctx, lumo.AuditEntry{ActorKind: "member", Actor: id.ID(by), Action: action,
		TargetKind: "form", Target: f.ID.String(),
		Data: map[string]any{"origins": f.Origins, "shows": f.Shows, "live": f.Live}})
}

// Forms lists a channel's forms, newest first.
func (s *Service) Forms(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (list []Form, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		list, err = s.c.Forms.Forms(ctx, m, c)
		return err
	})
	return list, fault.Wrap("linkage.Forms", err)
}

// Form reads one form of a channel.
func (s *Service) Form(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, id lumo.FormID) (
	form Form, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		form, err = s.formOf(ctx, m, c, id)
		return err
	})
	return form, fault.Wrap("linkage.Form", err)
}

func (s *Service) formOf(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, id lumo.FormID) (
	Form, error) {
	form, err := s.c.Forms.Form(ctx, m, id)
	if err == nil && form.Channel != c {
		err = fault.New(fault.NotFound, "linkage.formOf", "This form does not exist.")
	}
	return form, err
}

// KlaviyoForms are the forms of the Klaviyo account that a channel belongs to.
func (s *Service) KlaviyoForms(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (
	[]KlaviyoForm, error) {
	const op = "linkage.KlaviyoForms"
	of, err := s.c.Channels.Get(ctx, m, c)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	if of.KlaviyoAccount == (lumo.AccountID{}) {
		return nil, nil
	}
	list, err := s.c.Profiles.Forms(ctx, m, of.KlaviyoAccount)
	return list, fault.Wrap(op, err)
}

// ScriptURL is where a form's script is.
func (s *Service) ScriptURL(f Form) string { return s.c.EdgeURL + scriptPath(f.Key) }

func scriptPath(key string) string { return "/f/" + key + ".js" }

func (n *FormContent) tidy(op string) error {
	code := n.code()
	fields := fault.FieldsOf(code.tidy(op, time.Time{}))
	if fields == nil {
		fields = map[string]string{}
	}
	n.Name, n.Tags, n.Welcome = code.Name, code.Tags, code.Welcome
	if n.KlaviyoForm = strings.TrimSpace(n.KlaviyoForm); n.KlaviyoForm != "" && !plainProfile(n.KlaviyoForm) {
		fields["klaviyo_form"] = "Choose one of the forms."
	}
	if !slices.Contains([]string{ShowButton, ShowQR, ShowBoth}, n.Shows) {
		fields["shows"] = "Choose what customers see."
	}
	for lang, t := range n.Texts {
		if !slices.Contains([]string{"en", "ja", "zh", "th"}, lang) {
			fields["texts"] = "These languages are possible: en, ja, zh, th."
		}
		for _, text := range []string{t.Title, t.Button, t.Code, t.Close} {
			if utf8.RuneCountInString(text) > formTextMax {
				fields["texts"] = "A text has up to 120 characters."
			}
		}
	}
	n.Origins = tidyOrigins(n.Origins, fields)
	if len(fields) > 0 {
		return &fault.Error{Kind: fault.Invalid, Op: op, Fields: fields}
	}
	return nil
}

// tidyOrigins brings shop addresses into the form in which browsers name an origin.
func tidyOrigins(given []string, fields map[string]string) []string {
	out := []string{}
	for _, text := range given {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if !strings.Contains(text, "://") {
			text = "https://" + text
		}
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !loopback(u) {
			fields["origins"] = "Enter addresses of your shop, such as https://shop.example."
			continue
		}
		if origin := u.Scheme + "://" + strings.ToLower(u.Host); !slices.Contains(out, origin) {
			out = append(out, origin)
		}
	}
	if len(out) == 0 && fields["origins"] == "" {
		fields["origins"] = "Enter the address of your shop: only its pages may ask."
	}
	if len(out) > formOriginsMax {
		fields["origins"] = "Enter up to 20 addresses."
	}
	return out
}

// loopback is a page on the developer's own machine.
func loopback(u *url.URL) bool {
	return u.Scheme == "http" && (u.Hostname() == "127.0.0.1" || u.Hostname() == "localhost")
}
