package console

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"lumo/core/channel"
	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/run"
	"lumo/shared/fault"
)

// SegmentView is a segment in Klaviyo.
type SegmentView struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// PropertyView is a property of customers that may hold LINE ids.
type PropertyView struct {
	Name    string   `json:"name"`
	Samples []string `json:"samples" doc:"up to three values, shortened"`
	LineIDs int      `json:"line_ids" doc:"how many of the customers looked at have a LINE id there"`
	Looked  int      `json:"looked"`
}

// ImportView is a check with what followed from it.
type ImportView struct {
	ID          string     `json:"id" doc:"of the check: imp_.."`
	Kind        string     `json:"kind" enum:"import_check,auto_check"`
	SegmentID   string     `json:"segment_id,omitempty"`
	SegmentName string     `json:"segment_name,omitempty"`
	Property    string     `json:"property,omitempty"`
	Email       bool       `json:"email" doc:"friends' own emails were looked up"`
	Phone       bool       `json:"phone" doc:"friends' own phones were looked up"`
	Check       RunView    `json:"check"`
	Doubtful    bool       `json:"doubtful" doc:"over 90 % of the ids are not reachable: probably another provider's"`
	MayLink     bool       `json:"may_link"`
	Link        *RunView   `json:"link,omitempty"`
	MayUndo     bool       `json:"may_undo"`
	UndoUntil   *time.Time `json:"undo_until,omitempty"`
	Undo        *RunView   `json:"undo,omitempty"`
}

// ImportItemView is one customer or friend of a check, an import or its undoing.
type ImportItemView struct {
	N         int64      `json:"n"`
	Result    string     `json:"result" enum:"will_link,already,malformed,unreachable,review,unknown,empty,left,nobody,linked,undone,kept,erased"`
	ProfileID string     `json:"profile_id,omitempty"`
	Name      string     `json:"name,omitempty" doc:"of the customer, as Klaviyo has it now"`
	Friend    *FriendRef `json:"friend,omitempty"`
	Claim     string     `json:"claim,omitempty" enum:"email,phone" doc:"what fits"`
}

// NormalisedView is a value as somebody writes it, and as it is compared.
type NormalisedView struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

// AutomaticView is by what friends are linked by themselves on a LINE account.
type AutomaticView struct {
	Email    bool             `json:"email"`
	Phone    bool             `json:"phone"`
	AskEmail bool             `json:"ask_email" doc:"LINE Login asks for the email; only where LINE allowed the login channel to"`
	Country  string           `json:"country" doc:"how numbers without a country are read"`
	Examples []NormalisedView `json:"examples"`
}

type importsInput struct {
	InChannel
	SegmentID string `path:"segment"`
}

type importCheckInput struct {
	InChannel
	Body struct {
		Segment     string `json:"segment" maxLength:"64"`
		SegmentName string `json:"segment_name,omitempty" maxLength:"200"`
		Property    string `json:"property" maxLength:"200"`
	}
}

// CustomerNameView is what a customer is called in Klaviyo now; nothing of it is kept here.
type CustomerNameView struct {
	ProfileID string `json:"profile_id"`
	Name      string `json:"name"`
}

type namesInput struct {
	InChannel
	Body struct {
		Profiles []lumo.ProfileID `json:"profiles" minItems:"1" maxItems:"100"`
	}
}

// InResult is the input of operations on whom a run was about.
type InResult struct {
	InRun
	Result string `query:"result" maxLength:"20" doc:"left out = all"`
}

type itemsInput struct {
	InResult
	Cursor string `query:"cursor" maxLength:"20"`
	Limit  int    `query:"limit" minimum:"0" maximum:"100"`
}

type automaticInput struct {
	InChannel
	Body struct {
		Email    bool `json:"email"`
		Phone    bool `json:"phone"`
		AskEmail bool `json:"ask_email"`
	}
}

type automaticCheckInput struct {
	InChannel
	Body struct {
		Email bool `json:"email"`
		Phone bool `json:"phone"`
	}
}

