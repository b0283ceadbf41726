package klaviyo_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/lumo"
	"lumo/core/outbox"
	"lumo/core/vendortest"
	"lumo/shared/fault"
)

func TestFakeImportsManyProfilesAndTellsWhatFailed(t *testing.T) {
	t.Parallel()
	c := connect(t)
	token := c.tokens.Access
	c.fake.Faults().Add(vendortest.Fault{API: "klaviyo.imports", Kind: vendortest.Late, DelayMS: 30_000})
	if run, err := c.ImportsRun(t.Context(), token); run || err != nil {
		t.Fatalf("before: got %v %v", run, err)
	}
	writes := []lumo.ProfileWrite{
		{ID: klaviyotest.DemoYuki, Set: map[string]any{"LINE User ID": "U1"}, Unset: []string{"Favourite Tea"}},
		{ID: "01JD4E1S4E5A0YR5M0T2N7NONE", Set: map[string]any{"LINE User ID": "U2"}},
		{ID: klaviyotest.DemoMio, Phone: "090"},
	}
	for n := range 120 { // more errors than one page holds
		writes = append(writes, lumo.ProfileWrite{ID: lumo.ProfileID(fmt.Sprintf("01JD4E1S4E5A0YR5M0T2N7X%03d", n))})
	}
	job, _, err := c.ImportProfiles(t.Context(), token, writes)
	if err != nil {
		t.Fatal(err)
	}
	state, _, err := c.ImportState(t.Context(), token, job)
	run, err2 := c.ImportsRun(t.Context(), token)
	if state != outbox.JobRunning || !run || err != nil || err2 != nil {
		t.Errorf("at first: got %v, runs %v; %v %v", state, run, err, err2)
	}
	c.clock.Advance(time.Minute)
	c.fake.Work(t.Context())
	if state, _, err = c.ImportState(t.Context(), token, job); state != outbox.JobComplete || err != nil {
		t.Fatalf("a minute later: got %v %v", state, err)
	}
	faults, err := c.ImportFaults(t.Context(), token, job)
	if err != nil || len(faults) != len(writes)-1 {
		t.Fatalf("got %d errors %v, want %d", len(faults), err, len(writes)-1)
	}
	want := []outbox.JobFault{
		{Profile: writes[1].ID, Code: "not_found", Field: "/data/"},
		{Place: 3, Profile: klaviyotest.DemoMio, Code: "invalid", Field: "/data/attributes/profiles/data/2/attributes/phone_number"},
	}
	if diff := cmp.Diff(want, faults[:2]); diff != "" {
		t.Error(diff)
	}
	if a, b := faults[0].Problem(), faults[1].Problem(); a != outbox.ProblemProfileMissing || b != outbox.ProblemPhone {
		t.Errorf("got %s and %s", a, b)
	}
	p, err := c.Profile(t.Context(), token, klaviyotest.DemoYuki)
	if diff := cmp.Diff(map[string]any{"LINE User ID": "U1"}, p.Properties); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	if state, _, err = c.ImportState(t.Context(), token, "01JD4E1S4E5A0YR5M0T2N7NONE"); state != outbox.JobGone || err != nil {
		t.Errorf("an unknown job: got %v %v", state, err)
	}
}

func TestFakeTakesEventsInBulkAllOrNone(t *testing.T) {
	t.Parallel()
	c := connect(t)
	token := c.tokens.Access
	event := func(p lumo.ProfileID, unique string, backfill bool) lumo.ProfileEvent {
		return lumo.ProfileEvent{Profile: p, Metric: "Linked LINE Identity", UniqueID: unique, OccurredAt: now(), Backfill: backfill,
			Properties: map[string]any{"LINE Account": "Hana Tea"}}
	}
	all := []lumo.ProfileEvent{event(klaviyotest.DemoYuki, "1", true), event(klaviyotest.DemoMio, "2", false),
		event(klaviyotest.DemoYuki, "3", false), event(klaviyotest.DemoYuki, "4", true)}
	if _, err := c.CreateEvents(t.Context(), token, all); err != nil {
		t.Fatal(err)
	}
	again := append([]lumo.ProfileEvent{event(klaviyotest.DemoMio, "5", false)}, all[0])
	if _, err := c.CreateEvents(t.Context(), token, again); !fault.Is(err, fault.Invalid) {
		t.Errorf("one that is there already: got %v", err)
	}
	got := map[string]bool{}
	for _, p := range []string{klaviyotest.DemoYuki, klaviyotest.DemoMio} {
		for _, e := range c.fake.Events("HnTeaX", p) {
			if e.Metric == all[0].Metric {
				got[p+e.UniqueID] = e.Backfill
			}
		}
	}
	want := map[string]bool{klaviyotest.DemoYuki + "1": true, klaviyotest.DemoYuki + "3": false,
		klaviyotest.DemoYuki + "4": true, klaviyotest.DemoMio + "2": false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
