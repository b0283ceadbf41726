package console

import (
	"context"
	"net/http"
	"strings"
	"time"

	"lumo/core/channel"
	"lumo/core/flow"
	"lumo/core/lumo"
	"lumo/core/message"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// FlowParts is what the flow screens are made of.
type FlowParts struct {
	Flows    *flow.Service
	Messages *message.Service
	Channels *channel.Directory
	EdgeURL  string
	NewID    func() id.ID
	Now      func() time.Time
}

// FlowSettingsView is what a merchant copies into a flow's webhook.
type FlowSettingsView struct {
	URL    string        `json:"url"`
	Header string        `json:"header"`
	Keys   []FlowKeyView `json:"keys"`
	// Lumo may do it for the merchant where Klaviyo was asked for that.
	MayEdit bool `json:"may_edit" doc:"Klaviyo lets Lumo change flows"`
}

// FlowKeyView is a key without its value.
type FlowKeyView struct {
	ID          string     `json:"id"`
	Number      uint32     `json:"number"`
	Last4       string     `json:"last4"`
	State       string     `json:"state" enum:"valid,overlap,ended"`
	CreatedAt   *time.Time `json:"created_at"`
	CreatedBy   string     `json:"created_by,omitempty"`
	LastUsedAt  *time.Time `json:"last_used_at,omitempty"`
	ValidUntil  *time.Time `json:"valid_until,omitempty"`
	Accepted24h int64      `json:"accepted_24h"`
	Refused24h  int64      `json:"refused_24h"`
}

// FlowKeyValue is a key in full.
type FlowKeyValue struct {
	ID    string `json:"id,omitempty"`
	Value string `json:"value,omitempty"`
	Last4 string `json:"last4,omitempty"`
}

// FlowKeyMatch says whether a pasted key is one of ours.
type FlowKeyMatch struct {
	Match string `json:"match" enum:"current,old,none"`
	Last4 string `json:"last4,omitempty"`
}

// GetJSONView is the three things that a webhook action needs.
type GetJSONView struct {
	URL    string `json:"url"`
	Header string `json:"header"`
	Body   string `json:"body"`
	// Version is what flows send now; left out for text written in Klaviyo.
	Version int `json:"version,omitempty"`
}

type flowKeyInput struct {
	InChannel
	KeyID string `path:"key" doc:"key_.."`
}

type compareInput struct {
	InChannel
	Body struct {
		Value string `json:"value" maxLength:"500"`
	}
}

type reissueInput struct {
	InChannel
	Body struct {
		Mode           string `json:"mode" enum:"now,overlap"`
		OverlapSeconds int    `json:"overlap_seconds,omitempty" minimum:"0"`
		ConfirmName    string `json:"confirm_name,omitempty" maxLength:"200"`
	}
}

type getJSONInput struct {
	InChannel
	Message string `query:"message" maxLength:"40"`
}

// RegisterFlows adds Flow Message Settings and the Flow doctor.
func RegisterFlows(a *API, p FlowParts) {
	const path = "/merchants/{merchant}/channels/{channel}"
	Register(a, Op{ID: "get-flow-settings", Method: http.MethodGet, Path: path + "/flow_settings", Role: lumo.Viewer,
		Summary: "Read URL, header and keys of flow webhooks"}, p.settings)
	Register(a, Op{ID: "reveal-flow-key", Method: http.MethodPost, Path: path + "/flow_keys/{key}/reveal", Role: lumo.Admin,
		Summary: "Show a flow key; is written to the audit log", Secret: true}, p.reveal)
	Register(a, Op{ID: "compare-flow-key", Method: http.MethodPost, Path: path + "/flow_keys/compare", Role: lumo.Marketer,
		Summary: "Tell whether a key is this account's", Secret: true}, p.compare)
	Register(a, Op{ID: "reissue-flow-key", Method: http.MethodPost, Path: path + "/flow_keys", Role: lumo.Admin,
		Summary: "Make a new flow key", Secret: true}, p.reissue)
	Register(a, Op{ID: "get-json", Method: http.MethodGet, Path: path + "/get_json", Role: lumo.Viewer,
		Summary: "Read the body for a flow's webhook"}, p.getJSON)
	Register(a, Op{ID: "render-json", Method: http.MethodPost, Path: path + "/get_json/render", Role: lumo.Viewer,
		Summary: "Show a webhook's body as Klaviyo would make it for a friend; nothing is sent"}, p.renderJSON)
	Register(a, Op{ID: "list-flow-requests", Method: http.MethodGet, Path: path + "/flow_requests", Role: lumo.Viewer,
		Summary: "List calls of flows"}, p.requests)
	Register(a, Op{ID: "get-flow-request", Method: http.MethodGet, Path: path + "/flow_requests/{request}", Role: lumo.Viewer,
		Summary: "Read one call with its steps"}, p.request)
	Register(a, Op{ID: "get-flow-request-body", Method: http.MethodGet, Path: path + "/flow_requests/{request}/body",
		Role: lumo.Viewer, Summary: "Read what Klaviyo sent, with personal data masked"}, p.called)
	p.registerDoctor(a, path)
	p.registerEdit(a, path)
}

func (p FlowParts) settings(ctx context.Context, who Caller, in *InChannel) (FlowSettingsView, error) {
	view := FlowSettingsView{Header: flow.HeaderName, Keys: []FlowKeyView{}}
	c, err := in.Channel()
	if err != nil {
		return view, err
	}
	if view.URL, err = p.url(ctx, who.Merchant.ID, c); err != nil {
		return view, err
	}
	if view.MayEdit, err = p.Flows.MayEdit(ctx, who.Merchant.ID, c); err != nil {
		return view, err
	}
	keys, err := p.Flows.ListKeys(ctx, who.Merchant.ID, c)
	for _, k := range keys {
		view.Keys = append(view.Keys, p.keyView(k))
	}
	return view, err
}

// url is where the account's flows call.
// FlowHookPath is where an edge takes calls of flows; the account's key follows.
const FlowHookPath = "/hooks/klaviyo/flow/"

func (p FlowParts) url(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (string, error) {
	account, err := p.Channels.Channel(ctx, m, c)
	return p.EdgeURL + FlowHookPath + account.FlowHookKey, err
}

func (p FlowParts) keyView(k flow.Key) FlowKeyView {
	v := FlowKeyView{ID: k.ID.With(id.FlowKey), Number: k.Number, Last4: k.Last4, State: "valid", CreatedAt: moment(k.CreatedAt),
		LastUsedAt: moment(k.LastUsedAt), ValidUntil: moment(k.ValidUntil), Accepted24h: k.Accepted24, Refused24h: k.Refused24}
	switch {
	case !k.Valid(p.Now()):
		v.State = "ended"
	case !k.ValidUntil.IsZero():
		v.State = "overlap"
	}
	if k.CreatedBy != (lumo.MemberID{}) {
		v.CreatedBy = k.CreatedBy.String()
	}
	return v
}

func (p FlowParts) reveal(ctx context.Context, who Caller, in *flowKeyInput) (FlowKeyValue, error) {
	c, err := in.Channel()
	if err != nil {
		return FlowKeyValue{}, err
	}
	k, err := outside(id.FlowKey, in.KeyID)
	if err != nil {
		return FlowKeyValue{}, err
	}
	value, err := p.Flows.Reveal(ctx, flowActor(who), who.Merchant.ID, c, k)
	return FlowKeyValue{ID: in.KeyID, Value: value}, err
}

func (p FlowParts) compare(ctx context.Context, who Caller, in *compareInput) (FlowKeyMatch, error) {
	c, err := in.Channel()
	if err != nil {
		return FlowKeyMatch{}, err
	}
	match, last4, err := p.Flows.Compare(ctx, who.Merchant.ID, c, in.Body.Value)
	return FlowKeyMatch{Match: string(match), Last4: last4}, err
}

// reissue asks for the account's name where the old key stops at once (UX 4.6).
func (p FlowParts) reissue(ctx context.Context, who Caller, in *reissueInput) (FlowKeyValue, error) {
	c, err := in.Channel()
	if err != nil {
		return FlowKeyValue{}, err
	}
	overlap := time.Duration(in.Body.OverlapSeconds) * time.Second
	if in.Body.Mode == "now" {
		overlap = 0
		if err := p.confirmed(ctx, who.Merchant.ID, c, in.Body.ConfirmName); err != nil {
			return FlowKeyValue{}, err
		}
	}
	k, value, err := p.Flows.Reissue(ctx, flowActor(who), who.Merchant.ID, c, overlap)
	return FlowKeyValue{ID: k.ID.With(id.FlowKey), Value: value, Last4: k.Last4}, err
}

func (p FlowParts) confirmed(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, name string) error {
	account, err := p.Channels.Get(ctx, m, c)
	if err == nil && strings.TrimSpace(name) != account.Name {
		return &fault.Error{Kind: fault.Invalid, Op: "console.confirmed", Message: "Type the account's name to go on.",
			Fields: map[string]string{"confirm_name": "Type the account's name to go on."}}
	}
	return err
}

func (p FlowParts) getJSON(ctx context.Context, who Caller, in *getJSONInput) (GetJSONView, error) {
	view := GetJSONView{Header: flow.HeaderName}
	c, err := in.Channel()
	if err != nil {
		return view, err
	}
	account, err := p.Channels.Get(ctx, who.Merchant.ID, c)
	if err != nil {
		return view, err
	}
	var saved *message.Version
	if in.Message != "" {
		v, err := outside(id.Message, in.Message)
		if err != nil {
			return view, err
		}
		published, err := p.Messages.Published(ctx, who.Merchant.ID, c, lumo.MessageID(v), 0)
		if fault.Is(err, fault.NotFound) {
			if _, err := p.Messages.Get(ctx, who.Merchant.ID, c, lumo.MessageID(v)); err == nil {
				return view, fault.New(fault.Conflict, "console.getJSON", "Publish the message first.")
			}
		}
		if err != nil {
			return view, err
		}
		saved, view.Version = &published, published.Number
	}
	view.Body = message.GetJSON(account, p.NewID(), saved)
	view.URL, err = p.url(ctx, who.Merchant.ID, c)
	return view, err
}

type renderInput struct {
	InChannel
	Body struct {
		Text     string `json:"body" maxLength:"100000"`
		FriendID string `json:"friend" maxLength:"40" doc:"frd_.."`
	}
}

// RenderedView is a webhook's body for one person.
type RenderedView struct {
	Text string `json:"text"`
	Read bool   `json:"read" doc:"what comes out can be read whole"`
}

func (p FlowParts) renderJSON(ctx context.Context, who Caller, in *renderInput) (RenderedView, error) {
	c, err := in.Channel()
	if err != nil {
		return RenderedView{}, err
	}
	f, err := outside(id.Friend, in.Body.FriendID)
	if err != nil {
		return RenderedView{}, err
	}
	profile, err := p.Messages.ProfileOf(ctx, who.Merchant.ID, c, lumo.FriendID(f))
	if err != nil {
		return RenderedView{}, err
	}
	const hidden = "U..." // LINE's ids are never shown whole
	view := RenderedView{Text: flow.Rendered(in.Body.Text, profile, hidden)}
	read, err := flow.ParseBody([]byte(view.Text))
	view.Read = err == nil && !read.VarsBroken
	return view, nil
}

func flowActor(who Caller) flow.Actor {
	return flow.Actor{Member: who.Member.ID, Address: who.Address}
}
