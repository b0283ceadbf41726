package console

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/core/tracking"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const dayForm = "2006-01-02"

// SumsView are what happened to messages.
type SumsView struct {
	Sent     int64 `json:"sent"`
	Failed   int64 `json:"failed"`
	NotSent  int64 `json:"not_sent"`
	Opened   int64 `json:"opened" doc:"estimated: a picture of the message was loaded or a link tapped"`
	Clicks   int64 `json:"clicks" doc:"each tap; repeats within ten seconds once"`
	Raw      int64 `json:"raw_clicks" doc:"every request for a tracked link, machines too"`
	Suspect  int64 `json:"suspect_clicks" doc:"left out of clicks: all links of a message were followed within seconds, most likely by a machine"`
	Clickers int64 `json:"clickers" doc:"once per send and link"`
}

// StatisticsView are a LINE account's figures, or those of all of a merchant's.
type StatisticsView struct {
	From          string            `json:"from"`
	To            string            `json:"to"`
	TimeZone      string            `json:"time_zone"`
	OpensMeasured bool              `json:"opens_measured"`
	Total         SumsView          `json:"total"`
	Accounts      []AccountSumsView `json:"accounts" doc:"of each LINE account, where all were asked for"`
	Days          []DaySumsView     `json:"days"`
	Messages      []MessageSumsView `json:"messages"`
	Reasons       []ReasonSumsView  `json:"reasons" doc:"why messages were not sent, or failed"`
	Links         []LinkSumsView    `json:"links"`
	Codes         []CodeSumsView    `json:"codes"`
	Hours         []HourSumsView    `json:"hours" doc:"when in the week people clicked; hours without clicks are left out"`
}

// AccountSumsView are the figures of one LINE account.
type AccountSumsView struct {
	Channel string `json:"channel"`
	Name    string `json:"name"`
	SumsView
}

// DaySumsView are the figures of one day.
type DaySumsView struct {
	Day string `json:"day"`
	SumsView
}

// MessageSumsView are the figures of one message; without id = texts written in Klaviyo.
type MessageSumsView struct {
	Channel string           `json:"channel,omitempty" doc:"whose it is, where all LINE accounts were asked for"`
	ID      string           `json:"id,omitempty"`
	Name    string           `json:"name,omitempty"`
	LINE    *LineFiguresView `json:"line,omitempty"`
	SumsView
}

// LineFiguresView are LINE's own figures; one left out is hidden by LINE, because fewer than
// 20 people did it.
type LineFiguresView struct {
	Opened  *int64     `json:"opened,omitempty"`
	Clicked *int64     `json:"clicked,omitempty"`
	ReadAt  *time.Time `json:"read_at"`
}

// ReasonSumsView are how many were not sent, or failed, for a reason.
type ReasonSumsView struct {
	Of     string `json:"of" enum:"not_sent,failed"`
	Reason string `json:"reason"`
	Count  int64  `json:"count"`
}

// LinkSumsView are the figures of one address.
type LinkSumsView struct {
	Channel  string `json:"channel,omitempty" doc:"whose it is, where all LINE accounts were asked for"`
	Number   int64  `json:"number" doc:"of the link on its account"`
	Target   string `json:"target"`
	Clicks   int64  `json:"clicks"`
	Raw      int64  `json:"raw_clicks"`
	Suspect  int64  `json:"suspect_clicks"`
	Clickers int64  `json:"clickers"`
}

// CodeSumsView are the figures of a custom QR code.
type CodeSumsView struct {
	Channel string `json:"channel,omitempty" doc:"whose it is, where all LINE accounts were asked for"`
	ID      string `json:"id"`
	Name    string `json:"name"`
	Scans   int64  `json:"scans"`
	Friends int64  `json:"friends" doc:"new ones"`
	Links   int64  `json:"links"`
}

