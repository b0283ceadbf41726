package picture

import (
	"bytes"
	"encoding/binary"
	"image"
)

// orientation reads how a camera was held from a JPEG's Exif part: 1-8, 1 = upright or not
// told.
func orientation(file []byte) int {
	for at := 2; at+4 <= len(file) && file[at] == 0xff; {
		marker, size := file[at+1], int(binary.BigEndian.Uint16(file[at+2:]))
		if marker == 0xda || size < 2 || at+2+size > len(file) { // the picture itself begins
			return 1
		}
		part := file[at+4 : at+2+size]
		if marker == 0xe1 && bytes.HasPrefix(part, []byte("Exif\x00\x00")) {
			return fromTIFF(part[6:])
		}
		at += 2 + size
	}
	return 1
}

// fromTIFF finds tag 0x0112 in the first directory.
func fromTIFF(t []byte) int {
	if len(t) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	if t[0] == 'M' {
		order = binary.BigEndian
	}
	at := int(order.Uint32(t[4:]))
	if at < 8 || at+2 > len(t) {
		return 1
	}
	for i := range int(order.Uint16(t[at:])) {
		entry := at + 2 + 12*i
		if entry+12 > len(t) {
			return 1
		}
		if order.Uint16(t[entry:]) != 0x0112 {
			continue
		}
		if v := int(order.Uint16(t[entry+8:])); v >= 1 && v <= 8 {
			return v
		}
		return 1
	}
	return 1
}

// turned makes a picture upright.
func turned(i image.Image, how int) image.Image {
	if how == 1 {
		return i
	}
	b := i.Bounds()
	w, h := b.Dx(), b.Dy()
	if how >= 5 {
		w, h = h, w
	}
	to := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			sx, sy := source(how, x, y, w, h)
			to.Set(x, y, i.At(b.Min.X+sx, b.Min.Y+sy))
		}
	}
	return to
}

// source is where in the stored picture a point of the upright one is; w and h are upright.
func source(how, x, y, w, h int) (int, int) {
	switch how {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, w - 1 - x
	case 7:
		return h - 1 - y, w - 1 - x
	case 8:
		return h - 1 - y, x
	}
	return x, y
}
