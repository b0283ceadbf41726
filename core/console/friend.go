package console

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"time"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// FriendView is a friend in the list. The LINE user id is never part of it.
type FriendView struct {
	ID            string     `json:"id"`
	Name          string     `json:"name"`
	PictureURL    string     `json:"picture_url,omitempty"`
	FollowStatus  string     `json:"follow_status" enum:"following,blocked,not_friend"`
	Consent       string     `json:"consent" enum:"given,withdrawn,unknown"`
	Linked        bool       `json:"linked"`
	ProfileID     string     `json:"profile_id,omitempty"`
	FollowedAt    *time.Time `json:"followed_at,omitempty"`
	BlockedAt     *time.Time `json:"blocked_at,omitempty"`
	LastSentAt    *time.Time `json:"last_sent_at,omitempty"`
	LastClickedAt *time.Time `json:"last_clicked_at,omitempty"`
	Language      string     `json:"language,omitempty"`
	Tester        bool       `json:"tester"`
}

// FriendPageView is the page of one friend, beside the timeline.
type FriendPageView struct {
	FriendView
	ConsentAt     *time.Time `json:"consent_at,omitempty"`
	ConsentSource string     `json:"consent_source,omitempty" enum:"friend_added,unblocked,blocked,status_refresh,erased"`
	Link          *LinkView  `json:"link,omitempty"`
}

// LinkView is the friend's identity link.
type LinkView struct {
	ID        string         `json:"id"`
	Method    string         `json:"method" enum:"qr,form,import,automatic,console"`
	Assurance string         `json:"assurance" enum:"proven,claimed,matched"`
	Evidence  map[string]any `json:"evidence"`
	LinkedAt  *time.Time     `json:"linked_at"`
	ProfileID string         `json:"profile_id"`
}

// EntryView is one thing in a friend's timeline.
type EntryView struct {
	ID       string         `json:"id"`
	At       *time.Time     `json:"at"`
	Kind     string         `json:"kind"`
	Source   string         `json:"source"`
	Data     map[string]any `json:"data"`
	Recorded string         `json:"recorded,omitempty" enum:"yes,waiting,no,not_linked" doc:"in Klaviyo; left out where Klaviyo gets nothing of the kind"`
}

// PageParams ask for one page of a list.
type PageParams struct {
	Cursor string `query:"cursor" maxLength:"80"`
	Limit  int    `query:"limit" minimum:"0" maximum:"100"`
}

type friendsInput struct {
	InChannel
	PageParams
	State  string `query:"state" enum:"following,blocked,not_friend"`
	Linked string `query:"linked" enum:"yes,no"`
}

type searchInput struct {
	InChannel
	Body struct {
		Text   string `json:"text" maxLength:"200"`
		State  string `json:"state,omitempty" enum:"following,blocked,not_friend"`
		Linked string `json:"linked,omitempty" enum:"yes,no"`
		Cursor string `json:"cursor,omitempty" maxLength:"80"`
		Limit  int    `json:"limit,omitempty" minimum:"0" maximum:"100"`
	}
}

type timelineInput struct {
	InFriend
	PageParams
}

func (c channels) registerFriends(a *API, all string) {
	Register(a, Op{ID: "list-friends", Method: http.MethodGet, Path: all, Role: lumo.Viewer,
		Summary: "List friends, newest first"}, c.friends)
	Register(a, Op{ID: "search-friends", Method: http.MethodPost, Path: all + "/search", Role: lumo.Viewer,
		Summary: "Find friends by name, LINE ID or Klaviyo profile ID"}, c.search)
	Register(a, Op{ID: "get-friend", Method: http.MethodGet, Path: all + "/{friend}", Role: lumo.Viewer,
		Summary: "Read a friend"}, c.friend)
	Register(a, Op{ID: "get-friend-timeline", Method: http.MethodGet, Path: all + "/{friend}/timeline",
		Role: lumo.Viewer, Summary: "What happened to and by a friend, newest first"}, c.timeline)
}

func (c channels) friends(ctx context.Context, who Caller, in *friendsInput) (List[FriendView], error) {
	q, err := friendQuery(in.InChannel, in.State, in.Linked, in.Cursor, in.Limit)
	if err != nil {
		return List[FriendView]{}, err
	}
	return friendList(c.service.Friends(ctx, who.Merchant.ID, q))
}

