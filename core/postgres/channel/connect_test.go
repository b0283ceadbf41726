package channel_test

import (
	"strings"
	"testing"
	"time"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/shared/fault"
)

func TestConnectStoresAllThatEdgesNeed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	if c.Name != "Hana Tea" || c.BasicID != "@hanatea" || c.Number == 0 || c.State != channel.NeedsYou ||
		len(c.HookKey) != 16 || len(c.FlowHookKey) != 16 || c.HookKey == c.FlowHookKey {
		t.Errorf("got %+v", c)
	}
	if got, want := len(w.fleet.changes), 7; got != want { // 2 hooks, the channel and its look, 3 keys
		t.Errorf("edges told of %d rows, want %d", got, want)
	}
	number, key, err := w.service.LinkKey(t.Context(), w.merchant, c.ID)
	if err != nil || number != 1 || len(key) != 32 {
		t.Errorf("link key: got %d, %d bytes, %v", number, len(key), err)
	}
	if _, err := w.service.StateKey(t.Context(), w.merchant, c.ID, 2); !fault.Is(err, fault.NotFound) {
		t.Errorf("a key never made: got %v want not_found", err)
	}
	m, found, err := w.service.ByNumber(t.Context(), c.Number)
	if err != nil || m != w.merchant || found != c.ID {
		t.Errorf("by number: got %v %v %v", m, found, err)
	}
	got, err := w.service.Keys(t.Context(), w.merchant, c.ID)
	if err != nil || got != keys() {
		t.Errorf("the keys do not come back: %v", err)
	}
}

func TestSameAccountConnectsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(t)
	_, err := w.service.Connect(t.Context(), w.merchant, channel.Actor{}, keys())
	if !fault.Is(err, fault.Conflict) || fault.MessageOf(err) == "" {
		t.Errorf("got %v want conflict with a sentence", err)
	}
}

func TestWrongKeysAreNamedByField(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		change func(*channel.Keys)
		field  string
	}{
		"no number":         {func(k *channel.Keys) { k.Messaging.ID = "abc" }, "messaging_channel_id"},
		"wrong secret":      {func(k *channel.Keys) { k.Messaging.Secret = newSecret }, "messaging_channel_secret"},
		"login as account":  {func(k *channel.Keys) { k.Messaging = keys().Login; k.Login.ID = "1" }, "messaging_channel_id"},
		"wrong login":       {func(k *channel.Keys) { k.Login.Secret = newSecret }, "login_channel_secret"},
		"same channel":      {func(k *channel.Keys) { k.Login = k.Messaging }, "login_channel_id"},
		"spaces are no use": {func(k *channel.Keys) { k.Login.Secret = "  " }, "login_channel_secret"},
	} {
		k := keys()
		c.change(&k)
		_, err := w.service.Connect(t.Context(), w.merchant, channel.Actor{}, k)
		if !fault.Is(err, fault.Invalid) || fault.FieldsOf(err)[c.field] == "" {
			t.Errorf("%s: got %v, fields %v", name, err, fault.FieldsOf(err))
		}
	}
}

func TestPropertyNumbersAreNeverReused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	account := w.addKlaviyo(t, 1)
	first := w.connect(t)
	if first.KlaviyoAccount != account || first.PropertyNumber != 1 {
		t.Fatalf("first: got %v, %d", first.KlaviyoAccount, first.PropertyNumber)
	}
	w.line.account = channel.Account{BotUser: mio, Name: "Second", BasicID: "@second"}
	second := w.connect(t)
	if second.PropertyNumber != 2 {
		t.Fatalf("second: got %d want 2", second.PropertyNumber)
	}
	// Disconnected and joined again: the same numbers, in whatever order.
	w.exec(t, w.merchant, `UPDATE channel SET klaviyo_account_id = NULL, property_number = NULL WHERE merchant_id = $1`, w.merchant)
	if err := w.service.JoinAccount(t.Context(), w.merchant, account); err != nil {
		t.Fatal(err)
	}
	other := w.addKlaviyo(t, 2)
	if err := w.service.JoinAccount(t.Context(), w.merchant, other); err != nil {
		t.Fatal(err)
	}
	for c, want := range map[lumo.ChannelID]int{first.ID: 1, second.ID: 2} {
		got, err := w.service.Get(t.Context(), w.merchant, c)
		if err != nil || got.PropertyNumber != want || got.KlaviyoAccount != account {
			t.Errorf("got %d of %v, %v want %d", got.PropertyNumber, got.KlaviyoAccount, err, want)
		}
	}
}

func TestAnotherToolIsReplacedOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	w.line.endpoint.URL = "https://other.example/hook?token=s3cret"
	got, err := w.service.SetWebhook(t.Context(), w.merchant, c.ID, channel.Actor{}, false)
	if err != nil || got.Set || got.OtherHost != "other.example" || w.line.sets != 0 {
		t.Fatalf("got %+v, %v", got, err)
	}
	got, err = w.service.SetWebhook(t.Context(), w.merchant, c.ID, channel.Actor{}, true)
	if err != nil || !got.Set || !got.Tested || w.line.endpoint.URL != edgeURL+"/hooks/line/"+c.HookKey {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func rows(t *testing.T, w *world, c channel.Channel) map[string]channel.Row {
	t.Helper()
	list, err := w.service.Preflight(t.Context(), w.merchant, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]channel.Row{}
	for _, r := range list {
		out[r.Code] = r
	}
	return out
}

// A secret that was reissued in LINE's console is no longer right, however long a token lives that
// was got with the old one: the endpoint goes on answering to it.
func TestAReissuedSecretIsNoticedAtTheNextLook(t *testing.T) {
	t.Parallel()
	for name, reissue := range map[string]func(*channel.Keys){
		"of the messaging channel": func(k *channel.Keys) { k.Messaging.Secret = newSecret },
		"of the login channel":     func(k *channel.Keys) { k.Login.Secret = newSecret },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c := w.connect(t)
			w.line.endpoint = channel.Endpoint{URL: w.service.WebhookURL(c), Active: true}
			state := func(keys channel.RowState, state channel.State, problem string) {
				t.Helper()
				w.pass(3 * time.Second)
				row := rows(t, w, c)["keys"]
				now, err := w.service.Channel(t.Context(), w.merchant, c.ID)
				if err != nil || row.State != keys || now.State != state || now.Problem != problem {
					t.Errorf("keys are %s, the account %s %s, %v; want %s, %s %s", row.State, now.State, now.Problem, err,
						keys, state, problem)
				}
			}
			state(channel.Good, channel.Working, "")
			w.line.tokens = true
			reissue(&w.line.keys)
			state(channel.Bad, channel.NeedsYou, channel.ProblemKeys)
			state(channel.Bad, channel.NeedsYou, channel.ProblemKeys)
			if _, err := w.service.Change(t.Context(), w.merchant, c.ID, channel.Actor{}, w.line.keys); err != nil {
				t.Fatal(err)
			}
			state(channel.Good, channel.Working, "")
		})
	}
}

func TestUseWebhookIsNoticedWhileAPageAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	if _, err := w.service.SetWebhook(t.Context(), w.merchant, c.ID, channel.Actor{}, false); err != nil {
		t.Fatal(err)
	}
	got := rows(t, w, c)
	if got["use_webhook"].State != channel.Bad || got["webhook_url"].State != channel.Good ||
		got["webhook_url"].Detail["ms"] != 21 || got["keys"].State != channel.Good {
		t.Errorf("before: %+v", got)
	}
	w.line.useWebhook(true)
	w.pass(3 * time.Second)
	if got := rows(t, w, c); got["use_webhook"].State != channel.Good {
		t.Errorf("after: %+v", got["use_webhook"])
	}
	if c, _ := w.service.Channel(t.Context(), w.merchant, c.ID); c.State != channel.Working {
		t.Errorf("state: got %s %s want working", c.State, c.Problem)
	}
}

func TestEventAloneProvesUseWebhook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	if _, err := w.service.SetWebhook(t.Context(), w.merchant, c.ID, channel.Actor{}, false); err != nil {
		t.Fatal(err)
	}
	w.deliver(t, c, event("follow", "E1", yuki, w.clock()))
	if c, _ := w.service.Channel(t.Context(), w.merchant, c.ID); c.State != channel.Working || !c.WebhookActive {
		t.Errorf("got %s %s, active %v want working", c.State, c.Problem, c.WebhookActive)
	}
}

