package lumo

import "time"

// Contact is what a login or an event told about a person on a channel.
type Contact struct {
	User       LineUserID
	Name       string // empty = not told
	PictureURL string
	Language   string // BCP 47
	Email      string // the person's own, as LINE Login told it; empty = not told
	Code       CodeID // the custom QR code that led here; zero = none
	Seen       *FollowSeen
	Source     string // where it came from: webhook, qr
}

// FollowSeen is one thing LINE told about a friend's follow state: a webhook event, or the
// answer to a question of ours, which counts as of the moment we asked.
type FollowSeen struct {
	Status    FollowStatus
	At        time.Time
	Event     string // webhook event id; empty = the answer to a question
	Unblocked bool   // came back after a block
}
