package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/outbox"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// CodeView is a custom QR code.
type CodeView struct {
	ID               string     `json:"id"`
	Name             string     `json:"name"`
	Code             string     `json:"code" doc:"public name in its URL"`
	IdentifyBy       string     `json:"identify_by" enum:"profile,email,phone,none" doc:"none = a counter in a shop"`
	URL              string     `json:"url" doc:"without a customer, for print"`
	URLTemplate      string     `json:"url_template" doc:"for a Klaviyo email; Klaviyo fills in the customer"`
	ImageURLTemplate string     `json:"image_url_template"`
	HTML             string     `json:"html"`
	Tags             []string   `json:"tags" doc:"that whom it links gets, tag_.."`
	Welcome          string     `json:"welcome" doc:"text that whom it links gets once"`
	Message          string     `json:"message,omitempty" doc:"msg_.., which they get instead"`
	Saved            *SavedView `json:"saved,omitempty" doc:"of message"`
	ExpiresAt        *time.Time `json:"expires_at,omitempty"`
	Scans            int64      `json:"scans"`
	Friends          int64      `json:"friends"`
	Linked           int64      `json:"linked"`
	LastScanAt       *time.Time `json:"last_scan_at,omitempty"`
	State            string     `json:"state" enum:"live,paused,expired"`
	CreatedAt        *time.Time `json:"created_at"`
}

// SavedView is a saved message as a code sends it.
type SavedView struct {
	Name     string   `json:"name"`
	Archived bool     `json:"archived" doc:"put away: nobody gets it"`
	Empty    []string `json:"empty" doc:"variables without a fallback: nothing stands there"`
}

// CodeDayView is what happened by a code on one day of the merchant's zone.
type CodeDayView struct {
	Day     string `json:"day" doc:"YYYY-MM-DD"`
	Scans   int64  `json:"scans"`
	Friends int64  `json:"friends"`
	Linked  int64  `json:"linked"`
}

// TryView is a code's URL as one customer gets it.
type TryView struct {
	URL       string `json:"url"`
	ProfileID string `json:"profile_id,omitempty"`
}

// OwnPhoneView is the URL that links a member's own phone.
type OwnPhoneView struct {
	URL       string `json:"url"`
	ProfileID string `json:"profile_id"`
	Code      string `json:"code" doc:"qrc_.., whose image with this profile is the URL's"`
}

type ownPhoneInput struct {
	InChannel
	Body struct {
		Email string `json:"email" maxLength:"254" doc:"of the customer in Klaviyo that the member is"`
		Name  string `json:"name" maxLength:"80" doc:"of the QR code, if it is made now"`
	}
}

// StepTakenView names a step of a link's history, so that it can be undone.
type StepTakenView struct {
	Step string `json:"step" doc:"evt_.."`
}

// LinkMadeView is what came of linking a friend to a customer.
type LinkMadeView struct {
	Step     string `json:"step,omitempty" doc:"evt_.., by which it is undone; left out where nothing was linked"`
	InReview bool   `json:"in_review" doc:"another link says something else; people decide under Needs review"`
}

type linkInput struct {
	InFriend
	Body struct {
		ProfileID string `json:"profile_id" minLength:"1" maxLength:"64"`
	}
}

