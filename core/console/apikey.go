package console

import (
	"context"
	"net/http"
	"strings"
	"time"

	"lumo/core/account"
	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// APIKeys is what the API needs of its keys.
type APIKeys interface {
	ByKey(ctx context.Context, secret, area, channel string) (account.Member, lumo.Merchant, error)
	CreateKey(ctx context.Context, who account.Membership, address string, k account.APIKey) (account.APIKey, string, error)
	ListKeys(ctx context.Context, m lumo.MerchantID) ([]account.APIKey, error)
	RevokeKey(ctx context.Context, who account.Membership, address string, v id.ID) (account.APIKey, error)
}

// APIKeyView is a key of the API, without its secret.
type APIKeyView struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Last4      string            `json:"last4"`
	Rights     map[string]string `json:"rights" doc:"by area: read, write or manage"`
	Channels   []string          `json:"channels" doc:"chn_..; empty = all LINE accounts"`
	CreatedAt  *time.Time        `json:"created_at"`
	ExpiresAt  *time.Time        `json:"expires_at,omitempty"`
	LastUsedAt *time.Time        `json:"last_used_at,omitempty"`
	RevokedAt  *time.Time        `json:"revoked_at,omitempty"`
}

// NewAPIKeyView is a key with its secret, which is shown this once.
type NewAPIKeyView struct {
	APIKeyView
	Secret string `json:"secret" doc:"send it as: Authorization: Bearer lak_.."`
}

type newKeyInput struct {
	InMerchant
	Body struct {
		Name      string            `json:"name" maxLength:"80"`
		Rights    map[string]string `json:"rights" doc:"by area (friends, linking, messages, flows, settings): read, write or manage"`
		Channels  []string          `json:"channels,omitempty" maxItems:"100"`
		ExpiresAt time.Time         `json:"expires_at,omitzero"`
	}
}

type keyInput struct {
	InMerchant
	KeyID string `path:"key" doc:"key_.."`
}

// RegisterAPIKeys adds the operations on keys of the API, and lets callers come with one.
func RegisterAPIKeys(a *API, keys APIKeys) {
	a.keys = keys
	const all = "/merchants/{merchant}/api_keys"
	Register(a, Op{ID: "list-api-keys", Method: http.MethodGet, Path: all, Role: lumo.Admin,
		Summary: "List keys of the API"}, func(ctx context.Context, who Caller, _ *InMerchant) (List[APIKeyView], error) {
		found, err := keys.ListKeys(ctx, who.Merchant.ID)
		list := List[APIKeyView]{Items: make([]APIKeyView, len(found))}
		for i, k := range found {
			list.Items[i] = keyView(k)
		}
		return list, err
	})
	Register(a, Op{ID: "create-api-key", Method: http.MethodPost, Path: all, Role: lumo.Admin, Secret: true,
		Summary: "Make a key of the API; its secret is shown this once"},
		func(ctx context.Context, who Caller, in *newKeyInput) (NewAPIKeyView, error) {
			k := account.APIKey{Name: in.Body.Name, Rights: map[string]account.Right{}, ExpiresAt: in.Body.ExpiresAt}
			for area, right := range in.Body.Rights {
				k.Rights[area] = account.Right(right)
			}
			for _, text := range in.Body.Channels {
				c, err := outside(id.Channel, text)
				if err != nil {
					return NewAPIKeyView{}, err
				}
				k.Channels = append(k.Channels, lumo.ChannelID(c))
			}
			made, secret, err := keys.CreateKey(ctx, who.Membership(), who.Address, k)
			return NewAPIKeyView{APIKeyView: keyView(made), Secret: secret}, err
		})
	Register(a, Op{ID: "revoke-api-key", Method: http.MethodPost, Path: all + "/{key}/revoke", Role: lumo.Admin,
		Summary: "End a key at once"}, func(ctx context.Context, who Caller, in *keyInput) (APIKeyView, error) {
		v, err := outside(id.FlowKey, in.KeyID)
		if err != nil {
			return APIKeyView{}, err
		}
		k, err := keys.RevokeKey(ctx, who.Membership(), who.Address, v)
		return keyView(k), err
	})
}

func keyView(k account.APIKey) APIKeyView {
	v := APIKeyView{ID: k.ID.With(id.FlowKey), Name: k.Name, Last4: k.Last4, Rights: map[string]string{},
		Channels: make([]string, len(k.Channels)), CreatedAt: moment(k.CreatedAt), ExpiresAt: moment(k.ExpiresAt),
		LastUsedAt: moment(k.LastUsedAt), RevokedAt: moment(k.RevokedAt)}
	for area, right := range k.Rights {
		v.Rights[area] = string(right)
	}
	for i, c := range k.Channels {
		v.Channels[i] = c.String()
	}
	return v
}

const bearer = "Bearer lak_"

// byKey finds the caller behind an API key. Keys reach one shop; making keys, members and
// whatever belongs to a person's session are not for keys.
func (a *API) byKey(ctx context.Context, op Op, header, merchant, channel string) (Caller, error) {
	const name = "console.byKey"
	c := Caller{Address: addressOf(ctx)}
	if op.Role == Anyone {
		return c, nil
	}
	area := areaOf(op.Path)
	if a.keys == nil || area == "" {
		return c, fault.New(fault.Forbidden, name, "This is not for API keys.")
	}
	member, shop, err := a.keys.ByKey(ctx, strings.TrimPrefix(header, "Bearer "), area, channel)
	switch {
	case err != nil:
		return c, err
	case shop.ID.String() != strings.ToLower(merchant):
		return c, fault.New(fault.NotFound, name, "This shop does not exist.")
	case member.Role == "" || !account.Allows(member.Role, op.Role):
		return c, fault.New(fault.Forbidden, name, "This API key has no right to do this.")
	}
	c.Member, c.Merchant = member, shop
	c.Members = []account.Membership{{Merchant: shop.ID, Member: member.ID}}
	return c, nil
}

// areaOf is the area of rights that an operation belongs to, by the noun of its path; empty is
// not for keys.
func areaOf(path string) string {
	rest, ok := strings.CutPrefix(path, "/merchants/{merchant}")
	if !ok {
		return ""
	}
	rest = strings.TrimPrefix(rest, "/channels/{channel}")
	noun, _, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	noun = strings.TrimSuffix(noun, ".csv")
	switch noun {
	case "friends", "tags", "consent", "runs", "home", "test_friends", "saved_filters":
		return "friends"
	case "qr_codes", "forms", "linking", "links", "conflicts", "reviews", "review", "imports", "automatic", "klaviyo_forms",
		"customers", "review_many":
		return "linking"
	case "messages", "media", "images", "picture", "statistics", "replies", "test_sends":
		return "messages"
	case "flow_settings", "flow_keys", "flow_requests", "flow_days", "flow_doctor", "flow_triggers", "get_json", "flows", "sending", "quota",
		"kept_deliveries", "kept_events", "deliveries":
		return "flows"
	case "", "channels", "klaviyo", "connections", "webhook", "preflight", "link_host", "settings":
		return "settings"
	}
	return ""
}
