package klaviyo

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/shared/fault"
)

// orderMetrics are the names under which shops' integrations record an order, the usual
// first.
func orderMetrics() []string { return []string{"Placed Order", "Ordered Product"} }

// maxPages bounds how far a list is followed.
const maxPages = 50

// named is a resource with a name.
type named struct {
	ID         string `json:"id"`
	Attributes struct {
		Name   string `json:"name"`
		Status string `json:"status"`
	} `json:"attributes"`
}

// Forms are the account's sign-up forms.
func (c *Client) Forms(ctx context.Context, token lumo.Secret) ([]linkage.KlaviyoForm, error) {
	rows, err := c.all(ctx, token, "klaviyo.Forms", "/api/forms",
		url.Values{"fields[form]": {"name,status"}, "page[size]": {"100"}})
	out := make([]linkage.KlaviyoForm, len(rows))
	for i, row := range rows {
		out[i] = linkage.KlaviyoForm{ID: row.ID, Name: row.Attributes.Name,
			Live: row.Attributes.Status == "live"}
	}
	return out, err
}

// LastOrder is when a customer last ordered; zero where Klaviyo knows of no order.
func (c *Client) LastOrder(ctx context.Context, token lumo.Secret, p lumo.ProfileID) (time.Time, error) {
	const op = "klaviyo.LastOrder"
	if plain(string(p), 64) == "" || strings.Contains(string(p), "/") {
		return time.Time{}, fault.As(fault.NotFound, op, errors.New("no profile has such an id"))
	}
	metrics, err := c.all(ctx, token, op, "/api/metrics", url.Values{"fields[metric]": {"name"}})
	if err != nil {
		return time.Time{}, err
	}
	for _, name := range orderMetrics() {
		for _, m := range metrics {
			if m.Attributes.Name != name || plain(m.ID, 64) == "" {
				continue
			}
			at, err := c.newest(ctx, token, p, m.ID)
			if err != nil || !at.IsZero() {
				return at, err
			}
		}
	}
	return time.Time{}, nil
}

// newest is when a customer's newest event of a metric was.
func (c *Client) newest(ctx context.Context, token lumo.Secret, p lumo.ProfileID, metric string) (
	time.Time, error) {
	var answer struct {
		Data []struct {
			Attributes struct {
				Datetime string `json:"datetime"`
			} `json:"attributes"`
		} `json:"data"`
	}
	_, err := c.do(ctx, token, request{op: "klaviyo.newest", method: http.MethodGet, path: "/api/events",
		query: url.Values{"filter": {`equals(profile_id,"` + string(p) + `"),equals(metric_id,"` + metric + `")`},
			"sort": {"-datetime"}, "fields[event]": {"datetime"}, "page[size]": {"1"}}, answer: &answer})
	if err != nil || len(answer.Data) == 0 {
		return time.Time{}, err
	}
	return readTime(answer.Data[0].Attributes.Datetime), nil
}

// all reads a list page by page. Only the cursor of Klaviyo's "next" is taken over: the
// address stays ours.
func (c *Client) all(ctx context.Context, token lumo.Secret, op, path string, query url.Values) (
	[]named, error) {
	var out []named
	for range maxPages {
		var answer struct {
			Data  []named `json:"data"`
			Links struct {
				Next string `json:"next"`
			} `json:"links"`
		}
		_, err := c.do(ctx, token, request{op: op, method: http.MethodGet, path: path, query: query,
			answer: &answer})
		if err != nil {
			return nil, err
		}
		out = append(out, answer.Data...)
		next, err := url.Parse(answer.Links.Next)
		if err != nil || next.Query().Get("page[cursor]") == "" {
			break
		}
		query.Set("page[cursor]", next.Query().Get("page[cursor]"))
	}
	return out, nil
}
