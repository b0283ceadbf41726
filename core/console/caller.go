package console

import (
	"context"
	"strings"

	"lumo/core/account"
	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Caller is who asks, as far as the operation's role needs it.
type Caller struct {
	Member   account.Member
	Merchant lumo.Merchant
	Operator account.Operator // zero = none
	Address  string
	Members  []account.Membership // all of the session
}

// Membership is the caller's place in the merchant of the path.
func (c Caller) Membership() account.Membership {
	return account.Membership{Merchant: c.Merchant.ID, Member: c.Member.ID}
}

// signIn begins a session under a new token, so that nobody can plant one beforehand.
func (a *API) signIn(ctx context.Context, s account.Signed) error {
	defer a.sockets.end(tokenHash(a.sessions.Token(ctx))) // the old session's pages
	if err := a.sessions.RenewToken(ctx); err != nil {
		return fault.As(fault.Unavailable, "console.signIn", err)
	}
	var members []string
	for _, m := range s.Members {
		members = append(members, m.Merchant.String()+" "+m.Member.String())
	}
	a.sessions.Put(ctx, account.SessionMembers, strings.Join(members, ","))
	a.sessions.Put(ctx, account.SessionDevice, deviceOf(ctx))
	if !s.Operator.IsZero() {
		a.sessions.Put(ctx, account.SessionOperator, s.Operator.String())
	} else {
		a.sessions.Remove(ctx, account.SessionOperator)
	}
	return nil
}

// signOut ends the session and what is open under it.
func (a *API) signOut(ctx context.Context) error {
	token := a.sessions.Token(ctx)
	if err := a.sessions.Destroy(ctx); err != nil {
		return fault.As(fault.Unavailable, "console.signOut", err)
	}
	a.sockets.end(tokenHash(token))
	return nil
}

// session reads who signed in; nobody is no error.
func (a *API) session(ctx context.Context) Caller {
	c := Caller{Address: addressOf(ctx)}
	if v, err := id.Parse(a.sessions.GetString(ctx, account.SessionOperator)); err == nil {
		c.Operator.ID = v
	}
	for pair := range strings.SplitSeq(a.sessions.GetString(ctx, account.SessionMembers), ",") {
		first, second, _ := strings.Cut(pair, " ")
		merchant, err1 := id.ParseWith(id.Merchant, first)
		member, err2 := id.ParseWith(id.Member, second)
		if err1 == nil && err2 == nil {
			c.Members = append(c.Members, account.Membership{Merchant: lumo.MerchantID(merchant), Member: lumo.MemberID(member)})
		}
	}
	return c
}

// Caller finds who asks and refuses whoever may not. merchant is the path's outside id,
// empty where the path names none.
func (a *API) Caller(ctx context.Context, need lumo.Role, merchant string) (Caller, error) {
	const op = "console.Caller"
	c := a.session(ctx)
	signedIn := len(c.Members) > 0 || !c.Operator.ID.IsZero()
	switch {
	case need == Anyone:
		return c, nil
	case !signedIn:
		return c, fault.New(fault.Unauthenticated, op, "Sign in to go on.")
	case need == SignedIn || need == Operator:
		return a.operator(ctx, c, need)
	}
	for _, m := range c.Members {
		if m.Merchant.String() == strings.ToLower(merchant) {
			return a.member(ctx, c, m, need)
		}
	}
	return c, fault.New(fault.NotFound, op, "This shop does not exist.")
}

// operator looks at the operator's row again: one who was removed is none from then on.
func (a *API) operator(ctx context.Context, c Caller, need lumo.Role) (Caller, error) {
	const op = "console.operator"
	removed := false
	if v := c.Operator.ID; !v.IsZero() {
		o, err := a.Accounts.FindOperator(ctx, v)
		if removed = fault.Is(err, fault.NotFound); err != nil && !removed {
			return c, err
		}
		c.Operator = o
	}
	switch {
	case removed && (need == Operator || len(c.Members) == 0):
		return Caller{}, fault.New(fault.Unauthenticated, op, "Sign in to go on.")
	case need == Operator && c.Operator.ID.IsZero():
		return c, fault.New(fault.Forbidden, op, "Only operators can do this.")
	}
	return c, nil
}

func (a *API) member(ctx context.Context, c Caller, m account.Membership, need lumo.Role) (Caller, error) {
	const op = "console.member"
	member, merchant, err := a.Accounts.Find(ctx, m)
	if fault.Is(err, fault.NotFound) { // removed since she signed in
		return c, fault.New(fault.Unauthenticated, op, "Sign in to go on.")
	}
	if err != nil {
		return c, err
	}
	c.Member, c.Merchant = member, merchant
	if !account.Allows(member.Role, need) {
		return c, fault.New(fault.Forbidden, op, "Your role does not allow this. An owner or admin can do it.")
	}
	return c, nil
}
