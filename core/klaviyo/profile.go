package klaviyo

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// profileFields are the only ones we read: less personal data on the way.
const profileFields = "email,phone_number,first_name,last_name,properties,updated,last_event_date"

type wireProfile struct {
	Type       string         `json:"type"`
	ID         string         `json:"id,omitempty"`
	Attributes wireAttributes `json:"attributes"`
	Meta       *wireMeta      `json:"meta,omitempty"`
}

type wireAttributes struct {
	Email      string         `json:"email,omitempty"`
	Phone      string         `json:"phone_number,omitempty"`
	FirstName  string         `json:"first_name,omitempty"`
	LastName   string         `json:"last_name,omitempty"`
	Properties map[string]any `json:"properties,omitempty"`
	Updated    *time.Time     `json:"updated,omitempty"`
	LastEvent  *time.Time     `json:"last_event_date,omitempty"`
}

type wireMeta struct {
	Patch wirePatch `json:"patch_properties"`
}

type wirePatch struct {
	Unset []string `json:"unset"`
}

func (p wireProfile) profile() lumo.Profile {
	out := lumo.Profile{ID: lumo.ProfileID(p.ID), Email: p.Attributes.Email,
		Phone: p.Attributes.Phone, FirstName: p.Attributes.FirstName,
		LastName: p.Attributes.LastName, Properties: p.Attributes.Properties}
	if p.Attributes.Updated != nil {
		out.UpdatedAt = p.Attributes.Updated.UTC()
	}
	if p.Attributes.LastEvent != nil {
		out.LastSeenAt = p.Attributes.LastEvent.UTC()
	}
	return out
}

// ImportProfile makes or changes a profile and answers its id. An email and a phone of two
// profiles are fault.Conflict, whose error names the other profile; an id that Klaviyo does
// not have is fault.NotFound.
func (c *Client) ImportProfile(ctx context.Context, token lumo.Secret, w lumo.ProfileWrite) (
	id lumo.ProfileID, wait time.Duration, err error) {
	const op = "klaviyo.ImportProfile"
	var answer struct {
		Data wireProfile `json:"data"`
	}
	wait, err = c.do(ctx, token, request{op: op, method: http.MethodPost,
		path: "/api/profile-import", body: map[string]any{"data": wireWrite(w)}, answer: &answer})
	if err != nil {
		return "", wait, err
	}
	if answer.Data.ID == "" {
		return "", wait, fault.As(fault.Unavailable, op, errors.New("the answer names no profile"))
	}
	return lumo.ProfileID(answer.Data.ID), wait, nil
}

func wireWrite(w lumo.ProfileWrite) wireProfile {
	data := wireProfile{Type: "profile", ID: string(w.ID), Attributes: wireAttributes{
		Email: w.Email, Phone: w.Phone, FirstName: w.FirstName, LastName: w.LastName,
		Properties: w.Set}}
	if len(w.Unset) > 0 {
		data.Meta = &wireMeta{Patch: wirePatch{Unset: w.Unset}}
	}
	return data
}

// Profile reads one profile by its id.
func (c *Client) Profile(ctx context.Context, token lumo.Secret, id lumo.ProfileID) (
	lumo.Profile, error) {
	const op = "klaviyo.Profile"
	if plain(string(id), 64) == "" || strings.Contains(string(id), "/") {
		return lumo.Profile{}, fault.As(fault.NotFound, op, errors.New("no profile has such an id"))
	}
	var answer struct {
		Data wireProfile `json:"data"`
	}
	_, err := c.do(ctx, token, request{op: op, method: http.MethodGet,
		path:  "/api/profiles/" + url.PathEscape(string(id)),
		query: url.Values{"fields[profile]": {profileFields}}, answer: &answer})
	return answer.Data.profile(), err
}

// ProfileByEmail finds the profile with an email; none is fault.NotFound.
func (c *Client) ProfileByEmail(ctx context.Context, token lumo.Secret, email string) (
	lumo.Profile, error) {
	return c.findProfile(ctx, token, "klaviyo.ProfileByEmail", "email", email)
}

// ProfileByPhone finds the profile with an E.164 number; none is fault.NotFound.
func (c *Client) ProfileByPhone(ctx context.Context, token lumo.Secret, phone string) (
	lumo.Profile, error) {
	return c.findProfile(ctx, token, "klaviyo.ProfileByPhone", "phone_number", phone)
}

func (c *Client) findProfile(ctx context.Context, token lumo.Secret, op, field, value string) (
	lumo.Profile, error) {
	if value == "" || strings.ContainsAny(value, "\"\\\r\n\x00") {
		return lumo.Profile{}, fault.As(fault.Invalid, op, errors.New("not a value that a filter can hold"))
	}
	var answer struct {
		Data []wireProfile `json:"data"`
	}
	_, err := c.do(ctx, token, request{op: op, method: http.MethodGet, path: "/api/profiles",
		query: url.Values{
			"filter":          {"equals(" + field + `,"` + value + `")`},
			"fields[profile]": {profileFields},
			"page[size]":      {"2"},
		}, answer: &answer})
	if err != nil {
		return lumo.Profile{}, err
	}
	if len(answer.Data) == 0 {
		return lumo.Profile{}, fault.As(fault.NotFound, op, errors.New("no profile has it"))
	}
	return answer.Data[0].profile(), nil
}
