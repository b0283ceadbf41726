package klaviyo

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/shared/fault"
)

const (
	// maxMembers bounds a page of members: each may have 100 kB of properties.
	maxMembers = 24 << 20
	// maxFilter bounds the values of one filter, which stand in the address.
	maxFilter = 3000
	// findMost is how many profiles one page has at most.
	findMost = 100
)

// Segments are the account's segments.
func (c *Client) Segments(ctx context.Context, token lumo.Secret) ([]linkage.Segment, error) {
	rows, err := c.all(ctx, token, "klaviyo.Segments", "/api/segments", url.Values{
		"fields[segment]": {"is_active,is_processing,is_starred,name"}, "sort": {"name"}})
	out := make([]linkage.Segment, len(rows))
	for i, row := range rows {
		out[i] = linkage.Segment{ID: row.ID, Name: row.Attributes.Name}
	}
	return out, err
}

// SegmentSize is how many members a segment has, as Klaviyo counts them.
func (c *Client) SegmentSize(ctx context.Context, token lumo.Secret, segment string) (int64, error) {
	const op = "klaviyo.SegmentSize"
	if plain(segment, 64) == "" || strings.Contains(segment, "/") {
		return 0, fault.As(fault.NotFound, op, errors.New("no segment has such an id"))
	}
	var answer struct {
		Data struct {
			Attributes struct {
				Count int64 `json:"profile_count"`
			} `json:"attributes"`
		} `json:"data"`
	}
	_, err := c.do(ctx, token, request{op: op, method: http.MethodGet, path: "/api/segments/" + segment,
		query: url.Values{"additional-fields[segment]": {"profile_count"}}, answer: &answer})
	return answer.Data.Attributes.Count, err
}

// SegmentMembers reads one page of a segment's members with their properties. after is where
// the page before ended; empty = the first page.
func (c *Client) SegmentMembers(ctx context.Context, token lumo.Secret, segment, after string, limit int) (
	linkage.MemberPage, error) {
	const op = "klaviyo.SegmentMembers"
	if plain(segment, 64) == "" || strings.Contains(segment, "/") {
		return linkage.MemberPage{}, fault.As(fault.NotFound, op, errors.New("no segment has such an id"))
	}
	query := url.Values{"fields[profile]": {"joined_group_at,properties"}, "page[size]": {strconv.Itoa(limit)}}
	if after != "" {
		query.Set("page[cursor]", after)
	}
	var answer struct {
		Data  []wireProfile `json:"data"`
		Links struct {
			Next string `json:"next"`
		} `json:"links"`
	}
	wait, err := c.do(ctx, token, request{op: op, method: http.MethodGet, path: "/api/segments/" + segment + "/profiles",
		query: query, answer: &answer, most: maxMembers})
	if err != nil {
		return linkage.MemberPage{}, err
	}
	page := linkage.MemberPage{Members: make([]lumo.Profile, len(answer.Data)), Wait: wait}
	for i, p := range answer.Data {
		page.Members[i] = p.profile()
	}
	if next, err := url.Parse(answer.Links.Next); err == nil {
		page.Next = next.Query().Get("page[cursor]")
	}
	return page, nil
}

// FindProfiles finds the profiles that have one of these values in a field: id, email or
// phone_number. Values that no filter can hold are nobody's. wait is how long the next
// request of this kind should wait.
func (c *Client) FindProfiles(ctx context.Context, token lumo.Secret, field string, values []string) (
	found []lumo.Profile, wait time.Duration, err error) {
	const op = "klaviyo.FindProfiles"
	for len(values) > 0 {
		filter := ""
		filter, values = anyOf(field, values)
		if filter == "" {
			continue
		}
		var answer struct {
			Data []wireProfile `json:"data"`
		}
		wait, err = c.do(ctx, token, request{op: op, method: http.MethodGet, path: "/api/profiles", query: url.Values{
			"filter": {filter}, "fields[profile]": {"email,phone_number,first_name,last_name"},
			"page[size]": {strconv.Itoa(findMost)}}, answer: &answer})
		if err != nil {
			return nil, wait, err
		}
		for _, p := range answer.Data {
			found = append(found, p.profile())
		}
	}
	return found, wait, nil
}

// anyOf takes as many values as one filter holds.
func anyOf(field string, values []string) (filter string, rest []string) {
	var taken []string
	length := 0
	for len(values) > 0 && len(taken) < findMost/2 {
		v := values[0]
		if length += len(v) + 3; length > maxFilter && len(taken) > 0 {
			break
		}
		values = values[1:]
		if v != "" && !strings.ContainsAny(v, "\"\\\r\n\x00") {
			taken = append(taken, `"`+v+`"`)
		}
	}
	if len(taken) == 0 {
		return "", values
	}
	return "any(" + field + ",[" + strings.Join(taken, ",") + "])", values
}
