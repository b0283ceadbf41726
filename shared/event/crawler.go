package event

import (
	"bytes"
	"encoding/binary"
)

// crawler is a part of a User-Agent that only a program sends. Anchor is where in the name
// one of the pairs of pairHit stands.
type crawler struct {
	name   string
	anchor int
}

// crawlers lists programs that fetch links to show a preview, or to index them. LINE's own
// comes as "facebookexternalhit/1.1;line-poker/1.0".
func crawlers() [13]crawler {
	return [...]crawler{
		{"line-poker", 4},
		{"facebookexternalhit", 4},
		{"Twitterbot", 7},
		{"Slackbot", 5},
		{"Discordbot", 7},
		{"TelegramBot", 8},
		{"WhatsApp/", 4},
		{"Googlebot", 6},
		{"bingbot", 4},
		{"Applebot", 5},
		{"SkypeUriPreview", 8},
		{"GoogleImageProxy", 11},
		{"YahooMailProxy", 9},
	}
}

// Crawlers names the programs whose requests never count as a person's.
func Crawlers() []string {
	var names []string
	for _, c := range crawlers() {
		names = append(names, c.name)
	}
	return names
}

const (
	ones   = 0x0101010101010101
	highs  = 0x8080808080808080
	stride = 64 // places that one turn sees
	wide   = stride + 1
)

// isCrawler looks at 64 places a turn for a pair of characters that each name holds, and
// compares names only where it found one: modules classify each tap, and looking for one
// name after the other would take longer than all the rest of their work.
func isCrawler(agent []byte) bool {
	last := len(agent) - wide
	if last < 0 {
		var padded [wide]byte
		copy(padded[:], agent)
		return turnHit(&padded) != 0 && hasName(agent)
	}
	// The two ends are all of most agents; where they overlap, some is seen twice.
	hits := turnHit((*[wide]byte)(agent)) | turnHit((*[wide]byte)(agent[last:]))
	for at := stride; at < last; at += stride {
		hits |= turnHit((*[wide]byte)(agent[at:]))
	}
	return hits != 0 && hasName(agent)
}

func turnHit(w *[wide]byte) uint64 {
	return pairHit(binary.LittleEndian.Uint64(w[0:]), binary.LittleEndian.Uint64(w[1:])) |
		pairHit(binary.LittleEndian.Uint64(w[8:]), binary.LittleEndian.Uint64(w[9:])) |
		pairHit(binary.LittleEndian.Uint64(w[16:]), binary.LittleEndian.Uint64(w[17:])) |
		pairHit(binary.LittleEndian.Uint64(w[24:]), binary.LittleEndian.Uint64(w[25:])) |
		pairHit(binary.LittleEndian.Uint64(w[32:]), binary.LittleEndian.Uint64(w[33:])) |
		pairHit(binary.LittleEndian.Uint64(w[40:]), binary.LittleEndian.Uint64(w[41:])) |
		pairHit(binary.LittleEndian.Uint64(w[48:]), binary.LittleEndian.Uint64(w[49:])) |
		pairHit(binary.LittleEndian.Uint64(w[56:]), binary.LittleEndian.Uint64(w[57:]))
}

// pairHit is not 0 when at one of eight places stands "bo" or "Bo", "Pr", "-p" or "sA".
func pairHit(first, second uint64) uint64 {
	bo := ((first | ones*0x20) ^ ones*'b') | (second ^ ones*'o')
	pr := (first ^ ones*'P') | (second ^ ones*'r')
	dp := (first ^ ones*'-') | (second ^ ones*'p')
	sa := (first ^ ones*'s') | (second ^ ones*'A')
	return ((bo-ones)&^bo | (pr-ones)&^pr | (dp-ones)&^dp | (sa-ones)&^sa) & highs
}

// hasName compares names wherever a pair of characters stands.
func hasName(agent []byte) bool {
	for at := range len(agent) - 1 {
		if isPair(agent[at], agent[at+1]) && namedAt(agent, at) {
			return true
		}
	}
	return false
}

func isPair(first, second byte) bool {
	switch second {
	case 'o':
		return first|0x20 == 'b'
	case 'r':
		return first == 'P'
	case 'p':
		return first == '-'
	case 'A':
		return first == 's'
	}
	return false
}

// namedAt tells whether a name has its anchor at a place.
func namedAt(agent []byte, at int) bool {
	for _, c := range crawlers() {
		from := at - c.anchor
		if from >= 0 && bytes.HasPrefix(agent[from:], []byte(c.name)) {
			return true
		}
	}
	return false
}
