package console

import (
	"context"
	"net/http"
	"slices"
	"time"

	"lumo/core/fleet"
	"lumo/shared/id"
)

// The states of an edge.
const (
	edgeWorking  = "working"
	edgeNeedsYou = "needs_you" // it works, with trouble
	edgeSilent   = "silent"    // no contact; it may work all the same
	edgeWaiting  = "waiting"   // enrolled and never connected
	edgeRevoked  = "revoked"
)

const (
	chartStep    = 10 * time.Minute
	sparkMinutes = 60
)

// EdgeView is an edge as operators see it.
type EdgeView struct {
	ID              string     `json:"id"`
	Name            string     `json:"name"`
	State           string     `json:"state" enum:"working,needs_you,silent,waiting,revoked"`
	Trouble         []string   `json:"trouble" doc:"spool, replica, modules"`
	Merchants       int        `json:"merchants" doc:"whom it may serve; 0 = all"`
	Version         string     `json:"version,omitempty" doc:"of its program"`
	CreatedAt       *time.Time `json:"created_at"`
	ConnectedAt     *time.Time `json:"connected_at,omitempty"`
	LastContactAt   *time.Time `json:"last_contact_at,omitempty"`
	SilentSeconds   int64      `json:"silent_seconds" doc:"since the last contact, 0 while it is in contact"`
	RevokedAt       *time.Time `json:"revoked_at,omitempty"`
	StillAsks       bool       `json:"still_asks,omitempty" doc:"it runs although it is revoked"`
	BehindSeconds   int64      `json:"behind_seconds" doc:"age of the oldest change that it has not applied"`
	WaitingEvents   uint64     `json:"waiting_events" doc:"that the core has not taken, as it said last"`
	OldestSeconds   uint64     `json:"oldest_seconds" doc:"age of the oldest of them"`
	EventsPerSecond float64    `json:"events_per_second" doc:"clicks and opens that the core took in the last whole minute"`
	Events          []uint64   `json:"events" doc:"taken in each of the last 60 minutes, oldest first"`
	ModulesVersion  uint64     `json:"modules_version" doc:"0 = the modules that it brings"`
	ModulesRefused  uint64     `json:"modules_refused,omitempty" doc:"version of the set that it refused"`
	ModulesReason   string     `json:"modules_reason,omitempty" enum:"other,signature,manifest,fetch,file,shape,import,compile,start,test" doc:"why"`
	ModulesDetail   string     `json:"modules_detail,omitempty" doc:"what exactly happened, technical and in English"`
	DiskBytes       uint64     `json:"disk_bytes" doc:"of what waits"`
	DiskLimit       uint64     `json:"disk_limit"`
}

// EdgePageView is one edge with its last day.
type EdgePageView struct {
	EdgeView
	Scope   []ShopRef      `json:"scope" doc:"merchants that it may serve; none = all"`
	Aside   []AsideView    `json:"set_aside" doc:"what it brought in the last 30 days and nobody could take, by reason"`
	History []EdgeStepView `json:"history" doc:"the last 24 hours by 10 minutes, in order; steps without contact are left out"`
	Log     []LogLineView  `json:"log" doc:"what became of it, newest first"`
}

// AsideView counts records that could not be taken. What stands in them is a merchant's.
type AsideView struct {
	Reason string     `json:"reason" enum:"unreadable,malformed,damaged,rejected,failed"`
	N      int64      `json:"n"`
	LastAt *time.Time `json:"last_at"`
}

// EdgeStepView is ten minutes of an edge.
type EdgeStepView struct {
	At            *time.Time `json:"at"`
	Events        uint64     `json:"events" doc:"that the core took"`
	WaitingEvents uint64     `json:"waiting_events" doc:"most that waited"`
	OldestSeconds uint64     `json:"oldest_seconds"`
}

// EdgeCodeView is a one-time code, without its text.
type EdgeCodeView struct {
	ID        string     `json:"id"`
	Name      string     `json:"name,omitempty"`
	State     string     `json:"state" enum:"waiting,used,over"`
	ExpiresAt *time.Time `json:"expires_at"`
	Edge      *EdgeView  `json:"edge,omitempty" doc:"that used it"`
}

// NewEdgeCodeView is a one-time code with its text, which is shown this once.
type NewEdgeCodeView struct {
	EdgeCodeView
	Code string `json:"code" doc:"LUMO_EDGE_ENROL of the edge to be"`
}

// InEdge is the input of operations on an edge.
type InEdge struct {
	EdgeID string `path:"edge" doc:"edg_.."`
}

