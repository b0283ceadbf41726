package message

import (
	"context"
	"encoding/json"
	"strings"

	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

// Links replaces the web addresses of a text by tracked ones of one delivery.
type Links interface {
	WrapLinks(ctx context.Context, m lumo.MerchantID, c lumo.Channel, delivery uint64, text string) (string, error)
}

// Composer makes the exact body of one push: the content with one person's values, its
// links tracked. The same input gives the same bytes.
type Composer struct {
	store Store
	links Links
}

// NewComposer makes a composer. It runs in its caller's transaction.
func NewComposer(s Store, l Links) *Composer { return &Composer{store: s, links: l} }

type pushBody struct {
	To       lumo.LineUserID `json:"to"`
	Messages []textMessage   `json:"messages"`
}

type textMessage struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// Compose renders a content for one person. A reason says why nothing can be sent.
func (c *Composer) Compose(ctx context.Context, channel lumo.Channel, number uint64, content lumo.Content,
	to lumo.LineUserID) (body []byte, reason string, err error) {
	const op = "message.Compose"
	if !to.Valid() {
		return nil, edgeapi.Erased.Code(), nil
	}
	texts, err := c.texts(ctx, channel, content)
	if fault.Is(err, fault.NotFound) {
		return nil, edgeapi.UnknownMessage.Code(), nil
	}
	if err != nil {
		return nil, "", fault.Wrap(op, err)
	}
	out := pushBody{To: to}
	for _, text := range texts {
		text = Clean(text)
		if strings.TrimSpace(text) == "" {
			return nil, edgeapi.NoContent.Code(), nil
		}
		if text, err = c.links.WrapLinks(ctx, channel.Merchant, channel, number, text); err != nil {
			return nil, "", fault.Wrap(op, err)
		}
		if Length(text) > MaxTextLength {
			return nil, edgeapi.TooLong.Code(), nil
		}
		out.Messages = append(out.Messages, textMessage{Type: lumo.BlockText, Text: text})
	}
	var encoded strings.Builder
	e := json.NewEncoder(&encoded)
	e.SetEscapeHTML(false) // LINE gets what was written
	if err := e.Encode(out); err != nil {
		return nil, "", fault.Wrap(op, err)
	}
	return []byte(strings.TrimSuffix(encoded.String(), "\n")), "", nil
}

// texts are the content's texts with values put in. A value never becomes a variable.
func (c *Composer) texts(ctx context.Context, channel lumo.Channel, content lumo.Content) ([]string, error) {
	if content.Message == (lumo.MessageID{}) {
		return []string{Substitute(content.Text, content.Vars)}, nil
	}
	m, err := c.store.Version(ctx, channel.Merchant, content.Message, content.Version)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, b := range m.Blocks {
		texts = append(texts, Substitute(b.Text, content.Vars))
	}
	return texts, nil
}
