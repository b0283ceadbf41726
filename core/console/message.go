package console

import (
	"context"
	"net/http"
	"time"

	"lumo/core/lumo"
	"lumo/core/message"
	"lumo/shared/id"
)

// BlockView is one LINE message inside a saved message.
type BlockView struct {
	Type string `json:"type" enum:"text"`
	Text string `json:"text" maxLength:"20000"`
}

// MessageView is a saved message.
type MessageView struct {
	ID        string      `json:"id"`
	Name      string      `json:"name"`
	Blocks    []BlockView `json:"blocks"`
	Version   int         `json:"version"`
	Warnings  []string    `json:"warnings,omitempty"`
	UpdatedAt *time.Time  `json:"updated_at"`
}

type listMessagesInput struct {
	InChannel
	Cursor string `query:"cursor" maxLength:"40"`
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"100"`
}

type messageInput struct {
	InChannel
	MessageID string `path:"message" doc:"msg_.."`
}

type draftBody struct {
	Name   string      `json:"name" maxLength:"500"`
	Blocks []BlockView `json:"blocks" maxItems:"10"`
}

type createMessageInput struct {
	InChannel
	Body draftBody
}

type replaceMessageInput struct {
	messageInput
	Body struct {
		draftBody
		Version int `json:"version" doc:"the version that the change was made to"`
	}
}

// RegisterMessages adds saved messages.
func RegisterMessages(a *API, s *message.Service) {
	const path = "/merchants/{merchant}/channels/{channel}/messages"
	Register(a, Op{ID: "list-messages", Method: http.MethodGet, Path: path, Role: lumo.Viewer,
		Summary: "List saved messages"}, func(ctx context.Context, who Caller, in *listMessagesInput) (List[MessageView], error) {
		return listMessages(ctx, s, who, in)
	})
	Register(a, Op{ID: "create-message", Method: http.MethodPost, Path: path, Role: lumo.Marketer,
		Summary: "Save a new message"}, func(ctx context.Context, who Caller, in *createMessageInput) (MessageView, error) {
		c, err := in.Channel()
		if err != nil {
			return MessageView{}, err
		}
		m, err := s.Create(ctx, messageActor(who), who.Merchant.ID, c, in.Body.draft())
		return messageView(m), err
	})
	Register(a, Op{ID: "get-message", Method: http.MethodGet, Path: path + "/{message}", Role: lumo.Viewer,
		Summary: "Read a saved message"}, func(ctx context.Context, who Caller, in *messageInput) (MessageView, error) {
		c, v, err := in.message()
		if err != nil {
			return MessageView{}, err
		}
		m, err := s.Get(ctx, who.Merchant.ID, c, v)
		return messageView(m), err
	})
	RegisterEdit(a, Op{ID: "replace-message", Method: http.MethodPut, Path: path + "/{message}", Role: lumo.Marketer,
		Summary: "Save the next version of a message"},
		func(ctx context.Context, who Caller, in *replaceMessageInput) (MessageView, error) {
			c, v, err := in.message()
			if err != nil {
				return MessageView{}, err
			}
			m, err := s.Get(ctx, who.Merchant.ID, c, v)
			return messageView(m), err
		},
		func(ctx context.Context, who Caller, in *replaceMessageInput) (MessageView, error) {
			c, v, err := in.message()
			if err != nil {
				return MessageView{}, err
			}
			m, err := s.Replace(ctx, messageActor(who), who.Merchant.ID, c, v, in.Body.Version, in.Body.draft())
			return messageView(m), err
		})
}

func (in messageInput) message() (lumo.ChannelID, lumo.MessageID, error) {
	c, err := in.Channel()
	if err != nil {
		return c, lumo.MessageID{}, err
	}
	v, err := outside(id.Message, in.MessageID)
	return c, lumo.MessageID(v), err
}

func (b draftBody) draft() message.Draft {
	d := message.Draft{Name: b.Name}
	for _, block := range b.Blocks {
		d.Blocks = append(d.Blocks, lumo.Block{Type: block.Type, Text: block.Text})
	}
	return d
}

func messageActor(who Caller) message.Actor {
	return message.Actor{Member: who.Member.ID, Address: who.Address}
}

func listMessages(ctx context.Context, s *message.Service, who Caller, in *listMessagesInput) (List[MessageView], error) {
	list := List[MessageView]{Items: []MessageView{}}
	c, err := in.Channel()
	if err != nil {
		return list, err
	}
	page := message.Page{Limit: in.Limit + 1}
	if in.Cursor != "" {
		after, err := outside(id.Message, in.Cursor)
		if err != nil {
			return list, err
		}
		page.After = lumo.MessageID(after)
	}
	all, total, err := s.List(ctx, who.Merchant.ID, c, page)
	if len(all) > in.Limit {
		all = all[:in.Limit]
		list.Next = all[in.Limit-1].ID.String()
	}
	for _, m := range all {
		list.Items = append(list.Items, messageView(m))
	}
	count := int64(total)
	list.Total = &count
	return list, err
}

func messageView(m message.Message) MessageView {
	v := MessageView{ID: m.ID.String(), Name: m.Name, Version: m.Version, Blocks: []BlockView{},
		Warnings: message.Warnings(m.Blocks), UpdatedAt: moment(m.UpdatedAt)}
	for _, b := range m.Blocks {
		v.Blocks = append(v.Blocks, BlockView{Type: b.Type, Text: b.Text})
	}
	return v
}
