package message

import (
	"context"
	"strings"
	"sync"

	"lumo/core/lumo"
	"lumo/core/message/jsontree"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/token"
)

// sharedSend is the delivery number of pictures that tell nothing of who loads them.
const sharedSend = token.SharedSend

// Tracker makes the addresses that tell of clicks and opens of one delivery. It runs in the
// caller's transaction.
type Tracker interface {
	Link(ctx context.Context, c lumo.Channel, delivery uint64, target string) (string, error)
	OneOff(ctx context.Context, c lumo.Channel, delivery uint64, o lumo.OneOff) (string, error)
	Beacon(ctx context.Context, c lumo.Channel, delivery uint64) (string, error)
	// Image is the address of a picture of ours, without the width.
	Image(ctx context.Context, c lumo.Channel, delivery uint64, image uint32) (string, error)
}

// Images finds the number of a picture on a channel; ok is false for none of ours.
type Images interface {
	ImageNumber(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, sha [32]byte) (
		number uint32, ok bool, err error)
}

// Versions reads published versions.
type Versions interface {
	Version(ctx context.Context, m lumo.MerchantID, v lumo.MessageID, version int) (Version, error)
}

// Composer makes the exact body of one push: the content with one person's values, its
// links and pictures tracked. The same input gives the same bytes. A version is read and
// taken apart once; it never changes.
type Composer struct {
	versions Versions
	images   Images
	tracker  Tracker
	edgeURL  string

	mu       sync.RWMutex
	programs map[programKey]*program // guarded by mu
}

// programKey is all that a program depends on.
type programKey struct {
	merchant lumo.MerchantID
	channel  lumo.ChannelID
	name     string // of the channel: it may stand in UTM
	message  lumo.MessageID
	version  int
	opens    bool
	utm      lumo.UTM
	ownURL   string // of the merchant's host
}

// programsKept is how many programs are remembered at most.
const programsKept = 5000

// NewComposer makes a composer. It runs in its caller's transaction.
func NewComposer(v Versions, i Images, t Tracker, edgeURL string) *Composer {
	return &Composer{versions: v, images: i, tracker: t, edgeURL: strings.TrimRight(edgeURL, "/"),
		programs: map[programKey]*program{}}
}

// Compose renders a content for one person. Why says why nothing can be sent.
func (c *Composer) Compose(ctx context.Context, channel lumo.Channel, number uint64, content lumo.Content,
	to lumo.LineUserID) (body []byte, why lumo.Why, err error) {
	if !to.Valid() {
		return nil, lumo.Why{Reason: edgeapi.Erased.Code()}, nil
	}
	head := append(append([]byte(`{"to":"`), to...), `","messages":`...)
	body, why, err = c.render(ctx, channel, number, content, head)
	if err != nil || why.Reason != "" {
		return nil, why, fault.Wrap("message.Compose", err)
	}
	if content.Message != (lumo.MessageID{}) && content.Draft == "" {
		body = append(append(append(body, `,"customAggregationUnits":["`...), Unit(content.Message)...), `"]`...)
	}
	return append(body, '}'), lumo.Why{}, nil
}

// ComposeReply is Compose for LINE's reply API.
func (c *Composer) ComposeReply(ctx context.Context, channel lumo.Channel, number uint64, content lumo.Content,
	replyToken string) (body []byte, why lumo.Why, err error) {
	head := append([]byte(`{"replyToken":`), jsontree.Quote(replyToken)...)
	body, why, err = c.render(ctx, channel, number, content, append(head, `,"messages":`...))
	if err != nil || why.Reason != "" {
		return nil, why, fault.Wrap("message.ComposeReply", err)
	}
	return append(body, '}'), lumo.Why{}, nil
}

// Unit is the name under which LINE adds up the openings and taps of a message's sends.
func Unit(v lumo.MessageID) string { return v.String() }

