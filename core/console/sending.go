package console

import (
	"context"
	"net/http"
	"time"

	"lumo/core/delivery"
	"lumo/core/lumo"
)

// SendingView is how an account sends, and what waits.
type SendingView struct {
	Stopped        string      `json:"stopped" enum:"no,broadcasts,everything"`
	StoppedAt      *time.Time  `json:"stopped_at,omitempty"`
	By             string      `json:"by,omitempty" doc:"name of the member who stopped"`
	System         *HoldView   `json:"system,omitempty" doc:"the operator's stop of all sending of all merchants, while it is in force"`
	TooLateSeconds int         `json:"too_late_seconds" doc:"what waits longer is dropped"`
	Waiting        WaitingView `json:"waiting"`
}

// HoldView is an operator's stop of all sending.
type HoldView struct {
	StoppedAt *time.Time `json:"stopped_at"`
	By        string     `json:"by" doc:"name of the operator"`
	Reason    string     `json:"reason" enum:"trouble,line,maintenance"`
}

func holdView(h delivery.Hold) *HoldView {
	if !h.InForce() {
		return nil
	}
	return &HoldView{StoppedAt: moment(h.At), By: h.Name, Reason: h.Reason}
}

// WaitingView is what has not gone out yet; flow holds everything but broadcasts.
type WaitingView struct {
	Flow      int64             `json:"flow"`
	Broadcast int64             `json:"broadcast"`
	Items     []WaitingItemView `json:"items"`
}

// WaitingItemView is one flow, one broadcast, or one kind of single message.
type WaitingItemView struct {
	Key   string `json:"key" doc:"names it in drop"`
	Kind  string `json:"kind" enum:"flow,broadcast,test,reply,welcome"`
	Ref   string `json:"ref,omitempty" doc:"Klaviyo's id of the flow, or the broadcast"`
	Name  string `json:"name,omitempty" doc:"of the flow"`
	Count int64  `json:"count"`
	Late  int64  `json:"late" doc:"of them too late: they will be dropped"`
}

type stopInput struct {
	InChannel
	Body struct {
		Scope string `json:"scope" enum:"broadcasts,everything"`
	}
}

type resumeInput struct {
	InChannel
	Body struct {
		Drop []string `json:"drop,omitempty" maxItems:"1000" doc:"keys of what shall not be sent any more"`
	}
}

// sending are the operations on how an account sends.
type sending struct{ service *delivery.Service }

// RegisterSending adds stopping, resuming and rules.
func RegisterSending(a *API, s *delivery.Service) {
	h := sending{s}
	const path = "/merchants/{merchant}/channels/{channel}/sending"
	Register(a, Op{ID: "get-sending", Method: http.MethodGet, Path: path, Role: lumo.Viewer,
		Summary: "Read whether sending is stopped, and what waits"}, h.get)
	Register(a, Op{ID: "stop-sending", Method: http.MethodPost, Path: path + "/stop", Role: lumo.Marketer,
		Summary: "Stop broadcasts, or everything; nothing leaves two seconds later"}, h.stop)
	Register(a, Op{ID: "resume-sending", Method: http.MethodPost, Path: path + "/resume", Role: lumo.Marketer,
		Summary: "Go on sending, without what is dropped"}, h.resume)
	h.registerRules(a, path+"/rules")
	h.registerMonth(a)
}

func (h sending) get(ctx context.Context, who Caller, in *InChannel) (SendingView, error) {
	c, err := in.Channel()
	if err != nil {
		return SendingView{}, err
	}
	return h.view(ctx, who, c)
}

func (h sending) view(ctx context.Context, who Caller, c lumo.ChannelID) (SendingView, error) {
	state, err := h.service.Sending(ctx, who.Merchant.ID, c)
	if err != nil {
		return SendingView{}, err
	}
	view := SendingView{Stopped: "no", System: holdView(state.Hold), TooLateSeconds: int(state.Rules.TooLate / time.Second),
		Waiting: WaitingView{Flow: state.Waiting.Flow, Broadcast: state.Waiting.Broadcast}}
	if state.Stop.Scope != "" {
		view.Stopped, view.StoppedAt, view.By = string(state.Stop.Scope), moment(state.Stop.At), state.Stop.ByName
	}
	for _, i := range state.Waiting.Items {
		view.Waiting.Items = append(view.Waiting.Items,
			WaitingItemView{Key: i.Key(), Kind: i.Kind, Ref: i.Ref, Name: i.Name, Count: i.Count, Late: i.Late})
	}
	return view, nil
}

func (h sending) stop(ctx context.Context, who Caller, in *stopInput) (SendingView, error) {
	c, err := in.Channel()
	if err != nil {
		return SendingView{}, err
	}
	err = h.service.StopSending(ctx, who.Merchant.ID, c, sendingActor(who), delivery.Scope(in.Body.Scope))
	if err != nil {
		return SendingView{}, err
	}
	return h.view(ctx, who, c)
}

func (h sending) resume(ctx context.Context, who Caller, in *resumeInput) (SendingView, error) {
	c, err := in.Channel()
	if err != nil {
		return SendingView{}, err
	}
	if err := h.service.ResumeSending(ctx, who.Merchant.ID, c, sendingActor(who), in.Body.Drop); err != nil {
		return SendingView{}, err
	}
	return h.view(ctx, who, c)
}

func sendingActor(who Caller) delivery.Actor {
	return delivery.Actor{Member: who.Member.ID, Address: who.Address}
}
