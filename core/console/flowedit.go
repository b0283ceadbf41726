package console

import (
	"context"
	"net/http"

	"lumo/core/lumo"
)

// RekeyedView is a flow whose webhooks were given the newest key.
type RekeyedView struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Webhooks int    `json:"webhooks"`
	Failed   bool   `json:"failed" doc:"it could not be changed, or not all of it"`
}

// SetLiveView is how many webhooks were set live.
type SetLiveView struct {
	Webhooks int `json:"webhooks"`
}

// InstalledView is a flow that was made.
type InstalledView struct {
	Flow string `json:"flow"`
}

type installInput struct {
	InChannel
	Body struct {
		Name    string `json:"name" minLength:"1" maxLength:"100"`
		Metric  string `json:"metric" minLength:"1" maxLength:"64" doc:"Klaviyo's id of the event that starts it"`
		Message string `json:"message,omitempty" doc:"msg_..; absent = text written in Klaviyo"`
	}
}

func (p FlowParts) registerEdit(a *API, path string) {
	Register(a, Op{ID: "change-key-in-flows", Method: http.MethodPost, Path: path + "/flow_keys/put_into_flows", Role: lumo.Admin,
		Summary: "Put the newest key into every webhook in Klaviyo that calls this account"}, p.rekey)
	Register(a, Op{ID: "set-flow-live", Method: http.MethodPost, Path: path + "/flows/{flow}/set_live", Role: lumo.Marketer,
		Summary: "Set the webhooks of a flow that call this account live in Klaviyo"}, p.setLive)
	Register(a, Op{ID: "list-flow-triggers", Method: http.MethodGet, Path: path + "/flow_triggers", Role: lumo.Viewer,
		Summary: "List the events that can start a flow"}, p.triggers)
	Register(a, Op{ID: "install-flow", Method: http.MethodPost, Path: path + "/flows", Role: lumo.Marketer,
		Summary: "Make a flow in Klaviyo, in draft, that sends a message"}, p.install)
}

func (p FlowParts) rekey(ctx context.Context, who Caller, in *InChannel) (List[RekeyedView], error) {
	var list List[RekeyedView]
	c, err := in.Channel()
	if err != nil {
		return list, err
	}
	address, err := p.url(ctx, who.Merchant.ID, c)
	if err != nil {
		return list, err
	}
	all, err := p.Flows.Rekey(ctx, flowActor(who), who.Merchant.ID, c, address)
	for _, f := range all {
		list.Items = append(list.Items, RekeyedView(f))
	}
	return list, err
}

func (p FlowParts) setLive(ctx context.Context, who Caller, in *flowInput) (SetLiveView, error) {
	c, err := in.Channel()
	if err != nil {
		return SetLiveView{}, err
	}
	address, err := p.url(ctx, who.Merchant.ID, c)
	if err != nil {
		return SetLiveView{}, err
	}
	n, err := p.Flows.SetLive(ctx, flowActor(who), who.Merchant.ID, c, in.Flow, address)
	return SetLiveView{Webhooks: n}, err
}

func (p FlowParts) triggers(ctx context.Context, who Caller, in *InChannel) (List[RefView], error) {
	var list List[RefView]
	c, err := in.Channel()
	if err != nil {
		return list, err
	}
	all, err := p.Flows.Metrics(ctx, who.Merchant.ID, c)
	for _, one := range all {
		list.Items = append(list.Items, RefView(one))
	}
	return list, err
}

func (p FlowParts) install(ctx context.Context, who Caller, in *installInput) (InstalledView, error) {
	c, err := in.Channel()
	if err != nil {
		return InstalledView{}, err
	}
	body, err := p.getJSON(ctx, who, &getJSONInput{InChannel: in.InChannel, Message: in.Body.Message})
	if err != nil {
		return InstalledView{}, err
	}
	made, err := p.Flows.Install(ctx, flowActor(who), who.Merchant.ID, c,
		lumo.NewFlow{Name: in.Body.Name, Metric: in.Body.Metric, URL: body.URL, Body: body.Body})
	return InstalledView{Flow: made}, err
}
