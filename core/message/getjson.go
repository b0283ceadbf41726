package message

import (
	"strconv"
	"strings"

	"lumo/core/lumo"
	"lumo/core/message/jsontree"
	"lumo/shared/id"
)

// DirectText stands in the body for text that the merchant writes in Klaviyo.
const DirectText = "Write your text here"

// GetJSON is the body that a merchant pastes into a flow's webhook (DESIGN section 4.2).
// message nil = the form for text written in Klaviyo. Ids come first, so that they survive
// whatever a customer's name does to the rest.
func GetJSON(channel lumo.Channel, step id.ID, message *Version) string {
	var b strings.Builder
	b.WriteString("{\n  \"lumo\": 1,\n")
	if message != nil {
		line(&b, "message", message.Message.String())
	}
	line(&b, "step", step.With(id.Step))
	line(&b, "profile_id", "{{ person.KlaviyoID }}")
	line(&b, "line_user_id", "{{ person|lookup:'"+property(channel)+"' }}")
	line(&b, "event_id", "{{ event|lookup:'$event_id' }}")
	if message == nil {
		line(&b, "text", DirectText)
	}
	b.WriteString("  \"vars\": {")
	separator := "\n"
	for _, v := range messageVariables(message) {
		b.WriteString(separator + "    " + quote(v.Name) + ": " + quote(klaviyoVariable(v.Name)))
		separator = ",\n"
	}
	if separator != "\n" {
		b.WriteString("\n  ")
	}
	b.WriteString("}\n}\n")
	return b.String()
}

func messageVariables(v *Version) []Variable {
	if v == nil {
		return nil
	}
	return v.Body.variables()
}

func line(b *strings.Builder, name, value string) {
	b.WriteString("  " + quote(name) + ": " + quote(value) + ",\n")
}

func quote(text string) string { return jsontree.Quote(text) }

// property is the LINE id's name in Klaviyo, numbered from the second account on.
func property(c lumo.Channel) string {
	if c.PropertyNumber > 1 {
		return "LINE User ID " + strconv.Itoa(c.PropertyNumber)
	}
	return "LINE User ID"
}

// klaviyoVariable is how Klaviyo's templates name a value: a few of the profile, else what
// the event that started the flow holds.
func klaviyoVariable(name string) string {
	switch name {
	case "first_name", "last_name", "email":
		return "{{ " + name + " }}"
	case "phone_number":
		return "{{ person.phone_number }}"
	}
	if rest, ok := strings.CutPrefix(name, "person."); ok {
		return "{{ person|lookup:'" + rest + "' }}"
	}
	return "{{ event|lookup:'" + eventProperty(name) + "' }}"
}
