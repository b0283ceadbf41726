package lumo

import "time"

// Profile is a Klaviyo profile as read from Klaviyo when it is needed. Only its id, and
// the email or phone a link was made with, are ever stored.
type Profile struct {
	ID         ProfileID
	Email      string
	Phone      string // E.164
	FirstName  string
	LastName   string
	Properties map[string]any // custom properties
	UpdatedAt  time.Time
	LastSeenAt time.Time // of the newest event; zero = none
}

// ProfileWrite changes one Klaviyo profile: the one with the id, or without an id the
// one with the email or phone, which Klaviyo makes when there is none.
type ProfileWrite struct {
	ID        ProfileID
	Email     string
	Phone     string // E.164
	FirstName string
	LastName  string
	Set       map[string]any // custom properties; those not named stay as they are
	Unset     []string       // custom properties to remove
}

// ProfileEvent is one event on a Klaviyo profile. Klaviyo keeps the first of each
// (profile, metric, unique id), so writing one twice is harmless.
type ProfileEvent struct {
	Profile    ProfileID
	Metric     string
	UniqueID   string
	OccurredAt time.Time
	Backfill   bool // recorded without starting flows
	Properties map[string]any
}

// ReadEvent is an event as Klaviyo gives it back.
type ReadEvent struct {
	Ref        string // $event_id
	Metric     string // its name
	OccurredAt time.Time
	Properties map[string]any
}

// EventPage is a part of a profile's events.
type EventPage struct {
	Events []ReadEvent
	Next   string        // where the next page begins; empty = this was the last
	Wait   time.Duration // how long the next request of this kind should wait
}

// KlaviyoFlow is a flow as it stands in Klaviyo.
type KlaviyoFlow struct {
	ID     string
	Name   string
	Status string // live, manual or draft
}

// FlowWebhook is a webhook action of a flow.
type FlowWebhook struct {
	ID     string
	Name   string
	URL    string
	Status string // live, manual, draft or disabled
}

// WebhookChange is what to change in webhooks that call an address; what is empty stays.
type WebhookChange struct {
	URL    string
	Header string
	Value  Secret
	Status string
}

// NewFlow is a flow to be made in Klaviyo: an event starts it, and it calls an address.
type NewFlow struct {
	Name   string
	Metric string // Klaviyo's id of the event
	URL    string
	Header string
	Value  Secret
	Body   string
}

// KlaviyoMetric is a kind of event.
type KlaviyoMetric struct {
	ID   string
	Name string
}
