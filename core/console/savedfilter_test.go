package console_test

import (
	"net/http"
	"testing"

	"lumo/core/lumo"
	"lumo/core/postgres/shoptest"
	"lumo/shared/id"
)

func TestSavedFiltersAreAMembersOwn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	all := "./channels/" + d.Channel.ID.String() + "/saved_filters"
	values := map[string]any{"linked": "no", "tag": d.ID().With(id.Tag)}
	save := func(role lumo.Role, name string) (int, map[string]any) {
		t.Helper()
		return d.call(t, role, http.MethodPost, all, map[string]any{"list": "friends", "name": name, "values": values})
	}
	names := func(role lumo.Role, list string) (out []string) {
		t.Helper()
		status, got := d.call(t, role, http.MethodGet, all+"?list="+list, nil)
		if status != http.StatusOK {
			t.Fatalf("list: %d %v", status, got)
		}
		for _, one := range got["items"].([]any) {
			out = append(out, one.(map[string]any)["name"].(string))
		}
		return out
	}
	status, made := save(lumo.Viewer, " Not linked yet ")
	if status != http.StatusOK || made["name"] != "Not linked yet" || made["values"].(map[string]any)["linked"] != "no" {
		t.Fatalf("save: %d %v", status, made)
	}
	one := all + "/" + made["id"].(string)
	if status, got := save(lumo.Viewer, "not LINKED yet"); status != http.StatusConflict || got["fields"] == nil {
		t.Errorf("the same name again: %d %v", status, got)
	}
	if status, _ := save(lumo.Owner, "Not linked yet"); status != http.StatusOK {
		t.Errorf("another member's filter of that name: %d", status)
	}
	if got := names(lumo.Viewer, "review"); len(got) != 0 {
		t.Errorf("another list has %q", got)
	}
	if got := names(lumo.Admin, "friends"); len(got) != 0 {
		t.Errorf("somebody else sees %q", got)
	}
	for what, path := range map[string]string{"rename": one, "delete": one + "/delete"} {
		method := map[string]string{"rename": http.MethodPatch, "delete": http.MethodPost}[what]
		if status, _ := d.call(t, lumo.Owner, method, path, map[string]any{"name": "Mine"}); status != http.StatusNotFound {
			t.Errorf("somebody else may %s it: %d", what, status)
		}
	}
	if status, got := d.call(t, lumo.Viewer, http.MethodPatch, one, map[string]any{"name": "To invite"}); status != http.StatusOK || got["name"] != "To invite" {
		t.Errorf("rename: %d %v", status, got)
	}
	if status, got := d.call(t, lumo.Viewer, http.MethodPost, one+"/delete", nil); status != http.StatusOK || got["values"].(map[string]any)["linked"] != "no" {
		t.Errorf("delete: %d %v", status, got)
	}
	if got := names(lumo.Viewer, "friends"); len(got) != 0 {
		t.Errorf("deleted, but there: %q", got)
	}
	if status, _ := save(lumo.Viewer, "To invite"); status != http.StatusOK {
		t.Errorf("the deletion is not taken back: %d", status)
	}
	if n := shoptest.Get[int](t, d.Shop, "SELECT count(*)::int FROM audit WHERE merchant_id = $1 AND action LIKE 'saved_filter.%'"); n != 5 {
		t.Errorf("%d lines in the audit log, want 5", n)
	}
}

func TestSavedFiltersTakeNothingThatWasTyped(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	all := "./channels/" + d.Channel.ID.String() + "/saved_filters"
	for name, body := range map[string]map[string]any{
		"an email":     {"list": "friends", "name": "x", "values": map[string]any{"tag": "yuki@customer.example"}},
		"search words": {"list": "friends", "name": "x", "values": map[string]any{"text": "yuki"}},
		"no list":      {"list": "audit", "name": "x", "values": map[string]any{"linked": "no"}},
	} {
		if status, got := d.call(t, lumo.Owner, http.MethodPost, all, body); status < 400 || status >= 500 {
			t.Errorf("%s: %d %v", name, status, got)
		}
	}
	other := "./channels/" + lumo.ChannelID(d.ID()).String() + "/saved_filters"
	body := map[string]any{"list": "friends", "name": "x", "values": map[string]any{"linked": "no"}}
	if status, _ := d.call(t, lumo.Owner, http.MethodPost, other, body); status != http.StatusNotFound {
		t.Errorf("a LINE account that is not there: %d", status)
	}
	if n := shoptest.Get[int](t, d.Shop, "SELECT count(*)::int FROM saved_filter WHERE merchant_id = $1"); n != 0 {
		t.Errorf("%d stored", n)
	}
}

func TestAnAPIKeyKeepsFiltersOfItsOwn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	status, key := d.call(t, lumo.Owner, http.MethodPost, "./api_keys", map[string]any{"name": "Reports", "rights": map[string]string{"friends": "read"}})
	if status != http.StatusOK {
		t.Fatalf("make a key: %d %v", status, key)
	}
	all := "/merchants/" + d.Merchant.String() + "/channels/" + d.Channel.ID.String() + "/saved_filters"
	const body = `{"list":"review","name":"Phones","values":{"kind":"shared_phone"}}`
	if status, got := d.withKey(t, key["secret"].(string), http.MethodPost, all, body); status != http.StatusOK {
		t.Fatalf("save with a key: %d %v", status, got)
	}
	if _, got := d.withKey(t, key["secret"].(string), http.MethodGet, all+"?list=review", ""); len(got["items"].([]any)) != 1 {
		t.Errorf("the key's own: %v", got)
	}
	if _, got := d.call(t, lumo.Owner, http.MethodGet, "."+all[len("/merchants/")+len(d.Merchant.String()):]+"?list=review", nil); len(got["items"].([]any)) != 0 {
		t.Errorf("a member's: %v", got)
	}
}
