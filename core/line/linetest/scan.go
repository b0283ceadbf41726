package linetest

import (
	"bytes"
	"context"
	"image"
	_ "image/png" // QR codes come as PNG
	"io"
	"net/http"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"lumo/shared/fault"
)

// ReadCode reads a QR code as a phone's camera does, from a picture or from the address of
// one on this machine, and gives the text in it.
func (s *Server) ReadCode(ctx context.Context, picture []byte, address string) (string, error) {
	const op = "linetest.ReadCode"
	if len(picture) == 0 {
		loaded, err := s.loadPicture(ctx, address)
		if err != nil {
			return "", fault.As(fault.NotFound, op, err)
		}
		picture = loaded
	}
	img, _, err := image.Decode(bytes.NewReader(picture))
	if err != nil {
		return "", fault.New(fault.Invalid, op, "This is not a PNG picture.")
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return "", fault.New(fault.Invalid, op, "The picture cannot be read.")
	}
	hints := map[gozxing.DecodeHintType]interface{}{gozxing.DecodeHintType_TRY_HARDER: true}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, hints)
	if err != nil {
		return "", fault.New(fault.Invalid, op, "There is no QR code in this picture.")
	}
	return result.GetText(), nil
}

// loadPicture gets a picture as an email program does.
func (s *Server) loadPicture(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fault.New(fault.Invalid, "linetest.picture", "This is not an address.")
	}
	req.Header.Set("User-Agent", "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko)")
	res, err := s.client.Do(req)
	if err != nil {
		return nil, fault.New(fault.NotFound, "linetest.picture", "The picture: %s.", unreached(err))
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fault.New(
			fault.NotFound,
			"linetest.picture",
			"The picture's address answered %d.",
			res.StatusCode,
		)
	}
	return io.ReadAll(io.LimitReader(res.Body, 4<<20))
}
