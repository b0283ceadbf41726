package console

import (
	"context"
	"net/http"
	"time"

	"lumo/core/linkage"
	"lumo/core/lumo"
)

// FunnelView is how far people get by one method. A number that nobody can know is left out.
type FunnelView struct {
	Method  string `json:"method" enum:"qr,form,import,automatic,console"`
	Invited *int64 `json:"invited,omitempty"`
	Scanned *int64 `json:"scanned,omitempty"`
	Friends *int64 `json:"friends,omitempty"`
	Linked  int64  `json:"linked"`
}

// LinkedDayView is how many friends were linked at the end of a day of the merchant's zone.
type LinkedDayView struct {
	Day    string `json:"day" doc:"YYYY-MM-DD"`
	Linked int64  `json:"linked"`
}

// HealthView is how linking is going on one LINE account.
type HealthView struct {
	Reachable   int64           `json:"reachable"`
	Linked      int64           `json:"linked" doc:"of those who can be reached"`
	GoalPercent int             `json:"goal_percent"`
	Methods     []FunnelView    `json:"methods"`
	Days        []LinkedDayView `json:"days" doc:"90 days, oldest first"`
	Review      int64           `json:"review"`
}

// LinkingView is what a merchant chose about linking.
type LinkingView struct {
	GoalPercent int      `json:"goal_percent" minimum:"1" maximum:"100"`
	UnlinkWords []string `json:"unlink_words" maxItems:"20" doc:"a friend who writes one is unlinked"`
}

type linkingInput struct {
	InChannel
	Body LinkingView
}

func (l links) registerHealth(a *API, one string) {
	Register(a, Op{ID: "get-linking-health", Method: http.MethodGet, Path: one + "/linking", Role: lumo.Viewer,
		Summary: "How linking is going"}, l.health)
	Register(a, Op{ID: "get-linking-settings", Method: http.MethodGet, Path: one + "/linking/settings",
		Role: lumo.Viewer, Summary: "The goal, and the words that unlink"}, l.settings)
	RegisterEdit(a, Op{ID: "update-linking-settings", Method: http.MethodPut, Path: one + "/linking/settings",
		Role: lumo.Marketer, Summary: "Choose the goal, and the words that unlink"}, l.readSettings, l.changeSettings)
}

func (l links) health(ctx context.Context, who Caller, in *InChannel) (HealthView, error) {
	c, err := in.Channel()
	if err != nil {
		return HealthView{}, err
	}
	h, err := l.service.Health(ctx, who.Merchant.ID, c)
	view := HealthView{Reachable: h.Reachable, Linked: h.Linked, GoalPercent: h.GoalPercent, Review: h.Review,
		Methods: make([]FunnelView, len(h.Funnels)), Days: make([]LinkedDayView, len(h.Days))}
	for i, f := range h.Funnels {
		view.Methods[i] = FunnelView{Method: f.Method, Invited: known(f.Invited), Scanned: known(f.Scanned),
			Friends: known(f.Friends), Linked: f.Linked}
	}
	for i, d := range h.Days {
		view.Days[i] = LinkedDayView{Day: d.Day.Format(time.DateOnly), Linked: d.N}
	}
	return view, err
}

// known leaves out a number below zero: nobody can know it.
func known(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}

func (l links) settings(ctx context.Context, who Caller, in *InChannel) (LinkingView, error) {
	c, err := in.Channel()
	if err != nil {
		return LinkingView{}, err
	}
	v, err := l.service.Settings(ctx, who.Merchant.ID, c)
	return LinkingView(v), err
}

func (l links) readSettings(ctx context.Context, who Caller, in *linkingInput) (LinkingView, error) {
	return l.settings(ctx, who, &in.InChannel)
}

func (l links) changeSettings(ctx context.Context, who Caller, in *linkingInput) (LinkingView, error) {
	c, err := in.Channel()
	if err != nil {
		return LinkingView{}, err
	}
	v, err := l.service.ChangeSettings(ctx, who.Merchant.ID, c, who.Member.ID, linkage.Settings(in.Body))
	return LinkingView(v), err
}
