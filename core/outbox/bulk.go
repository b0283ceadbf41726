package outbox

import (
	"context"
	"encoding/json"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	// bulkOver is the backlog over which first attempts go in bulk.
	bulkOver = 2000
	// What one bulk request holds: Klaviyo takes 10,000 profiles or 1,000 events, and 5 MB.
	profilesMost = 10_000
	eventsMost   = 1000
	bytesMost    = 4 << 20
	envelope     = 400 // of JSON around an item's payload, at most
	jobPoll      = 10 * time.Second
)

// Job is a bulk import of customers' properties. An account has one at a time, so that what is
// said later of a customer also arrives later.
type Job struct {
	ID        id.ID
	Vendor    string // Klaviyo's id; empty = it may or may not have taken it
	DueAt     time.Time
	CreatedAt time.Time
}

// JobState is how far Klaviyo got with a job.
type JobState string

// The states of a job.
const (
	JobRunning  JobState = "running"
	JobComplete JobState = "complete"
	JobGone     JobState = "gone" // cancelled, or forgotten
)

// JobFault is what Klaviyo has against one profile of a job.
type JobFault struct {
	Place   int            // in the job, from 1; 0 = only the profile is named
	Profile lumo.ProfileID // empty = only the place is named
	Code    string
	Field   string
}

// JobStore keeps the job of an account; it is part of the Store.
type JobStore interface {
	// Backlog counts what is due and in no job, up to a number.
	Backlog(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, now time.Time, most int) (int, error)
	OpenJob(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) (j Job, open bool, err error)
	// StartJob puts items into a new job, in their order.
	StartJob(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, j Job, items []Item) error
	// JobItems are the items of the account's job as they are now, by place.
	JobItems(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) ([]Item, error)
	SetJob(ctx context.Context, m lumo.MerchantID, j Job) error
	// EndJob closes a job. What failed is tried once more, alone.
	EndJob(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, j Job, e Ending, now time.Time) ([]Result, error)
}

// Ending is how a job ended.
type Ending struct {
	Refused bool // as a whole
	Faults  []JobFault
}

// Bulk is how Klaviyo takes many at once; it is part of Klaviyo.
type Bulk interface {
	// ImportProfiles starts a job.
	ImportProfiles(ctx context.Context, token lumo.Secret, all []lumo.ProfileWrite) (
		job string, wait time.Duration, err error)
	ImportState(ctx context.Context, token lumo.Secret, job string) (JobState, time.Duration, error)
	ImportFaults(ctx context.Context, token lumo.Secret, job string) ([]JobFault, error)
	// ImportsRun tells whether Klaviyo works on any job of the account.
	ImportsRun(ctx context.Context, token lumo.Secret) (bool, error)
	// CreateEvents takes all or none.
	CreateEvents(ctx context.Context, token lumo.Secret, all []lumo.ProfileEvent) (wait time.Duration, err error)
}

// inBulk does what is to be done in bulk; moved tells that there may be more at once.
func (a *account) inBulk(ctx context.Context, w work) (moved bool, err error) {
	fresh := false
	if w.over && !w.open {
		if w.job, fresh, err = a.startJob(ctx); err != nil {
			return false, err
		}
		w.open = fresh
	}
	if w.open && !w.job.DueAt.After(a.s.c.Now()) {
		if moved, err = a.tend(ctx, w.job, fresh); err != nil {
			return false, err
		}
	}
	if w.over && !a.bulkAt.After(a.s.c.Now()) {
		return moved, a.eventsInBulk(ctx)
	}
	return moved, nil
}

// startJob puts as many customers' properties as one request holds into a job, before anything
// of it is sent.
func (a *account) startJob(ctx context.Context) (j Job, started bool, err error) {
	s, m, of := a.s, a.lease.Merchant, a.lease.Account
	now := s.c.Now()
	j = Job{ID: s.c.NewID(), DueAt: now, CreatedAt: now}
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		items, err := s.c.Store.Due(ctx, m, of, FirstProfiles, now, profilesMost)
		if items = fitting(items); err != nil || len(items) == 0 {
			return err
		}
		started = true
		return s.c.Store.StartJob(ctx, m, of, j, items)
	})
	return j, started, err
}