func (c channels) search(ctx context.Context, who Caller, in *searchInput) (List[FriendView], error) {
	q, err := friendQuery(in.InChannel, in.Body.State, in.Body.Linked, in.Body.Cursor, in.Body.Limit)
	if err != nil {
		return List[FriendView]{}, err
	}
	return friendList(c.service.Search(ctx, who.Merchant.ID, q, in.Body.Text))
}

func friendQuery(in InChannel, state, linked, cursor string, limit int) (channel.FriendQuery, error) {
	v, err := in.Channel()
	if err != nil {
		return channel.FriendQuery{}, err
	}
	q := channel.FriendQuery{Channel: v, Status: lumo.FollowStatus(state),
		PageQuery: channel.PageQuery{Limit: limit}}
	if linked != "" {
		yes := linked == "yes"
		q.Linked = &yes
	}
	if cursor != "" {
		if q.Before, err = id.Parse(cursor); err != nil {
			return q, badCursor()
		}
	}
	return q, nil
}

func friendList(found channel.FriendList, err error) (List[FriendView], error) {
	list := List[FriendView]{Items: make([]FriendView, len(found.Items)), Total: &found.Total}
	for i, f := range found.Items {
		list.Items[i] = friendView(f)
	}
	if !found.Next.IsZero() {
		list.Next = found.Next.String()
	}
	return list, err
}

func friendView(f channel.FriendItem) FriendView {
	return FriendView{ID: f.ID.String(), Name: f.DisplayName, PictureURL: f.PictureURL,
		FollowStatus: string(f.FollowStatus), Consent: string(f.Consent), Linked: f.Linked,
		ProfileID: string(f.Profile), FollowedAt: moment(f.FollowedAt), BlockedAt: moment(f.BlockedAt),
		LastSentAt: moment(f.LastSentAt), LastClickedAt: moment(f.LastClickedAt), Language: f.Language,
		Tester: f.Tester}
}

func (c channels) friend(ctx context.Context, who Caller, in *InFriend) (FriendPageView, error) {
	v, f, err := in.Friend()
	if err != nil {
		return FriendPageView{}, err
	}
	page, err := c.service.Page(ctx, who.Merchant.ID, v, f)
	if err != nil {
		return FriendPageView{}, err
	}
	view := FriendPageView{FriendView: friendView(page.FriendItem), ConsentAt: moment(page.ConsentAt),
		ConsentSource: page.ConsentSource}
	if l := page.Link; l != nil {
		view.Link = &LinkView{ID: l.ID.String(), Method: l.Method, Assurance: string(l.Assurance),
			Evidence: l.Evidence, LinkedAt: moment(l.LinkedAt), ProfileID: string(l.Profile)}
	}
	return view, nil
}

func (c channels) timeline(ctx context.Context, who Caller, in *timelineInput) (List[EntryView], error) {
	v, f, err := in.Friend()
	if err != nil {
		return List[EntryView]{}, err
	}
	q := channel.PageQuery{Limit: in.Limit}
	if in.Cursor != "" {
		if q.At, q.Before, err = readTimeCursor(in.Cursor); err != nil {
			return List[EntryView]{}, err
		}
	}
	found, err := c.service.Timeline(ctx, who.Merchant.ID, v, f, q)
	list := List[EntryView]{Items: make([]EntryView, len(found.Items))}
	for i, e := range found.Items {
		list.Items[i] = EntryView{ID: e.ID.String(), At: moment(e.At), Kind: string(e.Kind),
			Source: e.Source, Data: e.Data, Recorded: e.Recorded}
		if e.Data == nil {
			list.Items[i].Data = map[string]any{}
		}
	}
	if !found.Next.IsZero() {
		list.Next = timeCursor(found.NextAt, found.Next)
	}
	return list, err
}

// A time cursor is the last row's time in microseconds, as the database has it, and its id.
func timeCursor(at time.Time, row id.ID) string {
	raw := binary.BigEndian.AppendUint64(nil, uint64(at.UnixMicro()))
	return base64.RawURLEncoding.EncodeToString(append(raw, row[:]...))
}

func readTimeCursor(text string) (time.Time, id.ID, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) != 8+len(id.ID{}) {
		return time.Time{}, id.ID{}, badCursor()
	}
	return time.UnixMicro(int64(binary.BigEndian.Uint64(raw))).UTC(), id.ID(raw[8:]), nil
}

func badCursor() error {
	return fault.New(fault.Invalid, "console.cursor", "This page of the list does not exist.")
}
