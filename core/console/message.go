package console

import (
	"context"
	"net/http"
	"time"

	"lumo/core/lumo"
	"lumo/core/message"
	"lumo/shared/id"
)

// BodyView is what a message says: LINE's own JSON, exactly as written.
type BodyView struct {
	Blocks     []string `json:"blocks" maxItems:"10" doc:"the JSON of one LINE message each; kept byte for byte"`
	QuickReply string   `json:"quick_reply,omitempty" maxLength:"50000" doc:"JSON of LINE's quickReply, for the last message"`
	Sender     string   `json:"sender,omitempty" maxLength:"5000" doc:"JSON of LINE's sender, for each message"`
	UTM        UTMView  `json:"utm,omitempty" doc:"of this message's links; empty fields are the account's"`
}

// ProblemView is something to look at before a message is used.
type ProblemView struct {
	Level    string         `json:"level" enum:"error,warning"`
	Code     string         `json:"code"`
	Block    int            `json:"block" doc:"from 0; -1 = the whole message"`
	Path     string         `json:"path,omitempty"`
	Line     int            `json:"line,omitempty"`
	Sentence string         `json:"sentence"`
	Data     map[string]any `json:"data,omitempty"`
}

// MessageView is a saved message.
type MessageView struct {
	ID        string        `json:"id"`
	Name      string        `json:"name"`
	Draft     BodyView      `json:"draft"`
	Revision  int           `json:"revision" doc:"of the draft"`
	Version   int           `json:"version" doc:"published newest; 0 = none"`
	Changed   bool          `json:"changed" doc:"the draft is not what is published"`
	Archived  bool          `json:"archived"`
	UpdatedAt *time.Time    `json:"updated_at"`
	UpdatedBy string        `json:"updated_by,omitempty"`
	Problems  []ProblemView `json:"problems" doc:"of the draft, by our own rules"`
}

// MessageRowView is a message in the list.
type MessageRowView struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Version    int        `json:"version"`
	Changed    bool       `json:"changed"`
	Archived   bool       `json:"archived"`
	UpdatedAt  *time.Time `json:"updated_at"`
	Messages   string     `json:"messages,omitempty" doc:"JSON array as somebody without values would see it"`
	Sends      int64      `json:"sends"`
	Clickers   int64      `json:"clickers" doc:"sends with a click"`
	Flows      int64      `json:"flows" doc:"that named it in the last 30 days"`
	LastSentAt *time.Time `json:"last_sent_at,omitempty"`
}

// VersionView is a message as it was published.
type VersionView struct {
	Version     int        `json:"version"`
	Name        string     `json:"name"`
	Body        BodyView   `json:"body"`
	Messages    string     `json:"messages,omitempty"`
	PublishedAt *time.Time `json:"published_at"`
	PublishedBy string     `json:"published_by,omitempty"`
	Sends       int64      `json:"sends"`
}

type listMessagesInput struct {
	InChannel
	Cursor   string `query:"cursor" maxLength:"40"`
	Limit    int    `query:"limit" default:"50" minimum:"1" maximum:"100"`
	Archived bool   `query:"archived"`
}

// InMessage is the input of operations on a saved message.
type InMessage struct {
	InChannel
	MessageID string `path:"message" doc:"msg_.."`
}

// DraftBody is what a member writes.
type DraftBody struct {
	Name  string   `json:"name" maxLength:"500"`
	Draft BodyView `json:"draft"`
}

type createMessageInput struct {
	InChannel
	Body DraftBody
}

type saveMessageInput struct {
	InMessage
	Body struct {
		DraftBody
		Revision int `json:"revision" doc:"the revision that the change was made to"`
	}
}

type nameInput struct {
	InMessage
	Body struct {
		Name string `json:"name" maxLength:"500"`
	}
}

type publishInput struct {
	InMessage
	Body struct {
		Revision int `json:"revision" doc:"the draft that shall be published"`
	}
}

// PublishView is what came of publishing.
type PublishView struct {
	Published bool          `json:"published"`
	Message   MessageView   `json:"message"`
	Problems  []ProblemView `json:"problems" doc:"LINE's check and that of pictures included"`
}

// messages are the operations on saved messages.
type messages struct {
	service *message.Service
	edgeURL string
}

