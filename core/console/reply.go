package console

import (
	"context"
	"net/http"

	"lumo/core/lumo"
	"lumo/core/message"
	"lumo/shared/id"
)

// ReplyRuleView is an automatic reply.
type ReplyRuleView struct {
	ID       string `json:"id,omitempty" maxLength:"40" doc:"of a rule that is there already"`
	Kind     string `json:"kind" enum:"greeting,keyword"`
	Keyword  string `json:"keyword,omitempty" maxLength:"400"`
	Contains bool   `json:"contains,omitempty" doc:"the text contains the keyword; else it is the keyword"`
	Message  string `json:"message" maxLength:"40" doc:"msg_.."`
	Active   bool   `json:"active"`
}

// RepliesView are the automatic replies of a LINE account, in the order in which they are tried.
type RepliesView struct {
	Rules []ReplyRuleView `json:"rules" maxItems:"201"`
}

type repliesInput struct {
	InChannel
	Body RepliesView
}

// replies are the operations on automatic replies.
type replies struct{ service *message.Replies }

// RegisterReplies adds automatic replies.
func RegisterReplies(a *API, s *message.Replies) {
	const path = "/merchants/{merchant}/channels/{channel}/replies"
	p := replies{s}
	Register(a, Op{ID: "get-replies", Method: http.MethodGet, Path: path, Role: lumo.Viewer,
		Summary: "Read the automatic replies"}, p.get)
	RegisterEdit(a, Op{ID: "set-replies", Method: http.MethodPut, Path: path, Role: lumo.Marketer,
		Summary: "Replace the automatic replies"},
		func(ctx context.Context, who Caller, in *repliesInput) (RepliesView, error) {
			return p.get(ctx, who, &in.InChannel)
		},
		p.set)
}

func (p replies) get(ctx context.Context, who Caller, in *InChannel) (RepliesView, error) {
	c, err := in.Channel()
	if err != nil {
		return RepliesView{}, err
	}
	rules, err := p.service.Rules(ctx, who.Merchant.ID, c)
	return repliesView(rules), err
}

func (p replies) set(ctx context.Context, who Caller, in *repliesInput) (RepliesView, error) {
	c, err := in.Channel()
	if err != nil {
		return RepliesView{}, err
	}
	var rules []message.Rule
	for _, v := range in.Body.Rules {
		rule := message.Rule{Kind: message.ReplyKind(v.Kind), Keyword: v.Keyword, Contains: v.Contains, Active: v.Active}
		m, err := outside(id.Message, v.Message)
		if err != nil {
			return RepliesView{}, err
		}
		rule.Message = lumo.MessageID(m)
		if v.ID != "" {
			if rule.ID, err = id.Parse(v.ID); err != nil {
				return RepliesView{}, err
			}
		}
		rules = append(rules, rule)
	}
	rules, err = p.service.SetRules(ctx, messageActor(who), who.Merchant.ID, c, rules)
	return repliesView(rules), err
}

func repliesView(rules []message.Rule) RepliesView {
	v := RepliesView{Rules: []ReplyRuleView{}}
	for _, r := range rules {
		v.Rules = append(v.Rules, ReplyRuleView{ID: r.ID.String(), Kind: string(r.Kind), Keyword: r.Keyword, Contains: r.Contains,
			Message: r.Message.String(), Active: r.Active})
	}
	return v
}
