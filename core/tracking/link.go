package tracking

import (
	"context"
	"crypto/sha256"
	"net/url"
	"strings"
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

// LinkStore keeps tracked links; its methods run inside a transaction of the merchant.
type LinkStore interface {
	// Link finds or makes the link to a target; fresh tells that it was made. Beyond the
	// day's budget of links for edges it is a row of the core's own (token.OneOffRow).
	Link(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, target string, hash []byte,
		now time.Time) (number uint32, fresh bool, err error)
	// Targets are where links lead.
	Targets(ctx context.Context, m lumo.MerchantID, links []Link) (map[Link]string, error)
}

// WrapLinks replaces the web addresses in a text by tracked ones of a delivery. It runs
// inside the transaction that freezes the message.
func (s *Service) WrapLinks(ctx context.Context, m lumo.MerchantID, c lumo.Channel,
	delivery uint64, text string) (string, error) {
	const op = "tracking.WrapLinks"
	spans := addresses(text)
	if len(spans) == 0 {
		return text, nil
	}
	number, key, err := s.c.Keys.LinkKey(ctx, m, c.ID)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	var out strings.Builder
	end := 0
	for _, at := range spans {
		target, ok := s.target(text[at.from:at.to])
		if !ok {
			continue
		}
		link, err := s.link(ctx, m, c, target)
		if err != nil {
			return "", fault.Wrap(op, err)
		}
		out.WriteString(text[end:at.from])
		out.WriteString(s.c.EdgeURL + "/c/" + token.Sign(token.Token{Kind: token.Link,
			Key: number, Channel: c.Number, Subject: delivery, Link: link}, key))
		end = at.to
	}
	out.WriteString(text[end:])
	return out.String(), nil
}

func (s *Service) link(ctx context.Context, m lumo.MerchantID, c lumo.Channel, target string) (
	uint32, error) {
	hash := sha256.Sum256([]byte(target))
	number, fresh, err := s.c.Store.Link(ctx, m, c.ID, target, hash[:], s.c.Now())
	if err != nil || !fresh || number&token.OneOffRow != 0 {
		return number, err
	}
	return number, s.c.Fleet.Changed(ctx, m, edgeapi.TableLink, edgeapi.LinkKey(c.Number, number))
}

// target is an address with its UTM. Our own addresses are left as they are: they lead to
// LINE Login and count by themselves.
func (s *Service) target(address string) (string, bool) {
	if strings.HasPrefix(address, s.c.EdgeURL+"/") {
		return "", false
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return "", false
	}
	return withUTM(address), true
}

// withUTM adds the parameters to an address that names no source itself. The rest of the
// address stays byte by byte as the merchant wrote it.
func withUTM(address string) string {
	const utm = "utm_source=line&utm_medium=flow"
	before, fragment, marked := strings.Cut(address, "#")
	path, query, asked := strings.Cut(before, "?")
	if strings.HasPrefix(query, "utm_source=") || strings.Contains(query, "&utm_source=") {
		return address
	}
	switch {
	case !asked:
		before = path + "?" + utm
	case query == "":
		before += utm
	default:
		before += "&" + utm
	}
	if marked {
		before += "#" + fragment
	}
	return before
}

// span is a part of a text.
type span struct{ from, to int }

// addresses finds http and https addresses. One ends where a character comes that a URL
// cannot hold, as Japanese text does; closing punctuation stays outside of it.
func addresses(text string) []span {
	var out []span
	for at := 0; at < len(text); {
		next := strings.Index(text[at:], "http")
		if next < 0 {
			break
		}
		from := at + next
		scheme := schemeLength(text[from:])
		if scheme == 0 || from > 0 && isWord(text[from-1]) {
			at = from + len("http")
			continue
		}
		to := from + scheme
		for to < len(text) && inURL(text[to]) {
			to++
		}
		to = from + len(trimURL(text[from:to]))
		if to > from+scheme {
			out = append(out, span{from, to})
		}
		at = max(to, from+scheme)
	}
	return out
}

func schemeLength(text string) int {
	for _, scheme := range []string{"http://", "https://"} {
		if strings.HasPrefix(text, scheme) {
			return len(scheme)
		}
	}
	return 0
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func inURL(c byte) bool {
	return isWord(c) || strings.IndexByte("-._~:/?#[]@!$&'()*+,;=%", c) >= 0
}

// trimURL cuts what more likely belongs to the sentence: closing punctuation, and a bracket
// that nothing in the address opens.
func trimURL(address string) string {
	for address != "" {
		last := address[len(address)-1]
		switch {
		case strings.IndexByte(".,!?:;'", last) >= 0:
		case last == ')' && strings.Count(address, "(") < strings.Count(address, ")"):
		case last == ']' && strings.Count(address, "[") < strings.Count(address, "]"):
		default:
			return address
		}
		address = address[:len(address)-1]
	}
	return address
}

func deliveryData(d Delivery) map[string]any {
	data := map[string]any{"delivery": d.ID.String()}
	if d.Message != (lumo.MessageID{}) {
		data["message"] = d.Message.String()
	}
	return data
}
