package console_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"regexp"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"lumo/core/lumo"
)

// A code is printed from its files: a phone reads from each the URL that stands beside it.
func TestPhonesReadACodesFiles(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	codes := d.channel() + "/qr_codes"
	for _, c := range []struct{ identifyBy, profile, adds string }{
		{"none", "", ""},
		{"none", "01JPROFILE", ""}, // a counter's code is everybody's
		{"profile", "", ""},
		{"profile", "01J PROFILE+/&" + strings.Repeat("x", 40), "?k=01J+PROFILE%2B%2F%26" + strings.Repeat("x", 40)},
	} {
		status, code := d.call(t, lumo.Marketer, "POST", codes, map[string]any{"name": "Code", "identify_by": c.identifyBy})
		if status != 200 {
			t.Fatalf("make a code: %d %v", status, code)
		}
		want := code["url"].(string) + c.adds
		files := codes + "/" + code["id"].(string) + "/image/image."
		query := "?profile=" + strings.NewReplacer(" ", "%20", "+", "%2B", "&", "%26").Replace(c.profile)
		for _, kind := range []string{"png", "svg"} {
			res, file, _ := d.send(t, lumo.Viewer, "GET", files+kind+query, "", "")
			if res.StatusCode != 200 {
				t.Fatalf("%s: %d %s", kind, res.StatusCode, file)
			}
			picture := rastered(t, file)
			if kind == "png" {
				var err error
				if picture, err = png.Decode(strings.NewReader(file)); err != nil {
					t.Fatal(err)
				}
			}
			if got := read(t, picture); got != want {
				t.Errorf("%+v, %s: a phone reads %s, want %s", c, kind, got, want)
			}
		}
	}
}

// rastered draws an SVG of ours; nil for what is none. Only the shapes that it may hold are
// understood: anything else is an error.
func rastered(t *testing.T, file string) image.Image {
	t.Helper()
	if !strings.HasPrefix(file, "<svg") {
		return nil
	}
	var svg struct {
		Width   string `xml:"width,attr"`
		Height  string `xml:"height,attr"`
		ViewBox string `xml:"viewBox,attr"`
		Paths   []struct {
			Fill string `xml:"fill,attr"`
			D    string `xml:"d,attr"`
		} `xml:"path"`
	}
	if err := xml.NewDecoder(bytes.NewReader([]byte(file))).Decode(&svg); err != nil {
		t.Fatal(err)
	}
	var left, top, width, height int
	if _, err := fmt.Sscanf(svg.ViewBox, "%d %d %d %d", &left, &top, &width, &height); err != nil || left != 0 || top != 0 ||
		width != height || svg.Width != "300mm" || svg.Height != "300mm" {
		t.Fatalf("%s by %s of %s: %v", svg.Width, svg.Height, svg.ViewBox, err)
	}
	const scale = 4
	picture := image.NewGray(image.Rect(0, 0, width*scale, height*scale)) // all black: white must be drawn
	for _, path := range svg.Paths {
		ink := color.Black
		if path.Fill == "#fff" {
			ink = color.White
		}
		rest := shape.ReplaceAllStringFunc(path.D, func(one string) string {
			var x, y, w, h int
			n := shape.FindStringSubmatch(one)
			_, _ = fmt.Sscan(n[1], &x)
			_, _ = fmt.Sscan(n[2], &y)
			_, _ = fmt.Sscan(n[3], &w)
			_, _ = fmt.Sscan(n[4], &h)
			if n[5] != "H"+n[1] && n[5] != "h-"+n[3] {
				t.Fatalf("%s goes back another way", one)
			}
			draw.Draw(picture, image.Rect(x*scale, y*scale, (x+w)*scale, (y+h)*scale), image.NewUniform(ink), image.Point{}, draw.Src)
			return ""
		})
		if rest != "" {
			t.Fatalf("unknown shapes: %.80s", rest)
		}
	}
	return picture
}

var shape = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v(\d+)(H\d+|h-\d+)z`)

// read is what a phone's camera finds.
func read(t *testing.T, picture image.Image) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	found, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	if err != nil {
		t.Fatal(err)
	}
	return found.GetText()
}
