package linkage

import (
	"context"
	"strings"
	"time"

	"lumo/core/lumo"
	"lumo/core/run"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// The kinds of long work on conflicts.
const (
	RunReview     = "review"      // decides many by one rule
	RunReviewUndo = "review_undo" // takes the decisions of such a run back
)

const (
	paramRule    = "rule"
	paramKind    = "kind"
	paramItems   = "items"
	paramUntil   = "until"
	paramReview  = "review"
	reviewStep   = 25
	reviewPicked = 200 // at most, by name
)

// Rule decides conflicts that are alike without a look at each.
type Rule string

// The rules. None of them asks Klaviyo: they go by what is known here, the same for all.
const (
	RuleKeep  Rule = "keep"  // the link that stands stays
	RuleSurer Rule = "surer" // the side with the higher level
	RuleLeave Rule = "leave_unlinked"
)

func (r Rule) known() bool { return r == RuleKeep || r == RuleSurer || r == RuleLeave }

// Grounds are what a rule goes by.
type Grounds struct {
	First, Second lumo.Assurance
	Stood         bool // a link stood when the conflict came
	Stands        bool // and it still does
}

// decide is Undecided where the rule is not clear about an item: that one waits for a person.
func (r Rule) decide(g Grounds) Decision {
	first, second := level(g.First), level(g.Second)
	switch {
	case r == RuleLeave:
		return LeaveUnlinked
	case g.Stood && !g.Stands:
		return Undecided // it is about something else by now
	case r == RuleKeep && g.Stands, r == RuleSurer && first > second:
		return UseFirst
	case r == RuleSurer && second > first:
		return UseSecond
	}
	return Undecided
}

// Pick says which open conflicts are meant. Those that come later are not.
type Pick struct {
	Kind  ConflictKind // empty = of all kinds
	Items []id.ID      // nil = all
	Until time.Time
}

// Ground is a conflict with what a rule goes by.
type Ground struct {
	ID id.ID
	Grounds
	Decision Decision // what this very run decided before its process died
}

// ManyConflicts finds conflicts many at once; it runs inside a transaction of the merchant.
type ManyConflicts interface {
	CountGrounds(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, p Pick) (map[Grounds]int64, error)
	// GroundsAfter are open conflicts after an id, and those that a run decided.
	GroundsAfter(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, p Pick, v lumo.RunID, after id.ID, limit int) (
		[]Ground, error)
	// DecidedBy are conflicts that are still decided as a run did.
	DecidedBy(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.RunID, after id.ID, limit int) ([]id.ID, error)
}

// Reviewer decides many conflicts by one rule, as long work that can be taken back.
type Reviewer struct {
	Links     *Service
	Conflicts ManyConflicts
	Items     ItemStore
	Runs      Runs
}

// Workers are who does the long work, by kind.
func (s *Reviewer) Workers() map[string]run.Worker {
	return map[string]run.Worker{RunReview: decider{s}, RunReviewUndo: takerBack{s}}
}

// Forecast is what a rule would do.
type Forecast struct {
	Total     int64
	UseFirst  int64
	UseSecond int64
	Unlinked  int64
	Left      int64 // the rule is not clear about these
}

// Forecast says what a rule would do. It changes nothing.
func (s *Reviewer) Forecast(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, p Pick, r Rule) (f Forecast, err error) {
	const op = "linkage.Forecast"
	if err := fits(op, p, r); err != nil {
		return f, err
	}
	p.Until = s.Links.c.Now()
	if _, err := s.Links.c.Channels.Get(ctx, m, c); err != nil {
		return f, fault.Wrap(op, err)
	}
	err = s.Links.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		counts, err := s.Conflicts.CountGrounds(ctx, m, c, p)
		f = Forecast{}
		for g, n := range counts {
			f.Total += n
			*f.of(r.decide(g)) += n
		}
		return err
	})
	return f, fault.Wrap(op, err)
}

