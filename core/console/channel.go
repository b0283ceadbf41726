package console

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"lumo/core/channel"
	"lumo/core/lumo"
)

// ChannelView is a LINE account as its members see it.
type ChannelView struct {
	ID                 string     `json:"id"`
	Number             uint32     `json:"number"`
	Name               string     `json:"name"`
	BasicID            string     `json:"basic_id"`
	PictureURL         string     `json:"picture_url,omitempty"`
	State              string     `json:"state" enum:"working,needs_you,off"`
	Since              *time.Time `json:"since"`
	ProblemCode        string     `json:"problem_code,omitempty"`
	MessagingChannelID string     `json:"messaging_channel_id"`
	LoginChannelID     string     `json:"login_channel_id"`
	WebhookURL         string     `json:"webhook_url"`
	WebhookActive      bool       `json:"webhook_active"`
	LastEventAt        *time.Time `json:"last_event_at,omitempty"`
	CallbackURL        string     `json:"callback_url"`
	PropertySuffix     string     `json:"property_suffix" doc:"of the LINE properties in Klaviyo; empty for the first account"`
	KlaviyoConnected   bool       `json:"klaviyo_connected"`
	Quota              *QuotaView `json:"quota,omitempty"`
	Friends            int64      `json:"friends"`
	Linked             int64      `json:"linked"`
	OpensMeasured      bool       `json:"opens_measured" doc:"openings are estimated by pictures that tell who loads them"`
	UTM                UTMView    `json:"utm"`
	ShopURL            string     `json:"shop_url" doc:"where pages lead that lead nowhere else; empty = nowhere"`
	Ring               string     `json:"ring" enum:"teal,blue,amber,violet,pink,olive" doc:"colour that tells it from the shop's other accounts"`
}

// UTMView are the campaign parameters of tracked links. They may hold [[ message ]],
// [[ version ]] and [[ account ]].
type UTMView struct {
	Source   string `json:"source,omitempty" maxLength:"200"`
	Medium   string `json:"medium,omitempty" maxLength:"200"`
	Campaign string `json:"campaign,omitempty" maxLength:"200"`
	Content  string `json:"content,omitempty" maxLength:"200"`
	Term     string `json:"term,omitempty" maxLength:"200"`
}

// QuotaView is the month's messages.
type QuotaView struct {
	Unlimited bool       `json:"unlimited"`
	Limit     int64      `json:"limit"`
	Used      int64      `json:"used"`
	ReadAt    *time.Time `json:"read_at"`
}

// AccountView is whose keys were entered, for "Is this your account?".
type AccountView struct {
	Name         string `json:"name"`
	BasicID      string `json:"basic_id"`
	PictureURL   string `json:"picture_url,omitempty"`
	BotUserKnown bool   `json:"bot_user_known" doc:"this account is connected already"`
}

// WebhookView is what came of setting the webhook URL.
type WebhookView struct {
	Set        bool   `json:"set"`
	Tested     bool   `json:"tested"`
	StatusCode int    `json:"status_code"`
	Reason     string `json:"reason,omitempty"`
	OtherHost  string `json:"other_host,omitempty" doc:"another tool gets the events now; nothing was changed"`
}

// PreflightView is what is ready and what is missing.
type PreflightView struct {
	Rows []PreflightRow `json:"rows"`
}

// PreflightRow is one line of it.
type PreflightRow struct {
	Code    string         `json:"code"`
	State   string         `json:"state" enum:"good,warning,bad,unknown"`
	KnownBy string         `json:"known_by" enum:"line,you"`
	Detail  map[string]any `json:"detail"`
}

type checkInput struct {
	InMerchant
	Body struct {
		MessagingChannelID     string `json:"messaging_channel_id,omitempty" maxLength:"40"`
		MessagingChannelSecret string `json:"messaging_channel_secret,omitempty" maxLength:"200"`
	}
}

// ChannelKeys are the keys of both LINE channels of an account.
type ChannelKeys struct {
	MessagingChannelID     string `json:"messaging_channel_id,omitempty" maxLength:"40"`
	MessagingChannelSecret string `json:"messaging_channel_secret,omitempty" maxLength:"200"`
	LoginChannelID         string `json:"login_channel_id,omitempty" maxLength:"40"`
	LoginChannelSecret     string `json:"login_channel_secret,omitempty" maxLength:"200"`
}

