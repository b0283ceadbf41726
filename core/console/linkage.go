package console

import (
	"context"
	"net/http"
	"time"

	"lumo/core/linkage"
	"lumo/core/lumo"
)

// CodeView is a custom QR code.
type CodeView struct {
	ID               string     `json:"id"`
	Name             string     `json:"name"`
	Code             string     `json:"code" doc:"public name in its URL"`
	IdentifyBy       string     `json:"identify_by" enum:"profile,email,phone,none"`
	URLTemplate      string     `json:"url_template" doc:"for a Klaviyo email; Klaviyo fills in the customer"`
	ImageURLTemplate string     `json:"image_url_template"`
	HTML             string     `json:"html"`
	Scans            int64      `json:"scans"`
	Friends          int64      `json:"friends"`
	Linked           int64      `json:"linked"`
	LastScanAt       *time.Time `json:"last_scan_at,omitempty"`
	State            string     `json:"state" enum:"live,paused"`
	CreatedAt        *time.Time `json:"created_at"`
}

type codeInput struct {
	InChannel
	Body struct {
		Name       string `json:"name,omitempty" maxLength:"200"`
		IdentifyBy string `json:"identify_by" enum:"profile,email,phone,none"`
	}
}

// links are the operations on identity links and QR codes.
type links struct{ service *linkage.Service }

// RegisterLinkage adds the operations on identity links and custom QR codes.
func RegisterLinkage(a *API, s *linkage.Service) {
	l := links{s}
	const one = "/merchants/{merchant}/channels/{channel}"
	Register(a, Op{ID: "list-qr-codes", Method: http.MethodGet, Path: one + "/qr_codes", Role: lumo.Viewer,
		Summary: "List custom QR codes, newest first"}, l.codes)
	Register(a, Op{ID: "create-qr-code", Method: http.MethodPost, Path: one + "/qr_codes",
		Role: lumo.Marketer, Summary: "Make a custom QR code"}, l.createCode)
	Register(a, Op{ID: "unlink-friend", Method: http.MethodPost, Path: one + "/friends/{friend}/unlink",
		Role: lumo.Marketer, Summary: "End a friend's identity link"}, l.unlink)
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

func (l links) createCode(ctx context.Context, who Caller, in *codeInput) (CodeView, error) {
	c, err := in.Channel()
	if err != nil {
		return CodeView{}, err
	}
	made, err := l.service.CreateCode(ctx, who.Merchant.ID, c, who.Member.ID,
		linkage.NewCode{Name: in.Body.Name, IdentifyBy: linkage.IdentifyBy(in.Body.IdentifyBy)})
	if err != nil {
		return CodeView{}, err
	}
	return l.view(made), nil
}

func (l links) unlink(ctx context.Context, who Caller, in *InFriend) (None, error) {
	c, f, err := in.Friend()
	if err != nil {
		return None{}, err
	}
	return None{}, l.service.Unlink(ctx, who.Merchant.ID, c, f, who.Member.ID)
}

func (l links) view(c linkage.Code) CodeView {
	snippets := l.service.Snippets(c)
	view := CodeView{ID: c.ID.String(), Name: c.Name, Code: c.Key, IdentifyBy: string(c.IdentifyBy),
		URLTemplate: snippets.URL, ImageURLTemplate: snippets.ImageURL, HTML: snippets.HTML,
		Scans: c.Scans, Friends: c.Friends, Linked: c.Links, LastScanAt: moment(c.LastScanAt),
		State: "live", CreatedAt: moment(c.CreatedAt)}
	if !c.Live {
		view.State = "paused"
	}
	return view
}
