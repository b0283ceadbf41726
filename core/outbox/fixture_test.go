package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"lumo/core/lumo"
	"lumo/core/outbox"
	outboxstore "lumo/core/postgres/outbox"
	"lumo/core/postgres/postgrestest"
	"lumo/core/postgres/shoptest"
	"lumo/shared/fault"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// shop is a shop with an outbox, a Klaviyo that we wrote, and one linked friend.
type shop struct {
	*shoptest.Shop
	service *outbox.Service
	store   *outboxstore.Store
	klaviyo *klaviyo
	log     *bytes.Buffer
	account lumo.AccountID
	friend  lumo.FriendID
	link    lumo.Link
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{Shop: shoptest.New(t), klaviyo: &klaviyo{events: map[string]lumo.ProfileEvent{}},
		log: &bytes.Buffer{}}
	s.store = outboxstore.New(s.Vault)
	s.account = s.AddAccount(t)
	s.friend = s.AddFriend(t, "Yuki", shoptest.LineUser)
	s.link = s.Link(t, s.friend, s.account, "P1")
	s.service = s.newService(t, "first")
	return s
}

func (s *shop) newService(t *testing.T, owner string) *outbox.Service {
	t.Helper()
	service, err := outbox.New(outbox.Config{Tenants: s.DB, Store: s.store, Leases: s.store,
		Klaviyo: s.klaviyo, Accounts: s.klaviyo, Links: s.klaviyo, Auditor: s.klaviyo, Watcher: s.klaviyo, NewID: s.ID,
		Now: s.Clock.Now, Log: slog.New(slog.NewTextHandler(s.log, nil)), Owner: owner})
	if err != nil {
		t.Fatal(err)
	}
	return service
}

func (s *shop) fact(kind lumo.FactKind, ref string) lumo.Fact {
	return lumo.Fact{Merchant: s.Merchant, Channel: s.Channel.ID, Friend: s.friend, Kind: kind,
		Source: "test", Ref: ref, OccurredAt: s.Clock.Now(), Data: map[string]any{"message_name": "Sale"}}
}

func (s *shop) add(t *testing.T, facts ...lumo.Fact) {
	t.Helper()
	s.In(t, func(ctx context.Context) error {
		_, err := s.service.AddEvents(ctx, s.Merchant, facts)
		return err
	})
}

// run writes one batch.
func (s *shop) run(t *testing.T) error {
	t.Helper()
	_, err := s.service.RunOnce(t.Context(), outbox.Lease{Merchant: s.Merchant, Account: s.account})
	return err
}

// drain writes until nothing waits, moving the clock over the pauses.
func (s *shop) drain(t *testing.T) {
	t.Helper()
	for range 50 {
		if err := s.run(t); err != nil {
			t.Fatal(err)
		}
		if s.count(t, "waiting") == 0 {
			return
		}
		s.Clock.Advance(20 * time.Minute)
	}
	t.Fatal("items still wait")
}

func (s *shop) count(t *testing.T, state string) int {
	t.Helper()
	return shoptest.Get[int](t, s.Shop, `
SELECT count(*) FROM outbox WHERE merchant_id = $1 AND state = $2`, state)
}

// klaviyo is the far end: it keeps the first event of each unique id, as Klaviyo does.
type klaviyo struct {
	mu       sync.Mutex // guards everything below
	events   map[string]lumo.ProfileEvent
	profiles []lumo.ProfileWrite
	order    []string // metrics and "profile", as they came
	calls    int
	faults   []error // of the next calls; nil = accept. errLost = accept, then no answer
	wait     time.Duration
	refuse   map[lumo.ProfileID]error
	blocked  error // of Access
	renewed  int
	recorded []lumo.FriendID
	// at is where Klaviyo has a profile now; empty = nowhere
	at       map[lumo.ProfileID]lumo.ProfileID
	answered lumo.ProfileID // of the next profile that is written; empty = its own
	bulk
	moved  []string
	audits []string // actions
	move   func(ctx context.Context, from, to lumo.ProfileID) error
}

var errLost = errors.New("connection reset")

func (k *klaviyo) fault(p lumo.ProfileID) (lost bool, err error) {
	k.calls++
	if err := k.refuse[p]; err != nil {
		return false, err
	}
	if len(k.faults) == 0 {
		return false, nil
	}
	err, k.faults = k.faults[0], k.faults[1:]
	if errors.Is(err, errLost) {
		return true, nil
	}
	return false, err
}

func (k *klaviyo) CreateEvent(_ context.Context, _ lumo.Secret, e lumo.ProfileEvent) (time.Duration, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	lost, err := k.fault(e.Profile)
	if err != nil {
		return k.wait, err
	}
	if _, known := k.events[e.UniqueID]; !known {
		k.events[e.UniqueID] = e
		k.order = append(k.order, e.Metric)
	}
	if lost {
		return 0, fault.As(fault.Unavailable, "klaviyo", errLost)
	}
	return 0, nil
}

func (k *klaviyo) ImportProfile(_ context.Context, _ lumo.Secret, w lumo.ProfileWrite) (
	lumo.ProfileID, time.Duration, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	lost, err := k.fault(w.ID)
	if err != nil {
		return "", k.wait, err
	}
	k.profiles = append(k.profiles, w)
	k.order = append(k.order, "profile")
	if lost {
		return "", 0, fault.As(fault.Unavailable, "klaviyo", errLost)
	}
	if k.answered != "" {
		return k.answered, 0, nil
	}
	return w.ID, 0, nil
}

func (k *klaviyo) Recheck(ctx context.Context, m lumo.MerchantID, _ lumo.AccountID, p lumo.ProfileID) (
	lumo.ProfileID, error) {
	k.mu.Lock()
	to := k.at[p]
	k.mu.Unlock()
	if to == "" {
		return p, fault.New(fault.NotFound, "klaviyo", "")
	}
	return to, k.ProfileMoved(ctx, m, p, to)
}

func (k *klaviyo) ProfileMoved(ctx context.Context, _ lumo.MerchantID, from, to lumo.ProfileID) error {
	k.mu.Lock()
	k.moved = append(k.moved, string(from)+" to "+string(to))
	k.answered = ""
	k.mu.Unlock()
	if k.move == nil {
		return nil
	}
	return k.move(ctx, from, to)
}

func (k *klaviyo) EnsureHook(context.Context, lumo.MerchantID, lumo.AccountID) error { return nil }

func (k *klaviyo) Audit(_ context.Context, e lumo.AuditEntry) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.audits = append(k.audits, e.Action)
	return nil
}

func (k *klaviyo) Access(context.Context, lumo.MerchantID, lumo.AccountID) (lumo.Secret, error) {
	return "token", k.blocked
}

func (k *klaviyo) Renew(context.Context, lumo.MerchantID, lumo.AccountID, lumo.Secret) (lumo.Secret, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.renewed++
	return "token 2", nil
}

func (k *klaviyo) Touch(context.Context, lumo.MerchantID, lumo.AccountID) error { return nil }

func (k *klaviyo) Recorded(_ context.Context, _ lumo.MerchantID, _ lumo.ChannelID, f []lumo.FriendID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.recorded = append(k.recorded, f...)
}

// refusal is a refusal of one field.
type refusal struct{ field string }

func (r refusal) Error() string      { return "refused" }
func (r refusal) VendorCode() string { return "invalid" }
func (r refusal) Field() string      { return r.field }
