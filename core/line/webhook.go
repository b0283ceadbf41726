package line

import (
	"encoding/json"
	"time"

	"github.com/line/line-bot-sdk-go/v8/linebot/webhook"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/shared/fault"
)

// ReadWebhook reads a verified webhook body event by event: one that is malformed counts as
// bad and takes no other with it, which the SDK's own reader of whole requests would do.
func ReadWebhook(body []byte) (channel.Batch, error) {
	var raw struct {
		Destination lumo.LineUserID   `json:"destination"`
		Events      []json.RawMessage `json:"events"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return channel.Batch{}, fault.New(fault.Invalid, "line.ReadWebhook", "The body is not JSON.")
	}
	if raw.Destination != "" && !raw.Destination.Valid() {
		return channel.Batch{}, fault.New(fault.Invalid, "line.ReadWebhook", "The destination is not an id.")
	}
	batch := channel.Batch{Destination: raw.Destination}
	for _, text := range raw.Events {
		if e, ok := readEvent(text); ok {
			batch.Events = append(batch.Events, e)
		} else {
			batch.Bad++
		}
	}
	return batch, nil
}

// readEvent takes the fields that all events share from the raw JSON, because the SDK keeps
// none of them for types it does not know, and the rest from the SDK's types.
func readEvent(text []byte) (channel.Event, bool) {
	var common struct {
		Type   string `json:"type"`
		At     int64  `json:"timestamp"`
		ID     string `json:"webhookEventId"`
		Reply  string `json:"replyToken"`
		Source struct {
			Type string          `json:"type"`
			User lumo.LineUserID `json:"userId"`
		} `json:"source"`
	}
	if json.Unmarshal(text, &common) != nil {
		return channel.Event{}, false
	}
	typed, err := webhook.UnmarshalEvent(text)
	if err != nil || common.Type == "" || common.At <= 0 || !plainID(common.ID) {
		return channel.Event{}, false
	}
	e := channel.Event{ID: common.ID, Type: common.Type, At: time.UnixMilli(common.At).UTC(),
		Reply: lumo.Secret(common.Reply)}
	if common.Source.Type == "user" && common.Source.User != "" {
		if !common.Source.User.Valid() {
			return channel.Event{}, false
		}
		e.User = common.Source.User
	}
	switch v := typed.(type) {
	case webhook.FollowEvent:
		e.Unblocked = v.Follow != nil && v.Follow.IsUnblocked
	case webhook.MessageEvent:
		if v.Message != nil {
			e.Said = v.Message.GetType()
			if text, ok := v.Message.(webhook.TextMessageContent); ok {
				e.Text = text.Text
			}
		}
	}
	return e, true
}

// plainID tells whether an event id is short plain text; it becomes part of a key.
func plainID(text string) bool {
	if text == "" || len(text) > 64 {
		return false
	}
	for _, c := range []byte(text) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' {
			return false
		}
	}
	return true
}

// WebhookPeople are whose events a webhook body brings, as far as it can be read.
func WebhookPeople(body []byte) (people []string) {
	var b struct {
		Events []struct {
			Source struct {
				UserID string `json:"userId"`
			} `json:"source"`
		} `json:"events"`
	}
	if json.Unmarshal(body, &b) != nil {
		return nil
	}
	for _, e := range b.Events {
		if e.Source.UserID != "" {
			people = append(people, e.Source.UserID)
		}
	}
	return people
}
