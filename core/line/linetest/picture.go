package linetest

import (
	"context"
	"strings"

	"lumo/shared/fault"
)

// mostPictures is how many pictures the phones hold together.
const mostPictures = 500

// Picture is a picture that a phone has loaded.
type Picture struct {
	Type string
	Body []byte
}

// keepPicture stores what a phone loaded, for its screen.
func (s *Server) keepPicture(person, address string, l Load, body []byte) {
	if l.Status != 200 || !strings.HasPrefix(l.Type, "image/") {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pictures) >= mostPictures {
		clear(s.pictures)
	}
	s.pictures[person+" "+address] = Picture{l.Type, body}
}

// Show gives a picture of a chat as a phone shows it: the one it has, else it loads it now,
// as LINE's app does.
func (s *Server) Show(ctx context.Context, person, address string) (Picture, error) {
	const op = "linetest.Show"
	s.mu.Lock()
	p, had := s.pictures[person+" "+address]
	s.mu.Unlock()
	if had {
		return p, nil
	}
	if err := s.usable(op, person); err != nil {
		return Picture{}, err
	}
	s.mu.Lock()
	delete(s.db.Cached[person], address) // what the simulator forgot at its last end
	s.mu.Unlock()
	l := s.image(ctx, person, address)
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, had = s.pictures[person+" "+address]; had {
		return p, nil
	}
	return Picture{}, fault.New(fault.NotFound, op, "The picture: status %d. %s", l.Status, l.Note)
}
