package console_test

import (
	"encoding/csv"
	"testing"

	"lumo/core/lumo"
	"lumo/core/postgres/shoptest"
)

func TestViewersReadFriendsAndChangeNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	f := d.AddFriend(t, "Yuki S.", shoptest.LineUser)
	at := "./channels/" + d.Channel.ID.String()
	one := at + "/friends/" + f.String()
	status, tag := d.call(t, lumo.Marketer, "POST", at+"/tags", map[string]any{"name": "VIP", "color": 2})
	if status != 200 {
		t.Fatalf("a marketer's tag: %d %v", status, tag)
	}
	tagged := map[string]any{"action": "tag", "tag": tag["id"], "friends": []string{f.String()}}
	for path, body := range map[string]any{at + "/tags": map[string]any{"name": "Tea"}, at + "/friends/bulk": tagged,
		one + "/contacts": map[string]any{"email": "a@b.example"}, one + "/erase": map[string]any{"name": "Yuki S."},
		at + "/tags/" + tag["id"].(string) + "/archive": nil} {
		if status, got := d.call(t, lumo.Viewer, "POST", path, body); status != 403 {
			t.Errorf("viewer POST %s: %d %v", path, status, got)
		}
	}
	if status, _ := d.call(t, lumo.Marketer, "POST", one+"/erase", map[string]any{"name": "Yuki S."}); status != 403 {
		t.Errorf("a marketer erases: %d", status)
	}
	if status, got := d.call(t, lumo.Marketer, "POST", at+"/friends/bulk", tagged); status != 200 || got["changed"] != 1.0 {
		t.Errorf("tag: %d %v", status, got)
	}
	if status, got := d.call(t, lumo.Viewer, "GET", at+"/friends?tag="+tag["id"].(string), nil); status != 200 || got["total"] != 1.0 {
		t.Errorf("tagged: %d %v", status, got)
	}
	if status, got := d.call(t, lumo.Viewer, "POST", at+"/friends/count", map[string]any{"text": "yuki"}); got["total"] != 1.0 {
		t.Errorf("count: %d %v", status, got)
	}
}

func TestContactsAreMaskedForViewersAndRevealingIsRecorded(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	f := d.AddFriend(t, "Yuki S.", shoptest.LineUser)
	one := "./channels/" + d.Channel.ID.String() + "/friends/" + f.String()
	status, got := d.call(t, lumo.Marketer, "POST", one+"/contacts", map[string]any{"email": "Yuki@Customer.example", "phone": "090-1234-5678"})
	if status != 200 {
		t.Fatalf("store: %d %v", status, got)
	}
	seen := func(role lumo.Role) string {
		_, got := d.call(t, role, "GET", one, nil)
		first, _ := got["contacts"].([]any)[0].(map[string]any)
		return first["value"].(string)
	}
	if got := seen(lumo.Viewer); got != "y***@…" {
		t.Errorf("a viewer sees %q", got)
	}
	if got := seen(lumo.Marketer); got != "yuki@customer.example" {
		t.Errorf("a marketer sees %q", got)
	}
	status, got = d.call(t, lumo.Viewer, "POST", one+"/reveal", nil)
	items, _ := got["items"].([]any)
	if status != 200 || len(items) != 2 || items[1].(map[string]any)["value"] != "+819012345678" {
		t.Errorf("reveal: %d %v", status, got)
	}
	n := shoptest.Get[int](t, d.Shop, "SELECT count(*)::int FROM audit WHERE merchant_id = $1 AND action = 'friend.reveal'")
	if n != 1 {
		t.Errorf("%d lines in the audit log, want 1", n)
	}
	if status, got := d.call(t, lumo.Marketer, "POST", one+"/contacts", map[string]any{"email": "nobody"}); status != 400 ||
		got["fields"].(map[string]any)["email"] == nil {
		t.Errorf("no email: %d %v", status, got)
	}
	if status, _ := d.call(t, lumo.Owner, "POST", one+"/erase", map[string]any{"name": "Yuki S."}); status != 200 {
		t.Fatalf("erase: %d", status)
	}
	if status, got := d.call(t, lumo.Viewer, "GET", one, nil); status != 200 || got["erased_at"] == nil || got["name"] != "" {
		t.Errorf("tombstone: %d %v", status, got)
	}
}

func TestCSVIsWholeAndHarmless(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.AddFriend(t, "=HYPERLINK(\"http://x\")", shoptest.LineUser)
	res, err := d.clients[lumo.Viewer].Get(d.server.URL + "/api/v1/merchants/" + d.Merchant.String() + "/channels/" +
		d.Channel.ID.String() + "/friends.csv?state=following")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines, err := csv.NewReader(res.Body).ReadAll()
	if err != nil || len(lines) != 2 || lines[1][1] != "'=HYPERLINK(\"http://x\")" || lines[1][2] != "following" {
		t.Errorf("got %v %v", lines, err)
	}
	for _, cell := range lines[1] {
		if cell == string(shoptest.LineUser) {
			t.Error("the file holds a LINE user id")
		}
	}
}
