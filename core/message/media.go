package message

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"time"

	"lumo/core/lumo"
	"lumo/core/message/picture"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

const (
	maxPicture = picture.MaxBytes
	maxPreview = 1 << 20
	// mediaPerMerchant is how much a merchant may store; the core keeps files for ever, since
	// messages on phones show them.
	mediaPerMerchant = 5 << 30
)

// Media is a stored file, named by its hash.
type Media struct {
	SHA256    [32]byte
	MediaType string
	Data      []byte
}

// Image is a picture of a channel in all its sizes.
type Image struct {
	Number        uint32 // of the channel
	SHA256        [32]byte
	Width, Height int
	Files         []ImageFile
	Cut           *Cut // nil = a whole picture
}

// Cut is the part of another image that an image shows, in pixels of that one's original.
type Cut struct {
	Of   [32]byte
	Part image.Rectangle
}

// ImageFile is one size of an image.
type ImageFile struct {
	Use           int // picture.Original, Preview, Card, Icon, or a width
	SHA256        [32]byte
	Width, Height int
	MediaType     string
	Bytes         int
}

// MediaStore keeps files. Its methods run in the caller's transaction.
type MediaStore interface {
	Images
	// AddMedia stores a file; one that is there already stays.
	AddMedia(ctx context.Context, m lumo.MerchantID, f Media, now time.Time) error
	// AddImage stores an image and its sizes under the channel's next number. One that is there
	// already stays and keeps its number.
	AddImage(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, i Image, now time.Time) (
		number uint32, fresh bool, err error)
	// Image finds the image of a channel that has this file in any of its sizes.
	Image(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, sha [32]byte) (Image, error)
	// Stored is how many bytes a merchant's files have.
	Stored(ctx context.Context, m lumo.MerchantID) (int64, error)
	Media(ctx context.Context, m lumo.MerchantID, sha [32]byte) (Media, error)
}

// Fleet tells the edges that a row of their tables changed, inside the transaction.
type Fleet interface {
	Changed(ctx context.Context, m lumo.MerchantID, table uint8, key []byte) error
}

// Upload takes a picture, makes LINE's sizes of it, and tells the edges.
func (s *Service) Upload(ctx context.Context, who Actor, m lumo.MerchantID, c lumo.ChannelID, file []byte) (Image, error) {
	made, err := s.draw(ctx, who, m, c, nil, func() ([]picture.File, error) { return picture.Make(file) })
	return made, fault.Wrap("message.Upload", err)
}

// CutImage makes an image of a part of one; that one stays.
func (s *Service) CutImage(ctx context.Context, who Actor, m lumo.MerchantID, c lumo.ChannelID, sha [32]byte,
	part image.Rectangle) (Image, error) {
	const op = "message.CutImage"
	of, err := s.Image(ctx, m, c, sha)
	if err != nil {
		return Image{}, fault.Wrap(op, err)
	}
	whole, err := s.File(ctx, m, of.SHA256)
	if err != nil {
		return Image{}, fault.Wrap(op, err)
	}
	made, err := s.draw(ctx, who, m, c, &Cut{of.SHA256, part},
		func() ([]picture.File, error) { return picture.Cut(whole.Data, part) })
	return made, fault.Wrap(op, err)
}

// Image finds the image of a channel that has a file.
func (s *Service) Image(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, sha [32]byte) (i Image, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		i, err = s.c.Media.Image(ctx, m, c, sha)
		return err
	})
	return i, fault.Wrap("message.Image", err)
}

// draw makes an image of the files that are drawn, a few at a time: each takes much memory.
func (s *Service) draw(ctx context.Context, who Actor, m lumo.MerchantID, c lumo.ChannelID, cut *Cut,
	drawn func() ([]picture.File, error)) (Image, error) {
	select {
	case s.drawn <- struct{}{}:
		defer func() { <-s.drawn }()
	case <-ctx.Done():
		return Image{}, fault.As(fault.Unavailable, "message.draw", ctx.Err())
	}
	files, err := drawn()
	if err != nil {
		return Image{}, err
	}
	made := Image{SHA256: sha256.Sum256(files[0].Data), Width: files[0].Width, Height: files[0].Height, Cut: cut}
	for _, f := range files {
		made.Files = append(made.Files, ImageFile{Use: f.Use, SHA256: sha256.Sum256(f.Data), Width: f.Width,
			Height: f.Height, MediaType: f.MediaType, Bytes: len(f.Data)})
	}
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error { return s.keep(ctx, who, m, c, &made, files) })
	return made, err
}

func (s *Service) keep(ctx context.Context, who Actor, m lumo.MerchantID, c lumo.ChannelID, made *Image,
	files []picture.File) error {
	channel, err := s.c.Channels.Get(ctx, m, c)
	if err != nil {
		return err
	}
	stored, err := s.c.Media.Stored(ctx, m)
	if err != nil {
		return err
	}
	if stored > mediaPerMerchant {
		return fault.New(fault.Limited, "message.keep", "Your pictures fill 5 GB. Write to support for more room.")
	}
	for i, f := range files {
		one := Media{SHA256: made.Files[i].SHA256, MediaType: f.MediaType, Data: f.Data}
		if err := s.c.Media.AddMedia(ctx, m, one, s.c.Now()); err != nil {
			return err
		}
	}
	number, fresh, err := s.c.Media.AddImage(ctx, m, c, *made, s.c.Now())
	if err != nil || !fresh {
		made.Number = number
		return err
	}
	made.Number = number
	for _, f := range made.Files {
		if f.Use == picture.Card || f.Use == picture.Icon {
			continue
		}
		err := s.c.Fleet.Changed(ctx, m, edgeapi.TableImage, edgeapi.ImageKey(channel.Number, number, uint16(f.Use)))
		if err != nil {
			return err
		}
	}
	action := "media.upload"
	if made.Cut != nil {
		action = "media.cut"
	}
	return s.c.Auditor.Audit(ctx, who.entry(action, "media", hex.EncodeToString(made.SHA256[:8])))
}

// File reads a merchant's file for the console.
func (s *Service) File(ctx context.Context, m lumo.MerchantID, sha [32]byte) (f Media, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		f, err = s.c.Media.Media(ctx, m, sha)
		return err
	})
	return f, fault.Wrap("message.File", err)
}
