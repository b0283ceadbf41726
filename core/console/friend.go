package console

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
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
	Tags          []string   `json:"tags"`
}

// FriendPageView is the page of one friend, beside the timeline.
type FriendPageView struct {
	FriendView
	ConsentAt     *time.Time    `json:"consent_at,omitempty"`
	ConsentSource string        `json:"consent_source,omitempty" enum:"friend_added,unblocked,blocked,status_refresh,erased"`
	Link          *LinkView     `json:"link,omitempty"`
	Contacts      []ContactView `json:"contacts"`
	ErasedAt      *time.Time    `json:"erased_at,omitempty" doc:"nothing but this is left of an erased friend"`
}

// ContactView is a friend's own email or phone.
type ContactView struct {
	Kind   string     `json:"kind" enum:"email,phone"`
	Value  string     `json:"value"`
	Masked bool       `json:"masked"`
	Source string     `json:"source" enum:"line_login,form,csv,api"`
	At     *time.Time `json:"at"`
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
	Problem  string         `json:"problem,omitempty" doc:"why Klaviyo has it not"`
	// Messages are LINE's own, so their shape is not ours to describe.
	Messages json.RawMessage `json:"messages,omitempty" doc:"what LINE got, of what was sent; left out once it is forgotten"`
}

// MonthView is how much happened to a friend in one month.
type MonthView struct {
	Month   string     `json:"month" doc:"YYYY-MM in the merchant's time zone"`
	Entries int64      `json:"entries"`
	Until   *time.Time `json:"until" doc:"where the next month begins"`
}

// PageParams ask for one page of a list.
type PageParams struct {
	Cursor string `query:"cursor" maxLength:"80"`
	Limit  int    `query:"limit" minimum:"0" maximum:"100"`
}

// FriendFilter is what a list of friends is narrowed by: ids and fixed words only.
type FriendFilter struct {
	State   string    `query:"state" json:"state,omitempty" enum:"following,blocked,not_friend"`
	Linked  string    `query:"linked" json:"linked,omitempty" enum:"yes,no"`
	Consent string    `query:"consent" json:"consent,omitempty" enum:"given,withdrawn,unknown"`
	Tag     string    `query:"tag" json:"tag,omitempty" maxLength:"40" doc:"tag_.."`
	QRCode  string    `query:"qr_code" json:"qr_code,omitempty" maxLength:"40" doc:"qrc_.. that brought them"`
	Tester  string    `query:"tester" json:"tester,omitempty" enum:"yes"`
	From    time.Time `query:"from" json:"from,omitzero" doc:"followed at or after"`
	Until   time.Time `query:"until" json:"until,omitzero" doc:"followed before"`
}

type friendsInput struct {
	InChannel
	PageParams
	FriendFilter
}

type searchBody struct {
	FriendFilter
	Text   string `json:"text" maxLength:"200"`
	Cursor string `json:"cursor,omitempty" maxLength:"80"`
	Limit  int    `json:"limit,omitempty" minimum:"0" maximum:"100"`
}

type searchInput struct {
	InChannel
	Body searchBody
}

// CountView is how many match.
type CountView struct {
	Total int64 `json:"total"`
}

type timelineInput struct {
	InFriend
	PageParams
	Kinds []string  `query:"kinds" maxItems:"20"`
	Until time.Time `query:"until" doc:"only what happened before"`
}

type contactsInput struct {
	InFriend
	Body struct {
		Email string `json:"email,omitempty" maxLength:"254"`
		Phone string `json:"phone,omitempty" maxLength:"40"`
	}
}

type eraseInput struct {
	InFriend
	Body struct {
		Name string `json:"name" maxLength:"200" doc:"of the friend, as it is shown"`
	}
}