// fitting are as many of the items, from the first, as one request holds.
func fitting(items []Item) []Item {
	bytes := 0
	for i, item := range items {
		text, err := json.Marshal(item.Payload)
		if bytes += len(text) + envelope; err != nil || bytes > bytesMost {
			return items[:i]
		}
	}
	return items
}

// tend takes a job one step further: has Klaviyo take it, looks how far it got, ends it.
func (a *account) tend(ctx context.Context, j Job, fresh bool) (ended bool, err error) {
	if until, paused := a.bulk.paused(a.s.c.Now()); paused {
		j.DueAt = until
		return false, a.setJob(ctx, j)
	}
	if err := a.bulk.wait(ctx); err != nil {
		return false, err
	}
	if j.Vendor == "" {
		return a.post(ctx, j, fresh)
	}
	state, wait, err := a.s.c.Klaviyo.ImportState(ctx, a.token, j.Vendor)
	a.bulk.pause(a.s.c.Now(), wait)
	var faults []JobFault
	if err == nil && state == JobComplete {
		faults, err = a.s.c.Klaviyo.ImportFaults(ctx, a.token, j.Vendor)
	}
	switch {
	case err != nil:
		return false, a.later(ctx, j, wait, err)
	case state == JobRunning:
		j.DueAt = a.s.c.Now().Add(jobPoll)
		return false, a.setJob(ctx, j)
	}
	return true, a.endJob(ctx, j, Ending{Refused: state == JobGone, Faults: faults})
}

// post has Klaviyo take a job. One of which it is not known whether Klaviyo has it already may
// be taken twice, which changes nothing, once no other job runs: an earlier one must not come
// to its end after what is said later.
func (a *account) post(ctx context.Context, j Job, fresh bool) (ended bool, err error) {
	s, m := a.s, a.lease.Merchant
	if !fresh {
		run, err := s.c.Klaviyo.ImportsRun(ctx, a.token)
		if err != nil || run {
			return false, a.later(ctx, j, jobPoll, err)
		}
	}
	var items []Item
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		items, err = s.c.Store.JobItems(ctx, m, a.lease.Account)
		return err
	})
	if err != nil {
		return false, err
	}
	if len(items) == 0 { // all of them erased meanwhile
		return true, a.endJob(ctx, j, Ending{})
	}
	all := make([]lumo.ProfileWrite, len(items))
	for i, item := range items {
		all[i] = profileWrite(item)
	}
	vendor, wait, err := s.c.Klaviyo.ImportProfiles(ctx, a.token, all)
	a.bulk.pause(s.c.Now(), wait)
	switch fault.KindOf(err) {
	case "":
		j.Vendor, j.DueAt = vendor, s.c.Now().Add(jobPoll)
		return false, a.setJob(ctx, j)
	case fault.Invalid, fault.TooLarge, fault.Conflict, fault.NotFound, fault.Forbidden:
		return true, a.endJob(ctx, j, Ending{Refused: true})
	}
	return false, a.later(ctx, j, wait, err)
}

func profileWrite(item Item) lumo.ProfileWrite {
	return lumo.ProfileWrite{ID: item.Profile, Set: item.Payload.Set, Unset: item.Payload.Unset}
}

func (a *account) setJob(ctx context.Context, j Job) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishLimit)
	defer cancel()
	return a.s.c.Tenants.InTenant(ctx, a.lease.Merchant, func(ctx context.Context) error {
		return a.s.c.Store.SetJob(ctx, a.lease.Merchant, j)
	})
}

