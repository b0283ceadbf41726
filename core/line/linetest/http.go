package linetest

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

const maxBody = 2 << 20

// answer is what an endpoint gives. A nil body is the empty object that LINE sends.
type answer struct {
	status int
	body   any
	header map[string]string
}

// detail is one finding of a refused request.
type detail struct {
	Message  string `json:"message"`
	Property string `json:"property,omitempty"`
}

// refusal is the error body of the Messaging API.
type refusal struct {
	Message string   `json:"message"`
	Details []detail `json:"details,omitempty"`
}

// oauthRefusal is the error body of the OAuth endpoints.
type oauthRefusal struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

const (
	textNotFound  = "Not found"
	textRate      = "The API rate limit has been exceeded. Try again later."
	textQuota     = "You have reached your monthly limit."
	textFailed    = "Failed to send messages"
	textForbidden = "Access to this API is not available for your account"
	textRetryKey  = "The retry key is already accepted"
	textToken     = textAuth + "invalid token. " +
		"Confirm that the access token in the authorization header is valid."
	textAuth = "Authentication failed due to the following reason: "
)

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

func refuse(status int, message string, details ...detail) answer {
	return answer{status: status, body: refusal{message, details}}
}

func refuseOAuth(status int, code, description string) answer {
	return answer{status: status, body: oauthRefusal{code, description}}
}

// call is one request as an endpoint sees it.
type call struct {
	*http.Request
	id      string // X-Line-Request-Id of the answer
	body    []byte
	channel string // messaging or login channel id of the token, empty where none is needed
	login   bool   // the token is a login channel's
}

// write sends an answer with the headers that all of LINE's answers have.
func write(w http.ResponseWriter, requestID string, a answer) {
	body := a.body
	if body == nil {
		body = struct{}{}
	}
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(body) // our own types
	h := w.Header()
	h.Set("X-Line-Request-Id", requestID)
	h.Set("Cache-Control", "max-age=0, no-cache, no-store")
	h.Set("Server", "nginx")
	for name, value := range a.header {
		h.Set(name, value)
	}
	if a.status == http.StatusNoContent {
		w.WriteHeader(a.status)
		return
	}
	h.Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(a.status)
	_, _ = w.Write(bytes.TrimSuffix(buffer.Bytes(), []byte("\n")))
}

// requestID is a new request id; LINE's are UUIDs.
func (s *Server) requestID() string {
	u, err := uuid.NewRandomFromReader(bytes.NewReader(s.bytes(16)))
	if err != nil {
		return uuid.Nil.String()
	}
	return u.String()
}

// faulty is the body of a status that a fault switch asks for.
func (s *Server) faulty(w http.ResponseWriter, r *http.Request, status int) {
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxBody))
	message := "The API server is temporarily unavailable"
	switch status {
	case http.StatusTooManyRequests:
		message = textRate
	case http.StatusUnauthorized:
		message = textToken
	case http.StatusForbidden:
		message = textForbidden
	case http.StatusNotFound:
		message = textNotFound
	case http.StatusInternalServerError:
		message = "Internal server error"
	case http.StatusBadRequest:
		message = "The request body has 1 error(s)"
	}
	write(w, s.requestID(), refuse(status, message))
}

// endpoint answers a call.
type endpoint func(c *call) answer

// open serves an endpoint that needs no channel token.
func (s *Server) open(api string, e endpoint) http.Handler {
	return s.faults.Guard(
		api,
		s.faulty,
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c := &call{Request: r, id: s.requestID()}
			if a, fine := c.read(w); !fine {
				write(w, c.id, a)
				return
			}
			write(w, c.id, e(c))
		}),
	)
}

// bot serves an endpoint of the Messaging API: token, rate limit, then the endpoint.
func (s *Server) bot(api string, rate limit, e endpoint) http.Handler {
	return s.open(api, func(c *call) answer {
		if a, fine := s.authenticate(c); !fine {
			return a
		}
		if c.login {
			return refuse(http.StatusForbidden, textForbidden)
		}
		if !s.limits.take(c.channel+" "+c.Pattern, rate) {
			if sending(api) {
				s.note(c, api, OverRate, http.StatusTooManyRequests)
			}
			return refuse(http.StatusTooManyRequests, textRate)
		}
		return e(c)
	})
}

// read takes the body; more than 2 MB is refused.
func (c *call) read(w http.ResponseWriter) (answer, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, c.Body, maxBody))
	if err != nil {
		return refuse(http.StatusRequestEntityTooLarge, "Request Entity Too Large"), false
	}
	c.body = body
	return answer{}, true
}

// json decodes the body; LINE names the place where it cannot.
func (c *call) json(into any) (answer, bool) {
	kind, _, _ := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if kind != "application/json" {
		return refuse(http.StatusUnsupportedMediaType,
			"The content type, "+c.Header.Get("Content-Type")+", is not supported"), false
	}
	if err := json.Unmarshal(c.body, into); err != nil {
		return refuse(http.StatusBadRequest,
			"The request body could not be parsed as JSON "+c.place(err)), false
	}
	return answer{}, true
}

// place is the line and column of a JSON error.
func (c *call) place(err error) string {
	offset := len(c.body)
	if syntax, is := err.(*json.SyntaxError); is {
		offset = min(int(syntax.Offset), len(c.body))
	}
	before := c.body[:offset]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := offset - bytes.LastIndexByte(before, '\n')
	return "(line: " + itoa(line) + ", column: " + itoa(column) + ")"
}

func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
