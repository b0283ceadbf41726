package tracking

import (
	"cmp"
	"slices"
)

// shownNotices is how much asks for attention at once: a longer list is not read.
const shownNotices = 5

// Worst are the few notices that matter most, worst first, and how many are left out. What
// keeps messages from going out comes before what loses some of them, and that before advice.
func Worst(all []Notice) (shown []Notice, more int) {
	ranks := map[string]int{}
	for i, code := range []string{"line_needs_you", "edges_off", "quota_used", "klaviyo_reconnect", "wrong_key", "draft",
		"silent", "deliveries_kept", "hooks_kept", "unconfirmed", "quota_reserve", "quota", "link_host_lost", "klaviyo_kept", "needs_review", "late", "unlinked"} {
		ranks[code] = i + 1
	}
	rank := func(n Notice) int {
		if r := ranks[n.Code]; r > 0 {
			return r
		}
		return len(ranks) + 1
	}
	shown = slices.Clone(all)
	slices.SortStableFunc(shown, func(a, b Notice) int { return cmp.Compare(rank(a), rank(b)) })
	more = max(0, len(shown)-shownNotices)
	return shown[:len(shown)-more], more
}
