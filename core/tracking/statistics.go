package tracking

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Days are a range of days in the merchant's time zone, both included.
type Days struct{ From, To time.Time }

// longestRange, in days, keeps a question answerable at once.
const longestRange = 400

// Sums are what happened to messages. Not sent are those that were left out on purpose, also for
// who is not linked; a call that Lumo took for a duplicate is none of them, since its message is the
// first call's, and neither is one that was refused. Opened is estimated: a picture of the message
// was loaded, or a link tapped.
type Sums struct {
	Sent     int64
	Failed   int64
	NotSent  int64
	Opened   int64 // deliveries
	Clicks   int64 // each tap, repeats within ten seconds once
	Raw      int64 // every request for a tracked link, machines too
	Suspect  int64 // clicks left out: all links of a message within seconds
	Clickers int64 // once per delivery and link
}

// Statistics are a channel's figures over some days.
type Statistics struct {
	Total    Sums
	Days     []DaySums // every day, also those without anything
	Messages []MessageSums
	Reasons  []ReasonSums
	Links    []LinkSums
	Codes    []CodeSums
	Hours    []HourSums // those with clicks
}

// DaySums are the figures of one day.
type DaySums struct {
	Day time.Time
	Sums
}

// MessageSums are the figures of a saved message; the zero id = texts written in Klaviyo.
type MessageSums struct {
	Channel lumo.ChannelID // zero where one account alone was asked for; as below
	Message lumo.MessageID
	Name    string
	LINE    *LineFigures // as last read; nil = never
	Sums
}

// ReasonSums are how many were not sent, or failed, for a reason.
type ReasonSums struct {
	Of     Behind // BehindNotSent or BehindFailed
	Reason string
	N      int64
}

// LinkSums are the figures of an address, as the merchant wrote it.
type LinkSums struct {
	Channel  lumo.ChannelID
	Number   uint32
	Target   string
	Clicks   int64
	Raw      int64
	Suspect  int64
	Clickers int64
}

// CodeSums are the figures of a custom QR code.
type CodeSums struct {
	Channel lumo.ChannelID
	Code    lumo.CodeID
	Name    string
	Scans   int64
	Friends int64 // new ones
	Links   int64
}

// HourSums are the clicks of an hour of the week, in the merchant's time zone.
type HourSums struct {
	Weekday int // 1 = Monday, 7 = Sunday
	Hour    int
	Clicks  int64
}

// Behind is which people stand behind a figure.
type Behind string

// What people did.
const (
	BehindSent    Behind = "sent"     // LINE accepted a message to them
	BehindNotSent Behind = "not_sent" // a message to them was left out
	BehindFailed  Behind = "failed"   // LINE refused a message to them
	BehindOpened  Behind = "opened"   // estimated
	BehindClicked Behind = "clicked"  // machines left out
	BehindJoined  Behind = "joined"   // a QR code brought them as friends
	BehindLinked  Behind = "linked"   // by a QR code
)

// PeopleQuery asks who stands behind a figure. A page goes on after a person's last time.
type PeopleQuery struct {
	Of      Behind
	Days    Days
	Direct  bool           // only texts written in Klaviyo
	Message lumo.MessageID // only of this one
	Reason  string         // only what was not sent, or failed, for this one
	Link    uint32         // only of this one
	Code    lumo.CodeID    // of which code they joined or were linked by
	At      time.Time      // after whom the page begins; zero = the first
	Before  id.ID
	Limit   int
}

// Person is somebody behind a figure: how often it was, and when last. Who was sent nothing may be
// no friend; then the profile tells who it is, if the call named anybody.
type Person struct {
	ID      id.ID // the friend's, or one of the profile's
	Friend  lumo.FriendID
	Name    string
	Profile string
	N       int64
	At      time.Time
	Reason  string         // the last time's
	Data    map[string]any // what its sentence says
	Request lumo.RequestID // the last time's call; zero = none, or not kept any more
}

// People are a page of those behind a figure, who did it last first.
type People struct {
	Items []Person
	Total int64
	More  bool
}

