package delivery

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	testMost = 10        // people of one test send
	testAge  = time.Hour // what was tested is another by then
)

// Test is what a member wants to see on test friends' phones: a text, or a saved message as it
// was published or as its draft stands. The same id, however often it comes, is one test.
type Test struct {
	ID      id.ID
	Friends []lumo.FriendID // empty = the test friends
	Text    string
	Message lumo.MessageID
	Draft   bool
}

// TestDelivery is what became of a test for one person.
type TestDelivery struct {
	ID     lumo.DeliveryID
	Friend lumo.FriendID
	Name   string
	State  State
	Reason string
	Data   map[string]any
}

// TestFriend is a person who may get tests.
type TestFriend struct {
	ID        lumo.FriendID
	Name      string
	Reachable bool // follows the account
}

// Contents makes what a test says to one person.
type Contents interface {
	TestContent(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, t Test, f lumo.FriendID) (lumo.Content, error)
}

// TestStore reads test friends and tests, in the transaction of its context.
type TestStore interface {
	// TestFriends are an account's, the last that was added first.
	TestFriends(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, limit int) ([]TestFriend, error)
	OfTest(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, test id.ID) ([]TestDelivery, error)
}

// TestFriends are the people whom tests go to.
func (s *Service) TestFriends(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (all []TestFriend, err error) {
	err = s.Units.InTenant(ctx, m, func(ctx context.Context) error {
		if _, err := s.Channels.Get(ctx, m, c); err != nil {
			return err
		}
		all, err = s.Tests.TestFriends(ctx, m, c, testMost)
		return err
	})
	return all, fault.Wrap("delivery.TestFriends", err)
}

// SendTest sends a message to test friends, by the same way as any other message, and to each of
// them once however often it is asked for under one id.
func (s *Service) SendTest(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by Actor, t Test, contents Contents) (
	all []TestDelivery, err error) {
	const op = "delivery.SendTest"
	to, err := s.testers(ctx, m, c, t.Friends)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	says := make([]lumo.Content, len(to))
	for i, f := range to { // before the transaction: it may ask Klaviyo
		if says[i], err = contents.TestContent(ctx, m, c, t, f); err != nil {
			return nil, fault.Wrap(op, err)
		}
	}
	err = s.Units.InTenant(ctx, m, func(ctx context.Context) error {
		planned := 0
		for i, f := range to {
			_, err := s.Plan(ctx, Plan{Merchant: m, Channel: c, Kind: KindTest, Logical: t.ID, Friend: f, Content: says[i],
				ReceivedAt: s.Now(), TooLateAt: s.Now().Add(testAge)})
			switch {
			case err == nil:
				planned++
			case !fault.Is(err, fault.Conflict):
				return err
			}
		}
		if all, err = s.Tests.OfTest(ctx, m, c, t.ID); err != nil || planned == 0 {
			return err
		}
		entry := lumo.AuditEntry{ActorKind: "member", Actor: id.ID(by.Member), Action: "message.test", TargetKind: "channel",
			Target: c.String(), Data: map[string]any{"friends": planned}, Address: by.Address}
		if t.Message != (lumo.MessageID{}) {
			entry.TargetKind, entry.Target = "message", t.Message.String()
		}
		return s.Auditor.Audit(ctx, entry)
	})
	return all, fault.Wrap(op, err)
}

// testers are whom a test goes to: the friends chosen, who must be test friends, or all of those
// who can be reached.
func (s *Service) testers(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, chosen []lumo.FriendID) (to []lumo.FriendID, err error) {
	const op = "delivery.testers"
	err = s.Units.InTenant(ctx, m, func(ctx context.Context) error {
		if _, err := s.Channels.Get(ctx, m, c); err != nil {
			return err
		}
		if len(chosen) > testMost {
			return fault.New(fault.Invalid, op, "Choose up to %d test friends.", testMost)
		}
		if len(chosen) == 0 {
			all, err := s.Tests.TestFriends(ctx, m, c, testMost)
			for _, f := range all {
				if f.Reachable {
					to = append(to, f.ID)
				}
			}
			if err == nil && len(to) == 0 {
				err = fault.New(fault.Conflict, op, "Nobody is a test friend yet. Link your own phone first.")
			}
			return err
		}
		found, err := s.Channels.FriendsByID(ctx, m, chosen)
		if err != nil {
			return err
		}
		for _, f := range chosen {
			switch friend, ok := found[f]; {
			case !ok || friend.Channel != c:
				return fault.New(fault.NotFound, op, "This friend does not exist.")
			case !friend.Tester:
				return fault.New(fault.Conflict, op, "Tests go to test friends only. Make this friend one first.")
			}
		}
		to = chosen
		return nil
	})
	return to, err
}

// Test tells what became of a test.
func (s *Service) Test(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, test id.ID) (all []TestDelivery, err error) {
	const op = "delivery.Test"
	err = s.Units.InTenant(ctx, m, func(ctx context.Context) error {
		all, err = s.Tests.OfTest(ctx, m, c, test)
		return err
	})
	if err == nil && len(all) == 0 {
		err = fault.New(fault.NotFound, op, "This test does not exist.")
	}
	return all, fault.Wrap(op, err)
}