func (in InEdge) edge() (id.ID, error) { return outside(id.Edge, in.EdgeID) }

type revokeInput struct {
	InEdge
	Body struct {
		Name string `json:"name" maxLength:"200" doc:"the edge's, as whoever revokes typed it"`
	}
}

type edgeCodeInput struct {
	Body struct {
		Name      string   `json:"name,omitempty" maxLength:"200" doc:"of the edge to be; without it the edge names itself"`
		Merchants []string `json:"merchants,omitempty" maxItems:"1000" doc:"mer_.. that it may serve; without any all, those that come later too"`
	}
}

type oneEdgeCodeInput struct {
	CodeID string `path:"code" doc:"key_.."`
}

func (p OpsParts) registerEdges(a *API) {
	Register(a, Op{ID: "list-edges", Method: http.MethodGet, Path: "/ops/edges", Role: Operator,
		Summary: "List edges that are not revoked"}, p.edges)
	Register(a, Op{ID: "get-edge", Method: http.MethodGet, Path: "/ops/edges/{edge}", Role: Operator,
		Summary: "Read an edge with its last day"}, p.edge)
	Register(a, Op{ID: "revoke-edge", Method: http.MethodPost, Path: "/ops/edges/{edge}/revoke", Role: Operator,
		Summary: "End an edge: its key at once, its stream within a second"}, p.revoke)
	Register(a, Op{ID: "create-edge-code", Method: http.MethodPost, Path: "/ops/edge_codes", Role: Operator, Secret: true,
		Summary: "Make a one-time code with which one edge enrols within 15 minutes; it is shown this once"}, p.createCode)
	Register(a, Op{ID: "get-edge-code", Method: http.MethodGet, Path: "/ops/edge_codes/{code}", Role: Operator,
		Summary: "Read what became of a one-time code"}, p.code)
}

func (p OpsParts) edges(ctx context.Context, _ Caller, _ *None) (List[EdgeView], error) {
	found, err := p.Fleet.Edges(ctx)
	if err != nil {
		return List[EdgeView]{}, err
	}
	rates, err := p.Fleet.Rates(ctx)
	total := int64(len(found))
	list := List[EdgeView]{Items: make([]EdgeView, len(found)), Total: &total}
	for i, e := range found {
		list.Items[i] = edgeView(e, rates[e.ID], p.Now())
	}
	return list, err
}

func (p OpsParts) edge(ctx context.Context, _ Caller, in *InEdge) (EdgePageView, error) {
	v, err := in.edge()
	if err != nil {
		return EdgePageView{}, err
	}
	e, err := p.Fleet.Edge(ctx, v)
	if err != nil {
		return EdgePageView{}, err
	}
	minutes, log, err := p.Fleet.History(ctx, v)
	if err != nil {
		return EdgePageView{}, err
	}
	view := EdgePageView{EdgeView: edgeView(e, minutes, p.Now()), History: edgeSteps(minutes)}
	if view.Scope, err = p.scope(ctx, e); err != nil {
		return EdgePageView{}, err
	}
	aside, err := p.Fleet.Aside(ctx, v)
	if err != nil {
		return EdgePageView{}, err
	}
	view.Aside = asideViews(aside)
	view.Log, err = p.log(ctx, log)
	return view, err
}

// asideViews are problems as screens have sentences for them; all failures of handlers are one.
func asideViews(all []fleet.Aside) []AsideView {
	views := []AsideView{}
	for _, a := range all {
		at := slices.IndexFunc(views, func(v AsideView) bool { return v.Reason == a.Reason() })
		if at < 0 {
			at, views = len(views), append(views, AsideView{Reason: a.Reason(), LastAt: moment(a.LastAt)})
		}
		views[at].N += a.N
		if a.LastAt.After(*views[at].LastAt) {
			views[at].LastAt = moment(a.LastAt)
		}
	}
	return views
}

func (p OpsParts) revoke(ctx context.Context, who Caller, in *revokeInput) (EdgePageView, error) {
	v, err := in.edge()
	if err != nil {
		return EdgePageView{}, err
	}
	if err := p.Fleet.Revoke(ctx, who.Operator.ID, v, in.Body.Name); err != nil {
		return EdgePageView{}, err
	}
	return p.edge(ctx, who, &in.InEdge)
}

func (p OpsParts) createCode(ctx context.Context, who Caller, in *edgeCodeInput) (NewEdgeCodeView, error) {
	scope, err := merchantIDs(in.Body.Merchants)
	if err != nil {
		return NewEdgeCodeView{}, err
	}
	made, text, err := p.Fleet.CreateCode(ctx, who.Operator.ID, in.Body.Name, scope)
	if err != nil {
		return NewEdgeCodeView{}, err
	}
	view, err := p.codeView(ctx, made)
	return NewEdgeCodeView{EdgeCodeView: view, Code: text.Reveal()}, err
}

