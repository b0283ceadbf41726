package picture

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"lumo/shared/fault"
)

func drawn(w, h int, alpha uint8) *image.NRGBA {
	i := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			i.SetNRGBA(x, y, color.NRGBA{uint8(x), uint8(y), 90, alpha})
		}
	}
	return i
}

func encoded(t testing.TB, i image.Image, kind string) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch kind {
	case "png":
		err = png.Encode(&b, i)
	case "gif":
		err = gif.Encode(&b, i, nil)
	default:
		err = jpeg.Encode(&b, i, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAllSizesThatLineAsksFor(t *testing.T) {
	t.Parallel()
	files, err := Make(encoded(t, drawn(3000, 1500, 255), "jpeg"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[int]image.Point{Original: {X: 2048, Y: 1024}, Preview: {X: 700, Y: 350}, Card: {X: 1024, Y: 512},
		240: {X: 240, Y: 120}, 300: {X: 300, Y: 150}, 460: {X: 460, Y: 230}, 700: {X: 700, Y: 350}, 1040: {X: 1040, Y: 520}}
	if len(files) != len(want) || files[0].Use != Original {
		t.Fatalf("got %d files, first %d", len(files), files[0].Use)
	}
	for _, f := range files {
		size, kind, err := image.DecodeConfig(bytes.NewReader(f.Data))
		if err != nil || kind != "jpeg" || f.MediaType != "image/jpeg" {
			t.Fatalf("%d: got %s %s %v", f.Use, kind, f.MediaType, err)
		}
		if got := (image.Point{X: size.Width, Y: size.Height}); got != want[f.Use] || f.Width != got.X || f.Height != got.Y {
			t.Errorf("%d: got %v want %v", f.Use, got, want[f.Use])
		}
	}
}

func TestTransparentPicturesStayPNG(t *testing.T) {
	t.Parallel()
	files, err := Make(encoded(t, drawn(40, 30, 120), "png"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.MediaType != "image/png" {
			t.Errorf("%d is %s", f.Use, f.MediaType)
		}
	}
}

func TestWhatIsNoPictureIsRefused(t *testing.T) {
	t.Parallel()
	whole := encoded(t, drawn(30, 30, 255), "jpeg")
	bomb := encoded(t, drawn(1, 1, 255), "png")
	binary.BigEndian.PutUint32(bomb[16:], 60000) // claims to be 60000 wide; the checksum is wrong, too
	for name, c := range map[string]struct {
		file []byte
		kind fault.Kind
	}{
		"gif":         {encoded(t, drawn(9, 9, 255), "gif"), fault.Invalid},
		"text":        {[]byte("<svg onload=alert(1)>"), fault.Invalid},
		"nothing":     {nil, fault.Invalid},
		"half":        {whole[:len(whole)/2], fault.Invalid},
		"a bomb":      {bomb, fault.Invalid},
		"a thread":    {encoded(t, drawn(2000, 10, 255), "png"), fault.Invalid},
		"much":        {make([]byte, MaxBytes+1), fault.TooLarge},
		"other magic": {append([]byte("GIF89a"), whole...), fault.Invalid},
	} {
		if _, err := Make(c.file); !fault.Is(err, c.kind) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// exif puts an orientation in front of a JPEG's picture.
func exif(file []byte, how byte) []byte {
	part := append([]byte("Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01"), 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, how, 0, 0, 0, 0, 0, 0)
	head := []byte{0xff, 0xd8, 0xff, 0xe1, 0, byte(len(part) + 2)}
	return append(append(head, part...), file[2:]...)
}

func TestPhotosStandUpright(t *testing.T) {
	t.Parallel()
	plain := encoded(t, drawn(60, 20, 255), "jpeg")
	for how, want := range map[byte]image.Point{1: {X: 60, Y: 20}, 3: {X: 60, Y: 20}, 6: {X: 20, Y: 60}, 8: {X: 20, Y: 60}} {
		files, err := Make(exif(plain, how))
		if err != nil {
			t.Fatal(err)
		}
		if got := (image.Point{X: files[0].Width, Y: files[0].Height}); got != want {
			t.Errorf("%d: got %v want %v", how, got, want)
		}
	}
	i := turned(drawn(3, 2, 255), 6) // held to the right: the lower left corner comes to the upper left
	if got := color.NRGBAModel.Convert(i.At(0, 0)).(color.NRGBA); got.R != 0 || got.G != 1 {
		t.Errorf("got %v", got)
	}
}

func FuzzOrientation(f *testing.F) {
	f.Add(exif(encoded(f, drawn(4, 4, 255), "jpeg"), 6))
	f.Add([]byte{0xff, 0xd8, 0xff, 0xe1, 0, 8})
	f.Fuzz(func(t *testing.T, file []byte) {
		if got := orientation(file); got < 1 || got > 8 {
			t.Fatalf("got %d", got)
		}
	})
}

func TestACutIsTheChosenPartInAllSizes(t *testing.T) {
	t.Parallel()
	whole, err := Make(encoded(t, drawn(400, 200, 255), "png"))
	if err != nil {
		t.Fatal(err)
	}
	part := image.Rect(300, 50, 400, 150)
	files, err := Cut(whole[0].Data, part)
	if err != nil || len(files) != 9 {
		t.Fatalf("got %d files, %v", len(files), err)
	}
	of := func(f File) image.Image {
		i, _, err := image.Decode(bytes.NewReader(f.Data))
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	before, cut := of(whole[0]), of(files[0])
	if cut.Bounds().Size() != part.Size() {
		t.Fatalf("got %v", cut.Bounds())
	}
	for _, at := range []image.Point{{}, {X: 99}, {Y: 99}, {X: 50, Y: 50}} { // JPEG changes colours a little
		x, y := at.X+part.Min.X, at.Y+part.Min.Y
		r, g, _, _ := cut.At(at.X, at.Y).RGBA()
		wantR, wantG, _, _ := before.At(x, y).RGBA()
		if abs(int(r>>8)-int(wantR>>8)) > 24 || abs(int(g>>8)-int(wantG>>8)) > 24 {
			t.Errorf("%v: got %d %d, want %d %d", at, r>>8, g>>8, wantR>>8, wantG>>8)
		}
	}
	if icon := files[8]; icon.Use != Icon || icon.MediaType != "image/png" || of(icon).Bounds().Dx() != 100 {
		t.Errorf("the icon: %d %s", icon.Use, icon.MediaType)
	}
	for _, f := range files {
		size, err := Size(f.Data[:min(len(f.Data), Beginning)])
		if err != nil || size != image.Pt(f.Width, f.Height) {
			t.Errorf("%d: got %v %v", f.Use, size, err)
		}
	}
	if wide, err := Cut(whole[0].Data, image.Rect(0, 0, 400, 100)); err != nil || len(wide) != 8 {
		t.Errorf("not square: %d files, %v", len(wide), err)
	}
	for name, wrong := range map[string]image.Rectangle{"outside": image.Rect(350, 0, 450, 100), "empty": {},
		"before": image.Rect(-1, 0, 100, 100), "a line": image.Rect(0, 0, 400, 10)} {
		if _, err := Cut(whole[0].Data, wrong); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func abs(n int) int { return max(n, -n) }
