package server

import (
	"image"
	"image/color"
)

// framed is a picture with white around it.
type framed struct {
	image.Image
	margin int
}

// Bounds are those of the picture and its frame.
func (f framed) Bounds() image.Rectangle {
	b := f.Image.Bounds()
	return image.Rect(0, 0, b.Dx()+2*f.margin, b.Dy()+2*f.margin)
}

// ColorModel is black and white in 8 bits: small files.
func (f framed) ColorModel() color.Model { return color.GrayModel }

// At is the picture's pixel, or white.
func (f framed) At(x, y int) color.Color {
	p := image.Pt(x-f.margin, y-f.margin)
	if !p.In(f.Image.Bounds()) {
		return color.Gray{Y: 255}
	}
	return color.GrayModel.Convert(f.Image.At(p.X, p.Y))
}
