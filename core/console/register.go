package console

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

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
	// MaxBody is how large a request may be, 0 = 1 MB.
	MaxBody int64
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

type output struct {
	ETag string `header:"ETag" doc:"of what was read or changed; an edit may send it back as If-Match"`
	Body any
}

// Handler is the work of an operation.
type Handler[I, O any] func(ctx context.Context, who Caller, in *I) (O, error)

// Register adds an operation. The handler runs only for callers with the role.
func Register[I, O any](a *API, op Op, handle Handler[I, O]) { register(a, op, nil, handle) }

// RegisterEdit adds an operation that changes what read reads. A caller who sends the ETag
// she read as If-Match is refused when it is another by now.
func RegisterEdit[I, O any](a *API, op Op, read, handle Handler[I, O]) { register(a, op, read, handle) }

// register makes as little as it can for each pair of types: the library's registration is
// compiled anew for each input, and so would be all that is written here.
func register[I, O any](a *API, op Op, read, handle Handler[I, O]) {
	w := work{Op: op, answer: reflect.TypeFor[O](), read: plain(read), handle: plain(handle)}
	a.roles[op.ID] = op.Role
	huma.Register(a.huma, a.spec(w), func(ctx context.Context, in *I) (*output, error) {
		return a.run(ctx, w, in)
	})
	a.learn()
}

// File writes an answer that is no JSON: a download, a picture.
type File func(w http.ResponseWriter, r *http.Request)

// RegisterFile adds an operation that answers with a file of one of these media types.
func RegisterFile[I any](a *API, op Op, media []string, handle Handler[I, File]) {
	a.roles[op.ID] = op.Role
	spec := a.operation(op)
	file := &huma.Response{Description: "the file", Content: map[string]*huma.MediaType{}}
	for _, kind := range media {
		file.Content[kind] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	spec.Responses[strconv.Itoa(http.StatusOK)] = file
	huma.Register(a.huma, spec, func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
		who, _ := ctx.Value(callerKey{}).(Caller)
		write, err := handle(ctx, who, in)
		if err != nil {
			return nil, a.problem(ctx, op.ID, err)
		}
		return &huma.StreamResponse{Body: func(c huma.Context) {
			r, w := humago.Unwrap(c)
			write(w, r)
		}}, nil
	})
	a.learn()
}

// work is an operation without its types.
type work struct {
	Op
	answer       reflect.Type
	read, handle func(ctx context.Context, who Caller, in any) (any, error)
}

func plain[I, O any](h Handler[I, O]) func(context.Context, Caller, any) (any, error) {
	if h == nil {
		return nil
	}
	return func(ctx context.Context, who Caller, in any) (any, error) {
		body, err := h(ctx, who, in.(*I))
		fill(reflect.ValueOf(&body))
		return body, err
	}
}

// spec describes an operation to those who call it.
func (a *API) spec(w work) huma.Operation {
	spec := a.operation(w.Op)
	schema := a.huma.OpenAPI().Components.Schemas.Schema(w.answer, true, w.ID+"Response")
	spec.Responses[strconv.Itoa(cmp.Or(w.Status, http.StatusOK))] = &huma.Response{
		Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
	spec.Parameters = headers(w.Op, w.read != nil)
	return spec
}

// operation is what all descriptions have in common.
func (a *API) operation(op Op) huma.Operation {
	return huma.Operation{OperationID: op.ID, Method: op.Method, Path: base + op.Path, Summary: op.Summary,
		DefaultStatus: op.Status, Middlewares: huma.Middlewares{a.admit(op)}, MaxBodyBytes: cmp.Or(op.MaxBody, maxBody),
		Responses: a.problems(op), Extensions: map[string]any{"x-least-role": string(op.Role)}}
}

func (a *API) run(ctx context.Context, w work, in any) (*output, error) {
	who, _ := ctx.Value(callerKey{}).(Caller)
	body, err := a.once(ctx, w, who, in, func() (any, error) {
		if err := unchanged(ctx, w, who, in); err != nil {
			return nil, err
		}
		return w.handle(ctx, who, in)
	})
	if err != nil {
		return nil, a.problem(ctx, w.ID, err)
	}
	out := &output{Body: body}
	if w.Method != http.MethodPost {
		out.ETag = etag(body)
	}
	return out, nil
}

// fill makes lists that hold nothing empty ones: callers are promised a list, never null.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			fill(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	case reflect.Slice:
		if v.IsNil() && v.CanSet() && v.Type().Elem().Kind() != reflect.Uint8 {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
		if k := v.Type().Elem().Kind(); k == reflect.Struct || k == reflect.Pointer {
			for i := range v.Len() {
				fill(v.Index(i))
			}
		}
	}
}

