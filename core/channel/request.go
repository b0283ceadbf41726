package channel

import (
	"time"

	"lumo/core/lumo"
)

// RequestState is how far a stored webhook request got.
type RequestState string

// The states of a stored request.
const (
	RequestWaiting RequestState = "waiting" // to be worked off
	RequestDone    RequestState = "done"
	RequestRefused RequestState = "refused" // no secret we know signed it
	RequestKept    RequestState = "kept"    // read in part or not at all, for a person to see
	// RequestDismissed was kept until a person said that nothing needs to be done about it.
	RequestDismissed RequestState = "dismissed"
)

// Request is one webhook request as the edge handed it over.
type Request struct {
	Merchant   lumo.MerchantID
	Channel    lumo.ChannelID
	ID         lumo.RequestID
	Auth       lumo.EdgeAuth
	Body       []byte
	Signature  string
	ReceivedAt time.Time
	State      RequestState
	Problem    string
	Tries      int
	Now        time.Time
}