func (k ChannelKeys) keys() channel.Keys {
	return channel.Keys{Messaging: lumo.Keys{ID: k.MessagingChannelID, Secret: k.MessagingChannelSecret},
		Login: lumo.Keys{ID: k.LoginChannelID, Secret: k.LoginChannelSecret}}
}

type connectInput struct {
	InMerchant
	Body ChannelKeys
}

type changeInput struct {
	InChannel
	Body struct {
		ChannelKeys
		OpensMeasured *bool    `json:"opens_measured,omitempty"`
		UTM           *UTMView `json:"utm,omitempty"`
		ShopURL       *string  `json:"shop_url,omitempty" maxLength:"500" doc:"address of the shop; empty = none"`
		Ring          string   `json:"ring,omitempty" enum:"teal,blue,amber,violet,pink,olive"`
	}
}

type webhookInput struct {
	InChannel
	Body struct {
		Replace bool `json:"replace,omitempty" doc:"take over from another tool"`
	}
}

// channels are the operations on LINE accounts.
type channels struct{ service *channel.Service }

// RegisterChannels adds the operations on LINE accounts.
func RegisterChannels(a *API, s *channel.Service) {
	c := channels{s}
	const all, one = "/merchants/{merchant}/channels", "/merchants/{merchant}/channels/{channel}"
	Register(a, Op{ID: "check-channel", Method: http.MethodPost, Path: all + "/check", Role: lumo.Admin,
		Summary: "Ask LINE whose keys these are"}, c.check)
	Register(a, Op{ID: "connect-channel", Method: http.MethodPost, Path: all, Role: lumo.Admin,
		Summary: "Connect a LINE account"}, c.connect)
	Register(a, Op{ID: "list-channels", Method: http.MethodGet, Path: all, Role: lumo.Viewer,
		Summary: "List LINE accounts"}, c.list)
	Register(a, Op{ID: "get-channel", Method: http.MethodGet, Path: one, Role: lumo.Viewer,
		Summary: "Read a LINE account"}, c.get)
	Register(a, Op{ID: "update-channel", Method: http.MethodPatch, Path: one, Role: lumo.Admin,
		Summary: "Replace keys of a LINE account, or change what is measured, its colour or the shop's address"}, c.change)
	Register(a, Op{ID: "set-channel-webhook", Method: http.MethodPost, Path: one + "/webhook", Role: lumo.Admin,
		Summary: "Have LINE send events here, and test it"}, c.webhook)
	Register(a, Op{ID: "get-channel-preflight", Method: http.MethodGet, Path: one + "/preflight",
		Role: lumo.Viewer, Summary: "What is ready and what is missing"}, c.preflight)
}

func (c channels) check(ctx context.Context, who Caller, in *checkInput) (AccountView, error) {
	account, err := c.service.Check(ctx, lumo.Keys{ID: in.Body.MessagingChannelID,
		Secret: in.Body.MessagingChannelSecret})
	if err != nil {
		return AccountView{}, err
	}
	view := AccountView{Name: account.Name, BasicID: account.BasicID, PictureURL: account.PictureURL}
	view.BotUserKnown, err = c.service.Connects(ctx, who.Merchant.ID, account)
	return view, err
}

func (c channels) connect(ctx context.Context, who Caller, in *connectInput) (ChannelView, error) {
	made, err := c.service.Connect(ctx, who.Merchant.ID, actor(who), in.Body.keys())
	if err != nil {
		return ChannelView{}, err
	}
	return c.view(ctx, made)
}

func (c channels) list(ctx context.Context, who Caller, _ *InMerchant) (List[ChannelView], error) {
	found, err := c.service.Channels(ctx, who.Merchant.ID)
	if err != nil {
		return List[ChannelView]{}, err
	}
	list := List[ChannelView]{Items: make([]ChannelView, len(found))}
	for i, one := range found {
		if list.Items[i], err = c.view(ctx, one); err != nil {
			return List[ChannelView]{}, err
		}
	}
	return list, nil
}