// later looks at a job again after a while, with a new token where the old one was refused.
func (a *account) later(ctx context.Context, j Job, wait time.Duration, cause error) error {
	if fault.Is(cause, fault.Unauthenticated) {
		_, err := a.s.c.Accounts.Renew(ctx, a.lease.Merchant, a.lease.Account, a.token)
		return err
	}
	if cause != nil && ctx.Err() == nil {
		a.s.c.Log.WarnContext(ctx, "klaviyo did not answer about a bulk import", "merchant", a.lease.Merchant.String(),
			"job", j.ID.String(), "error", cause)
	}
	j.DueAt = a.s.c.Now().Add(max(wait, jobPoll))
	return a.setJob(ctx, j)
}

func (a *account) endJob(ctx context.Context, j Job, e Ending) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishLimit)
	defer cancel()
	s, m := a.s, a.lease.Merchant
	var results []Result
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) (err error) {
		results, err = s.c.Store.EndJob(ctx, m, a.lease.Account, j, e, s.c.Now())
		return err
	})
	if err != nil {
		return err
	}
	a.tell(ctx, results)
	if e.Refused || len(e.Faults) > 0 {
		s.c.Log.WarnContext(ctx, "klaviyo did not take all of a bulk import", "merchant", m.String(), "job", j.ID.String(),
			"refused", e.Refused, "profiles", len(e.Faults))
	}
	return s.c.Accounts.Touch(ctx, m, a.lease.Account)
}

// Problem is the problem that a fault means for its item.
func (f JobFault) Problem() string {
	switch {
	case f.Code == "not_found":
		return ProblemProfileMissing
	case f.Code == "duplicate_profile":
		return ProblemDuplicate
	}
	return problemOf(f.Field)
}

// eventsInBulk writes events of customers whose properties are there, as many as there are.
// Whatever is not taken at once, or not for certain, goes singly from then on: Klaviyo then
// keeps the first of each unique id.
func (a *account) eventsInBulk(ctx context.Context) error {
	s, m, of := a.s, a.lease.Merchant, a.lease.Account
	a.bulkAt = s.c.Now().Add(jobPoll)
	for {
		var items []Item
		err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) (err error) {
			items, err = s.c.Store.Due(ctx, m, of, FirstEvents, s.c.Now(), eventsMost)
			return err
		})
		full := len(items) == eventsMost
		if items = fitting(items); err != nil || len(items) == 0 {
			return err
		}
		if until, paused := a.bulk.paused(s.c.Now()); paused {
			a.bulkAt = until
			return nil
		}
		if err := a.bulk.wait(ctx); err != nil {
			return nil // being stopped
		}
		if again, err := a.createEvents(ctx, items); err != nil || !again || !full {
			return err
		}
	}
}

func (a *account) createEvents(ctx context.Context, items []Item) (again bool, err error) {
	all := make([]lumo.ProfileEvent, len(items))
	for i, item := range items {
		all[i] = a.event(item)
	}
	wait, cause := a.s.c.Klaviyo.CreateEvents(ctx, a.token, all)
	a.bulk.pause(a.s.c.Now(), wait)
	switch {
	case ctx.Err() != nil && cause != nil:
		return false, nil // stopped, not refused
	case fault.Is(cause, fault.Limited):
		a.bulkAt = a.s.c.Now().Add(max(wait, defaultPause))
		return false, nil
	case fault.Is(cause, fault.Unauthenticated):
		a.bulkAt = a.s.c.Now()
		_, err := a.s.c.Accounts.Renew(ctx, a.lease.Merchant, a.lease.Account, a.token)
		return false, err
	}
	results := make([]Result, len(items))
	for i, item := range items {
		results[i] = Result{Item: item, State: Sent, Counts: true}
		if cause != nil {
			results[i].State, results[i].DueAt = Waiting, a.s.c.Now()
		}
	}
	if cause != nil {
		a.s.c.Log.WarnContext(ctx, "klaviyo did not take events in bulk", "merchant", a.lease.Merchant.String(),
			"events", len(items), "error", cause)
	}
	return cause == nil, a.finish(ctx, results)
}