func (c *Composer) render(ctx context.Context, channel lumo.Channel, number uint64, content lumo.Content,
	head []byte) (out []byte, why lumo.Why, err error) {
	if content.Message == (lumo.MessageID{}) && strings.TrimSpace(Clean(content.Text)) == "" {
		return nil, lumo.Why{Reason: edgeapi.NoContent.Code()}, nil
	}
	p, err := c.program(ctx, channel, content)
	if fault.Is(err, fault.NotFound) {
		return nil, lumo.Why{Reason: edgeapi.UnknownMessage.Code()}, nil
	}
	if err != nil {
		return nil, lumo.Why{}, err
	}
	r := &rendering{ctx: ctx, tracker: c.tracker, channel: channel, delivery: number, values: content.Vars, out: head}
	if err := p.run(r); err != nil {
		return nil, lumo.Why{}, err
	}
	if r.reason != 0 {
		return nil, lumo.Why{Reason: r.reason.Code(), Data: r.data}, nil
	}
	return r.out, lumo.Why{}, nil
}

// program finds the program of a content, or makes it.
func (c *Composer) program(ctx context.Context, channel lumo.Channel, content lumo.Content) (*program, error) {
	if content.Message == (lumo.MessageID{}) {
		body := Text(Clean(content.Text))
		return compile(body, c.setting(ctx, channel, body, "", 0))
	}
	if content.Draft != "" {
		body, err := Decode(content.Draft)
		if err != nil {
			return nil, err
		}
		return compile(body, c.setting(ctx, channel, body, content.Name, content.Next))
	}
	key := programKey{channel.Merchant, channel.ID, channel.Name, content.Message, content.Version,
		channel.OpensMeasured, channel.UTM, channel.LinkHost.URL}
	c.mu.RLock()
	p := c.programs[key]
	c.mu.RUnlock()
	if p != nil {
		return p, nil
	}
	v, err := c.versions.Version(ctx, channel.Merchant, content.Message, content.Version)
	if err != nil {
		return nil, err
	}
	if p, err = compile(v.Body, c.setting(ctx, channel, v.Body, v.Name, v.Number)); err != nil {
		return nil, fault.As(fault.Internal, "message.program", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.programs) >= programsKept {
		clear(c.programs)
	}
	c.programs[key] = p
	return p, nil
}

func (c *Composer) setting(ctx context.Context, channel lumo.Channel, b Body, name string, version int) setting {
	return setting{edgeURL: c.edgeURL, ownURL: channel.LinkHost.URL, opens: channel.OpensMeasured,
		utm: utmQuery(over(b.UTM, channel.UTM), utmValues(channel.Name, name, version)),
		image: func(sha [32]byte) (uint32, bool, error) {
			return c.images.ImageNumber(ctx, channel.Merchant, channel.ID, sha)
		}}
}

// utmValues are the variables that UTM fields may have.
func utmValues(account, message string, version int) map[string]string {
	values := map[string]string{"account": account, "message": message}
	if version > 0 {
		values["version"] = itoa(version)
	}
	return values
}

// Gap is a variable that had neither value nor fallback.
type Gap struct {
	Block int
	Name  string
	Text  bool // it stands in the text of a text message
	At    int  // there: UTF-16 units before it
}

// Tracked is an address of which a send counts the taps.
type Tracked struct {
	Block   int
	Address string // as a person sees it
	Target  string // where it leads: with the campaign parameters
}

// Preview renders a body for one person without tracking: what she would see.
func Preview(b Body, values map[string]string, edgeURL string) (messages string, gaps []Gap, err error) {
	shown, err := preview(b, values, setting{edgeURL: edgeURL})
	return shown.Messages, shown.Gaps, err
}

// preview is what a send would make of a body, but for tracking: that it only tells. It is
// the same program, so that nothing else is tracked than what is told.
func preview(b Body, values map[string]string, s setting) (Shown, error) {
	s.edgeURL = strings.TrimRight(s.edgeURL, "/")
	s.image = func([32]byte) (uint32, bool, error) { return 0, false, nil }
	p, err := compile(b, s)
	if err != nil {
		return Shown{}, err
	}
	r := &rendering{values: values}
	if err := p.run(r); err != nil {
		return Shown{}, err
	}
	return Shown{Messages: string(r.out), Gaps: r.gaps, Values: values, Tracked: r.tracked}, nil
}
