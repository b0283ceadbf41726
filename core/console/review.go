package console

import (
	"context"
	"net/http"
	"time"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/shared/id"
)

// ReviewItemView is a conflict in the list of what needs review.
type ReviewItemView struct {
	ID        string     `json:"id" doc:"evt_.."`
	Kind      string     `json:"kind" enum:"two_profiles,two_friends,shared_phone"`
	Friend    FriendRef  `json:"friend"`
	Other     *FriendRef `json:"other,omitempty"`
	Method    string     `json:"method" enum:"qr,form,import,automatic,console"`
	Since     *time.Time `json:"since"`
	PutOffAt  *time.Time `json:"put_off_at,omitempty"`
	ProfileID string     `json:"profile_id"`
}

// SideView is one of the two answers of a conflict. Customers' data is read from Klaviyo now.
type SideView struct {
	Friend      FriendRef  `json:"friend"`
	FollowedAt  *time.Time `json:"followed_at,omitempty"`
	Follow      string     `json:"follow_status" enum:"following,blocked,not_friend"`
	ProfileID   string     `json:"profile_id"`
	Name        string     `json:"name,omitempty"`
	Email       string     `json:"email,omitempty"`
	Phone       string     `json:"phone,omitempty"`
	LastOrderAt *time.Time `json:"last_order_at,omitempty"`
	LastSeenAt  *time.Time `json:"last_seen_at,omitempty"`
	Gone        bool       `json:"gone" doc:"Klaviyo has no such customer any more"`
	Unread      bool       `json:"unread" doc:"Klaviyo did not answer"`
	Method      string     `json:"method"`
	Assurance   string     `json:"assurance" enum:"proven,claimed,matched"`
	Since       *time.Time `json:"since"`
	Linked      bool       `json:"linked"`
}

// ComparisonView is a conflict with both sides.
type ComparisonView struct {
	ReviewItemView
	First       SideView `json:"first"`
	Second      SideView `json:"second"`
	Recommended string   `json:"recommended,omitempty" enum:"use_first,use_second"`
	Reason      string   `json:"reason,omitempty" enum:"surer,other_gone"`
	Decision    string   `json:"decision,omitempty"`
	Next        string   `json:"next,omitempty"`
}

// LinkStepView is a step of a friend's links.
type LinkStepView struct {
	ID        string         `json:"id"`
	Step      string         `json:"step" enum:"linked,raised,unlinked,conflict,resolved,undone,moved"`
	By        string         `json:"by" enum:"customer,member,system"`
	ByName    string         `json:"by_name,omitempty" doc:"of the member"`
	ProfileID string         `json:"profile_id"`
	Data      map[string]any `json:"data"`
	At        *time.Time     `json:"at"`
	Undone    bool           `json:"undone"`
	Undoable  bool           `json:"undoable"`
}

// InReview is the input of operations on one item of the review.
type InReview struct {
	InChannel
	ReviewID string `path:"item" doc:"evt_.."`
}

type decisionInput struct {
	InReview
	Body struct {
		Decision string `json:"decision" enum:"use_first,use_second,leave_unlinked,unlink"`
	}
}

type inStep struct {
	InFriend
	StepID string `path:"step" doc:"evt_.."`
}

func (l links) registerReview(a *API, one string) {
	const item = "/review/{item}"
	Register(a, Op{ID: "list-review", Method: http.MethodGet, Path: one + "/review", Role: lumo.Viewer,
		Summary: "What needs review: claims that a link contradicts"}, l.review)
	Register(a, Op{ID: "get-review", Method: http.MethodGet, Path: one + item, Role: lumo.Viewer,
		Summary: "Compare both sides; customers are read from Klaviyo now"}, l.compare)
	Register(a, Op{ID: "decide-review", Method: http.MethodPost, Path: one + item + "/decide", Role: lumo.Marketer,
		Summary: "Decide: one of the two, or neither"}, l.decide)
	Register(a, Op{ID: "undo-review", Method: http.MethodPost, Path: one + item + "/undo", Role: lumo.Marketer,
		Summary: "Take a decision back"}, l.undo)
	Register(a, Op{ID: "defer-review", Method: http.MethodPost, Path: one + item + "/later", Role: lumo.Marketer,
		Summary: "Put an item behind the others"}, l.later)
	Register(a, Op{ID: "list-link-steps", Method: http.MethodGet, Path: one + "/friends/{friend}/links",
		Role: lumo.Viewer, Summary: "Every step of a friend's links, newest first"}, l.steps)
	Register(a, Op{ID: "undo-link-step", Method: http.MethodPost,
		Path: one + "/friends/{friend}/links/{step}/undo", Role: lumo.Marketer,
		Summary: "Take a step of a friend's links back"}, l.undoStep)
}

