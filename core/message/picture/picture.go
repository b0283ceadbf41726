// Package picture makes the sizes that LINE asks for out of a picture that somebody uploaded.
//
// The upload is decoded and drawn anew, so nothing of the file itself (hidden data, wrong
// types, broken structure, where a photo was taken) reaches anybody.
package picture

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/draw"

	"lumo/shared/fault"
)

// Limits of an upload.
const (
	MaxBytes  = 10 << 20
	maxPixels = 40_000_000
	maxRatio  = 20
)

// The widths of an image message beside LINE's own: original and preview.
const (
	Original = 0
	Preview  = 1
	Card     = 2 // for Flex, which takes at most 1024 by 1024; not served by width
	Icon     = 3 // for senders, as PNG; of square pictures alone, not served by width
)

const (
	quality      = 88
	original     = 2048 // longest side
	preview      = 700
	card         = 1024
	icon         = 256
	previewBytes = 1 << 20
)

// Widths are those that LINE asks an imagemap for.
func Widths() []int { return []int{240, 300, 460, 700, 1040} }

// File is one size of a picture.
type File struct {
	Use           int // Original, Preview, Card, Icon, or one of Widths
	Width, Height int
	MediaType     string
	Data          []byte
}

// Make draws all sizes of an uploaded JPEG or PNG, the original first.
func Make(upload []byte) ([]File, error) {
	const op = "picture.Make"
	if len(upload) > MaxBytes {
		return nil, fault.New(fault.TooLarge, op, "The picture is larger than 10 MB.")
	}
	size, kind, err := image.DecodeConfig(bytes.NewReader(upload))
	if err != nil || kind != "jpeg" && kind != "png" {
		return nil, fault.New(fault.Invalid, op, "This is not a JPEG or PNG picture.")
	}
	if size.Width < 1 || size.Height < 1 || size.Width*size.Height > maxPixels ||
		size.Width > maxRatio*size.Height || size.Height > maxRatio*size.Width {
		return nil, fault.New(fault.Invalid, op, "The picture has an unusual size. Use at most 40 megapixels.")
	}
	drawn, _, err := image.Decode(bytes.NewReader(upload))
	if err != nil {
		return nil, fault.New(fault.Invalid, op, "The picture cannot be read. Save it again as JPEG or PNG.")
	}
	// no size is larger than the original, and a small picture is turned faster
	var whole image.Image = scaled(drawn, within(drawn.Bounds().Size(), original))
	if kind == "jpeg" {
		whole = turned(whole, orientation(upload))
	}
	return sizes(whole)
}

// Cut draws all sizes of a part of an original that Make drew, the original first.
func Cut(original []byte, part image.Rectangle) ([]File, error) {
	const op = "picture.Cut"
	drawn, _, err := image.Decode(bytes.NewReader(original))
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	w, h := part.Dx(), part.Dy()
	if part.Empty() || !part.In(drawn.Bounds()) || w > maxRatio*h || h > maxRatio*w {
		return nil, fault.New(fault.Invalid, op, "This part is not inside the picture.")
	}
	whole := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(whole, whole.Bounds(), drawn, part.Min, draw.Src)
	return sizes(whole)
}

// Size reads how large a file is that Make or Cut drew; the file's beginning is enough.
func Size(begin []byte) (image.Point, error) {
	size, _, err := image.DecodeConfig(bytes.NewReader(begin))
	return image.Pt(size.Width, size.Height), fault.Wrap("picture.Size", err)
}

// Beginning is how many bytes of a file Size needs at most.
const Beginning = 1024

func sizes(whole image.Image) ([]File, error) {
	from := whole.Bounds().Size()
	var out []File
	for _, s := range []struct{ use, longest, most int }{
		{Original, original, MaxBytes}, {Preview, preview, previewBytes}, {Card, card, MaxBytes}} {
		f, err := encode(scaled(whole, within(from, s.longest)), s.most)
		if err != nil {
			return nil, err
		}
		f.Use = s.use
		out = append(out, f)
	}
	for _, width := range Widths() {
		height := max(1, (from.Y*width+from.X/2)/from.X)
		f, err := encode(scaled(whole, image.Pt(width, height)), MaxBytes)
		if err != nil {
			return nil, err
		}
		f.Use = width
		out = append(out, f)
	}
	if from.X != from.Y {
		return out, nil
	}
	side := min(from.X, icon)
	f := File{Use: Icon, Width: side, Height: side, MediaType: "image/png"}
	var file bytes.Buffer
	err := png.Encode(&file, scaled(whole, image.Pt(side, side)))
	f.Data = file.Bytes()
	return append(out, f), fault.Wrap("picture.sizes", err)
}

// within is a size with at most so long a longest side; nothing is made larger.
func within(size image.Point, longest int) image.Point {
	side := max(size.X, size.Y)
	if side <= longest {
		return size
	}
	return image.Pt(max(1, size.X*longest/side), max(1, size.Y*longest/side))
}

func scaled(from image.Image, size image.Point) *image.RGBA {
	to := image.NewRGBA(image.Rectangle{Max: size}) // the library is fast for this kind alone
	if from.Bounds().Size() == size {
		draw.Draw(to, to.Bounds(), from, from.Bounds().Min, draw.Src)
		return to
	}
	draw.CatmullRom.Scale(to, to.Bounds(), from, from.Bounds(), draw.Src, nil)
	return to
}

// encode keeps what is transparent as PNG where it fits; everything else becomes JPEG.
func encode(i *image.RGBA, most int) (File, error) {
	f := File{Width: i.Bounds().Dx(), Height: i.Bounds().Dy(), MediaType: "image/jpeg"}
	var out bytes.Buffer
	if !i.Opaque() {
		if err := png.Encode(&out, i); err != nil {
			return f, fault.Wrap("picture.encode", err)
		}
		if out.Len() <= most {
			f.MediaType, f.Data = "image/png", out.Bytes()
			return f, nil
		}
		i = onWhite(i)
	}
	for q := quality; ; q -= 15 {
		out.Reset()
		if err := jpeg.Encode(&out, i, &jpeg.Options{Quality: q}); err != nil {
			return f, fault.Wrap("picture.encode", err)
		}
		if out.Len() <= most || q < 30 {
			f.Data = out.Bytes()
			return f, nil
		}
	}
}

func onWhite(i *image.RGBA) *image.RGBA {
	to := image.NewRGBA(i.Bounds())
	draw.Draw(to, to.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(to, to.Bounds(), i, i.Bounds().Min, draw.Over)
	return to
}
