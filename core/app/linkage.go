package app

import (
	"context"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"lumo/core/channel"
	"lumo/core/connection"
	"lumo/core/delivery"
	"lumo/core/klaviyo"
	"lumo/core/line"
	"lumo/core/linkage"
	"lumo/core/live"
	"lumo/core/lumo"
	"lumo/core/message"
	channelstore "lumo/core/postgres/channel"
	linkagestore "lumo/core/postgres/linkage"
	"lumo/core/run"
	"lumo/core/web/linkpage"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// newLinkDirectory makes the look-ups of identity links.
func (a *App) newLinkDirectory(channels *channel.Directory) *linkage.Directory {
	return linkage.NewDirectory(a.db, linkagestore.New(a.vault), channels)
}

// newJoiner joins follow events with the logins before them.
func (a *App) newJoiner(directory *channel.Directory, g linkage.Greeter) *linkage.Joiner {
	store := linkagestore.New(a.vault)
	return linkage.NewJoiner(a.db, store, store, directory, g, a.now)
}

// laterLinks tells the outbox where linked customers are once links are there: links need
// the outbox.
type laterLinks struct{ links *linkage.Service }

func (l *laterLinks) Recheck(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, p lumo.ProfileID) (
	lumo.ProfileID, error) {
	return l.links.Recheck(ctx, m, a, p)
}

func (l *laterLinks) ProfileMoved(ctx context.Context, m lumo.MerchantID, from, to lumo.ProfileID) error {
	return l.links.ProfileMoved(ctx, m, from, to)
}

// linkageNeeds are the capabilities that linkage asks and tells.
type linkageNeeds struct {
	directory *linkage.Directory
	channels  *channel.Service
	line      *line.Client
	klaviyo   *klaviyo.Client
	accounts  *connection.Service
	recorder  linkage.Recorder
	outbox    linkage.Outbox
	greeter   linkage.Greeter
	messages  linkage.Messages
	fleet     linkage.Fleet
}

// newLinkage makes the linkage capability and the pages that customers see.
func (a *App) newLinkage(n linkageNeeds) (*linkage.Service, *linkpage.Pages, error) {
	store := linkagestore.New(a.vault)
	s, err := linkage.New(linkage.Config{Directory: n.directory, Tenants: a.db, Links: store,
		States: store, Codes: store, Forms: store, Settings: store, Health: store, Tokens: store,
		Channels: n.channels, Friends: n.channels, Merchants: a.accounts, LINE: n.line,
		Profiles: customers{n.accounts, n.klaviyo}, Hooks: systemHooks{n.accounts}, Pages: pages{a.http},
		Recorder: n.recorder, Outbox: n.outbox, Greeter: n.greeter, Messages: n.messages, Upkeep: channelstore.New(a.vault),
		Fleet: n.fleet, Auditor: a.accounts, Watcher: linkWatcher{a}, EdgeURL: a.settings.EdgePublicURL,
		NewID: a.newID, Now: a.now, Log: a.log})
	if err != nil {
		return nil, nil, err
	}
	shown, err := linkpage.New(s, n.channels, a.accounts)
	return s, shown, err
}

// customers reads an account's customers and forms.
type customers struct {
	*connection.Service
	client *klaviyo.Client
}

func (c customers) LastOrder(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, p lumo.ProfileID) (
	time.Time, error) {
	return connection.Call(ctx, c.Service, m, a, func(token lumo.Secret) (time.Time, error) {
		return c.client.LastOrder(ctx, token, p)
	})
}

func (c customers) Forms(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) (
	[]linkage.KlaviyoForm, error) {
	return connection.Call(ctx, c.Service, m, a, func(token lumo.Secret) ([]linkage.KlaviyoForm, error) {
		return c.client.Forms(ctx, token)
	})
}

func (c customers) Segments(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) ([]linkage.Segment, error) {
	return connection.Call(ctx, c.Service, m, a, func(token lumo.Secret) ([]linkage.Segment, error) {
		return c.client.Segments(ctx, token)
	})
}

func (c customers) SegmentSize(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, segment string) (int64, error) {
	return connection.Call(ctx, c.Service, m, a, func(token lumo.Secret) (int64, error) {
		return c.client.SegmentSize(ctx, token, segment)
	})
}

func (c customers) SegmentMembers(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, segment, after string,
	limit int) (linkage.MemberPage, error) {
	return connection.Call(ctx, c.Service, m, a, func(token lumo.Secret) (linkage.MemberPage, error) {
		return c.client.SegmentMembers(ctx, token, segment, after, limit)
	})
}

func (c customers) FindProfiles(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, field string,
	values []string) (found []lumo.Profile, wait time.Duration, err error) {
	found, err = connection.Call(ctx, c.Service, m, a, func(token lumo.Secret) (list []lumo.Profile, err error) {
		list, wait, err = c.client.FindProfiles(ctx, token, field, values)
		return list, err
	})
	return found, wait, err
}

// How LINE is asked about people one by one: a few at a time, and within the 2,000 a second that
// it allows of each account.
const (
	probesOpen = 16
	probesRate = 1900
)

// followersOf is what LINE tells of an account's followers.
type followersOf interface{ channel.Followers }

// pacedLINE asks about people no faster than LINE allows.
type pacedLINE struct {
	followersOf
	limit *rate.Limiter
}

func newPacedLINE(f channel.Followers) pacedLINE {
	return pacedLINE{f, rate.NewLimiter(probesRate, probesOpen)}
}

func (p pacedLINE) Profile(ctx context.Context, keys lumo.Keys, user lumo.LineUserID) (channel.Person, error) {
	if err := p.limit.Wait(ctx); err != nil {
		return channel.Person{}, fault.As(fault.Unavailable, "app.Profile", err)
	}
	return p.followersOf.Profile(ctx, keys, user)
}

// keyRing gives a LINE account's keys.
type keyRing interface {
	Keys(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (channel.Keys, error)
}

// prober asks LINE whether it knows people.
type prober struct {
	channels keyRing
	line     channel.Followers
}

func (p prober) Reachable(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, users []lumo.LineUserID) (
	[]bool, error) {
	keys, err := p.channels.Keys(ctx, m, c)
	if err != nil {
		return nil, err
	}
	reachable := make([]bool, len(users))
	group, limited := errgroup.WithContext(ctx)
	group.SetLimit(probesOpen)
	for n, user := range users {
		group.Go(func() error {
			_, err := p.line.Profile(limited, keys.Messaging, user)
			if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid) {
				return nil
			}
			reachable[n] = err == nil
			return err
		})
	}
	return reachable, group.Wait()
}

// importNeeds are the capabilities that imports ask and tell.
type importNeeds struct {
	links    *linkage.Service
	channels *channel.Service
	line     *line.Client
	klaviyo  *klaviyo.Client
	accounts *connection.Service
	facts    linkage.ManyFacts
	outbox   linkage.ManyOutbox
	runs     *run.Service
}

// newImporter makes what links many at once, and gives runs its work.
func (a *App) newImporter(n importNeeds) (*linkage.Importer, error) {
	store := linkagestore.New(a.vault)
	s, err := linkage.NewImporter(linkage.ImportConfig{Links: n.links, Items: store, Many: store, Auto: store,
		Segments: customers{n.accounts, n.klaviyo}, Prober: prober{n.channels, newPacedLINE(n.line)}, Runs: n.runs, Outbox: n.outbox,
		Facts: n.facts, Log: a.log})
	if err != nil {
		return nil, err
	}
	for kind, worker := range s.Workers() {
		n.runs.Handle(kind, worker)
	}
	return s, nil
}

// systemHooks proves and reads Klaviyo's system webhooks.
type systemHooks struct{ *connection.Service }

func (systemHooks) Read(body []byte) ([]linkage.SystemEvent, error) { return klaviyo.ReadSystem(body) }

const (
	pageMax   = 2 << 20
	pageMoves = 3
)

// pages fetches shop pages through the guarded client, which follows nothing by itself.
type pages struct{ client *http.Client }

func (p pages) Page(ctx context.Context, address string) (string, error) {
	const op = "app.Page"
	for range pageMoves + 1 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return "", fault.As(fault.Invalid, op, err)
		}
		req.Header.Set("User-Agent", "Lumo (looks for its script)")
		res, err := p.client.Do(req)
		if err != nil {
			return "", fault.As(fault.Unavailable, op, err)
		}
		body, err := io.ReadAll(io.LimitReader(res.Body, pageMax))
		res.Body.Close()
		next, moved := res.Location()
		switch {
		case err != nil:
			return "", fault.As(fault.Unavailable, op, err)
		case moved == nil && res.StatusCode/100 == 3 && (next.Scheme == "https" || next.Scheme == "http"):
			address = next.String()
		case res.StatusCode/100 != 2:
			return "", fault.New(fault.NotFound, op, "The page answered %d.", res.StatusCode)
		default:
			return string(body), nil
		}
	}
	return "", fault.New(fault.Unavailable, op, "The page leads on and on.")
}

