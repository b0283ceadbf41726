package journey_test

import (
	"fmt"
	"testing"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/line/linetest"
	"lumo/core/vendortest"
)

const crowdSize = 130 // more than one page of a segment

// longRun is what the console says of long work.
type longRun struct {
	ID     string           `json:"id"`
	State  string           `json:"state"`
	Done   int64            `json:"done"`
	Total  int64            `json:"total"`
	Counts map[string]int64 `json:"counts"`
	Waits  string           `json:"waits"`
}

func (w *world) run(id string) longRun {
	w.t.Helper()
	return get[longRun](w, "/runs/"+id)
}

// ends waits until a run is over, and insists on how.
func (w *world) ends(id, state string) (r longRun) {
	w.t.Helper()
	w.until("the run to be "+state, func() (bool, error) {
		r = w.run(id)
		return r.State == state, fmt.Errorf("%+v", r)
	})
	return r
}

func crowdPerson(n int) string  { return fmt.Sprintf("person%03d", n) }
func crowdProfile(n int) string { return fmt.Sprintf("01JD2Q8Z5N6Y7XW3V4T2C%05d", n) }

// crowd are people who follow the account for long, known here, and customers in a segment of
// whom another tool has left LINE ids.
func (w *world) crowd() (segment string) {
	w.t.Helper()
	w.line.Change(messaging, func(c *linetest.Channel) { c.Verified = true })
	people := make([]linetest.Person, crowdSize)
	for n := range people {
		people[n] = linetest.Person{ID: crowdPerson(n), Name: crowdPerson(n), Language: "ja"}
		_, err := w.klaviyo.AddProfile("", klaviyotest.Profile{ID: crowdProfile(n), Properties: map[string]any{
			"old_line_id": lineID(crowdPerson(n))}})
		w.must(err)
	}
	w.line.AddFriends(messaging, people)
	g, err := w.klaviyo.SetSegment("", klaviyotest.Segment{Name: "Had LINE", Property: "old_line_id", Operator: "is_set"})
	w.must(err)
	var r longRun
	w.post("/friends/import_followers", nil, &r)
	w.ends(r.ID, "done")
	return g.ID
}

// klaviyoState is what the console says of the connection.
func (w *world) klaviyoState() (state string) {
	w.t.Helper()
	var v struct{ State string }
	w.must(w.console.Get(w.t.Context(), "/klaviyo", &v))
	return v.State
}

// written counts customers of the crowd whom Klaviyo knows by the right LINE id.
func (w *world) written() (right, wrong int) {
	w.t.Helper()
	for n := range crowdSize {
		switch w.property(crowdProfile(n), "LINE User ID") {
		case lineID(crowdPerson(n)):
			right++
		case nil:
		default:
			wrong++
		}
	}
	return right, wrong
}

// Somebody removes Lumo in Klaviyo while an import reads, and again while what it linked is
// being written. Each time the console says what is to be done; after the new approval the
// check goes on where it was, and every update that waited arrives, once and for the right
// customer.
func TestKlaviyoTokenThatDiesInTheMiddleOfAnImportLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	segment := w.crowd()
	slow := vendortest.Fault{API: "klaviyo.segments", Kind: vendortest.Slow, DelayMS: 300, Times: -1}
	w.klaviyo.Faults().Add(slow)
	var check struct{ ID string }
	w.post("/imports", map[string]string{"segment": segment, "property": "old_line_id"}, &check)
	w.until("the first page to be read", func() (bool, error) { r := w.run(check.ID); return r.Done > 0, fmt.Errorf("%+v", r) })
	w.klaviyo.Uninstall("")
	r := w.ends(check.ID, "failed")
	if r.Done == 0 || r.Done == crowdSize {
		t.Fatalf("%d were read, so the token did not die in the middle", r.Done)
	}
	if got := w.klaviyoState(); got == "working" {
		t.Error("the console says that Klaviyo works")
	}
	w.klaviyo.Faults().Clear()
	w.must(w.console.ConnectKlaviyo(t.Context()))
	w.post("/runs/"+check.ID+"/resume", nil, nil)
	if r = w.ends(check.ID, "done"); r.Done != crowdSize || r.Counts["will_link"] != crowdSize {
		t.Errorf("after the new approval: %+v", r)
	}
	var made struct{ ID string }
	w.post("/imports/"+check.ID+"/link", nil, &made)
	w.ends(made.ID, "done")
	w.until("some to be written", func() (bool, error) { n, _ := w.written(); return n > 0, nil })
	w.klaviyo.Uninstall("")
	w.until("the console to ask for approval", func() (bool, error) {
		state := w.klaviyoState()
		return state != "working", fmt.Errorf("it says %s", state)
	})
	if n, _ := w.written(); n == crowdSize {
		t.Fatal("all was written already, so this proves nothing")
	}
	w.must(w.console.ConnectKlaviyo(t.Context()))
	w.until("all to be written", func() (bool, error) {
		right, wrong := w.written()
		return right == crowdSize, fmt.Errorf("%d right, %d wrong", right, wrong)
	})
	if kept := w.kept(); len(kept) != 0 {
		t.Errorf("kept aside: %+v", kept)
	}
}

