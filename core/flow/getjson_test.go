package flow_test

import (
	"testing"

	"lumo/core/flow"
	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/lumo"
	"lumo/core/message"
	"lumo/shared/id"
)

// names are what customers are called, or what somebody typed as a name.
func names() []string {
	return []string{"Yuki", "由紀", `Dwayne "The Rock" Johnson`, "O'Brien", "line\nbreak", "tab\there", "Tom & Jerry", "<b>bold</b>",
		"back\\slash", `\"`, `","profile_id":"X","a":"`, "😀👨‍👩‍👧", "{{ person.email }}", "[[ email ]]", "", " ", "a\u2028b", "100%", "é"}
}

// Whatever a customer is called: Klaviyo's rendering of Get JSON comes back as it was, or the
// ids do and the fallbacks stand in.
func TestGetJSONIsRightForEveryProfile(t *testing.T) {
	t.Parallel()
	channel := lumo.Channel{PropertyNumber: 2}
	step := id.ID{7}
	saved := &message.Version{Message: lumo.MessageID{1}, Number: 3,
		Body: message.Text("Hi [[ first_name | you ]] [[ person.Nick Name ]] [[ Item Count ]]")}
	for _, name := range names() {
		context := map[string]any{"first_name": name, "person": map[string]any{"KlaviyoID": "01HPROFILE", "Nick Name": name,
			"LINE User ID": "Uwrong", "LINE User ID 2": "U0123456789abcdef0123456789abcdef"},
			"event": map[string]any{"$event_id": "evt-1", "Item Count": 2}}
		text, err := klaviyotest.Render(message.GetJSON(channel, step, saved), context)
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		got, err := flow.ParseBody([]byte(text))
		if err != nil {
			t.Errorf("%q: %v\n%s", name, err, text)
			continue
		}
		if got.ProfileID != "01HPROFILE" || got.LineUserID != "U0123456789abcdef0123456789abcdef" || got.EventID != "evt-1" ||
			got.Message != lumo.MessageID(saved.Message).String() || got.Step != step.With(id.Step) {
			t.Errorf("%q: the ids are %+v", name, got)
		}
		if !got.VarsBroken && (got.Vars["first_name"] != name || got.Vars["person.Nick Name"] != name || got.Vars["Item Count"] != "2") {
			t.Errorf("%q: the values are %q", name, got.Vars)
		}
	}
}

func TestDirectTextIsRightForEveryProfile(t *testing.T) {
	t.Parallel()
	for _, name := range names() {
		body := `{"lumo":1,"step":"stp_1","profile_id":"{{ person.KlaviyoID }}","text":"Hi {{ first_name }}!"}`
		text, err := klaviyotest.Render(body, map[string]any{"first_name": name, "person": map[string]any{"KlaviyoID": "01H"}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := flow.ParseBody([]byte(text))
		if err != nil || got.ProfileID != "01H" || got.Text != "Hi "+name+"!" {
			t.Errorf("%q: got %q %v", name, got.Text, err)
		}
	}
}

// What the console shows is what Klaviyo would send.
func TestRenderedIsWhatKlaviyoMakes(t *testing.T) {
	t.Parallel()
	saved := &message.Version{Message: lumo.MessageID{1}, Body: message.Text("[[ first_name ]] [[ person.Nick Name ]] [[ email ]] [[ phone_number ]] [[ last_name ]]")}
	body := message.GetJSON(lumo.Channel{}, id.ID{7}, saved)
	for _, name := range names() {
		want, err := klaviyotest.Render(body, map[string]any{"first_name": name, "last_name": name, "email": "y@customer.example",
			"person": map[string]any{"KlaviyoID": "01H", "Nick Name": name, "phone_number": "+8190", "LINE User ID": "U..."}})
		if err != nil {
			t.Fatal(err)
		}
		got := flow.Rendered(body, lumo.Profile{ID: "01H", FirstName: name, LastName: name, Email: "y@customer.example", Phone: "+8190",
			Properties: map[string]any{"Nick Name": name}}, "U...")
		if got != want {
			t.Errorf("%q:\ngot  %s\nwant %s", name, got, want)
		}
	}
}
