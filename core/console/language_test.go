package console_test

import (
	"strings"
	"testing"

	"lumo/core/lumo"
)

func TestProblemsSpeakTheLanguageThatIsAskedFor(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	channel := "/channels/" + d.Channel.ID.String()
	if _, made := d.ask(t, lumo.Owner, "POST", channel+"/tags", "Accept-Language", "ja", `{"name":"VIP"}`); made["name"] != "VIP" {
		t.Fatalf("make a tag: %v", made)
	}
	for name, c := range map[string]struct {
		role              lumo.Role
		path, body, field string
		status            int
		english, japanese string
	}{
		"a conflict": {lumo.Owner, channel + "/tags", `{"name":"VIP"}`, "", 409,
			"There is a tag with this name already.", "この名前のタグはすでにあります。"},
		"the field of it": {lumo.Owner, channel + "/tags", `{"name":"vip"}`, "name", 409,
			"There is a tag with this name already.", "この名前のタグはすでにあります。"},
		"a rule for a field": {lumo.Owner, channel + "/tags", `{"name":"a,b"}`, "name", 400,
			"Use 1 to 40 characters, without commas and semicolons.", "カンマとセミコロンを使わず、1~40文字で入力してください。"},
		"a general sentence": {lumo.Owner, channel + "/tags", `{"name":"a,b"}`, "", 400,
			"Something in this request is not right.", "内容に正しくないところがあります。"},
		"a value in it": {lumo.Owner, channel + "/qr_codes", `{"identify_by":"none","name":"` + strings.Repeat("x", 201) + `"}`, "name", 400,
			"Use at most 200 characters.", "200文字以内で入力してください。"},
		"no right": {lumo.Viewer, channel + "/tags", `{"name":"VIP"}`, "", 403,
			"Your role does not allow this. An owner or admin can do it.", "あなたの権限ではこの操作を行えません。オーナーまたは管理者にご依頼ください。"},
		"nobody": {"", channel + "/tags", `{"name":"VIP"}`, "", 401, "Sign in to go on.", "続けるにはサインインしてください。"},
		"no operation": {lumo.Owner, "/nothing", `{}`, "", 404,
			"This address does not exist.", "このアドレスは見つかりません。"},
	} {
		for wish, want := range map[string]string{"": c.english, "en-US,en;q=0.9,ja;q=0.8": c.english, "th": c.english,
			"ja": c.japanese, "th, ja-JP;q=0.9, en;q=0.8": c.japanese} {
			res, got := d.ask(t, c.role, "POST", c.path, "Accept-Language", wish, c.body)
			said := got["detail"]
			if c.field != "" {
				fields, _ := got["fields"].(map[string]any)
				said = fields[c.field]
			}
			if res.StatusCode != c.status || said != want {
				t.Errorf("%s, asked in %q: got %d %v, want %d %q", name, wish, res.StatusCode, got, c.status, want)
			}
		}
	}
}
