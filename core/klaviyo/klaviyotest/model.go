package klaviyotest

import (
	"encoding/json"
	"time"
)

// Account is one Klaviyo account.
type Account struct {
	ID          string `json:"id"` // the public key
	Name        string `json:"name"`
	SenderEmail string `json:"sender_email"`
	Website     string `json:"website"`
	Timezone    string `json:"timezone"`
	Currency    string `json:"currency"`
	Locale      string `json:"locale"`
	Country     string `json:"country"`
	PrivateKey  string `json:"private_key"`
	// EventDelaySeconds is how long an event takes until it is seen and starts flows.
	EventDelaySeconds int `json:"event_delay_seconds"`
	// SegmentDelaySeconds is how long a changed profile takes to enter or leave segments.
	SegmentDelaySeconds int `json:"segment_delay_seconds"`
	// WebhookDelaySeconds is how long system webhooks wait; Klaviyo takes one to three minutes.
	WebhookDelaySeconds int `json:"webhook_delay_seconds"`
	// MaskHeaders hides the values of flow webhooks' headers in definitions. Whether Klaviyo does
	// so is not known.
	MaskHeaders bool `json:"mask_headers"`
}

// App is an OAuth app.
type App struct {
	ClientID     string   `json:"client_id"`
	ClientSecret string   `json:"client_secret"`
	Name         string   `json:"name"`
	Redirects    []string `json:"redirects"` // empty = any on this machine, unless strict
	Rotate       bool     `json:"rotate"`    // each refresh gives another refresh token
}

// Profile is one person as Klaviyo knows them.
type Profile struct {
	ID           string         `json:"id"`
	Email        string         `json:"email,omitempty"`
	Phone        string         `json:"phone_number,omitempty"`
	ExternalID   string         `json:"external_id,omitempty"`
	FirstName    string         `json:"first_name,omitempty"`
	LastName     string         `json:"last_name,omitempty"`
	Organization string         `json:"organization,omitempty"`
	Locale       string         `json:"locale,omitempty"`
	Title        string         `json:"title,omitempty"`
	Image        string         `json:"image,omitempty"`
	Location     map[string]any `json:"location,omitempty"`
	Properties   map[string]any `json:"properties"`
	Created      time.Time      `json:"created"`
	Updated      time.Time      `json:"updated"`
	LastEvent    time.Time      `json:"last_event_date,omitzero"`
}

// Event is something that happened to a profile.
type Event struct {
	ID         string         `json:"id"`
	UUID       string         `json:"uuid"`
	Metric     string         `json:"metric"` // name
	MetricID   string         `json:"metric_id"`
	Profile    string         `json:"profile"`
	UniqueID   string         `json:"unique_id"`
	At         time.Time      `json:"datetime"` // whole seconds
	Properties map[string]any `json:"properties"`
	Backfill   bool           `json:"backfill,omitempty"`
	Received   time.Time      `json:"received"`
	Visible    time.Time      `json:"visible"`
	Source     string         `json:"source"` // api, bulk, shop (the simulator's own)
	Started    bool           `json:"started"`
}

// Metric is a kind of event.
type Metric struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Source  string    `json:"source"` // API, Shopify, Klaviyo
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}

// List is a list of profiles.
type List struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Members []string  `json:"members"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}

// Segment holds the profiles that pass a condition on a property or a metric, and all of
// the further ones.
type Segment struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Property string    `json:"property"`         // custom property, or a profile's own field
	Metric   string    `json:"metric,omitempty"` // instead: how often this happened
	Operator string    `json:"operator"`         // as in Condition
	Value    string    `json:"value"`
	Filter   Filter    `json:"filter,omitempty"`
	Members  []string  `json:"members"`
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`
}

// States of a flow and of its actions.
const (
	Draft    = "draft"
	Manual   = "manual"
	Live     = "live"
	Disabled = "disabled"
)

// Flow is a trigger and a chain of actions.
type Flow struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Status   string    `json:"status"`
	Metric   string    `json:"metric"`           // a metric's name starts it
	List     string    `json:"list"`             // or joining a list does, by id
	Segment  string    `json:"segment"`          // or entering a segment does, by id
	Filter   Filter    `json:"filter,omitempty"` // only profiles that pass go through it
	Archived bool      `json:"archived"`
	Actions  []Action  `json:"actions"`
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`
}

// Kinds of actions.
const (
	SendWebhook = "send-webhook"
	SendEmail   = "send-email"
	TimeDelay   = "time-delay"
	// ConditionalSplit goes on at Next for profiles that pass its filter, else at NextFalse.
	ConditionalSplit = "conditional-split"
)

// endOfFlow stands where no action follows.
const endOfFlow = "-"

// Action is one step of a flow.
type Action struct {
	ID           string            `json:"id"`
	Type         string            `json:"type"`
	Status       string            `json:"status"`
	Name         string            `json:"name,omitempty"`
	URL          string            `json:"url,omitempty"`
	Headers      map[string]string `json:"headers,omitempty"`
	Body         string            `json:"body,omitempty"`
	Subject      string            `json:"subject,omitempty"`
	HTML         string            `json:"html,omitempty"`
	DelaySeconds int               `json:"delay_seconds,omitempty"`
	Filter       Filter            `json:"filter,omitempty"` // of a conditional split
	// Next is the id of the action that follows; empty = the next one of the list, "-" = none.
	Next      string `json:"next,omitempty"`
	NextFalse string `json:"next_if_false,omitempty"`
}

// States of one attempt in the activity log.
const (
	Sent     = "sent"
	Retrying = "retrying"
	Failed   = "failed"  // the retries are used up
	Skipped  = "skipped" // refused for good, or not sent at all
)

// Activity is one attempt of an action for one profile.
type Activity struct {
	ID        string            `json:"id"`
	At        time.Time         `json:"at"`
	Flow      string            `json:"flow"`
	FlowName  string            `json:"flow_name"`
	Action    string            `json:"action"`
	Profile   string            `json:"profile"`
	Event     string            `json:"event,omitempty"`
	Attempt   int               `json:"attempt"`
	Status    string            `json:"status"`
	Reason    string            `json:"reason,omitempty"`
	Code      int               `json:"status_code"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers,omitempty"`
	Body      string            `json:"body"`
	Answer    string            `json:"answer,omitempty"`
	TookMS    int64             `json:"took_ms"`
	NextAt    *time.Time        `json:"next_at,omitempty"`
	Test      bool              `json:"test,omitempty"`
	PlainHTTP bool              `json:"plain_http"` // a real Klaviyo would refuse the address
}

// Call is one request of the API as the ledger keeps it.
type Call struct {
	At      time.Time       `json:"at"`
	Account string          `json:"account"`
	Method  string          `json:"method"`
	Path    string          `json:"path"`
	Query   string          `json:"query,omitempty"`
	Body    json.RawMessage `json:"body,omitempty"`
	Status  int             `json:"status"`
	Code    string          `json:"code,omitempty"` // of the error
}