// greetLimit is how old a welcome may get on its way.
const greetLimit = 6 * time.Hour

// savedMessages are the messages that codes can send.
type savedMessages struct{ service *message.Service }

func (s savedMessages) Saved(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.MessageID) (
	linkage.Saved, error) {
	found, err := s.service.Impersonal(ctx, m, c, v)
	return linkage.Saved{Name: found.Name, Version: found.Version, Archived: found.Archived, Empty: found.Empty}, err
}

// greeter gives tags and the welcome message of a code.
type greeter struct {
	people   *channel.People
	messages linkage.Messages
	sender   *delivery.Service
	now      func() time.Time
}

// Greet gives each tag and the message once. A tag that is gone costs nobody the message; who
// is no friend yet gets it with the follow event.
func (g *greeter) Greet(ctx context.Context, m lumo.MerchantID, f lumo.Friend, code linkage.Code) error {
	for _, tag := range code.Tags {
		_, err := g.people.Label(ctx, m, code.Channel, tag, []lumo.FriendID{f.ID}, channel.TagByQR, true)
		if err != nil && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	if code.Own {
		if err := g.people.OwnPhone(ctx, m, code.Channel, f.ID); err != nil {
			return err
		}
	}
	if !code.Says() || f.FollowStatus != lumo.Following {
		return nil
	}
	says, err := g.says(ctx, m, code)
	if err != nil {
		return err
	}
	_, err = g.sender.Plan(ctx, delivery.Plan{Merchant: m, Channel: code.Channel, Kind: delivery.KindWelcome,
		Logical: id.ID(code.ID), Friend: f.ID, Content: says,
		ReceivedAt: g.now(), TooLateAt: g.now().Add(greetLimit)})
	if fault.Is(err, fault.Conflict) {
		return nil // this person had it
	}
	return err
}

// says is a code's text, or what is published of its saved message. Of one that was put away there
// is no version 0: the sender leaves it out with that reason, which the timeline shows.
func (g *greeter) says(ctx context.Context, m lumo.MerchantID, code linkage.Code) (lumo.Content, error) {
	if code.Message == (lumo.MessageID{}) {
		return lumo.Content{Text: code.Welcome}, nil
	}
	saved, err := g.messages.Saved(ctx, m, code.Channel, code.Message)
	if saved.Archived {
		saved.Version = 0
	}
	return lumo.Content{Message: code.Message, Version: saved.Version}, err
}

// listener hears what friends write: first whether it is a word that unlinks, then whoever
// answers.
type listener struct {
	links *linkage.Service // nil until it is there
	next  channel.Replier
}

func (l *listener) React(ctx context.Context, r lumo.Reaction) error {
	if l.links != nil && !r.Followed {
		if err := l.links.UnlinkByWord(ctx, r.Merchant, r.Channel, r.Friend, r.Text); err != nil {
			return err
		}
	}
	return l.next.React(ctx, r)
}

// linkWatcher tells open pages of identity links and QR codes.
type linkWatcher struct{ app *App }

func (w linkWatcher) LinkChanged(ctx context.Context, m lumo.MerchantID, l lumo.Link, linked bool) {
	w.app.publish(ctx, m, live.Event{Kind: "link", ID: l.ID.String(), Channel: l.Channel.String(),
		Data: map[string]any{"friend": l.Friend.String(), "linked": linked}})
}

func (w linkWatcher) CodeChanged(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID,
	code lumo.CodeID) {
	w.app.publish(ctx, m, live.Event{Kind: "qr_code", ID: code.String(), Channel: c.String()})
}

func (w linkWatcher) ReviewChanged(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) {
	w.app.publish(ctx, m, live.Event{Kind: "review", ID: c.String(), Channel: c.String()})
}
