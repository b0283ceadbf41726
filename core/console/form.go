package console

import (
	"context"
	"net/http"
	"time"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/shared/id"
)

// FormTextView is what customers read in one language; empty = our own words.
type FormTextView struct {
	Title  string `json:"title,omitempty" maxLength:"300"`
	Button string `json:"button,omitempty" maxLength:"300"`
	Code   string `json:"code,omitempty" maxLength:"300" doc:"beside the QR code"`
	Close  string `json:"close,omitempty" maxLength:"300"`
}

// FormBody is what a person decides about a form.
type FormBody struct {
	Name        string                  `json:"name" maxLength:"200"`
	KlaviyoForm string                  `json:"klaviyo_form,omitempty" maxLength:"64" doc:"Klaviyo's id; left out = any form of the page"`
	Shows       string                  `json:"shows" enum:"button,qr,both"`
	Texts       map[string]FormTextView `json:"texts,omitempty" doc:"by language: en, ja, zh, th"`
	Origins     []string                `json:"origins" maxItems:"40" doc:"pages that may ask: https://shop.example"`
	Tags        []string                `json:"tags,omitempty" maxItems:"40"`
	Welcome     string                  `json:"welcome,omitempty" maxLength:"6000"`
}

// FormView is a form of a shop page, after which customers can link themselves.
type FormView struct {
	FormBody
	ID            string     `json:"id"`
	State         string     `json:"state" enum:"live,paused"`
	ScriptURL     string     `json:"script_url"`
	Submitted     int64      `json:"submitted"`
	Shown         int64      `json:"shown"`
	Tapped        int64      `json:"tapped"`
	Linked        int64      `json:"linked"`
	LastSubmitAt  *time.Time `json:"last_submit_at,omitempty"`
	PageURL       string     `json:"page_url,omitempty"`
	PageState     string     `json:"page_state" enum:"unchecked,found,missing,other_form,unreachable"`
	PageCheckedAt *time.Time `json:"page_checked_at,omitempty"`
	PageFoundAt   *time.Time `json:"page_found_at,omitempty"`
	CreatedAt     *time.Time `json:"created_at"`
}

// CheckedPageView is what a look at a page showed.
type CheckedPageView struct {
	FormView
	OriginAllowed bool `json:"origin_allowed" doc:"whether the form's settings let this page ask"`
}

// KlaviyoFormView is a form in Klaviyo.
type KlaviyoFormView struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Live bool   `json:"live"`
}

type newFormInput struct {
	InChannel
	Body FormBody
}

// InForm is the input of operations on one form.
type InForm struct {
	InChannel
	FormID string `path:"form" doc:"frm_.."`
}

type formInput struct {
	InForm
	Body struct {
		FormBody
		State string `json:"state" enum:"live,paused"`
	}
}

type pageCheckInput struct {
	InForm
	Body struct {
		URL string `json:"url" maxLength:"1000"`
	}
}

func (l links) registerForms(a *API, one string) {
	Register(a, Op{ID: "list-forms", Method: http.MethodGet, Path: one + "/forms", Role: lumo.Viewer,
		Summary: "List forms of shop pages, newest first"}, l.forms)
	Register(a, Op{ID: "create-form", Method: http.MethodPost, Path: one + "/forms", Role: lumo.Marketer,
		Summary: "Make a form"}, l.createForm)
	Register(a, Op{ID: "get-form", Method: http.MethodGet, Path: one + "/forms/{form}", Role: lumo.Viewer,
		Summary: "Read a form"}, l.form)
	RegisterEdit(a, Op{ID: "update-form", Method: http.MethodPatch, Path: one + "/forms/{form}",
		Role: lumo.Marketer, Summary: "Change, pause or resume a form"}, l.readForm, l.changeForm)
	Register(a, Op{ID: "check-form-page", Method: http.MethodPost, Path: one + "/forms/{form}/check",
		Role: lumo.Marketer, Summary: "Look whether a page holds the form's script"}, l.checkPage)
	Register(a, Op{ID: "list-klaviyo-forms", Method: http.MethodGet, Path: one + "/klaviyo_forms",
		Role: lumo.Viewer, Summary: "The sign-up forms in Klaviyo"}, l.klaviyoForms)
}

