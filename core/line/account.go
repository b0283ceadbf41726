package line

import (
	"context"
	"net/http"
	"strings"

	"github.com/line/line-bot-sdk-go/v8/linebot/messaging_api"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/shared/fault"
)

// Account tells which LINE Official Account the keys belong to.
func (c *Client) Account(ctx context.Context, keys lumo.Keys) (channel.Account, error) {
	const op = "line.Account"
	var info *messaging_api.BotInfoResponse
	err := c.call(ctx, op, keys, func(api *messaging_api.MessagingApiAPI) (
		res *http.Response, err error) {
		res, info, err = api.GetBotInfoWithHttpInfo()
		return res, err
	})
	if err != nil {
		return channel.Account{}, err
	}
	a := channel.Account{BotUser: lumo.LineUserID(info.UserId), Name: plain(info.DisplayName),
		BasicID: plain(info.BasicId), PictureURL: plain(info.PictureUrl)}
	if !a.BotUser.Valid() {
		return channel.Account{}, fault.New(fault.Unavailable, op, "LINE named no account.")
	}
	return a, nil
}

// Profile asks who a friend is. Unknown, blocked and non-friends are fault.NotFound.
func (c *Client) Profile(ctx context.Context, keys lumo.Keys, user lumo.LineUserID) (
	channel.Person, error) {
	const op = "line.Profile"
	if !user.Valid() {
		return channel.Person{}, fault.New(fault.Invalid, op, "This is not a LINE user id.")
	}
	var p *messaging_api.UserProfileResponse
	err := c.call(ctx, op, keys, func(api *messaging_api.MessagingApiAPI) (
		res *http.Response, err error) {
		res, p, err = api.GetProfileWithHttpInfo(string(user))
		return res, err
	})
	if err != nil {
		return channel.Person{}, err
	}
	return channel.Person{Name: plain(p.DisplayName), PictureURL: plain(p.PictureUrl), Language: plain(p.Language)}, nil
}

// plain is a text that people chose, without NUL, which no database takes: a name must not keep
// its friend out. What is no character at all was replaced when the JSON was read.
func plain(text string) string { return strings.ReplaceAll(text, "\x00", "") }

// Followers lists people who follow a verified account, page by page. Blocked, deleted and
// non-consenting people are not in it; a page may be short although another follows.
func (c *Client) Followers(ctx context.Context, keys lumo.Keys, after string, limit int) (
	users []lumo.LineUserID, next string, err error) {
	var page *messaging_api.GetFollowersResponse
	err = c.call(ctx, "line.Followers", keys, func(api *messaging_api.MessagingApiAPI) (
		res *http.Response, err error) {
		res, page, err = api.GetFollowersWithHttpInfo(after, int32(limit))
		return res, err
	})
	if err != nil {
		return nil, "", err
	}
	for _, text := range page.UserIds {
		if user := lumo.LineUserID(text); user.Valid() {
			users = append(users, user)
		}
	}
	return users, page.Next, nil
}

// Verified tells whether LINE verified the account; it lists followers of no other.
func (c *Client) Verified(ctx context.Context, keys lumo.Keys) (bool, error) {
	_, _, err := c.Followers(ctx, keys, "", 1)
	if fault.Is(err, fault.Forbidden) {
		return false, nil
	}
	return err == nil, err
}

// Quota reads the month's limit and what is used of it.
func (c *Client) Quota(ctx context.Context, keys lumo.Keys) (channel.Quota, error) {
	const op = "line.Quota"
	var limit *messaging_api.MessageQuotaResponse
	err := c.call(ctx, op, keys, func(api *messaging_api.MessagingApiAPI) (
		res *http.Response, err error) {
		res, limit, err = api.GetMessageQuotaWithHttpInfo()
		return res, err
	})
	if err != nil {
		return channel.Quota{}, err
	}
	var used *messaging_api.QuotaConsumptionResponse
	err = c.call(ctx, op, keys, func(api *messaging_api.MessagingApiAPI) (
		res *http.Response, err error) {
		res, used, err = api.GetMessageQuotaConsumptionWithHttpInfo()
		return res, err
	})
	if err != nil {
		return channel.Quota{}, err
	}
	return channel.Quota{Unlimited: limit.Type == messaging_api.QuotaType_NONE,
		Limit: limit.Value, Used: used.TotalUsage, ReadAt: c.now()}, nil
}

// Endpoint reads where LINE sends the account's events; none set is an empty URL.
func (c *Client) Endpoint(ctx context.Context, keys lumo.Keys) (channel.Endpoint, error) {
	var e *messaging_api.GetWebhookEndpointResponse
	err := c.call(ctx, "line.Endpoint", keys, func(api *messaging_api.MessagingApiAPI) (
		res *http.Response, err error) {
		res, e, err = api.GetWebhookEndpointWithHttpInfo()
		return res, err
	})
	if fault.Is(err, fault.NotFound) {
		return channel.Endpoint{}, nil
	}
	if err != nil {
		return channel.Endpoint{}, err
	}
	return channel.Endpoint{URL: e.Endpoint, Active: e.Active}, nil
}

// SetEndpoint makes LINE send the account's events to the URL. The switch "Use webhook"
// cannot be turned on this way.
func (c *Client) SetEndpoint(ctx context.Context, keys lumo.Keys, url string) error {
	return c.call(ctx, "line.SetEndpoint", keys, func(api *messaging_api.MessagingApiAPI) (
		*http.Response, error) {
		res, _, err := api.SetWebhookEndpointWithHttpInfo(
			&messaging_api.SetWebhookEndpointRequest{Endpoint: url})
		return res, err
	})
}

// TestEndpoint lets LINE try the URL that is set (60 times an hour at most).
func (c *Client) TestEndpoint(ctx context.Context, keys lumo.Keys) (channel.WebhookTest, error) {
	start := c.now()
	var t *messaging_api.TestWebhookEndpointResponse
	err := c.call(ctx, "line.TestEndpoint", keys, func(api *messaging_api.MessagingApiAPI) (
		res *http.Response, err error) {
		res, t, err = api.TestWebhookEndpointWithHttpInfo(&messaging_api.TestWebhookEndpointRequest{})
		return res, err
	})
	if err != nil {
		return channel.WebhookTest{}, err
	}
	return channel.WebhookTest{Success: t.Success, StatusCode: int(t.StatusCode), Reason: t.Reason,
		Took: c.now().Sub(start)}, nil
}
