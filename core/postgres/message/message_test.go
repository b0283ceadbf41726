package message_test

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/png"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/core/message"
	channelstore "lumo/core/postgres/channel"
	messagestore "lumo/core/postgres/message"
	"lumo/core/postgres/postgrestest"
	"lumo/core/postgres/shoptest"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

const edgeURL = "https://l.lumo.example"

// desk is a shop with messages; far is everything outside of it.
type desk struct {
	*shoptest.Shop
	*far
	service  *message.Service
	store    messagestore.Store
	composer *message.Composer
	answerer *message.Answerer
	replies  *message.Replies
	who      message.Actor
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{Shop: shoptest.New(t), far: &far{}}
	d.store = messagestore.New(d.Vault)
	channels := channelstore.New(d.Vault)
	directory := channel.NewDirectory(d.DB, d.DB, channels, channels)
	d.who = message.Actor{Member: d.Member, Address: "192.0.2.1"}
	var err error
	d.service, err = message.New(message.Config{Store: d.store, Tenants: d.DB, Channels: directory, People: d.far, Profiles: d.far,
		Auditor: d.far, Checker: d.far, Pictures: d.far, Media: d.store, Fleet: d.far, EdgeURL: edgeURL, IDs: d.ID, Now: d.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	d.composer = message.NewComposer(d.store, d.store, d.far, edgeURL)
	d.answerer = message.NewAnswerer(message.AnswererConfig{Tenants: d.DB, Systems: d.DB, Rules: d.store, Replies: d.store,
		Store: d.store, Channels: directory, Composer: d.composer, Sender: d.far, Recorder: d.far, IDs: d.ID, Now: d.Clock.Now,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	d.replies = message.NewReplies(d.service, d.store)
	return d
}

// far is what messages ask and tell.
type far struct {
	mu      sync.Mutex // guards everything below
	facts   []lumo.Fact
	changed map[uint8]int // edges' rows, by table
	refused []message.Refusal
	away    bool // LINE does not answer checks
	status  []int
	bodies  []string
	targets []string // of tracked links, in the order in which they were asked for
	said    chan string
}

func (f *far) ByFriend(context.Context, lumo.MerchantID, lumo.FriendID) (lumo.Link, error) {
	return lumo.Link{Profile: "01HPROFILE"}, nil
}

func (f *far) Profile(context.Context, lumo.MerchantID, lumo.AccountID, lumo.ProfileID) (lumo.Profile, error) {
	return lumo.Profile{ID: "01HPROFILE", FirstName: "Yuki", Properties: map[string]any{"Points": 12.0}}, nil
}

func (f *far) Audit(context.Context, lumo.AuditEntry) error { return nil }

func (f *far) Validate(context.Context, lumo.Keys, string) ([]message.Refusal, error) {
	if f.away {
		return nil, fault.New(fault.Unavailable, "far", "away")
	}
	return f.refused, nil
}

func (f *far) Load(_ context.Context, address string, _ int) ([]byte, string, error) {
	for part, err := range map[string]error{"slow": message.ErrPictureSlow, "private": message.ErrPicturePrivate,
		"page": message.ErrPictureType, "huge": message.ErrPictureLarge, "gone": fault.New(fault.Unavailable, "far", "")} {
		if strings.Contains(address, part) {
			return nil, "", err
		}
	}
	return []byte("\xff\xd8\xff"), "image/jpeg", nil
}

func (f *far) Changed(_ context.Context, _ lumo.MerchantID, table uint8, _ []byte) error {
	if f.changed == nil {
		f.changed = map[uint8]int{}
	}
	f.changed[table]++
	return nil
}

func (f *far) Record(_ context.Context, fact lumo.Fact) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.facts = append(f.facts, fact)
	return nil
}

// Reply answers with the statuses in turn, and 200 afterwards; 0 = no answer.
func (f *far) Reply(_ context.Context, _ lumo.Keys, body []byte) (message.ReplyVerdict, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bodies = append(f.bodies, string(body))
	status := 200
	if len(f.status) > 0 {
		status, f.status = f.status[0], f.status[1:]
	}
	if status == 0 {
		return message.ReplyVerdict{}, fault.New(fault.Unavailable, "far", "no answer")
	}
	return message.ReplyVerdict{Status: status}, nil
}

func (f *far) Link(_ context.Context, _ lumo.Channel, _ uint64, target string) (string, error) {
	f.track(target)
	return edgeURL + "/c/" + target[:8], nil
}

func (f *far) OneOff(_ context.Context, _ lumo.Channel, _ uint64, o lumo.OneOff) (string, error) {
	f.track(o.Target)
	return edgeURL + "/c/one", nil
}

func (f *far) track(target string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.targets = append(f.targets, target)
}

func (f *far) Beacon(context.Context, lumo.Channel, uint64) (string, error) {
	return edgeURL + "/o/x", nil
}
func (f *far) Image(context.Context, lumo.Channel, uint64, uint32) (string, error) {
	return edgeURL + "/i/x", nil
}

func (d *desk) write(t *testing.T, b message.Body) message.Message {
	t.Helper()
	m, err := d.service.Create(t.Context(), d.who, d.Merchant, d.Channel.ID, message.Draft{Name: "Cart", Body: b})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (d *desk) publish(t *testing.T, m message.Message) message.Message {
	t.Helper()
	out, problems, err := d.service.Publish(t.Context(), d.who, d.Merchant, d.Channel.ID, m.ID, m.Revision)
	if err != nil || message.Blocking(problems) {
		t.Fatal(problems, err)
	}
	return out
}

func TestPublishedVersionsNeverChange(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	odd := `{ "type":"text", "text":"\u304a\u8336 <&> \/" }`
	first := d.publish(t, d.write(t, message.Body{Blocks: []string{odd}, QuickReply: "", UTM: lumo.UTM{Campaign: "x"}}))
	if first.Version != 1 || first.Changed {
		t.Errorf("got %+v", first)
	}
	second, err := d.service.Save(t.Context(), d.who, d.Merchant, d.Channel.ID, first.ID, first.Revision, message.Draft{Name: "Cart 2", Body: message.Text("b")})
	if err != nil || !second.Changed {
		t.Fatal(second, err)
	}
	if _, err := d.service.Save(t.Context(), d.who, d.Merchant, d.Channel.ID, first.ID, first.Revision, message.Draft{Name: "Lost", Body: message.Text("c")}); !fault.Is(err, fault.Stale) {
		t.Errorf("an older draft was saved over a newer one: %v", err)
	}
	if _, _, err := d.service.Publish(t.Context(), d.who, d.Merchant, d.Channel.ID, first.ID, first.Revision); !fault.Is(err, fault.Stale) {
		t.Errorf("what nobody saw was published: %v", err)
	}
	d.publish(t, second)
	all, err := d.service.History(t.Context(), d.Merchant, d.Channel.ID, first.ID)
	if err != nil || len(all) != 2 || all[1].Body.Blocks[0] != odd || all[1].Name != "Cart" || all[1].Body.UTM.Campaign != "x" {
		t.Errorf("got %+v %v", all, err)
	}
	d.service.Archive(t.Context(), d.who, d.Merchant, d.Channel.ID, first.ID, true)
	rows, total, err := d.service.List(t.Context(), d.Merchant, d.Channel.ID, message.Page{Limit: 10, Archived: true})
	if err != nil || total != 1 || len(rows) != 1 || !rows[0].Archived || rows[0].Version != 2 {
		t.Errorf("put away: %+v %v", rows, err)
	}
	if old, err := d.service.Published(t.Context(), d.Merchant, d.Channel.ID, first.ID, 1); err != nil || old.Body.Blocks[0] != odd {
		t.Errorf("what was sent is not known any more: %+v %v", old, err)
	}
}

func TestProblemsKeepAMessageBack(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	picture := func(address string) message.Body {
		return message.Body{Blocks: []string{`{"type":"image","originalContentUrl":"` + address + `","previewImageUrl":"` + address + `"}`}}
	}
	for name, c := range map[string]struct {
		body message.Body
		code string
		out  bool // it is published nevertheless
	}{
		"own rules":   {message.Body{Blocks: []string{"{"}}, "not_json", false},
		"slow":        {picture("https://slow.example/a.jpg"), "picture_slow", true},
		"private":     {picture("https://private.example/a.jpg"), "picture_private", false},
		"not picture": {picture("https://a.example/page"), "picture_not_image", false},
		"too large":   {picture("https://a.example/huge.jpg"), "picture_too_large", false},
		"gone":        {picture("https://gone.example/a.jpg"), "picture_away", false},
		"fine":        {picture("https://a.example/a.jpg"), "", true},
	} {
		m := d.write(t, c.body)
		out, problems, err := d.service.Publish(t.Context(), d.who, d.Merchant, d.Channel.ID, m.ID, m.Revision)
		code := ""
		if len(problems) > 0 {
			code = problems[0].Code
		}
		if err != nil || code != c.code || (out.Version == 1) != c.out {
			t.Errorf("%s: got %v, version %d, %v", name, problems, out.Version, err)
		}
	}
	d.refused = []message.Refusal{{Property: "messages[0].text", Message: "bad"}}
	m := d.write(t, message.Text("a"))
	if _, problems, _ := d.service.Publish(t.Context(), d.who, d.Merchant, d.Channel.ID, m.ID, m.Revision); len(problems) != 1 ||
		problems[0].Code != "line_refuses" || problems[0].Block != 0 || problems[0].Path != "text" {
		t.Errorf("LINE refuses: got %+v", problems)
	}
	d.away = true
	if out, problems, _ := d.service.Publish(t.Context(), d.who, d.Merchant, d.Channel.ID, m.ID, m.Revision); out.Version != 1 ||
		len(problems) != 1 || problems[0].Code != "line_unavailable" {
		t.Errorf("LINE is away: got %+v", problems)
	}
}

func TestUploadedPicturesAreFilesForEdges(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, 20, 10))); err != nil {
		t.Fatal(err)
	}
	made, err := d.service.Upload(t.Context(), d.who, d.Merchant, d.Channel.ID, file.Bytes())
	if err != nil || made.Number != 1 || len(made.Files) != 8 || d.changed[edgeapi.TableImage] != 7 {
		t.Fatalf("got %+v %v, %v", made, d.changed, err)
	}
	again, err := d.service.Upload(t.Context(), d.who, d.Merchant, d.Channel.ID, file.Bytes())
	if err != nil || again.Number != 1 || d.changed[edgeapi.TableImage] != 7 {
		t.Errorf("the same picture again: %d %v", again.Number, err)
	}
	files := messagestore.NewFiles(d.DB, d.store)
	for _, f := range made.Files {
		got, err := files.File(t.Context(), lumo.Scope{}, f.SHA256)
		if err != nil || len(got.Data) != f.Bytes || got.MediaType != f.MediaType {
			t.Errorf("%d: %v", f.Use, err)
		}
	}
	if _, err := files.File(t.Context(), lumo.Scope{}, [32]byte{1}); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown file: %v", err)
	}
	if _, err := d.service.Upload(t.Context(), d.who, d.Merchant, d.Channel.ID, []byte("<svg>")); !fault.Is(err, fault.Invalid) {
		t.Errorf("no picture: %v", err)
	}
}