func (b FormBody) content() (linkage.FormContent, error) {
	tags, err := tagIDs(b.Tags)
	out := linkage.FormContent{Name: b.Name, KlaviyoForm: b.KlaviyoForm, Shows: b.Shows, Origins: b.Origins,
		Tags: tags, Welcome: b.Welcome, Texts: map[string]linkage.FormText{}}
	for lang, t := range b.Texts {
		out.Texts[lang] = linkage.FormText(t)
	}
	return out, err
}

func (l links) formView(f linkage.Form) FormView {
	view := FormView{FormBody: FormBody{Name: f.Name, KlaviyoForm: f.KlaviyoForm, Shows: f.Shows,
		Texts: map[string]FormTextView{}, Origins: f.Origins, Tags: tagTexts(f.Tags), Welcome: f.Welcome},
		ID: f.ID.String(), State: "paused", ScriptURL: l.service.ScriptURL(f), Submitted: f.Submitted,
		Shown: f.Shown, Tapped: f.Tapped, Linked: f.Linked, LastSubmitAt: moment(f.LastSubmitAt),
		PageURL: f.PageURL, PageState: string(f.PageState), PageCheckedAt: moment(f.PageCheckedAt),
		PageFoundAt: moment(f.PageFoundAt), CreatedAt: moment(f.CreatedAt)}
	for lang, t := range f.Texts {
		view.Texts[lang] = FormTextView(t)
	}
	if f.Live {
		view.State = "live"
	}
	return view
}

func (in InForm) form() (lumo.ChannelID, lumo.FormID, error) {
	c, err := in.Channel()
	if err != nil {
		return c, lumo.FormID{}, err
	}
	v, err := outside(id.Form, in.FormID)
	return c, lumo.FormID(v), err
}

func (l links) forms(ctx context.Context, who Caller, in *InChannel) (List[FormView], error) {
	c, err := in.Channel()
	if err != nil {
		return List[FormView]{}, err
	}
	found, err := l.service.Forms(ctx, who.Merchant.ID, c)
	total := int64(len(found))
	list := List[FormView]{Items: make([]FormView, len(found)), Total: &total}
	for i, f := range found {
		list.Items[i] = l.formView(f)
	}
	return list, err
}

func (l links) createForm(ctx context.Context, who Caller, in *newFormInput) (FormView, error) {
	c, err := in.Channel()
	if err != nil {
		return FormView{}, err
	}
	content, err := in.Body.content()
	if err != nil {
		return FormView{}, err
	}
	form, err := l.service.CreateForm(ctx, who.Merchant.ID, c, who.Member.ID, content)
	return l.formView(form), err
}

func (l links) form(ctx context.Context, who Caller, in *InForm) (FormView, error) {
	c, v, err := in.form()
	if err != nil {
		return FormView{}, err
	}
	form, err := l.service.Form(ctx, who.Merchant.ID, c, v)
	return l.formView(form), err
}

func (l links) readForm(ctx context.Context, who Caller, in *formInput) (FormView, error) {
	return l.form(ctx, who, &in.InForm)
}

func (l links) changeForm(ctx context.Context, who Caller, in *formInput) (FormView, error) {
	c, v, err := in.form()
	if err != nil {
		return FormView{}, err
	}
	content, err := in.Body.content()
	if err != nil {
		return FormView{}, err
	}
	content.Live = in.Body.State == "live"
	form, err := l.service.ChangeForm(ctx, who.Merchant.ID, c, v, who.Member.ID, content)
	return l.formView(form), err
}

func (l links) checkPage(ctx context.Context, who Caller, in *pageCheckInput) (CheckedPageView, error) {
	c, v, err := in.form()
	if err != nil {
		return CheckedPageView{}, err
	}
	found, err := l.service.CheckPage(ctx, who.Merchant.ID, c, v, in.Body.URL)
	return CheckedPageView{l.formView(found.Form), found.OriginAllowed}, err
}

func (l links) klaviyoForms(ctx context.Context, who Caller, in *InChannel) (List[KlaviyoFormView], error) {
	c, err := in.Channel()
	if err != nil {
		return List[KlaviyoFormView]{}, err
	}
	found, err := l.service.KlaviyoForms(ctx, who.Merchant.ID, c)
	list := List[KlaviyoFormView]{Items: make([]KlaviyoFormView, len(found))}
	for i, f := range found {
		list.Items[i] = KlaviyoFormView(f)
	}
	return list, err
}
