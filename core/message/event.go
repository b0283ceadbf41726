package message

import (
	"context"
	"strings"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// namesKept is how many versions' names are remembered at most.
const namesKept = 5000

// versionKey names a version, which never changes.
type versionKey struct {
	merchant lumo.MerchantID
	message  lumo.MessageID
	number   int
}

// EventVariables are the variables of a content that the event which started a flow fills, in
// order of first use. It runs in its caller's transaction.
func (s *Service) EventVariables(ctx context.Context, m lumo.MerchantID, c lumo.Content) ([]string, error) {
	if c.Message == (lumo.MessageID{}) {
		return eventVariables(Text(Clean(c.Text))), nil
	}
	key := versionKey{m, c.Message, c.Version}
	s.mu.RLock()
	names, known := s.names[key]
	s.mu.RUnlock()
	if known {
		return names, nil
	}
	v, err := s.c.Store.Version(ctx, m, c.Message, c.Version)
	if err != nil {
		return nil, fault.Wrap("message.EventVariables", err)
	}
	names = eventVariables(v.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.names) >= namesKept {
		clear(s.names)
	}
	s.names[key] = names
	return names, nil
}

func eventVariables(b Body) (names []string) {
	for _, v := range b.variables() {
		if ofEvent(v.Name) {
			names = append(names, v.Name)
		}
	}
	return names
}

// ofEvent tells whether an event, and not a profile, holds the value of a variable.
func ofEvent(name string) bool {
	switch name {
	case "first_name", "last_name", "email", "phone_number":
		return false
	}
	return !strings.HasPrefix(name, "person.")
}

// eventProperty is the property of an event that a variable names.
func eventProperty(name string) string { return strings.TrimPrefix(name, "event.") }

// EventValue is what an event holds for a variable, as a message shows it.
func EventValue(properties map[string]any, name string) string {
	return valueText(properties[eventProperty(name)])
}