// HourSumsView are the clicks of an hour of the week.
type HourSumsView struct {
	Weekday int   `json:"weekday" doc:"1 = Monday, 7 = Sunday, in the merchant's time zone"`
	Hour    int   `json:"hour" doc:"0 to 23"`
	Clicks  int64 `json:"clicks"`
}

// PersonBehindView is somebody behind a figure. Who was not sent a message may be no friend.
type PersonBehindView struct {
	ID         string         `json:"id" doc:"of the person in this list"`
	Friend     *RefView       `json:"friend,omitempty"`
	ProfileID  string         `json:"profile_id,omitempty" doc:"at Klaviyo, of who is no friend"`
	Count      int64          `json:"count"`
	LastAt     *time.Time     `json:"last_at"`
	Reason     string         `json:"reason,omitempty" doc:"of the last time"`
	ReasonData map[string]any `json:"reason_data,omitempty"`
	Request    string         `json:"request,omitempty" doc:"req_.. of the last time, while it is kept"`
}

// InDays is a range of days, both included.
type InDays struct {
	From string `query:"from" format:"date" doc:"first day, in the merchant's time zone; left out = 30 days in all"`
	To   string `query:"to" format:"date" doc:"last day, at most 400 in all; left out = today"`
}

type statisticsQuery struct {
	InChannel
	InDays
}

type togetherQuery struct {
	InMerchant
	InDays
}

// direct stands for the texts written in Klaviyo, where a message is asked for.
const direct = "direct"

type peopleInput struct {
	InChannel
	InDays
	PageParams
	Of      string `query:"of" required:"true" enum:"sent,not_sent,failed,opened,clicked,joined,linked" doc:"joined, linked: by a QR code"`
	Message string `query:"message" maxLength:"40" doc:"msg_..; direct = texts written in Klaviyo"`
	Link    int64  `query:"link" minimum:"0" maximum:"4294967295" doc:"number of a link"`
	Code    string `query:"qr_code" maxLength:"40" doc:"qrc_.."`
	Reason  string `query:"reason" maxLength:"40" doc:"only not sent, or failed, for this one"`
}

type tableInput struct {
	InChannel
	InDays
	By string `query:"by" required:"true" enum:"day,message,reason,link,code" doc:"which table"`
}

type allTablesInput struct {
	InMerchant
	InDays
	By string `query:"by" required:"true" enum:"account,day,message,reason,link,code" doc:"which table"`
}

type figuresInput struct {
	InMessage
	InDays
}

