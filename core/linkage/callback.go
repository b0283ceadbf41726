package linkage

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/token"
)

// How long a person waits at most. Edges wait ten seconds for the whole answer.
const (
	callbackTimeout   = 9 * time.Second
	exchangeTimeout   = 4 * time.Second
	friendshipTimeout = 2 * time.Second
)

// clockSlack allows for the clocks of edges, the core and LINE not being the same.
const clockSlack = time.Minute

// Return is what came back from LINE Login.
type Return struct {
	State  string
	Code   string
	Error  string // ACCESS_DENIED, ..; empty when the person agreed
	Cookie string // __Host-lumo_link, empty when LINE came back in another browser
}

// visit is a return whose state could be opened.
type visit struct {
	merchant lumo.MerchantID
	channel  lumo.Channel
	state    token.State
	key      []byte
}

// Callback takes a person who comes back from LINE Login: their state once, then their
// LINE user id from a verified ID token, then the link, or the question whether to link.
// Errors are our own trouble; whatever the person or the URL did wrong is an outcome.
func (s *Service) Callback(ctx context.Context, r Return) (Result, error) {
	const op = "linkage.Callback"
	// A state and LINE's code are used up here, so a lost connection must not stop half-way.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callbackTimeout)
	defer cancel()
	v, ok, err := s.open(ctx, r.State)
	if err != nil {
		return Result{}, fault.Wrap(op, err)
	}
	if !ok {
		return Result{Outcome: NoLongerWorks, Merchant: v.merchant, Channel: v.channel.ID}, nil
	}
	outcome, err := s.taken(ctx, v, r)
	if err != nil {
		return Result{}, fault.Wrap(op, err)
	}
	outcome.Merchant, outcome.Channel = v.merchant, v.channel.ID
	outcome.Language = v.state.Language
	return outcome, nil
}

// open opens a state; false means that it is altered, of nobody, or too old.
func (s *Service) open(ctx context.Context, text string) (v visit, ok bool, err error) {
	header, sealed, err := token.ParseStateHeader(text)
	if err != nil {
		return visit{}, false, nil
	}
	m, c, err := s.c.Channels.ByNumber(ctx, header.Channel)
	if err == nil {
		v.merchant = m
		v.channel, err = s.c.Channels.Get(ctx, m, c)
	}
	if err == nil {
		v.key, err = s.c.Channels.StateKey(ctx, m, c, header.Key)
	}
	if fault.Is(err, fault.NotFound) {
		return v, false, nil
	}
	if err != nil {
		return v, false, err
	}
	if v.state, err = token.OpenState(header, v.key, sealed); err != nil {
		return v, false, nil
	}
	age := s.c.Now().Sub(time.Unix(int64(v.state.Issued), 0))
	return v, age <= token.StateLife && age >= -clockSlack, nil
}

// taken uses the state up and goes on with the person who signed in.
func (s *Service) taken(ctx context.Context, v visit, r Return) (Result, error) {
	st, fresh, err := s.take(ctx, v, r)
	if err != nil {
		return Result{}, err
	}
	switch {
	case !fresh:
		return Result{Outcome: NoLongerWorks}, nil
	case st.Phase == PhaseRefused:
		return Result{Outcome: Declined}, nil
	}
	login, seen, err := s.signIn(ctx, v, r.Code)
	if err != nil {
		return s.failedSignIn(ctx, v, st, err)
	}
	return s.arrive(ctx, v, st, login, seen, cookieFits(r.Cookie, v.state.ID))
}

// take stores the state once. It stands even when everything after it fails: LINE's code is
// used up then too, and a URL that can be tried again is one that can be stolen.
func (s *Service) take(ctx context.Context, v visit, r Return) (st State, fresh bool, err error) {
	now := s.c.Now()
	st = State{ID: v.state.ID, Channel: v.channel.ID, Claim: claimKind(v.state.Claim),
		Value: v.state.Value, Phase: PhaseTaken, TakenAt: now, ExpiresAt: now.Add(token.StateLife)}
	if r.Error != "" || r.Code == "" {
		st.Phase, st.EndedAt, st.Value = PhaseRefused, now, ""
	}
	err = s.c.Tenants.InTenant(ctx, v.merchant, func(ctx context.Context) error {
		code, err := s.c.Codes.CodeByKey(ctx, v.merchant, v.channel.ID, v.state.Code)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		st.Code = code.ID
		fresh, err = s.c.States.Take(ctx, v.merchant, st)
		return err
	})
	return st, fresh, err
}

// signIn turns the code into a person and reads whether they are a friend. The friendship
// counts as of before it was asked.
func (s *Service) signIn(ctx context.Context, v visit, code string) (Login, *lumo.FollowSeen, error) {
	channelID, secret, err := s.c.Channels.LoginCredentials(ctx, v.merchant, v.channel.ID)
	if err != nil {
		return Login{}, nil, err
	}
	exchange, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	login, err := s.c.LINE.Exchange(exchange, lumo.Keys{ID: channelID, Secret: secret}, AuthorizationCode{
		Code: code, RedirectURI: s.redirectURI(), Verifier: token.Verifier(v.key, v.state.ID),
		Nonce: token.Nonce(v.key, v.state.ID)})
	if err != nil {
		return Login{}, nil, err
	}
	asked := s.c.Now()
	question, cancel := context.WithTimeout(ctx, friendshipTimeout)
	defer cancel()
	friend, err := s.c.LINE.Friendship(question, login.Token)
	s.c.Friends.SignedIn(ctx, v.merchant, v.channel.ID, login.User, err == nil, err == nil && friend)
	if err != nil {
		s.c.Log.WarnContext(ctx, "friendship not read", "error", err, "merchant", v.merchant.String())
		return login, nil, nil // the follow event will tell
	}
	seen := &lumo.FollowSeen{Status: lumo.NotFriend, At: asked}
	if friend {
		seen.Status = lumo.Following
	}
	return login, seen, nil
}

// failedSignIn ends a state whose sign-in came to nothing. What LINE refuses is somebody
// else's code or a used one; no answer is LINE's trouble or ours, and worth another scan.
func (s *Service) failedSignIn(ctx context.Context, v visit, st State, cause error) (Result, error) {
	s.c.Log.WarnContext(ctx, "sign-in failed", "error", cause, "merchant", v.merchant.String())
	outcome := NoLongerWorks
	if kind := fault.KindOf(cause); kind == fault.Unavailable || kind == fault.Limited ||
		kind == fault.Internal || kind == fault.Unauthenticated {
		outcome = TryAgain
	}
	err := s.c.Tenants.InTenant(ctx, v.merchant, func(ctx context.Context) error {
		return s.end(ctx, v.merchant, st, PhaseRefused)
	})
	return Result{Outcome: outcome}, err
}

// cookieFits tells whether the browser that scanned is the browser that came back.
func cookieFits(cookie string, v id.ID) bool {
	want := base64.RawURLEncoding.EncodeToString(v[:])
	return subtle.ConstantTimeCompare([]byte(cookie), []byte(want)) == 1
}

func claimKind(c token.Claim) ClaimKind {
	switch c {
	case token.ClaimProfile:
		return ClaimProfile
	case token.ClaimEmail:
		return ClaimEmail
	case token.ClaimPhone:
		return ClaimPhone
	case token.ClaimForm:
		return ClaimForm
	case token.ClaimUnlink:
		return ClaimUnlink
	}
	return ClaimNone
}
