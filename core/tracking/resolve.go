package tracking

import (
	"cmp"
	"context"
	"strings"

	"lumo/core/lumo"
	"lumo/shared/event"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/token"
)

const pathPrefix = "/c/"

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

// HandleEdge answers an edge that asks for a link: 302, or fault.NotFound.
func (s *Service) HandleEdge(ctx context.Context, r lumo.EdgeRequest) (lumo.EdgeAnswer, error) {
	const op = "tracking.HandleEdge"
	path, _, _ := strings.Cut(r.Target, "?")
	text, found := strings.CutPrefix(path, pathPrefix)
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