func (f *Forecast) of(d Decision) *int64 {
	switch d {
	case UseFirst:
		return &f.UseFirst
	case UseSecond:
		return &f.UseSecond
	case LeaveUnlinked:
		return &f.Unlinked
	}
	return &f.Left
}

func fits(op string, p Pick, r Rule) error {
	switch {
	case !r.known():
		return fault.New(fault.Invalid, op, "There is no such rule.")
	case p.Items != nil && (len(p.Items) == 0 || len(p.Items) > reviewPicked):
		return fault.New(fault.Invalid, op, "Choose 1 to %d items.", reviewPicked)
	}
	return nil
}

// DecideMany starts deciding by a rule.
func (s *Reviewer) DecideMany(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, p Pick, r Rule, by lumo.MemberID) (
	run.Run, error) {
	const op = "linkage.DecideMany"
	if err := fits(op, p, r); err != nil {
		return run.Run{}, err
	}
	params := map[string]string{paramRule: string(r), paramKind: string(p.Kind),
		paramUntil: s.Links.c.Now().Format(time.RFC3339Nano)}
	if p.Items != nil {
		names := make([]string, len(p.Items))
		for n, v := range p.Items {
			names[n] = v.String()
		}
		params[paramItems] = strings.Join(names, " ")
	}
	if _, err := s.Links.c.Channels.Get(ctx, m, c); err != nil {
		return run.Run{}, fault.Wrap(op, err)
	}
	v, err := s.Runs.Start(ctx, m, c, RunReview, params, by)
	return v, fault.Wrap(op, err)
}

// pickOf reads what a run is about.
func pickOf(r run.Run) (p Pick, err error) {
	p.Kind = ConflictKind(r.Params[paramKind])
	if p.Until, err = time.Parse(time.RFC3339Nano, r.Params[paramUntil]); err != nil {
		return p, err
	}
	for name := range strings.FieldsSeq(r.Params[paramItems]) {
		v, err := id.Parse(name)
		if err != nil {
			return p, err
		}
		p.Items = append(p.Items, v)
	}
	return p, nil
}

// UndoMany starts taking back what a run decided and nobody changed since.
func (s *Reviewer) UndoMany(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.RunID, by lumo.MemberID) (
	r run.Run, err error) {
	const op = "linkage.UndoMany"
	err = s.Links.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		made, err := s.Runs.Run(ctx, m, c, v)
		if err != nil {
			return err
		}
		if made.Kind != RunReview || !made.Ended() || !made.UndoneAt.IsZero() {
			return fault.New(fault.Conflict, op, "These decisions cannot be undone, or were undone already.")
		}
		_, err = s.Items.Follower(ctx, m, c, RunReviewUndo, paramReview, v)
		if !fault.Is(err, fault.NotFound) {
			if err == nil {
				err = fault.New(fault.Conflict, op, "These decisions are being undone already.")
			}
			return err
		}
		r, err = s.Runs.Start(ctx, m, c, RunReviewUndo, map[string]string{paramReview: v.String()}, by)
		return err
	})
	return r, fault.Wrap(op, err)
}

// What a run counts besides the decisions.
const (
	countLeft    = "left"    // the rule is not clear about it
	countChanged = "changed" // somebody decided it meanwhile, or another link was made
	countUndone  = "undone"
)

// decider decides a few at a time, each in a transaction of its own: what cannot be decided
// any more holds up nobody. What a step decided stands even when its process dies before the
// step is counted; GroundsAfter finds it again.
type decider struct{ *Reviewer }

// Prepare decides the next few.
func (s decider) Prepare(ctx context.Context, r run.Run) (func(context.Context) (run.Step, error), error) {
	const op = "linkage.decider"
	p, err := pickOf(r)
	if err != nil {
		return nil, fault.As(fault.Internal, op, err)
	}
	step := run.Step{Cursor: r.Cursor, Total: r.Total, Counts: map[string]int64{}}
	if step.Total == nil {
		if step.Total, err = s.total(ctx, r, p); err != nil {
			return nil, err
		}
	}
	for range reviewStep {
		g, ok, err := s.next(ctx, r, p, step.Cursor)
		if step.Ended = !ok; err != nil || !ok {
			return func(context.Context) (run.Step, error) { return step, nil }, err
		}
		result, err := s.one(ctx, r, g)
		if err != nil {
			return nil, err
		}
		step.Done++
		step.Counts[result]++
		if result == countChanged {
			step.Problems++
		}
		step.Cursor = g.ID.String()
	}
	return func(context.Context) (run.Step, error) { return step, nil }, nil
}

