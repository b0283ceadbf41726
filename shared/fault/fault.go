// Package fault is the one error type of Lumo: kind, operation, cause.
//
// A kind says what a program can do about the error; each server maps kinds to a
// status in exactly one table. An operation names what was tried ("flow.Accept").
// A message, where there is one, is for people and safe to show; without it an
// error is logged and people see a general sentence.
package fault

import (
	"errors"
	"fmt"
)

// Kind classifies an error. The list is closed; CONTRACTS.md part B maps it to statuses.
type Kind string

// The kinds, each with the status that servers answer.
const (
	Invalid         Kind = "invalid"         // 400
	Unauthenticated Kind = "unauthenticated" // 401
	Forbidden       Kind = "forbidden"       // 403
	NotFound        Kind = "not_found"       // 404
	Conflict        Kind = "conflict"        // 409
	Stale           Kind = "stale"           // 412
	TooLarge        Kind = "too_large"       // 413
	Limited         Kind = "limited"         // 429
	Internal        Kind = "internal"        // 500
	Unavailable     Kind = "unavailable"     // 503
)

// Error carries a kind, the operation that met it, and its cause.
type Error struct {
	Kind    Kind
	Op      string            // operation and subject, lower case: "line.Push"
	Message string            // for people; empty = nothing safe to say
	Fields  map[string]string // field -> sentence, for rejected input
	Err     error             // cause, may be nil
}

// Error joins operation, message and cause in that order.
func (e *Error) Error() string {
	text := e.Op
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Err }

// New makes an error with a message for people.
func New(kind Kind, op, format string, args ...any) *Error {
	return &Error{Kind: kind, Op: op, Message: fmt.Sprintf(format, args...)}
}

// Wrap names the operation that met err and keeps its kind; nil stays nil.
func Wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: KindOf(err), Op: op, Err: err}
}

// As gives err another kind, as an adapter does when it translates a vendor's answer.
func As(kind Kind, op string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: kind, Op: op, Err: err}
}

// KindOf is the kind nearest to the surface; errors of other packages are Internal, nil is empty.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) && e.Kind != "" {
		return e.Kind
	}
	return Internal
}

// Is tells whether err is of the kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// MessageOf is the message for people nearest to the surface, or empty.
func MessageOf(err error) string {
	var e *Error
	for errors.As(err, &e) {
		if e.Message != "" {
			return e.Message
		}
		err = e.Err
	}
	return ""
}

// FieldsOf are the rejected fields nearest to the surface, or nil.
func FieldsOf(err error) map[string]string {
	var e *Error
	for errors.As(err, &e) {
		if e.Fields != nil {
			return e.Fields
		}
		err = e.Err
	}
	return nil
}