type reviewInput struct {
	InChannel
	Kind   string `query:"kind" enum:"two_profiles,two_friends,shared_phone" doc:"left out = all kinds"`
	Cursor string `query:"cursor" maxLength:"80"`
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"100"`
}

func (l links) review(ctx context.Context, who Caller, in *reviewInput) (List[ReviewItemView], error) {
	c, err := in.Channel()
	if err != nil {
		return List[ReviewItemView]{}, err
	}
	q := linkage.ReviewQuery{Kind: linkage.ConflictKind(in.Kind), Limit: in.Limit + 1}
	if in.Cursor != "" {
		if q.At, q.After, err = readTimeCursor(in.Cursor); err != nil {
			return List[ReviewItemView]{}, err
		}
	}
	found, total, err := l.service.ReviewList(ctx, who.Merchant.ID, c, q)
	list := List[ReviewItemView]{Total: &total}
	if len(found) > in.Limit {
		found = found[:in.Limit]
		last := found[in.Limit-1]
		list.Next = timeCursor(last.Place(), last.ID)
	}
	list.Items = make([]ReviewItemView, len(found))
	for i, item := range found {
		list.Items[i] = reviewView(item)
	}
	return list, err
}

func reviewView(r linkage.ReviewItem) ReviewItemView {
	view := ReviewItemView{ID: r.ID.With(id.Event), Kind: string(r.Kind),
		Friend: FriendRef{ID: r.Friend.String(), Name: r.FriendName}, Method: r.Method,
		Since: moment(r.CreatedAt), PutOffAt: moment(r.DeferredAt), ProfileID: string(r.Profile)}
	if r.OtherFriend != (lumo.FriendID{}) {
		view.Other = &FriendRef{ID: r.OtherFriend.String(), Name: r.OtherName}
	}
	return view
}

func (in InReview) item() (lumo.ChannelID, id.ID, error) {
	c, err := in.Channel()
	if err != nil {
		return c, id.ID{}, err
	}
	v, err := outside(id.Event, in.ReviewID)
	return c, v, err
}

func (l links) compare(ctx context.Context, who Caller, in *InReview) (ComparisonView, error) {
	c, v, err := in.item()
	if err != nil {
		return ComparisonView{}, err
	}
	found, err := l.service.Compare(ctx, who.Merchant.ID, c, v)
	if err != nil {
		return ComparisonView{}, err
	}
	masked := who.Member.Role == lumo.Viewer
	view := ComparisonView{First: sideView(found.First, masked), Second: sideView(found.Second, masked),
		Recommended: string(found.Recommended), Reason: found.Reason, Decision: string(found.Decision)}
	view.ReviewItemView = reviewView(linkage.ReviewItem{Conflict: found.Conflict,
		FriendName: found.Second.Friend.DisplayName, OtherName: found.First.Friend.DisplayName})
	if !found.Next.IsZero() {
		view.Next = found.Next.With(id.Event)
	}
	return view, nil
}

func sideView(c linkage.Compared, masked bool) SideView {
	p := c.Profile
	view := SideView{Friend: FriendRef{ID: c.Friend.ID.String(), Name: c.Friend.DisplayName},
		FollowedAt: moment(c.Friend.FollowedAt), Follow: string(c.Friend.FollowStatus),
		ProfileID: string(p.ID), Name: fullName(p), Email: p.Email, Phone: p.Phone,
		LastOrderAt: moment(c.LastOrderAt), LastSeenAt: moment(p.LastSeenAt), Gone: c.ProfileGone,
		Unread: c.Unread, Method: c.Method, Assurance: string(c.Assurance), Since: moment(c.Since),
		Linked: c.Linked}
	if masked {
		view.Email, view.Phone = mask(p.Email), mask(p.Phone)
	}
	return view
}

// fullName is how a customer is called.
func fullName(p lumo.Profile) string {
	if p.FirstName == "" || p.LastName == "" {
		return p.FirstName + p.LastName
	}
	return p.FirstName + " " + p.LastName
}

// mask leaves the first character and, of an email, where the domain begins.
func mask(text string) string {
	for i, r := range text {
		if i > 0 && r == '@' {
			return text[:1] + "***@…"
		}
	}
	if text == "" {
		return ""
	}
	return text[:1] + "***"
}

func (l links) decide(ctx context.Context, who Caller, in *decisionInput) (None, error) {
	c, v, err := in.item()
	if err != nil {
		return None{}, err
	}
	return None{}, l.service.Decide(ctx, who.Merchant.ID, c, v, linkage.Decision(in.Body.Decision), who.Member.ID)
}

func (l links) undo(ctx context.Context, who Caller, in *InReview) (None, error) {
	c, v, err := in.item()
	if err != nil {
		return None{}, err
	}
	return None{}, l.service.UndoDecision(ctx, who.Merchant.ID, c, v, who.Member.ID)
}

func (l links) later(ctx context.Context, who Caller, in *InReview) (None, error) {
	c, v, err := in.item()
	if err != nil {
		return None{}, err
	}
	return None{}, l.service.Later(ctx, who.Merchant.ID, c, v)
}

func (l links) steps(ctx context.Context, who Caller, in *InFriend) (List[LinkStepView], error) {
	c, f, err := in.Friend()
	if err != nil {
		return List[LinkStepView]{}, err
	}
	found, err := l.service.History(ctx, who.Merchant.ID, c, f)
	list := List[LinkStepView]{Items: make([]LinkStepView, len(found))}
	for i, h := range found {
		list.Items[i] = LinkStepView{ID: h.ID.With(id.Event), Step: h.Step, By: h.ActorKind,
			ByName: h.ActorName, ProfileID: string(h.Profile), Data: h.Data, At: moment(h.At), Undone: h.Undone, Undoable: h.Undoable()}
	}
	return list, err
}

func (l links) undoStep(ctx context.Context, who Caller, in *inStep) (None, error) {
	c, err := in.Channel()
	if err != nil {
		return None{}, err
	}
	step, err := outside(id.Event, in.StepID)
	if err != nil {
		return None{}, err
	}
	return None{}, l.service.UndoStep(ctx, who.Merchant.ID, c, step, who.Member.ID)
}
