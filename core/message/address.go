package message

import (
	"net/url"
	"slices"
	"strings"

	"lumo/core/lumo"
)

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

// lineHosts are LINE's own addresses: they open something inside LINE, which a redirect in
// between would break.
func lineHosts() []string {
	return []string{"line.me", "liff.line.me", "miniapp.line.me", "lin.ee", "page.line.me", "line.naver.jp"}
}

// linkPath is where tracked links stand. A merchant's own host is ours there and nowhere else.
const linkPath = "/c/"

// tracks tells whether an address is replaced by a tracked one: http and https, but neither
// LINE's own nor ours, which count by themselves.
func (s setting) tracks(address string) bool {
	if schemeLength(address) == 0 || strings.HasPrefix(address, s.edgeURL+"/") {
		return false
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || strings.ContainsAny(address, "\r\n\x00 ") {
		return false
	}
	if _, own, _ := strings.Cut(s.ownURL, "://"); strings.EqualFold(u.Host, own) && strings.HasPrefix(u.Path, linkPath) {
		return false
	}
	return !slices.Contains(lineHosts(), strings.ToLower(u.Hostname()))
}

// withUTM adds the parameters to an address that names no source itself. The rest of the
// address stays byte by byte as the merchant wrote it.
func withUTM(address, utm string) string {
	before, fragment, marked := strings.Cut(address, "#")
	path, query, asked := strings.Cut(before, "?")
	if utm == "" || strings.HasPrefix(query, "utm_source=") || strings.Contains(query, "&utm_source=") {
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

// utmQuery is the query part that UTM fields make. Their variables are those of the message,
// never of a person: a target with a person's values would be one link for each.
func utmQuery(u lumo.UTM, values map[string]string) string {
	var parts []string
	for _, f := range utmFields(u) {
		if text := strings.TrimSpace(Substitute(f.text, values)); text != "" {
			parts = append(parts, f.name+"="+url.QueryEscape(text))
		}
	}
	return strings.Join(parts, "&")
}

type utmField struct{ name, text string }

func utmFields(u lumo.UTM) []utmField {
	return []utmField{{"utm_source", u.Source}, {"utm_medium", u.Medium}, {"utm_campaign", u.Campaign},
		{"utm_content", u.Content}, {"utm_term", u.Term}}
}

// over fills the fields that a message leaves to its account.
func over(own, account lumo.UTM) lumo.UTM {
	pick := func(a, b string) string {
		if a != "" {
			return a
		}
		return b
	}
	return lumo.UTM{Source: pick(own.Source, account.Source), Medium: pick(own.Medium, account.Medium),
		Campaign: pick(own.Campaign, account.Campaign), Content: pick(own.Content, account.Content),
		Term: pick(own.Term, account.Term)}
}
