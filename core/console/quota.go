package console

import (
	"context"
	"net/http"
	"time"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// SendingMonthView is the month's messages of an account.
type SendingMonthView struct {
	Unlimited bool           `json:"unlimited"`
	Limit     int64          `json:"limit"`
	Used      int64          `json:"used" doc:"LINE's figure and what was accepted after it"`
	Held      int64          `json:"held" doc:"on its way now"`
	LINE      int64          `json:"line" doc:"LINE's own, approximate figure"`
	ReadAt    *time.Time     `json:"read_at,omitempty" doc:"time of LINE's figure"`
	Sent      int64          `json:"sent" doc:"by Lumo this month, replies left out"`
	Outside   *int64         `json:"outside,omitempty" doc:"in LINE's figure and not sent by Lumo, at least; absent while LINE was never asked"`
	Reserve   int64          `json:"reserve" doc:"kept for flow messages"`
	Forecast  int64          `json:"forecast,omitempty" doc:"used by the month's end at this pace; absent on its first day"`
	Left      int64          `json:"left" doc:"for flow messages and tests"`
	ForMany   int64          `json:"left_for_broadcasts" doc:"without what is kept for flow messages"`
	RenewsAt  *time.Time     `json:"renews_at" doc:"LINE's next month"`
	UsedUp    bool           `json:"used_up" doc:"messages wait until there are more, or would"`
	BlockedAt *time.Time     `json:"blocked_at,omitempty" doc:"since when something waits for more messages"`
	Waiting   int64          `json:"waiting" doc:"flow messages and tests that wait for more"`
	Many      int64          `json:"waiting_broadcasts"`
	TooLate   int            `json:"too_late_seconds" doc:"flow messages that wait longer are dropped"`
	Days      []RouteDayView `json:"days"`
}

// RouteDayView is what LINE accepted of one route on one day.
type RouteDayView struct {
	Day   string `json:"day"`
	Route string `json:"route" enum:"flow,broadcast,test,reply,welcome"`
	Count int64  `json:"count"`
}

// KeptDeliveryView is a message that our own fault keeps from being sent.
type KeptDeliveryView struct {
	ID         string     `json:"id"`
	Kind       string     `json:"kind" enum:"flow,broadcast,test,reply,welcome"`
	Friend     RefView    `json:"friend"`
	Request    string     `json:"request,omitempty" doc:"req_.. of the flow's call"`
	ReceivedAt *time.Time `json:"received_at"`
	KeptAt     *time.Time `json:"kept_at"`
}

// InDelivery is the input of operations on one delivery.
type InDelivery struct {
	InMerchant
	DeliveryID string `path:"delivery" doc:"dlv_.."`
}

type sendAgainInput struct {
	InDelivery
	Body struct {
		MayArriveTwice bool `json:"may_arrive_twice" doc:"a person read that it may, and wants it"`
	}
}

func (h sending) registerMonth(a *API) {
	const channel, one = "/merchants/{merchant}/channels/{channel}", "/merchants/{merchant}/deliveries/{delivery}"
	Register(a, Op{ID: "get-quota", Method: http.MethodGet, Path: channel + "/quota", Role: lumo.Viewer,
		Summary: "Read the month's messages"}, h.quota)
	Register(a, Op{ID: "check-quota", Method: http.MethodPost, Path: channel + "/quota/check", Role: lumo.Marketer,
		Summary: "Ask LINE for the month's messages at once, and try what waits for them"}, h.checkQuota)
	Register(a, Op{ID: "list-kept-deliveries", Method: http.MethodGet, Path: channel + "/kept_deliveries",
		Role: lumo.Viewer, Summary: "List messages that a fault of ours keeps from being sent"}, h.kept)
	Register(a, Op{ID: "replay-delivery", Method: http.MethodPost, Path: one + "/replay", Role: lumo.Marketer,
		Summary: "Try a kept message again"}, h.act(h.service.Replay))
	Register(a, Op{ID: "check-delivery", Method: http.MethodPost, Path: one + "/check", Role: lumo.Marketer,
		Summary: "Ask LINE at once what became of a message; it cannot arrive twice"}, h.act(h.service.CheckNow))
	Register(a, Op{ID: "send-delivery-again", Method: http.MethodPost, Path: one + "/send_again", Role: lumo.Marketer,
		Summary: "Send what LINE never confirmed; it may arrive twice"},
		func(ctx context.Context, who Caller, in *sendAgainInput) (None, error) {
			if !in.Body.MayArriveTwice {
				return None{}, fault.New(fault.Invalid, "console.sendAgain", "Confirm that the message may arrive twice.")
			}
			return h.act(h.service.SendAgain)(ctx, who, &in.InDelivery)
		})
}

func (h sending) quota(ctx context.Context, who Caller, in *InChannel) (SendingMonthView, error) {
	c, err := in.Channel()
	if err != nil {
		return SendingMonthView{}, err
	}
	state, err := h.service.Quota(ctx, who.Merchant.ID, c)
	q := state.Quota
	view := SendingMonthView{Unlimited: q.Unlimited, Limit: q.Limit, Used: q.Used(), Held: q.Held, LINE: q.LINE,
		ReadAt: moment(q.ReadAt), Sent: state.Sent, Reserve: state.Reserve, Forecast: state.Forecast,
		RenewsAt: moment(state.RenewsAt), UsedUp: state.UsedUp(), BlockedAt: moment(q.BlockedAt),
		Waiting: state.Waiting.Flow, Many: state.Waiting.Broadcast, TooLate: int(state.Rules.TooLate / time.Second)}
	if n, known := state.Outside(); known {
		view.Outside = &n
	}
	if !q.Unlimited {
		view.Left, view.ForMany = q.LeftFor(delivery.KindFlow, state.Rules), q.LeftFor(delivery.KindBroadcast, state.Rules)
	}
	for _, d := range state.Days {
		view.Days = append(view.Days, RouteDayView{Day: d.Day.Format(time.DateOnly), Route: d.Route, Count: d.N})
	}
	return view, err
}

func (h sending) checkQuota(ctx context.Context, who Caller, in *InChannel) (SendingMonthView, error) {
	c, err := in.Channel()
	if err == nil {
		err = h.service.CheckQuota(ctx, who.Merchant.ID, c)
	}
	if err != nil {
		return SendingMonthView{}, err
	}
	return h.quota(ctx, who, in)
}

func (h sending) kept(ctx context.Context, who Caller, in *InChannel) (List[KeptDeliveryView], error) {
	c, err := in.Channel()
	if err != nil {
		return List[KeptDeliveryView]{}, err
	}
	all, err := h.service.Kept(ctx, who.Merchant.ID, c)
	var list List[KeptDeliveryView]
	for _, d := range all {
		view := KeptDeliveryView{ID: d.ID.String(), Kind: d.Kind, Friend: RefView{ID: d.Friend.String(), Name: d.FriendName},
			ReceivedAt: moment(d.ReceivedAt), KeptAt: moment(d.KeptAt)}
		if d.Kind == delivery.KindFlow {
			view.Request = lumo.RequestID(d.Logical).String()
		}
		list.Items = append(list.Items, view)
	}
	return list, err
}

// act is an operation on one delivery.
func (h sending) act(do func(context.Context, lumo.MerchantID, lumo.DeliveryID, delivery.Actor) error) Handler[InDelivery, None] {
	return func(ctx context.Context, who Caller, in *InDelivery) (None, error) {
		v, err := outside(id.Delivery, in.DeliveryID)
		if err != nil {
			return None{}, err
		}
		return None{}, do(ctx, who.Merchant.ID, lumo.DeliveryID(v), sendingActor(who))
	}
}
