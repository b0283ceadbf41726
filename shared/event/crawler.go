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
	return [...]crawler{{"line-poker", 4}, {"facebookexternalhit", 4}, {"Twitterbot", 7}, {"Slackbot", 5},
		{"Discordbot", 7}, {"TelegramBot", 8}, {"WhatsApp/", 4}, {"Googlebot", 6}, {"bingbot", 4}, {"Applebot", 5},
		{"SkypeUriPreview", 8}, {"GoogleImageProxy", 11}, {"YahooMailProxy", 9}}
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
	look   = 8        // places that one pairHit sees
	stride = 4 * look // places that one turn sees
	wide   = stride + 1
)

// isCrawler looks at 32 places a turn for a pair of characters that each name holds, and
// compares names only there: modules classify each tap, and looking for one name after the
// other would take longer than all the rest of their work.
func isCrawler(agent []byte) bool {
	if len(agent) < wide {
		var padded [wide]byte
		copy(padded[:], agent)
		return turnHit(&padded) != 0 && hasName(agent)
	}
	last := len(agent) - wide
	for at := 0; at < last; at += stride {
		if turnHit((*[wide]byte)(agent[at:])) != 0 && namedNear(agent, at) {
			return true
		}
	}
	return turnHit((*[wide]byte)(agent[last:])) != 0 && namedNear(agent, last)
}

func turnHit(w *[wide]byte) uint64 {
	return pairHit(binary.LittleEndian.Uint64(w[0:]), binary.LittleEndian.Uint64(w[1:])) |
		pairHit(binary.LittleEndian.Uint64(w[8:]), binary.LittleEndian.Uint64(w[9:])) |
		pairHit(binary.LittleEndian.Uint64(w[16:]), binary.LittleEndian.Uint64(w[17:])) |
		pairHit(binary.LittleEndian.Uint64(w[24:]), binary.LittleEndian.Uint64(w[25:]))
}

// pairHit is not 0 when at one of eight places stands "bo" or "Bo", "Pr", "-p" or "sA".
func pairHit(first, second uint64) uint64 {
	bo := ((first | ones*0x20) ^ ones*'b') | (second ^ ones*'o')
	pr := (first ^ ones*'P') | (second ^ ones*'r')
	dp := (first ^ ones*'-') | (second ^ ones*'p')
	sa := (first ^ ones*'s') | (second ^ ones*'A')
	return ((bo-ones)&^bo | (pr-ones)&^pr | (dp-ones)&^dp | (sa-ones)&^sa) & highs
}

// namedNear tells whether a name has its anchor in a turn's places from at on.
func namedNear(agent []byte, at int) bool {
	for i := range stride {
		if !isPair(agent[at+i], agent[at+i+1]) {
			continue
		}
		for _, c := range crawlers() {
			from := at + i - c.anchor
			if from >= 0 && from+len(c.name) <= len(agent) && agent[from] == c.name[0] &&
				string(agent[from:from+len(c.name)]) == c.name {
				return true
			}
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

func hasName(agent []byte) bool {
	for _, c := range crawlers() {
		if bytes.Contains(agent, []byte(c.name)) {
			return true
		}
	}
	return false
}
