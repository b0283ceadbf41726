package lumo

import "log/slog"

const secretHidden = "[secret]"

// Secret is a token or password of ours at a vendor. It prints as a placeholder wherever it
// ends up by mistake; Reveal is the one way to its text.
type Secret string

// Reveal gives the secret's text, for the request that needs it.
func (s Secret) Reveal() string { return string(s) }

// String, GoString and LogValue keep the secret out of texts and logs.
func (Secret) String() string       { return secretHidden }
func (Secret) GoString() string     { return secretHidden }
func (Secret) LogValue() slog.Value { return slog.StringValue(secretHidden) }

// MarshalText keeps the secret out of JSON.
func (Secret) MarshalText() ([]byte, error) { return []byte(secretHidden), nil }
