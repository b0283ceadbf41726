package outbox

import (
	"errors"
	"strings"
	"time"

	"lumo/shared/fault"
)

// State is how far an item got.
type State string

// The states of an item.
const (
	Waiting State = "waiting"
	Sent    State = "sent"
	Kept    State = "kept" // Klaviyo refuses it; shown, never sent again by itself
	// Dismissed was kept until a person said that nothing needs to be done about it.
	Dismissed State = "dismissed"
)

// Result is how one try of an item ended.
type Result struct {
	Item    Item
	State   State
	Problem string
	DueAt   time.Time // of the next try, when it waits
	Counts  bool      // the try counts against the item
}

const (
	firstWait      = time.Second
	longestWait    = 15 * time.Minute
	permissionWait = 10 * time.Minute
	defaultPause   = time.Second
)

// refusal is what the client's errors can tell beside their kind.
type refusal interface {
	error
	VendorCode() string
	Field() string
}

// judge decides what becomes of an item after a try. jitter is in [0,1).
func judge(item Item, err error, wait time.Duration, now time.Time, jitter float64) Result {
	r := Result{Item: item, State: Waiting, Counts: true}
	switch fault.KindOf(err) {
	case "":
		r.State = Sent
	case fault.Limited:
		r.Problem, r.Counts = WaitRate, false
		r.DueAt = now.Add(max(wait, defaultPause))
	case fault.Forbidden:
		r.Problem, r.DueAt = WaitPermission, now.Add(permissionWait)
	case fault.NotFound:
		r.State, r.Problem = Kept, ProblemProfileMissing
	case fault.Conflict:
		r.State, r.Problem = Kept, ProblemDuplicate
	case fault.TooLarge:
		r.State, r.Problem = Kept, ProblemTooLarge
	case fault.Invalid:
		r.State, r.Problem = Kept, rejected(err)
	default:
		r.Problem, r.DueAt = WaitUnavailable, now.Add(backoff(item.Tries, jitter))
	}
	return r
}

// rejected names the field that Klaviyo does not take.
func rejected(err error) string {
	var r refusal
	if !errors.As(err, &r) {
		return ProblemRefused
	}
	return problemOf(r.Field())
}

func problemOf(field string) string {
	switch {
	case strings.HasSuffix(field, "/phone_number"):
		return ProblemPhone
	case strings.HasSuffix(field, "/email"):
		return ProblemEmail
	}
	return ProblemRefused
}

// backoff doubles from a second to a quarter of an hour, give or take a quarter.
func backoff(tries int, jitter float64) time.Duration {
	wait := longestWait
	if tries < 10 {
		wait = min(firstWait<<tries, longestWait)
	}
	return time.Duration(float64(wait) * (0.75 + jitter/2))
}