// ImportParts are what the operations on imports need.
type ImportParts struct {
	Imports *linkage.Importer
	Runs    *run.Service
	Members Finder
}

// RegisterImports adds the operations on imports of LINE ids and on automatic linking.
func RegisterImports(a *API, p ImportParts) {
	const one = "/merchants/{merchant}/channels/{channel}"
	const of = one + "/imports/{run}"
	Register(a, Op{ID: "list-import-segments", Method: http.MethodGet, Path: one + "/imports/segments",
		Role: lumo.Viewer, Summary: "List the segments of the Klaviyo account"}, p.segments)
	Register(a, Op{ID: "list-import-properties", Method: http.MethodGet, Path: one + "/imports/segments/{segment}/properties",
		Role: lumo.Viewer, Summary: "Suggest which property holds the LINE ids"}, p.properties)
	Register(a, Op{ID: "list-imports", Method: http.MethodGet, Path: one + "/imports", Role: lumo.Viewer,
		Summary: "List checks of LINE ids with what followed, newest first"}, p.list)
	Register(a, Op{ID: "check-import", Method: http.MethodPost, Path: one + "/imports", Role: lumo.Marketer,
		Status: http.StatusAccepted, Summary: "Check first: what importing LINE ids would do. Changes nothing"}, p.check)
	Register(a, Op{ID: "get-import", Method: http.MethodGet, Path: of, Role: lumo.Viewer,
		Summary: "Read a check with what followed from it"}, p.get)
	Register(a, Op{ID: "list-import-people", Method: http.MethodGet, Path: of + "/people", Role: lumo.Viewer,
		Summary: "Whom a check, an import or its undoing was about"}, p.people)
	for _, step := range []struct {
		verb, summary string
		do            func(context.Context, lumo.MerchantID, lumo.ChannelID, lumo.RunID, lumo.MemberID) (run.Run, error)
	}{
		{"probe", "Ask LINE about ids that nobody here is known by", p.Imports.Probe},
		{"link", "Link whom a check found", p.Imports.Link},
		{"undo", "Undo an import: links that it made and nobody changed since", p.undo},
	} {
		Register(a, Op{ID: step.verb + "-import", Method: http.MethodPost, Path: of + "/" + step.verb, Role: lumo.Marketer,
			Status: http.StatusAccepted, Summary: step.summary}, func(ctx context.Context, who Caller, in *InRun) (RunView, error) {
			c, v, err := in.run()
			if err != nil {
				return RunView{}, err
			}
			if err := p.mayManage(ctx, who, c, v); err != nil {
				return RunView{}, err
			}
			r, err := step.do(ctx, who.Merchant.ID, c, v, who.Member.ID)
			return runView(ctx, p.Members, r, run.Run{}), err
		})
	}
	Register(a, Op{ID: "name-customers", Method: http.MethodPost, Path: one + "/customers/names", Role: lumo.Viewer,
		Summary: "What customers are called in Klaviyo; who has no name there is left out"}, p.names)
	RegisterFile(a, Op{ID: "export-import-people", Method: http.MethodGet, Path: of + "/people.csv", Role: lumo.Viewer,
		Summary: "Whom a check, an import or its undoing was about, as a CSV file"}, spreadsheet, p.export(a))
	p.registerAutomatic(a, one)
}

func (p ImportParts) registerAutomatic(a *API, one string) {
	const auto = "/automatic"
	Register(a, Op{ID: "get-automatic-linking", Method: http.MethodGet, Path: one + auto, Role: lumo.Viewer,
		Summary: "By what friends are linked by themselves"}, p.automatic)
	RegisterEdit(a, Op{ID: "update-automatic-linking", Method: http.MethodPut, Path: one + auto, Role: lumo.Admin,
		Summary: "Turn a kind off, or let LINE Login ask for the email. A check turns a kind on"}, p.readAutomatic,
		p.setAutomatic)
	Register(a, Op{ID: "check-automatic-linking", Method: http.MethodPost, Path: one + auto + "/check", Role: lumo.Admin,
		Status: http.StatusAccepted, Summary: "Check first: whom automatic linking would link. Changes nothing"}, p.autoCheck)
	Register(a, Op{ID: "list-automatic-checks", Method: http.MethodGet, Path: one + auto + "/checks", Role: lumo.Viewer,
		Summary: "List checks of automatic linking with what followed, newest first"}, p.autoList)
	Register(a, Op{ID: "turn-on-automatic-linking", Method: http.MethodPost, Path: one + auto + "/checks/{run}/turn_on",
		Role: lumo.Admin, Status: http.StatusAccepted, Summary: "Link whom a check found, and whoever fits from now on"}, p.turnOn)
}

