// Package pictures loads pictures from merchants' hosts. Every address is decided when it is
// dialled, redirects included, so none leads into a private network; what comes back counts
// as a picture by its first bytes alone.
package pictures

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"code.dny.dev/ssrf"

	"lumo/core/message"
	"lumo/shared/fault"
)

const maxRedirects = 3

// Loader loads pictures.
type Loader struct{ http *http.Client }

// New makes a loader. The client's transport must refuse private addresses.
func New(guarded *http.Client) *Loader {
	own := *guarded
	own.Jar = nil
	own.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return errors.New("too many redirects")
		}
		req.Header.Del("Referer")
		return nil
	}
	return &Loader{http: &own}
}

// Load answers a picture of at most so many bytes, and its type.
func (l *Loader) Load(ctx context.Context, address string, most int) ([]byte, string, error) {
	const op = "pictures.Load"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, "", fault.Wrap(op, err)
	}
	req.Header.Set("Accept", "image/png, image/jpeg")
	res, err := l.http.Do(req)
	if err != nil {
		return nil, "", fault.Wrap(op, cause(ctx, err))
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, "", fault.New(fault.Unavailable, op, "the host answered %d", res.StatusCode)
	}
	file, err := io.ReadAll(io.LimitReader(res.Body, int64(most)+1))
	if err != nil {
		return nil, "", fault.Wrap(op, cause(ctx, err))
	}
	switch {
	case len(file) > most:
		return nil, "", fault.Wrap(op, message.ErrPictureLarge)
	case bytes.HasPrefix(file, []byte("\xff\xd8\xff")):
		return file, "image/jpeg", nil
	case bytes.HasPrefix(file, []byte("\x89PNG\r\n\x1a\n")):
		return file, "image/png", nil
	}
	return nil, "", fault.Wrap(op, message.ErrPictureType)
}

// cause is why a host was not reached; the error's own text holds the address.
func cause(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, ssrf.ErrProhibitedPort):
		return message.ErrPicturePrivate
	case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded):
		return message.ErrPictureSlow
	}
	return fault.New(fault.Unavailable, "pictures.cause", "the host does not answer")
}