// The whole picture stays beside what was cut from it, and each of a picture's files leads to it.
func TestACutPictureKnowsItsWhole(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var file bytes.Buffer
	drawn := image.NewGray(image.Rect(0, 0, 1200, 600))
	for i := range drawn.Pix {
		drawn.Pix[i] = uint8(i % 1200 / 5)
	}
	if err := png.Encode(&file, drawn); err != nil {
		t.Fatal(err)
	}
	whole, err := d.service.Upload(t.Context(), d.who, d.Merchant, d.Channel.ID, file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	changed := d.changed[edgeapi.TableImage]
	part := image.Rect(600, 0, 1200, 600)
	cut, err := d.service.CutImage(t.Context(), d.who, d.Merchant, d.Channel.ID, whole.Files[2].SHA256, part)
	if err != nil || cut.Number != 2 || d.changed[edgeapi.TableImage] != changed+7 {
		t.Fatalf("got %+v %d, %v", cut, d.changed[edgeapi.TableImage]-changed, err)
	}
	for _, f := range cut.Files {
		got, err := d.service.Image(t.Context(), d.Merchant, d.Channel.ID, f.SHA256)
		if err != nil || got.Cut == nil || *got.Cut != (message.Cut{Of: whole.SHA256, Part: part}) ||
			got.Width != 600 || got.Height != 600 || len(got.Files) != len(cut.Files) {
			t.Errorf("%d: got %+v, %v", f.Use, got, err)
		}
	}
	if got, err := d.service.Image(t.Context(), d.Merchant, d.Channel.ID, whole.SHA256); err != nil || got.Cut != nil ||
		got.Width != 1200 || got.Height != 600 {
		t.Errorf("the whole: got %+v, %v", got, err)
	}
	if again, err := d.service.CutImage(t.Context(), d.who, d.Merchant, d.Channel.ID, whole.SHA256, part); err != nil ||
		again.Number != 2 {
		t.Errorf("the same part again: %d %v", again.Number, err)
	}
	if _, err := d.service.CutImage(t.Context(), d.who, d.Merchant, d.Channel.ID, [32]byte{1}, part); !fault.Is(err, fault.NotFound) {
		t.Errorf("of nothing: %v", err)
	}
	if _, err := d.service.Image(t.Context(), lumo.MerchantID(d.ID()), d.Channel.ID, cut.SHA256); !fault.Is(err, fault.NotFound) {
		t.Errorf("another merchant: %v", err)
	}
}

func TestPreviewHasThePersonsValues(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	yuki := d.AddFriend(t, "Yuki", shoptest.LineUser)
	shown, err := d.service.PreviewFor(t.Context(), d.Merchant, d.Channel.ID, yuki, message.Draft{Body: message.Text("[[ first_name ]] [[ person.Points ]] [[ x | y ]]")}, 1)
	if err != nil || shown.Messages != `[{"type":"text","text":"Yuki 12 y"}]` || len(shown.Gaps) != 0 {
		t.Errorf("got %+v %v", shown, err)
	}
	if _, err := d.service.PreviewFor(t.Context(), d.Merchant, d.Channel.ID, lumo.FriendID(d.ID()), message.Draft{Body: message.Text("a")}, 1); !fault.Is(err, fault.NotFound) {
		t.Errorf("nobody: %v", err)
	}
}

// What a preview tells of links is what a send does: the same ones, in the same order, with the
// campaign parameters of the message as it was published.
func TestAPreviewTellsWhatASendTracks(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	yuki := d.AddFriend(t, "Yuki", shoptest.LineUser)
	b := message.Body{Blocks: []string{
		`{"type":"text","text":"https:\/\/shop.example\/a?b=1#c, https://line.me/R/x and https://own.example/?utm_source=own"}`,
		`{"type":"text","text":"Hi [[ first_name ]] https://shop.example/[[ first_name ]]."}`,
		`{"type":"flex","altText":"a","contents":{"type":"bubble","hero":{"type":"image","url":"https://img.example/a.jpg"},` +
			`"footer":{"type":"box","layout":"vertical","contents":[` +
			`{"type":"button","action":{"type":"uri","label":"a","uri":"https://shop.example/[[ first_name | you ]]/[[ person.Points ]]"}},` +
			`{"type":"button","action":{"type":"uri","label":"b","uri":"tel:0312345678"}}]}}}`,
	}, QuickReply: `{"items":[{"type":"action","action":{"type":"uri","label":"q","uri":"https://shop.example/q"}}]}`,
		UTM: lumo.UTM{Source: "spring", Campaign: "[[ message ]] [[ version ]]"}}
	const utm = "utm_source=spring&utm_medium=flow&utm_campaign=Cart+1"
	want := []message.Tracked{
		{Block: 0, Address: "https://shop.example/a?b=1#c", Target: "https://shop.example/a?b=1&" + utm + "#c"},
		{Block: 0, Address: "https://own.example/?utm_source=own", Target: "https://own.example/?utm_source=own"},
		{Block: 1, Address: "https://shop.example/Yuki", Target: "https://shop.example/Yuki?" + utm},
		{Block: 2, Address: "https://shop.example/Yuki/12", Target: "https://shop.example/Yuki/12?" + utm},
		{Block: 2, Address: "https://shop.example/q", Target: "https://shop.example/q?" + utm},
	}
	shown, err := d.service.PreviewFor(t.Context(), d.Merchant, d.Channel.ID, yuki, message.Draft{Name: "Cart", Body: b}, 1)
	if diff := cmp.Diff(want, shown.Tracked); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if shown.Begin != "" {
		t.Errorf("links begin with %s", shown.Begin)
	}
	d.Exec(t, "INSERT INTO link_host VALUES ($1, 'https://go.shop.example', 'used', now(), now(), '', '', 0)")
	shown, err = d.service.PreviewFor(t.Context(), d.Merchant, d.Channel.ID, yuki, message.Draft{Name: "Cart", Body: b}, 1)
	if diff := cmp.Diff(want, shown.Tracked); err != nil || diff != "" || shown.Begin != "https://go.shop.example/c/" {
		t.Errorf("with a host of its own: begins with %q %v %s", shown.Begin, err, diff)
	}
	if d.far.targets != nil {
		t.Errorf("a preview made links: %q", d.far.targets)
	}

	first := d.publish(t, d.write(t, b))
	b.UTM = lumo.UTM{Source: "autumn"}
	second, err := d.service.Save(t.Context(), d.who, d.Merchant, d.Channel.ID, first.ID, first.Revision, message.Draft{Name: "Cart", Body: b})
	if err != nil {
		t.Fatal(err)
	}
	d.publish(t, second)
	d.In(t, func(ctx context.Context) error {
		_, why, err := d.composer.Compose(ctx, d.Channel, 7, lumo.Content{Message: first.ID, Version: 1,
			Vars: map[string]string{"first_name": "Yuki", "person.Points": "12"}}, shoptest.LineUser)
		if why.Reason != "" {
			t.Error(why)
		}
		return err
	})
	for i, target := range d.far.targets {
		if i < len(want) && target != want[i].Target {
			t.Errorf("a send's link %d leads to %s, the preview said %s", i, target, want[i].Target)
		}
	}
	if len(d.far.targets) != len(want) {
		t.Errorf("a send tracks %q", d.far.targets)
	}
}

// A test of a draft is counted under the message's name and the version that comes next, published
// before or not.
func TestATestOfADraftNamesItsMessageAndTheNextVersion(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := message.Text("https://shop.example/a")
	b.UTM = lumo.UTM{Source: "line", Campaign: "[[ message ]] [[ version ]]"}
	m := d.write(t, b)
	for _, next := range []string{"1", "2"} {
		d.far.targets = nil
		content, err := m.AsDraft()
		if err != nil {
			t.Fatal(err)
		}
		d.In(t, func(ctx context.Context) error {
			_, reason, err := d.composer.Compose(ctx, d.Channel, 7, content, shoptest.LineUser)
			if reason.Reason != "" {
				t.Error(reason)
			}
			return err
		})
		want := "utm_campaign=" + url.QueryEscape(m.Name) + "+" + next
		if len(d.far.targets) != 1 || !strings.HasSuffix(d.far.targets[0], want) {
			t.Errorf("a link leads to %q, want %s", d.far.targets, want)
		}
		m = d.publish(t, m)
	}
}

// react has a friend do something, and gives what LINE got once it is recorded.
func (d *desk) react(t *testing.T, f lumo.FriendID, event, text string) string {
	t.Helper()
	before := shoptest.Get[int](t, d.Shop, "SELECT count(*) FROM reply WHERE merchant_id = $1 AND state IN ('planned', 'sending')")
	d.In(t, func(ctx context.Context) error {
		return d.answerer.React(ctx, lumo.Reaction{Merchant: d.Merchant, Channel: d.Channel.ID, Friend: f, Event: event,
			Followed: text == "", Text: text, Token: "reply-canary", At: d.Clock.Now()})
	})
	deadline := time.Now().Add(time.Minute)
	for shoptest.Get[int](t, d.Shop, "SELECT count(*) FROM reply WHERE merchant_id = $1 AND state IN ('planned', 'sending')") > before {
		if time.Now().After(deadline) {
			t.Fatal("the reply was never answered")
		}
		<-time.After(10 * time.Millisecond)
	}
	return shoptest.Get[string](t, d.Shop, "SELECT coalesce((SELECT state FROM reply WHERE merchant_id = $1 AND event = $2), '')", event)
}

func TestRepliesAreSentOnceAndInTimeAndNeverPushed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	yuki := d.AddFriend(t, "Yuki", shoptest.LineUser)
	hello := d.publish(t, d.write(t, message.Text("Welcome [[ first_name | you ]]")))
	if _, err := d.replies.SetRules(t.Context(), d.who, d.Merchant, d.Channel.ID, []message.Rule{
		{Kind: message.Greeting, Message: hello.ID, Active: true},
		{Kind: message.Keyword, Keyword: "coupon", Message: hello.ID, Active: true}}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.answerer.Run(ctx) }()
	defer func() { stop(); <-done }()
	if got := d.react(t, yuki, "follow-1", ""); got != "accepted" {
		t.Errorf("a follow: got %q", got)
	}
	if got := d.react(t, yuki, "follow-1", ""); got != "accepted" || len(d.bodies) != 1 {
		t.Errorf("the same event again: got %q, %d replies", got, len(d.bodies))
	}
	var sent struct {
		ReplyToken string
		Messages   []struct{ Text string }
	}
	if err := json.Unmarshal([]byte(d.bodies[0]), &sent); err != nil || sent.ReplyToken != "reply-canary" || sent.Messages[0].Text != "Welcome you" {
		t.Errorf("got %s", d.bodies[0])
	}
	if got := d.react(t, yuki, "said-1", "ＣＯＵＰＯＮ"); got != "accepted" {
		t.Errorf("a keyword: got %q", got)
	}
	if got := d.react(t, yuki, "said-2", "hello"); got != "" {
		t.Errorf("another word: got %q", got)
	}
	d.status = []int{400}
	if got := d.react(t, yuki, "said-3", "coupon"); got != "rejected" {
		t.Errorf("LINE refuses: got %q", got)
	}
	d.status = []int{0, 400}
	if got := d.react(t, yuki, "said-4", "coupon"); got != "unknown_expired" {
		t.Errorf("no answer, then refused: got %q", got)
	}
	d.status = []int{500, 200}
	if got := d.react(t, yuki, "said-5", "coupon"); got != "accepted" {
		t.Errorf("no answer, then taken: got %q", got)
	}
	counts := shoptest.Get[string](t, d.Shop, `
SELECT string_agg(state || ' ' || n, ', ' ORDER BY state)
  FROM (SELECT state, count(*) AS n FROM delivery WHERE merchant_id = $1 AND logical_kind = 'reply' GROUP BY state) AS s`)
	if counts != "accepted 3, rejected 1, unknown_expired 1" {
		t.Errorf("deliveries: got %s", counts)
	}
	if left := shoptest.Get[int](t, d.Shop, "SELECT count(*) FROM delivery WHERE merchant_id = $1 AND due_at IS NOT NULL"); left != 0 {
		t.Errorf("%d replies that have ended wait", left)
	}
	if left := shoptest.Get[int](t, d.Shop, "SELECT count(*) FROM reply WHERE merchant_id = $1 AND token_enc IS NOT NULL"); left != 0 {
		t.Errorf("%d reply tokens are kept", left)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.facts) != 4 || d.facts[0].Kind != lumo.FactSent || d.facts[0].Source != "reply" {
		t.Errorf("got %+v", d.facts)
	}
}

