package app

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/cenkalti/backoff/v5"

	"lumo/edge/core"
	"lumo/edge/replica"
	"lumo/shared/fault"
)

const (
	identityFile = "identity.json"
	enrolLimit   = 30 * time.Second
)

// identity reads what enrolment gave, or enrols with the one-time code.
func (e *edge) identity(ctx context.Context) (core.Identity, error) {
	const op = "app.identity"
	if err := os.MkdirAll(e.settings.Dir, 0o700); err != nil {
		return core.Identity{}, fault.Wrap(op, err)
	}
	file := filepath.Join(e.settings.Dir, identityFile)
	b, err := os.ReadFile(file)
	if err == nil {
		var i core.Identity
		if err := json.Unmarshal(b, &i); err != nil || i.Key == "" {
			return core.Identity{},
				refuse("The file " + file + " is damaged. Remove it and enrol the edge anew.")
		}
		return i, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return core.Identity{}, fault.Wrap(op, err)
	}
	if e.settings.Enrol == "" {
		return core.Identity{},
			refuse("This edge is not enrolled. Set LUMO_EDGE_ENROL to a code from lumo-core admin create-edge-code.")
	}
	i, err := e.enrol(ctx)
	if err != nil {
		return core.Identity{}, fault.Wrap(op, err)
	}
	if b, err = json.Marshal(i); err != nil {
		return core.Identity{}, fault.Wrap(op, err)
	}
	return i, fault.Wrap(op, replica.WriteFile(file, b))
}

// enrol waits a little for a core that is still starting.
func (e *edge) enrol(ctx context.Context) (core.Identity, error) {
	name, err := os.Hostname()
	if err != nil {
		name = "edge"
	}
	return backoff.Retry(ctx, func() (core.Identity, error) {
		i, err := core.Enrol(ctx, e.settings.CoreURL, string(e.settings.Enrol), name)
		if err != nil && !fault.Is(err, fault.Unavailable) {
			return i, backoff.Permanent(err)
		}
		return i, err
	}, backoff.WithMaxElapsedTime(enrolLimit))
}
