package message

import (
	"strings"
)

// klaviyoTemplates finds what was written for Klaviyo's templates: {{ .. }} and {% .. %}.
// Klaviyo never sees a saved message, so people would read it.
func klaviyoTemplates(text string) []string {
	var found []string
	for at := 0; at < len(text); {
		start := strings.Index(text[at:], "{")
		if start < 0 || at+start+1 >= len(text) {
			break
		}
		start += at
		closing := map[byte]string{'{': "}}", '%': "%}"}[text[start+1]]
		if closing == "" {
			at = start + 1
			continue
		}
		end := strings.Index(text[start+2:], closing)
		if end < 0 {
			found = append(found, text[start:start+2])
			at = start + 2
			continue
		}
		at = start + 2 + end + len(closing)
		found = append(found, text[start:at])
	}
	return found
}

// fixTemplate is our form of one of Klaviyo's variables; empty = there is none, as for {% %}.
func fixTemplate(found string) string {
	inside, ok := strings.CutPrefix(found, "{{")
	if !ok || !strings.HasSuffix(inside, "}}") {
		return ""
	}
	name, filters, _ := strings.Cut(strings.TrimSuffix(inside, "}}"), "|")
	name = strings.TrimSpace(name)
	fallback := ""
	for filter := range strings.SplitSeq(filters, "|") {
		kind, value, _ := strings.Cut(filter, ":")
		value = strings.Trim(strings.TrimSpace(value), `'"`)
		switch strings.TrimSpace(kind) {
		case "default":
			fallback = value
		case "lookup":
			name += "." + value
		}
	}
	if !validName(name) {
		return ""
	}
	if fallback == "" {
		return opening + " " + name + " " + closing
	}
	return opening + " " + name + " | " + fallback + " " + closing
}
