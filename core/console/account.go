package console

import (
	"context"
	"net/http"

	"lumo/core/account"
	"lumo/core/lumo"
	"lumo/shared/fault"
)

// MerchantView is a merchant as its members see it.
type MerchantView struct {
	ID       string `json:"id"`
	Slug     string `json:"slug"`
	Name     string `json:"name"`
	Country  string `json:"country"`
	Currency string `json:"currency"`
	TimeZone string `json:"time_zone"`
	Language string `json:"language"`
	SetUp    bool   `json:"set_up"`
	Role     string `json:"role"`
}

// MemberView is the person who is signed in.
type MemberView struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Email    string `json:"email"`
	Role     string `json:"role"`
	Language string `json:"language"`
}

// MeView is the session: who, where, and as what.
type MeView struct {
	Member    *MemberView    `json:"member,omitempty"`
	Merchants []MerchantView `json:"merchants"`
	Operator  *OperatorView  `json:"operator,omitempty"`
}

// OperatorView is a person who runs the system.
type OperatorView struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// CountryView is a country that shops are in, and what follows from it.
type CountryView struct {
	Code     string `json:"code"`
	Currency string `json:"currency"`
	TimeZone string `json:"time_zone"`
	Calling  string `json:"calling" doc:"with which phone numbers begin abroad"`
	Phone    string `json:"phone" doc:"how people there write one"`
}

type signInInput struct {
	Body struct {
		Email    string `json:"email" maxLength:"320"`
		Password string `json:"password" maxLength:"256"`
	}
}

type languageInput struct {
	Body struct {
		Language string `json:"language"`
	}
}

type merchantInput struct {
	InMerchant
	Body struct {
		Name     string `json:"name,omitempty" maxLength:"80"`
		Country  string `json:"country,omitempty" maxLength:"2"`
		Currency string `json:"currency,omitempty" maxLength:"3"`
		TimeZone string `json:"time_zone,omitempty" maxLength:"60"`
		Language string `json:"language,omitempty" maxLength:"10"`
	}
}

func (a *API) registerAccount() {
	Register(a, Op{ID: "sign-in", Method: http.MethodPost, Path: "/sign_in", Role: Anyone,
		Summary: "Begin a session"}, a.postSignIn)
	Register(a, Op{ID: "sign-out", Method: http.MethodPost, Path: "/sign_out", Role: Anyone,
		Summary: "End the session"}, func(ctx context.Context, _ Caller, _ *None) (None, error) {
		return None{}, a.signOut(ctx)
	})
	Register(a, Op{ID: "get-me", Method: http.MethodGet, Path: "/me", Role: SignedIn,
		Summary: "Who is signed in"}, func(ctx context.Context, who Caller, _ *None) (MeView, error) {
		return a.me(ctx, who)
	})
	RegisterEdit(a, Op{ID: "update-me", Method: http.MethodPatch, Path: "/me", Role: SignedIn,
		Summary: "Change one's own language"}, func(ctx context.Context, who Caller, _ *languageInput) (MeView, error) {
		return a.me(ctx, who)
	}, a.patchMe)
	Register(a, Op{ID: "list-countries", Method: http.MethodGet, Path: "/countries", Role: SignedIn,
		Summary: "List countries with what follows from them"}, countries)
	Register(a, Op{ID: "get-merchant", Method: http.MethodGet, Path: "/merchants/{merchant}", Role: lumo.Viewer,
		Summary: "Read a merchant"}, func(_ context.Context, who Caller, _ *InMerchant) (MerchantView, error) {
		return merchantView(who.Merchant, who.Member.Role), nil
	})
	RegisterEdit(a, Op{ID: "update-merchant", Method: http.MethodPatch, Path: "/merchants/{merchant}", Role: lumo.Admin,
		Summary: "Change a merchant; ends the first run"}, func(_ context.Context, who Caller, _ *merchantInput) (MerchantView, error) {
		return merchantView(who.Merchant, who.Member.Role), nil
	}, a.patchMerchant)
}

func (a *API) postSignIn(ctx context.Context, who Caller, in *signInInput) (MeView, error) {
	signed, err := a.Accounts.SignIn(ctx, in.Body.Email, in.Body.Password, who.Address)
	if err != nil {
		return MeView{}, err
	}
	if err := a.signIn(ctx, signed); err != nil {
		return MeView{}, err
	}
	who = Caller{Members: signed.Members}
	if !signed.Operator.IsZero() {
		if who.Operator, err = a.Accounts.FindOperator(ctx, signed.Operator); err != nil {
			return MeView{}, err
		}
	}
	return a.me(ctx, who)
}

func (a *API) me(ctx context.Context, who Caller) (MeView, error) {
	view := MeView{Merchants: []MerchantView{}}
	if o := who.Operator; !o.ID.IsZero() {
		view.Operator = &OperatorView{Name: o.Name, Email: o.Email}
	}
	for _, m := range who.Members {
		member, merchant, err := a.Accounts.Find(ctx, m)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return MeView{}, err
		}
		if view.Member == nil {
			view.Member = &MemberView{ID: member.ID.String(), Name: member.Name, Email: member.Email,
				Role: string(member.Role), Language: member.Language}
		}
		view.Merchants = append(view.Merchants, merchantView(merchant, member.Role))
	}
	return view, nil
}

func (a *API) patchMe(ctx context.Context, who Caller, in *languageInput) (MeView, error) {
	for _, m := range who.Members {
		if err := a.Accounts.SetLanguage(ctx, m, who.Address, in.Body.Language); err != nil {
			return MeView{}, err
		}
	}
	return a.me(ctx, who)
}

func (a *API) patchMerchant(ctx context.Context, who Caller, in *merchantInput) (MerchantView, error) {
	b := in.Body
	merchant, err := a.Accounts.Update(ctx, who.Membership(), who.Address, account.Settings{Name: b.Name, Country: b.Country,
		Currency: b.Currency, TimeZone: b.TimeZone, Language: b.Language})
	return merchantView(merchant, who.Member.Role), err
}

func merchantView(m lumo.Merchant, role lumo.Role) MerchantView {
	return MerchantView{ID: m.ID.String(), Slug: m.Slug, Name: m.Name, Country: m.Country, Currency: m.Currency,
		TimeZone: m.TimeZone, Language: m.Language, SetUp: m.SetUp, Role: string(role)}
}

func countries(context.Context, Caller, *None) (List[CountryView], error) {
	var list List[CountryView]
	for _, c := range account.Countries() {
		list.Items = append(list.Items, CountryView(c))
	}
	return list, nil
}
