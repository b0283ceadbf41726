package console

import (
	"context"
	"net/http"
	"time"

	"lumo/core/flow"
	"lumo/core/lumo"
	"lumo/shared/id"
)

// FlowDoctorView is everything above the list of calls.
type FlowDoctorView struct {
	Findings []FlowFindingView `json:"findings" doc:"at most three, worst first"`
	Flows    []FlowView        `json:"flows"`
	Refused  int64             `json:"refused_24h"`
	Linked   bool              `json:"linked" doc:"somebody is linked"`
	Setup    FlowSetupView     `json:"setup"`
	Delay    *int64            `json:"delay_seconds,omitempty" doc:"median from event to call: Klaviyo's own share"`
	Measured int               `json:"measured" doc:"calls that the median is of"`
}

// FlowSetupView is how far the first flow has come, from what was seen.
type FlowSetupView struct {
	Copied bool `json:"copied" doc:"a member had the key shown, or a call carried it"`
	Called bool `json:"called" doc:"a call came with a key that is right"`
	Live   bool `json:"live" doc:"a flow that calls is live in Klaviyo"`
	Sent   bool `json:"sent" doc:"LINE took the message of a call"`
}

// FlowFindingView is one finding with its evidence.
type FlowFindingView struct {
	Code string         `json:"code" enum:"wrong_key,draft,silent,quota,late,unlinked"`
	Flow string         `json:"flow,omitempty"`
	Data map[string]any `json:"data"`
}

// FlowView is one flow.
type FlowView struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Status     string     `json:"status,omitempty" enum:"live,manual,draft,gone"`
	SeenAt     *time.Time `json:"seen_at,omitempty"`
	Hours      []int64    `json:"hours" doc:"calls by hour, 24 of them, the oldest first"`
	Calls      int64      `json:"calls_24h"`
	Sent       int64      `json:"sent_24h"`
	NotSent    int64      `json:"not_sent_24h"`
	Failed     int64      `json:"failed_24h" doc:"refused by Lumo or by LINE"`
	TopReason  string     `json:"top_reason,omitempty"`
	LastCallAt *time.Time `json:"last_call_at,omitempty"`
	Delay      *int64     `json:"delay_seconds,omitempty"`
	Measured   int        `json:"measured"`
	KeyLast4   string     `json:"key_last4,omitempty" doc:"end of the key that its newest call carried"`
}

// FlowCheckView is how a flow stands in Klaviyo at this moment.
type FlowCheckView struct {
	Status   string            `json:"status" enum:"live,manual,draft,gone"`
	At       time.Time         `json:"at"`
	Webhooks []FlowWebhookView `json:"webhooks"`
}

// FlowWebhookView is one webhook action of a flow.
type FlowWebhookView struct {
	Name   string `json:"name"`
	Status string `json:"status" enum:"live,manual,draft,disabled"`
	Ours   bool   `json:"ours" doc:"it calls this LINE account"`
}

// FlowVerdictView is what would become of a call now.
type FlowVerdictView struct {
	Outcome    string         `json:"outcome" enum:"accepted,skipped,refused"`
	Reason     string         `json:"reason,omitempty"`
	ReasonData map[string]any `json:"reason_data,omitempty"`
}

type ignoreInput struct {
	InChannel
	Body struct {
		Code string `json:"code" enum:"wrong_key,draft,silent,quota,late,unlinked"`
		Flow string `json:"flow,omitempty" maxLength:"64"`
	}
}

type flowInput struct {
	InChannel
	Flow string `path:"flow" maxLength:"64"`
}

func (p FlowParts) registerDoctor(a *API, path string) {
	Register(a, Op{ID: "get-flow-doctor", Method: http.MethodGet, Path: path + "/flow_doctor", Role: lumo.Viewer,
		Summary: "Read findings and flows"}, p.doctor)
	Register(a, Op{ID: "list-flow-days", Method: http.MethodGet, Path: path + "/flow_days", Role: lumo.Viewer,
		Summary: "List the sums of days whose calls are kept no more, newest first"}, p.days)
	Register(a, Op{ID: "ignore-flow-finding", Method: http.MethodPost, Path: path + "/flow_doctor/ignore", Role: lumo.Marketer,
		Summary: "Keep a finding quiet for a week"}, p.ignore)
	Register(a, Op{ID: "check-flow", Method: http.MethodPost, Path: path + "/flows/{flow}/check", Role: lumo.Marketer,
		Summary: "Ask Klaviyo how a flow stands"}, p.checkFlow)
	Register(a, Op{ID: "check-flow-request", Method: http.MethodPost, Path: path + "/flow_requests/{request}/check",
		Role: lumo.Marketer, Summary: "Tell what would become of a call now; changes nothing"}, p.checkRequest)
	Register(a, Op{ID: "send-flow-request", Method: http.MethodPost, Path: path + "/flow_requests/{request}/send",
		Role: lumo.Marketer, Summary: "Send what a call asked for and did not get; once, however often it is asked"}, p.sendRequest)
}

