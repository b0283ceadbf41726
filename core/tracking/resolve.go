package tracking

import (
	"cmp"
	"context"
	"encoding/hex"
	"strconv"
	"strings"

	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/event"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/token"
)

const (
	linkPath  = "/c/"
	imagePath = "/i/"
)

// Resolve finds where a tracked link leads that an edge does not know: it is newer than
// the edge's replica, or its target stands here alone. The edge has checked the tag.
func (s *Service) Resolve(ctx context.Context, text string) (target string, ok bool, err error) {
	const op = "tracking.Resolve"
	t, _, err := token.Parse(text)
	if err != nil || t.Kind != token.Link {
		return "", false, nil
	}
	o, ok, err := s.owner(ctx, t.Channel)
	if err != nil || !ok {
		return "", false, fault.Wrap(op, err)
	}
	err = s.c.Tenants.InTenant(ctx, o.merchant, func(ctx context.Context) error {
		link := Link{o.channel, t.Link}
		targets, err := s.c.Store.Targets(ctx, o.merchant, []Link{link})
		target, ok = targets[link]
		return err
	})
	return target, ok && err == nil, fault.Wrap(op, err)
}

// Number is the channel that a request for a link or a picture names.
func Number(r lumo.EdgeRequest) (number uint32, ok bool) {
	path, _, _ := strings.Cut(r.Target, "?")
	text, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(path, linkPath), imagePath), "/")
	t, _, err := token.Parse(text)
	return t.Channel, err == nil
}

// HandleEdge answers an edge that asks for a link: 302, or fault.NotFound.
func (s *Service) HandleEdge(ctx context.Context, r lumo.EdgeRequest) (lumo.EdgeAnswer, error) {
	const op = "tracking.HandleEdge"
	path, _, _ := strings.Cut(r.Target, "?")
	if text, found := strings.CutPrefix(path, imagePath); found {
		return s.resolveImage(ctx, text)
	}
	text, found := strings.CutPrefix(path, linkPath)
	if !found {
		return lumo.EdgeAnswer{}, notFound(op)
	}
	target, ok, err := s.Resolve(ctx, text)
	if err != nil {
		return lumo.EdgeAnswer{}, err
	}
	if !ok {
		return lumo.EdgeAnswer{}, notFound(op)
	}
	purpose := cmp.Or(r.Header["Sec-Purpose"], r.Header["Purpose"])
	class := event.Classify(r.Method == "HEAD", []byte(purpose), []byte(r.Header["User-Agent"]))
	if class == event.Person {
		target = withClick(target, id.ID(r.ID))
	}
	return lumo.EdgeAnswer{Status: 302, Header: map[string]string{
		"Location": target, "Cache-Control": "private, no-store"}}, nil
}

// resolveImage answers an edge that asks which file a picture is: "{token}/{width}".
func (s *Service) resolveImage(ctx context.Context, text string) (lumo.EdgeAnswer, error) {
	const op = "tracking.resolveImage"
	text, size, _ := strings.Cut(text, "/")
	width, err := strconv.ParseUint(size, 10, 16)
	t, _, bad := token.Parse(text)
	if err != nil || bad != nil || t.Kind != token.Image {
		return lumo.EdgeAnswer{}, notFound(op)
	}
	o, ok, err := s.owner(ctx, t.Channel)
	if err != nil || !ok {
		return lumo.EdgeAnswer{}, cmp.Or(fault.Wrap(op, err), notFound(op))
	}
	var sha [32]byte
	err = s.c.Tenants.InTenant(ctx, o.merchant, func(ctx context.Context) error {
		sha, ok, err = s.c.Store.ImageFile(ctx, o.merchant, o.channel, t.Link, int(width))
		return err
	})
	if err != nil || !ok {
		return lumo.EdgeAnswer{}, cmp.Or(fault.Wrap(op, err), notFound(op))
	}
	return lumo.EdgeAnswer{Status: 302, Header: map[string]string{
		"Location": edgeapi.MediaPath + hex.EncodeToString(sha[:])}}, nil
}

// withClick adds the click id to the query, before the fragment, as redirect.wasm does.
func withClick(target string, click id.ID) string {
	before, fragment, marked := strings.Cut(target, "#")
	separator := "?"
	if strings.Contains(before, "?") {
		separator = "&"
	}
	before += separator + "lumo_click=" + click.String()
	if marked {
		before += "#" + fragment
	}
	return before
}

func notFound(op string) error {
	return fault.New(fault.NotFound, op, "This link no longer works.")
}
