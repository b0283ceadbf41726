package klaviyotest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"lumo/core/vendortest"
)

const (
	mediaType = "application/vnd.api+json"
	maxBody   = 5 << 20
)

// answer is what an endpoint gives; a nil body is an empty one.
type answer struct {
	status int
	body   any
	header map[string]string
	code   string // of the first error, for the ledger
}

// object is a JSON object on its way in or out.
type object = map[string]any

// problem is one error of an answer.
type problem struct {
	status  int
	code    string
	title   string
	detail  string
	pointer string
	meta    object
}

// refuse makes the JSON:API error body as recordings of the real API show it.
func (s *Server) refuse(p problem) answer {
	if p.meta == nil {
		p.meta = object{}
	}
	if p.title == "" {
		p.title = "Invalid input."
	}
	e := object{"id": s.uuid(), "status": p.status, "code": p.code, "title": p.title,
		"detail": p.detail, "source": object{"pointer": p.pointer}, "links": object{}, "meta": p.meta}
	return answer{status: p.status, body: object{"errors": []any{e}}, code: p.code}
}

func (s *Server) invalid(pointer, detail string) answer {
	return s.refuse(problem{400, "invalid", "", detail, pointer, nil})
}

func (s *Server) missing(detail string) answer {
	return s.refuse(problem{404, "not_found", "Not found.", detail, "/data/", nil})
}

func (s *Server) uuid() string {
	u, err := uuid.NewRandomFromReader(bytes.NewReader(s.bytes(16)))
	if err != nil {
		return uuid.Nil.String()
	}
	return u.String()
}

// call is one request as an endpoint sees it.
type call struct {
	*http.Request
	body    []byte
	account string
	app     string // client id, or "key" for a private key
	scopes  []string
	base    string // where links begin
}

// endpoint answers a call.
type endpoint func(c *call) answer

// route is one endpoint with what must hold before it runs.
type route struct {
	pattern  string
	fault    string // name for fault switches, without the vendor
	tier     tier
	scopes   []string
	endpoint endpoint
}

// serve runs a route: who calls, revision, scopes, rate, body, endpoint.
func (s *Server) serve(r route) http.Handler {
	return s.faults.Guard("klaviyo."+r.fault, s.faulty, http.HandlerFunc(
		func(w http.ResponseWriter, req *http.Request) {
			c := &call{Request: req, base: base(req)}
			a := s.answer(c, r)
			s.keepCall(c, a)
			s.write(w, c, a)
		}))
}

func (s *Server) answer(c *call, r route) answer {
	if a, fine := s.authenticate(c); !fine {
		return a
	}
	if !regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(\.[a-z]+)?$`).MatchString(c.Header.Get("revision")) {
		// What the real API answers is not known.
		return s.refuse(
			problem{400, "invalid", "", "A valid revision header is required.", "/data/", nil},
		)
	}
	for _, scope := range r.scopes {
		if c.app != privateKey && !slices.Contains(c.scopes, scope) {
			return s.refuse(
				problem{403, "permission_denied", "You do not have permission to perform this action.",
					"The access token lacks the scope " + scope + ".", "/data/", nil},
			)
		}
	}
	if strings.HasPrefix(c.URL.Path, "/api/webhook") && c.app == privateKey {
		return s.refuse(
			problem{403, "permission_denied", "You do not have permission to perform this action.",
				"Advanced KDP is required.", "/data/", nil},
		)
	}
	header, wait := s.rates.take(c.app+" "+c.account+" "+r.pattern, r.tier)
	if wait > 0 {
		return s.throttled(wait)
	}
	body, err := io.ReadAll(io.LimitReader(c.Body, maxBody+1))
	if err != nil || len(body) > maxBody {
		return s.refuse(
			problem{
				413,
				"payload_too_large",
				"Payload too large.",
				"The payload is over 5MB.",
				"/data/",
				nil,
			},
		)
	}
	c.body = body
	a := r.endpoint(c)
	a.header = header
	return a
}

func (s *Server) throttled(seconds int) answer {
	a := s.refuse(problem{429, "throttled", "Request was throttled.",
		"Request was throttled. Expected available in " + itoa(seconds) + " second(s).", "/data", nil})
	a.header = map[string]string{"Retry-After": itoa(seconds)}
	return a
}

// write sends an answer with the headers that all answers have.
func (s *Server) write(w http.ResponseWriter, c *call, a answer) {
	h := w.Header()
	h.Set("X-Klaviyo-Req-Id", s.uuid())
	if a.status != http.StatusUnauthorized {
		h.Set("X-Klaviyo-Api-Revision", Revision)
		if c != nil {
			h.Set("Cid", c.account)
		}
	} else {
		h.Set("Www-Authenticate", `APIKey realm="api"`)
	}
	for name, value := range a.header {
		h.Set(name, value)
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(a.body) // made of what JSON gave us
	h.Set("Content-Type", mediaType)
	w.WriteHeader(a.status)
	_, _ = w.Write(buffer.Bytes())
}

// faulty is the body of a status that a fault switch asks for.
func (s *Server) faulty(w http.ResponseWriter, r *http.Request, status int) {
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxBody))
	var a answer
	switch status {
	case 429:
		a = s.throttled(1)
	case 401:
		a = s.refuse(problem{401, "authentication_failed", "Incorrect authentication credentials.",
			"Incorrect authentication credentials.", "/data/", nil})
	default:
		a = s.refuse(
			problem{
				status,
				"service_unavailable",
				http.StatusText(status),
				http.StatusText(status),
				"/data/",
				nil,
			},
		)
	}
	if strings.HasPrefix(r.URL.Path, "/oauth/") && status != 429 {
		a = answer{status: status, body: object{"error": "server_error"}}
	}
	s.write(w, nil, a)
}

func (s *Server) keepCall(c *call, a answer) {
	row := Call{
		At:      s.now(),
		Account: c.account,
		Method:  c.Method,
		Path:    c.URL.Path,
		Query:   c.URL.RawQuery,
		Status:  a.status,
		Code:    a.code,
	}
	if json.Valid(c.body) {
		row.Body = c.body
	}
	s.mu.Lock()
	s.db.Calls = trim(append(s.db.Calls, row), s.keep)
	s.mu.Unlock()
	s.changed("klaviyo_call", row.Path)
}

// base is where links in answers begin, under whatever prefix the fake is mounted.
func base(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	prefix := ""
	if original, err := url.ParseRequestURI(r.RequestURI); err == nil {
		prefix = strings.TrimSuffix(original.Path, r.URL.Path)
	}
	return scheme + "://" + r.Host + prefix
}

// local judges an address that Klaviyo would call.
func (s *Server) local(address string) (plain, ok bool) {
	_, plain, ok = vendortest.Target(address, s.strict)
	return plain, ok
}
