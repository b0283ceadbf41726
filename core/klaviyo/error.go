package klaviyo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// Error is Klaviyo's refusal of one request: what a program can act on, nothing of the body.
type Error struct {
	Status    int
	Code      string        // Klaviyo's code of the first error: duplicate_profile, invalid, ..
	Pointer   string        // the field that Klaviyo names: /data/attributes/phone_number
	RequestID string        // for Klaviyo's support
	Wait      time.Duration // Retry-After of a 429
	Other     lumo.ProfileID
}

// Error says what Klaviyo answered.
func (e *Error) Error() string {
	return fmt.Sprintf("klaviyo answered %d %s (request %s)", e.Status, e.Code, e.RequestID)
}

// RetryAfter is how long Klaviyo asks us to wait, 0 when it does not say.
func (e *Error) RetryAfter() time.Duration { return e.Wait }

// VendorCode is Klaviyo's word for the refusal.
func (e *Error) VendorCode() string { return e.Code }

// Field is the part of the request that Klaviyo objects to.
func (e *Error) Field() string { return e.Pointer }

// Duplicate is the profile that already has the email or phone of a 409.
func (e *Error) Duplicate() lumo.ProfileID { return e.Other }

// kinds is the one table from Klaviyo's statuses to kinds of errors.
func kindOf(status int) fault.Kind {
	switch status {
	case http.StatusBadRequest:
		return fault.Invalid
	case http.StatusUnauthorized:
		return fault.Unauthenticated
	case http.StatusForbidden:
		return fault.Forbidden
	case http.StatusNotFound:
		return fault.NotFound
	case http.StatusConflict:
		return fault.Conflict
	case http.StatusRequestEntityTooLarge:
		return fault.TooLarge
	case http.StatusTooManyRequests:
		return fault.Limited
	}
	if status >= 500 {
		return fault.Unavailable
	}
	return fault.Internal
}

// refusal reads an answer that is not a success.
func refusal(op string, status int, header http.Header, body []byte) error {
	e := &Error{
		Status:    status,
		RequestID: plain(header.Get("X-Klaviyo-Req-Id"), 64),
		Wait:      retryAfter(header.Get("Retry-After")),
	}
	e.read(body)
	return fault.As(kindOf(status), op, e)
}

// read takes code, pointer and the other profile out of a JSON:API error body.
func (e *Error) read(body []byte) {
	var answer struct {
		Errors []struct {
			Code   string `json:"code"`
			Source struct {
				Pointer string `json:"pointer"`
			} `json:"source"`
			Meta json.RawMessage `json:"meta"` // an object, or [] where it is empty
		} `json:"errors"`
	}
	if json.Unmarshal(body, &answer) != nil || len(answer.Errors) == 0 {
		return
	}
	first := answer.Errors[0]
	var meta struct {
		Duplicate string `json:"duplicate_profile_id"`
	}
	_ = json.Unmarshal(first.Meta, &meta) // absent or empty is fine
	e.Code = plain(first.Code, 40)
	e.Pointer = plain(first.Source.Pointer, 80)
	e.Other = lumo.ProfileID(plain(meta.Duplicate, 64))
}

// plain keeps text only when it is a short word: whatever else a vendor sends is not ours to log.
func plain(text string, limit int) string {
	if len(text) > limit {
		return ""
	}
	for i := range len(text) {
		c := text[i]
		word := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !word && c != '_' && c != '-' && c != '/' && c != '.' {
			return ""
		}
	}
	return text
}

// label is a name that people gave, in any language, without control characters and cut to a
// number of characters.
func label(text string, limit int) string {
	clean := []rune(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, text))
	return strings.TrimSpace(string(clean[:min(len(clean), limit)]))
}

// retryAfter reads whole seconds, at most an hour; Klaviyo sends no dates.
func retryAfter(text string) time.Duration {
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, time.Hour)
}

// unanswered translates a failure of the connection. The URL is left out: it may hold an email.
func unanswered(ctx context.Context, op string, err error) error {
	if cause := ctx.Err(); errors.Is(cause, context.Canceled) {
		return fault.As(fault.Unavailable, op, cause)
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fault.As(fault.Unavailable, op, err)
}
