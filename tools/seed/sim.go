package seed

import (
	"context"
	"net/http"
)

// Sim is the simulators' control API: what the vendors' own screens and phones would do.
type Sim struct {
	base    string
	browser *browser
}

// NewSim speaks to the simulators at base.
func NewSim(base string) *Sim { return &Sim{base: base, browser: newBrowser()} }

// Get reads below /sim/v1.
func (s *Sim) Get(ctx context.Context, path string, out any) error {
	return s.browser.call(ctx, http.MethodGet, s.base+"/sim/v1"+path, nil, out)
}

// Post acts below /sim/v1.
func (s *Sim) Post(ctx context.Context, path string, in, out any) error {
	if in == nil {
		in = struct{}{}
	}
	return s.browser.call(ctx, http.MethodPost, s.base+"/sim/v1"+path, in, out)
}
