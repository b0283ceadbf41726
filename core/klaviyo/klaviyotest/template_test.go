package klaviyotest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"lumo/core/klaviyo/klaviyotest"
)

func TestTemplatesAreDjangos(t *testing.T) {
	t.Parallel()
	var event map[string]any
	d := json.NewDecoder(
		strings.NewReader(
			`{"$event_id":"e1","$value":1980.0,"n":3,"f":2.5,"big":12345678901234,"yes":true,"none":null,
		"name":"Anna \"Bee\" & O'Neil","Items":["A","B"],"rows":[{"title":"T1"},{"title":"T2"}],"when":"2026-11-24T03:04:05Z","a b/c":"a b/c"}`,
		),
	)
	d.UseNumber()
	if err := d.Decode(&event); err != nil {
		t.Fatal(err)
	}
	context := map[string]any{
		"event":  event,
		"person": map[string]any{"KlaviyoID": "01X", "LINE User ID": "U1"},
		"email":  "a+b@c.example",
	}
	for _, c := range []struct{ template, want string }{
		{`{{ person.KlaviyoID }}`, `01X`},
		{`{{ person|lookup:'LINE User ID' }}`, `U1`},
		{`{{ person|lookup:'LINE User ID 2' }}`, ``},
		{`{{ nobody.name }}`, ``},
		{`{{ event|lookup:'$event_id' }}`, `e1`},
		{`{{ event|lookup:'$value' }}`, `1980.0`},
		{`{{ event.n }} {{ event.f }} {{ event.big }} {{ event.yes }}`, `3 2.5 12345678901234 True`},
		{`{{ event|lookup:'Items'|lookup:'1' }}{{ event.Items.0 }}`, `BA`},
		{`{% for r in event.rows %}{{ forloop.counter }}:{{ r.title }}{% if not forloop.last %},{% endif %}{% endfor %}`, `1:T1,2:T2`},
		{`{{ event.name }}`, `Anna &quot;Bee&quot; &amp; O&#x27;Neil`},
		{`{% autoescape off %}{{ event.name }}{% endautoescape %}`, `Anna "Bee" & O'Neil`},
		{`{{ event.name|safe }}`, `Anna "Bee" & O'Neil`},
		{`{{ event.Items }}`, `[&#x27;A&#x27;, &#x27;B&#x27;]`},
		{`{{ event.Items|safe }}`, `['A', 'B']`},
		{`{{ email|urlencode }} {{ event|lookup:'a b/c'|urlencode }}`, `a%2Bb%40c.example a%20b/c`},
		{`{{ event.when|date:'Y-m-d H:i' }}`, `2026-11-24 03:04`},
		{`{{ event.f|floatformat:2 }} {{ event.n|floatformat:2 }}`, `2.50 3.00`},
		{`{{ missing|default:'there' }}`, `there`},
		{`{% if event.yes == True %}y{% endif %}{% if event.n > 2 %}g{% endif %}`, `yg`},
		{`{# note: x #}{"a": "{{ email }}"}`, `{"a": "a+b@c.example"}`},
		{`{{ 'a: b' }}`, `a: b`},
		{`[[ first_name | there ]]`, `[[ first_name | there ]]`},
		{`{% with x=event.name %}{{ x|slice:':4'|upper }}{% endwith %}`, `ANNA`},
	} {
		got, err := klaviyotest.Render(c.template, context)
		if err != nil || got != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.template, got, err, c.want)
		}
	}
}

func TestMalformedTemplatesFailAsAWhole(t *testing.T) {
	t.Parallel()
	for _, template := range []string{
		`{{ person|lookup: 'LINE User ID' }}`, `{{ email|unknown_filter }}`, `{% if x %}`, `{% if a %}{% elsif b %}{% endif %}`,
		`{% assign x = 1 %}`, `{{ email| }}`, `{% include 'x' %}`, `{{ a`,
	} {
		got, err := klaviyotest.Render(template, nil)
		if err == nil && got != template {
			t.Errorf("%s: rendered to %q", template, got)
		}
	}
}

// A name with a quote shows the trap: escaped it stays JSON but holds entities, unescaped it
// is no JSON any more.
func TestQuotesInNamesBreakJSONOneWayOrTheOther(t *testing.T) {
	t.Parallel()
	context := map[string]any{"first_name": `Anna "Bee"`}
	escaped, err := klaviyotest.Render(`{"name":"{{ first_name }}"}`, context)
	if err != nil || !json.Valid([]byte(escaped)) || !strings.Contains(escaped, "&quot;") {
		t.Errorf("escaped: got %q %v", escaped, err)
	}
	plain, err := klaviyotest.Render(`{"name":"{{ first_name|safe }}"}`, context)
	if err != nil || json.Valid([]byte(plain)) {
		t.Errorf("unescaped: got %q %v", plain, err)
	}
}

func FuzzRenderNeverPanics(f *testing.F) {
	for _, seed := range []string{`{{ a }}`, `{% for x in a %}{{ x }}{% endfor %}`, `{{ a|lookup:'b' }}`, `{{ 'x`, `{#`, `{{ a == b }}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, template string) {
		if len(template) > 200 || strings.Contains(template, "lorem") {
			return // a loop over millions of words is not what is asked here
		}
		_, _ = klaviyotest.Render(
			template,
			map[string]any{"a": map[string]any{"b": "c"}, "b": []any{"x"}},
		)
	})
}
