package linkage_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/token"
)

func TestLoginAndFollowJoinInEitherOrder(t *testing.T) {
	t.Parallel()
	for _, followFirst := range []bool{true, false} {
		w := newWorld(t)
		code := w.code(t, linkage.ByProfile)
		s := w.scan(t, code, token.ClaimProfile, string(hana))
		w.pass(5 * time.Second)
		if followFirst {
			w.follow(t, yuki, "E1")
			w.pass(time.Second)
		}
		got := w.back(t, s, yuki, s.cookie)
		if got.Outcome != linkage.Linked || got.IsFriend != followFirst || got.Language != "ja" {
			t.Fatalf("follow first %v: got %+v", followFirst, got)
		}
		if !followFirst {
			w.pass(time.Second)
			w.follow(t, yuki, "E1")
		}
		l, f, err := w.service.ByProfile(t.Context(), w.merchant, w.channel.ID, hana)
		if err != nil || f.Line != yuki || l.Assurance != lumo.Proven || l.Method != "qr" ||
			f.FollowStatus != lumo.Following || f.Consent != lumo.ConsentGiven {
			t.Errorf("follow first %v: got %+v %+v %v", followFirst, l, f, err)
		}
		if n := w.count(t, `SELECT count(*) FROM friend`); n != 1 {
			t.Errorf("%d friends, want the one person", n)
		}
		codes, err := w.service.Codes(t.Context(), w.merchant, w.channel.ID)
		if err != nil || codes[0].Friends != 1 || codes[0].Links != 1 {
			t.Errorf("follow first %v: code counts %+v %v", followFirst, codes[0], err)
		}
		scans := w.heard.of(lumo.FactScanned)
		if len(scans) != 1 || scans[0].Ref != s.id.String() || !scans[0].OccurredAt.Equal(s.id.Time()) {
			t.Errorf("scan: got %+v", scans)
		}
		if followed := w.heard.of(lumo.FactFollowed); len(followed) != 1 ||
			!followFirst && followed[0].Data["code"] != code.Name {
			t.Errorf("follow: got %+v", followed)
		}
	}
}

func TestKlaviyoHearsOfWhatLedToTheLinkFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.scan(t, w.code(t, linkage.ByProfile), token.ClaimProfile, string(hana))
	w.back(t, s, yuki, s.cookie)
	if got := strings.Join(w.heard.order, " "); got != "scanned made linked" {
		t.Errorf("got %q", got)
	}
}

func TestStateThatIsNotOursOrNotInTimeLinksNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.scan(t, w.code(t, linkage.ByProfile), token.ClaimProfile, string(hana))
	flipped := []byte(s.state)
	flipped[len(flipped)-5] ^= 1
	for name, state := range map[string]string{"none": "", "noise": "abc", "altered": string(flipped),
		"other channel": "AQAAAP" + s.state[6:]} {
		got, err := w.service.Callback(t.Context(), linkage.Return{State: state, Code: string(yuki), Cookie: s.cookie})
		if err != nil || got.Outcome != linkage.NoLongerWorks {
			t.Errorf("%s: got %v %v", name, got.Outcome, err)
		}
	}
	w.pass(token.StateLife + time.Second)
	if got := w.back(t, s, yuki, s.cookie); got.Outcome != linkage.NoLongerWorks {
		t.Errorf("expired: got %v", got.Outcome)
	}
	if n := w.count(t, `SELECT count(*) FROM identity_link`) + w.count(t, `SELECT count(*) FROM friend`); n != 0 {
		t.Errorf("%d rows made, want none", n)
	}
}

func TestStateIsTakenOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.scan(t, w.code(t, linkage.ByProfile), token.ClaimProfile, string(hana))
	var wait sync.WaitGroup
	outcomes := make(chan linkage.Outcome, 8)
	for range 8 {
		wait.Go(func() {
			got, err := w.service.Callback(t.Context(), linkage.Return{State: s.state, Code: string(yuki), Cookie: s.cookie})
			if err != nil {
				t.Error(err)
			}
			outcomes <- got.Outcome
		})
	}
	wait.Wait()
	close(outcomes)
	seen := map[linkage.Outcome]int{}
	for o := range outcomes {
		seen[o]++
	}
	if seen[linkage.Linked] != 1 || seen[linkage.NoLongerWorks] != 7 {
		t.Errorf("got %v", seen)
	}
	// A thief with the state and a LINE account of his own gets nothing.
	if got := w.back(t, s, mio, s.cookie); got.Outcome != linkage.NoLongerWorks {
		t.Errorf("replay: got %v", got.Outcome)
	}
}

