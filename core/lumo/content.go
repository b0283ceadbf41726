package lumo

// Content is what a delivery says, before it is rendered for one person: a version of
// a saved message, a draft of one, or direct text, and the values of its variables.
type Content struct {
	Message MessageID         `json:"message,omitzero"` // zero = Text
	Version int               `json:"version,omitempty"`
	Draft   string            `json:"draft,omitempty"` // of Message, as it stood when the test was sent
	Name    string            `json:"name,omitempty"`  // of Message, with Draft
	Next    int               `json:"next,omitempty"`  // the version that Draft would be published as
	Text    string            `json:"text,omitempty"`
	Vars    map[string]string `json:"vars,omitempty"`
}

// OneOff is an address in a message that one person alone gets.
type OneOff struct {
	Target   string // with UTM
	Template string // as the merchant wrote it, with variables: what statistics name it by
	InText   bool   // stands in plain text, where a long address would be in the way
}

// MaxUTM is the most characters that one campaign parameter has.
const MaxUTM = 100

// UTM are the campaign parameters of tracked links; their variables are the message's.
type UTM struct {
	Source   string `json:"source,omitempty"`
	Medium   string `json:"medium,omitempty"`
	Campaign string `json:"campaign,omitempty"`
	Content  string `json:"content,omitempty"`
	Term     string `json:"term,omitempty"`
}
