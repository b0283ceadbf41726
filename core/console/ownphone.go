package console

import (
	"context"
	"net/http"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// OwnPhoneView is how a member links her own phone.
type OwnPhoneView struct {
	URL       string `json:"url" doc:"for the camera of her own phone only"`
	QR        QRView `json:"qr"`
	ProfileID string `json:"profile_id,omitempty" doc:"the customer that she is in Klaviyo; left out while Klaviyo is not connected"`
}

// QRView is a QR code to draw: dark squares of one unit on white.
type QRView struct {
	Side int    `json:"side" doc:"units from edge to edge, with the white around it"`
	Path string `json:"path" doc:"SVG path of the dark squares"`
}

// OwnLinkView tells whether a customer's phone is linked.
type OwnLinkView struct {
	Friend *FriendRef `json:"friend,omitempty"`
}

type ownLinkInput struct {
	InChannel
	Profile string `query:"profile_id" maxLength:"64"`
}

func (l links) registerOwn(a *API, one string) {
	Register(a, Op{ID: "begin-own-phone", Method: http.MethodPost, Path: one + "/own_phone", Role: lumo.Marketer,
		Secret: true, Summary: "A QR code that links the member's own phone; makes her a customer in Klaviyo where she is none"},
		l.ownPhone)
	Register(a, Op{ID: "get-own-phone", Method: http.MethodGet, Path: one + "/own_phone", Role: lumo.Viewer,
		Summary: "Whether the phone of a customer is linked"}, l.ownLink)
}

func (l links) ownPhone(ctx context.Context, who Caller, in *InChannel) (OwnPhoneView, error) {
	c, err := in.Channel()
	if err != nil {
		return OwnPhoneView{}, err
	}
	own, err := l.service.OwnPhone(ctx, who.Merchant.ID, c, who.Member.ID, who.Member.Email, who.Member.Name)
	if err != nil {
		return OwnPhoneView{}, err
	}
	path, side, err := drawPath(own.URL)
	return OwnPhoneView{URL: own.URL, ProfileID: string(own.Profile), QR: QRView{Side: side, Path: path}}, err
}

func (l links) ownLink(ctx context.Context, who Caller, in *ownLinkInput) (OwnLinkView, error) {
	c, err := in.Channel()
	if err != nil || in.Profile == "" {
		return OwnLinkView{}, err
	}
	_, f, err := l.service.ByProfile(ctx, who.Merchant.ID, c, lumo.ProfileID(in.Profile))
	if fault.Is(err, fault.NotFound) {
		return OwnLinkView{}, nil
	}
	if err != nil {
		return OwnLinkView{}, err
	}
	return OwnLinkView{Friend: &FriendRef{ID: f.ID.String(), Name: f.DisplayName}}, nil
}
