package console

import (
	"context"
	"net/http"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/run"
	"lumo/shared/id"
)

// ForecastView is what a rule would do with many conflicts.
type ForecastView struct {
	Total         int64 `json:"total"`
	UseFirst      int64 `json:"use_first" doc:"the link that stands stays"`
	UseSecond     int64 `json:"use_second" doc:"the link goes to the other side"`
	LeaveUnlinked int64 `json:"leave_unlinked"`
	Left          int64 `json:"left" doc:"the rule is not clear about these; they go on waiting"`
}

// ManyBody says which conflicts are decided by which rule.
type ManyBody struct {
	Rule  string   `json:"rule" enum:"keep,surer,leave_unlinked" doc:"keep = what stands stays; surer = the higher level wins"`
	Kind  string   `json:"kind,omitempty" enum:"two_profiles,two_friends,shared_phone" doc:"left out = all kinds"`
	Items []string `json:"items,omitempty" maxItems:"200" doc:"evt_.., left out = all that are open now"`
}

type manyInput struct {
	InChannel
	Body ManyBody
}

func (in manyInput) pick() (c lumo.ChannelID, p linkage.Pick, err error) {
	if c, err = in.Channel(); err != nil {
		return c, p, err
	}
	p.Kind = linkage.ConflictKind(in.Body.Kind)
	for _, text := range in.Body.Items {
		v, err := outside(id.Event, text)
		if err != nil {
			return c, p, err
		}
		p.Items = append(p.Items, v)
	}
	return c, p, nil
}

// ReviewParts are what deciding many conflicts needs.
type ReviewParts struct {
	Reviewer *linkage.Reviewer
	Members  Finder
}

// RegisterManyReviews adds deciding many conflicts by one rule, as long work.
func RegisterManyReviews(a *API, p ReviewParts) {
	const one = "/merchants/{merchant}/channels/{channel}"
	Register(a, Op{ID: "check-many-reviews", Method: http.MethodPost, Path: one + "/review_many/check", Role: lumo.Marketer,
		Summary: "Check first: what deciding many by one rule would do. Changes nothing"}, p.check)
	Register(a, Op{ID: "decide-many-reviews", Method: http.MethodPost, Path: one + "/review_many", Role: lumo.Marketer,
		Status: http.StatusAccepted, Summary: "Decide many by one rule"}, p.decide)
	Register(a, Op{ID: "undo-many-reviews", Method: http.MethodPost, Path: one + "/review_many/{run}/undo", Role: lumo.Marketer,
		Status: http.StatusAccepted, Summary: "Take back what such a run decided and nobody changed since"}, p.undo)
}

func (p ReviewParts) check(ctx context.Context, who Caller, in *manyInput) (ForecastView, error) {
	c, pick, err := in.pick()
	if err != nil {
		return ForecastView{}, err
	}
	f, err := p.Reviewer.Forecast(ctx, who.Merchant.ID, c, pick, linkage.Rule(in.Body.Rule))
	return ForecastView{Total: f.Total, UseFirst: f.UseFirst, UseSecond: f.UseSecond, LeaveUnlinked: f.Unlinked, Left: f.Left}, err
}

func (p ReviewParts) decide(ctx context.Context, who Caller, in *manyInput) (RunView, error) {
	c, pick, err := in.pick()
	if err != nil {
		return RunView{}, err
	}
	r, err := p.Reviewer.DecideMany(ctx, who.Merchant.ID, c, pick, linkage.Rule(in.Body.Rule), who.Member.ID)
	return runView(ctx, p.Members, r, run.Run{}), err
}

func (p ReviewParts) undo(ctx context.Context, who Caller, in *InRun) (RunView, error) {
	c, v, err := in.run()
	if err != nil {
		return RunView{}, err
	}
	r, err := p.Reviewer.UndoMany(ctx, who.Merchant.ID, c, v, who.Member.ID)
	return runView(ctx, p.Members, r, run.Run{}), err
}
