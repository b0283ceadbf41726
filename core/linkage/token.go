package linkage

import "log/slog"

// UserToken is a person's own access token of LINE Login. It prints as a placeholder.
type UserToken string

// String, GoString and LogValue keep the token out of texts and logs.
func (UserToken) String() string       { return "[LINE user token]" }
func (UserToken) GoString() string     { return "[LINE user token]" }
func (UserToken) LogValue() slog.Value { return slog.StringValue("[LINE user token]") }