// CodeBody is what a person decides about a code.
type CodeBody struct {
	Name      string     `json:"name" maxLength:"200"`
	Tags      []string   `json:"tags,omitempty" maxItems:"40"`
	Welcome   string     `json:"welcome,omitempty" maxLength:"6000"`
	Message   string     `json:"message,omitempty" maxLength:"40" doc:"msg_.., a published message instead of the text"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

type newCodeInput struct {
	InChannel
	Body struct {
		CodeBody
		IdentifyBy string `json:"identify_by" enum:"profile,email,phone,none"`
	}
}

// InCode is the input of operations on one QR code.
type InCode struct {
	InChannel
	CodeID string `path:"code" doc:"qrc_.."`
}

type codeChangeInput struct {
	InCode
	Body struct {
		CodeBody
		State string `json:"state" enum:"live,paused"`
	}
}

type codeDaysInput struct {
	InCode
	Days int `query:"days" minimum:"0" maximum:"400"`
}

type imageInput struct {
	InCode
	File    string `path:"file" enum:"image.png,image.svg"`
	Profile string `query:"profile" maxLength:"64" doc:"of the customer whose own URL is drawn"`
}

type tryInput struct {
	InCode
	Body struct {
		Email string `json:"email,omitempty" maxLength:"254"`
	}
}

// links are the operations on identity links and QR codes.
type links struct {
	service *linkage.Service
	now     func() time.Time
}

// RegisterLinkage adds the operations on identity links, custom QR codes, forms, conflicts.
func RegisterLinkage(a *API, s *linkage.Service) {
	l := links{s, a.Now}
	const one = "/merchants/{merchant}/channels/{channel}"
	const code = one + "/qr_codes/{code}"
	Register(a, Op{ID: "list-qr-codes", Method: http.MethodGet, Path: one + "/qr_codes", Role: lumo.Viewer,
		Summary: "List custom QR codes, newest first"}, l.codes)
	Register(a, Op{ID: "create-qr-code", Method: http.MethodPost, Path: one + "/qr_codes",
		Role: lumo.Marketer, Summary: "Make a custom QR code"}, l.createCode)
	Register(a, Op{ID: "get-qr-code", Method: http.MethodGet, Path: code, Role: lumo.Viewer,
		Summary: "Read a custom QR code"}, l.code)
	RegisterEdit(a, Op{ID: "update-qr-code", Method: http.MethodPatch, Path: code, Role: lumo.Marketer,
		Summary: "Change, pause or resume a custom QR code"}, l.readCode, l.changeCode)
	Register(a, Op{ID: "get-qr-code-days", Method: http.MethodGet, Path: code + "/days", Role: lumo.Viewer,
		Summary: "What happened by a QR code, day by day"}, l.codeDays)
	Register(a, Op{ID: "try-qr-code", Method: http.MethodPost, Path: code + "/try", Role: lumo.Marketer,
		Summary: "The URL that one customer would get"}, l.tryCode)
	Register(a, Op{ID: "own-phone", Method: http.MethodPost, Path: one + "/qr_codes/own_phone", Role: lumo.Marketer,
		Summary: "The URL that links a member's own phone, which becomes a test friend"}, l.ownPhone)
	Register(a, Op{ID: "link-friend", Method: http.MethodPost, Path: one + "/friends/{friend}/link",
		Role: lumo.Marketer, Summary: "Link a friend to a customer; what contradicts goes to review"}, l.link)
	Register(a, Op{ID: "unlink-friend", Method: http.MethodPost, Path: one + "/friends/{friend}/unlink",
		Role: lumo.Marketer, Summary: "End a friend's identity link"}, l.unlink)
	l.registerReview(a, one)
	l.registerForms(a, one)
	l.registerHealth(a, one)
	RegisterFile(a, Op{ID: "get-qr-code-image", Method: http.MethodGet, Path: code + "/image/{file}", Role: lumo.Viewer,
		Summary: "A custom QR code as a picture, 300 mm wide as SVG"}, []string{"image/png", "image/svg+xml"}, l.image)
}

func (in InCode) code() (lumo.ChannelID, lumo.CodeID, error) {
	c, err := in.Channel()
	if err != nil {
		return c, lumo.CodeID{}, err
	}
	v, err := outside(id.QRCode, in.CodeID)
	return c, lumo.CodeID(v), err
}

func (l links) codes(ctx context.Context, who Caller, in *InChannel) (List[CodeView], error) {
	c, err := in.Channel()
	if err != nil {
		return List[CodeView]{}, err
	}
	found, err := l.service.Codes(ctx, who.Merchant.ID, c)
	total := int64(len(found))
	list := List[CodeView]{Items: make([]CodeView, len(found)), Total: &total}
	for i, one := range found {
		list.Items[i] = l.view(one)
	}
	return list, err
}

// tagIDs reads outside ids of tags.
func tagIDs(list []string) ([]lumo.TagID, error) {
	out := make([]lumo.TagID, len(list))
	for i, text := range list {
		v, err := outside(id.Tag, text)
		if err != nil {
			return nil, &fault.Error{Kind: fault.Invalid, Op: "console.tagIDs",
				Fields: map[string]string{"tags": "One of the tags does not exist."}}
		}
		out[i] = lumo.TagID(v)
	}
	return out, nil
}

func tagTexts(list []lumo.TagID) []string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = t.String()
	}
	return out
}

func (b CodeBody) content() (linkage.CodeContent, error) {
	tags, err := tagIDs(b.Tags)
	out := linkage.CodeContent{Name: b.Name, Tags: tags, Welcome: b.Welcome}
	if b.Message != "" && err == nil {
		v, wrong := outside(id.Message, b.Message)
		if wrong != nil {
			err = &fault.Error{Kind: fault.Invalid, Op: "console.content",
				Fields: map[string]string{"message": "This message does not exist."}}
		}
		out.Message = lumo.MessageID(v)
	}
	if b.ExpiresAt != nil {
		out.ExpiresAt = b.ExpiresAt.UTC()
	}
	return out, err
}

func (l links) createCode(ctx context.Context, who Caller, in *newCodeInput) (CodeView, error) {
	c, err := in.Channel()
	if err != nil {
		return CodeView{}, err
	}
	content, err := in.Body.content()
	if err != nil {
		return CodeView{}, err
	}
	made, err := l.service.CreateCode(ctx, who.Merchant.ID, c, who.Member.ID,
		linkage.NewCode{CodeContent: content, IdentifyBy: linkage.IdentifyBy(in.Body.IdentifyBy)})
	if err != nil {
		return CodeView{}, err
	}
	return l.view(made), nil
}

func (l links) code(ctx context.Context, who Caller, in *InCode) (CodeView, error) {
	c, v, err := in.code()
	if err != nil {
		return CodeView{}, err
	}
	code, err := l.service.Code(ctx, who.Merchant.ID, c, v)
	if err != nil {
		return CodeView{}, err
	}
	return l.view(code), nil
}

func (l links) readCode(ctx context.Context, who Caller, in *codeChangeInput) (CodeView, error) {
	return l.code(ctx, who, &in.InCode)
}

func (l links) changeCode(ctx context.Context, who Caller, in *codeChangeInput) (CodeView, error) {
	c, v, err := in.code()
	if err != nil {
		return CodeView{}, err
	}
	content, err := in.Body.content()
	if err != nil {
		return CodeView{}, err
	}
	content.Live = in.Body.State == "live"
	code, err := l.service.ChangeCode(ctx, who.Merchant.ID, c, v, who.Member.ID, content)
	if err != nil {
		return CodeView{}, err
	}
	return l.view(code), nil
}

func (l links) codeDays(ctx context.Context, who Caller, in *codeDaysInput) (List[CodeDayView], error) {
	c, v, err := in.code()
	if err != nil {
		return List[CodeDayView]{}, err
	}
	days := in.Days
	if days == 0 {
		days = 30
	}
	found, err := l.service.CodeDays(ctx, who.Merchant.ID, c, v, days)
	list := List[CodeDayView]{Items: make([]CodeDayView, len(found))}
	for i, d := range found {
		list.Items[i] = CodeDayView{Day: d.Day.Format(time.DateOnly), Scans: d.Scans, Friends: d.Friends,
			Linked: d.Links}
	}
	return list, err
}

func (l links) tryCode(ctx context.Context, who Caller, in *tryInput) (TryView, error) {
	c, v, err := in.code()
	if err != nil {
		return TryView{}, err
	}
	try, err := l.service.TryCode(ctx, who.Merchant.ID, c, v, in.Body.Email)
	return TryView{URL: try.URL, ProfileID: string(try.Profile)}, err
}

func (l links) ownPhone(ctx context.Context, who Caller, in *ownPhoneInput) (OwnPhoneView, error) {
	c, err := in.Channel()
	if err != nil {
		return OwnPhoneView{}, err
	}
	own, err := l.service.OwnPhone(ctx, who.Merchant.ID, c, who.Member.ID, in.Body.Name, in.Body.Email)
	if err != nil {
		return OwnPhoneView{}, err
	}
	return OwnPhoneView{URL: own.URL, ProfileID: string(own.Profile), Code: own.Code.ID.String()}, nil
}

func (l links) link(ctx context.Context, who Caller, in *linkInput) (LinkMadeView, error) {
	c, f, err := in.Friend()
	if err != nil {
		return LinkMadeView{}, err
	}
	made, err := l.service.LinkByMember(ctx, who.Merchant.ID, c, f, lumo.ProfileID(in.Body.ProfileID), who.Member.ID)
	view := LinkMadeView{InReview: made.InReview}
	if !made.Step.IsZero() {
		view.Step = made.Step.With(id.Event)
	}
	return view, err
}

func (l links) unlink(ctx context.Context, who Caller, in *InFriend) (StepTakenView, error) {
	c, f, err := in.Friend()
	if err != nil {
		return StepTakenView{}, err
	}
	step, err := l.service.Unlink(ctx, who.Merchant.ID, c, f, who.Member.ID)
	return StepTakenView{Step: step.With(id.Event)}, err
}

func (l links) view(c linkage.Code) CodeView {
	snippets := l.service.Snippets(c)
	view := CodeView{ID: c.ID.String(), Name: c.Name, Code: c.Key, IdentifyBy: string(c.IdentifyBy),
		URL: snippets.Plain, URLTemplate: snippets.URL, ImageURLTemplate: snippets.ImageURL,
		HTML: snippets.HTML, Tags: tagTexts(c.Tags), Welcome: c.Welcome, ExpiresAt: moment(c.ExpiresAt),
		Scans: c.Scans, Friends: c.Friends, Linked: c.Links, LastScanAt: moment(c.LastScanAt),
		State: "live", CreatedAt: moment(c.CreatedAt)}
	if c.Message != (lumo.MessageID{}) {
		view.Message = c.Message.String()
		view.Saved = &SavedView{Name: c.Saved.Name, Archived: c.Saved.Archived, Empty: append([]string{}, c.Saved.Empty...)}
	}
	switch {
	case !c.Live:
		view.State = "paused"
	case !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(l.now()):
		view.State = "expired"
	}
	return view
}

// image draws a code: image.png, or image.svg 300 mm wide. With a customer's profile it draws
// her own URL.
func (l links) image(ctx context.Context, who Caller, in *imageInput) (File, error) {
	c, v, err := in.code()
	if err != nil {
		return nil, err
	}
	code, err := l.service.Code(ctx, who.Merchant.ID, c, v)
	if err != nil {
		return nil, err
	}
	address := l.service.Snippets(code).Plain
	if in.Profile != "" && code.IdentifyBy == linkage.ByProfile {
		address += "?k=" + url.QueryEscape(in.Profile)
	}
	kind, draw := "image/png", drawPNG
	if in.File == "image.svg" {
		kind, draw = "image/svg+xml", drawSVG
	}
	picture, err := draw(address)
	return func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Content-Length", strconv.Itoa(len(picture)))
		h.Set("Cache-Control", "private, max-age=3600")
		h.Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(picture) // whoever left misses it
	}, err
}

// KeptView is something that Klaviyo refused and that was kept aside.
type KeptView struct {
	ID         string     `json:"id" doc:"evt_.."`
	Channel    string     `json:"channel"`
	Friend     *FriendRef `json:"friend,omitempty"`
	Kind       string     `json:"kind" enum:"event,profile"`
	Metric     string     `json:"metric,omitempty"`
	ProfileID  string     `json:"profile_id"`
	Problem    string     `json:"problem"`
	OccurredAt *time.Time `json:"occurred_at"`
	KeptSince  *time.Time `json:"kept_since"`
}

type keptActionInput struct {
	InMerchant
	Body struct {
		Item string `json:"item,omitempty" maxLength:"40" doc:"evt_.., left out = all"`
	}
}

type keptInput struct {
	InMerchant
	PageParams
	Dismissed bool `query:"dismissed" doc:"those that somebody dismissed, instead of those that stand aside"`
}

func (k klaviyo) registerKept(a *API) {
	Register(a, Op{ID: "list-kept-updates", Method: http.MethodGet, Path: "/merchants/{merchant}/klaviyo/kept",
		Role: lumo.Viewer, Summary: "What Klaviyo refused and was kept aside, newest first"}, k.kept)
	Register(a, Op{ID: "retry-kept-updates", Method: http.MethodPost,
		Path: "/merchants/{merchant}/klaviyo/kept/retry", Role: lumo.Marketer,
		Summary: "Try one or all of what was kept aside again"}, k.on(k.items.Again))
	Register(a, Op{ID: "dismiss-kept-updates", Method: http.MethodPost,
		Path: "/merchants/{merchant}/klaviyo/kept/dismiss", Role: lumo.Marketer,
		Summary: "Say of one or all of what was kept aside that nothing needs to be done about it"}, k.on(k.items.Dismiss))
	Register(a, Op{ID: "bring-back-kept-updates", Method: http.MethodPost,
		Path: "/merchants/{merchant}/klaviyo/kept/bring_back", Role: lumo.Marketer,
		Summary: "Undo a dismissal"}, k.on(k.items.BringBack))
}

func (k klaviyo) kept(ctx context.Context, who Caller, in *keptInput) (List[KeptView], error) {
	var none int64
	list := List[KeptView]{Items: []KeptView{}, Total: &none}
	account, err := k.accounts.Current(ctx, who.Merchant.ID)
	if fault.Is(err, fault.NotFound) {
		return list, nil
	}
	var before id.ID
	if err == nil && in.Cursor != "" {
		before, err = outside(id.Event, in.Cursor)
	}
	if err != nil {
		return list, err
	}
	state := outbox.Kept
	if in.Dismissed {
		state = outbox.Dismissed
	}
	page, err := k.items.Kept(ctx, who.Merchant.ID, account.ID, state, before, in.Limit)
	for _, one := range page.Items {
		list.Items = append(list.Items, keptView(one))
	}
	if list.Total = &page.Total; !page.Next.IsZero() {
		list.Next = page.Next.With(id.Event)
	}
	return list, err
}

func keptView(k outbox.KeptItem) KeptView {
	view := KeptView{ID: k.ID.With(id.Event), Channel: k.Channel.String(), Kind: string(k.Kind),
		Metric: k.Metric, ProfileID: string(k.Profile), Problem: k.Problem,
		OccurredAt: moment(k.OccurredAt), KeptSince: moment(k.CreatedAt)}
	if k.Friend != (lumo.FriendID{}) {
		view.Friend = &FriendRef{ID: k.Friend.String(), Name: k.FriendName}
	}
	return view
}

// keptAction is what a person can do with what was kept aside: with one, or with the zero id all.
type keptAction func(context.Context, lumo.MerchantID, lumo.AccountID, id.ID, lumo.MemberID) (int64, error)

func (k klaviyo) on(act keptAction) func(context.Context, Caller, *keptActionInput) (ChangedView, error) {
	return func(ctx context.Context, who Caller, in *keptActionInput) (ChangedView, error) {
		account, err := k.accounts.Current(ctx, who.Merchant.ID)
		var item id.ID
		if err == nil && in.Body.Item != "" {
			item, err = outside(id.Event, in.Body.Item)
		}
		if err != nil {
			return ChangedView{}, err
		}
		n, err := act(ctx, who.Merchant.ID, account.ID, item, who.Member.ID)
		return ChangedView{Changed: int(n)}, err
	}
}
