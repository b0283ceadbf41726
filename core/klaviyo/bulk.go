package klaviyo

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"lumo/core/lumo"
	"lumo/core/outbox"
	"lumo/shared/fault"
)

const jobsPath = "/api/profile-bulk-import-jobs"

// maxFaults bounds a page of import errors: each repeats a profile, of at most 100 kB.
const maxFaults = 24 << 20

type wireJob struct {
	ID         string `json:"id"`
	Attributes struct {
		Status string `json:"status"`
	} `json:"attributes"`
}

// ImportProfiles has Klaviyo import profiles as a job, and answers the job's id. Klaviyo takes
// 10,000 profiles and 5 MB.
func (c *Client) ImportProfiles(ctx context.Context, token lumo.Secret, all []lumo.ProfileWrite) (
	job string, wait time.Duration, err error) {
	const op = "klaviyo.ImportProfiles"
	profiles := make([]wireProfile, len(all))
	for i, w := range all {
		profiles[i] = wireWrite(w)
	}
	body := map[string]any{"data": map[string]any{"type": "profile-bulk-import-job",
		"attributes": map[string]any{"profiles": map[string]any{"data": profiles}}}}
	var answer struct {
		Data wireJob `json:"data"`
	}
	wait, err = c.do(ctx, token, request{op: op, method: http.MethodPost, path: jobsPath, body: body, answer: &answer})
	if err == nil && answer.Data.ID == "" {
		err = fault.As(fault.Unavailable, op, errors.New("the answer names no job"))
	}
	return answer.Data.ID, wait, err
}

// ImportState tells how far Klaviyo got with a job.
func (c *Client) ImportState(ctx context.Context, token lumo.Secret, job string) (outbox.JobState, time.Duration, error) {
	var answer struct {
		Data wireJob `json:"data"`
	}
	wait, err := c.do(ctx, token, request{op: "klaviyo.ImportState", method: http.MethodGet,
		path: jobsPath + "/" + url.PathEscape(job), answer: &answer})
	switch {
	case fault.Is(err, fault.NotFound): // forgotten after a week
		return outbox.JobGone, wait, nil
	case err != nil:
		return "", wait, err
	case answer.Data.Attributes.Status == "complete":
		return outbox.JobComplete, wait, nil
	case answer.Data.Attributes.Status == "cancelled":
		return outbox.JobGone, wait, nil
	}
	return outbox.JobRunning, wait, nil
}

// ImportsRun tells whether Klaviyo works on any job of the account.
func (c *Client) ImportsRun(ctx context.Context, token lumo.Secret) (bool, error) {
	var answer struct {
		Data []wireJob `json:"data"`
	}
	_, err := c.do(ctx, token, request{op: "klaviyo.ImportsRun", method: http.MethodGet, path: jobsPath,
		query: url.Values{"filter": {`any(status,["queued","processing"])`}, "page[size]": {"1"}}, answer: &answer})
	return len(answer.Data) > 0, err
}

// ImportFaults are what Klaviyo has against profiles of a job that is complete.
func (c *Client) ImportFaults(ctx context.Context, token lumo.Secret, job string) (faults []outbox.JobFault, err error) {
	for after, more := "", true; more; more = after != "" {
		var page []outbox.JobFault
		if page, after, err = c.importFaults(ctx, token, job, after); err != nil {
			return nil, err
		}
		faults = append(faults, page...)
	}
	return faults, nil
}

func (c *Client) importFaults(ctx context.Context, token lumo.Secret, job, after string) (
	faults []outbox.JobFault, next string, err error) {
	query := url.Values{"page[size]": {"100"}}
	if after != "" {
		query.Set("page[cursor]", after)
	}
	var answer struct {
		Data []struct {
			Attributes struct {
				Code   string `json:"code"`
				Source struct {
					Pointer string `json:"pointer"`
				} `json:"source"`
				Original struct {
					ID string `json:"id"`
				} `json:"original_payload"`
			} `json:"attributes"`
		} `json:"data"`
		Links struct {
			Next string `json:"next"`
		} `json:"links"`
	}
	_, err = c.do(ctx, token, request{op: "klaviyo.ImportFaults", method: http.MethodGet,
		path: jobsPath + "/" + url.PathEscape(job) + "/import-errors", query: query, answer: &answer, most: maxFaults})
	if err != nil {
		return nil, "", err
	}
	for _, e := range answer.Data {
		a := e.Attributes
		faults = append(faults, outbox.JobFault{Place: place(a.Source.Pointer), Profile: lumo.ProfileID(plain(a.Original.ID, 64)),
			Code: plain(a.Code, 40), Field: plain(a.Source.Pointer, 80)})
	}
	if u, err := url.Parse(answer.Links.Next); err == nil {
		next = u.Query().Get("page[cursor]")
	}
	return faults, next, nil
}

// place reads a profile's place, from 1, out of /data/attributes/profiles/data/7/attributes/email.
func place(pointer string) int {
	rest, ours := strings.CutPrefix(pointer, "/data/attributes/profiles/data/")
	number, _, _ := strings.Cut(rest, "/")
	n, err := strconv.Atoi(number)
	if !ours || err != nil {
		return 0
	}
	return n + 1
}

// CreateEvents records events at once, all or none of them: at most 1,000, and 5 MB. Klaviyo
// refuses them all when it has one of them already.
func (c *Client) CreateEvents(ctx context.Context, token lumo.Secret, all []lumo.ProfileEvent) (
	wait time.Duration, err error) {
	type of struct {
		profile  lumo.ProfileID
		backfill bool
	}
	var order []of
	groups := map[of][]map[string]any{}
	for _, e := range all {
		k := of{e.Profile, e.Backfill}
		if groups[k] == nil {
			order = append(order, k)
		}
		properties := e.Properties
		if properties == nil {
			properties = map[string]any{}
		}
		groups[k] = append(groups[k], map[string]any{"type": "event", "attributes": map[string]any{
			"properties": properties, "time": e.OccurredAt.UTC().Format(time.RFC3339), "unique_id": e.UniqueID,
			"metric": wireReference{wireResource{Type: "metric", Attributes: map[string]any{"name": e.Metric}}}}})
	}
	data := make([]map[string]any, len(order))
	for i, k := range order {
		data[i] = map[string]any{"type": "event-bulk-create", "attributes": map[string]any{"backfill": k.backfill,
			"profile": wireReference{wireResource{Type: "profile", ID: string(k.profile), Attributes: map[string]any{}}},
			"events":  map[string]any{"data": groups[k]}}}
	}
	return c.do(ctx, token, request{op: "klaviyo.CreateEvents", method: http.MethodPost, path: "/api/event-bulk-create-jobs",
		body: map[string]any{"data": map[string]any{"type": "event-bulk-create-job",
			"attributes": map[string]any{"events-bulk-create": map[string]any{"data": data}}}}})
}