func (p FlowParts) doctor(ctx context.Context, who Caller, in *InChannel) (FlowDoctorView, error) {
	view := FlowDoctorView{Findings: []FlowFindingView{}, Flows: []FlowView{}}
	c, err := in.Channel()
	if err != nil {
		return view, err
	}
	d, err := p.Flows.Diagnose(ctx, who.Merchant.ID, c)
	for _, f := range d.Findings {
		view.Findings = append(view.Findings, FlowFindingView{Code: f.Code, Flow: f.Subject, Data: f.Data})
	}
	for _, f := range d.Flows {
		view.Flows = append(view.Flows, FlowView{ID: f.ID, Name: f.Name, Status: f.Status, SeenAt: moment(f.SeenAt),
			Hours: f.Hours[:], Calls: f.Calls, Sent: f.Sent, NotSent: f.NotSent, Failed: f.Failed, TopReason: f.TopReason,
			LastCallAt: moment(f.LastCallAt), Delay: seconds(f.Delay, f.Measured), Measured: f.Measured,
			KeyLast4: f.KeyLast4})
	}
	view.Setup = FlowSetupView(d.Setup)
	view.Refused, view.Linked, view.Delay, view.Measured = d.Refused.Calls, d.Linked, seconds(d.Delay, d.Measured), d.Measured
	return view, err
}

// seconds is nil for what was never measured: unknown is not 0.
func seconds(d time.Duration, measured int) *int64 {
	if measured == 0 {
		return nil
	}
	n := int64(d.Seconds())
	return &n
}

func (p FlowParts) ignore(ctx context.Context, who Caller, in *ignoreInput) (None, error) {
	c, err := in.Channel()
	if err != nil {
		return None{}, err
	}
	return None{}, p.Flows.Ignore(ctx, flowActor(who), who.Merchant.ID, c, in.Body.Code, in.Body.Flow)
}

func (p FlowParts) checkFlow(ctx context.Context, who Caller, in *flowInput) (FlowCheckView, error) {
	view := FlowCheckView{Webhooks: []FlowWebhookView{}}
	c, err := in.Channel()
	if err != nil {
		return view, err
	}
	check, err := p.Flows.CheckFlow(ctx, who.Merchant.ID, c, in.Flow)
	if err != nil {
		return view, err
	}
	own, err := p.url(ctx, who.Merchant.ID, c)
	view.Status, view.At = check.Status, check.At
	for _, h := range check.Webhooks {
		view.Webhooks = append(view.Webhooks, FlowWebhookView{Name: h.Name, Status: h.Status, Ours: h.URL == own})
	}
	return view, err
}

func (p FlowParts) checkRequest(ctx context.Context, who Caller, in *flowRequestInput) (FlowVerdictView, error) {
	return verdict(p.again(in, func(c lumo.ChannelID, r lumo.RequestID) (flow.Request, error) {
		return p.Flows.Check(ctx, who.Merchant.ID, c, r)
	}))
}

func (p FlowParts) sendRequest(ctx context.Context, who Caller, in *flowRequestInput) (FlowVerdictView, error) {
	return verdict(p.again(in, func(c lumo.ChannelID, r lumo.RequestID) (flow.Request, error) {
		return p.Flows.SendNow(ctx, flowActor(who), who.Merchant.ID, c, r)
	}))
}

func (p FlowParts) again(in *flowRequestInput, do func(lumo.ChannelID, lumo.RequestID) (flow.Request, error)) (flow.Request, error) {
	c, err := in.Channel()
	if err != nil {
		return flow.Request{}, err
	}
	v, err := outside(id.Request, in.RequestID)
	if err != nil {
		return flow.Request{}, err
	}
	return do(c, lumo.RequestID(v))
}

func verdict(r flow.Request, err error) (FlowVerdictView, error) {
	return FlowVerdictView{Outcome: string(r.Outcome), Reason: r.Reason, ReasonData: r.Data}, err
}
