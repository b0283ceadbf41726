package jsontree_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"lumo/core/message/jsontree"
)

func TestProblemsHaveALine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]jsontree.Error{
		"":                          {Problem: jsontree.Syntax, Line: 1},
		"{\n\"a\": 1,\n}":           {Problem: jsontree.Syntax, Line: 3},
		"{\"a\":1}\n{":              {Problem: jsontree.Syntax, Line: 2},
		"{\"a\":1,\n\"\\u0061\":2}": {Problem: jsontree.Twice, Line: 2, Name: "a"},
		"[\n\"a\nb\"]":              {Problem: jsontree.Syntax, Line: 2},
		strings.Repeat("[", 100):    {Problem: jsontree.Deep, Line: 1},
		"[01]":                      {Problem: jsontree.Syntax, Line: 1},
		"{'a':1}":                   {Problem: jsontree.Syntax, Line: 1},
	} {
		_, err := jsontree.Parse(text)
		var got *jsontree.Error
		if !errors.As(err, &got) || *got != want {
			t.Errorf("%q: got %v want %v", text, err, want)
		}
	}
}

func TestEveryByteOfAStringIsFoundAgain(t *testing.T) {
	t.Parallel()
	text := `{"k": "a\u3042\n😀\ud83d\ude00z"}`
	v, err := jsontree.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := v.Get("k")
	d := jsontree.Decode(text, s.From, s.To)
	if want := "aあ\n😀😀z"; d.Text != want {
		t.Fatalf("got %q want %q", d.Text, want)
	}
	if at := strings.Index(d.Text, "z"); text[d.Raw(at):d.Raw(at+1)] != "z" {
		t.Errorf("z is at %q", text[d.Raw(at):])
	}
	if at := strings.Index(d.Text, "あ"); text[d.Raw(at):d.Raw(at+3)] != `\u3042` {
		t.Errorf("あ is at %q", text[d.Raw(at):])
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"type":"text","text":"\ud83d\ude00 \"x\""}`)
	f.Add(`[1,-0.5e+3,true,null,{"a":{}}]`)
	f.Add(`{"a":1,"a":2}`)
	f.Add("\"\\ud800\"")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := jsontree.Parse(text)
		if err != nil {
			var problem *jsontree.Error
			if !errors.As(err, &problem) || problem.Line < 1 {
				t.Fatalf("not a problem with a line: %v", err)
			}
			if problem.Problem == jsontree.Syntax && json.Valid([]byte(text)) && strings.ToValidUTF8(text, "") == text {
				t.Fatalf("%q is JSON", text)
			}
			return
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("%q is not JSON", text)
		}
		walk(t, text, v)
	})
}

func walk(t *testing.T, text string, v jsontree.Value) {
	for _, m := range v.Members {
		walk(t, text, m.Value)
	}
	for _, item := range v.Items {
		walk(t, text, item)
	}
	if v.Kind != jsontree.String {
		return
	}
	var want string
	if err := json.Unmarshal([]byte(text[v.From:v.To]), &want); err != nil {
		t.Fatal(err)
	}
	d := jsontree.Decode(text, v.From, v.To)
	if d.Text != want {
		t.Fatalf("%q: got %q want %q", text[v.From:v.To], d.Text, want)
	}
	var again string
	if err := json.Unmarshal([]byte(jsontree.Quote(d.Text)), &again); err != nil || again != want {
		t.Fatalf("%q quoted is %q: %v", want, jsontree.Quote(d.Text), err)
	}
	last := v.From + 1
	for i := range len(d.Text) + 1 {
		if at := d.Raw(i); at < last || at > v.To-1 {
			t.Fatalf("byte %d is at %d of %d-%d", i, at, v.From, v.To)
		} else {
			last = at
		}
	}
}
