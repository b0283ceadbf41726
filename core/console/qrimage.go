package console

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"

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

// drawSVG is the code as a file for print.
func drawSVG(text string) ([]byte, error) {
	path, side, err := drawPath(text)
	if err != nil {
		return nil, err
	}
	var file bytes.Buffer
	fmt.Fprintf(&file, `<svg xmlns="http://www.w3.org/2000/svg" width="%dmm" height="%dmm" viewBox="0 0 %d %d" `+
		`shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%[3]dv%[3]dH0z"/><path d="%[5]s"/></svg>`,
		printMM, printMM, side, side, path)
	return file.Bytes(), nil
}

// drawPath draws each row's runs of dark modules; side counts the white around them.
func drawPath(text string) (path string, side int, err error) {
	code, err := encode(text)
	if err != nil {
		return "", 0, err
	}
	n := code.Bounds().Dx()
	var out strings.Builder
	for y := range n {
		for x := 0; x < n; x++ {
			run := 0
			for x+run < n && dark(code, x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&out, "M%d %dh%dv1h-%[3]dz", x+quietZone, y+quietZone, run)
				x += run
			}
		}
	}
	return out.String(), n + 2*quietZone, nil
}