type customerInput struct {
	InChannel
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"254"`
	}
}

// CustomerView is a customer as Klaviyo has them now; nothing of it is kept here.
type CustomerView struct {
	ProfileID string     `json:"profile_id"`
	Name      string     `json:"name,omitempty"`
	Email     string     `json:"email,omitempty"`
	Phone     string     `json:"phone,omitempty"`
	Friend    *FriendRef `json:"friend,omitempty" doc:"who is linked to this customer already"`
}

type friends struct{ people *channel.People }

// RegisterFriends adds the operations on friends.
func RegisterFriends(a *API, p *channel.People) {
	f := friends{p}
	const all = "/merchants/{merchant}/channels/{channel}/friends"
	Register(a, Op{ID: "list-friends", Method: http.MethodGet, Path: all, Role: lumo.Viewer,
		Summary: "List friends, newest first"}, f.list)
	Register(a, Op{ID: "search-friends", Method: http.MethodPost, Path: all + "/search", Role: lumo.Viewer,
		Summary: "Find friends by name, email, phone, LINE ID or Klaviyo profile ID"}, f.search)
	Register(a, Op{ID: "count-friends", Method: http.MethodPost, Path: all + "/count", Role: lumo.Viewer,
		Summary: "Count the friends that a search finds"}, f.count)
	Register(a, Op{ID: "get-friend", Method: http.MethodGet, Path: all + "/{friend}", Role: lumo.Viewer,
		Summary: "Read a friend"}, f.get)
	Register(a, Op{ID: "get-friend-timeline", Method: http.MethodGet, Path: all + "/{friend}/timeline",
		Role: lumo.Viewer, Summary: "What happened to and by a friend, newest first"}, f.timeline)
	Register(a, Op{ID: "list-friend-months", Method: http.MethodGet, Path: all + "/{friend}/months",
		Role: lumo.Viewer, Summary: "The months in which something happened"}, f.months)
	Register(a, Op{ID: "set-friend-contacts", Method: http.MethodPost, Path: all + "/{friend}/contacts",
		Role: lumo.Marketer, Summary: "Store a friend's own email or phone"}, f.contacts)
	Register(a, Op{ID: "reveal-friend", Method: http.MethodPost, Path: all + "/{friend}/reveal",
		Role: lumo.Viewer, Secret: true, Summary: "Show a friend's own email and phone whole; recorded"}, f.reveal)
	Register(a, Op{ID: "erase-friend", Method: http.MethodPost, Path: all + "/{friend}/erase",
		Role: lumo.Admin, Summary: "Erase a person everywhere"}, f.erase)
	Register(a, Op{ID: "find-customer", Method: http.MethodPost, Path: "/merchants/{merchant}/channels/{channel}/customers/find",
		Role: lumo.Marketer, Summary: "Find the Klaviyo customer with exactly this email, phone or profile ID"}, f.customer)
	f.registerBulk(a, all)
	f.registerFiles(a, all)
}

func (f friends) list(ctx context.Context, who Caller, in *friendsInput) (List[FriendView], error) {
	q, err := in.FriendFilter.query(in.InChannel, in.Cursor, in.Limit)
	if err != nil {
		return List[FriendView]{}, err
	}
	return friendList(f.people.Friends(ctx, who.Merchant.ID, q))
}

func (f friends) search(ctx context.Context, who Caller, in *searchInput) (List[FriendView], error) {
	q, err := in.Body.query(in.InChannel, in.Body.Cursor, in.Body.Limit)
	if err != nil {
		return List[FriendView]{}, err
	}
	return friendList(f.people.Search(ctx, who.Merchant.ID, q, in.Body.Text))
}

func (f friends) customer(ctx context.Context, who Caller, in *customerInput) (CustomerView, error) {
	c, err := in.Channel()
	if err != nil {
		return CustomerView{}, err
	}
	found, err := f.people.FindCustomer(ctx, who.Merchant.ID, c, in.Body.Text)
	view := CustomerView{ProfileID: string(found.ID), Name: fullName(found.Profile), Email: found.Email,
		Phone: found.Phone}
	if found.Friend != nil {
		view.Friend = &FriendRef{ID: found.Friend.ID.String(), Name: found.Friend.DisplayName}
	}
	return view, err
}

func (f friends) count(ctx context.Context, who Caller, in *searchInput) (CountView, error) {
	q, err := in.Body.query(in.InChannel, "", 0)
	if err != nil {
		return CountView{}, err
	}
	n, err := f.people.CountFound(ctx, who.Merchant.ID, q, in.Body.Text)
	return CountView{Total: n}, err
}

func (in FriendFilter) query(at InChannel, cursor string, limit int) (channel.FriendQuery, error) {
	v, err := at.Channel()
	if err != nil {
		return channel.FriendQuery{}, err
	}
	q := channel.FriendQuery{Channel: v, Status: lumo.FollowStatus(in.State), Consent: lumo.Consent(in.Consent),
		Tester: in.Tester == "yes", From: in.From, Until: in.Until, PageQuery: channel.PageQuery{Limit: limit}}
	if in.Linked != "" {
		yes := in.Linked == "yes"
		q.Linked = &yes
	}
	if in.Tag != "" {
		tag, err := outside(id.Tag, in.Tag)
		if err != nil {
			return q, err
		}
		q.Tag = lumo.TagID(tag)
	}
	if in.QRCode != "" {
		code, err := outside(id.QRCode, in.QRCode)
		if err != nil {
			return q, err
		}
		q.Code = lumo.CodeID(code)
	}
	switch {
	case cursor == "":
	case q.ByTime():
		q.At, q.Before, err = readTimeCursor(cursor)
	default:
		if q.Before, err = id.Parse(cursor); err != nil {
			err = badCursor()
		}
	}
	return q, err
}

func friendList(found channel.FriendList, err error) (List[FriendView], error) {
	list := List[FriendView]{Items: make([]FriendView, len(found.Items)), Total: found.Total}
	for i, f := range found.Items {
		list.Items[i] = friendView(f)
	}
	switch {
	case found.Next.IsZero():
	case found.NextAt.IsZero():
		list.Next = found.Next.String()
	default:
		list.Next = timeCursor(found.NextAt, found.Next)
	}
	return list, err
}

func friendView(f channel.FriendItem) FriendView {
	v := FriendView{ID: f.ID.String(), Name: f.DisplayName, PictureURL: f.PictureURL,
		FollowStatus: string(f.FollowStatus), Consent: string(f.Consent), Linked: f.Linked,
		ProfileID: string(f.Profile), FollowedAt: moment(f.FollowedAt), BlockedAt: moment(f.BlockedAt),
		LastSentAt: moment(f.LastSentAt), LastClickedAt: moment(f.LastClickedAt), Language: f.Language,
		Tester: f.Tester, Tags: make([]string, len(f.Tags))}
	for i, t := range f.Tags {
		v.Tags[i] = t.String()
	}
	return v
}

func (f friends) get(ctx context.Context, who Caller, in *InFriend) (FriendPageView, error) {
	v, friend, err := in.Friend()
	if err != nil {
		return FriendPageView{}, err
	}
	page, err := f.people.Page(ctx, who.Merchant.ID, v, friend)
	if err != nil {
		return FriendPageView{}, err
	}
	view := FriendPageView{FriendView: friendView(page.FriendItem), ConsentAt: moment(page.ConsentAt),
		ConsentSource: page.ConsentSource, ErasedAt: moment(page.ErasedAt),
		Contacts: contactViews(page.Contacts, who.Member.Role == lumo.Viewer)}
	if l := page.Link; l != nil {
		view.Link = &LinkView{ID: l.ID.String(), Method: l.Method, Assurance: string(l.Assurance),
			Evidence: l.Evidence, LinkedAt: moment(l.LinkedAt), ProfileID: string(l.Profile)}
	}
	if view.ErasedAt != nil {
		view.FollowStatus, view.Consent, view.ConsentSource = "not_friend", "withdrawn", "erased"
	}
	return view, nil
}

func contactViews(all []channel.OwnContact, masked bool) []ContactView {
	out := make([]ContactView, len(all))
	for i, c := range all {
		out[i] = ContactView{Kind: string(c.Kind), Value: c.Value, Source: c.Source, At: moment(c.At), Masked: masked}
		if masked {
			out[i].Value = channel.Masked(c)
		}
	}
	return out
}

func (f friends) timeline(ctx context.Context, who Caller, in *timelineInput) (List[EntryView], error) {
	v, friend, err := in.Friend()
	if err != nil {
		return List[EntryView]{}, err
	}
	q := channel.TimelineQuery{PageQuery: channel.PageQuery{Limit: in.Limit, At: in.Until}, Kinds: in.Kinds}
	if in.Cursor != "" {
		if q.At, q.Before, err = readTimeCursor(in.Cursor); err != nil {
			return List[EntryView]{}, err
		}
	}
	found, err := f.people.Timeline(ctx, who.Merchant.ID, v, friend, q)
	if err != nil {
		return List[EntryView]{}, err
	}
	list := List[EntryView]{Items: make([]EntryView, len(found.Items))}
	for i, e := range found.Items {
		list.Items[i] = EntryView{ID: e.ID.String(), At: moment(e.At), Kind: string(e.Kind),
			Source: e.Source, Data: e.Data, Recorded: e.Recorded, Problem: e.Problem}
		if e.Data == nil {
			list.Items[i].Data = map[string]any{}
		}
		if list.Items[i].Messages, err = messagesOf(e.Sent); err != nil {
			return list, err
		}
	}
	if !found.Next.IsZero() {
		list.Next = timeCursor(found.NextAt, found.Next)
	}
	return list, err
}

func (f friends) months(ctx context.Context, who Caller, in *InFriend) (List[MonthView], error) {
	v, friend, err := in.Friend()
	if err != nil {
		return List[MonthView]{}, err
	}
	found, err := f.people.Months(ctx, who.Merchant.ID, v, friend)
	list := List[MonthView]{Items: make([]MonthView, len(found))}
	for i, m := range found {
		list.Items[i] = MonthView{Month: m.Name, Entries: m.Entries, Until: moment(m.End)}
	}
	return list, err
}

func (f friends) contacts(ctx context.Context, who Caller, in *contactsInput) (FriendPageView, error) {
	v, friend, err := in.Friend()
	if err != nil {
		return FriendPageView{}, err
	}
	err = f.people.SetContacts(ctx, who.Merchant.ID, v, friend, actor(who),
		channel.Told{Email: in.Body.Email, Phone: in.Body.Phone, Source: channel.ContactAPI})
	if err != nil {
		return FriendPageView{}, err
	}
	return f.get(ctx, who, &in.InFriend)
}

func (f friends) reveal(ctx context.Context, who Caller, in *InFriend) (List[ContactView], error) {
	v, friend, err := in.Friend()
	if err != nil {
		return List[ContactView]{}, err
	}
	all, err := f.people.Reveal(ctx, who.Merchant.ID, v, friend, actor(who))
	return List[ContactView]{Items: contactViews(all, false)}, err
}

func (f friends) erase(ctx context.Context, who Caller, in *eraseInput) (None, error) {
	v, friend, err := in.Friend()
	if err != nil {
		return None{}, err
	}
	return None{}, f.people.Erase(ctx, who.Merchant.ID, v, friend, actor(who), in.Body.Name)
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
