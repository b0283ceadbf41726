package klaviyo

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// object is a resource whose parts we do not know are handed back as they came.
type object = map[string]any

// ChangeWebhooks changes the webhooks of a flow that call an address: their header, their
// status, or both. Klaviyo replaces a whole action, so all the rest goes back as it came.
func (c *Client) ChangeWebhooks(ctx context.Context, token lumo.Secret, flow string, change lumo.WebhookChange) (n int, err error) {
	const op = "klaviyo.ChangeWebhooks"
	if plain(flow, 64) == "" || strings.ContainsAny(flow, "/?#") {
		return 0, fault.As(fault.NotFound, op, errors.New("no flow has such an id"))
	}
	var answer struct {
		Data struct {
			Attributes struct {
				Definition struct {
					Actions []object `json:"actions"`
				} `json:"definition"`
			} `json:"attributes"`
		} `json:"data"`
	}
	_, err = c.do(ctx, token, request{op: op, method: http.MethodGet, path: "/api/flows/" + flow,
		query: url.Values{"additional-fields[flow]": {"definition"}, "fields[flow]": {"definition"}}, answer: &answer})
	if err != nil {
		return 0, err
	}
	for _, action := range answer.Data.Attributes.Definition.Actions {
		id, _ := action["id"].(string)
		if id == "" || strings.ContainsAny(id, "/?#") || !changed(action, change) {
			continue
		}
		_, err := c.do(ctx, token, request{op: op, method: http.MethodPatch, path: "/api/flow-actions/" + id,
			body: object{"data": object{"type": "flow-action", "id": id, "attributes": object{"definition": action}}}})
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// changed changes an action in place; false = it is no webhook to our address.
func changed(action object, change lumo.WebhookChange) bool {
	data, _ := action["data"].(object)
	message, _ := data["message"].(object)
	if action["type"] != "send-webhook" || message == nil || message["url"] != change.URL {
		return false
	}
	if change.Header != "" {
		headers, _ := message["headers"].(object)
		if headers == nil {
			headers = object{}
		}
		for name := range headers {
			if strings.EqualFold(name, change.Header) {
				delete(headers, name)
			}
		}
		headers[change.Header] = change.Value.Reveal()
		message["headers"] = headers
	}
	if change.Status != "" {
		data["status"] = change.Status
	}
	return true
}

// CreateFlow makes a flow in draft: an event starts it, and its one action is a webhook.
func (c *Client) CreateFlow(ctx context.Context, token lumo.Secret, f lumo.NewFlow) (string, error) {
	var answer struct {
		Data struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	webhook := object{"temporary_id": "webhook", "type": "send-webhook", "links": object{"next": nil},
		"data": object{"status": "draft", "message": object{"name": f.Name, "url": f.URL,
			"headers": object{f.Header: f.Value.Reveal()}, "body": f.Body}}}
	_, err := c.do(ctx, token, request{op: "klaviyo.CreateFlow", method: http.MethodPost, path: "/api/flows", answer: &answer,
		body: object{"data": object{"type": "flow", "attributes": object{"name": f.Name, "definition": object{
			"triggers":       []object{{"type": "metric", "id": f.Metric, "trigger_filter": nil}},
			"profile_filter": nil, "entry_action_id": "webhook", "actions": []object{webhook}}}}}})
	return plain(answer.Data.ID, 64), err
}

// Metrics are the account's metrics: the events that can start a flow.
func (c *Client) Metrics(ctx context.Context, token lumo.Secret) ([]lumo.KlaviyoMetric, error) {
	rows, err := c.all(ctx, token, "klaviyo.Metrics", "/api/metrics", url.Values{"fields[metric]": {"name"}})
	var out []lumo.KlaviyoMetric
	for _, row := range rows {
		if name := label(row.Attributes.Name, 200); name != "" && plain(row.ID, 64) != "" {
			out = append(out, lumo.KlaviyoMetric{ID: row.ID, Name: name})
		}
	}
	return out, err
}
