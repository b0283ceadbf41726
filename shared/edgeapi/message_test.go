package edgeapi_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
	"lumo/shared/event"
	"lumo/shared/fault"
)

func TestRequestsComeBack(t *testing.T) {
	t.Parallel()
	for _, c := range edgeapitest.Cases() {
		b := c.Request.Append(nil)
		var got edgeapi.Request
		if err := got.Parse(b); err != nil || string(got.Append(nil)) != string(b) {
			t.Errorf("%s: got %+v, %v", c.Name, got, err)
		}
	}
}

func TestAllFieldsOfARequestAreKept(t *testing.T) {
	t.Parallel()
	want := edgeapi.Request{
		Method:      edgeapi.OPTIONS,
		Flags:       7,
		Path:        []byte("a"),
		Query:       []byte("b"),
		Host:        []byte("c"),
		EventID:     []byte("d"),
		UserAgent:   []byte("e"),
		Purpose:     []byte("f"),
		Language:    []byte("g"),
		LinkCookie:  []byte("h"),
		Origin:      []byte("i"),
		ContentType: []byte("j"),
		Credential:  []byte("k"),
		Extra:       []byte("l"),
	}
	b := append(want.Append(nil), 200, 1, 0, 0, 0, 'x') // a tag of a later version
	var got edgeapi.Request
	if err := got.Parse(b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMalformedRequestsAreRefused(t *testing.T) {
	t.Parallel()
	good := (&edgeapi.Request{Method: edgeapi.GET, Path: []byte("/c/x")}).Append(nil)
	for name, b := range map[string][]byte{
		"nothing": nil, "half a head": good[:3], "another version": append([]byte{2}, good[1:]...),
		"an unknown method": append([]byte{1, 5}, good[2:]...), "half a field": good[:len(good)-1], "half a field's head": good[:7],
		"a field twice": append(append([]byte(nil), good...), good[4:]...),
		"a huge field":  append(append([]byte(nil), good[:4]...), 1, 0xff, 0xff, 0xff, 0xff),
		"too long":      append(append([]byte(nil), good...), make([]byte, edgeapi.MaxMessage)...),
	} {
		if err := new(edgeapi.Request).Parse(b); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

func TestBuiltVerdictsParse(t *testing.T) {
	t.Parallel()
	click := event.Event{Type: event.Click, Number: 7, Subject: 42, Link: 3}
	var w edgeapi.Builder
	w.Use(make([]byte, 512))
	for range 2 { // the second must not see the first
		w.Reset()
		w.Head(edgeapi.Respond, 200, edgeapi.BadShape)
		w.Header("Vary: Origin")
		w.BeginHeader()
		w.PutString("Location: ")
		w.Put([]byte("/x"))
		w.End()
		w.BeginBody()
		copy(w.Room(4), "body")
		w.End()
		w.BeginDraw()
		w.PutString("https://edge.example/q/x")
		w.End()
		w.Event(click)
		w.Page(edgeapi.PageDesktopQR)
		w.Auth(edgeapi.AuthUnchecked)
		w.Number(1 << 31)
	}
	want := edgeapi.Verdict{
		Kind:   edgeapi.Respond,
		Status: 200,
		Reason: edgeapi.BadShape,
		Body:   []byte("body"),
		Headers: [][]byte{
			[]byte("Vary: Origin"),
			[]byte("Location: /x"),
		},
		Draw: []byte("https://edge.example/q/x"),
		Events: [][]byte{
			click.Append(nil),
		},
		Page:   edgeapi.PageDesktopQR,
		Auth:   edgeapi.AuthUnchecked,
		Number: 1 << 31,
	}
	var got edgeapi.Verdict
	if err := got.Parse(w.Bytes()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAVerdictThatDoesNotFitIsNone(t *testing.T) {
	t.Parallel()
	var w edgeapi.Builder
	w.Use(make([]byte, 32))
	w.Reset()
	w.Head(edgeapi.Respond, 200, 0)
	w.BeginBody()
	w.PutString("twenty-one characters")
	w.End()
	if w.Bytes() == nil {
		t.Error("it would have fitted")
	}
	w.Reset()
	w.BeginBody()
	w.PutString("twenty-two characters.")
	w.End()
	if got := w.Bytes(); got != nil {
		t.Errorf("got %x", got)
	}
}

func FuzzRequest(f *testing.F) {
	for _, c := range edgeapitest.Cases() {
		f.Add(c.Request.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r edgeapi.Request
		if r.Parse(b) != nil {
			return
		}
		var again edgeapi.Request
		if err := again.Parse(r.Append(nil)); err != nil {
			t.Fatal(err)
		}
		if string(again.Append(nil)) != string(r.Append(nil)) {
			t.Fatalf("%+v came back as %+v", r, again)
		}
	})
}

func FuzzVerdict(f *testing.F) {
	v := edgeapi.Verdict{
		Kind:    edgeapi.Respond,
		Status:  302,
		Headers: [][]byte{[]byte("Location: /x")},
		Body:    []byte("b"),
		Events:  [][]byte{make([]byte, event.Size)},
		Page:    1,
		Draw:    []byte("d"),
		Auth:    1,
		Number:  7,
	}
	f.Add(v.Append(nil))
	f.Add([]byte{1, 3, 0x94, 1, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var v edgeapi.Verdict
		if v.Parse(b) != nil {
			return
		}
		var again edgeapi.Verdict
		if err := again.Parse(v.Append(nil)); err != nil {
			t.Fatalf("%+v cannot be read again: %v", v, err)
		}
		for _, line := range v.Headers {
			for _, c := range line {
				if c == '\r' || c == '\n' {
					t.Fatalf("a header holds a line break: %q", line)
				}
			}
		}
	})
}

func FuzzTables(f *testing.F) {
	for _, r := range rows() {
		f.Add(r.value)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, r := range rows() {
			if got, err := r.again(b); err == nil && string(got) != string(b) {
				t.Fatalf("%s: %x came back as %x", name, b, got)
			}
		}
	})
}

func FuzzFrame(f *testing.F) {
	entries := edgeapi.Entry{
		Op:    edgeapi.Put,
		Table: edgeapi.TableLink,
		Key:   edgeapi.LinkKey(7, 3),
		Value: []byte{1},
	}.Append(nil)
	f.Add(edgeapi.Frame{Type: edgeapi.FrameDelta, Sequence: 42, Payload: entries}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := edgeapi.ParseFrame(b)
		if err != nil {
			return
		}
		if string(frame.Append(nil)) != string(b) {
			t.Fatalf("%x came back as %x", b, frame.Append(nil))
		}
		entries, err := edgeapi.ParseEntries(frame.Payload)
		if err != nil {
			return
		}
		var again []byte
		for _, e := range entries {
			again = e.Append(again)
		}
		if string(again) != string(frame.Payload) {
			t.Fatalf("%x came back as %x", frame.Payload, again)
		}
	})
}

func FuzzRecord(f *testing.F) {
	f.Add(
		edgeapi.Record{
			Kind: edgeapi.RecordEvent,
			ID:   edgeapitest.EventID(),
			Body: make([]byte, event.Size),
		}.Append(nil),
	)
	f.Add(
		edgeapi.Record{
			Kind: edgeapi.RecordRequest | edgeapi.SealedRecord,
			Body: []byte("{}\n"),
		}.Append(nil),
	)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, rest, err := edgeapi.NextRecord(b)
		if err != nil {
			return
		}
		if string(r.Append(nil))+string(rest) != string(b) {
			t.Fatalf("%x came back as %x and %x", b, r.Append(nil), rest)
		}
		_, _ = edgeapi.ParseSpooledRequest(r.Body)
	})
}

func TestStatusesOfEarlierVersionsAreRead(t *testing.T) {
	t.Parallel()
	want := edgeapi.Status{WaitingEvents: 3, OldestSeconds: 9, Modules: 7,
		Trouble: edgeapi.TroubleReplica, Refused: 8, SpoolBytes: 5, SpoolLimit: 6, Served: 4,
		Program: "1.2.0", Refusal: edgeapi.RefusedFile, Detail: "理由"}
	whole, third := want.Append(nil), want
	third.Refusal = edgeapi.RefusedOther
	for length, want := range map[int]edgeapi.Status{
		len(whole):     want,
		len(whole) - 1: third,
		25:             {WaitingEvents: 3, OldestSeconds: 9, Modules: 7, Trouble: edgeapi.TroubleReplica},
		16:             {WaitingEvents: 3, OldestSeconds: 9},
	} {
		if got, err := edgeapi.ParseStatus(whole[:length]); err != nil || got != want {
			t.Errorf("%d bytes: got %+v, %v", length, got, err)
		}
	}
	for _, bad := range [][]byte{whole[:15], whole[:17], whole[:26], whole[:len(whole)-2], append(whole, 0)} {
		if _, err := edgeapi.ParseStatus(bad); err == nil {
			t.Errorf("%d bytes are read", len(bad))
		}
	}
}

// A newer edge may have reasons that this core knows nothing of.
func TestRefusalsHaveLastingCodes(t *testing.T) {
	t.Parallel()
	var codes []string
	for n, r := range edgeapi.Refusals() {
		codes = append(codes, r.Code())
		if int(r) != n+1 || edgeapi.ParseRefusal(r.Code()) != r {
			t.Errorf("%d %q comes back as %d", r, r.Code(), edgeapi.ParseRefusal(r.Code()))
		}
	}
	want := []string{"other", "signature", "manifest", "fetch", "file", "shape", "import", "compile", "start", "test"}
	if !slices.Equal(codes, want) {
		t.Errorf("got %q want %q", codes, want)
	}
	if edgeapi.ParseRefusal("It traps.") != 0 || edgeapi.Refusal(0).Code() != "" || edgeapi.Refusal(99).Code() != "other" {
		t.Error("what is no reason has one")
	}
	newer := edgeapi.Status{Refusal: 99, Detail: "of tomorrow"}.Append(nil)
	if got, err := edgeapi.ParseStatus(newer); err != nil || got.Refusal != edgeapi.RefusedOther || got.Detail != "of tomorrow" {
		t.Errorf("got %+v, %v", got, err)
	}
	cause := edgeapi.RefusedStart.Because(fault.New(fault.Invalid, "x", "It does not."))
	if got := edgeapi.RefusalOf(fault.Wrap("y", cause)); got != edgeapi.RefusedStart || !fault.Is(cause, fault.Invalid) ||
		fault.MessageOf(cause) != "It does not." {
		t.Errorf("got %d of %v", got, cause)
	}
	if edgeapi.RefusedStart.Because(nil) != nil || edgeapi.RefusalOf(errors.New("x")) != edgeapi.RefusedOther {
		t.Error("no error is a reason")
	}
}

func TestAStatusCarriesShortTexts(t *testing.T) {
	t.Parallel()
	long := edgeapi.Status{Program: "a\xff", Refusal: 1, Detail: strings.Repeat("理", 100)}
	got, err := edgeapi.ParseStatus(long.Append(nil))
	if err != nil || got.Program != "a" || got.Detail != strings.Repeat("理", 66) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func FuzzStatus(f *testing.F) {
	f.Add(edgeapi.Status{Modules: 2, Program: "1", Refusal: 3, Detail: "no"}.Append(nil))
	f.Add(make([]byte, 16))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := edgeapi.ParseStatus(b)
		if again, _ := edgeapi.ParseStatus(s.Append(nil)); err == nil && again != s {
			t.Errorf("%x is read as something else", b)
		}
	})
}

func FuzzModuleSet(f *testing.F) {
	f.Add(edgeapi.ModuleSet{Manifest: []byte("{}")}.Append(nil))
	f.Add(make([]byte, 64))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := edgeapi.ParseModuleSet(b)
		if err == nil && string(m.Append(nil)) != string(b) {
			t.Errorf("%x is read as something else", b)
		}
	})
}