// While all sending is stopped, by an operator or on the account, nobody is answered, and what
// was planned ends as not sent in time.
func TestNoReplyLeavesWhileAllSendingIsStopped(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	yuki := d.AddFriend(t, "Yuki", shoptest.LineUser)
	hello := d.publish(t, d.write(t, message.Text("Welcome")))
	if _, err := d.replies.SetRules(t.Context(), d.who, d.Merchant, d.Channel.ID, []message.Rule{{Kind: message.Greeting, Message: hello.ID, Active: true}}); err != nil {
		t.Fatal(err)
	}
	d.In(t, func(ctx context.Context) error {
		return d.answerer.React(ctx, lumo.Reaction{Merchant: d.Merchant, Channel: d.Channel.ID, Friend: yuki, Event: "e", Followed: true,
			Token: "r", At: d.Clock.Now()})
	})
	reply := shoptest.Get[id.ID](t, d.Shop, "SELECT id FROM reply WHERE merchant_id = $1")
	take := func() (ok bool) {
		d.In(t, func(ctx context.Context) (err error) {
			_, _, ok, err = d.store.Take(ctx, d.Merchant, reply)
			return err
		})
		return ok
	}
	d.Exec(t, `INSERT INTO system_hold (operator_id, name, reason, stopped_at) VALUES ($1, 'Sato', 'line', now())`)
	if take() {
		t.Error("a reply is taken while all sending is stopped")
	}
	d.Exec(t, `UPDATE system_hold SET resumed_at = now() WHERE $1::uuid IS NOT NULL`)
	d.Exec(t, `INSERT INTO sending (merchant_id, channel_id, stop_scope, stopped_at, updated_at)
		SELECT $1, channel_id, 'everything', now(), now() FROM reply WHERE merchant_id = $1`)
	if take() {
		t.Error("a reply is taken while everything on the account is stopped")
	}
	d.Exec(t, `UPDATE sending SET stop_scope = 'broadcasts' WHERE merchant_id = $1`)
	if !take() {
		t.Error("a reply is not taken once sending was resumed")
	}
}

