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

type replayInput struct {
	InChannel
	Body struct {
		Request string `json:"request,omitempty" doc:"req_..; absent = all"`
	}
}

type keptEvents struct{ service *channel.Service }

// RegisterKeptEvents adds the operations on what LINE sent and stands aside.
func RegisterKeptEvents(a *API, s *channel.Service) {
	h := keptEvents{s}
	const path = "/merchants/{merchant}/channels/{channel}/kept_events"
	Register(a, Op{ID: "list-kept-events", Method: http.MethodGet, Path: path, Role: lumo.Viewer,
		Summary: "List what LINE sent and could not be worked off"}, h.list)
	Register(a, Op{ID: "replay-kept-events", Method: http.MethodPost, Path: path + "/replay", Role: lumo.Marketer,
		Summary: "Work off what stands aside once more; each event counts once"}, h.replay)
}

func (h keptEvents) list(ctx context.Context, who Caller, in *InChannel) (List[KeptEventsView], error) {
	c, err := in.Channel()
	if err != nil {
		return List[KeptEventsView]{}, err
	}
	all, err := h.service.Kept(ctx, who.Merchant.ID, c)
	var list List[KeptEventsView]
	for _, r := range all {
		list.Items = append(list.Items, KeptEventsView{ID: r.ID.String(), Problem: r.Problem, ReceivedAt: moment(r.ReceivedAt)})
	}
	return list, err
}

func (h keptEvents) replay(ctx context.Context, who Caller, in *replayInput) (ReplayedView, error) {
	c, err := in.Channel()
	if err != nil {
		return ReplayedView{}, err
	}
	var one id.ID
	if in.Body.Request != "" {
		if one, err = outside(id.Request, in.Body.Request); err != nil {
			return ReplayedView{}, err
		}
	}
	n, err := h.service.Replay(ctx, who.Merchant.ID, c, actor(who), lumo.RequestID(one))
	return ReplayedView{Taken: n}, err
}