func TestAnotherBrowserIsAsked(t *testing.T) {
	t.Parallel()
	for name, cookie := range map[string]string{"no cookie": "", "another scan's cookie": "AAAAAAAAAAAAAAAAAAAAAA"} {
		w := newWorld(t)
		s := w.scan(t, w.code(t, linkage.ByProfile), token.ClaimProfile, string(hana))
		got := w.back(t, s, yuki, cookie)
		if got.Outcome != linkage.AskLink || got.Confirm == "" {
			t.Fatalf("%s: got %+v", name, got)
		}
		if n := w.count(t, `SELECT count(*) FROM identity_link`); n != 0 {
			t.Errorf("%s: linked before the click", name)
		}
		done, err := w.service.Confirm(t.Context(), got.Confirm)
		if err != nil || done.Outcome != linkage.Linked {
			t.Fatalf("%s: got %+v %v", name, done, err)
		}
		again, err := w.service.Confirm(t.Context(), got.Confirm)
		if err != nil || again.Outcome != linkage.NoLongerWorks {
			t.Errorf("%s, second click: got %+v %v", name, again, err)
		}
	}
}

func TestConfirmNeedsThePagesOwnValueInTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.scan(t, w.code(t, linkage.ByProfile), token.ClaimProfile, string(hana))
	value := w.back(t, s, yuki, "").Confirm
	other := []byte(value)
	other[len(other)-2] ^= 1
	for _, wrong := range []string{"", "x", string(other), value + "A"} {
		if got, err := w.service.Confirm(t.Context(), wrong); err != nil || got.Outcome != linkage.NoLongerWorks {
			t.Errorf("%q: got %v %v", wrong, got.Outcome, err)
		}
	}
	w.pass(token.StateLife + time.Second)
	if got, err := w.service.Confirm(t.Context(), value); err != nil || got.Outcome != linkage.NoLongerWorks {
		t.Errorf("too late: got %v %v", got.Outcome, err)
	}
}

func TestEmailAndPhoneAreClaimedAndAsked(t *testing.T) {
	t.Parallel()
	for claim, value := range map[token.Claim]string{
		token.ClaimEmail: " Yuki@Example.com ", token.ClaimPhone: " 819012345678"} {
		w := newWorld(t)
		w.vendors.byEmail["yuki@example.com"], w.vendors.byEmail["+819012345678"] = hana, hana
		s := w.scan(t, w.code(t, linkage.ByEmail), claim, value)
		asked := w.back(t, s, yuki, s.cookie) // even with the cookie: whoever forwards the email has it
		if asked.Outcome != linkage.AskLink {
			t.Fatalf("%d: got %v", claim, asked.Outcome)
		}
		w.vendors.down = true
		if got, err := w.service.Confirm(t.Context(), asked.Confirm); err != nil || got.Outcome != linkage.TryAgain {
			t.Errorf("%d, Klaviyo away: got %v %v", claim, got.Outcome, err)
		}
		w.vendors.down = false
		if got, err := w.service.Confirm(t.Context(), asked.Confirm); err != nil || got.Outcome != linkage.Linked {
			t.Fatalf("%d: got %v %v", claim, got.Outcome, err)
		}
		l, _, err := w.service.ByProfile(t.Context(), w.merchant, w.channel.ID, hana)
		if err != nil || l.Assurance != lumo.Claimed {
			t.Errorf("%d: got %+v %v", claim, l, err)
		}
	}
}

func TestClaimOfNobodyLinksNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.code(t, linkage.ByEmail)
	w.vendors.missing[sora] = true
	s := w.scan(t, code, token.ClaimEmail, "stranger@example.com")
	if got, err := w.service.Confirm(t.Context(), w.back(t, s, yuki, "").Confirm); err != nil || got.Outcome != linkage.NoLongerWorks {
		t.Errorf("email: got %v %v", got.Outcome, err)
	}
	s = w.scan(t, code, token.ClaimProfile, string(sora))
	if got := w.back(t, s, yuki, s.cookie); got.Outcome != linkage.Added {
		t.Errorf("deleted profile: got %v", got.Outcome)
	}
	s = w.scan(t, code, token.ClaimNone, "")
	if got := w.back(t, s, yuki, s.cookie); got.Outcome != linkage.Added {
		t.Errorf("counter: got %v", got.Outcome)
	}
	if n := w.count(t, `SELECT count(*) FROM identity_link`); n != 0 {
		t.Errorf("%d links, want none", n)
	}
}

