package console

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"lumo/core/delivery"
	"lumo/core/flow"
	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// RefView names a thing that can be opened.
type RefView struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// FlowRequestView is one call of a flow.
type FlowRequestView struct {
	ID          string         `json:"id"`
	At          *time.Time     `json:"at"`
	FlowID      string         `json:"flow_id"`
	FlowName    string         `json:"flow_name,omitempty"`
	Friend      *RefView       `json:"friend,omitempty"`
	ProfileID   string         `json:"profile_id,omitempty"`
	Message     *RefView       `json:"message,omitempty"`
	Outcome     string         `json:"outcome" enum:"accepted,skipped,refused"`
	Reason      string         `json:"reason,omitempty"`
	ReasonData  map[string]any `json:"reason_data,omitempty"`
	State       string         `json:"state" enum:"waiting,sending,sent,not_sent,failed,checking,unconfirmed"`
	KeyLast4    string         `json:"key_last4,omitempty"`
	Repeats     int            `json:"repeats"`
	DuplicateOf string         `json:"duplicate_of,omitempty"`
	Delivery    string         `json:"delivery,omitempty" doc:"dlv_.. of the message it led to"`
	Warning     string         `json:"warning,omitempty" enum:"other_line_id" doc:"what is odd about a call that was let through: other_line_id = it named another LINE ID than the profile is linked to"`
	EventNote   string         `json:"event_note,omitempty" enum:"missing,unread" doc:"why values of the event are not in the message"`
	Delay       *int64         `json:"delay_seconds,omitempty" doc:"from the event to the call: Klaviyo's own share"`
}

// FlowStepView is one step of a call, in order.
type FlowStepView struct {
	Code  string         `json:"code" enum:"event,called,key,recipient,made,sent,opened,clicked,recorded"`
	State string         `json:"state" enum:"done,failed,not_reached"`
	At    *time.Time     `json:"at,omitempty"`
	Data  map[string]any `json:"data,omitempty"`
}

// FlowRequestDetail is a call with its steps and what LINE got.
type FlowRequestDetail struct {
	FlowRequestView
	Steps    []FlowStepView  `json:"steps"`
	Messages json.RawMessage `json:"messages,omitempty"`
	LINE     string          `json:"line_request_id,omitempty" doc:"LINE's own id of the request, for its support"`
	Sent     string          `json:"sent,omitempty" doc:"the request that LINE took, byte for byte but for the LINE user id"`
}

type listRequestsInput struct {
	InChannel
	Cursor string `query:"cursor" maxLength:"40"`
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"100"`
	State  string `query:"state" enum:"waiting,sending,sent,not_sent,failed,checking,unconfirmed,refused" doc:"what became of the call"`
	Reason string `query:"reason" maxLength:"40"`
	Flow   string `query:"flow" maxLength:"64"`
	Friend string `query:"friend" maxLength:"40" doc:"frd_.."`
}

// CalledView is the body of a call with personal data masked.
type CalledView struct {
	Body string `json:"body"`
}

// FlowDayView is what became of a day's calls.
type FlowDayView struct {
	Day     string `json:"day" doc:"in the merchant's time zone"`
	Calls   int64  `json:"calls"`
	Sent    int64  `json:"sent"`
	NotSent int64  `json:"not_sent"`
	Failed  int64  `json:"failed" doc:"refused by Lumo or by LINE"`
}

type listDaysInput struct {
	InChannel
	Cursor string `query:"cursor" maxLength:"10" format:"date"`
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"100"`
	Flow   string `query:"flow" maxLength:"64"`
}

type flowRequestInput struct {
	InChannel
	RequestID string `path:"request" doc:"req_.."`
}

