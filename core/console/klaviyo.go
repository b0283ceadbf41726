package console

import (
	"context"
	"net/http"
	"time"

	"lumo/core/connection"
	"lumo/core/lumo"
	"lumo/core/outbox"
	"lumo/shared/fault"
)

// PermissionView is one permission that Lumo asks Klaviyo for, with the code of its reason.
type PermissionView struct {
	Scope    string `json:"scope"`
	Reason   string `json:"reason"`
	Granted  bool   `json:"granted"`
	Optional bool   `json:"optional,omitempty" doc:"asked for apart"`
}

// KlaviyoView is the merchant's Klaviyo account. State off with an empty id means that none
// was ever connected.
type KlaviyoView struct {
	ID             string           `json:"id"`
	Name           string           `json:"name"`
	State          string           `json:"state"`
	Since          *time.Time       `json:"since,omitempty"`
	ProblemCode    string           `json:"problem_code,omitempty"`
	Scopes         []string         `json:"scopes"`
	Permissions    []PermissionView `json:"permissions"`
	PublicKey      string           `json:"public_key"`
	RefreshedAt    *time.Time       `json:"refreshed_at,omitempty"`
	LastContactAt  *time.Time       `json:"last_contact_at,omitempty"`
	WaitingUpdates int64            `json:"waiting_updates"`
	KeptUpdates    int64            `json:"kept_updates"`
}

// AuthorizeView is where the member goes to approve.
type AuthorizeView struct {
	AuthorizeURL string `json:"authorize_url"`
}

// ExampleView is what the test wrote, as Klaviyo shows it.
type ExampleView struct {
	Profile ExampleProfile `json:"profile"`
	Event   ExampleEvent   `json:"event"`
}

// ExampleProfile is the example customer.
type ExampleProfile struct {
	ID         string         `json:"id"`
	Email      string         `json:"email"`
	Name       string         `json:"name"`
	Properties map[string]any `json:"properties"`
}

// ExampleEvent is the example event.
type ExampleEvent struct {
	Metric     string         `json:"metric"`
	At         time.Time      `json:"at"`
	Properties map[string]any `json:"properties"`
}

type connectKlaviyoInput struct {
	InMerchant
	Body struct {
		RepairFlows bool `json:"repair_flows,omitempty" doc:"also ask for the optional permission to check and repair flows"`
	}
}

// klaviyo joins what the operations on a Klaviyo account need.
type klaviyo struct {
	api      *API
	accounts *connection.Service
	items    *outbox.Service
}

// RegisterKlaviyo adds the operations on a merchant's Klaviyo account.
func RegisterKlaviyo(a *API, accounts *connection.Service, items *outbox.Service) {
	k := klaviyo{a, accounts, items}
	Register(a, Op{ID: "get-klaviyo", Method: http.MethodGet, Path: "/merchants/{merchant}/klaviyo",
		Role: lumo.Viewer, Summary: "Read the Klaviyo connection"}, k.get)
	Register(a, Op{ID: "connect-klaviyo", Method: http.MethodPost,
		Path: "/merchants/{merchant}/klaviyo/connect", Role: lumo.Admin, Secret: true,
		Summary: "Begin to connect Klaviyo"}, k.connect)
	Register(a, Op{ID: "test-klaviyo", Method: http.MethodPost,
		Path: "/merchants/{merchant}/klaviyo/test", Role: lumo.Admin,
		Summary: "Write one example customer and event to Klaviyo"}, k.test)
	k.registerKept(a)
	a.HandlePage("GET /oauth/klaviyo/callback", k.callback)
}

func (k klaviyo) get(ctx context.Context, who Caller, _ *InMerchant) (KlaviyoView, error) {
	view, err := k.view(ctx, who.Merchant.ID)
	return view, err
}

func (k klaviyo) view(ctx context.Context, m lumo.MerchantID) (KlaviyoView, error) {
	account, err := k.accounts.Current(ctx, m)
	if fault.Is(err, fault.NotFound) {
		return KlaviyoView{State: string(connection.Off), Scopes: []string{},
			Permissions: permissions(nil)}, nil
	}
	if err != nil {
		return KlaviyoView{}, err
	}
	waiting, kept, err := k.items.Count(ctx, m, account.ID)
	return KlaviyoView{ID: account.ID.String(), Name: account.Site.Name,
		State: string(account.State), Since: moment(account.StateChangedAt),
		ProblemCode: account.Problem, Scopes: account.Scopes,
		Permissions: permissions(account.Scopes), PublicKey: account.Site.ID,
		RefreshedAt: moment(account.RefreshedAt), LastContactAt: moment(account.LastContactAt),
		WaitingUpdates: waiting, KeptUpdates: kept}, err
}

func permissions(granted []string) []PermissionView {
	has := map[string]bool{}
	for _, name := range granted {
		has[name] = true
	}
	var out []PermissionView
	for _, s := range connection.Scopes() {
		out = append(out, PermissionView{Scope: s.Name, Reason: s.Reason, Granted: has[s.Name]})
	}
	apart := connection.Optional()
	return append(out, PermissionView{Scope: apart.Name, Reason: apart.Reason, Granted: has[apart.Name], Optional: true})
}

func (k klaviyo) connect(ctx context.Context, who Caller, in *connectKlaviyoInput) (AuthorizeView, error) {
	url, err := k.accounts.Begin(ctx, who.Merchant.ID, k.actor(ctx, who), in.Body.RepairFlows)
	return AuthorizeView{AuthorizeURL: url}, err
}

func (k klaviyo) actor(ctx context.Context, who Caller) connection.Actor {
	return connection.Actor{Member: who.Member.ID, Session: k.api.sessions.Token(ctx),
		Address: who.Address}
}

// callback is where Klaviyo sends the member back to. She ends on the page of the
// connection in any case; what went wrong is logged.
func (k klaviyo) callback(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	back, err := k.finish(ctx, r)
	if err != nil {
		k.api.Log.WarnContext(ctx, "klaviyo was not connected", "op", "connect-klaviyo",
			"kind", string(fault.KindOf(err)), "error", err.Error())
	}
	target := "/"
	if back.Slug != "" {
		target = "/" + back.Slug + "/settings/klaviyo?result=" + string(back.Outcome)
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, target, http.StatusSeeOther)
}

func (k klaviyo) finish(ctx context.Context, r *http.Request) (connection.Return, error) {
	who, err := k.api.Caller(ctx, SignedIn, "")
	if err != nil {
		return connection.Return{}, err
	}
	q := r.URL.Query()
	answer := connection.Answer{State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error")}
	merchant, ok := connection.MerchantOf(answer.State)
	if !ok {
		return connection.Return{}, fault.New(fault.Invalid, "console.finish",
			"This page is only reached from Klaviyo.")
	}
	if who, err = k.api.Caller(ctx, lumo.Admin, merchant.String()); err != nil {
		return connection.Return{}, err
	}
	return k.accounts.Finish(ctx, k.actor(ctx, who), answer)
}

func (k klaviyo) test(ctx context.Context, who Caller, _ *InMerchant) (ExampleView, error) {
	example, err := k.accounts.Test(ctx, who.Merchant.ID, k.actor(ctx, who))
	if err != nil {
		return ExampleView{}, err
	}
	p := example.Profile
	return ExampleView{
		Profile: ExampleProfile{ID: string(p.ID), Email: p.Email, Name: p.FirstName + " " + p.LastName,
			Properties: p.Properties},
		Event: ExampleEvent{Metric: example.Metric, At: example.At, Properties: example.Event},
	}, nil
}
