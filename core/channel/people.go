package channel

import (
	"context"
	"log/slog"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Customers looks customers up at Klaviyo. Nobody found is fault.NotFound.
type Customers interface {
	Profile(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, p lumo.ProfileID) (lumo.Profile, error)
	ProfileByEmail(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, email string) (
		lumo.Profile, error)
	ProfileByPhone(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, phone string) (
		lumo.Profile, error)
}

// Merchants tells a merchant's country, which decides how phone numbers are read.
type Merchants interface {
	Merchant(ctx context.Context, m lumo.MerchantID) (lumo.Merchant, error)
}

// Facts takes many facts at once, inside the transaction.
type Facts interface {
	RecordAll(ctx context.Context, m lumo.MerchantID, facts []lumo.Fact) error
}

// Eraser tells Klaviyo, inside the transaction, that a linked person was erased.
type Eraser interface {
	Erased(ctx context.Context, c lumo.Channel, l lumo.Link) error
}

// PeopleConfig is what work on friends needs; everything is required.
type PeopleConfig struct {
	Directory *Directory
	Tenants   Tenants
	Store     PeopleStore
	Merchants Merchants
	Customers Customers
	Facts     Facts
	Eraser    Eraser
	Auditor   Auditor
	Watcher   Watcher
	NewID     func() id.ID
	Now       func() time.Time
	Log       *slog.Logger
}

// People is what members do with friends: find them, label them, keep what is known of
// them, erase them. It is safe for concurrent use.
type People struct{ c PeopleConfig }

// NewPeople makes it.
func NewPeople(c PeopleConfig) (*People, error) {
	if c.Directory == nil || c.Tenants == nil || c.Store == nil || c.Merchants == nil ||
		c.Customers == nil || c.Facts == nil || c.Eraser == nil || c.Auditor == nil ||
		c.Watcher == nil || c.NewID == nil || c.Now == nil || c.Log == nil {
		return nil, fault.New(fault.Internal, "channel.NewPeople", "a dependency is missing")
	}
	return &People{c: c}, nil
}

// PeopleStore reads and changes friends; it runs inside a transaction of the merchant.
type PeopleStore interface {
	Friends(ctx context.Context, m lumo.MerchantID, q FriendQuery) (FriendList, error)
	// Count counts all that match.
	Count(ctx context.Context, m lumo.MerchantID, q FriendQuery) (int64, error)
	Page(ctx context.Context, m lumo.MerchantID, f lumo.FriendID) (FriendPage, error)
	// Tombstone tells when a friend was erased; nobody is fault.NotFound.
	Tombstone(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID) (time.Time, error)
	Timeline(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, q TimelineQuery) (Timeline, error)
	// ConsentChangedAt is when a friend's consent last became another; zero = never.
	ConsentChangedAt(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (time.Time, error)
	Months(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, zone string) ([]Month, error)
	Contacts(ctx context.Context, m lumo.MerchantID, f lumo.FriendID) ([]OwnContact, error)
	// SetContact stores a friend's own email or phone; true when it is another than before.
	SetContact(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID,
		v OwnContact) (bool, error)
	// Hurry has a channel looked after no later than a time.
	Hurry(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, due time.Time) error
	// ByUser finds a friend by LINE user id; nobody is fault.NotFound.
	ByUser(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, u lumo.LineUserID) (lumo.FriendID, error)
	// SetTester marks friends for test sends and tells how many changed.
	SetTester(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f []lumo.FriendID, yes bool) (int, error)
	// Erase removes a person and leaves a tombstone.
	Erase(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, now time.Time) error
	TagStore
}

// The sources of a friend's own email or phone, most trustworthy first.
const (
	ContactLogin = "line_login"
	ContactForm  = "form"
	ContactCSV   = "csv"
	ContactAPI   = "api"
)

// OwnContact is an email or a phone that belongs to a friend, with where it is known from.
type OwnContact struct {
	Kind   ContactKind
	Value  string // normalised: lower-case email, E.164 phone
	Source string
	At     time.Time
}

// ContactKind is email or phone.
type ContactKind string

// The kinds of contacts.
const (
	ContactEmail ContactKind = "email"
	ContactPhone ContactKind = "phone"
)

// TimelineQuery asks for one page of a timeline.
type TimelineQuery struct {
	PageQuery
	Kinds []string // empty = all
}

// Month is how much happened in one month of the merchant's time zone.
type Month struct {
	Name    string // 2026-11
	Entries int64
	End     time.Time // where the next month begins
}

// Friends lists a channel's friends, newest first.
func (p *People) Friends(ctx context.Context, m lumo.MerchantID, q FriendQuery) (list FriendList, err error) {
	q.Limit = pageLimit(q.Limit)
	err = p.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		list, err = p.c.Store.Friends(ctx, m, q)
		return err
	})
	return list, fault.Wrap("channel.Friends", err)
}

// Count counts all friends that match.
func (p *People) Count(ctx context.Context, m lumo.MerchantID, q FriendQuery) (n int64, err error) {
	err = p.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		n, err = p.c.Store.Count(ctx, m, q)
		return err
	})
	return n, fault.Wrap("channel.Count", err)
}