// next reads one conflict as it is now: the decision before may have changed what it is about.
func (s decider) next(ctx context.Context, r run.Run, p Pick, cursor string) (g Ground, ok bool, err error) {
	after, _ := id.Parse(cursor) // zero at the beginning
	err = s.Links.c.Tenants.InTenant(ctx, r.Merchant, func(ctx context.Context) error {
		list, err := s.Conflicts.GroundsAfter(ctx, r.Merchant, r.Channel, p, r.ID, after, 1)
		if ok = len(list) == 1; ok {
			g = list[0]
		}
		return err
	})
	return g, ok, err
}

func (s decider) total(ctx context.Context, r run.Run, p Pick) (*int64, error) {
	sum := int64(0)
	err := s.Links.c.Tenants.InTenant(ctx, r.Merchant, func(ctx context.Context) error {
		counts, err := s.Conflicts.CountGrounds(ctx, r.Merchant, r.Channel, p)
		sum = 0
		for _, n := range counts {
			sum += n
		}
		return err
	})
	return &sum, err
}

// one decides one item and says what came of it.
func (s decider) one(ctx context.Context, r run.Run, g Ground) (string, error) {
	if g.Decision != Undecided {
		return string(g.Decision), nil
	}
	d := Rule(r.Params[paramRule]).decide(g.Grounds)
	if d == Undecided {
		return countLeft, nil
	}
	err := s.Links.conclude(ctx, r.Merchant, r.Channel, g.ID, d, r.StartedBy, r.ID.String())
	if fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound) {
		return countChanged, nil
	}
	return string(d), err
}

// takerBack takes decisions back, each in a transaction of its own.
type takerBack struct{ *Reviewer }

// Prepare takes the next few back.
func (s takerBack) Prepare(ctx context.Context, r run.Run) (func(context.Context) (run.Step, error), error) {
	v, err := id.ParseWith(id.Import, r.Params[paramReview])
	if err != nil {
		return nil, fault.As(fault.Internal, "linkage.takerBack", err)
	}
	made := lumo.RunID(v)
	var items []id.ID
	total := r.Total
	after, _ := id.Parse(r.Cursor)
	err = s.Links.c.Tenants.InTenant(ctx, r.Merchant, func(ctx context.Context) error {
		of, err := s.Runs.Run(ctx, r.Merchant, r.Channel, made)
		if err != nil {
			return err
		}
		sum := of.Counts[string(UseFirst)] + of.Counts[string(UseSecond)] + of.Counts[string(LeaveUnlinked)]
		total = &sum
		items, err = s.Conflicts.DecidedBy(ctx, r.Merchant, r.Channel, made, after, reviewStep)
		return err
	})
	if err != nil {
		return nil, err
	}
	step := run.Step{Cursor: r.Cursor, Total: total, Counts: map[string]int64{}, Ended: len(items) < reviewStep}
	for _, v := range items {
		err := s.Links.UndoDecision(ctx, r.Merchant, r.Channel, v, r.StartedBy)
		switch {
		case err == nil:
			step.Counts[countUndone]++
		case fault.Is(err, fault.Conflict), fault.Is(err, fault.NotFound):
			step.Counts[countChanged]++
			step.Problems++
		default:
			return nil, err
		}
		step.Done++
		step.Cursor = v.String()
	}
	return func(ctx context.Context) (run.Step, error) {
		if !step.Ended {
			return step, nil
		}
		return step, s.Items.SetUndone(ctx, r.Merchant, r.Channel, made, s.Links.c.Now())
	}, nil
}