// StatisticsParts is what the statistics screens are made of.
type StatisticsParts struct {
	Reports  *tracking.Reports
	Channels interface {
		Get(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (lumo.Channel, error)
		Channels(ctx context.Context, m lumo.MerchantID) ([]channel.Channel, error)
	}
	Now func() time.Time
}

// RegisterStatistics adds statistics.
func RegisterStatistics(a *API, p StatisticsParts) {
	const path = "/merchants/{merchant}/channels/{channel}"
	Register(a, Op{ID: "get-statistics", Method: http.MethodGet, Path: path + "/statistics", Role: lumo.Viewer,
		Summary: "Read what was sent, opened and clicked: by day, message and link"}, p.statistics)
	Register(a, Op{ID: "list-people-behind-figure", Method: http.MethodGet, Path: path + "/statistics/people",
		Role: lumo.Viewer, Summary: "List who stands behind a figure, and how often"}, p.people)
	Register(a, Op{ID: "ask-line-figures", Method: http.MethodPost, Path: path + "/messages/{message}/line_figures",
		Role: lumo.Viewer, Summary: "Read LINE's own figures of a message, at most once an hour"}, p.askLINE)
	Register(a, Op{ID: "get-all-statistics", Method: http.MethodGet, Path: "/merchants/{merchant}/statistics", Role: lumo.Viewer,
		Summary: "Read the figures of all LINE accounts, added up and of each"}, p.together)
	RegisterFile(a, Op{ID: "export-all-statistics", Method: http.MethodGet, Path: "/merchants/{merchant}/statistics.csv",
		Role: lumo.Viewer, Summary: "One of the tables of all LINE accounts' statistics as a CSV file"}, spreadsheet,
		p.togetherCSV(a))
	RegisterFile(a, Op{ID: "export-statistics", Method: http.MethodGet, Path: path + "/statistics.csv", Role: lumo.Viewer,
		Summary: "One of the tables of the statistics as a CSV file"}, spreadsheet, p.csv(a))
}

func (in InDays) days(who Caller, now time.Time) (d tracking.Days, err error) {
	zone, err := time.LoadLocation(who.Merchant.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	year, month, day := now.In(zone).Date()
	if d.To, err = dayOr("to", in.To, time.Date(year, month, day, 0, 0, 0, 0, time.UTC)); err != nil {
		return d, err
	}
	d.From, err = dayOr("from", in.From, d.To.AddDate(0, 0, -29))
	return d, err
}

// dayOr reads a day, or takes another one where none is given.
func dayOr(field, text string, other time.Time) (time.Time, error) {
	if text == "" {
		return other, nil
	}
	day, err := time.Parse(dayForm, text)
	if err != nil {
		return day, &fault.Error{Kind: fault.Invalid, Op: "console.days",
			Fields: map[string]string{field: "A day is written like 2026-11-24."}}
	}
	return day, nil
}

func (p StatisticsParts) read(ctx context.Context, who Caller, in statisticsQuery) (v StatisticsView, err error) {
	c, err := in.Channel()
	if err != nil {
		return v, err
	}
	account, err := p.Channels.Get(ctx, who.Merchant.ID, c)
	if err != nil {
		return v, err
	}
	d, err := in.days(who, p.Now())
	if err != nil {
		return v, err
	}
	s, err := p.Reports.Statistics(ctx, who.Merchant.ID, c, d)
	v = statisticsView(who, d, s)
	v.OpensMeasured = account.OpensMeasured
	return v, err
}

// readAll reads the figures of all LINE accounts. Openings count where one of them measures them.
func (p StatisticsParts) readAll(ctx context.Context, who Caller, in InDays) (v StatisticsView, err error) {
	channels, err := p.Channels.Channels(ctx, who.Merchant.ID)
	if err != nil {
		return v, err
	}
	d, err := in.days(who, p.Now())
	if err != nil {
		return v, err
	}
	ids, names, measured := make([]lumo.ChannelID, len(channels)), map[lumo.ChannelID]string{}, false
	for i, c := range channels {
		ids[i], names[c.ID] = c.ID, c.Name
		measured = measured || c.OpensMeasured
	}
	t, err := p.Reports.Together(ctx, who.Merchant.ID, ids, d)
	v = statisticsView(who, d, t.Statistics)
	v.OpensMeasured = measured
	for _, one := range t.Accounts {
		v.Accounts = append(v.Accounts, AccountSumsView{one.Channel.String(), names[one.Channel], SumsView(one.Sums)})
	}
	return v, err
}

func statisticsView(who Caller, d tracking.Days, s tracking.Statistics) StatisticsView {
	v := StatisticsView{From: d.From.Format(dayForm), To: d.To.Format(dayForm), TimeZone: who.Merchant.TimeZone,
		Total: SumsView(s.Total)}
	for _, one := range s.Days {
		v.Days = append(v.Days, DaySumsView{one.Day.Format(dayForm), SumsView(one.Sums)})
	}
	for _, one := range s.Messages {
		row := MessageSumsView{Channel: accountOf(one.Channel), Name: one.Name, SumsView: SumsView(one.Sums), LINE: lineFiguresView(one.LINE)}
		if one.Message != (lumo.MessageID{}) {
			row.ID = one.Message.String()
		}
		v.Messages = append(v.Messages, row)
	}
	for _, one := range s.Reasons {
		v.Reasons = append(v.Reasons, ReasonSumsView{string(one.Of), one.Reason, one.N})
	}
	for _, one := range s.Links {
		v.Links = append(v.Links, LinkSumsView{accountOf(one.Channel), int64(one.Number), one.Target, one.Clicks, one.Raw, one.Suspect, one.Clickers})
	}
	for _, one := range s.Codes {
		v.Codes = append(v.Codes, CodeSumsView{accountOf(one.Channel), one.Code.String(), one.Name, one.Scans, one.Friends, one.Links})
	}
	for _, one := range s.Hours {
		v.Hours = append(v.Hours, HourSumsView(one))
	}
	return v
}

// accountOf is whose a row is; empty where one account alone was asked for.
func accountOf(c lumo.ChannelID) string {
	if c == (lumo.ChannelID{}) {
		return ""
	}
	return c.String()
}

func (p StatisticsParts) people(ctx context.Context, who Caller, in *peopleInput) (List[PersonBehindView], error) {
	var list List[PersonBehindView]
	c, q, err := in.query(who, p.Now())
	if err != nil {
		return list, err
	}
	found, err := p.Reports.People(ctx, who.Merchant.ID, c, q)
	list.Items, list.Total = make([]PersonBehindView, len(found.Items)), &found.Total
	for i, one := range found.Items {
		list.Items[i] = personView(one)
	}
	if n := len(found.Items); found.More {
		list.Next = timeCursor(found.Items[n-1].At, found.Items[n-1].ID)
	}
	return list, err
}

func personView(p tracking.Person) PersonBehindView {
	v := PersonBehindView{ID: p.ID.String(), ProfileID: p.Profile, Count: p.N, LastAt: moment(p.At), Reason: p.Reason,
		ReasonData: p.Data}
	if p.Friend != (lumo.FriendID{}) {
		v.Friend = &RefView{ID: p.Friend.String(), Name: p.Name}
	}
	if p.Request != (lumo.RequestID{}) {
		v.Request = p.Request.String()
	}
	return v
}

func (in peopleInput) query(who Caller, now time.Time) (c lumo.ChannelID, q tracking.PeopleQuery, err error) {
	if c, err = in.Channel(); err != nil {
		return c, q, err
	}
	q = tracking.PeopleQuery{Of: tracking.Behind(in.Of), Link: uint32(in.Link), Limit: in.Limit,
		Direct: in.Message == direct, Reason: in.Reason}
	if q.Days, err = in.days(who, now); err != nil {
		return c, q, err
	}
	if in.Message != "" && !q.Direct {
		v, err := outside(id.Message, in.Message)
		if err != nil {
			return c, q, err
		}
		q.Message = lumo.MessageID(v)
	}
	if in.Code != "" {
		v, err := outside(id.QRCode, in.Code)
		if err != nil {
			return c, q, err
		}
		q.Code = lumo.CodeID(v)
	}
	if in.Cursor != "" {
		q.At, q.Before, err = readTimeCursor(in.Cursor)
	}
	return c, q, err
}

func lineFiguresView(f *tracking.LineFigures) *LineFiguresView {
	if f == nil {
		return nil
	}
	return &LineFiguresView{Opened: f.Opened, Clicked: f.Clicked, ReadAt: moment(f.ReadAt)}
}

func (p StatisticsParts) statistics(ctx context.Context, who Caller, in *statisticsQuery) (StatisticsView, error) {
	return p.read(ctx, who, *in)
}

func (p StatisticsParts) together(ctx context.Context, who Caller, in *togetherQuery) (StatisticsView, error) {
	return p.readAll(ctx, who, in.InDays)
}

func (p StatisticsParts) askLINE(ctx context.Context, who Caller, in *figuresInput) (LineFiguresView, error) {
	c, v, err := in.message()
	if err != nil {
		return LineFiguresView{}, err
	}
	d, err := in.days(who, p.Now())
	if err != nil {
		return LineFiguresView{}, err
	}
	f, err := p.Reports.AskLINE(ctx, who.Merchant.ID, c, v, d)
	return *lineFiguresView(&f), err
}

// csv gives one of the tables as a file for spreadsheets.
func (p StatisticsParts) csv(a *API) Handler[tableInput, File] {
	return func(ctx context.Context, who Caller, in *tableInput) (File, error) {
		v, err := p.read(ctx, who, statisticsQuery{in.InChannel, in.InDays})
		if err != nil {
			return nil, err
		}
		return a.tableFile(v, in.By), nil
	}
}

// togetherCSV does so for all LINE accounts.
func (p StatisticsParts) togetherCSV(a *API) Handler[allTablesInput, File] {
	return func(ctx context.Context, who Caller, in *allTablesInput) (File, error) {
		v, err := p.readAll(ctx, who, in.InDays)
		if err != nil {
			return nil, err
		}
		return a.tableFile(v, in.By), nil
	}
}

func (a *API) tableFile(v StatisticsView, by string) File {
	rows := table(v, by)
	name := "lumo-" + by + "-" + v.From + "-" + v.To + ".csv"
	return a.csvFile(name, rows[0], func(page func([][]string) error) error { return page(rows[1:]) })
}

// table is one of the tables as rows, the first with the columns' names. A row that is one LINE
// account's begins with the account's name where there are several.
func table(v StatisticsView, by string) [][]string {
	sums := []string{"sent", "failed", "not_sent", "opened_estimated", "clicks", "raw_clicks", "suspect_clicks", "clickers"}
	names := map[string]string{}
	for _, one := range v.Accounts {
		names[one.Channel] = harmless(one.Name)
	}
	whose := func(channel string, row ...string) []string {
		if len(v.Accounts) == 0 {
			return row
		}
		return append([]string{names[channel]}, row...)
	}
	title := func(columns ...string) []string {
		if len(v.Accounts) == 0 {
			return columns
		}
		return append([]string{"account"}, columns...)
	}
	var rows [][]string
	switch by {
	case "account":
		rows = [][]string{title(sums...)}
		for _, one := range v.Accounts {
			rows = append(rows, whose(one.Channel, one.SumsView.cells()...))
		}
	case "day":
		rows = [][]string{append([]string{"day"}, sums...)}
		for _, one := range v.Days {
			rows = append(rows, append([]string{one.Day}, one.SumsView.cells()...))
		}
	case "message":
		rows = [][]string{append(title("message", "name"), sums...)}
		for _, one := range v.Messages {
			rows = append(rows, append(whose(one.Channel, one.ID, harmless(one.Name)), one.SumsView.cells()...))
		}
	case "reason":
		rows = [][]string{{"reason", "not_sent", "failed"}}
		for _, one := range v.Reasons {
			row := []string{one.Reason, number(one.Count), "0"}
			if one.Of == string(tracking.BehindFailed) {
				row[1], row[2] = row[2], row[1]
			}
			rows = append(rows, row)
		}
	case "link":
		rows = [][]string{title("link", "clicks", "raw_clicks", "suspect_clicks", "clickers")}
		for _, one := range v.Links {
			rows = append(rows, whose(one.Channel, harmless(one.Target), number(one.Clicks), number(one.Raw),
				number(one.Suspect), number(one.Clickers)))
		}
	case "code":
		rows = [][]string{title("code", "name", "scans", "new_friends", "linked")}
		for _, one := range v.Codes {
			rows = append(rows, whose(one.Channel, one.ID, harmless(one.Name), number(one.Scans), number(one.Friends),
				number(one.Links)))
		}
	}
	return rows
}

func (s SumsView) cells() []string {
	return []string{number(s.Sent), number(s.Failed), number(s.NotSent), number(s.Opened), number(s.Clicks), number(s.Raw),
		number(s.Suspect), number(s.Clickers)}
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
