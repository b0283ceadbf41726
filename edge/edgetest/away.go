package edgetest

import (
	"context"
	"io"

	"lumo/edge/core"
	"lumo/shared/fault"
)

// Away is a core that never answers.
type Away struct{}

// Ask answers nothing.
func (Away) Ask(context.Context, core.Question) (core.Answer, error) {
	return core.Answer{}, fault.New(fault.Unavailable, "edgetest.Ask", "the core is away")
}

// Revoked is not what it said.
func (Away) Revoked() bool { return false }

// Media gives nothing.
func (Away) Media(context.Context, string) (string, io.ReadCloser, error) {
	return "", nil, fault.New(fault.Unavailable, "edgetest.Media", "the core is away")
}
