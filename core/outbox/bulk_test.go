package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lumo/core/lumo"
	"lumo/core/outbox"
	"lumo/core/postgres/shoptest"
	"lumo/shared/fault"
)

// bulk is how the far end takes many at once.
type bulk struct {
	jobs    []*job
	slow    int // so many looks at a job find it running
	batches []int
	faulty  map[lumo.ProfileID]outbox.JobFault
	asked   int   // whether any job runs
	lostJob bool  // the next job is taken, and the answer lost
	refused error // of fewer events in bulk than one request holds
}

type job struct {
	all   []lumo.ProfileWrite
	looks int
	state outbox.JobState
}

func (k *klaviyo) ImportProfiles(_ context.Context, _ lumo.Secret, all []lumo.ProfileWrite) (string, time.Duration, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.jobs = append(k.jobs, &job{all: all, state: outbox.JobRunning})
	if k.lostJob {
		k.lostJob = false
		return "", 0, fault.As(fault.Unavailable, "klaviyo", errLost)
	}
	return strconv.Itoa(len(k.jobs)), 0, nil
}

func (k *klaviyo) ImportState(_ context.Context, _ lumo.Secret, id string) (outbox.JobState, time.Duration, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	n, _ := strconv.Atoi(id)
	return k.look(k.jobs[n-1]), 0, nil
}

// look is one look at a job: it takes its time, then writes all that it can.
func (k *klaviyo) look(j *job) outbox.JobState {
	if j.looks++; j.state == outbox.JobRunning && j.looks > k.slow {
		j.state = outbox.JobComplete
		for _, w := range j.all {
			if _, bad := k.faulty[w.ID]; !bad {
				k.profiles, k.order = append(k.profiles, w), append(k.order, "profile")
			}
		}
	}
	return j.state
}

func (k *klaviyo) ImportsRun(context.Context, lumo.Secret) (run bool, _ error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked++
	for _, j := range k.jobs {
		run = k.look(j) == outbox.JobRunning || run
	}
	return run, nil
}

func (k *klaviyo) ImportFaults(_ context.Context, _ lumo.Secret, id string) (faults []outbox.JobFault, _ error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	n, _ := strconv.Atoi(id)
	for i, w := range k.jobs[n-1].all {
		if f, bad := k.faulty[w.ID]; bad {
			if f.Place < 0 { // tells the place alone
				f.Place = i + 1
			} else {
				f.Profile = w.ID
			}
			faults = append(faults, f)
		}
	}
	return faults, nil
}

// CreateEvents refuses all when one is there already, as Klaviyo does.
func (k *klaviyo) CreateEvents(_ context.Context, _ lumo.Secret, all []lumo.ProfileEvent) (time.Duration, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.refused != nil && len(all) < 1000 {
		return k.wait, k.refused
	}
	for _, e := range all {
		if _, there := k.events[e.UniqueID]; there {
			return 0, fault.As(fault.Invalid, "klaviyo", refusal{"/data/attributes/events-bulk-create/data"})
		}
	}
	for _, e := range all {
		k.events[e.UniqueID], k.order = e, append(k.order, e.Metric)
	}
	k.batches = append(k.batches, len(all))
	return 0, nil
}

const extra = 150 // more than the backlog has to be

// flooded is a shop with a large backlog: many events of the first friend, and of two other
// friends properties and an event each.
func flooded(t *testing.T) (s *shop, others []lumo.FriendID) {
	t.Helper()
	s = newShop(t)
	for n, profile := range []lumo.ProfileID{"P2", "P3"} {
		friend := s.AddFriend(t, "Friend", lumo.LineUserID(fmt.Sprintf("Ubad0000000000000000000000000000%d", n)))
		s.Link(t, friend, s.account, profile)
		others = append(others, friend)
	}
	facts := make([]lumo.Fact, outbox.BulkOver+extra)
	for n := range facts {
		facts[n] = s.fact(lumo.FactClicked, strconv.Itoa(n))
	}
	s.add(t, facts...)
	s.In(t, func(ctx context.Context) error { return s.service.LinksMade(ctx, s.Merchant, others) })
	for _, friend := range others {
		f := s.fact(lumo.FactLinked, "")
		f.Friend = friend
		s.add(t, f)
	}
	return s, others
}

