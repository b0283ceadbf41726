package seed

import (
	"context"
	"net/http"
)

// Operator is a person who runs the system, at the console's own API.
type Operator struct {
	base    string
	browser *browser
}

// SignInOperator opens a session of an operator.
func SignInOperator(ctx context.Context, base, email, password string) (*Operator, error) {
	o := &Operator{base: base, browser: newBrowser()}
	in := map[string]string{"email": email, "password": password}
	return o, o.browser.call(ctx, http.MethodPost, base+"/api/v1/sign_in", in, nil)
}

// Get reads below /ops.
func (o *Operator) Get(ctx context.Context, path string, out any) error {
	return o.browser.call(ctx, http.MethodGet, o.base+"/api/v1/ops"+path, nil, out)
}

// Post acts below /ops.
func (o *Operator) Post(ctx context.Context, path string, in, out any) error {
	if in == nil {
		in = struct{}{}
	}
	return o.browser.call(ctx, http.MethodPost, o.base+"/api/v1/ops"+path, in, out)
}
