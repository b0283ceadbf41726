package klaviyo

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

const (
	// pageSize is the most events Klaviyo gives at once.
	pageSize = 1000
	// maxEvents bounds a page of events: each may have the lines of a large order.
	maxEvents = 24 << 20
)

type wireEvent struct {
	Type       string              `json:"type"`
	Attributes wireEventAttributes `json:"attributes"`
}

type wireEventAttributes struct {
	Properties map[string]any `json:"properties"`
	Time       string         `json:"time"`
	UniqueID   string         `json:"unique_id"`
	Backfill   bool           `json:"backfill,omitempty"`
	Metric     wireReference  `json:"metric"`
	Profile    wireReference  `json:"profile"`
}

// wireReference is a resource inside another: {"data":{"type":..}}.
type wireReference struct {
	Data wireResource `json:"data"`
}

type wireResource struct {
	Type       string         `json:"type"`
	ID         string         `json:"id,omitempty"`
	Attributes map[string]any `json:"attributes"`
}

// CreateEvent records an event on a profile. Klaviyo keeps the first of each unique id, so
// the same event may be written again after an answer was lost.
func (c *Client) CreateEvent(ctx context.Context, token lumo.Secret, e lumo.ProfileEvent) (
	wait time.Duration, err error) {
	properties := e.Properties
	if properties == nil {
		properties = map[string]any{}
	}
	body := map[string]any{"data": wireEvent{Type: "event", Attributes: wireEventAttributes{
		Properties: properties,
		Time:       e.OccurredAt.UTC().Format(time.RFC3339),
		UniqueID:   e.UniqueID,
		Backfill:   e.Backfill,
		Metric: wireReference{wireResource{Type: "metric",
			Attributes: map[string]any{"name": e.Metric}}},
		Profile: wireReference{wireResource{Type: "profile", ID: string(e.Profile),
			Attributes: map[string]any{}}},
	}}}
	return c.do(ctx, token, request{op: "klaviyo.CreateEvent", method: http.MethodPost,
		path: "/api/events", body: body})
}

// EventPage reads a part of a profile's events since a time, newest first. after is where the
// page before ended; empty = the first page.
func (c *Client) EventPage(ctx context.Context, token lumo.Secret, profile lumo.ProfileID,
	since time.Time, after string, limit int) (lumo.EventPage, error) {
	const op = "klaviyo.EventPage"
	if plain(string(profile), 64) == "" || strings.Contains(string(profile), "/") {
		return lumo.EventPage{}, fault.As(fault.NotFound, op, errors.New("no profile has such an id"))
	}
	filter := `equals(profile_id,"` + string(profile) + `"),greater-or-equal(datetime,` +
		since.UTC().Format(time.RFC3339) + ")"
	query := url.Values{"filter": {filter}, "sort": {"-datetime"},
		"fields[event]": {"datetime,event_properties"}, "include": {"metric"}, "fields[metric]": {"name"},
		"page[size]": {strconv.Itoa(min(max(limit, 1), pageSize))}}
	if after != "" {
		query.Set("page[cursor]", after)
	}
	var answer struct {
		Data []struct {
			Attributes struct {
				Datetime   string         `json:"datetime"`
				Properties map[string]any `json:"event_properties"`
			} `json:"attributes"`
			Relationships struct {
				Metric struct {
					Data struct {
						ID string `json:"id"`
					} `json:"data"`
				} `json:"metric"`
			} `json:"relationships"`
		} `json:"data"`
		Included []named `json:"included"`
		Links    struct {
			Next string `json:"next"`
		} `json:"links"`
	}
	wait, err := c.do(ctx, token, request{op: op, method: http.MethodGet, path: "/api/events",
		query: query, answer: &answer, most: maxEvents})
	if err != nil {
		return lumo.EventPage{}, err
	}
	metrics := map[string]string{}
	for _, one := range answer.Included {
		metrics[one.ID] = one.Attributes.Name
	}
	page := lumo.EventPage{Events: make([]lumo.ReadEvent, len(answer.Data)), Wait: wait}
	for i, row := range answer.Data {
		page.Events[i] = lumo.ReadEvent{Ref: text(row.Attributes.Properties["$event_id"]),
			Metric: metrics[row.Relationships.Metric.Data.ID], OccurredAt: readTime(row.Attributes.Datetime), Properties: row.Attributes.Properties}
	}
	if next, err := url.Parse(answer.Links.Next); err == nil {
		page.Next = next.Query().Get("page[cursor]")
	}
	return page, nil
}

// text is a value as a string; Klaviyo gives some ids as numbers.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case json.Number:
		return v.String()
	}
	return ""
}

// readTime accepts Klaviyo's two ways to write a time; anything else is the zero time.
func readTime(s string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
