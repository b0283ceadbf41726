package console

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"lumo/core/account"
	"lumo/core/lumo"
	"lumo/shared/fault"
)

// Op describes an operation. Path is below /api/v1.
type Op struct {
	ID      string // verb-noun, unique
	Method  string
	Path    string
	Summary string
	Role    lumo.Role // least role; there is no default
	Status  int       // of a success, 0 = 200
	// Secret answers are shown once: they are not kept for a repeated request.
	Secret bool
}

// InMerchant is the input of operations on a merchant.
type InMerchant struct {
	MerchantID string `path:"merchant" doc:"mer_.."`
}

// InChannel is the input of operations on a LINE account.
type InChannel struct {
	InMerchant
	ChannelID string `path:"channel" doc:"chn_.."`
}

// List is a page of things. Next is empty at the end; Total is left out while not counted.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
	Total *int64 `json:"total,omitempty"`
}

// None is the body of answers without one.
type None struct{}

type output[O any] struct {
	Body O
}

// Register adds an operation. The handler runs only for callers with the role.
func Register[I, O any](a *API, op Op, handle func(ctx context.Context, who Caller, in *I) (O, error)) {
	a.roles[op.ID] = op.Role
	spec := huma.Operation{OperationID: op.ID, Method: op.Method, Path: base + op.Path, Summary: op.Summary,
		DefaultStatus: op.Status, Middlewares: huma.Middlewares{a.admit(op)}, MaxBodyBytes: maxBody,
		Responses: a.problems(op)}
	huma.Register(a.huma, spec, func(ctx context.Context, in *I) (*output[O], error) {
		who, _ := ctx.Value(callerKey{}).(Caller)
		body, err := once(ctx, a, op, who, in, func() (O, error) { return handle(ctx, who, in) })
		if err != nil {
			return nil, a.problem(ctx, op.ID, err)
		}
		return &output[O]{Body: body}, nil
	})
	a.learn()
}

type (
	callerKey struct{}
	repeatKey struct{}
)

// admit finds the caller before anything of the request's content is read.
func (a *API) admit(op Op) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		who, err := a.Caller(ctx.Context(), op.Role, ctx.Param("merchant"))
		if err != nil {
			writeProblem(ctx, a.problem(ctx.Context(), op.ID, err))
			return
		}
		ctx = huma.WithValue(ctx, callerKey{}, who)
		next(refusing{huma.WithValue(ctx, repeatKey{}, ctx.Header("Idempotency-Key"))})
	}
}

// Repeats remembers the answers of requests with an Idempotency-Key for 24 hours.
type Repeats interface {
	// Begin claims a key. When it was used: the answer, or fault.Conflict while the first
	// request is under way or when its content was another.
	Begin(ctx context.Context, who account.Membership, key string, content [32]byte, now time.Time) (answer []byte, done bool, err error)
	Finish(ctx context.Context, who account.Membership, key string, answer []byte) error
	Forget(ctx context.Context, who account.Membership, key string) error
}

// once runs a POST of a member at most once for each key she sends.
func once[I, O any](ctx context.Context, a *API, op Op, who Caller, in *I, run func() (O, error)) (body O, err error) {
	key, _ := ctx.Value(repeatKey{}).(string)
	if key == "" || op.Method != http.MethodPost || who.Merchant.ID == (lumo.MerchantID{}) {
		return run()
	}
	if len(key) > 200 {
		return body, fault.New(fault.Invalid, "console.once", "The Idempotency-Key is too long.")
	}
	text, err := json.Marshal(in)
	if err != nil {
		return body, fault.Wrap("console.once", err)
	}
	content := sha256.Sum256([]byte(op.ID + "\n" + string(text)))
	answer, done, err := a.Repeats.Begin(ctx, who.Membership(), key, content, a.Now())
	if err != nil {
		return body, err
	}
	if done {
		return body, json.Unmarshal(answer, &body)
	}
	if body, err = run(); err != nil {
		_ = a.Repeats.Forget(context.WithoutCancel(ctx), who.Membership(), key)
		return body, err
	}
	if answer, err = json.Marshal(body); err != nil || op.Secret {
		answer = []byte("{}")
	}
	// The work is done; a failure to remember it must not make it look undone.
	if err := a.Repeats.Finish(context.WithoutCancel(ctx), who.Membership(), key, answer); err != nil {
		a.Log.WarnContext(ctx, "answer not remembered", "op", op.ID, "kind", string(fault.KindOf(err)))
	}
	return body, nil
}