// mayManage keeps what automatic linking found for owners and admins.
func (p ImportParts) mayManage(ctx context.Context, who Caller, c lumo.ChannelID, v lumo.RunID) error {
	i, err := p.Imports.Import(ctx, who.Merchant.ID, c, v)
	if err == nil && i.Check.Kind == linkage.RunAutoCheck && !manages(who) {
		err = fault.New(fault.Forbidden, "console.mayManage", "Your role does not allow this. An owner or admin can do it.")
	}
	return err
}

func manages(who Caller) bool {
	return who.Member.Role == lumo.Owner || who.Member.Role == lumo.Admin
}

func (p ImportParts) segments(ctx context.Context, who Caller, in *InChannel) (List[SegmentView], error) {
	c, err := in.Channel()
	if err != nil {
		return List[SegmentView]{}, err
	}
	found, err := p.Imports.Segments(ctx, who.Merchant.ID, c)
	list := List[SegmentView]{Items: make([]SegmentView, len(found))}
	for n, s := range found {
		list.Items[n] = SegmentView(s)
	}
	return list, err
}

func (p ImportParts) properties(ctx context.Context, who Caller, in *importsInput) (List[PropertyView], error) {
	c, err := in.Channel()
	if err != nil {
		return List[PropertyView]{}, err
	}
	found, err := p.Imports.Properties(ctx, who.Merchant.ID, c, in.SegmentID)
	list := List[PropertyView]{Items: make([]PropertyView, len(found))}
	for n, f := range found {
		list.Items[n] = PropertyView(f)
	}
	return list, err
}

func (p ImportParts) names(ctx context.Context, who Caller, in *namesInput) (List[CustomerNameView], error) {
	c, err := in.Channel()
	if err != nil {
		return List[CustomerNameView]{}, err
	}
	names, err := p.Imports.Names(ctx, who.Merchant.ID, c, in.Body.Profiles)
	list := List[CustomerNameView]{Items: []CustomerNameView{}}
	for _, v := range in.Body.Profiles {
		if names[v] != "" {
			list.Items = append(list.Items, CustomerNameView{ProfileID: string(v), Name: names[v]})
		}
	}
	return list, err
}

func (p ImportParts) check(ctx context.Context, who Caller, in *importCheckInput) (RunView, error) {
	c, err := in.Channel()
	if err != nil {
		return RunView{}, err
	}
	r, err := p.Imports.Check(ctx, who.Merchant.ID, c, who.Member.ID,
		linkage.Segment{ID: in.Body.Segment, Name: in.Body.SegmentName}, in.Body.Property)
	return runView(ctx, p.Members, r, run.Run{}), err
}

func (p ImportParts) list(ctx context.Context, who Caller, in *InChannel) (List[ImportView], error) {
	return p.listed(ctx, who, in, linkage.RunCheck)
}

func (p ImportParts) autoList(ctx context.Context, who Caller, in *InChannel) (List[ImportView], error) {
	return p.listed(ctx, who, in, linkage.RunAutoCheck)
}

func (p ImportParts) listed(ctx context.Context, who Caller, in *InChannel, kind string) (List[ImportView], error) {
	const most = 20
	c, err := in.Channel()
	if err != nil {
		return List[ImportView]{}, err
	}
	all, err := p.Runs.Runs(ctx, who.Merchant.ID, c, kind)
	if err != nil {
		return List[ImportView]{}, err
	}
	list := List[ImportView]{}
	for _, r := range all[:min(len(all), most)] {
		view, err := p.view(ctx, who, c, r.ID)
		if err != nil {
			return list, err
		}
		list.Items = append(list.Items, view)
	}
	total := int64(len(list.Items))
	list.Total = &total
	return list, nil
}