func (c channels) get(ctx context.Context, who Caller, in *InChannel) (ChannelView, error) {
	v, err := in.Channel()
	if err != nil {
		return ChannelView{}, err
	}
	found, err := c.service.Channel(ctx, who.Merchant.ID, v)
	if err != nil {
		return ChannelView{}, err
	}
	return c.view(ctx, found)
}

func (c channels) change(ctx context.Context, who Caller, in *changeInput) (ChannelView, error) {
	v, err := in.Channel()
	if err != nil {
		return ChannelView{}, err
	}
	if in.Body.OpensMeasured != nil || in.Body.UTM != nil {
		err := c.service.SetTracking(ctx, who.Merchant.ID, v, actor(who), in.Body.OpensMeasured, (*lumo.UTM)(in.Body.UTM))
		if err != nil {
			return ChannelView{}, err
		}
	}
	if in.Body.Ring != "" {
		if err := c.service.SetRing(ctx, who.Merchant.ID, v, actor(who), in.Body.Ring); err != nil {
			return ChannelView{}, err
		}
	}
	if in.Body.ShopURL != nil {
		if err := c.service.SetShop(ctx, who.Merchant.ID, v, actor(who), *in.Body.ShopURL); err != nil {
			return ChannelView{}, err
		}
	}
	if in.Body.ChannelKeys == (ChannelKeys{}) {
		return c.get(ctx, who, &in.InChannel)
	}
	changed, err := c.service.Change(ctx, who.Merchant.ID, v, actor(who), in.Body.keys())
	if err != nil {
		return ChannelView{}, err
	}
	return c.view(ctx, changed)
}

func (c channels) webhook(ctx context.Context, who Caller, in *webhookInput) (WebhookView, error) {
	v, err := in.Channel()
	if err != nil {
		return WebhookView{}, err
	}
	r, err := c.service.SetWebhook(ctx, who.Merchant.ID, v, actor(who), in.Body.Replace)
	return WebhookView{Set: r.Set, Tested: r.Tested, StatusCode: r.Status, Reason: r.Reason,
		OtherHost: r.OtherHost}, err
}

func (c channels) preflight(ctx context.Context, who Caller, in *InChannel) (PreflightView, error) {
	v, err := in.Channel()
	if err != nil {
		return PreflightView{}, err
	}
	rows, err := c.service.Preflight(ctx, who.Merchant.ID, v)
	view := PreflightView{Rows: make([]PreflightRow, len(rows))}
	for i, r := range rows {
		view.Rows[i] = PreflightRow{Code: r.Code, State: string(r.State), KnownBy: r.KnownBy, Detail: r.Detail}
		if r.Detail == nil {
			view.Rows[i].Detail = map[string]any{}
		}
	}
	return view, err
}

// view adds what is counted when it is shown.
func (c channels) view(ctx context.Context, one channel.Channel) (ChannelView, error) {
	following, linked, err := c.service.Counts(ctx, one.Merchant, one.ID)
	view := ChannelView{ID: one.ID.String(), Number: one.Number, Name: one.Name, BasicID: one.BasicID,
		PictureURL: one.PictureURL, State: string(one.State), Since: moment(one.StateChangedAt),
		ProblemCode: one.Problem, MessagingChannelID: one.MessagingChannelID,
		LoginChannelID: one.LoginChannelID, WebhookURL: c.service.WebhookURL(one),
		WebhookActive: one.WebhookActive, LastEventAt: moment(one.LastEventAt),
		OpensMeasured: one.OpensMeasured, UTM: UTMView(one.UTM), Ring: one.Ring, ShopURL: one.FallbackURL,
		CallbackURL: c.service.CallbackURL(), KlaviyoConnected: one.KlaviyoAccount != (lumo.AccountID{}),
		Friends: following, Linked: linked}
	if one.PropertyNumber > 1 {
		view.PropertySuffix = " " + strconv.Itoa(one.PropertyNumber)
	}
	if q := one.Quota; !q.ReadAt.IsZero() {
		view.Quota = &QuotaView{Unlimited: q.Unlimited, Limit: q.Limit, Used: q.Used, ReadAt: moment(q.ReadAt)}
	}
	return view, err
}

func actor(who Caller) channel.Actor {
	return channel.Actor{Member: who.Member.ID, Address: who.Address}
}
