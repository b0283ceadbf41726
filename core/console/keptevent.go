package console

import (
	"context"
	"net/http"
	"time"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/shared/id"
)

// KeptEventsView is a request of LINE that could not be worked off.
type KeptEventsView struct {
	ID         string     `json:"id"`
	Problem    string     `json:"problem" enum:"unread,partly_read,other_account,failed"`
	ReceivedAt *time.Time `json:"received_at"`
}

// ReplayedView is how many were taken up.
type ReplayedView struct {
	Taken int64 `json:"taken"`
}

type keptEventsInput struct {
	InChannel
	Dismissed bool `query:"dismissed" doc:"those that somebody dismissed, instead of those that stand aside"`
}

type replayInput struct {
	InChannel
	Body struct {
		Request string `json:"request,omitempty" doc:"req_..; absent = all"`
	}
}

func (in *replayInput) request() (lumo.RequestID, error) {
	if in.Body.Request == "" {
		return lumo.RequestID{}, nil
	}
	one, err := outside(id.Request, in.Body.Request)
	return lumo.RequestID(one), err
}

type keptEvents struct{ service *channel.Service }

// RegisterKeptEvents adds the operations on what LINE sent and stands aside.
func RegisterKeptEvents(a *API, s *channel.Service) {
	h := keptEvents{s}
	const path = "/merchants/{merchant}/channels/{channel}/kept_events"
	Register(a, Op{ID: "list-kept-events", Method: http.MethodGet, Path: path, Role: lumo.Viewer,
		Summary: "List what LINE sent and could not be worked off"}, h.list)
	Register(a, Op{ID: "replay-kept-events", Method: http.MethodPost, Path: path + "/replay", Role: lumo.Marketer,
		Summary: "Work off what stands aside once more; each event counts once"}, h.on(s.Replay))
	Register(a, Op{ID: "dismiss-kept-events", Method: http.MethodPost, Path: path + "/dismiss", Role: lumo.Marketer,
		Summary: "Say of what stands aside that nothing needs to be done about it"}, h.on(s.Dismiss))
	Register(a, Op{ID: "bring-back-kept-events", Method: http.MethodPost, Path: path + "/bring_back", Role: lumo.Marketer,
		Summary: "Undo a dismissal"}, h.on(s.BringBack))
}

func (h keptEvents) list(ctx context.Context, who Caller, in *keptEventsInput) (List[KeptEventsView], error) {
	c, err := in.Channel()
	if err != nil {
		return List[KeptEventsView]{}, err
	}
	all, err := h.service.Kept(ctx, who.Merchant.ID, c, in.Dismissed)
	var list List[KeptEventsView]
	for _, r := range all {
		list.Items = append(list.Items, KeptEventsView{ID: r.ID.String(), Problem: r.Problem, ReceivedAt: moment(r.ReceivedAt)})
	}
	return list, err
}

// taking is one of the service's ways to take up what stands aside.
type taking func(context.Context, lumo.MerchantID, lumo.ChannelID, channel.Actor, lumo.RequestID) (int64, error)

func (h keptEvents) on(take taking) func(context.Context, Caller, *replayInput) (ReplayedView, error) {
	return func(ctx context.Context, who Caller, in *replayInput) (ReplayedView, error) {
		c, err := in.Channel()
		if err != nil {
			return ReplayedView{}, err
		}
		one, err := in.request()
		if err != nil {
			return ReplayedView{}, err
		}
		n, err := take(ctx, who.Merchant.ID, c, actor(who), one)
		return ReplayedView{Taken: n}, err
	}
}
