package postgres

import (
	"lumo/core/lumo"
	"lumo/shared/id"
)

// EdgeFact is what a click or an open that counts says about a friend. It is read from the event
// and its delivery wherever it is shown or told, and written nowhere.
type EdgeFact struct {
	Event    id.ID
	Channel  lumo.ChannelID
	Friend   lumo.FriendID
	kind     string
	delivery lumo.DeliveryID
	message  *lumo.MessageID
	name     string
	flow     string
	link     int64
	target   string
	first    bool
	inferred bool
}

// EdgeFactColumns are what Columns scans, from a statement with EdgeFactJoins.
const EdgeFactColumns = `
       e.id, e.channel_id, d.friend_id, e.type, d.id, d.message_id, coalesce(v.name, ''), coalesce(r.flow_id, ''),
       e.link, coalesce(l.target, ''), e.first, e.inferred`

// EdgeFactJoins follow a row of edge_event named e. Each is looked up by its key, whatever the
// planner believes of how many there are.
const EdgeFactJoins = `
 CROSS JOIN LATERAL (
       SELECT id, friend_id, message_id, logical_kind, logical_id
         FROM delivery
        WHERE merchant_id = e.merchant_id AND id = e.delivery_id
        LIMIT 1) AS d
  LEFT JOIN LATERAL (
       SELECT name FROM message WHERE merchant_id = e.merchant_id AND id = d.message_id LIMIT 1) AS v ON true
  LEFT JOIN LATERAL (
       SELECT flow_id
         FROM flow_request
        WHERE merchant_id = e.merchant_id AND id = d.logical_id AND d.logical_kind = 'flow'
        LIMIT 1) AS r ON true
  LEFT JOIN LATERAL (
       SELECT target
         FROM tracked_link
        WHERE merchant_id = e.merchant_id AND channel_id = e.channel_id AND number = e.link AND e.type = 'click'
        LIMIT 1) AS l ON true`

// IsEdgeFact chooses the events that are facts.
const IsEdgeFact = `e.counted AND e.type IN ('click', 'open') AND e.delivery_id IS NOT NULL`

// Columns are where EdgeFactColumns go.
func (f *EdgeFact) Columns() []any {
	return []any{&f.Event, &f.Channel, &f.Friend, &f.kind, &f.delivery, &f.message, &f.name, &f.flow, &f.link, &f.target,
		&f.first, &f.inferred}
}

// Kind is what happened.
func (f *EdgeFact) Kind() lumo.FactKind {
	if f.kind == "open" {
		return lumo.FactOpened
	}
	return lumo.FactClicked
}

// Ref names what happened once: each click, or the one open of a delivery.
func (f *EdgeFact) Ref() string {
	if f.kind == "open" {
		return id.ID(f.delivery).String()
	}
	return f.Event.String()
}

// Name is its unique id in the outbox: <channel>:<kind>:<ref>, as the outbox names all facts.
func (f *EdgeFact) Name() string {
	return f.Channel.String() + ":" + string(f.Kind()) + ":" + f.Ref()
}

// Data is what the timeline shows of it and what Klaviyo is told.
func (f *EdgeFact) Data() map[string]any {
	data := map[string]any{"delivery": f.delivery.String()}
	if f.message != nil {
		data["message"] = f.message.String()
	}
	if f.name != "" {
		data["message_name"] = f.name
	}
	if f.flow != "" {
		data["flow"] = f.flow
	}
	if f.kind == "open" {
		data["inferred"] = f.inferred
		return data
	}
	data["link"], data["first"], data["url"] = f.link, f.first, f.target
	return data
}
