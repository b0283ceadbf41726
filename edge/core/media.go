package core

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"lumo/shared/fault"
)

const (
	mediaLimit  = 60 * time.Second // for all of a file
	moduleLimit = 30 * time.Second
)

// Media opens an uploaded file by its hash; close it. fault.NotFound means that the core
// has none.
func (c *Client) Media(ctx context.Context, hash string) (kind string, body io.ReadCloser,
	err error) {
	res, end, err := c.get(ctx, "/edge/v1/media/"+hash, mediaLimit)
	if err != nil {
		return "", nil, fault.Wrap("core.Media", err)
	}
	return res.Header.Get("Content-Type"), ending{res.Body, end}, nil
}

// Module opens a module's file by its hash; close it.
func (c *Client) Module(ctx context.Context, hash string) (io.ReadCloser, error) {
	res, end, err := c.get(ctx, "/edge/v1/modules/"+hash, moduleLimit)
	if err != nil {
		return nil, fault.Wrap("core.Module", err)
	}
	return ending{res.Body, end}, nil
}

// get asks for something by its hash. Whoever reads the body calls end afterwards.
func (c *Client) get(ctx context.Context, path string, limit time.Duration) (*http.Response,
	context.CancelFunc, error) {
	const op = "core.get"
	ctx, end := context.WithTimeout(ctx, limit)
	req, err := c.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		end()
		return nil, nil, fault.Wrap(op, err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		end()
		return nil, nil, fault.As(fault.Unavailable, op, err)
	}
	if res.StatusCode == http.StatusOK {
		return res, end, nil
	}
	_ = res.Body.Close()
	end()
	kind := fault.Unavailable
	if res.StatusCode == http.StatusNotFound {
		kind = fault.NotFound
	}
	return nil, nil, fault.As(kind, op, errors.New("the core answered "+res.Status))
}

// ending ends the time limit with the reading.
type ending struct {
	io.ReadCloser
	end context.CancelFunc
}

// Close ends both.
func (e ending) Close() error {
	defer e.end()
	return e.ReadCloser.Close()
}
