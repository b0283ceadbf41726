package flow_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lumo/core/flow"
	"lumo/shared/fault"
)

func TestBodyOfKlaviyoIsRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want flow.Body
	}{
		"plain": {`{"lumo":1,"message":"msg_1","step":"stp_1","profile_id":"01H","line_user_id":"","event_id":"e1","vars":{"a":"b"}}`,
			flow.Body{Message: "msg_1", Step: "stp_1", ProfileID: "01H", EventID: "e1", Vars: map[string]string{"a": "b"}}},
		"entities": {`{"profile_id":"01H","text":"A &amp; B &quot;C&quot;","vars":{"n":"D &#x27;E&#x27;"}}`,
			flow.Body{ProfileID: "01H", Text: `A & B "C"`, HasText: true, Vars: map[string]string{"n": "D 'E'"}}},
		"line break in a string": {"{\"profile_id\":\"01H\",\"text\":\"one\ntwo\"}",
			flow.Body{ProfileID: "01H", Text: "one\ntwo", HasText: true, Vars: map[string]string{}}},
		"commas at the end": {`{"profile_id":"01H","vars":{"a":"1",},}`,
			flow.Body{ProfileID: "01H", Vars: map[string]string{"a": "1"}}},
		"unknown names and other values": {`{"more":{"x":[1,{"y":null}]},"profile_id":"01H","vars":{"n":1980,"t":true,"o":null}}`,
			flow.Body{ProfileID: "01H", Vars: map[string]string{"n": "1980", "t": "true", "o": ""}}},
		"escapes": {`{"profile_id":"01H","text":"a\"b\\c\u00e9\ud83c\udf75\u0000\/"}`,
			flow.Body{ProfileID: "01H", Text: `a"b\cé🍵/`, HasText: true, Vars: map[string]string{}}},
		"a quote breaks vars": {`{"profile_id":"01H","event_id":"e","vars":{"name":"Dwayne "The Rock" J"}}`,
			flow.Body{ProfileID: "01H", EventID: "e", Vars: map[string]string{}, VarsBroken: true}},
	} {
		got, err := flow.ParseBody([]byte(c.body))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestBrokenBodyIsRefusedWithItsLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, line string }{
		"empty":               {"", "1"},
		"not JSON":            {"hello", "1"},
		"cut off":             {"{\n\"profile_id\": \"01H\"", "2"},
		"a name twice":        {"{\"profile_id\":\"a\",\n\"profile_id\":\"b\"}", "2"},
		"more behind":         {`{"profile_id":"a"} {"profile_id":"b"}`, "1"},
		"quote before vars":   {"{\"profile_id\":\"01H\",\n\n\"text\":\"say \"hi\"\"}", "3"},
		"lone surrogate":      {`{"text":"\ud83c"}`, "1"},
		"invalid UTF-8":       {"{\"text\":\"\xff\"}", "1"},
		"number with letters": {`{"vars2":0x12}`, "1"},
	} {
		_, err := flow.ParseBody([]byte(c.body))
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v want invalid", name, err)
			continue
		}
		if got := fault.FieldsOf(err)["line"]; got != c.line {
			t.Errorf("%s: line got %s want %s", name, got, c.line)
		}
	}
}

// Whatever the standard decoder reads as our form, ours reads as the same.
func FuzzParseBody(f *testing.F) {
	f.Add([]byte(`{"profile_id":"01H","text":"x","vars":{"a":"b"}}`))
	f.Add([]byte(`{"vars":{"a":"b",},}`))
	f.Add([]byte(`{"a":[[[[{}]]]],"text":"\u00e9"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := flow.ParseBody(raw)
		if err != nil {
			return
		}
		var std map[string]any
		if json.Unmarshal(raw, &std) != nil {
			return // a liberty of ours
		}
		if text, ok := std["step"].(string); ok && text == "stp_1" && got.Step != "stp_1" {
			t.Fatalf("%q: step %q", raw, got.Step)
		}
	})
}