// RegisterMessages adds saved messages.
func RegisterMessages(a *API, s *message.Service, edgeURL string) {
	const path = "/merchants/{merchant}/channels/{channel}/messages"
	const one = path + "/{message}"
	p := messages{s, edgeURL}
	Register(a, Op{ID: "list-messages", Method: http.MethodGet, Path: path, Role: lumo.Viewer,
		Summary: "List saved messages"}, p.list)
	Register(a, Op{ID: "create-message", Method: http.MethodPost, Path: path, Role: lumo.Marketer,
		Summary: "Write a new message; nothing is published yet"}, p.create)
	Register(a, Op{ID: "get-message", Method: http.MethodGet, Path: one, Role: lumo.Viewer,
		Summary: "Read a message with its draft"}, p.get)
	RegisterEdit(a, Op{ID: "save-message", Method: http.MethodPut, Path: one, Role: lumo.Marketer,
		Summary: "Save the draft of a message"},
		func(ctx context.Context, who Caller, in *saveMessageInput) (MessageView, error) {
			return p.get(ctx, who, &in.InMessage)
		}, p.save)
	Register(a, Op{ID: "publish-message", Method: http.MethodPost, Path: one + "/publish", Role: lumo.Marketer,
		Summary: "Check the draft and make it what flows send"}, p.publish)
	Register(a, Op{ID: "check-message", Method: http.MethodPost, Path: one + "/check", Role: lumo.Viewer,
		Summary: "Check the draft with LINE too"}, p.check)
	Register(a, Op{ID: "archive-message", Method: http.MethodPost, Path: one + "/archive", Role: lumo.Marketer,
		Summary: "Put a message away"}, p.archive(true))
	Register(a, Op{ID: "restore-message", Method: http.MethodPost, Path: one + "/restore", Role: lumo.Marketer,
		Summary: "Take a message back"}, p.archive(false))
	Register(a, Op{ID: "duplicate-message", Method: http.MethodPost, Path: one + "/duplicate", Role: lumo.Marketer,
		Summary: "Write a new message with the same draft"}, p.duplicate)
	Register(a, Op{ID: "list-message-versions", Method: http.MethodGet, Path: one + "/versions", Role: lumo.Viewer,
		Summary: "List what was published"}, p.versions)
	p.registerPreview(a, path)
}

func (in InMessage) message() (lumo.ChannelID, lumo.MessageID, error) {
	c, err := in.Channel()
	if err != nil {
		return c, lumo.MessageID{}, err
	}
	v, err := outside(id.Message, in.MessageID)
	return c, lumo.MessageID(v), err
}

func (b BodyView) body() message.Body {
	return message.Body{Blocks: b.Blocks, QuickReply: b.QuickReply, Sender: b.Sender, UTM: lumo.UTM(b.UTM)}
}

func bodyView(b message.Body) BodyView {
	return BodyView{Blocks: b.Blocks, QuickReply: b.QuickReply, Sender: b.Sender, UTM: UTMView(b.UTM)}
}

func (b DraftBody) draft() message.Draft { return message.Draft{Name: b.Name, Body: b.Draft.body()} }

func messageActor(who Caller) message.Actor {
	return message.Actor{Member: who.Member.ID, Address: who.Address}
}

func (p messages) create(ctx context.Context, who Caller, in *createMessageInput) (MessageView, error) {
	c, err := in.Channel()
	if err != nil {
		return MessageView{}, err
	}
	m, err := p.service.Create(ctx, messageActor(who), who.Merchant.ID, c, in.Body.draft())
	return messageView(m), err
}

func (p messages) get(ctx context.Context, who Caller, in *InMessage) (MessageView, error) {
	c, v, err := in.message()
	if err != nil {
		return MessageView{}, err
	}
	m, err := p.service.Get(ctx, who.Merchant.ID, c, v)
	return messageView(m), err
}

func (p messages) save(ctx context.Context, who Caller, in *saveMessageInput) (MessageView, error) {
	c, v, err := in.message()
	if err != nil {
		return MessageView{}, err
	}
	m, err := p.service.Save(ctx, messageActor(who), who.Merchant.ID, c, v, in.Body.Revision, in.Body.draft())
	return messageView(m), err
}

