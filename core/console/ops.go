package console

import (
	"context"
	"net/http"
	"time"

	"lumo/core/account"
	"lumo/core/delivery"
	"lumo/core/fleet"
	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// The operations of people who run the system. They see edges, modules, and merchants by name
// and counts, never a merchant's friends, messages or keys.

// Operators knows who runs the system.
type Operators interface {
	Operators(ctx context.Context) ([]account.Operator, error)
}

// OpsParts is what operators see and steer.
type OpsParts struct {
	Fleet     *fleet.Service
	Sending   *delivery.Service
	Operators Operators
	Shops     Shops
	Now       func() time.Time
}

// OpsView is the overview of the whole system.
type OpsView struct {
	Edges           EdgeCountsView `json:"edges"`
	EventsPerSecond float64        `json:"events_per_second" doc:"clicks and opens that the core took in the last whole minute"`
	WaitingEvents   int64          `json:"waiting_events" doc:"on all edges, as they said last"`
	Modules         RollOutView    `json:"modules"`
	Merchants       int            `json:"merchants" doc:"with a LINE account"`
	Stop            *HoldView      `json:"stop,omitempty" doc:"while all sending is stopped"`
	Log             []LogLineView  `json:"log" doc:"what operators did, newest first"`
}

// EdgeCountsView counts edges by state.
type EdgeCountsView struct {
	Total    int `json:"total"`
	Working  int `json:"working"`
	NeedsYou int `json:"needs_you"`
	Silent   int `json:"silent"`
	Waiting  int `json:"waiting" doc:"enrolled and never connected"`
}

// RollOutView tells how far a module set came.
type RollOutView struct {
	Version uint64 `json:"version" doc:"0 = the modules that edges bring"`
	Live    int    `json:"live" doc:"edges that run it"`
	Of      int    `json:"of" doc:"edges that should"`
	Refused int    `json:"refused" doc:"edges that refused it"`
}

// LogLineView is one thing that happened.
type LogLineView struct {
	ID     string         `json:"id"`
	At     *time.Time     `json:"at"`
	Action string         `json:"action" enum:"code_made,enrolled,connected,went,revoked,modules_published,modules_rolled_back,modules_decide,modules_refused,trouble,sending_stopped,sending_resumed"`
	By     string         `json:"by,omitempty" doc:"name of the operator; left out for the command line and for what edges do"`
	EdgeID string         `json:"edge_id,omitempty"`
	Data   map[string]any `json:"data"`
}

type stopAllInput struct {
	Body struct {
		Reason string `json:"reason" enum:"trouble,line,maintenance" doc:"merchants read it in their language"`
	}
}

// RegisterOps adds the operations of operators.
func RegisterOps(a *API, p OpsParts) {
	Register(a, Op{ID: "get-ops", Method: http.MethodGet, Path: "/ops", Role: Operator,
		Summary: "Read the overview of the whole system"}, p.overview)
	Register(a, Op{ID: "stop-all-sending", Method: http.MethodPost, Path: "/ops/sending/stop", Role: Operator,
		Summary: "Stop all sending of all merchants; nothing leaves two seconds later"}, p.stopAll)
	Register(a, Op{ID: "resume-all-sending", Method: http.MethodPost, Path: "/ops/sending/resume", Role: Operator,
		Summary: "End the stop of all sending; merchants' own stops stay"}, p.resumeAll)
	p.registerEdges(a)
	p.registerModules(a)
	p.registerMerchants(a)
}

func (p OpsParts) overview(ctx context.Context, _ Caller, _ *None) (OpsView, error) {
	view := OpsView{}
	edges, err := p.Fleet.Edges(ctx)
	if err != nil {
		return view, err
	}
	sets, err := p.Fleet.ModuleSets(ctx)
	if err != nil {
		return view, err
	}
	rates, err := p.Fleet.Rates(ctx)
	if err != nil {
		return view, err
	}
	hold, err := p.Sending.Hold(ctx)
	if err != nil {
		return view, err
	}
	merchants, err := p.Fleet.Merchants(ctx)
	if err != nil {
		return view, err
	}
	view.Merchants, view.Stop, view.Modules = len(merchants), holdView(hold), rollOut(fleet.Current(sets), edges)
	for _, e := range edges {
		view.Edges.add(edgeState(e, p.Now()))
		view.WaitingEvents += int64(e.Report.WaitingEvents)
		view.EventsPerSecond += lastMinute(rates[e.ID], p.Now())
	}
	log, err := p.Fleet.Operations(ctx)
	if err != nil {
		return view, err
	}
	view.Log, err = p.log(ctx, log)
	return view, err
}

func (c *EdgeCountsView) add(state string) {
	c.Total++
	switch state {
	case edgeWorking:
		c.Working++
	case edgeNeedsYou:
		c.NeedsYou++
	case edgeSilent:
		c.Silent++
	case edgeWaiting:
		c.Waiting++
	}
}

// rollOut counts how far the published set came. Before there is one, edges run their own.
func rollOut(now *fleet.ModuleSet, edges []fleet.Edge) RollOutView {
	view := RollOutView{Of: len(edges)}
	if now != nil {
		view.Version = now.Version
	}
	for _, e := range edges {
		switch {
		case e.Report.Modules == view.Version:
			view.Live++
		case refuses(e, view.Version, true):
			view.Refused++
		}
	}
	return view
}

// refuses tells whether an edge refused a version. What it could not even read, it says of no
// version: that is the one that is published.
func refuses(e fleet.Edge, version uint64, published bool) bool {
	r := e.Report
	return r.Refusal != 0 && (r.Refused == version || r.Refused == 0 && published)
}

// log names who did what.
func (p OpsParts) log(ctx context.Context, entries []fleet.Entry) ([]LogLineView, error) {
	names, err := p.names(ctx)
	lines := make([]LogLineView, len(entries))
	for i, e := range entries {
		lines[i] = LogLineView{ID: e.ID.With(id.Event), At: moment(e.At), Action: e.Action, By: names[e.Operator], Data: logData(e)}
		if !e.Edge.IsZero() {
			lines[i].EdgeID = e.Edge.With(id.Edge)
		}
	}
	return lines, err
}

// logData is what a line says. Refusals of before there were codes tell only what happened.
func logData(e fleet.Entry) map[string]any {
	if e.Action != fleet.ActionRefused {
		return e.Data
	}
	reason, _ := e.Data["reason"].(string)
	if edgeapi.ParseRefusal(reason) != 0 {
		return e.Data
	}
	return map[string]any{"version": e.Data["version"], "reason": edgeapi.RefusedOther.Code(), "detail": reason}
}

func (p OpsParts) names(ctx context.Context) (map[id.ID]string, error) {
	all, err := p.Operators.Operators(ctx)
	names := map[id.ID]string{}
	for _, o := range all {
		names[o.ID] = o.Name
	}
	return names, err
}

func (p OpsParts) stopAll(ctx context.Context, who Caller, in *stopAllInput) (OpsView, error) {
	if err := p.Sending.StopAll(ctx, who.Operator.ID, who.Operator.Name, in.Body.Reason); err != nil {
		return OpsView{}, err
	}
	return p.overview(ctx, who, nil)
}

func (p OpsParts) resumeAll(ctx context.Context, who Caller, _ *None) (OpsView, error) {
	if err := p.Sending.ResumeAll(ctx, who.Operator.ID); err != nil {
		return OpsView{}, err
	}
	return p.overview(ctx, who, nil)
}

// merchantIDs reads outside ids of merchants.
func merchantIDs(texts []string) ([]lumo.MerchantID, error) {
	var out []lumo.MerchantID
	for _, text := range texts {
		v, err := id.ParseWith(id.Merchant, text)
		if err != nil {
			return nil, &fault.Error{Kind: fault.Invalid, Op: "console.merchantIDs", Message: "Some merchants cannot be read.",
				Fields: map[string]string{"merchants": "Write ids like mer_.."}}
		}
		out = append(out, lumo.MerchantID(v))
	}
	return out, nil
}
