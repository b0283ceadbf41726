package klaviyo

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"lumo/core/connection"
	"lumo/core/lumo"
	"lumo/shared/fault"
)

// Account reads the account that a token belongs to.
func (c *Client) Account(ctx context.Context, token lumo.Secret) (connection.Site, error) {
	const op = "klaviyo.Account"
	var answer struct {
		Data []struct {
			ID         string `json:"id"`
			Attributes struct {
				PublicKey string `json:"public_api_key"`
				Contact   struct {
					Organization string `json:"organization_name"`
					Sender       string `json:"default_sender_name"`
				} `json:"contact_information"`
			} `json:"attributes"`
		} `json:"data"`
	}
	_, err := c.do(ctx, token, request{op: op, method: http.MethodGet, path: "/api/accounts",
		answer: &answer})
	if err != nil {
		return connection.Site{}, err
	}
	if len(answer.Data) != 1 || answer.Data[0].ID == "" {
		return connection.Site{}, fault.As(fault.Unavailable, op, errors.New("the answer names no account"))
	}
	first := answer.Data[0]
	id := cmp.Or(first.Attributes.PublicKey, first.ID)
	contact := first.Attributes.Contact
	return connection.Site{ID: id, Name: cmp.Or(contact.Organization, contact.Sender, id)}, nil
}
