package lumo

import "log/slog"

// Keys are a LINE channel's id and secret, as LINE's consoles show them. They print as
// a placeholder wherever they end up by mistake: in a log, an error, a dump.
type Keys struct {
	ID     string
	Secret string
}

const keysHidden = "[LINE keys]"

// String, GoString and LogValue keep the secret out of texts and logs.
func (Keys) String() string       { return keysHidden }
func (Keys) GoString() string     { return keysHidden }
func (Keys) LogValue() slog.Value { return slog.StringValue(keysHidden) }

// MarshalText keeps the secret out of JSON.
func (Keys) MarshalText() ([]byte, error) { return []byte(keysHidden), nil }

// Valid tells whether the text has the form of a LINE user id: U and 32 hex digits.
// LINE's own client pastes ids into paths unchecked, so every border asks this.
func (v LineUserID) Valid() bool {
	if len(v) != 33 || v[0] != 'U' {
		return false
	}
	for i := 1; i < len(v); i++ {
		if c := v[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
