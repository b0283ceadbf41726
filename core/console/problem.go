package console

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"lumo/core/account"
	"lumo/shared/fault"
)

// Problem is an error as callers see it: RFC 9457 with our kind, a number for support and
// the fields that need another value.
type Problem struct {
	Title   string            `json:"title"`
	Status  int               `json:"status"`
	Detail  string            `json:"detail" doc:"for people, in the language of Accept-Language: en, or ja where it is asked for"`
	Kind    fault.Kind        `json:"kind"`
	Request string            `json:"request"`
	Fields  map[string]string `json:"fields,omitempty" doc:"what each needs, in the same language"`

	retryAfter int // seconds
}

// Error and GetStatus make a problem the answer of an operation.
func (p *Problem) Error() string  { return p.Detail }
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of problem details.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders are sent with the answer.
func (p *Problem) GetHeaders() http.Header {
	if p.retryAfter == 0 {
		return nil
	}
	return http.Header{"Retry-After": {strconv.Itoa(p.retryAfter)}}
}

// problems documents the errors that an operation can answer with.
func (a *API) problems(op Op) map[string]*huma.Response {
	kinds := []fault.Kind{fault.Invalid, fault.TooLarge, fault.Limited, fault.Internal, fault.Unavailable}
	if op.Role != Anyone {
		kinds = append(kinds, fault.Unauthenticated, fault.Forbidden, fault.NotFound)
	}
	if op.Method != http.MethodGet {
		kinds = append(kinds, fault.Conflict, fault.Stale)
	}
	schemas := a.huma.OpenAPI().Components.Schemas
	schema := schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	all := map[string]*huma.Response{}
	for _, k := range kinds {
		all[strconv.Itoa(status(k))] = &huma.Response{Description: string(k),
			Content: map[string]*huma.MediaType{(&Problem{}).ContentType(""): {Schema: schema}}}
	}
	return all
}

// status is the one table from kinds to statuses of this server.
func status(k fault.Kind) int {
	switch k {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Stale:
		return http.StatusPreconditionFailed
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Limited:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// problem gives an error its words. What has none is logged with the number that people see.
func (a *API) problem(ctx context.Context, op string, err error) *Problem {
	kind := fault.KindOf(err)
	p := &Problem{Status: status(kind), Kind: kind, Detail: fault.MessageOf(err), Request: uuid.NewString()[:8],
		Fields: fault.FieldsOf(err)}
	p.Title = http.StatusText(p.Status)
	var limited *account.Limited
	if errors.As(err, &limited) {
		p.retryAfter = int(limited.RetryAfter.Seconds()) + 1
	}
	if p.Detail == "" {
		p.Detail = general(kind)
	}
	p.say(ctx, a.japanese)
	if left(ctx) {
		return p // nobody waits for it, and nothing is broken
	}
	if kind == fault.Internal || kind == fault.Unavailable {
		a.Log.ErrorContext(ctx, "request failed", "op", op, "kind", string(kind), "request", p.Request, "error", err.Error())
	}
	return p
}

// left tells that the caller went away before there was an answer: a tab that was closed.
func left(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }

func general(k fault.Kind) string {
	switch k {
	case fault.NotFound:
		return "This does not exist."
	case fault.Conflict:
		return "Somebody changed this at the same time. Load it again."
	case fault.Unavailable:
		return "This is not available at the moment. Try again in a minute."
	case fault.Invalid:
		return "Something in this request is not right."
	}
	return "Something went wrong on our side."
}

// answerProblem answers a request that reached no operation.
func (a *API) answerProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := a.problem(r.Context(), "", err)
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

func writeProblem(ctx huma.Context, p *Problem) {
	for name, values := range p.GetHeaders() {
		ctx.SetHeader(name, values[0])
	}
	ctx.SetHeader("Content-Type", p.ContentType(""))
	ctx.SetStatus(p.Status)
	_ = json.NewEncoder(ctx.BodyWriter()).Encode(p)
}
