package channel

import (
	"time"

	"lumo/core/lumo"
)

// The sources of a consent, as Klaviyo shows them.
const (
	sourceFriendAdded   = "friend_added"
	sourceUnblocked     = "unblocked"
	sourceBlocked       = "blocked"
	sourceStatusRefresh = "status_refresh"
)

// Follow is what is known of a friend's follow state, and why.
type Follow struct {
	Status        lumo.FollowStatus
	At            time.Time // LINE's time of what won
	Event         string    // webhook event id, empty for a probe; settles a tie
	FollowedAt    time.Time // zero = never seen following
	BlockedAt     time.Time
	Consent       lumo.Consent
	ConsentAt     time.Time
	ConsentSource string
}

// observe applies an observation; the newest LINE timestamp wins, the event id settles a
// tie, so the outcome is the same in whatever order observations arrive. It tells whether
// anything that Klaviyo shows has changed.
func (f *Follow) observe(o lumo.FollowSeen) (changed bool) {
	before := *f
	switch {
	case f.older(o):
		f.win(o)
	case o.Event != "" && o.Status == f.Status && f.ConsentSource == sourceStatusRefresh:
		f.explain(o)
	}
	f.span(o)
	f.settle()
	return before.Status != f.Status || before.Consent != f.Consent ||
		!before.ConsentAt.Equal(f.ConsentAt) || before.ConsentSource != f.ConsentSource
}

func (f *Follow) older(o lumo.FollowSeen) bool {
	return f.At.Before(o.At) || f.At.Equal(o.At) && f.Event < o.Event
}

// win takes an observation over. A probe that agrees leaves the consent as the event gave it.
func (f *Follow) win(o lumo.FollowSeen) {
	agrees := o.Status == f.Status && f.Consent != lumo.ConsentUnknown
	f.Status, f.At, f.Event = o.Status, o.At, o.Event
	if o.Event == "" && agrees {
		return
	}
	f.Consent, f.ConsentSource = derive(o)
	f.ConsentAt = o.At
	if f.Consent == lumo.ConsentUnknown {
		f.ConsentAt = time.Time{}
	}
}

// explain gives a consent that only a probe had shown the event that it came from.
func (f *Follow) explain(o lumo.FollowSeen) {
	f.Consent, f.ConsentSource = derive(o)
	f.ConsentAt = o.At
}

// span keeps the newest time of each kind.
func (f *Follow) span(o lumo.FollowSeen) {
	switch {
	case o.Status == lumo.Following && o.At.After(f.FollowedAt):
		f.FollowedAt = o.At
	case o.Status == lumo.Blocked && o.At.After(f.BlockedAt):
		f.BlockedAt = o.At
	}
}

// settle reads "not a friend" of somebody once seen following as blocked: LINE's answers to
// questions do not tell the two apart.
func (f *Follow) settle() {
	if f.Status != lumo.NotFriend || f.FollowedAt.IsZero() {
		return
	}
	f.Status, f.Consent = lumo.Blocked, lumo.ConsentWithdrawn
	f.ConsentAt, f.ConsentSource = f.At, sourceStatusRefresh
	if f.BlockedAt.After(f.FollowedAt) {
		f.ConsentAt, f.ConsentSource = f.BlockedAt, sourceBlocked
	}
	if f.BlockedAt.Before(f.ConsentAt) {
		f.BlockedAt = f.ConsentAt
	}
}

// derive is the only place a consent comes from.
func derive(o lumo.FollowSeen) (lumo.Consent, string) {
	switch {
	case o.Status == lumo.NotFriend:
		return lumo.ConsentUnknown, ""
	case o.Event == "" && o.Status == lumo.Blocked:
		return lumo.ConsentWithdrawn, sourceStatusRefresh
	case o.Status == lumo.Blocked:
		return lumo.ConsentWithdrawn, sourceBlocked
	case o.Event == "":
		return lumo.ConsentGiven, sourceStatusRefresh
	case o.Unblocked:
		return lumo.ConsentGiven, sourceUnblocked
	}
	return lumo.ConsentGiven, sourceFriendAdded
}