func TestSignInProvesTheProvider(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		known, friend bool
		want          channel.RowState
	}{
		"known on both sides":            {true, true, channel.Good},
		"friend whom LINE does not know": {false, true, channel.Bad},
		"stranger":                       {false, false, channel.Unknown},
	} {
		w := newWorld(t)
		ch := w.connect(t)
		if c.known {
			w.line.people[yuki] = channel.Person{Name: "Yuki"}
		}
		ctx, stop := cancelable(t)
		done := make(chan error, 1)
		go func() { done <- w.service.RunQuestions(ctx) }()
		w.service.SignedIn(t.Context(), w.merchant, ch.ID, yuki, true, c.friend)
		eventually(t, name, func() bool {
			got := rows(t, w, ch)
			return got["provider"].State == c.want && got["login_joined"].State == channel.Good &&
				got["callback"].State == channel.Good && got["callback"].KnownBy == channel.KnownByLINE
		})
		stop()
		if err := <-done; err != nil {
			t.Errorf("%s: %v", name, err)
		}
		// Of another login channel nothing is proven yet.
		w.line.keys.Login = lumo.Keys{ID: "2000000009", Secret: newSecret}
		if _, err := w.service.Change(t.Context(), w.merchant, ch.ID, channel.Actor{},
			channel.Keys{Login: w.line.keys.Login}); err != nil {
			t.Fatal(err)
		}
		got := rows(t, w, ch)
		for _, code := range []string{"provider", "login_joined", "callback"} {
			if got[code].State != channel.Unknown || got[code].KnownBy != channel.KnownByYou {
				t.Errorf("%s, another login channel: %s is %s", name, code, got[code].State)
			}
		}
	}
}

func TestPreflightBlocksOnlyWhatStopsTheWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.line.verified = true
	c := w.connect(t)
	w.line.endpoint.URL = "https://other.example/hook"
	got := rows(t, w, c)
	for code, want := range map[string]channel.RowState{"keys": channel.Good, "verified": channel.Good,
		"quota": channel.Good, "webhook_url": channel.Bad, "use_webhook": channel.Unknown, "other_tool": channel.Warning,
		"provider": channel.Unknown, "callback": channel.Unknown, "login_published": channel.Unknown, "redelivery": channel.Unknown} {
		if got[code].State != want {
			t.Errorf("%s: got %s want %s", code, got[code].State, want)
		}
	}
	w.line.endpoint.URL = w.service.WebhookURL(c) // set by hand: nobody has tested it
	w.pass(time.Minute)
	got = rows(t, w, c)
	if url := got["webhook_url"]; url.State != channel.Bad || url.Detail["set"] != true {
		t.Errorf("set without an answer: %+v", url)
	}
	if got["use_webhook"].State != channel.Bad {
		t.Errorf("our URL, switched off: %+v", got["use_webhook"])
	}
	w.deliver(t, c, event("follow", "E1", yuki, w.clock()))
	if got := rows(t, w, c)["webhook_url"]; got.State != channel.Good {
		t.Errorf("after an event: %+v", got)
	}
}

func TestAccountsHaveAColourOfTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	if c.Ring != channel.RingOf(c.Number) || channel.RingOf(1) == channel.RingOf(2) {
		t.Errorf("nobody chose: got %q", c.Ring)
	}
	before := len(w.fleet.changes)
	if err := w.service.SetRing(t.Context(), w.merchant, c.ID, channel.Actor{}, "violet"); err != nil {
		t.Fatal(err)
	}
	if len(w.fleet.changes) == before {
		t.Error("the edges, whose pages have it, are told nothing")
	}
	if got, err := w.service.Channel(t.Context(), w.merchant, c.ID); err != nil || got.Ring != "violet" {
		t.Errorf("got %q, %v", got.Ring, err)
	}
	err := w.service.SetRing(t.Context(), w.merchant, c.ID, channel.Actor{}, "green")
	if !fault.Is(err, fault.Invalid) || fault.FieldsOf(err)["ring"] == "" {
		t.Errorf("another colour: got %v", err)
	}
}

// The shop's address is where edges' pages lead when they lead nowhere else.
func TestTheShopsAddressGoesToTheEdges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	for given, want := range map[string]string{" https://shop.example/tea ": "https://shop.example/tea",
		"shop.example": "https://shop.example", "": ""} {
		before := len(w.fleet.changes)
		if err := w.service.SetShop(t.Context(), w.merchant, c.ID, channel.Actor{}, given); err != nil {
			t.Fatal(err)
		}
		if got, err := w.service.Channel(t.Context(), w.merchant, c.ID); err != nil || got.FallbackURL != want {
			t.Errorf("%q: got %q, %v want %q", given, got.FallbackURL, err, want)
		}
		if len(w.fleet.changes) == before {
			t.Errorf("%q: the edges are told nothing", given)
		}
	}
	for _, given := range []string{"http://shop.example", "javascript:alert(1)", "https://", "https://me:pw@shop.example",
		"https://shop", "https://shop.example/" + strings.Repeat("a", 500), "//shop.example"} {
		err := w.service.SetShop(t.Context(), w.merchant, c.ID, channel.Actor{}, given)
		if !fault.Is(err, fault.Invalid) || fault.FieldsOf(err)["shop_url"] == "" {
			t.Errorf("%q: got %v", given, err)
		}
	}
}