// LineFigures are LINE's own figures of a message; nil = LINE hides what fewer than 20 people
// did.
type LineFigures struct {
	Opened  *int64    `json:"opened"`
	Clicked *int64    `json:"clicked"`
	ReadAt  time.Time `json:"-"`
}

// StatisticsStore reads figures; its methods run inside a transaction of the merchant.
type StatisticsStore interface {
	Statistics(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, d Days) (Statistics, error)
	People(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, q PeopleQuery) (People, error)
	LineFigures(ctx context.Context, m lumo.MerchantID, v lumo.MessageID, d Days) (LineFigures, error)
	SetLineFigures(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.MessageID, d Days, f LineFigures) error
}

// Insight reads LINE's own figures.
type Insight interface {
	Figures(ctx context.Context, keys lumo.Keys, unit string, from, to time.Time) (LineFigures, error)
}

// Credentials gives a channel's keys at LINE.
type Credentials interface {
	MessagingCredentials(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (channelID, secret string, err error)
}

// Reports reads figures for people.
type Reports struct {
	tenants Tenants
	store   StatisticsStore
	insight Insight
	keys    Credentials
	now     func() time.Time
}

// NewReports makes a reader of figures.
func NewReports(t Tenants, s StatisticsStore, i Insight, k Credentials, now func() time.Time) *Reports {
	return &Reports{t, s, i, k, now}
}

// Statistics reads a channel's figures.
func (r *Reports) Statistics(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, d Days) (s Statistics, err error) {
	const op = "tracking.Statistics"
	if err := d.check(op); err != nil {
		return s, err
	}
	err = r.tenants.InTenant(ctx, m, func(ctx context.Context) error {
		s, err = r.store.Statistics(ctx, m, c, d)
		return err
	})
	return s, fault.Wrap(op, err)
}

// People reads who stands behind a figure.
func (r *Reports) People(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, q PeopleQuery) (p People, err error) {
	const op = "tracking.People"
	if err := q.Days.check(op); err != nil {
		return p, err
	}
	if q.Limit <= 0 {
		q.Limit = pageOfPeople
	}
	err = r.tenants.InTenant(ctx, m, func(ctx context.Context) error {
		p, err = r.store.People(ctx, m, c, q)
		return err
	})
	return p, fault.Wrap(op, err)
}

const pageOfPeople = 50

func (d Days) check(op string) error {
	refuse := func(sentence string) error {
		return &fault.Error{Kind: fault.Invalid, Op: op, Fields: map[string]string{"to": sentence}}
	}
	if d.To.Before(d.From) {
		return refuse("The last day is before the first one.")
	}
	if !d.To.Before(d.From.AddDate(0, 0, longestRange)) {
		return refuse("Choose at most 400 days.")
	}
	return nil
}

const (
	figuresFresh = time.Hour // LINE allows sixty questions an hour
	lineSpan     = 29 * 24 * time.Hour
)

// AskLINE reads LINE's own figures of a message's sends, at most once an hour. LINE adds up
// at most 30 days of UTC+9; of a longer range it is asked for the last ones.
func (r *Reports) AskLINE(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.MessageID, d Days) (
	f LineFigures, err error) {
	const op = "tracking.AskLINE"
	if err := d.check(op); err != nil {
		return f, err
	}
	if d.To.Sub(d.From) > lineSpan {
		d.From = d.To.Add(-lineSpan)
	}
	err = r.tenants.InTenant(ctx, m, func(ctx context.Context) error {
		f, err = r.store.LineFigures(ctx, m, v, d)
		return err
	})
	if err == nil && r.now().Sub(f.ReadAt) < figuresFresh {
		return f, nil
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		return f, fault.Wrap(op, err)
	}
	var keys lumo.Keys
	if keys.ID, keys.Secret, err = r.keys.MessagingCredentials(ctx, m, c); err != nil {
		return f, fault.Wrap(op, err)
	}
	if f, err = r.insight.Figures(ctx, keys, v.String(), d.From, d.To); err != nil {
		return f, fault.Wrap(op, err)
	}
	f.ReadAt = r.now()
	return f, fault.Wrap(op, r.tenants.InTenant(ctx, m, func(ctx context.Context) error {
		return r.store.SetLineFigures(ctx, m, c, v, d, f)
	}))
}
