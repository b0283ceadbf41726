package journey_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"lumo/core/line/linetest"
	"lumo/tools/seed"
)

// second connects another LINE account of the shop and gives the world seen from there.
func (w *world) second(name string) (other *world, account linetest.Channel) {
	w.t.Helper()
	ctx := w.t.Context()
	account = w.line.AddChannel(linetest.Channel{Name: name, UseWebhook: true})
	connected, err := w.console.ConnectLINE(ctx, seed.LINEKeys{MessagingID: account.MessagingID,
		MessagingSecret: account.MessagingSecret, LoginID: account.LoginID, LoginSecret: account.LoginSecret})
	w.must(err)
	there := *w
	other = &there
	other.channel = connected.ID
	other.code, err = w.console.CreateQRCode(ctx, other.channel, "Email of "+name)
	w.must(err)
	for _, edge := range w.front.addresses {
		w.until("every edge to know the code", func() (bool, error) { return answers(edge + "/q/" + other.code.Code) })
	}
	return other, account
}

// flowOf is what goes into a flow of an account.
func (w *world) flowOf() seed.FlowSettings {
	w.t.Helper()
	settings, err := w.console.FlowSettings(w.t.Context(), w.channel, "")
	w.must(err)
	return settings
}

// Three LINE accounts of one shop on one Klaviyo account: one customer is another friend on
// each, linked, consenting and blocking on each by itself. Klaviyo keeps them apart by the
// numbers of the properties, which stay when Klaviyo is connected anew, and keys, settings,
// codes and messages are each account's own.
func TestSeveralLINEAccountsOnOneKlaviyoAccountStayApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	cafe, cafeLINE := w.second("Hana Cafe")
	w.links("yuki", yuki)
	cafe.links("yuki", yuki)
	cafe.links("mio", mio)
	yukiAtCafe := linetest.UserID(cafeLINE.Provider, "yuki")
	w.becomes(yuki, "LINE User ID", lineID("yuki"))
	w.becomes(yuki, "LINE User ID 2", yukiAtCafe)
	w.becomes(mio, "LINE User ID 2", linetest.UserID(cafeLINE.Provider, "mio"))
	if got := w.property(mio, "LINE User ID"); got != nil {
		t.Errorf("Mio never met the first account, and it has %v of her", got)
	}
	if len(w.friends()) != 1 || len(cafe.friends()) != 2 {
		t.Errorf("%d and %d friends, want 1 and 2", len(w.friends()), len(cafe.friends()))
	}

	w.must(w.line.Block("yuki", cafeLINE.MessagingID))
	w.becomes(yuki, "LINE Consent 2", "withdrawn")
	if got := w.property(yuki, "LINE Consent"); got != "given" {
		t.Errorf("blocking one account says %v at the other", got)
	}
	for _, e := range w.klaviyo.Events("", yuki) {
		if e.Metric == "Blocked LINE Account" && e.Properties["LINE Account"] != "Hana Cafe" {
			t.Errorf("the event names %v", e.Properties["LINE Account"])
		}
	}

	// A flow of each account, started by one cart: she blocked the second.
	first, other := w.flowOf(), cafe.flowOf()
	if first.URL == other.URL || first.Key == other.Key || first.Body == other.Body {
		t.Error("the accounts share a URL, a key or a body")
	}
	if !strings.Contains(other.Body, "LINE User ID 2") || strings.Contains(first.Body, "LINE User ID 2") {
		t.Errorf("the bodies name the wrong properties: %s and %s", first.Body, other.Body)
	}
	w.lineFlow("shop", nil, false)
	cafe.lineFlow("cafe", nil, false)
	w.cart(yuki, "cart-1")
	w.cart(mio, "cart-2")
	for _, want := range []struct {
		person, account string
		messages        int
	}{{"yuki", messaging, 1}, {"yuki", cafeLINE.MessagingID, 0}, {"mio", messaging, 0}, {"mio", cafeLINE.MessagingID, 1}} {
		w.until(fmt.Sprintf("%d messages of %s for %s", want.messages, want.account, want.person), func() (bool, error) {
			chat, err := w.line.Chat(want.person, want.account)
			return len(chat) == want.messages, fmt.Errorf("%d, %w", len(chat), err)
		})
	}
	if status := w.call(other.URL, first.Header, first.Key); status != http.StatusUnauthorized {
		t.Errorf("the first account's key at the second's URL: %d", status)
	}

	// Each account's codes and automatic linking are its own, whatever the other does.
	if got, at := w.counted(w.code.ID), cafe.counted(cafe.code.ID); got.Linked != 1 || at.Linked != 2 {
		t.Errorf("the codes count %+v and %+v", got, at)
	}
	w.automatic(t, map[string]bool{"email": false, "phone": false, "ask_email": true})
	if got := get[automatic](cafe, "/automatic"); got.AskEmail {
		t.Error("what one account asks, the other asks too")
	}

	// Removed in Klaviyo and approved again: the numbers are the same, a third account gets the third.
	w.klaviyo.Uninstall("")
	w.until("the console to notice", func() (bool, error) {
		_ = w.line.Unblock("yuki", cafeLINE.MessagingID) // there is something to write
		return w.klaviyoState() != "working", nil
	})
	w.must(w.console.ConnectKlaviyo(t.Context()))
	w.becomes(yuki, "LINE Consent 2", "given")
	third, thirdLINE := w.second("Hana Gifts")
	third.links("yuki", yuki)
	w.becomes(yuki, "LINE User ID 3", linetest.UserID(thirdLINE.Provider, "yuki"))
	if got := w.property(yuki, "LINE User ID"); got != lineID("yuki") || w.property(yuki, "LINE User ID 2") != yukiAtCafe {
		t.Errorf("the numbers moved: %v", got)
	}
}