// headers documents the headers that an operation minds.
func headers(op Op, edit bool) []*huma.Param {
	text := &huma.Schema{Type: huma.TypeString}
	switch {
	case edit:
		return []*huma.Param{{Name: "If-Match", In: "header", Schema: text,
			Description: "the ETag that was read; another one now is refused with 412"}}
	case op.Method == http.MethodPost:
		return []*huma.Param{{Name: "Idempotency-Key", In: "header", Schema: text,
			Description: "makes a repeated request answer as the first did, for 24 hours"}}
	}
	return nil
}

// etag names the content of an answer.
func etag(body any) string {
	text, err := json.Marshal(body)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return `"` + hex.EncodeToString(sum[:12]) + `"`
}

// unchanged refuses an edit of what is no longer what the caller read.
func unchanged(ctx context.Context, w work, who Caller, in any) error {
	match, _ := ctx.Value(matchKey{}).(string)
	if match == "" || match == "*" || w.read == nil {
		return nil
	}
	now, err := w.read(ctx, who, in)
	if err != nil {
		return err
	}
	for one := range strings.SplitSeq(match, ",") {
		if strings.TrimSpace(one) == etag(now) {
			return nil
		}
	}
	return fault.New(fault.Stale, "console.unchanged", "Somebody changed this since you read it. Load it again.")
}

type (
	callerKey struct{}
	repeatKey struct{}
	matchKey  struct{}
)

// admit finds the caller before anything of the request's content is read.
func (a *API) admit(op Op) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		var who Caller
		var err error
		if header := ctx.Header("Authorization"); strings.HasPrefix(header, bearer) {
			who, err = a.byKey(ctx.Context(), op, header, ctx.Param("merchant"), ctx.Param("channel"))
		} else {
			who, err = a.Caller(ctx.Context(), op.Role, ctx.Param("merchant"))
		}
		if err != nil {
			writeProblem(ctx, a.problem(ctx.Context(), op.ID, err))
			return
		}
		ctx = huma.WithValue(ctx, callerKey{}, who)
		ctx = huma.WithValue(ctx, matchKey{}, ctx.Header("If-Match"))
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
func (a *API) once(ctx context.Context, w work, who Caller, in any, run func() (any, error)) (any, error) {
	const op = "console.once"
	key, _ := ctx.Value(repeatKey{}).(string)
	if key == "" || w.Method != http.MethodPost || who.Merchant.ID == (lumo.MerchantID{}) {
		return run()
	}
	if len(key) > 200 {
		return nil, fault.New(fault.Invalid, op, "The Idempotency-Key is too long.")
	}
	text, err := json.Marshal(in)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	content := sha256.Sum256([]byte(w.ID + "\n" + string(text)))
	answer, done, err := a.Repeats.Begin(ctx, who.Membership(), key, content, a.Now())
	if err != nil {
		return nil, err
	}
	if done {
		again := reflect.New(w.answer)
		err := json.Unmarshal(answer, again.Interface())
		fill(again)
		return again.Elem().Interface(), err
	}
	body, err := run()
	if err != nil {
		_ = a.Repeats.Forget(context.WithoutCancel(ctx), who.Membership(), key)
		return nil, err
	}
	if answer, err = json.Marshal(body); err != nil || w.Secret {
		answer = []byte("{}")
	}
	// The work is done; a failure to remember it must not make it look undone.
	if err := a.Repeats.Finish(context.WithoutCancel(ctx), who.Membership(), key, answer); err != nil {
		a.Log.WarnContext(ctx, "answer not remembered", "op", w.ID, "kind", string(fault.KindOf(err)))
	}
	return body, nil
}