func (p ImportParts) get(ctx context.Context, who Caller, in *InRun) (ImportView, error) {
	c, v, err := in.run()
	if err != nil {
		return ImportView{}, err
	}
	return p.view(ctx, who, c, v)
}

func (p ImportParts) view(ctx context.Context, who Caller, c lumo.ChannelID, v lumo.RunID) (ImportView, error) {
	i, err := p.Imports.Import(ctx, who.Merchant.ID, c, v)
	if err != nil {
		return ImportView{}, err
	}
	segment, property := linkage.SegmentOf(i.Check)
	view := ImportView{ID: i.Check.ID.String(), Kind: i.Check.Kind, SegmentID: segment.ID, SegmentName: segment.Name,
		Property: property, Doubtful: linkage.Doubtful(i.Check), MayLink: i.MayLink, MayUndo: i.MayUndo}
	view.Email, view.Phone = linkage.Checks(i.Check)
	if i.Check.Kind == linkage.RunAutoCheck && !manages(who) {
		view.MayLink, view.MayUndo = false, false
	}
	if view.Check, err = waitingView(ctx, p.Runs, p.Members, i.Check); err != nil {
		return view, err
	}
	if i.MayUndo {
		view.UndoUntil = moment(linkage.UndoUntil(*i.Link))
	}
	for _, one := range []struct {
		of *run.Run
		to **RunView
	}{{i.Link, &view.Link}, {i.Undo, &view.Undo}} {
		if one.of == nil {
			continue
		}
		v, err := waitingView(ctx, p.Runs, p.Members, *one.of)
		if err != nil {
			return view, err
		}
		*one.to = &v
	}
	return view, nil
}

// undo takes the import back that followed from a check.
func (p ImportParts) undo(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, check lumo.RunID,
	by lumo.MemberID) (run.Run, error) {
	i, err := p.Imports.Import(ctx, m, c, check)
	if err == nil && i.Link == nil {
		err = fault.New(fault.Conflict, "console.undo", "Nothing was linked yet.")
	}
	if err != nil {
		return run.Run{}, err
	}
	return p.Imports.Undo(ctx, m, c, i.Link.ID, by)
}

func (p ImportParts) people(ctx context.Context, who Caller, in *itemsInput) (List[ImportItemView], error) {
	const usual = 50
	c, v, err := in.run()
	if err != nil {
		return List[ImportItemView]{}, err
	}
	after, _ := strconv.ParseInt(in.Cursor, 10, 64)
	limit := in.Limit
	if limit <= 0 {
		limit = usual
	}
	found, err := p.Imports.People(ctx, who.Merchant.ID, c, v, linkage.ItemResult(in.Result), after, limit+1)
	list := List[ImportItemView]{}
	for n, i := range found {
		if n == limit {
			list.Next = strconv.FormatInt(found[n-1].N, 10)
			break
		}
		list.Items = append(list.Items, itemView(i))
	}
	if err == nil {
		err = p.countPeople(ctx, who, c, v, in.Result, &list)
	}
	return list, err
}

// countPeople tells how many there are of a result, as the run counted them.
func (p ImportParts) countPeople(ctx context.Context, who Caller, c lumo.ChannelID, v lumo.RunID, result string,
	list *List[ImportItemView]) error {
	r, err := p.Runs.Run(ctx, who.Merchant.ID, c, v)
	total := r.Done
	if result != "" {
		total = r.Counts[result]
	}
	list.Total = &total
	return err
}

func itemView(i linkage.ListedItem) ImportItemView {
	view := ImportItemView{N: i.N, Result: string(i.Result), ProfileID: string(i.Profile), Name: i.CustomerName}
	if i.Claim == linkage.ClaimEmail || i.Claim == linkage.ClaimPhone {
		view.Claim = string(i.Claim)
	}
	if i.Friend != (lumo.FriendID{}) {
		view.Friend = &FriendRef{ID: i.Friend.String(), Name: i.FriendName}
	}
	return view
}

