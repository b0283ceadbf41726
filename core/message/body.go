package message

import (
	"encoding/json"
	"strings"

	"lumo/core/lumo"
	"lumo/core/message/jsontree"
	"lumo/shared/fault"
)

// Body is what a saved message says: LINE's messages as JSON, each exactly as the merchant
// wrote it.
type Body struct {
	Blocks     []string // JSON of one LINE message each
	QuickReply string   // JSON of LINE's quickReply, for the last message; empty = none
	Sender     string   // JSON of LINE's sender, for each message; empty = the account
	UTM        lumo.UTM // fields left empty are the account's
}

// Text is a body of one text.
func Text(text string) Body {
	return Body{Blocks: []string{`{"type":"text","text":` + jsontree.Quote(text) + `}`}}
}

type storedBody struct {
	Blocks     []string `json:"blocks"`
	QuickReply string   `json:"quick_reply,omitempty"`
	Sender     string   `json:"sender,omitempty"`
	UTM        lumo.UTM `json:"utm"`
}

// Encode gives a body as text for the store; the blocks' JSON stands in it as strings, so
// that nothing reformats it.
func (b Body) Encode() (string, error) {
	text, err := json.Marshal(storedBody(b))
	return string(text), fault.Wrap("message.Encode", err)
}

// Decode reads what Encode gave.
func Decode(text string) (Body, error) {
	var s storedBody
	err := json.Unmarshal([]byte(text), &s)
	return Body(s), fault.Wrap("message.Decode", err)
}

// messages are the blocks as LINE gets them: with sender, and the last with quick replies.
// A block that brings its own keeps it.
func (b Body) messages() ([]string, error) {
	out := make([]string, len(b.Blocks))
	for i, text := range b.Blocks {
		v, err := jsontree.Parse(text)
		if err != nil {
			return nil, err
		}
		if v.Kind != jsontree.Object {
			return nil, &jsontree.Error{Problem: jsontree.Syntax, Line: 1}
		}
		if text, v, err = with(text, v, "sender", b.Sender); err != nil {
			return nil, err
		}
		if i == len(b.Blocks)-1 {
			if text, _, err = with(text, v, "quickReply", b.QuickReply); err != nil {
				return nil, err
			}
		}
		out[i] = text
	}
	return out, nil
}

func with(text string, v jsontree.Value, name, value string) (string, jsontree.Value, error) {
	if _, own := v.Get(name); own || strings.TrimSpace(value) == "" {
		return text, v, nil
	}
	text = jsontree.With(text, v, name, value)
	v, err := jsontree.Parse(text)
	return text, v, err
}

// variables are the variables of a body, in order of first use, each name once.
func (b Body) variables() []Variable {
	var found []Variable
	seen := map[string]bool{}
	messages, err := b.messages()
	if err != nil {
		return nil
	}
	for _, text := range messages {
		v, err := jsontree.Parse(text)
		if err != nil {
			return nil
		}
		eachString(text, v, place{}, func(_ place, d jsontree.Decoded, _ jsontree.Value) {
			for _, one := range Variables(d.Text) {
				if !seen[one.Name] {
					seen[one.Name] = true
					found = append(found, one)
				}
			}
		})
	}
	return found
}
