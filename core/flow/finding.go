package flow

import (
	"slices"
	"time"
)

// Finding is something about flows that a merchant should know, with its evidence. Its code
// has a sentence and a cure in the console.
type Finding struct {
	Code    string // wrong_key, draft, silent, quota, late, unlinked
	Subject string // the flow it is about; empty = the account
	Data    map[string]any
}

// When something is worth a merchant's attention.
const (
	silentLeast  = 12 * time.Hour // nights and quiet mornings are not silence
	silentTimes  = 8              // times the usual pause between two calls
	silentUsual  = 2.0            // calls a day, else there is no habit to miss
	silentDays   = 3
	unlinkedLeft = 0.3 // share of a week's calls
	unlinkedOf   = 20
	quotaNear    = 0.8
	inUse        = 5 // calls of a first day: fewer are tests of somebody who sets a flow up
)

// findings are all that is to be said, worst first.
func findings(now time.Time, d Diagnosis, q Quota) []Finding {
	var all []Finding
	if r := d.Refused; r.Calls > 0 {
		all = append(all, Finding{Code: "wrong_key", Data: map[string]any{"n": r.Calls, "last4": r.Last4,
			"at": r.At.UTC().Format(time.RFC3339)}})
	}
	for _, f := range d.Flows {
		if finding, found := quiet(now, f); found {
			all = append(all, finding)
		}
	}
	if q.Limit > 0 && float64(q.Used) >= quotaNear*float64(q.Limit) {
		all = append(all, Finding{Code: "quota", Data: map[string]any{"left": max(q.Limit-q.Used, 0), "limit": q.Limit}})
	}
	for _, f := range d.Flows {
		if f.LateCalls > 0 {
			all = append(all, Finding{Code: "late", Subject: f.ID, Data: map[string]any{"name": f.Name, "n": f.LateCalls,
				"hours": int(LateAfter.Hours())}})
		}
	}
	for _, f := range d.Flows {
		if f.Week >= unlinkedOf && float64(f.Unlinked) >= unlinkedLeft*float64(f.Week) {
			all = append(all, Finding{Code: "unlinked", Subject: f.ID, Data: map[string]any{"name": f.Name, "n": f.Unlinked,
				"of": f.Week}})
		}
	}
	return all
}

// quiet tells of a flow that stopped calling: because it is no longer live, or for a reason
// that only a look into Klaviyo can show.
func quiet(now time.Time, f Flow) (Finding, bool) {
	if f.ActiveDays == 0 && f.Week < inUse || f.LastCallAt.IsZero() {
		return Finding{}, false
	}
	silent := now.Sub(f.LastCallAt)
	data := map[string]any{"name": f.Name, "hours": int(silent.Hours()), "n": int(f.Usual + 0.5), "status": f.Status}
	if f.Status == "draft" || f.Status == "manual" || f.Status == "gone" {
		return Finding{Code: "draft", Subject: f.ID, Data: data}, true
	}
	habit := f.Usual >= silentUsual && f.ActiveDays >= silentDays
	pause := time.Duration(float64(24*time.Hour) / max(f.Usual, 1))
	if habit && silent > max(silentLeast, silentTimes*pause) {
		return Finding{Code: "silent", Subject: f.ID, Data: data}, true
	}
	return Finding{}, false
}

// worst are the first few that nobody asked to keep quiet.
func worst(all, paused []Finding) []Finding {
	left := slices.DeleteFunc(all, func(f Finding) bool {
		return slices.ContainsFunc(paused, func(p Finding) bool { return p.Code == f.Code && p.Subject == f.Subject })
	})
	return left[:min(len(left), shownAtOnce)]
}
