package message

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// ReplyKind says what a rule answers.
type ReplyKind string

// The kinds of rules; a channel has at most one greeting.
const (
	Greeting ReplyKind = "greeting"
	Keyword  ReplyKind = "keyword"
)

const (
	maxRules   = 200
	maxKeyword = 100 // characters
	// replyWithin is how long after LINE handed an event over its token is trusted: LINE says
	// one minute, and the answer needs time to travel.
	replyWithin = 50 * time.Second
)

// Rule is an automatic reply. Replies are free: they use none of the month's messages.
type Rule struct {
	ID       id.ID
	Channel  lumo.ChannelID
	Kind     ReplyKind
	Keyword  string
	Contains bool // the text contains the keyword; else it is the keyword
	Position int  // keywords are tried in this order
	Message  lumo.MessageID
	Active   bool
}

// RuleStore keeps rules. Its methods run in the caller's transaction.
type RuleStore interface {
	Rules(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) ([]Rule, error) // in their order
	// SetRules replaces all rules of a channel.
	SetRules(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, rules []Rule, now time.Time) error
}

// Replies holds the use cases of automatic replies.
type Replies struct {
	tenants  Tenants
	rules    RuleStore
	messages *Service
	auditor  Auditor
	ids      func() id.ID
	now      func() time.Time
}

// NewReplies makes the use cases of a service's channel.
func NewReplies(s *Service, rules RuleStore) *Replies {
	return &Replies{tenants: s.c.Tenants, rules: rules, messages: s, auditor: s.c.Auditor, ids: s.c.IDs, now: s.c.Now}
}

// Rules are a channel's rules: the greeting, then keywords in their order.
func (r *Replies) Rules(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (all []Rule, err error) {
	err = r.tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if _, err := r.messages.c.Channels.Get(ctx, m, c); err != nil {
			return err
		}
		all, err = r.rules.Rules(ctx, m, c)
		return err
	})
	return all, fault.Wrap("message.Rules", err)
}

// SetRules replaces the rules of a channel.
func (r *Replies) SetRules(ctx context.Context, who Actor, m lumo.MerchantID, c lumo.ChannelID, rules []Rule) ([]Rule, error) {
	const op = "message.SetRules"
	if err := checkRules(op, rules); err != nil {
		return nil, err
	}
	for i := range rules {
		rules[i].Channel, rules[i].Position = c, i
		if rules[i].ID == (id.ID{}) {
			rules[i].ID = r.ids()
		}
	}
	err := r.tenants.InTenant(ctx, m, func(ctx context.Context) error {
		for _, rule := range rules {
			found, err := r.messages.inChannel(ctx, m, c, rule.Message)
			if err != nil {
				return err
			}
			if found.Archived {
				return fault.New(fault.Invalid, op, "The message “%s” is put away. Choose another.", found.Name)
			}
		}
		if err := r.rules.SetRules(ctx, m, c, rules, r.now()); err != nil {
			return err
		}
		e := who.entry("replies.change", "channel", c.String())
		e.Data = map[string]any{"rules": len(rules)}
		return r.auditor.Audit(ctx, e)
	})
	return rules, fault.Wrap(op, err)
}

func checkRules(op string, rules []Rule) error {
	fields := map[string]string{}
	if len(rules) > maxRules {
		fields["rules"] = "At most 200 rules."
	}
	greetings := 0
	seen := map[string]bool{}
	for i, rule := range rules {
		at := "rules." + itoa(i) + ".keyword"
		word := fold(rule.Keyword)
		switch {
		case rule.Kind == Greeting:
			greetings++
		case word == "":
			fields[at] = "Enter a keyword."
		case utf8.RuneCountInString(rule.Keyword) > maxKeyword:
			fields[at] = "A keyword has at most 100 characters."
		case seen[word]:
			fields[at] = "This keyword is there already."
		}
		seen[word] = rule.Kind == Keyword
	}
	if greetings > 1 {
		fields["rules"] = "There is one greeting."
	}
	if len(fields) > 0 {
		return &fault.Error{Kind: fault.Invalid, Op: op, Message: "Some fields need another value.", Fields: fields}
	}
	return nil
}

// Match finds the rule that answers: the greeting for who follows, else the first keyword
// that fits, whatever the width and case of the letters.
func Match(rules []Rule, followed bool, text string) (Rule, bool) {
	said := fold(text)
	for _, rule := range rules {
		switch {
		case !rule.Active:
		case followed && rule.Kind == Greeting:
			return rule, true
		case followed || rule.Kind != Keyword:
		case said == fold(rule.Keyword), rule.Contains && strings.Contains(said, fold(rule.Keyword)):
			return rule, true
		}
	}
	return Rule{}, false
}

// fold makes ＡＢＣ, ABC and abc the same, and ignores spaces around.
func fold(text string) string {
	return strings.ToLower(strings.TrimSpace(norm.NFKC.String(text)))
}
