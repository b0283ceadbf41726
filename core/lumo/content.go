package lumo

// Block is one LINE message inside a saved message. Only text exists so far.
type Block struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// BlockText is the one type of block so far.
const BlockText = "text"

// Content is what a delivery says, before it is rendered for one person: a version of
// a saved message or direct text, and the values of its variables.
type Content struct {
	Message MessageID         `json:"message,omitzero"` // zero = Text
	Version int               `json:"version,omitempty"`
	Text    string            `json:"text,omitempty"`
	Vars    map[string]string `json:"vars,omitempty"`
}
