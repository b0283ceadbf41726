package console

import (
	"context"
	"encoding/hex"
	"image"
	"net/http"

	"lumo/core/lumo"
	"lumo/core/message"
	"lumo/core/message/picture"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

type previewInput struct {
	InChannel
	Body struct {
		Draft    BodyView `json:"draft"`
		Name     string   `json:"name,omitempty" maxLength:"500" doc:"of the message: campaign parameters may hold it"`
		Version  int      `json:"version,omitempty" minimum:"0" doc:"that the draft would be published as"`
		FriendID string   `json:"friend,omitempty" maxLength:"40" doc:"frd_..; left out = nobody's values"`
	}
}

// GapView is a variable that has neither value nor fallback.
type GapView struct {
	Block int    `json:"block"`
	Name  string `json:"name"`
	At    *int   `json:"at,omitempty" doc:"in the text of a text message: UTF-16 units before it"`
}

// TrackedView is an address of which a send counts the taps.
type TrackedView struct {
	Block   int    `json:"block"`
	Address string `json:"address" doc:"as it stands in the messages"`
	Target  string `json:"target" doc:"where it leads: with the campaign parameters"`
	Begin   string `json:"begin,omitempty" doc:"how its tracked form begins, where that is with the shop's own host"`
}

// PreviewView is a draft as one person would see it.
type PreviewView struct {
	Messages string            `json:"messages" doc:"JSON array, as LINE would get it but for tracking"`
	Gaps     []GapView         `json:"gaps"`
	Tracked  []TrackedView     `json:"tracked" doc:"the addresses that a send counts"`
	Values   map[string]string `json:"values"`
	Problems []ProblemView     `json:"problems"`
}

type uploadInput struct {
	InChannel
	RawBody []byte `contentType:"application/octet-stream" doc:"a JPEG or PNG picture"`
}

type mediaInput struct {
	InMerchant
	SHA256 string `path:"sha256" maxLength:"64" doc:"hexadecimal, as in the picture's address"`
}

// InImage is the input of operations on an uploaded picture.
type InImage struct {
	InChannel
	SHA256 string `path:"sha256" maxLength:"64" doc:"hexadecimal, of any of its sizes"`
}

type cutInput struct {
	InImage
	Body PartView
}

type pictureInput struct {
	InMerchant
	URL string `query:"url" required:"true" maxLength:"2000"`
}

// ImageView is a picture with its sizes.
type ImageView struct {
	Width  int             `json:"width"`
	Height int             `json:"height"`
	URL    string          `json:"url" doc:"for image messages; rich messages use it as baseUrl"`
	Card   string          `json:"card_url" doc:"at most 1024 by 1024, for Flex"`
	Icon   string          `json:"icon_url,omitempty" doc:"PNG, for senders; of square pictures alone"`
	Files  []ImageFileView `json:"files"`
	Cut    *CutView        `json:"cut,omitempty" doc:"what it shows of another picture; left out = it is whole"`
}

// PartView is a part of a picture, in pixels of its original.
type PartView struct {
	X      int `json:"x" minimum:"0"`
	Y      int `json:"y" minimum:"0"`
	Width  int `json:"width" minimum:"1"`
	Height int `json:"height" minimum:"1"`
}

// CutView is the part of another picture that a picture shows.
type CutView struct {
	Of string `json:"of" doc:"sha256 of that picture's original"`
	PartView
}

// ImageFileView is one size.
type ImageFileView struct {
	Use    int    `json:"use" doc:"0 original, 1 preview, 2 for cards, 3 for senders, or a width"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Bytes  int    `json:"bytes"`
	URL    string `json:"url"`
}

// registerPreview adds what the editor needs beside messages themselves.
func (p messages) registerPreview(a *API, path string) {
	Register(a, Op{ID: "preview-message", Method: http.MethodPost, Path: path + "/preview", Role: lumo.Viewer,
		Summary: "Show a draft as one person would see it; nothing is stored and nothing counts"}, p.preview)
	Register(a, Op{ID: "upload-image", Method: http.MethodPost, Path: "/merchants/{merchant}/channels/{channel}/images",
		Role: lumo.Marketer, Summary: "Upload a picture; LINE's sizes are made of it", MaxBody: picture.MaxBytes + 1024},
		p.upload)
	const one = "/merchants/{merchant}/channels/{channel}/images/{sha256}"
	Register(a, Op{ID: "get-image", Method: http.MethodGet, Path: one, Role: lumo.Viewer,
		Summary: "Read the sizes of an uploaded picture, and what it was cut from"}, p.image)
	Register(a, Op{ID: "cut-image", Method: http.MethodPost, Path: one + "/cuts", Role: lumo.Marketer,
		Summary: "Make a picture of a part of one; that one stays"}, p.cut)
	kinds := []string{"image/jpeg", "image/png"}
	RegisterFile(a, Op{ID: "get-media", Method: http.MethodGet, Path: "/merchants/{merchant}/media/{sha256}",
		Role: lumo.Viewer, Summary: "An uploaded picture"}, kinds, p.media)
	RegisterFile(a, Op{ID: "get-picture", Method: http.MethodGet, Path: "/merchants/{merchant}/picture",
		Role: lumo.Viewer, Summary: "A picture of another host, as a preview shows it"}, kinds, p.away)
}

func (p messages) preview(ctx context.Context, who Caller, in *previewInput) (PreviewView, error) {
	c, err := in.Channel()
	if err != nil {
		return PreviewView{}, err
	}
	var friend id.ID
	if in.Body.FriendID != "" {
		if friend, err = outside(id.Friend, in.Body.FriendID); err != nil {
			return PreviewView{}, err
		}
	}
	draft := message.Draft{Name: in.Body.Name, Body: in.Body.Draft.body()}
	view := PreviewView{Problems: problemViews(message.Check(draft.Body)), Values: map[string]string{}}
	shown, err := p.service.PreviewFor(ctx, who.Merchant.ID, c, lumo.FriendID(friend), draft, in.Body.Version)
	if fault.Is(err, fault.Invalid) { // its problems say why
		return view, nil
	}
	view.Messages = shown.Messages
	if shown.Values != nil {
		view.Values = shown.Values
	}
	for _, g := range shown.Gaps {
		gap := GapView{Block: g.Block, Name: g.Name}
		if g.Text {
			gap.At = &g.At
		}
		view.Gaps = append(view.Gaps, gap)
	}
	for _, one := range shown.Tracked {
		view.Tracked = append(view.Tracked, TrackedView{one.Block, one.Address, one.Target, shown.Begin})
	}
	return view, err
}

func (p messages) upload(ctx context.Context, who Caller, in *uploadInput) (ImageView, error) {
	c, err := in.Channel()
	if err != nil {
		return ImageView{}, err
	}
	made, err := p.service.Upload(ctx, messageActor(who), who.Merchant.ID, c, in.RawBody)
	if err != nil {
		return ImageView{}, err
	}
	return p.imageView(made), nil
}

func (p messages) image(ctx context.Context, who Caller, in *InImage) (ImageView, error) {
	c, sha, err := in.image()
	if err != nil {
		return ImageView{}, err
	}
	found, err := p.service.Image(ctx, who.Merchant.ID, c, sha)
	return p.imageView(found), err
}

func (p messages) cut(ctx context.Context, who Caller, in *cutInput) (ImageView, error) {
	c, sha, err := in.image()
	if err != nil {
		return ImageView{}, err
	}
	b := in.Body
	made, err := p.service.CutImage(ctx, messageActor(who), who.Merchant.ID, c, sha,
		image.Rect(b.X, b.Y, b.X+b.Width, b.Y+b.Height))
	return p.imageView(made), err
}

func (in InImage) image() (lumo.ChannelID, [32]byte, error) {
	c, err := in.Channel()
	sha, ok := message.OwnMedia(edgeapi.MediaPath + in.SHA256)
	if err == nil && !ok {
		err = noPicture()
	}
	return c, sha, err
}

func noPicture() error {
	return fault.New(fault.NotFound, "console.media", "This picture does not exist.")
}

func (p messages) imageView(made message.Image) ImageView {
	view := ImageView{Width: made.Width, Height: made.Height}
	for _, f := range made.Files {
		address := p.edgeURL + edgeapi.MediaPath + hex.EncodeToString(f.SHA256[:])
		view.Files = append(view.Files, ImageFileView{Use: f.Use, Width: f.Width, Height: f.Height, Bytes: f.Bytes, URL: address})
		switch f.Use {
		case picture.Original:
			view.URL = address
		case picture.Card:
			view.Card = address
		case picture.Icon:
			view.Icon = address
		}
	}
	if cut := made.Cut; cut != nil {
		view.Cut = &CutView{hex.EncodeToString(cut.Of[:]),
			PartView{cut.Part.Min.X, cut.Part.Min.Y, cut.Part.Dx(), cut.Part.Dy()}}
	}
	return view
}

// guarded answers a picture in a way that no browser takes for a page.
func guarded(f message.Media) File {
	return func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", f.MediaType)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
		h.Set("Cache-Control", "private, max-age=3600")
		_, _ = w.Write(f.Data)
	}
}

func (p messages) media(ctx context.Context, who Caller, in *mediaInput) (File, error) {
	sha, ok := message.OwnMedia(p.edgeURL + edgeapi.MediaPath + in.SHA256)
	if !ok {
		return nil, noPicture()
	}
	f, err := p.service.File(ctx, who.Merchant.ID, sha)
	return guarded(f), err
}

// away loads a picture from a merchant's host, so that no page of ours asks other hosts and
// a preview is nobody's opening.
func (p messages) away(ctx context.Context, _ Caller, in *pictureInput) (File, error) {
	file, kind, err := p.service.Picture(ctx, in.URL)
	return guarded(message.Media{MediaType: kind, Data: file}), err
}
