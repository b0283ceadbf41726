package console

import (
	"context"
	"net/http"
	"time"

	"lumo/core/account"
	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/core/run"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// RunView is long work: an import, a refresh.
type RunView struct {
	ID        string           `json:"id"`
	Channel   string           `json:"channel"`
	Kind      string           `json:"kind"`
	State     string           `json:"state" enum:"waiting,running,paused,stopped,done,failed"`
	Total     *int64           `json:"total,omitempty" doc:"left out while it is being counted"`
	Done      int64            `json:"done"`
	Problems  int64            `json:"problems"`
	Counts    map[string]int64 `json:"counts"`
	Waits     string           `json:"waits,omitempty" enum:"vendor,sample" doc:"for whom it waits; sample = for a person to look at what was found so far"`
	After     string           `json:"after,omitempty" doc:"the run whose end it waits for"`
	AfterKind string           `json:"after_kind,omitempty" doc:"what that one does"`
	AfterBy   string           `json:"after_by,omitempty" doc:"who started that one"`
	StartedBy string           `json:"started_by,omitempty"`
	CreatedAt *time.Time       `json:"created_at"`
	StartedAt *time.Time       `json:"started_at,omitempty"`
	EndedAt   *time.Time       `json:"ended_at,omitempty"`
	UndoneAt  *time.Time       `json:"undone_at,omitempty"`
	Seconds   int64            `json:"running_seconds" doc:"since it began, until it ended"`
}

// ConsentView is who agrees to messages of a LINE account.
type ConsentView struct {
	Given     int64      `json:"given"`
	Withdrawn int64      `json:"withdrawn"`
	Unknown   int64      `json:"unknown"`
	ChangedAt *time.Time `json:"changed_at,omitempty"`
	Verified  bool       `json:"verified" doc:"LINE hands over the follower list; else friends are asked about one by one"`
	Seconds   int64      `json:"expected_seconds" doc:"of an update"`
}

type runsInput struct {
	InChannel
	Kind string `query:"kind" maxLength:"40"`
}

// InRun is the input of operations on long work.
type InRun struct {
	InChannel
	RunID string `path:"run" doc:"imp_.."`
}

func (in InRun) run() (lumo.ChannelID, lumo.RunID, error) {
	c, err := in.Channel()
	if err != nil {
		return c, lumo.RunID{}, err
	}
	v, err := outside(id.Import, in.RunID)
	return c, lumo.RunID(v), err
}

// Finder names members.
type Finder interface {
	Find(ctx context.Context, m account.Membership) (account.Member, lumo.Merchant, error)
}

// RunParts are what the operations on long work need.
type RunParts struct {
	Runs      *run.Service
	People    *channel.People
	Refresher *channel.Refresher
	Members   Finder
}

// RegisterRuns adds the operations on long work, and those that start it for friends.
func RegisterRuns(a *API, p RunParts) {
	const one = "/merchants/{merchant}/channels/{channel}"
	Register(a, Op{ID: "list-runs", Method: http.MethodGet, Path: one + "/runs", Role: lumo.Viewer,
		Summary: "List long work, newest first"}, p.list)
	Register(a, Op{ID: "list-recent-runs", Method: http.MethodGet, Path: "/merchants/{merchant}/runs", Role: lumo.Viewer,
		Summary: "List the merchant's long work that goes on or just ended, whoever started it"}, p.recent)
	Register(a, Op{ID: "get-run", Method: http.MethodGet, Path: one + "/runs/{run}", Role: lumo.Viewer,
		Summary: "Read how far long work got"}, p.get)
	for verb, turn := range map[string]func(context.Context, lumo.MerchantID, lumo.ChannelID, lumo.RunID,
		lumo.MemberID) (run.Run, error){
		"pause": p.Runs.Pause, "resume": p.Runs.Resume, "stop": p.Runs.Stop} {
		Register(a, Op{ID: verb + "-run", Method: http.MethodPost, Path: one + "/runs/{run}/" + verb, Role: lumo.Marketer,
			Summary: "Pause, resume or stop long work"}, func(ctx context.Context, who Caller, in *InRun) (RunView, error) {
			c, v, err := in.run()
			if err != nil {
				return RunView{}, err
			}
			r, err := turn(ctx, who.Merchant.ID, c, v, who.Member.ID)
			return p.view(ctx, r, run.Run{}), err
		})
	}
	Register(a, Op{ID: "get-consent", Method: http.MethodGet, Path: one + "/consent", Role: lumo.Viewer,
		Summary: "Who agrees to messages"}, p.consent)
	Register(a, Op{ID: "refresh-consent", Method: http.MethodPost, Path: one + "/consent/refresh", Role: lumo.Admin,
		Status: http.StatusAccepted, Summary: "Update LINE consent status: read again who follows"},
		p.starting(channel.RunConsent))
	Register(a, Op{ID: "change-matching-friends", Method: http.MethodPost, Path: one + "/friends/bulk_all",
		Role: lumo.Marketer, Status: http.StatusAccepted, Summary: "Tag, untag or mark all friends that a filter matches"},
		p.bulkAll)
	Register(a, Op{ID: "import-followers", Method: http.MethodPost, Path: one + "/friends/import_followers",
		Role: lumo.Marketer, Status: http.StatusAccepted, Summary: "Bring in all followers of a verified account"},
		p.starting(channel.RunFollowers))
}

// bulkAllInput says what happens to all friends that a filter matches.
type bulkAllInput struct {
	InChannel
	Body struct {
		FriendFilter
		Action string `json:"action" enum:"tag,untag,tester,no_tester"`
		Label  string `json:"label,omitempty" maxLength:"40" doc:"tag_.., that is given or taken"`
	}
}

func (p RunParts) bulkAll(ctx context.Context, who Caller, in *bulkAllInput) (RunView, error) {
	q, err := in.Body.query(in.InChannel, "", 0)
	if err != nil {
		return RunView{}, err
	}
	action, tag := channel.BulkAction(in.Body.Action), id.ID{}
	if action == channel.BulkTag || action == channel.BulkUntag {
		if tag, err = outside(id.Tag, in.Body.Label); err != nil {
			return RunView{}, err
		}
		if _, err = p.People.Tag(ctx, who.Merchant.ID, q.Channel, lumo.TagID(tag)); err != nil {
			return RunView{}, err
		}
	}
	params, err := channel.BulkParams(q, action, lumo.TagID(tag))
	if err != nil {
		return RunView{}, err
	}
	r, err := p.Runs.Start(ctx, who.Merchant.ID, q.Channel, channel.RunBulk, params, who.Member.ID)
	return p.view(ctx, r, run.Run{}), err
}

func (p RunParts) list(ctx context.Context, who Caller, in *runsInput) (List[RunView], error) {
	c, err := in.Channel()
	if err != nil {
		return List[RunView]{}, err
	}
	all, err := p.Runs.Runs(ctx, who.Merchant.ID, c, in.Kind)
	list := List[RunView]{Items: make([]RunView, len(all))}
	for i, r := range all {
		if err == nil {
			list.Items[i], err = waitingView(ctx, p.Runs, p.Members, r)
		}
	}
	return list, err
}

// waitingView is a run; one that waits says for whom, whatever that one does.
func waitingView(ctx context.Context, runs *run.Service, members Finder, r run.Run) (RunView, error) {
	var after run.Run
	if r.State == run.Waiting {
		all, err := runs.Runs(ctx, r.Merchant, r.Channel, "")
		if err != nil {
			return RunView{}, err
		}
		after = ahead(all, r)
	}
	return runView(ctx, members, r, after), nil
}

func (p RunParts) recent(ctx context.Context, who Caller, _ *InMerchant) (List[RunView], error) {
	all, err := p.Runs.Recent(ctx, who.Merchant.ID)
	list := List[RunView]{Items: make([]RunView, len(all))}
	for i, r := range all {
		list.Items[i] = p.view(ctx, r, ahead(ofAccount(all, r.Channel), r))
	}
	return list, err
}

// ofAccount are the runs of one account: others do not wait for each other.
func ofAccount(all []run.Run, c lumo.ChannelID) (own []run.Run) {
	for _, r := range all {
		if r.Channel == c {
			own = append(own, r)
		}
	}
	return own
}

// ahead is the run whose end another one waits for.
func ahead(all []run.Run, r run.Run) (first run.Run) {
	for _, other := range all {
		older := id.ID(other.ID).String() < id.ID(r.ID).String()
		if r.State == run.Waiting && other.ID != r.ID && (other.State == run.Running || other.State == run.Waiting && older) {
			first = other
		}
	}
	return first
}

func (p RunParts) get(ctx context.Context, who Caller, in *InRun) (RunView, error) {
	c, v, err := in.run()
	if err != nil {
		return RunView{}, err
	}
	r, err := p.Runs.Run(ctx, who.Merchant.ID, c, v)
	if err != nil {
		return RunView{}, err
	}
	return waitingView(ctx, p.Runs, p.Members, r)
}

func (p RunParts) view(ctx context.Context, r run.Run, after run.Run) RunView {
	return runView(ctx, p.Members, r, after)
}

func runView(ctx context.Context, members Finder, r run.Run, after run.Run) RunView {
	v := RunView{ID: r.ID.String(), Channel: r.Channel.String(), Kind: r.Kind, State: string(r.State), Total: r.Total, Done: r.Done,
		Problems: r.Problems, Counts: r.Counts, Waits: r.Waits, CreatedAt: moment(r.CreatedAt),
		StartedAt: moment(r.StartedAt), EndedAt: moment(r.EndedAt), UndoneAt: moment(r.UndoneAt)}
	if v.Counts == nil {
		v.Counts = map[string]int64{}
	}
	if after.ID != (lumo.RunID{}) {
		v.After, v.AfterKind = after.ID.String(), after.Kind
		v.AfterBy = nameOf(ctx, members, after)
	}
	if !r.StartedAt.IsZero() {
		end := r.EndedAt
		if end.IsZero() {
			end = time.Now()
		}
		v.Seconds = int64(end.Sub(r.StartedAt).Seconds())
	}
	v.StartedBy = nameOf(ctx, members, r)
	return v
}

// nameOf is who started a run; nobody known is no name.
func nameOf(ctx context.Context, members Finder, r run.Run) string {
	member, _, err := members.Find(ctx, account.Membership{Merchant: r.Merchant, Member: r.StartedBy})
	if err != nil {
		return ""
	}
	return member.Name
}

func (p RunParts) consent(ctx context.Context, who Caller, in *InChannel) (ConsentView, error) {
	c, err := in.Channel()
	if err != nil {
		return ConsentView{}, err
	}
	counts, err := p.People.Consents(ctx, who.Merchant.ID, c)
	if err != nil {
		return ConsentView{}, err
	}
	verified, err := p.Refresher.Verified(ctx, who.Merchant.ID, c)
	if err != nil {
		verified = false // LINE does not answer; the numbers are ours all the same
	}
	const listed, probed = 20_000, 500 // a second
	people := counts.Given + counts.Withdrawn
	v := ConsentView{Given: counts.Given, Withdrawn: counts.Withdrawn, Unknown: counts.Unknown,
		ChangedAt: moment(counts.ChangedAt), Verified: verified, Seconds: 1 + people/probed}
	if verified {
		v.Seconds = 1 + people/listed
	}
	return v, nil
}

// starting starts long work of a kind; only one of a kind is open at a time.
func (p RunParts) starting(kind string) Handler[InChannel, RunView] {
	return func(ctx context.Context, who Caller, in *InChannel) (RunView, error) {
		c, err := in.Channel()
		if err != nil {
			return RunView{}, err
		}
		if kind == channel.RunFollowers {
			verified, err := p.Refresher.Verified(ctx, who.Merchant.ID, c)
			if err == nil && !verified {
				err = fault.New(fault.Conflict, "console.starting", "LINE allows this only for verified accounts.")
			}
			if err != nil {
				return RunView{}, err
			}
		}
		all, err := p.Runs.Runs(ctx, who.Merchant.ID, c, kind)
		if err != nil {
			return RunView{}, err
		}
		for _, r := range all {
			if !r.Ended() {
				return p.view(ctx, r, run.Run{}), nil // it is under way: that is what was asked for
			}
		}
		r, err := p.Runs.Start(ctx, who.Merchant.ID, c, kind, nil, who.Member.ID)
		return p.view(ctx, r, run.Run{}), err
	}
}
