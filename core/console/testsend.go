package console

import (
	"context"
	"crypto/sha256"
	"net/http"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// TestSendView is a test and what became of it for each person.
type TestSendView struct {
	ID         string             `json:"id" doc:"req_.., as live messages name it"`
	Uses       int                `json:"uses" doc:"messages of the month"`
	Deliveries []TestDeliveryView `json:"deliveries"`
}

// TestDeliveryView is what became of a test for one person.
type TestDeliveryView struct {
	ID     string         `json:"id"`
	Friend FriendRef      `json:"friend"`
	State  string         `json:"state" enum:"waiting,sending,sent,not_sent,failed,checking,unconfirmed"`
	Reason string         `json:"reason,omitempty"`
	Data   map[string]any `json:"reason_data,omitempty"`
}

// TestFriendView is a person who gets tests.
type TestFriendView struct {
	FriendRef
	Reachable bool `json:"reachable" doc:"follows the account"`
}

type testSendInput struct {
	InChannel
	Body struct {
		Friends []string `json:"friends,omitempty" maxItems:"10" doc:"test friends, frd_..; none = all who can be reached"`
		Text    string   `json:"text,omitempty" maxLength:"5000"`
		Message string   `json:"message,omitempty" doc:"msg_.., instead of a text"`
		Draft   bool     `json:"draft,omitempty" doc:"of the message, instead of what is published"`
	}
}

type inTestSend struct {
	InChannel
	TestID string `path:"test" doc:"req_.."`
}

// tests are the operations on test sends.
type tests struct {
	service  *delivery.Service
	contents delivery.Contents
	newID    func() id.ID
}

// RegisterTests adds sending tests to test friends.
func RegisterTests(a *API, s *delivery.Service, c delivery.Contents, newID func() id.ID) {
	h := tests{s, c, newID}
	const path = "/merchants/{merchant}/channels/{channel}"
	Register(a, Op{ID: "list-test-friends", Method: http.MethodGet, Path: path + "/test_friends", Role: lumo.Viewer,
		Summary: "List whom tests go to"}, h.friends)
	Register(a, Op{ID: "send-test", Method: http.MethodPost, Path: path + "/test_sends", Role: lumo.Marketer,
		Status: http.StatusAccepted, Summary: "Send a message to test friends; once for each Idempotency-Key"}, h.send)
	Register(a, Op{ID: "get-test", Method: http.MethodGet, Path: path + "/test_sends/{test}", Role: lumo.Viewer,
		Summary: "Read what became of a test"}, h.get)
}

func (h tests) friends(ctx context.Context, who Caller, in *InChannel) (List[TestFriendView], error) {
	var list List[TestFriendView]
	c, err := in.Channel()
	if err != nil {
		return list, err
	}
	all, err := h.service.TestFriends(ctx, who.Merchant.ID, c)
	for _, f := range all {
		list.Items = append(list.Items, TestFriendView{FriendRef{f.ID.String(), f.Name}, f.Reachable})
	}
	return list, err
}

func (h tests) send(ctx context.Context, who Caller, in *testSendInput) (TestSendView, error) {
	c, err := in.Channel()
	if err != nil {
		return TestSendView{}, err
	}
	t, err := in.test()
	if err != nil {
		return TestSendView{}, err
	}
	t.ID = h.testID(ctx, who)
	all, err := h.service.SendTest(ctx, who.Merchant.ID, c, sendingActor(who), t, h.contents)
	return testView(t.ID, all), err
}

func (in *testSendInput) test() (t delivery.Test, err error) {
	b := in.Body
	t.Text, t.Draft = b.Text, b.Draft
	if (b.Text == "") == (b.Message == "") {
		return t, &fault.Error{Kind: fault.Invalid, Op: "console.test", Fields: map[string]string{
			"text": "Give a text, or a saved message."}}
	}
	if b.Message != "" {
		v, err := outside(id.Message, b.Message)
		if err != nil {
			return t, err
		}
		t.Message = lumo.MessageID(v)
	}
	for _, text := range b.Friends {
		v, err := outside(id.Friend, text)
		if err != nil {
			return t, err
		}
		t.Friends = append(t.Friends, lumo.FriendID(v))
	}
	return t, nil
}

// testID is one for each press of the button: it follows from the key that comes with it, so
// that a request that is repeated, even after a crash, names the same test.
func (h tests) testID(ctx context.Context, who Caller) id.ID {
	key, _ := ctx.Value(repeatKey{}).(string)
	if key == "" {
		return h.newID()
	}
	sum := sha256.Sum256([]byte("lumo test 1\x00" + who.Merchant.ID.String() + who.Member.ID.String() + key))
	return id.ID(sum[:16])
}

func (h tests) get(ctx context.Context, who Caller, in *inTestSend) (TestSendView, error) {
	c, err := in.Channel()
	if err != nil {
		return TestSendView{}, err
	}
	v, err := outside(id.Request, in.TestID)
	if err != nil {
		return TestSendView{}, err
	}
	all, err := h.service.Test(ctx, who.Merchant.ID, c, v)
	return testView(v, all), err
}

func testView(v id.ID, all []delivery.TestDelivery) TestSendView {
	view := TestSendView{ID: v.With(id.Request), Uses: len(all)}
	for _, d := range all {
		view.Deliveries = append(view.Deliveries, TestDeliveryView{ID: d.ID.String(),
			Friend: FriendRef{d.Friend.String(), d.Name}, State: d.State.Word(), Reason: d.Reason, Data: d.Data})
	}
	return view
}