// call calls a flow's address with a key, as Klaviyo does.
func (w *world) call(address, header, key string) (status int) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, address, strings.NewReader(`{"lumo":1}`))
	w.must(err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(header, key)
	res, err := http.DefaultClient.Do(req)
	w.must(err)
	w.must(res.Body.Close())
	return res.StatusCode
}

// automatic is by what friends are linked by themselves.
type automatic struct {
	Email    bool `json:"email"`
	Phone    bool `json:"phone"`
	AskEmail bool `json:"ask_email"`
}

func (w *world) automatic(t *testing.T, v map[string]bool) {
	t.Helper()
	w.must(w.console.Put(t.Context(), "/channels/"+w.channel+"/automatic", v, nil))
}

// visits has a new person with an email at LINE scan a code at a counter, which says nothing
// of who they are, and become a friend.
func (w *world) visits(code seed.QRCode, person, email string) friend {
	w.t.Helper()
	w.line.AddPerson(linetest.Person{ID: person, Name: person, Email: email})
	if page := w.opens(person, code.Template, linetest.Choice{AddFriend: true}); page.Status != 200 {
		w.t.Fatalf("%s is told %d %q", person, page.Status, page.Text)
	}
	for _, f := range w.friends() {
		if f.Name == person {
			return f
		}
	}
	w.t.Fatalf("%s is no friend", person)
	return friend{}
}

// asksEmail tells whether LINE Login would ask a person for their email.
func (w *world) asksEmail(code seed.QRCode) bool {
	w.t.Helper()
	pages, err := w.line.Open(w.t.Context(), "yuki", code.Template)
	w.must(err)
	last := pages[len(pages)-1]
	if last.Login == nil {
		w.t.Fatalf("the code leads to %d %q", last.Status, last.Text)
	}
	return slices.Contains(last.Login.Scopes, "email")
}

func (w *world) linkedNow() (names []string) {
	w.t.Helper()
	for _, f := range w.friends() {
		if f.Linked {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return names
}

// Friends' own emails link them by themselves, where that is on. It is off at first, and LINE
// Login asks nobody for an email before; a check comes first and changes nothing; then what
// LINE Login tells links one exact customer as "matched"; a second friend with the same email
// waits for a person, and so does whoever proves better who they are.
func TestEmailOfLINELoginLinksExactUniqueMatchesOnceItIsTurnedOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	if got := get[automatic](w, "/automatic"); got != (automatic{}) {
		t.Fatalf("before anybody chose: %+v", got)
	}
	counter := w.codeBy("none")
	w.automatic(t, map[string]bool{"email": false, "phone": false, "ask_email": true})
	if w.asksEmail(counter) {
		t.Error("LINE Login asks for emails that nobody uses")
	}
	known := w.visits(counter, "known", "yuki@customer.example")
	stranger := w.visits(counter, "stranger", "")
	w.post("/friends/"+known.ID+"/contacts", map[string]string{"email": " Yuki@Customer.Example"}, nil)
	w.post("/friends/"+stranger.ID+"/contacts", map[string]string{"email": "stranger@elsewhere.example"}, nil)
	if err := w.console.Put(t.Context(), "/channels/"+w.channel+"/automatic",
		map[string]bool{"email": true, "phone": false, "ask_email": true}, nil); err == nil {
		t.Error("it was turned on without a check")
	}
	var check, made struct{ ID string }
	w.post("/automatic/check", map[string]bool{"email": true, "phone": false}, &check)
	if r := w.ends(check.ID, "done"); r.Counts["will_link"] != 1 || r.Counts["nobody"] != 1 {
		t.Errorf("the check says %+v", r.Counts)
	}
	if names := w.linkedNow(); len(names) != 0 || len(w.review()) != 0 {
		t.Errorf("the check linked %v", names)
	}
	w.post("/automatic/checks/"+check.ID+"/turn_on", nil, &made)
	w.ends(made.ID, "done")
	if l := w.linkOf(w.the(yuki)); l == nil || l.Assurance != "matched" || l.Method != "automatic" {
		t.Errorf("got %+v", l)
	}
	w.becomes(yuki, "LINE User ID", lineID("known"))

	w.until("LINE Login to ask for emails", func() (bool, error) { return w.asksEmail(counter), nil })
	w.visits(counter, "exact", "Mio@Customer.Example") // another notation of one customer's
	w.visits(counter, "nobody", "somebody@elsewhere.example")
	w.visits(counter, "first", "ken@customer.example")
	w.until("them to be linked by themselves", func() (bool, error) {
		names := w.linkedNow()
		return slices.Equal(names, []string{"exact", "first", "known"}), fmt.Errorf("%v", names)
	})
	w.visits(counter, "second", "ken@customer.example") // another LINE account with the same email
	w.until("the second to wait for a person", func() (bool, error) {
		waiting := w.review()
		return len(waiting) == 1 && waiting[0].Kind == "two_friends", fmt.Errorf("%+v", waiting)
	})
	if f := w.the(ken); f.Name != "first" || w.the(mio).Name != "exact" {
		t.Errorf("%s is linked to the one, %s to the other", f.Name, w.the(mio).Name)
	}
	if l := w.linkOf(w.the(mio)); l == nil || l.Assurance != "matched" {
		t.Errorf("got %+v", l)
	}
	page := w.opens("mio", w.mailed(mio), linetest.Choice{AddFriend: true})
	if len(page.Forms) != 1 { // surer, and yet it moves nothing without being asked
		t.Errorf("she is told %q", page.Text)
	}
	if f := w.the(mio); f.Name != "exact" {
		t.Errorf("the link moved to %s", f.Name)
	}
}