// Page is what the page of one friend shows. Of an erased friend it is a tombstone.
func (p *People) Page(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID) (
	page FriendPage, err error) {
	const op = "channel.Page"
	err = p.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		page, err = p.c.Store.Page(ctx, m, f)
		if fault.Is(err, fault.NotFound) {
			page = FriendPage{}
			page.ID, page.Channel = f, c
			page.ErasedAt, err = p.c.Store.Tombstone(ctx, m, c, f)
			return err
		}
		if err == nil && page.Channel != c {
			err = fault.New(fault.NotFound, op, "This friend does not exist.")
		}
		if err == nil {
			page.Contacts, err = p.c.Store.Contacts(ctx, m, f)
		}
		return err
	})
	return page, fault.Wrap(op, err)
}

// Timeline is what happened to and by a friend, newest first.
func (p *People) Timeline(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID,
	q TimelineQuery) (t Timeline, err error) {
	q.Limit = pageLimit(q.Limit)
	err = p.of(ctx, m, c, f, func(ctx context.Context) error {
		t, err = p.c.Store.Timeline(ctx, m, f, q)
		return err
	})
	return t, fault.Wrap("channel.Timeline", err)
}

// Months are the months in which something happened, newest first.
func (p *People) Months(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID) (
	months []Month, err error) {
	const op = "channel.Months"
	merchant, err := p.c.Merchants.Merchant(ctx, m)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	err = p.of(ctx, m, c, f, func(ctx context.Context) error {
		months, err = p.c.Store.Months(ctx, m, f, merchant.TimeZone)
		return err
	})
	return months, fault.Wrap(op, err)
}

// of runs work on a friend of the channel.
func (p *People) of(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID,
	work func(context.Context) error) error {
	return p.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		friend, err := p.c.Directory.Friend(ctx, m, f)
		if err == nil && friend.Channel != c {
			err = fault.New(fault.NotFound, "channel.of", "This friend does not exist.")
		}
		if err != nil {
			return err
		}
		return work(ctx)
	})
}

// SetTester puts friends among the test friends, or takes them out.
func (p *People) SetTester(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by Actor,
	friends []lumo.FriendID, yes bool) (n int, err error) {
	err = p.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if n, err = p.c.Store.SetTester(ctx, m, c, friends, yes); err != nil || n == 0 {
			return err
		}
		p.changed(ctx, m, c, friends)
		return p.c.Auditor.Audit(ctx, by.entry("friend.tester", c, map[string]any{"friends": n, "tester": yes}))
	})
	return n, fault.Wrap("channel.SetTester", err)
}

// OwnPhone makes a member's own phone a test friend: she scanned the code for that.
func (p *People) OwnPhone(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID) error {
	err := p.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		n, err := p.c.Store.SetTester(ctx, m, c, []lumo.FriendID{f}, true)
		if err != nil || n == 0 {
			return err
		}
		p.changed(ctx, m, c, []lumo.FriendID{f})
		return p.c.Auditor.Audit(ctx, lumo.AuditEntry{ActorKind: "system", Action: "friend.tester", TargetKind: "friend",
			Target: f.String(), Data: map[string]any{"tester": true}})
	})
	return fault.Wrap("channel.OwnPhone", err)
}

// changed tells open pages of friends; of many it tells once that the list is another.
func (p *People) changed(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, friends []lumo.FriendID) {
	const most = 20
	for _, f := range friends[:min(len(friends), most)] {
		p.c.Watcher.FriendChanged(ctx, m, c, f)
	}
}

// Erase removes a person everywhere: what is known, what happened, what was written to them.
// Klaviyo keeps the customer, without the LINE properties. name is what the member typed; it
// must be the friend's.
func (p *People) Erase(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID, by Actor,
	name string) error {
	const op = "channel.Erase"
	channel, err := p.c.Directory.Get(ctx, m, c)
	if err != nil {
		return fault.Wrap(op, err)
	}
	err = p.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		page, err := p.c.Store.Page(ctx, m, f)
		if err == nil && page.Channel != c {
			err = fault.New(fault.NotFound, op, "This friend does not exist.")
		}
		if err != nil {
			return err
		}
		if name != page.DisplayName {
			return &fault.Error{Kind: fault.Invalid, Op: op,
				Fields: map[string]string{"name": "Type the name exactly as it is shown."}}
		}
		if err := p.c.Store.Erase(ctx, m, f, p.c.Now()); err != nil {
			return err
		}
		if l := page.Link; l != nil {
			link := lumo.Link{ID: l.ID, Channel: c, Friend: f, Account: channel.KlaviyoAccount, Profile: l.Profile}
			if err := p.c.Eraser.Erased(ctx, channel, link); err != nil {
				return err
			}
		}
		p.c.Watcher.FriendChanged(ctx, m, c, f)
		entry := by.entry("friend.erase", c, nil)
		entry.TargetKind, entry.Target = "friend", f.String()
		return p.c.Auditor.Audit(ctx, entry)
	})
	return fault.Wrap(op, err)
}

// Reveal shows a friend's own email and phone whole to somebody who sees them masked, and
// records that.
func (p *People) Reveal(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID, by Actor) (
	all []OwnContact, err error) {
	err = p.of(ctx, m, c, f, func(ctx context.Context) error {
		if all, err = p.c.Store.Contacts(ctx, m, f); err != nil {
			return err
		}
		entry := by.entry("friend.reveal", c, nil)
		entry.TargetKind, entry.Target = "friend", f.String()
		return p.c.Auditor.Audit(ctx, entry)
	})
	return all, fault.Wrap("channel.Reveal", err)
}
