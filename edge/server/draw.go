package server

import (
	"bytes"
	"image"
	"image/color"
	"image/png"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"
	"github.com/valyala/fasthttp"
)

const (
	imageSize = 480 // pixels, at most; each module has a whole number of them
	quietZone = 4   // modules of white around a code, as readers need
)

func (s *Server) drawPNG(ctx *fasthttp.RequestCtx, address string) {
	picture, err := drawQR(address)
	if err != nil {
		ctx.Response.Header.Set("Cache-Control", "no-store")
		ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
		return
	}
	ctx.SetContentType("image/png")
	ctx.SetBody(picture)
}

func drawQR(address string) ([]byte, error) {
	code, err := qr.Encode(address, qr.M, qr.Auto)
	if err != nil {
		return nil, err
	}
	modules := code.Bounds().Dx()
	scale := max(1, imageSize/(modules+2*quietZone))
	scaled, err := barcode.Scale(code, modules*scale, modules*scale)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = png.Encode(&out, black(scaled, quietZone*scale))
	return out.Bytes(), err
}

// black copies a picture into two colours with white around it: small files.
func black(from image.Image, margin int) image.Image {
	size := from.Bounds().Dx() + 2*margin
	out := image.NewPaletted(image.Rect(0, 0, size, size), color.Palette{color.White, color.Black})
	for y := range from.Bounds().Dy() {
		for x := range from.Bounds().Dx() {
			if r, _, _, _ := from.At(x, y).RGBA(); r == 0 {
				out.SetColorIndex(x+margin, y+margin, 1)
			}
		}
	}
	return out
}
