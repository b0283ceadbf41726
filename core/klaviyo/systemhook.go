package klaviyo

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"lumo/core/connection"
	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/shared/fault"
)

// hookDepth and hookNames bound what is looked at in one notice.
const (
	hookDepth = 6
	hookNames = 20
)

// CreateHook makes a system webhook and answers Klaviyo's id of it.
func (c *Client) CreateHook(ctx context.Context, token lumo.Secret, h connection.Hook) (string, error) {
	const op = "klaviyo.CreateHook"
	topics := []any{}
	for _, topic := range h.Topics {
		topics = append(topics, map[string]any{"type": "webhook-topic", "id": topic})
	}
	body := map[string]any{"data": map[string]any{"type": "webhook",
		"attributes": map[string]any{"name": h.Name, "endpoint_url": h.URL,
			"secret_key": h.Secret.Reveal(), "description": h.Description},
		"relationships": map[string]any{"webhook-topics": map[string]any{"data": topics}}}}
	var answer struct {
		Data struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	_, err := c.do(ctx, token, request{op: op, method: http.MethodPost, path: "/api/webhooks", body: body,
		answer: &answer})
	if err == nil && plain(answer.Data.ID, 64) == "" {
		err = fault.As(fault.Unavailable, op, errors.New("the answer names no webhook"))
	}
	return answer.Data.ID, err
}

// ReadSystem reads the body of a system webhook. What the properties of its events are
// called Klaviyo does not promise, so every text of a profile id's form is a hint; who acts
// on one asks Klaviyo first.
func ReadSystem(body []byte) ([]linkage.SystemEvent, error) {
	var raw struct {
		Data []struct {
			Topic   string          `json:"topic"`
			ID      string          `json:"external_id"`
			Payload json.RawMessage `json:"payload"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, fault.New(fault.Invalid, "klaviyo.ReadSystem", "The body is not JSON.")
	}
	out := make([]linkage.SystemEvent, len(raw.Data))
	for i, e := range raw.Data {
		out[i] = linkage.SystemEvent{ID: e.ID, Topic: e.Topic}
		var payload any
		if json.Unmarshal(e.Payload, &payload) == nil {
			out[i].Profiles = hints(payload, hookDepth, nil)
		}
	}
	return out, nil
}

// hints collects texts that may be profile ids: 26 characters, or 6 of old profiles.
func hints(v any, depth int, found []lumo.ProfileID) []lumo.ProfileID {
	if depth == 0 || len(found) >= hookNames {
		return found
	}
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			found = hints(inner, depth-1, found)
		}
	case []any:
		for _, inner := range v {
			found = hints(inner, depth-1, found)
		}
	case string:
		if (len(v) == 26 || len(v) == 6) && plainID(v) {
			found = append(found, lumo.ProfileID(v))
		}
	}
	return found
}

// plainID tells whether a text is letters and digits only.
func plainID(text string) bool {
	for i := range len(text) {
		c := text[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
