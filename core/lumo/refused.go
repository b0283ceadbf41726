package lumo

import "time"

// RefusedHook is a flow webhook that an edge refused by itself: no body, no key, only that
// it happened.
type RefusedHook struct {
	Merchant  MerchantID
	Channel   ChannelID
	ID        RequestID
	KeyNumber uint32 // of the flow key that was presented, 0 = none
	Reason    string // code of CONTRACTS.md part A
	At        time.Time
}