func TestConflictNeverReplacesALink(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		who     lumo.LineUserID
		profile lumo.ProfileID
		kind    string
	}{
		"friend has another customer": {yuki, sora, "two_profiles"},
		"customer has another friend": {mio, hana, "two_friends"},
	} {
		w := newWorld(t)
		code := w.code(t, linkage.ByProfile)
		s := w.scan(t, code, token.ClaimProfile, string(hana))
		w.back(t, s, yuki, s.cookie)
		for range 2 { // twice: one item to review
			s = w.scan(t, code, token.ClaimProfile, string(c.profile))
			asked := w.back(t, s, c.who, s.cookie)
			if asked.Outcome != linkage.AskLink {
				t.Fatalf("%s: got %v", name, asked.Outcome)
			}
			got, err := w.service.Confirm(t.Context(), asked.Confirm)
			if err != nil || got.Outcome != linkage.InReview {
				t.Fatalf("%s: got %v %v", name, got.Outcome, err)
			}
		}
		l, f, err := w.service.ByProfile(t.Context(), w.merchant, w.channel.ID, hana)
		if err != nil || f.Line != yuki || l.Version != 1 {
			t.Errorf("%s: the standing link changed: %+v %v", name, l, err)
		}
		if n := w.count(t, `SELECT count(*) FROM link_conflict WHERE state = 'open' AND kind = $1`, c.kind); n != 1 {
			t.Errorf("%s: %d conflicts, want 1", name, n)
		}
		if n := w.count(t, `SELECT count(*) FROM identity_link`); n != 1 {
			t.Errorf("%s: %d links, want 1", name, n)
		}
	}
}

func TestTwoAtOnceMakeOneLinkAndOneConflict(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.code(t, linkage.ByProfile)
	var asked []string
	for _, who := range []lumo.LineUserID{yuki, mio} {
		s := w.scan(t, code, token.ClaimProfile, string(hana))
		asked = append(asked, w.back(t, s, who, "").Confirm)
	}
	outcomes := make(chan linkage.Outcome, 2)
	var wait sync.WaitGroup
	for _, value := range asked {
		wait.Go(func() {
			got, err := w.service.Confirm(t.Context(), value)
			if err != nil {
				t.Error(err)
			}
			outcomes <- got.Outcome
		})
	}
	wait.Wait()
	a, b := <-outcomes, <-outcomes
	if !(a == linkage.Linked && b == linkage.InReview || a == linkage.InReview && b == linkage.Linked) {
		t.Errorf("got %v and %v", a, b)
	}
}

func TestSurerClaimRaisesTheLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.vendors.byEmail["yuki@example.com"] = hana
	code := w.code(t, linkage.ByEmail)
	s := w.scan(t, code, token.ClaimEmail, "yuki@example.com")
	if _, err := w.service.Confirm(t.Context(), w.back(t, s, yuki, "").Confirm); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing left to raise
		s = w.scan(t, code, token.ClaimProfile, string(hana))
		if got := w.back(t, s, yuki, s.cookie); got.Outcome != linkage.Linked {
			t.Fatalf("got %v", got.Outcome)
		}
	}
	l, _, err := w.service.ByProfile(t.Context(), w.merchant, w.channel.ID, hana)
	if err != nil || l.Assurance != lumo.Proven || l.Version != 2 {
		t.Errorf("got %+v %v", l, err)
	}
	if n := w.count(t, `SELECT count(*) FROM link_history WHERE step IN ('linked', 'raised')`); n != 2 {
		t.Errorf("%d steps, want linked and raised", n)
	}
	if got := len(w.heard.made); got != 1 {
		t.Errorf("Klaviyo heard of %d links, want 1", got)
	}
}

