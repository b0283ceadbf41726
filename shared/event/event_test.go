package event_test

import (
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lumo/shared/event"
	"lumo/shared/fault"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, b []byte) {
	t.Helper()
	file, got := filepath.Join("testdata", name+".hex"), hex.EncodeToString(b)+"\n"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got %s want %s", name, got, want)
	}
}

func TestBytesAreTheGoldenOnes(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]event.Event{
		"click":          {Type: event.Click, Number: 7, Subject: 42, Link: 3},
		"click-shared":   {Type: event.Click, Class: event.Prefetch, Number: 7, Subject: 1<<63 | 42, Link: 3},
		"open-crawler":   {Type: event.Open, Class: event.Crawler, Number: 7, Subject: 42},
		"scan-head":      {Type: event.Scan, Class: event.Head, Number: 7, Subject: 4},
		"refused-hook":   {Type: event.RefusedHook, Number: 0xfffffffe, Subject: 2, Reason: 5},
		"largest-values": {Type: event.Click, Number: 1<<32 - 1, Subject: 1<<64 - 1, Link: 1<<32 - 1, Reason: 1<<16 - 1},
	} {
		b := e.Append(nil)
		golden(t, name, b)
		if got, err := event.Parse(b); err != nil || got != e || len(b) != event.Size {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestForeignBytesAreRefused(t *testing.T) {
	t.Parallel()
	good := event.Event{Type: event.Click, Number: 1}.Append(nil)
	change := func(at int, to byte) []byte {
		b := append([]byte(nil), good...)
		b[at] = to
		return b
	}
	for name, b := range map[string][]byte{
		"empty": nil, "short": good[:21], "long": append(change(0, 1), 0), "version": change(0, 2),
		"type 0": change(1, 0), "type 6": change(1, 6), "class 4": change(2, 4), "reserved": change(3, 1),
	} {
		if _, err := event.Parse(b); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v want invalid", name, err)
		}
	}
}

func TestOnlyPersonsAreClassZero(t *testing.T) {
	t.Parallel()
	const phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Safari Line/15.2.0"
	for name, c := range map[string]struct {
		head           bool
		purpose, agent string
		want           event.Class
	}{
		"a phone":            {agent: phone, want: event.Person},
		"no User-Agent":      {want: event.Person},
		"HEAD":               {head: true, agent: phone, want: event.Head},
		"HEAD by a crawler":  {head: true, agent: "Googlebot/2.1", want: event.Head},
		"prefetch":           {purpose: "prefetch", agent: phone, want: event.Prefetch},
		"prerender":          {purpose: "prefetch;prerender", agent: phone, want: event.Prefetch},
		"another purpose":    {purpose: "preview-less", agent: phone, want: event.Person},
		"LINE's preview":     {agent: "facebookexternalhit/1.1;line-poker/1.0", want: event.Crawler},
		"a phone called Pro": {agent: "Mozilla/5.0 (Linux; Android 14; Redmi Note 12 Pro) Line/15.2.0", want: event.Person},
		"a CUBOT phone":      {agent: "Mozilla/5.0 (Linux; Android 14; CUBOT X70) Line/15.2.0", want: event.Person},
	} {
		if got := event.Classify(c.head, []byte(c.purpose), []byte(c.agent)); got != c.want {
			t.Errorf("%s: got %d want %d", name, got, c.want)
		}
	}
}

func TestEachCrawlerIsFoundAnywhere(t *testing.T) {
	t.Parallel()
	for _, name := range event.Crawlers() {
		for before := range 20 {
			for after := range 12 {
				agent := strings.Repeat("o", before) + name + strings.Repeat("b", after)
				if got := event.Classify(false, nil, []byte(agent)); got != event.Crawler {
					t.Fatalf("%q: got %d want a crawler", agent, got)
				}
			}
		}
	}
}

func FuzzClassify(f *testing.F) {
	for _, agent := range append(event.Crawlers(), "Mozilla/5.0 (Linux; Android 14; SM-S918B) Line/15.2.0", "-p sA Pr bo") {
		f.Add(agent)
	}
	f.Fuzz(func(t *testing.T, agent string) {
		want := event.Person
		for _, name := range event.Crawlers() {
			if strings.Contains(agent, name) {
				want = event.Crawler
			}
		}
		if got := event.Classify(false, nil, []byte(agent)); got != want {
			t.Fatalf("%q: got %d want %d", agent, got, want)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(event.Event{Type: event.Click, Number: 7, Subject: 42, Link: 3}.Append(nil))
	f.Add([]byte{1, 4, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := event.Parse(b); err == nil && string(e.Append(nil)) != string(b) {
			t.Fatalf("%x came back as %x", b, e.Append(nil))
		}
	})
}
