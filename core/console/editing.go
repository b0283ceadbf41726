package console

import (
	"context"
	"net/http"

	"lumo/core/live"
	"lumo/core/lumo"
	"lumo/core/message"
)

// inEditor names a page on which a message is open.
type inEditor struct {
	InMessage
	Page string `path:"page" pattern:"^[0-9a-z-]{8,64}$" maxLength:"64" doc:"drawn at random by the page"`
	Body struct {
		Open bool `json:"open" doc:"false = it was left"`
		Asks bool `json:"asks,omitempty" doc:"wants to hear at once where else it is open"`
	}
}

// editingNews is the data of a message "editing".
type editingNews struct {
	Page   string `json:"page"`
	Member string `json:"member"`
	Name   string `json:"name"`
	Open   bool   `json:"open"`
	Asks   bool   `json:"asks"`
}

// editors tell open pages who else has a message open. Nothing of it is kept: a page says so again
// and again while it is open, and counts as left once it is silent.
type editors struct {
	messages *message.Service
	pages    Publisher
}

// RegisterEditing adds how pages hear of each other.
func RegisterEditing(a *API, s *message.Service, pages Publisher) {
	Register(a, Op{ID: "tell-editing", Method: http.MethodPut, Role: lumo.Marketer,
		Path:    "/merchants/{merchant}/channels/{channel}/messages/{message}/editors/{page}",
		Summary: "Tell the other pages that a message is open on this one"}, editors{s, pages}.tell)
}

func (e editors) tell(ctx context.Context, who Caller, in *inEditor) (None, error) {
	c, v, err := in.message()
	if err != nil {
		return None{}, err
	}
	if _, err := e.messages.Get(ctx, who.Merchant.ID, c, v); err != nil {
		return None{}, err
	}
	e.pages.Publish(who.Merchant.ID, live.Event{Kind: "editing", ID: v.String(), Channel: c.String(),
		Data: editingNews{in.Page, who.Member.ID.String(), who.Member.Name, in.Body.Open, in.Body.Asks}})
	return None{}, nil
}
