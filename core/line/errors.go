package line

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"lumo/shared/fault"
)

// Error is LINE's refusal. It keeps what LINE's support asks for and never the body,
// which may repeat what we sent.
type Error struct {
	Status    int
	RequestID string // X-Line-Request-Id
}

// Error names status and request id.
func (e *Error) Error() string {
	return fmt.Sprintf("LINE answered %d (request %q)", e.Status, e.RequestID)
}

// StatusOf is the status LINE answered with, or 0 when it did not answer.
func StatusOf(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// failure translates one call's outcome. The SDK's errors are not passed on: their text
// holds the body. Errors of the transport lose their URL, which may hold a LINE user id.
func failure(op string, res *http.Response, err error) error {
	switch {
	case err == nil:
		return nil
	case res == nil:
		return fault.As(fault.Unavailable, op, transport(err))
	case res.StatusCode/100 == 2:
		return fault.As(fault.Unavailable, op, errors.New("LINE's answer cannot be read"))
	}
	return refusal(op, res)
}

// refusal turns an answer outside 2xx into a typed error.
func refusal(op string, res *http.Response) error {
	requestID := res.Header.Get("X-Line-Request-Id")
	if len(requestID) > 64 {
		requestID = requestID[:64]
	}
	return fault.As(kindOf(res.StatusCode), op, &Error{Status: res.StatusCode, RequestID: requestID})
}

// kindOf is the one table from LINE's statuses to kinds.
func kindOf(status int) fault.Kind {
	switch status {
	case http.StatusBadRequest, http.StatusUnsupportedMediaType:
		return fault.Invalid
	case http.StatusUnauthorized:
		return fault.Unauthenticated
	case http.StatusForbidden:
		return fault.Forbidden
	case http.StatusNotFound, http.StatusGone:
		return fault.NotFound
	case http.StatusConflict:
		return fault.Conflict
	case http.StatusRequestEntityTooLarge:
		return fault.TooLarge
	case http.StatusTooManyRequests:
		return fault.Limited
	}
	return fault.Unavailable
}

// transport strips an error of net/http down to its cause.
func transport(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return context.DeadlineExceeded
	}
	return err
}
