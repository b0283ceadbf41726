package linkage

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"lumo/core/lumo"
	"lumo/core/run"
	"lumo/shared/fault"
)

// The kinds of long work on links. A check changes nothing; linking does what a check found.
const (
	RunCheck     = "import_check" // of LINE ids in a Klaviyo segment
	RunAutoCheck = "auto_check"   // of friends' own emails and phones
	RunLink      = "import"       // links what either check found
	RunUndo      = "import_undo"
)

// The parameters of those runs.
const (
	paramSegment  = "segment"
	paramName     = "segment_name"
	paramProperty = "property"
	paramEmail    = "email"
	paramPhone    = "phone"
	paramCheck    = "check"  // the run that linking follows
	paramImport   = "import" // the run that is taken back
)

const (
	checkLife = 24 * time.Hour      // how long what a check found may be linked
	undoLife  = 30 * 24 * time.Hour // how long an import can be taken back
	// memberPage is how many customers Klaviyo gives at once.
	memberPage = 100
	samplePage = 20
	stepItems  = 200
)

// The parts of a check, before the colon of its cursor.
const (
	partRead  = "read"
	partProbe = "probe"
)

// Segment is a segment of a Klaviyo account.
type Segment struct {
	ID   string
	Name string
}

// MemberPage is one page of a segment's members.
type MemberPage struct {
	Members []lumo.Profile // ids and properties
	Next    string         // empty = the last page
	Wait    time.Duration  // until Klaviyo wants to be asked again
}

// The fields by which customers are found.
const (
	FieldID    = "id"
	FieldEmail = "email"
	FieldPhone = "phone_number"
)

// Segments reads segments and finds customers in Klaviyo.
type Segments interface {
	Segments(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) ([]Segment, error)
	SegmentSize(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, segment string) (int64, error)
	SegmentMembers(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, segment, after string, limit int) (
		MemberPage, error)
	// FindProfiles are the customers with one of these values in a field.
	FindProfiles(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, field string, values []string) (
		[]lumo.Profile, time.Duration, error)
}

// Prober asks LINE whether it knows people on a channel. It changes nothing there.
type Prober interface {
	Reachable(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, users []lumo.LineUserID) ([]bool, error)
}

// Runs does long work.
type Runs interface {
	Start(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, kind string, params map[string]string,
		by lumo.MemberID) (run.Run, error)
	Run(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.RunID) (run.Run, error)
	Reopen(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.RunID, by lumo.MemberID,
		change func(*run.Run) error) (run.Run, error)
}

// ManyOutbox tells Klaviyo of many links, inside the transaction.
type ManyOutbox interface {
	// LinksMade writes the properties of linked friends.
	LinksMade(ctx context.Context, m lumo.MerchantID, f []lumo.FriendID) error
}

// ManyFacts takes many facts, inside the transaction.
type ManyFacts interface {
	RecordAll(ctx context.Context, m lumo.MerchantID, facts []lumo.Fact) error
}

// ImportConfig is what imports and automatic linking need; everything is required.
type ImportConfig struct {
	Links    *Service
	Items    ItemStore
	Many     ManyLinks
	Auto     AutoStore
	Segments Segments
	Prober   Prober
	Runs     Runs
	Outbox   ManyOutbox
	Facts    ManyFacts
	Log      *slog.Logger
}

// Importer makes links many at once: from LINE ids that Klaviyo has, and from friends' own
// emails and phones. It is safe for concurrent use.
type Importer struct{ c ImportConfig }

// NewImporter makes it.
func NewImporter(c ImportConfig) (*Importer, error) {
	if c.Links == nil || c.Items == nil || c.Many == nil || c.Auto == nil || c.Segments == nil || c.Prober == nil ||
		c.Runs == nil || c.Outbox == nil || c.Facts == nil || c.Log == nil {
		return nil, fault.New(fault.Internal, "linkage.NewImporter", "a dependency is missing")
	}
	return &Importer{c: c}, nil
}

