package console

import (
	"context"
	"net/http"
	"time"

	"lumo/core/lumo"
	"lumo/core/tracking"
)

// LinkHostView is a shop's own host for tracked links.
type LinkHostView struct {
	State     string     `json:"state" enum:"none,waiting,used,lost" doc:"new links begin with the host while it is used"`
	Host      string     `json:"host,omitempty"`
	Target    string     `json:"target" doc:"the host to point it at"`
	Since     *time.Time `json:"since,omitempty"`
	CheckedAt *time.Time `json:"checked_at,omitempty"`
	Reason    string     `json:"reason,omitempty" enum:"unresolved,private,refused,timeout,certificate,elsewhere,rewritten,edges" doc:"why the last check failed"`
	Found     string     `json:"found,omitempty" doc:"what answered instead: a status, and where it leads"`
}

type linkHostInput struct {
	InMerchant
	Body struct {
		Host string `json:"host" maxLength:"300" doc:"a host name alone, as go.shop.example"`
	}
}

type linkHosts struct{ service *tracking.Hosts }

// RegisterLinkHost adds the operations on a shop's own host for tracked links.
func RegisterLinkHost(a *API, s *tracking.Hosts) {
	const path = "/merchants/{merchant}/link_host"
	h := linkHosts{s}
	Register(a, Op{ID: "get-link-host", Method: http.MethodGet, Path: path, Role: lumo.Viewer,
		Summary: "Read the shop's own host for tracked links"}, h.get)
	Register(a, Op{ID: "set-link-host", Method: http.MethodPut, Path: path, Role: lumo.Admin,
		Summary: "Set the shop's own host; it is used once a check was good"}, h.set)
	Register(a, Op{ID: "check-link-host", Method: http.MethodPost, Path: path + "/check", Role: lumo.Admin,
		Summary: "Check where the shop's own host leads"}, h.check)
	Register(a, Op{ID: "remove-link-host", Method: http.MethodPost, Path: path + "/remove", Role: lumo.Admin,
		Summary: "Have new links begin with the edges' address again; links already sent stay as they are"}, h.remove)
}

func (h linkHosts) get(ctx context.Context, who Caller, _ *InMerchant) (LinkHostView, error) {
	found, err := h.service.Host(ctx, who.Merchant.ID)
	return h.view(found), err
}

func (h linkHosts) set(ctx context.Context, who Caller, in *linkHostInput) (LinkHostView, error) {
	set, err := h.service.Set(ctx, who.Merchant.ID, hostActor(who), in.Body.Host)
	return h.view(set), err
}

func (h linkHosts) check(ctx context.Context, who Caller, _ *InMerchant) (LinkHostView, error) {
	checked, err := h.service.Check(ctx, who.Merchant.ID, hostActor(who))
	return h.view(checked), err
}

func (h linkHosts) remove(ctx context.Context, who Caller, _ *InMerchant) (LinkHostView, error) {
	err := h.service.Remove(ctx, who.Merchant.ID, hostActor(who))
	return h.view(tracking.Host{}), err
}

func hostActor(who Caller) tracking.Actor {
	return tracking.Actor{Member: who.Member.ID, Address: who.Address}
}

func (h linkHosts) view(of tracking.Host) LinkHostView {
	v := LinkHostView{State: "none", Target: h.service.Target()}
	if of.URL != "" {
		v.State, v.Host, v.Since, v.CheckedAt = string(of.State), of.Name(), moment(of.Since), moment(of.CheckedAt)
		v.Reason, v.Found = of.Reason, of.Found
	}
	return v
}
