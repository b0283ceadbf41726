package tracking

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"sync"
	"time"

	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/token"
)

// Link names a tracked link: its channel and its number there.
type Link struct {
	Channel lumo.ChannelID
	Number  uint32
}

// NewLink is a link to be found or made.
type NewLink struct {
	Target string
	Hash   []byte // of what makes it the same link
	// Own links are the core's alone: edges ask for them (token.OneOffRow).
	Own bool
	// Of is the number of the link that stands for it in statistics; 0 = itself.
	Of uint32
}

// LinkStore keeps tracked links; its methods run inside a transaction of the merchant.
type LinkStore interface {
	// Link finds or makes a link; fresh tells that it was made. Beyond the day's budget of
	// links for edges it becomes the core's own.
	Link(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, l NewLink, now time.Time) (
		number uint32, fresh bool, err error)
	// Targets are where links lead.
	Targets(ctx context.Context, m lumo.MerchantID, links []Link) (map[Link]string, error)
	// ImageFile is the file of an image in a width; ok is false where there is none.
	ImageFile(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, image uint32, width int) (
		sha [32]byte, ok bool, err error)
}

// OneOffKey signs targets that stand in the address itself; edges hold its public half.
type OneOffKey struct {
	Number  uint16
	Private ed25519.PrivateKey
}

const (
	keyMemory   = 5 * time.Second // a new key signs everything at the latest after this
	linksInMind = 50_000
)

// memory is what wrapping would else ask the database for each recipient: numbers of links
// never change, and keys seldom do.
type memory struct {
	mu    sync.RWMutex
	links map[remembered]uint32         // guarded by mu
	keys  map[lumo.ChannelID]signingKey // guarded by mu
}

type remembered struct {
	channel lumo.ChannelID
	hash    [32]byte
}

type signingKey struct {
	number uint16
	secret []byte
	until  time.Time
}

func newMemory() *memory {
	return &memory{links: map[remembered]uint32{}, keys: map[lumo.ChannelID]signingKey{}}
}

// Link makes the tracked address of a delivery that leads to a target. It runs inside the
// transaction that freezes the message.
func (s *Service) Link(ctx context.Context, c lumo.Channel, delivery uint64, target string) (string, error) {
	number, err := s.link(ctx, c, NewLink{Target: target}, target)
	if err != nil {
		return "", fault.Wrap("tracking.Link", err)
	}
	return s.address(ctx, c, linkPath, token.Token{Kind: token.Link, Subject: delivery, Link: number})
}

// OneOff makes the address of a target that one person alone gets: signed and whole, or where
// that is too long, as a row of the core's own.
func (s *Service) OneOff(ctx context.Context, c lumo.Channel, delivery uint64, o lumo.OneOff) (string, error) {
	const op = "tracking.OneOff"
	of, err := s.link(ctx, c, NewLink{Target: o.Template, Own: true}, "template\x00"+o.Template)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	if !o.InText {
		address := s.linkURL(c) + linkPath + token.SignOneOff(token.Token{Key: s.c.OneOff.Number, Channel: c.Number,
			Subject: delivery, Link: of}, o.Target, s.c.OneOff.Private)
		if len(address) <= token.MaxOneOff {
			return address, nil
		}
	}
	hash := sha256.Sum256([]byte("one-off\x00" + o.Template + "\x00" + o.Target))
	number, _, err := s.c.Store.Link(ctx, c.Merchant, c.ID, NewLink{Target: o.Target, Hash: hash[:], Own: true, Of: of},
		s.c.Now())
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	return s.address(ctx, c, linkPath, token.Token{Kind: token.Link, Subject: delivery, Link: number})
}

// Beacon makes the address of a delivery's picture of one pixel.
func (s *Service) Beacon(ctx context.Context, c lumo.Channel, delivery uint64) (string, error) {
	address, err := s.address(ctx, c, "/o/", token.Token{Kind: token.Open, Subject: delivery})
	return address + ".png", err
}

// Image makes the address of a picture, without the width; loading it is an open of the
// delivery.
func (s *Service) Image(ctx context.Context, c lumo.Channel, delivery uint64, image uint32) (string, error) {
	return s.address(ctx, c, "/i/", token.Token{Kind: token.Image, Subject: delivery, Link: image})
}

// address signs a token with the channel's key.
func (s *Service) address(ctx context.Context, c lumo.Channel, path string, t token.Token) (string, error) {
	k, err := s.signingKey(ctx, c)
	if err != nil {
		return "", fault.Wrap("tracking.address", err)
	}
	t.Key, t.Channel = k.number, c.Number
	begin := s.c.EdgeURL
	if path == linkPath {
		begin = s.linkURL(c)
	}
	return begin + path + token.Sign(t, k.secret), nil
}

// linkURL is how tracked links begin, and they alone: with the merchant's own host while that
// leads to the edges.
func (s *Service) linkURL(c lumo.Channel) string {
	if c.LinkHost.Used {
		return c.LinkHost.URL
	}
	return s.c.EdgeURL
}

func (s *Service) signingKey(ctx context.Context, c lumo.Channel) (k signingKey, err error) {
	now := s.c.Now()
	s.memory.mu.RLock()
	k, ok := s.memory.keys[c.ID]
	s.memory.mu.RUnlock()
	if ok && now.Before(k.until) {
		return k, nil
	}
	k.until = now.Add(keyMemory)
	if k.number, k.secret, err = s.c.Keys.LinkKey(ctx, c.Merchant, c.ID); err != nil {
		return k, err
	}
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	s.memory.keys[c.ID] = k
	return k, nil
}

// link finds or makes a link and remembers its number once the transaction stands: what is
// rolled back was never given out.
func (s *Service) link(ctx context.Context, c lumo.Channel, l NewLink, same string) (uint32, error) {
	key := remembered{c.ID, sha256.Sum256([]byte(same))}
	s.memory.mu.RLock()
	number, ok := s.memory.links[key]
	s.memory.mu.RUnlock()
	if ok {
		return number, nil
	}
	l.Hash = key.hash[:]
	number, fresh, err := s.c.Store.Link(ctx, c.Merchant, c.ID, l, s.c.Now())
	if err != nil {
		return 0, err
	}
	s.c.Tenants.AfterCommit(ctx, func() { s.memory.keep(key, number) })
	if !fresh || number&token.OneOffRow != 0 {
		return number, nil
	}
	return number, s.c.Fleet.Changed(ctx, c.Merchant, edgeapi.TableLink, edgeapi.LinkKey(c.Number, number))
}

func (m *memory) keep(key remembered, number uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.links) >= linksInMind {
		clear(m.links)
	}
	m.links[key] = number
}