func (p OpsParts) code(ctx context.Context, _ Caller, in *oneEdgeCodeInput) (EdgeCodeView, error) {
	v, err := outside(id.FlowKey, in.CodeID)
	if err != nil {
		return EdgeCodeView{}, err
	}
	c, err := p.Fleet.Code(ctx, v)
	if err != nil {
		return EdgeCodeView{}, err
	}
	return p.codeView(ctx, c)
}

func (p OpsParts) codeView(ctx context.Context, c fleet.Code) (EdgeCodeView, error) {
	view := EdgeCodeView{ID: c.ID.With(id.FlowKey), Name: c.Name, State: "waiting", ExpiresAt: moment(c.ExpiresAt)}
	switch {
	case !c.Edge.IsZero():
		view.State = "used"
		e, err := p.Fleet.Edge(ctx, c.Edge)
		if err != nil {
			return view, err
		}
		edge := edgeView(e, nil, p.Now())
		view.Edge = &edge
	case !c.ExpiresAt.After(p.Now()):
		view.State = "over"
	}
	return view, nil
}

func edgeState(e fleet.Edge, now time.Time) string {
	switch {
	case !e.RevokedAt.IsZero():
		return edgeRevoked
	case e.LastSeenAt.IsZero():
		return edgeWaiting
	case !e.Alive(now):
		return edgeSilent
	case e.Report.Trouble != 0:
		return edgeNeedsYou
	}
	return edgeWorking
}

// edgeView is an edge now; minutes are its newest ones, in order.
func edgeView(e fleet.Edge, minutes []fleet.Minute, now time.Time) EdgeView {
	r := e.Report
	v := EdgeView{ID: e.ID.With(id.Edge), Name: e.Name, State: edgeState(e, now), Trouble: r.Trouble.Names(),
		Merchants: len(e.Merchants), Version: r.Program, CreatedAt: moment(e.CreatedAt), ConnectedAt: moment(e.ConnectedAt),
		LastContactAt: moment(e.LastSeenAt), RevokedAt: moment(e.RevokedAt), StillAsks: e.StillAsks(now), WaitingEvents: r.WaitingEvents,
		OldestSeconds: r.OldestSeconds, EventsPerSecond: lastMinute(minutes, now), Events: lastHour(minutes, now),
		ModulesVersion: r.Modules, ModulesRefused: r.Refused, ModulesReason: r.Refusal.Code(), ModulesDetail: r.Detail,
		DiskBytes: r.SpoolBytes, DiskLimit: r.SpoolLimit}
	if v.State == edgeSilent {
		v.SilentSeconds = int64(now.Sub(e.LastSeenAt).Seconds())
	}
	if !e.BehindSince.IsZero() {
		v.BehindSeconds = max(0, int64(now.Sub(e.BehindSince).Seconds()))
	}
	return v
}

// lastMinute is the rate of the last whole minute, a second.
func lastMinute(minutes []fleet.Minute, now time.Time) float64 {
	want := now.Truncate(time.Minute).Add(-time.Minute)
	for _, m := range minutes {
		if m.At.Equal(want) {
			return float64(m.Events) / 60
		}
	}
	return 0
}

// lastHour are the events of each of the last 60 whole minutes.
func lastHour(minutes []fleet.Minute, now time.Time) []uint64 {
	first := now.Truncate(time.Minute).Add(-sparkMinutes * time.Minute)
	out := make([]uint64, sparkMinutes)
	for _, m := range minutes {
		if at := int(m.At.Sub(first) / time.Minute); !m.At.Before(first) && at < len(out) {
			out[at] = m.Events
		}
	}
	return out
}

// edgeSteps are minutes in steps of ten. An edge in contact has each of its minutes stored.
func edgeSteps(minutes []fleet.Minute) []EdgeStepView {
	out := []EdgeStepView{}
	for _, m := range minutes {
		at := moment(m.At.Truncate(chartStep))
		if len(out) == 0 || !out[len(out)-1].At.Equal(*at) {
			out = append(out, EdgeStepView{At: at})
		}
		last := &out[len(out)-1]
		last.Events += m.Events
		last.WaitingEvents = max(last.WaitingEvents, m.Waiting)
		last.OldestSeconds = max(last.OldestSeconds, m.OldestSeconds)
	}
	return out
}
