package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/valyala/fasthttp"

	"lumo/edge/media"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

const (
	keepMedia   = "public, max-age=31536000, immutable"
	keepImage   = "private, max-age=31536000, immutable" // the address may be one person's
	mediaPolicy = "default-src 'none'; sandbox"
)

// serveMedia answers /m/{sha256}: the same bytes for everybody, for ever.
func (s *Server) serveMedia(ctx *fasthttp.RequestCtx, path []byte) {
	if !ctx.IsGet() && !ctx.IsHead() {
		ctx.Response.Header.Set("Allow", "GET, HEAD")
		bare(ctx, fasthttp.StatusMethodNotAllowed)
		return
	}
	h, ok := media.ParseHash(string(path[len(edgeapi.MediaPath):]))
	if !ok {
		bare(ctx, fasthttp.StatusNotFound)
		return
	}
	if !s.Media.Has(h) && !s.limit.stranger() { // anybody can make hashes up
		ctx.Response.Header.Set("Retry-After", strconv.Itoa(retrySeconds))
		bare(ctx, fasthttp.StatusServiceUnavailable)
		return
	}
	s.giveFile(ctx, h, keepMedia)
}

// media answers the file that an image's address stands for. Only who gets it has opened
// the message.
func (e *exchange) media(hash []byte) {
	v := &e.call.Verdict
	h, ok := media.ParseHash(string(hash))
	if !ok {
		e.bare(fasthttp.StatusNotFound)
		return
	}
	if e.s.giveFile(e.RequestCtx, h, keepImage) {
		e.record(v.Events)
	}
}

// giveFile answers a file, or says that there is none; it tells which.
func (s *Server) giveFile(ctx *fasthttp.RequestCtx, h media.Hash, keep string) bool {
	limited, cancel := context.WithTimeout(context.Background(), mediaLimit)
	defer cancel()
	f, err := s.Media.Get(limited, h)
	if err != nil {
		s.Meter.media("missing")
		if fault.Is(err, fault.NotFound) {
			bare(ctx, fasthttp.StatusNotFound)
			return false
		}
		ctx.Response.Header.Set("Retry-After", strconv.Itoa(retrySeconds))
		bare(ctx, fasthttp.StatusServiceUnavailable)
		return false
	}
	s.Meter.media("given")
	tag := `"` + h.String() + `"`
	head := &ctx.Response.Header
	head.SetContentType(f.Type)
	head.Set("Cache-Control", keep)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Content-Security-Policy", mediaPolicy)
	head.Set("ETag", tag)
	head.Set("Accept-Ranges", "bytes")
	if string(ctx.Request.Header.Peek("If-None-Match")) == tag {
		_ = f.Close()
		ctx.SetStatusCode(fasthttp.StatusNotModified)
		return true
	}
	return stream(ctx, f)
}

// stream answers all of a file, or the part that was asked for: players of films do that.
func stream(ctx *fasthttp.RequestCtx, f *media.File) bool {
	size := f.Size()
	from, to := int64(0), size-1
	asked := ctx.Request.Header.Peek("Range")
	if bytes.HasPrefix(asked, []byte("bytes=")) && bytes.IndexByte(asked, ',') < 0 {
		begin, end, err := fasthttp.ParseByteRange(asked, int(size))
		if err != nil {
			_ = f.Close()
			ctx.Response.Header.Set("Content-Range", fmt.Sprintf("bytes */%d", size))
			bare(ctx, fasthttp.StatusRequestedRangeNotSatisfiable)
			return false
		}
		from, to = int64(begin), int64(end)
		ctx.Response.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, size))
		ctx.SetStatusCode(fasthttp.StatusPartialContent)
	}
	part := readCloser{io.NewSectionReader(f, from, to-from+1), f}
	ctx.Response.SetBodyStream(part, int(to-from+1)) // the library closes it
	return true
}

type readCloser struct {
	io.Reader
	io.Closer
}

// bare is an answer for programs that show no pages.
func bare(ctx *fasthttp.RequestCtx, status int) {
	ctx.Response.Header.Set("Cache-Control", "no-store")
	ctx.SetStatusCode(status)
}