// Workers are who does the long work, by kind.
func (s *Importer) Workers() map[string]run.Worker {
	return map[string]run.Worker{RunCheck: checker{s}, RunAutoCheck: autoChecker{s}, RunLink: linker{s},
		RunUndo: undoer{s}}
}

func (s *Importer) inTenant(ctx context.Context, m lumo.MerchantID, fn func(context.Context) error) error {
	return s.c.Links.c.Tenants.InTenant(ctx, m, fn)
}

// account is the channel with a Klaviyo account.
func (s *Importer) account(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (lumo.Channel, error) {
	of, err := s.c.Links.c.Channels.Get(ctx, m, c)
	if err == nil && of.KlaviyoAccount == (lumo.AccountID{}) {
		err = fault.New(fault.Conflict, "linkage.account", "Connect Klaviyo first.")
	}
	return of, err
}

// Segments are those of the Klaviyo account that a channel belongs to.
func (s *Importer) Segments(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) ([]Segment, error) {
	const op = "linkage.Segments"
	of, err := s.account(ctx, m, c)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	list, err := s.c.Segments.Segments(ctx, m, of.KlaviyoAccount)
	return list, fault.Wrap(op, err)
}

// Check has a segment's LINE ids checked. It changes nothing.
func (s *Importer) Check(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by lumo.MemberID, segment Segment,
	property string) (run.Run, error) {
	const op = "linkage.Check"
	fields := map[string]string{}
	segment.ID, property = strings.TrimSpace(segment.ID), strings.TrimSpace(property)
	if !plainProfile(segment.ID) {
		fields["segment"] = "Choose a segment."
	}
	if property == "" || len(property) > 200 {
		fields["property"] = "Choose the property that holds the LINE ID."
	}
	if len(fields) > 0 {
		return run.Run{}, &fault.Error{Kind: fault.Invalid, Op: op, Fields: fields}
	}
	if _, err := s.account(ctx, m, c); err != nil {
		return run.Run{}, fault.Wrap(op, err)
	}
	r, err := s.c.Runs.Start(ctx, m, c, RunCheck, map[string]string{paramSegment: segment.ID,
		paramName: segment.Name, paramProperty: property}, by)
	return r, fault.Wrap(op, err)
}

// Probe has LINE asked about the ids that nobody here is known by, after a person agreed.
func (s *Importer) Probe(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.RunID, by lumo.MemberID) (
	run.Run, error) {
	const op = "linkage.Probe"
	r, err := s.c.Runs.Reopen(ctx, m, c, v, by, func(r *run.Run) error {
		open := r.Counts[string(NotKnown)]
		if r.Kind != RunCheck || open == 0 {
			return fault.New(fault.Conflict, op, "There is nothing to ask LINE about.")
		}
		total := r.Done
		r.Total, r.Done, r.Cursor = &total, r.Done-open, partProbe+":"
		return nil
	})
	return r, fault.Wrap(op, err)
}

// Link links whom a check found. What changed since is looked at again, one by one.
func (s *Importer) Link(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.RunID, by lumo.MemberID) (
	r run.Run, err error) {
	const op = "linkage.Link"
	err = s.inTenant(ctx, m, func(ctx context.Context) error {
		check, err := s.c.Runs.Run(ctx, m, c, v)
		if err != nil {
			return err
		}
		if err := s.mayLink(ctx, check); err != nil {
			return err
		}
		params := map[string]string{paramCheck: v.String()}
		for _, name := range []string{paramSegment, paramName, paramProperty, paramEmail, paramPhone} {
			if text := check.Params[name]; text != "" {
				params[name] = text
			}
		}
		r, err = s.c.Runs.Start(ctx, m, c, RunLink, params, by)
		return err
	})
	return r, fault.Wrap(op, err)
}

// read tells whether a check has seen all there is; only what LINE knows may be open.
func read(check run.Run) bool {
	return check.State == run.Done || check.Ended() && strings.HasPrefix(check.Cursor, partProbe)
}

func (s *Importer) mayLink(ctx context.Context, check run.Run) error {
	const op = "linkage.mayLink"
	switch {
	case check.Kind != RunCheck && check.Kind != RunAutoCheck:
		return fault.New(fault.NotFound, op, "This check does not exist.")
	case !read(check):
		return fault.New(fault.Conflict, op, "The check has not ended yet.")
	case s.c.Links.c.Now().Sub(check.EndedAt) > checkLife:
		return fault.New(fault.Conflict, op, "This check is more than a day old. Check again first.")
	}
	_, err := s.c.Items.Follower(ctx, check.Merchant, check.Channel, RunLink, paramCheck, check.ID)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err == nil {
		err = fault.New(fault.Conflict, op, "These customers were linked already.")
	}
	return err
}

// Undo takes an import back: the links it made and that nobody changed since.
func (s *Importer) Undo(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.RunID, by lumo.MemberID) (
	r run.Run, err error) {
	const op = "linkage.UndoImport"
	err = s.inTenant(ctx, m, func(ctx context.Context) error {
		made, err := s.c.Runs.Run(ctx, m, c, v)
		if err != nil {
			return err
		}
		if !s.Undoable(made) {
			return fault.New(fault.Conflict, op, "This import cannot be undone, or was undone already.")
		}
		_, err = s.c.Items.Follower(ctx, m, c, RunUndo, paramImport, v)
		if !fault.Is(err, fault.NotFound) {
			if err == nil {
				err = fault.New(fault.Conflict, op, "This import is being undone already.")
			}
			return err
		}
		params := map[string]string{paramImport: v.String(), paramProperty: made.Params[paramProperty]}
		r, err = s.c.Runs.Start(ctx, m, c, RunUndo, params, by)
		return err
	})
	return r, fault.Wrap(op, err)
}

// Undoable tells whether an import can still be taken back.
func (s *Importer) Undoable(r run.Run) bool {
	return r.Kind == RunLink && r.Ended() && r.UndoneAt.IsZero() && r.Counts[string(ItemLinked)] > 0 &&
		s.c.Links.c.Now().Before(UndoUntil(r))
}

// UndoUntil is when an import can no longer be taken back.
func UndoUntil(r run.Run) time.Time { return r.EndedAt.Add(undoLife) }

// Import is a check with what followed from it.
type Import struct {
	Check   run.Run
	Link    *run.Run
	Undo    *run.Run
	MayLink bool
	MayUndo bool
}

// Import reads a check with what followed from it.
func (s *Importer) Import(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.RunID) (i Import, err error) {
	const op = "linkage.Import"
	err = s.inTenant(ctx, m, func(ctx context.Context) error {
		i = Import{}
		if i.Check, err = s.c.Runs.Run(ctx, m, c, v); err != nil {
			return err
		}
		if i.Check.Kind != RunCheck && i.Check.Kind != RunAutoCheck {
			return fault.New(fault.NotFound, op, "This import does not exist.")
		}
		if i.Link, err = s.follower(ctx, m, c, RunLink, paramCheck, v); err != nil {
			return err
		}
		i.MayLink = i.Link == nil && s.mayLink(ctx, i.Check) == nil
		if i.Link == nil {
			return nil
		}
		i.Undo, err = s.follower(ctx, m, c, RunUndo, paramImport, i.Link.ID)
		i.MayUndo = i.Undo == nil && s.Undoable(*i.Link)
		return err
	})
	return i, fault.Wrap(op, err)
}

func (s *Importer) follower(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, kind, param string,
	of lumo.RunID) (*run.Run, error) {
	v, err := s.c.Items.Follower(ctx, m, c, kind, param, of)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := s.c.Runs.Run(ctx, m, c, v)
	return &r, err
}

// Doubtful tells that most ids of a check are not reachable: they are probably another
// provider's.
func Doubtful(check run.Run) bool {
	const least, percent = 10, 90
	n := check.Counts
	bad := n[string(Unreachable)]
	all := bad + n[string(WillLink)] + n[string(Already)] + n[string(ForReview)] + n[string(LeftAlone)]
	return all >= least && bad*100 > all*percent
}

// ListedItem is an item with the names of whom it is about.
type ListedItem struct {
	Item
	FriendName   string
	CustomerName string // as Klaviyo has it now; empty where it did not answer
}

// People are items of a run with their names, after a number.
func (s *Importer) People(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.RunID, result ItemResult,
	after int64, limit int) (list []ListedItem, err error) {
	const op = "linkage.People"
	err = s.inTenant(ctx, m, func(ctx context.Context) error {
		if _, err := s.c.Runs.Run(ctx, m, c, v); err != nil {
			return err
		}
		list, err = s.listed(ctx, m, v, result, after, limit)
		return err
	})
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	s.nameCustomers(ctx, m, c, list)
	return list, nil
}

func (s *Importer) listed(ctx context.Context, m lumo.MerchantID, v lumo.RunID, result ItemResult, after int64,
	limit int) ([]ListedItem, error) {
	var results []ItemResult
	if result != "" {
		results = []ItemResult{result}
	}
	items, err := s.c.Items.Items(ctx, m, v, results, after, limit)
	if err != nil {
		return nil, err
	}
	friends := make([]lumo.FriendID, 0, len(items))
	for _, i := range items {
		if i.Friend != (lumo.FriendID{}) {
			friends = append(friends, i.Friend)
		}
	}
	names, err := s.c.Items.FriendNames(ctx, m, friends)
	list := make([]ListedItem, len(items))
	for n, i := range items {
		list[n] = ListedItem{Item: i, FriendName: names[i.Friend]}
	}
	return list, err
}

// nameCustomers gives items the names of their customers, where Klaviyo tells them.
func (s *Importer) nameCustomers(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, list []ListedItem) {
	var ids []lumo.ProfileID
	for _, i := range list {
		if i.Profile != "" {
			ids = append(ids, i.Profile)
		}
	}
	names, err := s.Names(ctx, m, c, ids)
	if err != nil {
		s.c.Log.WarnContext(ctx, "customers not named", "error", err, "merchant", m.String())
		return
	}
	for n := range list {
		list[n].CustomerName = names[list[n].Profile]
	}
}

// Names reads customers' names from Klaviyo for the screen; nothing is kept. Of an account
// without Klaviyo nobody has one.
func (s *Importer) Names(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, ids []lumo.ProfileID) (
	map[lumo.ProfileID]string, error) {
	const op = "linkage.Names"
	of, err := s.account(ctx, m, c)
	if fault.Is(err, fault.Conflict) || err == nil && len(ids) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	ctx, cancel := context.WithTimeout(ctx, compareTimeout)
	defer cancel()
	asked := make([]string, len(ids))
	for n, v := range ids {
		asked[n] = string(v)
	}
	found, _, err := s.c.Segments.FindProfiles(ctx, m, of.KlaviyoAccount, FieldID, asked)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	names := map[lumo.ProfileID]string{}
	for _, p := range found {
		names[p.ID] = strings.TrimSpace(p.FirstName + " " + p.LastName)
	}
	return names, nil
}

// Each hands on all items of a run, page by page.
func (s *Importer) Each(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.RunID, result ItemResult,
	hand func([]ListedItem) error) error {
	const op, page = "linkage.Each", 1000
	after := int64(0)
	for {
		var list []ListedItem
		err := s.inTenant(ctx, m, func(ctx context.Context) (err error) {
			if _, err := s.c.Runs.Run(ctx, m, c, v); err != nil {
				return err
			}
			list, err = s.listed(ctx, m, v, result, after, page)
			return err
		})
		if err == nil {
			err = hand(list)
		}
		if err != nil || len(list) < page {
			return fault.Wrap(op, err)
		}
		after = list[len(list)-1].N
	}
}