// passing runs batches, moving the clock, until a condition.
func (s *shop) passing(t *testing.T, until func() bool) {
	t.Helper()
	for range 60 {
		if until() {
			return
		}
		if err := s.run(t); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(11 * time.Second)
	}
	t.Fatal("it does not come to that")
}

func (s *shop) states(t *testing.T) map[string]int {
	t.Helper()
	return map[string]int{"waiting": s.count(t, "waiting"), "sent": s.count(t, "sent"), "kept": s.count(t, "kept")}
}

func (s *shop) rested(t *testing.T, want map[string]int) {
	t.Helper()
	s.passing(t, func() bool { return s.count(t, "waiting") == 0 })
	if diff := cmp.Diff(want, s.states(t)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := shoptest.Get[int](t, s.Shop, `
SELECT (SELECT count(*) FROM outbox WHERE merchant_id = $1 AND job_place IS NOT NULL) +
       (SELECT count(*) FROM outbox_job WHERE merchant_id = $1)`); n != 0 {
		t.Errorf("%d rows say that there is a job", n)
	}
}

const floodItems = outbox.BulkOver + extra + 4

func TestALargeBacklogGoesInBulkAndPropertiesBeforeTheirEvents(t *testing.T) {
	t.Parallel()
	s, _ := flooded(t)
	s.klaviyo.slow = 1
	s.passing(t, func() bool { return len(s.klaviyo.jobs) == 1 && len(s.klaviyo.batches) > 0 })
	if len(s.klaviyo.profiles) != 0 || slices.Contains(s.klaviyo.order, "Linked LINE Identity") {
		t.Error("events are told before the properties they follow")
	}
	s.rested(t, map[string]int{"waiting": 0, "sent": floodItems, "kept": 0})
	if n := len(s.klaviyo.events); n != floodItems-2 {
		t.Errorf("%d events arrived, want %d", n, floodItems-2)
	}
	if len(s.klaviyo.jobs) != 1 || len(s.klaviyo.jobs[0].all) != 2 || len(s.klaviyo.profiles) != 2 {
		t.Errorf("%d jobs wrote %d profiles", len(s.klaviyo.jobs), len(s.klaviyo.profiles))
	}
	if diff := cmp.Diff([]int{1000, 1000, extra}, s.klaviyo.batches); diff != "" {
		t.Error(diff)
	}
}

func TestABacklogThatIsNotLargeGoesSingly(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for n := range 5 {
		s.add(t, s.fact(lumo.FactSent, strconv.Itoa(n)))
	}
	s.drain(t)
	if len(s.klaviyo.jobs)+len(s.klaviyo.batches) != 0 || s.klaviyo.calls != 5 {
		t.Errorf("%d calls, %d jobs, %v in bulk", s.klaviyo.calls, len(s.klaviyo.jobs), s.klaviyo.batches)
	}
}

func TestWhatAJobCouldNotWriteIsToldPerCustomer(t *testing.T) {
	t.Parallel()
	for name, place := range map[string]int{"the profile is named": 0, "only its place is": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, others := flooded(t)
			s.klaviyo.faulty = map[lumo.ProfileID]outbox.JobFault{"P2": {Place: place, Code: "invalid",
				Field: "/data/attributes/profiles/data/0/attributes/phone_number"}}
			s.klaviyo.refuse = map[lumo.ProfileID]error{
				"P2": fault.As(fault.Invalid, "k", refusal{"/data/attributes/phone_number"})}
			s.rested(t, map[string]int{"waiting": 0, "sent": floodItems - 2, "kept": 2}) // and her event
			got := shoptest.Get[string](t, s.Shop, `
SELECT problem || ' ' || profile_id || ' ' || tries FROM outbox WHERE merchant_id = $1 AND kind = 'profile' AND friend_id = $2 AND state = 'kept'`,
				others[0])
			if got != "bad_phone P2 2" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestAKilledProcessLeavesItsJobToTheNext(t *testing.T) {
	t.Parallel()
	s, _ := flooded(t)
	s.klaviyo.slow = 2
	s.passing(t, func() bool { return len(s.klaviyo.jobs) == 1 })
	s.service = s.newService(t, "second") // nothing of the first one's memory is left
	s.rested(t, map[string]int{"waiting": 0, "sent": floodItems, "kept": 0})
	if len(s.klaviyo.jobs) != 1 || len(s.klaviyo.profiles) != 2 {
		t.Errorf("%d jobs wrote %d profiles, want the one job to be gone on with", len(s.klaviyo.jobs), len(s.klaviyo.profiles))
	}
}

func TestAJobWhoseAnswerIsLostIsTakenAgainOnceItHasEnded(t *testing.T) {
	t.Parallel()
	s, _ := flooded(t)
	s.klaviyo.slow, s.klaviyo.lostJob = 2, true
	s.passing(t, func() bool { return len(s.klaviyo.jobs) == 1 })
	s.passing(t, func() bool { return s.klaviyo.asked == 2 })
	if len(s.klaviyo.jobs) != 1 {
		t.Fatal("a second job began while the first one ran")
	}
	s.rested(t, map[string]int{"waiting": 0, "sent": floodItems, "kept": 0})
	if len(s.klaviyo.jobs) != 2 {
		t.Errorf("%d jobs, want the lost one and its repetition", len(s.klaviyo.jobs))
	}
	if diff := cmp.Diff(s.klaviyo.jobs[0].all, s.klaviyo.jobs[1].all); diff != "" {
		t.Errorf("the repetition says something else: %s", diff)
	}
}

func TestWhatChangesDuringAJobArrivesAfterIt(t *testing.T) {
	t.Parallel()
	s, others := flooded(t)
	s.klaviyo.slow = 3
	s.passing(t, func() bool { return len(s.klaviyo.jobs) == 1 })
	s.Exec(t, `UPDATE friend SET display_name = 'Renamed' WHERE merchant_id = $1 AND id = $2`, others[0])
	s.In(t, func(ctx context.Context) error { return s.service.ProfileChanged(ctx, s.Merchant, others[0]) })
	s.rested(t, map[string]int{"waiting": 0, "sent": floodItems, "kept": 0})
	var names []any
	for _, w := range s.klaviyo.profiles {
		if w.ID == "P2" {
			names = append(names, w.Set["LINE Display Name"])
		}
	}
	if diff := cmp.Diff([]any{"Friend", "Renamed"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestAJobThatKlaviyoForgotGoesSingly(t *testing.T) {
	t.Parallel()
	s, _ := flooded(t)
	s.klaviyo.slow = 1000
	s.passing(t, func() bool { return len(s.klaviyo.jobs) == 1 })
	s.klaviyo.jobs[0].state = outbox.JobGone
	s.rested(t, map[string]int{"waiting": 0, "sent": floodItems, "kept": 0})
	if len(s.klaviyo.jobs) != 1 || len(s.klaviyo.profiles) != 2 {
		t.Errorf("%d jobs, %d profiles written", len(s.klaviyo.jobs), len(s.klaviyo.profiles))
	}
}

func TestEventsThatAreNotTakenInBulkGoSinglyAndStandOnce(t *testing.T) {
	t.Parallel()
	for name, refused := range map[string]error{
		"Klaviyo has one already": fault.As(fault.Invalid, "k", errors.New("400")),
		"no answer":               fault.As(fault.Unavailable, "k", errors.New("timeout")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := flooded(t)
			s.klaviyo.refused = refused
			s.rested(t, map[string]int{"waiting": 0, "sent": floodItems, "kept": 0})
			if n := len(s.klaviyo.events); n != floodItems-2 {
				t.Errorf("%d events arrived, want %d", n, floodItems-2)
			}
			twice := shoptest.Get[int](t, s.Shop, "SELECT count(*) FROM outbox WHERE merchant_id = $1 AND tries = 2")
			if diff := cmp.Diff([]int{1000, 1000}, s.klaviyo.batches); diff != "" || twice != extra {
				t.Errorf("%d were tried twice, want %d; %s", twice, extra, diff)
			}
		})
	}
}
