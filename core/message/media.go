package message

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
}

// ImageFile is one size of an image.
type ImageFile struct {
	Use           int // picture.Original, Preview, Card, or a width
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
	const op = "message.Upload"
	select {
	case s.drawn <- struct{}{}:
		defer func() { <-s.drawn }()
	case <-ctx.Done():
		return Image{}, fault.As(fault.Unavailable, op, ctx.Err())
	}
	files, err := picture.Make(file)
	if err != nil {
		return Image{}, fault.Wrap(op, err)
	}
	made := Image{SHA256: sha256.Sum256(files[0].Data), Width: files[0].Width, Height: files[0].Height}
	for _, f := range files {
		made.Files = append(made.Files, ImageFile{Use: f.Use, SHA256: sha256.Sum256(f.Data), Width: f.Width,
			Height: f.Height, MediaType: f.MediaType, Bytes: len(f.Data)})
	}
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error { return s.keep(ctx, who, m, c, &made, files) })
	return made, fault.Wrap(op, err)
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
		if f.Use == picture.Card {
			continue
		}
		err := s.c.Fleet.Changed(ctx, m, edgeapi.TableImage, edgeapi.ImageKey(channel.Number, number, uint16(f.Use)))
		if err != nil {
			return err
		}
	}
	return s.c.Auditor.Audit(ctx, who.entry("media.upload", "media", hex.EncodeToString(made.SHA256[:8])))
}

// File reads a merchant's file for the console.
func (s *Service) File(ctx context.Context, m lumo.MerchantID, sha [32]byte) (f Media, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		f, err = s.c.Media.Media(ctx, m, sha)
		return err
	})
	return f, fault.Wrap("message.File", err)
}
