package account

import (
	"slices"
	"strings"

	"lumo/shared/edgeapi"
	"lumo/shared/id"
)

// accepts tells whether a filter can have a value.
type accepts func(value string) bool

// filterLists are the lists whose filters can be saved, with what each filter can be.
func filterLists() map[string]map[string]accepts {
	return map[string]map[string]accepts{
		"friends": {
			"linked": oneOf("yes", "no"), "state": oneOf("following", "blocked", "not_friend"),
			"consent": oneOf("given", "withdrawn", "unknown"), "tag": idOf(id.Tag), "qr_code": idOf(id.QRCode),
			"tester": oneOf("yes"), "from": oneOf("7", "30", "90", "365"),
		},
		"review": {"kind": oneOf("two_profiles", "two_friends", "shared_phone")},
		"flow_requests": {
			"outcome": oneOf("accepted", "skipped", "refused"), "reason": isReason, "flow": isKlaviyoID,
			"friend": idOf(id.Friend),
		},
	}
}

func oneOf(words ...string) accepts {
	return func(value string) bool { return slices.Contains(words, value) }
}

func idOf(p id.Prefix) accepts {
	return func(value string) bool {
		_, err := id.ParseWith(p, value)
		return err == nil
	}
}

func isReason(value string) bool {
	for _, code := range edgeapi.Reasons() {
		if code == value {
			return true
		}
	}
	return false
}

// isKlaviyoID knows ids as Klaviyo gives them; a phone number is longer.
func isKlaviyoID(value string) bool {
	const longest = 8
	odd := func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}
	return value != "" && len(value) <= longest && !strings.ContainsFunc(value, odd)
}
