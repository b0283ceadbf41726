package console

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Sentences for people are written in English where they arise, and leave this API in the
// language that the caller asks for, which is Japanese or English. Logs stay English. A test
// reads the source for such sentences and demands the Japanese of each.

//go:embed sentences/ja.json
var japanese []byte

// sentences says in another language what is said in English.
type sentences struct {
	whole  map[string]string
	valued []valued
}

// valued is a sentence with values in it: they are found in the English and put into said.
type valued struct {
	english *regexp.Regexp
	said    string // %s, or %[2]s where the values stand in another order
}

// readSentences reads a catalogue from English formats to those of the other language. It is
// part of the program, and a test looks up all that is in it. Where two formats fit one
// sentence, the longer one is meant.
func readSentences(catalogue []byte) sentences {
	s := sentences{whole: map[string]string{}}
	_ = json.Unmarshal(catalogue, &s.whole)
	values := strings.NewReplacer("%d", `(-?\d+)`, "%s", `(.+)`, "%q", `(".*")`)
	byLength := func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) }
	for _, english := range slices.SortedFunc(maps.Keys(s.whole), byLength) {
		if !strings.Contains(english, "%") {
			continue
		}
		said := s.whole[english]
		delete(s.whole, english)
		pattern := regexp.MustCompile("^" + values.Replace(regexp.QuoteMeta(english)) + "$")
		s.valued = append(s.valued, valued{english: pattern, said: said})
	}
	return s
}

// say gives a sentence in the other language, or as it is where nobody wrote it there.
func (s sentences) say(english string) string {
	if said, ok := s.whole[english]; ok {
		return said
	}
	for _, one := range s.valued {
		if found := one.english.FindStringSubmatch(english); found != nil {
			values := make([]any, 0, len(found))
			for _, value := range found[1:] {
				values = append(values, value)
			}
			return fmt.Sprintf(one.said, values...)
		}
	}
	return english
}

// say puts the sentences of a problem into the language its caller asked for.
func (p *Problem) say(ctx context.Context, s sentences) {
	if language, _ := ctx.Value(languageKey{}).(string); language != "ja" {
		return
	}
	p.Detail = s.say(p.Detail)
	fields := p.Fields
	if fields != nil {
		p.Fields = map[string]string{} // the error keeps its own
	}
	for field, sentence := range fields {
		p.Fields[field] = s.say(sentence)
	}
}

type languageKey struct{}

// listening remembers which language a caller asks for.
func listening(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		language := asked(r.Header.Get("Accept-Language"))
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), languageKey{}, language)))
	})
}

// asked is the first language of a wish that we speak: callers name the best one first.
func asked(wish string) string {
	for one := range strings.SplitSeq(wish, ",") {
		one = strings.ToLower(strings.TrimSpace(one))
		if language := one[:min(2, len(one))]; language == "ja" || language == "en" {
			return language
		}
	}
	return "en"
}