func TestLateOrLostRepliesEnd(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	yuki := d.AddFriend(t, "Yuki", shoptest.LineUser)
	hello := d.publish(t, d.write(t, message.Text("Welcome")))
	if _, err := d.replies.SetRules(t.Context(), d.who, d.Merchant, d.Channel.ID, []message.Rule{{Kind: message.Greeting, Message: hello.ID, Active: true}}); err != nil {
		t.Fatal(err)
	}
	react := func(event string, at time.Time) {
		d.In(t, func(ctx context.Context) error {
			return d.answerer.React(ctx, lumo.Reaction{Merchant: d.Merchant, Channel: d.Channel.ID, Friend: yuki, Event: event, Followed: true, Token: "r", At: at})
		})
	}
	react("late", d.Clock.Now().Add(-time.Minute)) // came by the spool
	react("lost", d.Clock.Now())                   // and the process dies before it is sent
	d.Clock.Advance(5 * time.Minute)
	if err := d.answerer.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := shoptest.Get[string](t, d.Shop, "SELECT string_agg(event || ' ' || state || ' ' || reason, ', ') FROM reply WHERE merchant_id = $1")
	if got != "lost skipped too_late" || len(d.bodies) != 0 {
		t.Errorf("got %q and %d replies", got, len(d.bodies))
	}
}
