package flow

import (
	"regexp"
	"strings"

	"lumo/core/lumo"
)

// Rendered is the body of a webhook as Klaviyo would make it of a profile, as far as the
// variables of Get JSON go. Like Klaviyo it escapes for HTML and not for JSON. Values of
// events are empty: there is no event.
func Rendered(body string, p lumo.Profile, line string) string {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#x27;")
	tags := regexp.MustCompile(`\{\{[^{}]*\}\}`)
	return tags.ReplaceAllStringFunc(body, func(found string) string {
		return escape.Replace(tagValue(strings.TrimSpace(strings.Trim(found, "{}")), p, line))
	})
}

func tagValue(name string, p lumo.Profile, line string) string {
	switch name {
	case "person.KlaviyoID":
		return string(p.ID)
	case "first_name":
		return p.FirstName
	case "last_name":
		return p.LastName
	case "email":
		return p.Email
	case "person.phone_number":
		return p.Phone
	}
	property, ok := strings.CutPrefix(name, "person|lookup:'")
	if property = strings.TrimSuffix(property, "'"); !ok {
		return ""
	}
	if strings.HasPrefix(property, "LINE User ID") {
		return line
	}
	text, _ := p.Properties[property].(string)
	return text
}
