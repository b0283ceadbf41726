package channel

import (
	"context"
	"errors"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"lumo/core/lumo"
	"lumo/core/run"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// The kinds of long work on friends.
const (
	RunConsent   = "consent"   // read again who follows
	RunFollowers = "followers" // bring in all followers
)

// How much one step asks LINE. Its limit is 2,000 questions a second for each kind.
const (
	listPage   = 1000
	probePage  = 200
	probesOpen = 16
)

// What a refresh counts.
const (
	countGiven     = "given"
	countWithdrawn = "withdrawn"
	countUnchanged = "unchanged"
	countAdded     = "added"
)

// Followers asks LINE who follows and whether one person does. The list of an account that
// is not verified is fault.Forbidden; a token of the list that is too old is fault.Invalid.
type Followers interface {
	Followers(ctx context.Context, keys lumo.Keys, after string, limit int) (
		users []lumo.LineUserID, next string, err error)
	Profile(ctx context.Context, keys lumo.Keys, user lumo.LineUserID) (Person, error)
}

// RefreshStore finds friends whom LINE has to be asked about; inside a transaction.
type RefreshStore interface {
	// Standing are the friends among these people, by LINE user id.
	Standing(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, users []lumo.LineUserID) (
		map[lumo.LineUserID]FriendRow, error)
	// Checked notes that LINE's list showed friends at a time.
	Checked(ctx context.Context, m lumo.MerchantID, f []lumo.FriendID, at time.Time) error
	// Unchecked are friends whom LINE's list did not show since a time: those once seen following,
	// or all.
	Unchecked(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, all bool, since time.Time,
		after lumo.FriendID, limit int) ([]FriendRow, error)
	Count(ctx context.Context, m lumo.MerchantID, q FriendQuery) (int64, error)
}

// Refresher reads again who follows: from LINE's list where the account is verified, and one
// by one whoever the list does not show. It changes nothing at LINE.
type Refresher struct {
	Service   *Service
	Tenants   Tenants
	Store     RefreshStore
	Followers Followers
	Now       func() time.Time
	Add       bool // also people nobody here knows; then nobody is asked about one by one
}

// A cursor is the part of the work, a colon, and how far it got there.
const (
	partList  = "list"
	partProbe = "probe" // whoever the list does not show and was seen following
	partEach  = "each"  // everybody, where LINE hands out no list: a follow may never have been told
)

// Prepare asks LINE what the next step needs.
func (r *Refresher) Prepare(ctx context.Context, v run.Run) (func(context.Context) (run.Step, error), error) {
	keys, err := r.Service.Keys(ctx, v.Merchant, v.Channel)
	if err != nil {
		return nil, err
	}
	part, at, _ := strings.Cut(v.Cursor, ":")
	if part == partProbe || part == partEach {
		return r.probe(ctx, v, keys.Messaging, part, at)
	}
	asked := r.Now()
	users, next, err := r.Followers.Followers(ctx, keys.Messaging, at, listPage)
	switch {
	case fault.Is(err, fault.Forbidden) && !r.Add:
		return r.to(v, partEach+":", lumo.Following, lumo.Blocked, lumo.NotFriend), nil
	case fault.Is(err, fault.Invalid) && at != "":
		return r.to(v, "", lumo.Following, lumo.Blocked), nil // LINE's place in the list is too old: from the beginning
	case err != nil:
		return nil, err
	}
	return func(ctx context.Context) (run.Step, error) { return r.listed(ctx, v, users, next, asked) }, nil
}

// to goes on in another part, which is about friends who are so to the account.
func (r *Refresher) to(v run.Run, cursor string, who ...lumo.FollowStatus) func(context.Context) (run.Step, error) {
	return func(ctx context.Context) (run.Step, error) {
		total, err := r.total(ctx, v, who...)
		return run.Step{Cursor: cursor, Total: total}, err
	}
}

// total is how many are expected, once.
func (r *Refresher) total(ctx context.Context, v run.Run, who ...lumo.FollowStatus) (*int64, error) {
	if v.Total != nil || r.Add {
		return v.Total, nil
	}
	var sum int64
	for _, status := range who {
		n, err := r.Store.Count(ctx, v.Merchant, FriendQuery{Channel: v.Channel, Status: status})
		if err != nil {
			return nil, err
		}
		sum += n
	}
	return &sum, nil
}

// listed takes one page of LINE's list.
func (r *Refresher) listed(ctx context.Context, v run.Run, users []lumo.LineUserID, next string, asked time.Time) (
	run.Step, error) {
	total, err := r.total(ctx, v, lumo.Following, lumo.Blocked)
	if err != nil {
		return run.Step{}, err
	}
	step := run.Step{Cursor: partList + ":" + next, Total: total, Counts: map[string]int64{}}
	known, err := r.Store.Standing(ctx, v.Merchant, v.Channel, users)
	if err != nil {
		return step, err
	}
	var listed []lumo.FriendID
	for _, user := range users {
		row, there := known[user]
		if !there && !r.Add {
			continue
		}
		step.Done++
		if there && row.Follow.Status == lumo.Following && row.Follow.Consent == lumo.ConsentGiven {
			step.Counts[countUnchanged]++
			listed = append(listed, row.ID)
			continue
		}
		f, err := r.observe(ctx, v, user, there, lumo.Following, asked, step.Counts)
		if errors.Is(err, errErased) {
			continue
		}
		if err != nil {
			return step, err
		}
		listed = append(listed, f)
	}
	if next == "" {
		step.Cursor, step.Ended = partProbe+":", r.Add
	}
	return step, r.Store.Checked(ctx, v.Merchant, listed, r.Now())
}

// observe applies what LINE said of one person and counts what came of it.
func (r *Refresher) observe(ctx context.Context, v run.Run, user lumo.LineUserID, known bool, status lumo.FollowStatus,
	asked time.Time, counts map[string]int64) (lumo.FriendID, error) {
	row, err := r.Service.meet(ctx, v.Merchant, v.Channel, lumo.Contact{User: user, Source: "refresh",
		Seen: &lumo.FollowSeen{Status: status, At: asked}})
	if err != nil {
		return lumo.FriendID{}, err
	}
	switch {
	case !known:
		counts[countAdded]++
	case row.Changed && row.Follow.Consent == lumo.ConsentGiven:
		counts[countGiven]++
	case row.Changed && row.Follow.Consent == lumo.ConsentWithdrawn:
		counts[countWithdrawn]++
	default:
		counts[countUnchanged]++
	}
	return row.ID, nil
}

// answered is what LINE said of one friend.
type answered struct {
	row    FriendRow
	status lumo.FollowStatus
}

// probe asks LINE about friends one by one, a few at a time. A person LINE knows follows; one it
// does not know has blocked the account, if they were seen following before.
func (r *Refresher) probe(ctx context.Context, v run.Run, keys lumo.Keys, part, at string) (
	func(context.Context) (run.Step, error), error) {
	var rows []FriendRow
	after, _ := id.Parse(at)
	err := r.Tenants.InTenant(ctx, v.Merchant, func(ctx context.Context) (err error) {
		rows, err = r.Store.Unchecked(ctx, v.Merchant, v.Channel, part == partEach, v.StartedAt, lumo.FriendID(after), probePage)
		return err
	})
	if err != nil {
		return nil, err
	}
	asked := r.Now()
	answers := make([]answered, len(rows))
	group, limited := errgroup.WithContext(ctx)
	group.SetLimit(probesOpen)
	for i, row := range rows {
		group.Go(func() error {
			_, err := r.Followers.Profile(limited, keys, row.Line)
			answers[i] = answered{row, lumo.Following}
			if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid) {
				answers[i].status, err = lumo.NotFriend, nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (run.Step, error) { return r.probed(ctx, v, part, answers, asked) }, nil
}

// probed takes answers over. A friend of whom nothing changed is not written: the cursor says how
// far the questions got.
func (r *Refresher) probed(ctx context.Context, v run.Run, part string, answers []answered, asked time.Time) (
	run.Step, error) {
	step := run.Step{Cursor: v.Cursor, Counts: map[string]int64{}, Ended: len(answers) < probePage}
	for _, a := range answers {
		step.Done++
		step.Cursor = part + ":" + id.ID(a.row.ID).String()
		agrees := a.status == a.row.Follow.Status || a.status == lumo.NotFriend && a.row.Follow.Status == lumo.Blocked
		if agrees {
			step.Counts[countUnchanged]++
			continue
		}
		_, err := r.observe(ctx, v, a.row.Line, true, a.status, asked, step.Counts)
		if err != nil && !errors.Is(err, errErased) {
			return step, err
		}
	}
	return step, nil
}

// Verified tells whether LINE hands over the account's followers.
func (r *Refresher) Verified(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (bool, error) {
	keys, err := r.Service.Keys(ctx, m, c)
	if err == nil {
		_, _, err = r.Followers.Followers(ctx, keys.Messaging, "", 1)
	}
	if fault.Is(err, fault.Forbidden) {
		return false, nil
	}
	return err == nil, fault.Wrap("channel.Verified", err)
}

// Consents are how many friends agree to messages, as far as is known.
type Consents struct {
	Given     int64
	Withdrawn int64
	Unknown   int64
	ChangedAt time.Time
}

// Consents counts an account's consents.
func (p *People) Consents(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (v Consents, err error) {
	err = p.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		for consent, n := range map[lumo.Consent]*int64{lumo.ConsentGiven: &v.Given,
			lumo.ConsentWithdrawn: &v.Withdrawn, lumo.ConsentUnknown: &v.Unknown} {
			if *n, err = p.c.Store.Count(ctx, m, FriendQuery{Channel: c, Consent: consent}); err != nil {
				return err
			}
		}
		v.ChangedAt, err = p.c.Store.ConsentChangedAt(ctx, m, c)
		return err
	})
	return v, fault.Wrap("channel.Consents", err)
}