func TestFriendMayUnlink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.code(t, linkage.ByProfile)
	s := w.scan(t, code, token.ClaimProfile, string(hana))
	w.back(t, s, yuki, s.cookie)
	asked := w.back(t, w.scan(t, code, token.ClaimUnlink, ""), yuki, "")
	if asked.Outcome != linkage.AskUnlink {
		t.Fatalf("got %v", asked.Outcome)
	}
	got, err := w.service.Confirm(t.Context(), asked.Confirm)
	if err != nil || got.Outcome != linkage.Unlinked {
		t.Fatalf("got %v %v", got.Outcome, err)
	}
	if _, _, err := w.service.ByProfile(t.Context(), w.merchant, w.channel.ID, hana); !fault.Is(err, fault.NotFound) {
		t.Errorf("still linked: %v", err)
	}
	if len(w.heard.ended) != 1 || len(w.heard.of(lumo.FactUnlinked)) != 1 || len(w.vendors.taken) != 1 {
		t.Errorf("ended %d, facts %d, taken back %d; want 1 each", len(w.heard.ended),
			len(w.heard.of(lumo.FactUnlinked)), len(w.vendors.taken))
	}
	if n := w.count(t, `SELECT count(*) FROM login_state WHERE value_enc IS NOT NULL`); n != 0 {
		t.Errorf("%d ended states still hold what they came with", n)
	}
	s = w.scan(t, code, token.ClaimProfile, string(hana))
	if got := w.back(t, s, yuki, s.cookie); got.Outcome != linkage.Linked {
		t.Errorf("linking again: got %v", got.Outcome)
	}
}

func TestPersonOrLINESaysNo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.code(t, linkage.ByProfile)
	s := w.scan(t, code, token.ClaimProfile, string(hana))
	got, err := w.service.Callback(t.Context(), linkage.Return{State: s.state, Error: "ACCESS_DENIED", Cookie: s.cookie})
	if err != nil || got.Outcome != linkage.Declined {
		t.Errorf("declined: got %v %v", got.Outcome, err)
	}
	s = w.scan(t, code, token.ClaimProfile, string(hana))
	if got, err := w.service.Callback(t.Context(), linkage.Return{State: s.state, Code: "stolen", Cookie: s.cookie}); err != nil || got.Outcome != linkage.NoLongerWorks {
		t.Errorf("code of nobody: got %v %v", got.Outcome, err)
	}
	w.vendors.lineDown = true
	s = w.scan(t, code, token.ClaimProfile, string(hana))
	if got := w.back(t, s, yuki, s.cookie); got.Outcome != linkage.TryAgain {
		t.Errorf("LINE away: got %v", got.Outcome)
	}
}

func TestNothingPersonalIsLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.code(t, linkage.ByEmail)
	w.vendors.down = true
	s := w.scan(t, code, token.ClaimEmail, "yuki@example.com")
	if _, err := w.service.Confirm(t.Context(), w.back(t, s, yuki, "").Confirm); err != nil {
		t.Fatal(err)
	}
	w.vendors.lineDown = true
	w.back(t, w.scan(t, code, token.ClaimEmail, "yuki@example.com"), yuki, "")
	logs := w.logs.String()
	if !strings.Contains(logs, "customer not looked up") || !strings.Contains(logs, "sign-in failed") {
		t.Fatal("nothing was logged, so this proves nothing")
	}
	for _, canary := range []string{secret, string(yuki), "yuki@example.com", "token-of", "a-login-secret"} {
		if strings.Contains(logs, canary) {
			t.Errorf("a log holds %q", canary)
		}
	}
}

func TestSnippetsAreWhatKlaviyoFillsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for by, query := range map[linkage.IdentifyBy]string{linkage.ByProfile: "?k={{ person.KlaviyoID }}",
		linkage.ByEmail: "?e={{ email|urlencode }}", linkage.ByPhone: "?t={{ person.phone_number|urlencode }}",
		linkage.ByNothing: ""} {
		c := w.code(t, by)
		got := w.service.Snippets(c)
		if got.URL != edgeURL+"/q/"+c.Key+query || got.ImageURL != edgeURL+"/q/"+c.Key+".png"+query {
			t.Errorf("%s: got %+v", by, got)
		}
	}
}

func FuzzParseConfirm(f *testing.F) {
	f.Add("")
	f.Add(strings.Repeat("A", 70))
	f.Fuzz(func(t *testing.T, value string) {
		if _, _, hash, ok := linkage.ParseConfirm(value); ok != (len(hash) == 32) {
			t.Errorf("%q: ok %v with %d bytes", value, ok, len(hash))
		}
	})
}

func TestLoginsAreForgottenAfterADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.back(t, w.scan(t, w.code(t, linkage.ByEmail), token.ClaimEmail, "yuki@example.com"), yuki, "")
	for _, want := range []struct {
		after time.Duration
		left  int
	}{{23 * time.Hour, 1}, {2 * time.Hour, 0}} {
		w.pass(want.after)
		for did := true; did; {
			var err error
			if did, err = w.channels.UpkeepOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.count(t, `SELECT count(*) FROM login_state`); got != want.left {
			t.Errorf("after %v: %d logins, want %d", want.after, got, want.left)
		}
	}
}