// LINE takes no token in the middle of a refresh of consents: once, and Lumo gets a new one
// and goes on; for good, and the run stops with its place kept, to be resumed.
func TestLINETokenThatDiesInTheMiddleOfAConsentRefreshLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.crowd()
	w.line.Change(messaging, func(c *linetest.Channel) { c.Verified = false }) // friends are asked about one by one
	gone := []string{crowdPerson(3), crowdPerson(70), crowdPerson(129)}
	for _, person := range gone { // LINE's webhook of it was lost
		w.line.Change(messaging, func(c *linetest.Channel) { c.UseWebhook = false })
		w.must(w.line.Block(person, messaging))
		w.line.Deliver(t.Context())
	}
	w.line.Faults().Add(vendortest.Fault{API: "line.profile", Kind: vendortest.Slow, DelayMS: 5, Times: 50})
	w.line.Faults().Add(vendortest.Fault{API: "line.profile", Kind: "401"})
	w.line.Faults().Add(vendortest.Fault{API: "line.profile", Kind: vendortest.Slow, DelayMS: 5, Times: 10})
	w.line.Faults().Add(vendortest.Fault{API: "line.profile", Kind: "401", Times: -1})
	var r longRun
	w.post("/consent/refresh", nil, &r)
	w.ends(r.ID, "failed")
	w.line.Faults().Clear()
	w.post("/runs/"+r.ID+"/resume", nil, nil)
	r = w.ends(r.ID, "done")
	if r.Done != crowdSize || r.Counts["withdrawn"] != int64(len(gone)) || r.Counts["unchanged"] != crowdSize-int64(len(gone)) {
		t.Errorf("got %+v", r)
	}
	consent := get[struct{ Given, Withdrawn int64 }](w, "/consent")
	if consent.Withdrawn != int64(len(gone)) || consent.Given != crowdSize-int64(len(gone)) {
		t.Errorf("got %+v", consent)
	}
}

// Both vendors answer 429 for a while: everything is later, nothing is lost or doubled, and
// the limit is no failure of anything.
func TestStormOf429DelaysAndLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	segment := w.crowd()
	w.klaviyo.Faults().Add(vendortest.Fault{API: "klaviyo.segments", Kind: "429", Times: 3})
	var check struct{ ID string }
	w.post("/imports", map[string]string{"segment": segment, "property": "old_line_id"}, &check)
	if r := w.ends(check.ID, "done"); r.Counts["will_link"] != crowdSize {
		t.Errorf("got %+v", r)
	}
	for _, api := range []string{"klaviyo.profile_import", "klaviyo.events", "line.friendship"} {
		name, times := api, 25
		if api == "line.friendship" {
			w.line.Faults().Add(vendortest.Fault{API: name, Kind: "429", Times: 2})
			continue
		}
		w.klaviyo.Faults().Add(vendortest.Fault{API: name, Kind: "429", Times: times})
	}
	var made struct{ ID string }
	w.post("/imports/"+check.ID+"/link", nil, &made)
	w.links("yuki", yuki) // somebody links herself meanwhile
	if r := w.ends(made.ID, "done"); r.Counts["linked"] != crowdSize {
		t.Errorf("got %+v", r)
	}
	w.until("all to be written", func() (bool, error) {
		right, wrong := w.written()
		return right == crowdSize, fmt.Errorf("%d right, %d wrong", right, wrong)
	})
	w.until("her events", func() (bool, error) {
		got := w.events(yuki)
		return got["Linked LINE Identity"] == 1 && got["Followed LINE Account"] == 1 && got["Scanned LINE QR Code"] == 1,
			fmt.Errorf("%v", got)
	})
	if kept := w.kept(); len(kept) != 0 {
		t.Errorf("kept aside: %+v", kept)
	}
	for _, left := range w.klaviyo.Faults().List() {
		t.Errorf("%s was never asked so often: %d are left, so this proves little", left.API, left.Times)
	}
}

// keptItem is what Klaviyo refused.
type keptItem struct {
	ID        string `json:"id"`
	ProfileID string `json:"profile_id"`
	Problem   string `json:"problem"`
	Metric    string `json:"metric"`
}

func (w *world) kept() []keptItem {
	w.t.Helper()
	var all struct{ Items []keptItem }
	w.must(w.console.Get(w.t.Context(), "/klaviyo/kept", &all))
	return all.Items
}

// A linked customer is deleted at Klaviyo. What happens on LINE afterwards is kept aside with
// its reason and holds up nobody else's; the friend stays. When the customer is back, one
// press writes what was kept.
func TestProfileDeletedAtKlaviyoHoldsUpNobodyAndIsWrittenWhenItIsBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.links("yuki", yuki)
	w.links("mio", mio)
	w.becomes(yuki, "LINE Consent", "given")
	w.becomes(mio, "LINE Consent", "given")
	if !w.klaviyo.RemoveProfile("", yuki) {
		t.Fatal("she could not be deleted")
	}
	w.must(w.line.Block("yuki", messaging))
	w.must(w.line.Block("mio", messaging))
	w.becomes(mio, "LINE Consent", "withdrawn")
	w.until("her block to be kept aside", func() (bool, error) {
		kept := w.kept()
		return len(kept) > 0, fmt.Errorf("%+v", kept)
	})
	for _, one := range w.kept() {
		if one.ProfileID != yuki || one.Problem != "profile_missing" {
			t.Errorf("kept %+v", one)
		}
	}
	if n := len(w.friends()); n != 2 {
		t.Errorf("%d friends, want both", n)
	}
	_, err := w.klaviyo.AddProfile("", klaviyotest.Profile{ID: yuki, Email: "yuki@customer.example"})
	w.must(err)
	w.must(w.console.Post(t.Context(), "/klaviyo/kept/retry", map[string]string{}, nil))
	w.becomes(yuki, "LINE Consent", "withdrawn")
	w.until("nothing to be kept", func() (bool, error) { kept := w.kept(); return len(kept) == 0, fmt.Errorf("%+v", kept) })
	w.until("the event of her block", func() (bool, error) {
		got := w.events(yuki)
		return got["Blocked LINE Account"] == 1, fmt.Errorf("%v", got)
	})
}