// export streams all people of a result, however many. LINE ids, emails and phones are in no
// file: the customer's id leads to them in Klaviyo.
func (p ImportParts) export(a *API) Handler[InResult, File] {
	return func(ctx context.Context, who Caller, in *InResult) (File, error) {
		c, v, err := in.run()
		if err == nil {
			_, err = p.Runs.Run(ctx, who.Merchant.ID, c, v)
		}
		if err != nil {
			return nil, err
		}
		head := []string{"n", "result", "klaviyo_profile", "friend", "name", "matched_by"}
		return a.csvFile("import.csv", head, func(page func([][]string) error) error {
			return p.Imports.Each(ctx, who.Merchant.ID, c, v, linkage.ItemResult(in.Result), func(items []linkage.ListedItem) error {
				lines := make([][]string, len(items))
				for n, i := range items {
					lines[n] = itemLine(itemView(i))
				}
				return page(lines)
			})
		}), nil
	}
}

func itemLine(v ImportItemView) []string {
	line := []string{strconv.FormatInt(v.N, 10), v.Result, harmless(v.ProfileID), "", "", v.Claim}
	if v.Friend != nil {
		line[3], line[4] = v.Friend.ID, harmless(v.Friend.Name)
	}
	return line
}

func (p ImportParts) automatic(ctx context.Context, who Caller, in *InChannel) (AutomaticView, error) {
	c, err := in.Channel()
	if err != nil {
		return AutomaticView{}, err
	}
	a, err := p.Imports.Automatic(ctx, who.Merchant.ID, c)
	return automaticView(a, who), err
}

func automaticView(a linkage.Automatic, who Caller) AutomaticView {
	view := AutomaticView{Email: a.Email, Phone: a.Phone, AskEmail: a.AskEmail, Country: who.Merchant.Country}
	for _, before := range []string{" Yuki@Shop.Example", localNumber(who.Merchant.Country), "+81 90-1234-5678"} {
		after := channel.Email(before)
		if after == "" {
			after = channel.Phone(before, who.Merchant.Country)
		}
		view.Examples = append(view.Examples, NormalisedView{Before: before, After: after})
	}
	return view
}

// localNumber is a mobile number as people of a country write it.
func localNumber(country string) string {
	switch country {
	case "TW":
		return "0912 345 678"
	case "TH":
		return "081 234 5678"
	case "JP":
		return "090-1234-5678"
	}
	return "+1 (202) 555-0142"
}

func (p ImportParts) readAutomatic(ctx context.Context, who Caller, in *automaticInput) (AutomaticView, error) {
	return p.automatic(ctx, who, &in.InChannel)
}

func (p ImportParts) setAutomatic(ctx context.Context, who Caller, in *automaticInput) (AutomaticView, error) {
	c, err := in.Channel()
	if err != nil {
		return AutomaticView{}, err
	}
	a, err := p.Imports.SetAutomatic(ctx, who.Merchant.ID, c, who.Member.ID, linkage.Automatic(in.Body))
	return automaticView(a, who), err
}

func (p ImportParts) autoCheck(ctx context.Context, who Caller, in *automaticCheckInput) (RunView, error) {
	c, err := in.Channel()
	if err != nil {
		return RunView{}, err
	}
	r, err := p.Imports.CheckAutomatic(ctx, who.Merchant.ID, c, who.Member.ID, in.Body.Email, in.Body.Phone)
	return runView(ctx, p.Members, r, run.Run{}), err
}

func (p ImportParts) turnOn(ctx context.Context, who Caller, in *InRun) (RunView, error) {
	c, v, err := in.run()
	if err != nil {
		return RunView{}, err
	}
	r, err := p.Imports.TurnOn(ctx, who.Merchant.ID, c, v, who.Member.ID)
	return runView(ctx, p.Members, r, run.Run{}), err
}
