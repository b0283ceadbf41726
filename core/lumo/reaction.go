package lumo

import "time"

// Reaction is something a friend did that an automatic reply may answer: she followed the
// account, or wrote a text. What she wrote is looked at and never stored.
type Reaction struct {
	Merchant MerchantID
	Channel  ChannelID
	Friend   FriendID
	Event    string // LINE's webhookEventId
	Followed bool   // else she wrote Text
	Text     string
	Token    Secret    // LINE's reply token: works once, for a minute
	At       time.Time // when LINE handed it over
}
