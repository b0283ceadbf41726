package console

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"

	"lumo/shared/fault"
)

const (
	printPixels = 2000 // of a PNG, at most: each module has a whole number of them
	printMM     = 300  // side of an SVG
	quietZone   = 4    // modules of white around a code, as readers need
)

// encode makes the modules of a QR code. Print gets the higher correction: posters get torn.
func encode(text string) (barcode.Barcode, error) {
	code, err := qr.Encode(text, qr.Q, qr.Auto)
	return code, fault.As(fault.Internal, "console.encode", err)
}

func dark(code barcode.Barcode, x, y int) bool {
	r, _, _, _ := code.At(x, y).RGBA()
	return r == 0
}

func drawPNG(text string) ([]byte, error) {
	code, err := encode(text)
	if err != nil {
		return nil, err
	}
	n := code.Bounds().Dx()
	scale := printPixels / (n + 2*quietZone)
	side := scale * (n + 2*quietZone)
	out := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range side {
		for x := range side {
			mx, my := x/scale-quietZone, y/scale-quietZone
			if mx >= 0 && my >= 0 && mx < n && my < n && dark(code, mx, my) {
				out.SetColorIndex(x, y, 1)
			}
		}
	}
	var file bytes.Buffer
	err = png.Encode(&file, out)
	return file.Bytes(), fault.As(fault.Internal, "console.drawPNG", err)
}

// drawSVG draws each row's runs of dark modules as one path.
func drawSVG(text string) ([]byte, error) {
	code, err := encode(text)
	if err != nil {
		return nil, err
	}
	n := code.Bounds().Dx()
	var file bytes.Buffer
	fmt.Fprintf(&file, `<svg xmlns="http://www.w3.org/2000/svg" width="%dmm" height="%dmm" viewBox="0 0 %d %d" `+
		`shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%[3]dv%[3]dH0z"/><path d="`,
		printMM, printMM, n+2*quietZone, n+2*quietZone)
	for y := range n {
		for x := 0; x < n; x++ {
			run := 0
			for x+run < n && dark(code, x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&file, "M%d %dh%dv1h-%[3]dz", x+quietZone, y+quietZone, run)
				x += run
			}
		}
	}
	file.WriteString(`"/></svg>`)
	return file.Bytes(), nil
}
