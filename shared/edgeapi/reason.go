package edgeapi

// Reason is why something was refused, skipped, held or ended; one list for verdicts, API,
// database and screens.
type Reason uint16

// The reasons of CONTRACTS.md part A.
const (
	BadToken     Reason = 1
	UnknownLink  Reason = 2
	UnknownHook  Reason = 3
	NoKey        Reason = 4
	WrongKey     Reason = 5
	BadSignature Reason = 6
	BadShape     Reason = 7
	TooLarge     Reason = 8
	BadMethod    Reason = 9
	BadState     Reason = 10
	ExpiredState Reason = 11
	UnknownCode  Reason = 12
	PausedCode   Reason = 13
	BadOrigin    Reason = 14

	Unlinked       Reason = 20
	Blocked        Reason = 21
	NotFriend      Reason = 22
	EmptyRecipient Reason = 23
	Duplicate      Reason = 24
	Cap            Reason = 25
	TooLate        Reason = 26
	Erased         Reason = 27
	QuietHours     Reason = 28
	HoldExpired    Reason = 29
	LeftSegment    Reason = 30
	Holdout        Reason = 31
	NoContent      Reason = 32
	TooLong        Reason = 33
	Dropped        Reason = 34

	BadBody        Reason = 40
	UnknownMessage Reason = 41
	OtherAccount   Reason = 42
	GroupID        Reason = 43
	OverLimit      Reason = 44

	Stopped        Reason = 50
	Quota          Reason = 51
	Rate           Reason = 52
	QuietHoursWait Reason = 53
	EventWait      Reason = 54
	AccountFails   Reason = 55

	LINERefused Reason = 60
	Unanswered  Reason = 61
	Unconfirmed Reason = 62
	LateEvent   Reason = 63
)

// Reasons lists every reason with its code, in order of number.
func Reasons() map[Reason]string {
	return map[Reason]string{
		BadToken: "bad_token", UnknownLink: "unknown_link", UnknownHook: "unknown_hook", NoKey: "no_key",
		WrongKey: "wrong_key", BadSignature: "bad_signature", BadShape: "bad_shape", TooLarge: "too_large",
		BadMethod: "bad_method", BadState: "bad_state", ExpiredState: "expired_state", UnknownCode: "unknown_code",
		PausedCode: "paused_code", BadOrigin: "bad_origin",
		Unlinked: "unlinked", Blocked: "blocked", NotFriend: "not_friend", EmptyRecipient: "empty_recipient",
		Duplicate: "duplicate", Cap: "cap", TooLate: "too_late", Erased: "erased", QuietHours: "quiet_hours",
		HoldExpired: "hold_expired", LeftSegment: "left_segment", Holdout: "holdout", NoContent: "no_content",
		TooLong: "too_long", Dropped: "dropped",
		BadBody: "bad_body", UnknownMessage: "unknown_message", OtherAccount: "other_account", GroupID: "group_id",
		OverLimit: "over_limit",
		Stopped:   "stopped", Quota: "quota", Rate: "rate", QuietHoursWait: "quiet_hours_wait",
		EventWait: "event_wait", AccountFails: "account_fails",
		LINERefused: "line_refused", Unanswered: "unanswered", Unconfirmed: "unconfirmed", LateEvent: "late_event",
	}
}

// Code is the reason's text, "" for 0 or an unknown number.
func (r Reason) Code() string { return Reasons()[r] }

// ParseReason finds a reason by its code; 0 = unknown.
func ParseReason(code string) Reason {
	for r, c := range Reasons() {
		if c == code {
			return r
		}
	}
	return 0
}
