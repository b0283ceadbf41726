package flow

import (
	"slices"
	"testing"
	"time"
)

func TestFindingsSayWhatNeedsAttentionWorstFirst(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	ago := func(hours int) time.Time { return now.Add(-time.Duration(hours) * time.Hour) }
	for name, c := range map[string]struct {
		d    Diagnosis
		q    Quota
		want []string
	}{
		"calm":                {d: Diagnosis{Flows: []Flow{{ID: "a", Usual: 40, ActiveDays: 14, LastCallAt: ago(3), Status: "live"}}}},
		"wrong key":           {d: Diagnosis{Refused: Refusals{Calls: 3, Last4: "7F2A"}}, want: []string{"wrong_key"}},
		"silent for a day":    {d: Diagnosis{Flows: []Flow{{ID: "a", Usual: 40, ActiveDays: 14, LastCallAt: ago(26), Status: "live"}}}, want: []string{"silent"}},
		"a quiet night":       {d: Diagnosis{Flows: []Flow{{ID: "a", Usual: 400, ActiveDays: 14, LastCallAt: ago(11), Status: "live"}}}},
		"rare calls, no rule": {d: Diagnosis{Flows: []Flow{{ID: "a", Usual: 1, ActiveDays: 9, LastCallAt: ago(100), Status: "live"}}}},
		"new, no habit yet":   {d: Diagnosis{Flows: []Flow{{ID: "a", Usual: 40, ActiveDays: 2, LastCallAt: ago(48), Status: "live"}}}},
		"back in draft":       {d: Diagnosis{Flows: []Flow{{ID: "a", Usual: 40, ActiveDays: 2, LastCallAt: ago(1), Status: "draft"}}}, want: []string{"draft"}},
		"draft, first day":    {d: Diagnosis{Flows: []Flow{{ID: "a", Week: 5, LastCallAt: ago(1), Status: "draft"}}}, want: []string{"draft"}},
		"tried in draft":      {d: Diagnosis{Flows: []Flow{{ID: "a", Week: 4, LastCallAt: ago(1), Status: "draft"}}}},
		"quota near":          {q: Quota{Limit: 1000, Used: 800}, want: []string{"quota"}},
		"no monthly limit":    {q: Quota{Used: 800000}},
		"late events":         {d: Diagnosis{Flows: []Flow{{ID: "a", LateCalls: 1}}}, want: []string{"late"}},
		"many not linked":     {d: Diagnosis{Flows: []Flow{{ID: "a", Week: 20, Unlinked: 6}}}, want: []string{"unlinked"}},
		"too few to tell":     {d: Diagnosis{Flows: []Flow{{ID: "a", Week: 19, Unlinked: 19}}}},
		"everything": {d: Diagnosis{Refused: Refusals{Calls: 1}, Flows: []Flow{{ID: "a", Week: 20, Unlinked: 20, LateCalls: 2}}},
			q: Quota{Limit: 10, Used: 10}, want: []string{"wrong_key", "quota", "late", "unlinked"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, f := range findings(now, c.d, c.q) {
				got = append(got, f.Code)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v want %v", got, c.want)
			}
		})
	}
}

func TestAtMostThreeFindingsAndNoneThatIsIgnored(t *testing.T) {
	t.Parallel()
	all := []Finding{{Code: "wrong_key"}, {Code: "draft", Subject: "a"}, {Code: "draft", Subject: "b"}, {Code: "quota"}, {Code: "late"}}
	got := worst(all, []Finding{{Code: "draft", Subject: "a"}})
	if len(got) != 3 || got[0].Code != "wrong_key" || got[1].Subject != "b" || got[2].Code != "quota" {
		t.Errorf("got %+v", got)
	}
}

func TestDelayIsTheMedianOfAllFlows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flows []Flow
		want  time.Duration
		n     int
	}{
		{nil, 0, 0},
		{[]Flow{{Delay: time.Hour}}, 0, 0}, // never measured
		{[]Flow{{Delay: time.Hour, Measured: 1}, {Delay: time.Minute, Measured: 9}}, time.Minute, 10},
		{[]Flow{{Delay: time.Hour, Measured: 9}, {Delay: time.Minute, Measured: 1}}, time.Hour, 10},
	} {
		if got, n := overall(c.flows); got != c.want || n != c.n {
			t.Errorf("got %v of %d want %v of %d", got, n, c.want, c.n)
		}
	}
}
