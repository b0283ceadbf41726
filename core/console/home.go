package console

import (
	"context"
	"net/http"
	"time"

	"lumo/core/account"
	"lumo/core/channel"
	"lumo/core/connection"
	"lumo/core/delivery"
	"lumo/core/fleet"
	"lumo/core/flow"
	"lumo/core/lumo"
	"lumo/core/outbox"
	"lumo/core/tracking"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// CardView is the connection card of one LINE or Klaviyo account.
type CardView struct {
	ID            string     `json:"id"`
	Name          string     `json:"name"`
	State         string     `json:"state"`
	Since         *time.Time `json:"since,omitempty"`
	LastContactAt *time.Time `json:"last_contact_at,omitempty"`
	ProblemCode   string     `json:"problem_code,omitempty"`
	Detail        string     `json:"detail,omitempty"`
	Waiting       int64      `json:"waiting_updates,omitempty"`
}

// EdgesView says whether links and QR codes work.
type EdgesView struct {
	State        string     `json:"state"`
	Since        *time.Time `json:"since,omitempty"`
	SentenceCode string     `json:"sentence_code"`
}

// ConnectionsView is all that a merchant is connected to.
type ConnectionsView struct {
	LINE    []CardView `json:"line"`
	Klaviyo *CardView  `json:"klaviyo,omitempty"`
	Edges   EdgesView  `json:"edges"`
}

// TodayView is what happened since midnight of the merchant's day.
type TodayView struct {
	Sent     int64 `json:"sent"`
	Clicked  int64 `json:"clicked"`
	Linked   int64 `json:"linked"`
	NotSent  int64 `json:"not_sent"`
	Failed   int64 `json:"failed"`
	Checking int64 `json:"checking"`
}

// FiguresView are the numbers of Home; the live message "counter" carries the same.
type FiguresView struct {
	Friends      int64     `json:"friends"`
	Change       int64     `json:"change" doc:"of friends, today: who came less who blocked"`
	Linked       int64     `json:"linked" doc:"of friends"`
	BlockedMonth int64     `json:"blocked_month"`
	Today        TodayView `json:"today"`
	Hours        HoursView `json:"hours"`
}

// HoursView are the hours of today, up to the one that runs: what happened in each.
type HoursView struct {
	Sent    []int64 `json:"sent"`
	Clicked []int64 `json:"clicked"`
	Linked  []int64 `json:"linked"`
	NotSent []int64 `json:"not_sent"`
}

// FriendRef names a friend.
type FriendRef struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// FeedItemView is one line of "Just now".
type FeedItemView struct {
	ID       string         `json:"id"`
	At       time.Time      `json:"at"`
	Kind     string         `json:"kind"`
	Friend   *FriendRef     `json:"friend,omitempty"`
	TextCode string         `json:"text_code"`
	Data     map[string]any `json:"data"`
}

// NoticeView is something that needs a person.
type NoticeView struct {
	Code string         `json:"code"`
	Flow string         `json:"flow,omitempty" doc:"Klaviyo's id of the flow it is about"`
	Data map[string]any `json:"data"`
}

// StepView is one step of the first run.
type StepView struct {
	Step string `json:"step" enum:"line,klaviyo,link_yourself,test_message,first_flow"`
	Done bool   `json:"done"`
	Name string `json:"name,omitempty" doc:"who was linked by it"`
}

// HomeView is the first screen of a LINE account.
type HomeView struct {
	FiguresView
	Feed      []FeedItemView `json:"feed"`
	Attention []NoticeView   `json:"attention" doc:"at most five, worst first"`
	More      int            `json:"attention_more" doc:"that are left out"`
	Checklist []StepView     `json:"checklist"`
	Hidden    bool           `json:"checklist_hidden" doc:"by the member who asks"`
}

type hideInput struct {
	InMerchant
	Body struct {
		Hidden bool `json:"hidden"`
	}
}

// Edges tells how the edges are.
type Edges interface {
	Status(ctx context.Context) (fleet.Status, error)
}

// StepHider keeps who wants to see the first steps no more.
type StepHider interface {
	HideSteps(ctx context.Context, who account.Membership, address string, hide bool) error
}

// HomeParts is what Home and the connections page are made of.
type HomeParts struct {
	Channels *channel.Service
	Accounts *connection.Service
	Items    *outbox.Service
	Tracking *tracking.Service
	Hosts    *tracking.Hosts
	Flows    *flow.Service
	Sender   *delivery.Service
	Members  StepHider
	Edges    Edges
}

// RegisterHome adds Home and the connections page.
func RegisterHome(a *API, parts HomeParts) {
	Register(a, Op{ID: "get-connections", Method: http.MethodGet,
		Path: "/merchants/{merchant}/connections", Role: lumo.Viewer,
		Summary: "Read what the merchant is connected to"}, parts.connections)
	Register(a, Op{ID: "get-home", Method: http.MethodGet,
		Path: "/merchants/{merchant}/channels/{channel}/home", Role: lumo.Viewer,
		Summary: "Read the first screen of a LINE account"}, parts.home)
	Register(a, Op{ID: "hide-first-steps", Method: http.MethodPost, Path: "/merchants/{merchant}/first_steps/hide",
		Role: lumo.Viewer, Summary: "Hide the first steps from one's own Home, or show them again"},
		func(ctx context.Context, who Caller, in *hideInput) (None, error) {
			return None{}, parts.Members.HideSteps(ctx, who.Membership(), who.Address, in.Body.Hidden)
		})
}

func (p HomeParts) connections(ctx context.Context, who Caller, _ *InMerchant) (ConnectionsView, error) {
	m := who.Merchant.ID
	view := ConnectionsView{LINE: []CardView{}}
	channels, err := p.Channels.Channels(ctx, m)
	if err != nil {
		return view, err
	}
	for _, c := range channels {
		view.LINE = append(view.LINE, CardView{ID: c.ID.String(), Name: c.Name,
			State: string(c.State), Since: moment(c.StateChangedAt),
			LastContactAt: moment(c.LastEventAt), ProblemCode: c.Problem, Detail: c.BasicID})
	}
	if view.Klaviyo, err = p.klaviyoCard(ctx, m); err != nil {
		return view, err
	}
	status, err := p.Edges.Status(ctx)
	view.Edges = edgesView(status)
	return view, err
}

func (p HomeParts) klaviyoCard(ctx context.Context, m lumo.MerchantID) (*CardView, error) {
	account, err := p.Accounts.Current(ctx, m)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	waiting, _, err := p.Items.Count(ctx, m, account.ID)
	return &CardView{ID: account.ID.String(), Name: account.Site.Name, State: string(account.State),
		Since: moment(account.StateChangedAt), LastContactAt: moment(account.LastContactAt),
		ProblemCode: account.Problem, Detail: account.Site.ID, Waiting: waiting}, err
}

func edgesView(s fleet.Status) EdgesView {
	out := EdgesView{State: "off", Since: moment(s.Since), SentenceCode: "edges_off"}
	if s.Working {
		out.State, out.SentenceCode = "working", "edges_working"
	}
	return out
}

func (p HomeParts) home(ctx context.Context, who Caller, in *InChannel) (HomeView, error) {
	channel, err := in.Channel()
	if err != nil {
		return HomeView{}, err
	}
	m := who.Merchant.ID
	if _, err := p.Channels.Get(ctx, m, channel); err != nil {
		return HomeView{}, err
	}
	h, err := p.Tracking.Home(ctx, m, channel)
	if err != nil {
		return HomeView{}, err
	}
	view := HomeView{FiguresView: figuresView(h.Figures, h.Hours), Feed: feedView(h.Feed), Hidden: who.Member.StepsHidden}
	for _, s := range h.Checklist {
		view.Checklist = append(view.Checklist, StepView{s.Name, s.Done, s.Friend})
	}
	view.Attention, view.More, err = p.attention(ctx, m, channel, h.Attention)
	return view, err
}

// attention joins what tracking, the Flow doctor, the month's messages and the shop's own host
// have to say.
func (p HomeParts) attention(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, all []tracking.Notice) (
	view []NoticeView, more int, err error) {
	d, err := p.Flows.Diagnose(ctx, m, c)
	if err != nil {
		return nil, 0, err
	}
	month, err := p.Sender.Quota(ctx, m, c)
	if err != nil {
		return nil, 0, err
	}
	limit, named := quotaNotice(month)
	if named {
		all = append(all, limit)
	}
	host, err := p.Hosts.Host(ctx, m)
	if err != nil {
		return nil, 0, err
	}
	if host.State == tracking.HostLost {
		all = append(all, tracking.Notice{Code: "link_host_lost", Data: map[string]any{"host": host.Name(), "reason": host.Reason,
			"found": host.Found}})
	}
	for _, f := range d.Findings {
		if f.Code == "quota" && named {
			continue
		}
		all = append(all, tracking.Notice{Code: f.Code, Subject: f.Subject, Data: f.Data})
	}
	worst, more := tracking.Worst(all)
	for _, n := range worst {
		view = append(view, NoticeView{Code: n.Code, Flow: n.Subject, Data: n.Data})
	}
	return view, more, nil
}

// quotaNotice tells that the month is used up, or all of it that is not kept for flow messages.
func quotaNotice(month delivery.QuotaState) (tracking.Notice, bool) {
	q := month.Quota
	switch {
	case q.Unlimited || q.Limit == 0:
		return tracking.Notice{}, false
	case month.UsedUp():
		return tracking.Notice{Code: "quota_used", Data: map[string]any{"limit": q.Limit,
			"n": month.Waiting.Flow + month.Waiting.Broadcast}}, true
	case month.Waiting.Broadcast > 0 || month.Reserve > 0 && q.LeftFor(delivery.KindBroadcast, month.Rules) == 0:
		return tracking.Notice{Code: "quota_reserve", Data: map[string]any{"left": q.LeftFor(delivery.KindFlow, month.Rules),
			"n": month.Waiting.Broadcast}}, true
	}
	return tracking.Notice{}, false
}

func figuresView(f tracking.Figures, h tracking.Hours) FiguresView {
	return FiguresView{Friends: f.Friends, Change: f.Change, Linked: f.Linked, BlockedMonth: f.BlockedMonth,
		Hours: HoursView(h),
		Today: TodayView{Sent: f.Today.Sent, Clicked: f.Today.Clicked, Linked: f.Today.Linked,
			NotSent: f.Today.NotSent, Failed: f.Today.Failed, Checking: f.Today.Checking}}
}

func feedView(items []tracking.FeedItem) []FeedItemView {
	out := make([]FeedItemView, len(items))
	for i, item := range items {
		out[i] = FeedItemView{ID: item.ID.With(id.Event), At: item.At.UTC().Truncate(time.Millisecond),
			Kind:     string(item.Kind),
			Friend:   &FriendRef{ID: item.Friend.String(), Name: item.FriendName},
			TextCode: "feed." + string(item.Kind), Data: item.Data}
	}
	return out
}