func (p FlowParts) requests(ctx context.Context, who Caller, in *listRequestsInput) (List[FlowRequestView], error) {
	list := List[FlowRequestView]{Items: []FlowRequestView{}}
	c, err := in.Channel()
	if err != nil {
		return list, err
	}
	f := flow.Filter{State: in.State, Reason: in.Reason, FlowID: in.Flow, Limit: in.Limit + 1}
	if in.Cursor != "" {
		after, err := outside(id.Request, in.Cursor)
		if err != nil {
			return list, err
		}
		f.After = lumo.RequestID(after)
	}
	if in.Friend != "" {
		friend, err := outside(id.Friend, in.Friend)
		if err != nil {
			return list, err
		}
		f.Friend = lumo.FriendID(friend)
	}
	rows, total, err := p.Flows.Rows(ctx, who.Merchant.ID, c, f)
	list.Total = &total
	if len(rows) > in.Limit {
		rows = rows[:in.Limit]
		list.Next = rows[in.Limit-1].ID.String()
	}
	for _, r := range rows {
		list.Items = append(list.Items, requestView(r))
	}
	return list, err
}

// days lists the sums of days whose calls are kept no more.
func (p FlowParts) days(ctx context.Context, who Caller, in *listDaysInput) (List[FlowDayView], error) {
	list := List[FlowDayView]{Items: []FlowDayView{}}
	c, err := in.Channel()
	if err != nil {
		return list, err
	}
	before, err := dayOr("cursor", in.Cursor, time.Time{})
	if err != nil {
		return list, err
	}
	days, err := p.Flows.Days(ctx, who.Merchant.ID, c, in.Flow, before, in.Limit+1)
	if len(days) > in.Limit {
		days = days[:in.Limit]
		list.Next = days[in.Limit-1].Day.Format(dayForm)
	}
	for _, d := range days {
		list.Items = append(list.Items, FlowDayView{d.Day.Format(dayForm), d.Calls, d.Sent, d.NotSent, d.Failed})
	}
	return list, err
}

func (p FlowParts) request(ctx context.Context, who Caller, in *flowRequestInput) (FlowRequestDetail, error) {
	c, err := in.Channel()
	if err != nil {
		return FlowRequestDetail{}, err
	}
	v, err := outside(id.Request, in.RequestID)
	if err != nil {
		return FlowRequestDetail{}, err
	}
	row, err := p.Flows.Row(ctx, who.Merchant.ID, c, lumo.RequestID(v))
	if err != nil {
		return FlowRequestDetail{}, err
	}
	view := FlowRequestDetail{FlowRequestView: requestView(row), Steps: steps(row), Sent: row.Shown(), LINE: row.LINERequest}
	view.Messages, err = messagesOf([]byte(view.Sent))
	return view, err
}

// messagesOf are the messages of a body that LINE took.
func messagesOf(sent []byte) (json.RawMessage, error) {
	if len(sent) == 0 {
		return nil, nil
	}
	var body struct {
		Messages json.RawMessage `json:"messages"`
	}
	err := json.Unmarshal(sent, &body)
	return body.Messages, fault.Wrap("console.messages", err)
}

func (p FlowParts) called(ctx context.Context, who Caller, in *flowRequestInput) (CalledView, error) {
	c, err := in.Channel()
	if err != nil {
		return CalledView{}, err
	}
	v, err := outside(id.Request, in.RequestID)
	if err != nil {
		return CalledView{}, err
	}
	text, err := p.Flows.Called(ctx, who.Merchant.ID, c, lumo.RequestID(v))
	return CalledView{Body: text}, err
}

// ofFirst is what is true of the call that a duplicate was taken for: it was sent, it has not gone
// out yet, or it never will.
func ofFirst(r flow.Row) map[string]any {
	data := maps.Clone(r.Data)
	if data == nil {
		data = map[string]any{}
	}
	switch r.First {
	case delivery.Accepted:
		data["at"] = r.FirstSentAt.UTC().Format(time.RFC3339)
	case delivery.Skipped, delivery.Rejected:
		data["why"] = "unsent"
	case delivery.Planned, delivery.Deferred, delivery.QuotaBlocked:
		data["why"] = "waiting"
	default: // LINE has not said, or the first call is kept no more
		data["why"] = "gone"
	}
	return data
}

