package flow

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/webhooksig"
)

const gatherKey = "lfk_1_key"

// desk is a database that holds every transaction up until the gate opens.
type desk struct {
	Config
	gate chan struct{}

	mu           sync.Mutex
	transactions int
	tried        []lumo.RequestID
	rows         map[lumo.RequestID]Request
	bad          lumo.ProfileID // cannot be stored
}

func (d *desk) InTenant(ctx context.Context, _ lumo.MerchantID, fn func(context.Context) error) error {
	<-d.gate
	d.mu.Lock()
	defer d.mu.Unlock()
	d.transactions++
	before := len(d.tried)
	err := fn(ctx)
	if err != nil {
		for _, v := range d.tried[before:] {
			delete(d.rows, v)
		}
	}
	return err
}

func (d *desk) Add(_ context.Context, _ lumo.MerchantID, all []Request, _ time.Time) (map[lumo.RequestID]bool, error) {
	added := map[lumo.RequestID]bool{}
	for _, r := range all {
		if r.Profile == d.bad {
			return nil, fault.New(fault.Invalid, "test", "")
		}
		if _, ok := d.rows[r.ID]; ok {
			continue
		}
		d.tried = append(d.tried, r.ID)
		d.rows[r.ID], added[r.ID] = r, true
	}
	return added, nil
}

func (d *desk) Outcome(_ context.Context, _ lumo.MerchantID, v lumo.RequestID) (Request, error) {
	return d.rows[v], nil
}

func (d *desk) Claim(context.Context, lumo.MerchantID, []Claim, time.Time) (map[[32]byte]Holder, error) {
	return map[[32]byte]Holder{}, nil
}

func (d *desk) Replace(context.Context, lumo.MerchantID, [32]byte, lumo.RequestID, time.Time) error {
	return nil
}
func (d *desk) Repeated(context.Context, lumo.MerchantID, lumo.RequestID) error { return nil }

func (d *desk) ByProfile(_ context.Context, _ lumo.MerchantID, c lumo.ChannelID, p lumo.ProfileID) (lumo.Link, lumo.Friend, error) {
	return lumo.Link{Profile: p}, lumo.Friend{ID: lumo.FriendID{1}, Channel: c, FollowStatus: lumo.Following}, nil
}

func (d *desk) ByProfiles(_ context.Context, _ lumo.MerchantID, c lumo.ChannelID, all []lumo.ProfileID) (
	map[lumo.ProfileID]lumo.Friend, error) {
	found := map[lumo.ProfileID]lumo.Friend{}
	for _, p := range all {
		found[p] = lumo.Friend{ID: lumo.FriendID{1}, Channel: c, FollowStatus: lumo.Following}
	}
	return found, nil
}

func (d *desk) ByFriend(context.Context, lumo.MerchantID, lumo.FriendID) (lumo.Link, error) {
	return lumo.Link{}, fault.New(fault.NotFound, "test", "")
}

func (d *desk) ByLineUser(context.Context, lumo.MerchantID, lumo.LineUserID) ([]lumo.Friend, error) {
	return nil, nil
}

func (d *desk) Plan(_ context.Context, p delivery.Plan) (delivery.Delivery, error) {
	return delivery.Delivery{Plan: p, ID: lumo.DeliveryID(p.Logical)}, nil
}

func (d *desk) PlanEach(_ context.Context, plans []delivery.Plan) ([]delivery.Delivery, error) {
	all := make([]delivery.Delivery, len(plans))
	for i, p := range plans {
		all[i] = delivery.Delivery{Plan: p, ID: lumo.DeliveryID(p.Logical)}
	}
	return all, nil
}

func (d *desk) TooLate(context.Context, lumo.MerchantID, lumo.ChannelID) (time.Duration, error) {
	return delivery.DefaultRules().TooLate, nil
}

func (d *desk) Had(context.Context, lumo.MerchantID, lumo.ChannelID, []lumo.FriendID) (
	delivery.Cap, map[lumo.FriendID]int, error) {
	return delivery.Cap{}, nil, nil
}

func (d *desk) Fill(context.Context, lumo.MerchantID, lumo.DeliveryID, map[string]string) (bool, error) {
	return false, nil
}

func (d *desk) AfterCommit(_ context.Context, fn func()) { fn() }

func (d *desk) Begin(context.Context, []delivery.Delivery) {}

func (d *desk) RequestChanged(context.Context, lumo.MerchantID, lumo.ChannelID, lumo.RequestID) {}

type oneKey struct{ Keys }

func (oneKey) List(context.Context, lumo.MerchantID, lumo.ChannelID, time.Time) ([]Key, error) {
	return []Key{{Number: 1, Hash: webhooksig.HashFlowKey(gatherKey)}}, nil
}

func (oneKey) Used(context.Context, lumo.MerchantID, id.ID, time.Time) error { return nil }

// atOnce has calls come in while the database is busy, and answers what each got.
func (d *desk) atOnce(t *testing.T, calls []lumo.EdgeRequest) []string {
	t.Helper()
	d.gate, d.rows = make(chan struct{}), map[lumo.RequestID]Request{}
	s := New(Config{Tenants: d, Store: d, Keys: oneKey{}, Recipients: d, Planner: d, Watcher: d, Now: time.Now})
	answers := make([]string, len(calls))
	var group sync.WaitGroup
	for i, in := range calls {
		group.Go(func() {
			a, err := s.HandleEdge(t.Context(), in)
			answers[i] = fmt.Sprint(a.Status, err != nil)
		})
		synctest.Wait() // it waits for the database
	}
	close(d.gate)
	group.Wait()
	return answers
}

func flowCall(n byte, profile string) lumo.EdgeRequest {
	return lumo.EdgeRequest{ID: lumo.RequestID{15: n}, Merchant: lumo.MerchantID{1}, Subject: id.ID{2}, ReceivedAt: time.Now(),
		Auth: lumo.AuthVerified, Header: map[string]string{HeaderName: gatherKey},
		Body: fmt.Appendf(nil, `{"profile_id":%q,"text":"hi"}`, profile)}
}

func TestCallsThatComeWhileTheDatabaseIsBusyShareATransaction(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls []lumo.EdgeRequest
		for n := range byte(20) {
			calls = append(calls, flowCall(n+1, fmt.Sprint("P", n)))
		}
		d := &desk{}
		for i, got := range d.atOnce(t, calls) {
			if got != "200 false" {
				t.Errorf("call %d got %q", i, got)
			}
		}
		if len(d.rows) != 20 || d.transactions != gatherers+1 {
			t.Errorf("got %d rows in %d transactions want 20 in %d", len(d.rows), d.transactions, gatherers+1)
		}
	})
}

func TestACallThatCannotBeStoredLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{bad: "P4"}
		answers := d.atOnce(t, []lumo.EdgeRequest{flowCall(1, "P1"), flowCall(2, "P2"), flowCall(3, "P3"), flowCall(4, "P4"),
			flowCall(5, "P5"), flowCall(3, "P3")}) // the edge asks once more for the third
		for i, want := range []string{"200 false", "200 false", "200 false", "0 true", "200 false", "200 false"} {
			if answers[i] != want {
				t.Errorf("call %d got %q want %q", i, answers[i], want)
			}
		}
		if len(d.rows) != 4 {
			t.Errorf("got %d rows want 4", len(d.rows))
		}
	})
}
