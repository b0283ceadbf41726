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

const flowPages = 20 // of 50 flows each

// Flows lists the account's flows that are not archived.
func (c *Client) Flows(ctx context.Context, token lumo.Secret) ([]lumo.KlaviyoFlow, error) {
	query := url.Values{"page[size]": {"50"}, "fields[flow]": {"name,status"}, "filter": {"equals(archived,false)"}}
	var all []lumo.KlaviyoFlow
	for range flowPages {
		var answer struct {
			Data []struct {
				ID         string `json:"id"`
				Attributes struct {
					Name   string `json:"name"`
					Status string `json:"status"`
				} `json:"attributes"`
			} `json:"data"`
			Links struct {
				Next string `json:"next"`
			} `json:"links"`
		}
		_, err := c.do(ctx, token, request{op: "klaviyo.Flows", method: http.MethodGet, path: "/api/flows", query: query,
			answer: &answer})
		if err != nil {
			return nil, err
		}
		for _, f := range answer.Data {
			all = append(all, lumo.KlaviyoFlow{ID: f.ID, Name: label(f.Attributes.Name, 200), Status: f.Attributes.Status})
		}
		next, err := url.Parse(answer.Links.Next)
		if answer.Links.Next == "" || err != nil {
			return all, nil
		}
		query.Set("page[cursor]", next.Query().Get("page[cursor]"))
	}
	return all, nil
}

// FlowWebhooks reads the webhook actions of a flow.
func (c *Client) FlowWebhooks(ctx context.Context, token lumo.Secret, flow string) ([]lumo.FlowWebhook, error) {
	const op = "klaviyo.FlowWebhooks"
	if plain(flow, 64) == "" || strings.ContainsAny(flow, "/?#") {
		return nil, fault.As(fault.NotFound, op, errors.New("no flow has such an id"))
	}
	var answer struct {
		Data struct {
			Attributes struct {
				Definition struct {
					Actions []struct {
						ID   string `json:"id"`
						Type string `json:"type"`
						Data struct {
							Status  string `json:"status"`
							Message struct {
								Name string `json:"name"`
								URL  string `json:"url"`
							} `json:"message"`
						} `json:"data"`
					} `json:"actions"`
				} `json:"definition"`
			} `json:"attributes"`
		} `json:"data"`
	}
	_, err := c.do(ctx, token, request{op: op, method: http.MethodGet, path: "/api/flows/" + flow,
		query: url.Values{"additional-fields[flow]": {"definition"}, "fields[flow]": {"definition"}}, answer: &answer})
	if err != nil {
		return nil, err
	}
	var hooks []lumo.FlowWebhook
	for _, a := range answer.Data.Attributes.Definition.Actions {
		if a.Type == "send-webhook" {
			hooks = append(hooks, lumo.FlowWebhook{ID: a.ID, Name: label(a.Data.Message.Name, 200), URL: a.Data.Message.URL,
				Status: a.Data.Status})
		}
	}
	return hooks, nil
}