func requestView(r flow.Row) FlowRequestView {
	v := FlowRequestView{ID: r.ID.String(), At: moment(r.ReceivedAt), FlowID: r.FlowID, FlowName: r.FlowName, ProfileID: string(r.Profile),
		Outcome: string(r.Outcome), Reason: r.Reason, ReasonData: r.Data, State: r.Word(), KeyLast4: r.KeyLast4, Repeats: r.Repeats,
		EventNote: r.EventNote}
	if !r.EventAt.IsZero() {
		v.Delay = seconds(r.ReceivedAt.Sub(r.EventAt), 1)
	}
	if r.Why != "" {
		v.Reason, v.ReasonData = r.Why, r.WhyData
	}
	if late, is := r.Late(); is && v.Reason == "" {
		v.Reason, v.ReasonData = edgeapi.LateEvent.Code(), map[string]any{"h": int(late.Hours())}
	}
	if r.Delivery != (lumo.DeliveryID{}) {
		v.Delivery = r.Delivery.String()
	}
	if r.Friend != (lumo.FriendID{}) {
		v.Friend = &RefView{ID: r.Friend.String(), Name: r.FriendName}
	}
	if r.Message != (lumo.MessageID{}) {
		v.Message = &RefView{ID: r.Message.String(), Name: r.MessageName}
	}
	v.Warning, _ = r.Data["warning"].(string)
	if r.Reason == edgeapi.Duplicate.Code() {
		v.ReasonData = ofFirst(r)
	}
	if r.DuplicateOf != (lumo.RequestID{}) {
		v.DuplicateOf = r.DuplicateOf.String()
	}
	return v
}

// nobodys are the reasons of calls whose message had nobody to go to.
var nobodys = []string{edgeapi.Unlinked.Code(), edgeapi.Blocked.Code(), edgeapi.NotFriend.Code(),
	edgeapi.EmptyRecipient.Code(), edgeapi.GroupID.Code(), edgeapi.OtherAccount.Code()}

// steps are those of UX 5.20 that can be known: passed, failed, or not reached. The one that failed
// is the one that the call's reason is about.
func steps(r flow.Row) []FlowStepView {
	key := step("key", r.Reason != "no_key" && r.Reason != "wrong_key", r.ReceivedAt)
	key.Data = map[string]any{"last4": r.KeyLast4}
	called := step("called", true, r.ReceivedAt)
	called.Data = map[string]any{"stored_ms": max(0, r.StoredAt.Sub(r.ReceivedAt).Milliseconds())} // clocks of two machines
	all := []FlowStepView{called, key}
	if !r.EventAt.IsZero() {
		called.Data["minutes"] = int(r.ReceivedAt.Sub(r.EventAt).Minutes())
		if r.UsualOf > 1 { // of this call alone it says nothing
			called.Data["usual"] = int(r.Usual.Minutes())
		}
		event := step("event", true, r.EventAt)
		if r.EventName != "" {
			event.Data = map[string]any{"name": r.EventName}
		}
		all = []FlowStepView{event, called, key}
	}
	nobody := slices.Contains(nobodys, r.Reason)
	if r.Outcome == flow.Accepted || nobody || r.Friend != (lumo.FriendID{}) {
		all = append(all, step("recipient", !nobody, r.ReceivedAt))
	} else {
		all = append(all, FlowStepView{Code: "recipient", State: "not_reached"})
	}
	unmade := r.State == delivery.Skipped || r.Outcome != flow.Accepted && !nobody && key.State == "done"
	failed := r.State == delivery.Rejected || r.State == delivery.UnknownExpired
	for _, later := range []struct {
		code string
		at   time.Time
		bad  bool
	}{{"made", r.FirstTryAt, unmade}, {"sent", r.AcceptedAt, failed}, {"opened", r.OpenedAt, false},
		{"clicked", r.ClickedAt, false}, {"recorded", r.RecordedAt, false}} {
		v := FlowStepView{Code: later.code, State: "not_reached", At: moment(later.at)}
		switch {
		case !later.at.IsZero():
			v.State = "done"
		case later.bad:
			v.State = "failed"
		}
		all = append(all, v)
	}
	return all
}

func step(code string, ok bool, at time.Time) FlowStepView {
	v := FlowStepView{Code: code, State: "failed", At: moment(at)}
	if ok {
		v.State = "done"
	}
	return v
}
