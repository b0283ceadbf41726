package console

import (
	"context"
	"net/http"
	"time"

	"lumo/core/fleet"
	"lumo/shared/id"
)

// ModulesView is which modules edges run.
type ModulesView struct {
	SigningKey bool            `json:"signing_key" doc:"whether the core knows LUMO_MODULE_PUBLIC_KEY; without it nothing can be published"`
	Edges      int             `json:"edges" doc:"that are not revoked"`
	BuiltIn    int             `json:"built_in" doc:"edges that run the modules they bring"`
	Sets       []ModuleSetView `json:"sets" doc:"that were published, newest first"`
}

// ModuleSetView is a signed set.
type ModuleSetView struct {
	Version     uint64        `json:"version"`
	State       string        `json:"state" enum:"live,replaced" doc:"live = the one that edges should run"`
	MadeAt      *time.Time    `json:"made_at" doc:"when it was signed"`
	PublishedAt *time.Time    `json:"published_at"`
	By          string        `json:"by,omitempty" doc:"name of the operator; left out for the command line"`
	Undoes      uint64        `json:"undoes,omitempty" doc:"version that it rolled back"`
	CanRollBack bool          `json:"can_roll_back"`
	Live        int           `json:"live" doc:"edges that run it"`
	Refused     []RefusalView `json:"refused" doc:"by edges, with the reason of each"`
	Modules     []ModuleView  `json:"modules"`
}

// ModuleView is a file of a set.
type ModuleView struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
}

// RefusalView is an edge that did not put a set to work.
type RefusalView struct {
	EdgeID string `json:"edge_id"`
	Name   string `json:"name"`
	Reason string `json:"reason" enum:"other,signature,manifest,fetch,file,shape,import,compile,start,test"`
	Detail string `json:"detail,omitempty" doc:"what exactly happened, technical and in English"`
}

type rollBackInput struct {
	Version uint64 `path:"version" doc:"that edges run now"`
}

func (p OpsParts) registerModules(a *API) {
	Register(a, Op{ID: "get-modules", Method: http.MethodGet, Path: "/ops/modules", Role: Operator,
		Summary: "Read which modules edges run"}, p.modules)
	Register(a, Op{ID: "roll-back-modules", Method: http.MethodPost, Path: "/ops/modules/{version}/roll_back", Role: Operator,
		Summary: "Have all edges return to what ran before a version"},
		func(ctx context.Context, who Caller, in *rollBackInput) (ModulesView, error) {
			if _, err := p.Fleet.RollBack(ctx, who.Operator.ID, in.Version); err != nil {
				return ModulesView{}, err
			}
			return p.modules(ctx, who, nil)
		})
}

func (p OpsParts) modules(ctx context.Context, _ Caller, _ *None) (ModulesView, error) {
	sets, err := p.Fleet.ModuleSets(ctx)
	if err != nil {
		return ModulesView{}, err
	}
	edges, err := p.Fleet.Edges(ctx)
	if err != nil {
		return ModulesView{}, err
	}
	names, err := p.names(ctx)
	if err != nil {
		return ModulesView{}, err
	}
	view := ModulesView{SigningKey: p.Fleet.Signs(), Edges: len(edges), Sets: []ModuleSetView{}}
	for _, e := range edges {
		if e.Report.Modules == 0 {
			view.BuiltIn++
		}
	}
	now := fleet.Current(sets)
	for _, s := range sets {
		if s.PublishedAt.IsZero() {
			continue
		}
		live := s.Version == now.Version
		one := setView(s, edges, live)
		one.By, one.CanRollBack = names[s.PublishedBy], live && hasWayBack(sets, s.Version)
		view.Sets = append(view.Sets, one)
	}
	return view, nil
}

func hasWayBack(sets []fleet.ModuleSet, version uint64) bool {
	for _, s := range sets {
		if s.Undoes == version {
			return true
		}
	}
	return false
}

func setView(s fleet.ModuleSet, edges []fleet.Edge, live bool) ModuleSetView {
	v := ModuleSetView{Version: s.Version, State: "replaced", MadeAt: moment(s.MadeAt), PublishedAt: moment(s.PublishedAt),
		Undoes: s.Undoes}
	if live {
		v.State = "live"
	}
	for _, m := range s.Modules {
		v.Modules = append(v.Modules, ModuleView{Name: m.Name, Version: m.Version, SHA256: m.SHA256})
	}
	for _, e := range edges {
		if e.Report.Modules == s.Version {
			v.Live++
		}
		if refuses(e, s.Version, live) {
			v.Refused = append(v.Refused, RefusalView{EdgeID: e.ID.With(id.Edge), Name: e.Name,
				Reason: e.Report.Refusal.Code(), Detail: e.Report.Detail})
		}
	}
	return v
}