func (p messages) publish(ctx context.Context, who Caller, in *publishInput) (PublishView, error) {
	c, v, err := in.message()
	if err != nil {
		return PublishView{}, err
	}
	m, problems, err := p.service.Publish(ctx, messageActor(who), who.Merchant.ID, c, v, in.Body.Revision)
	return PublishView{Published: err == nil && !message.Blocking(problems), Message: messageView(m),
		Problems: problemViews(problems)}, err
}

func (p messages) check(ctx context.Context, who Caller, in *InMessage) (List[ProblemView], error) {
	c, v, err := in.message()
	if err != nil {
		return List[ProblemView]{}, err
	}
	m, err := p.service.Get(ctx, who.Merchant.ID, c, v)
	if err != nil {
		return List[ProblemView]{}, err
	}
	problems, err := p.service.Examine(ctx, who.Merchant.ID, c, m.Draft())
	return List[ProblemView]{Items: problemViews(problems)}, err
}

func (p messages) archive(away bool) Handler[InMessage, MessageView] {
	return func(ctx context.Context, who Caller, in *InMessage) (MessageView, error) {
		c, v, err := in.message()
		if err != nil {
			return MessageView{}, err
		}
		m, err := p.service.Archive(ctx, messageActor(who), who.Merchant.ID, c, v, away)
		return messageView(m), err
	}
}

func (p messages) duplicate(ctx context.Context, who Caller, in *nameInput) (MessageView, error) {
	c, v, err := in.message()
	if err != nil {
		return MessageView{}, err
	}
	m, err := p.service.Duplicate(ctx, messageActor(who), who.Merchant.ID, c, v, in.Body.Name)
	return messageView(m), err
}

func (p messages) versions(ctx context.Context, who Caller, in *InMessage) (List[VersionView], error) {
	c, v, err := in.message()
	if err != nil {
		return List[VersionView]{}, err
	}
	all, err := p.service.History(ctx, who.Merchant.ID, c, v)
	list := List[VersionView]{}
	for _, one := range all {
		list.Items = append(list.Items, VersionView{Version: one.Number, Name: one.Name, Body: bodyView(one.Body),
			Messages: p.shown(one.Body), PublishedAt: moment(one.PublishedAt), PublishedBy: one.PublishedBy, Sends: one.Sends})
	}
	return list, err
}

func (p messages) list(ctx context.Context, who Caller, in *listMessagesInput) (List[MessageRowView], error) {
	list := List[MessageRowView]{}
	c, err := in.Channel()
	if err != nil {
		return list, err
	}
	page := message.Page{Limit: in.Limit + 1, Archived: in.Archived}
	if in.Cursor != "" {
		after, err := outside(id.Message, in.Cursor)
		if err != nil {
			return list, err
		}
		page.After = lumo.MessageID(after)
	}
	all, total, err := p.service.List(ctx, who.Merchant.ID, c, page)
	if len(all) > in.Limit {
		all = all[:in.Limit]
		list.Next = all[in.Limit-1].ID.String()
	}
	for _, m := range all {
		list.Items = append(list.Items, MessageRowView{ID: m.ID.String(), Name: m.Name, Version: m.Version, Changed: m.Changed,
			Archived: m.Archived, UpdatedAt: moment(m.UpdatedAt), Messages: p.shown(m.Body), Sends: m.Sends,
			Clickers: m.Clickers, Flows: m.Flows, LastSentAt: moment(m.LastSentAt)})
	}
	count := int64(total)
	list.Total = &count
	return list, err
}

// shown is a body as somebody without values would see it; empty while its JSON is not right.
func (p messages) shown(b message.Body) string {
	text, _, err := message.Preview(b, nil, p.edgeURL)
	if err != nil {
		return ""
	}
	return text
}

func messageView(m message.Message) MessageView {
	return MessageView{ID: m.ID.String(), Name: m.Name, Draft: bodyView(m.Body), Revision: m.Revision, Version: m.Version,
		Changed: m.Changed, Archived: m.Archived, UpdatedAt: moment(m.UpdatedAt), UpdatedBy: m.UpdatedBy,
		Problems: problemViews(message.Check(m.Body))}
}

func problemViews(all []message.Problem) []ProblemView {
	out := []ProblemView{}
	for _, p := range all {
		out = append(out, ProblemView{Level: string(p.Level), Code: p.Code, Block: p.Block, Path: p.Path, Line: p.Line,
			Sentence: p.Sentence(), Data: p.Data})
	}
	return out
}
