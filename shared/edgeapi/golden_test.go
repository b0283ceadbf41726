package edgeapi_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
	"lumo/shared/event"
	"lumo/shared/id"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func hexGolden(t *testing.T, name string, b []byte) {
	t.Helper()
	golden(t, name+".hex", edgeapitest.Hex(b))
}

func TestReasonsAreTheGoldenOnes(t *testing.T) {
	t.Parallel()
	codes := map[edgeapi.Reason]string{}
	for reason, code := range edgeapi.Reasons() {
		codes[reason] = code
		if got := edgeapi.ParseReason(code); got != reason || reason.Code() != code {
			t.Errorf("%s: got %d want %d", code, got, reason)
		}
	}
	b, err := json.MarshalIndent(codes, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "reasons.json", append(b, '\n'))
	if edgeapi.ParseReason("") != 0 || edgeapi.ParseReason("nonsense") != 0 ||
		edgeapi.Reason(0).Code() != "" {
		t.Error("no reason has a code")
	}
}

func TestKeyReferences(t *testing.T) {
	t.Parallel()
	ref := edgeapi.Ref(edgeapi.KeyShopify, 0xabcd, 0x01020304)
	if uint64(ref) != 0x0700abcd01020304 || ref.Kind() != edgeapi.KeyShopify ||
		ref.Key() != 0xabcd ||
		ref.Number() != 0x01020304 {
		t.Errorf("got %#x", uint64(ref))
	}
	if got, err := edgeapi.ParseKeyRef(ref.Append(nil)); err != nil || got != ref {
		t.Errorf("got %#x, %v", uint64(got), err)
	}
}

// row is a golden entry of one table.
type row struct {
	key, value []byte
	again      func(value []byte) ([]byte, error)
}

func again[T interface{ Append([]byte) []byte }](
	parse func([]byte) (T, error),
) func([]byte) ([]byte, error) {
	return func(value []byte) ([]byte, error) {
		entry, err := parse(value)
		return entry.Append(nil), err
	}
}

func rows() map[string]row {
	const key = "aaaaaaaaaaaaaaa2"
	target := func(value []byte) ([]byte, error) {
		text, err := edgeapi.ParseTarget(value)
		return edgeapi.AppendTarget(nil, text), err
	}
	return map[string]row{
		"hook": {
			edgeapi.HookKey(edgeapi.KeyShopify, key),
			edgeapi.HookEntry{Number: 7, Core: true}.Append(nil),
			again(edgeapi.ParseHookEntry),
		},
		"link": {
			edgeapi.LinkKey(7, 3),
			edgeapi.AppendTarget(nil, "https://shop.example/?utm_source=line"),
			target,
		},
		"image": {
			edgeapi.ImageKey(7, 5, 1040),
			edgeapi.ImageEntry{SHA256: [32]byte{1, 31: 2}, MediaType: "image/png",
				PerPerson: true}.Append(nil),
			again(edgeapi.ParseImageEntry),
		},
		"channel": {
			edgeapi.ChannelKey(7),
			edgeapi.ChannelEntry{StateKey: 2, LoginChannel: "2001", BasicID: "@hanatea",
				Shop: "花茶", FallbackURL: "https://shop.example/", Language: "ja"}.Append(nil),
			again(edgeapi.ParseChannelEntry),
		},
		"channel-email": {
			edgeapi.ChannelKey(8),
			edgeapi.ChannelEntry{StateKey: 2, LoginChannel: "2001", BasicID: "@hanatea", Shop: "花茶",
				FallbackURL: "https://shop.example/", Language: "ja", AskEmail: true}.Append(nil),
			again(edgeapi.ParseChannelEntry),
		},
		"look": {
			edgeapi.LookKey(7),
			edgeapi.LookEntry{Ring: "teal", Picture: "https://profile.line-scdn.net/0h7"}.Append(nil),
			again(edgeapi.ParseLookEntry),
		},
		"code": {
			[]byte(key),
			edgeapi.CodeEntry{Number: 4, Channel: 7, Claims: 5, Expires: 1795521600,
				State: edgeapi.CodePaused}.Append(nil),
			again(edgeapi.ParseCodeEntry),
		},
		"form": {
			[]byte(key),
			edgeapi.FormEntry{
				Channel: 7,
				Code:    key,
				Origins: []string{"https://a.example", ""},
				Number:  6, Settings: `{"show":"both"}`,
			}.Append(nil),
			again(edgeapi.ParseFormEntry),
		},
		"key": {
			edgeapi.Ref(edgeapi.KeyFlow, 2, 7).Append(nil),
			edgeapi.KeyEntry{ValidFrom: 1, ValidUntil: 2,
				Secret: []byte{3, 4}}.Append(nil),
			again(edgeapi.ParseKeyEntry),
		},
	}
}

func TestTablesAreTheGoldenOnes(t *testing.T) {
	t.Parallel()
	for name, r := range rows() {
		hexGolden(t, "table/"+name+"-key", r.key)
		hexGolden(t, "table/"+name, r.value)
		got, err := r.again(r.value)
		if err != nil || string(got) != string(r.value) {
			t.Errorf("%s came back as %x, %v", name, got, err)
		}
		for n := range r.value {
			// A target that ends early is one with another length; a key may be of any length; a
			// channel that asks for emails has one byte more than another one.
			older := name == "channel-email" && n == len(r.value)-1
			if _, err := r.again(r.value[:n]); err == nil && name != "key" && !older {
				t.Errorf("%s: %d of %d bytes were read", name, n, len(r.value))
			}
		}
		if _, err := r.again(append(r.value, 0)); err == nil && name != "key" {
			t.Errorf("%s: a byte behind was not seen", name)
		}
	}
}

func TestFramesAreTheGoldenOnes(t *testing.T) {
	t.Parallel()
	var entries []byte
	entries = edgeapi.Entry{
		Op:    edgeapi.Put,
		Table: edgeapi.TableLink,
		Key:   edgeapi.LinkKey(7, 3),
		Value: []byte{1},
	}.Append(entries)
	entries = edgeapi.Entry{
		Op:    edgeapi.Delete,
		Table: edgeapi.TableKey,
		Key:   edgeapi.Ref(edgeapi.KeyFlow, 1, 7).Append(nil),
	}.Append(entries)
	for name, f := range map[string]edgeapi.Frame{
		"snapshot":     {Type: edgeapi.FrameSnapshot, Sequence: 41, Payload: entries},
		"snapshot-end": {Type: edgeapi.FrameSnapshot, Sequence: 41},
		"delta":        {Type: edgeapi.FrameDelta, Sequence: 42, Payload: entries},
		"heartbeat": {Type: edgeapi.FrameHeartbeat, Sequence: 42,
			Payload: edgeapi.Heartbeat{Version: 42, UnixMS: 1795521600000}.Append(nil)},
		"ack": {Type: edgeapi.FrameAck, Sequence: 42},
		"status": {Type: edgeapi.FrameStatus, Payload: edgeapi.Status{WaitingEvents: 3, OldestSeconds: 9, Modules: 7,
			Trouble: edgeapi.TroubleSpool | edgeapi.TroubleModules, Refused: 8, SpoolBytes: 4096,
			SpoolLimit: 1 << 30, Served: 99, Program: "1.2.0", Refusal: edgeapi.RefusedTest, Detail: "It traps."}.Append(nil)},
		"modules": {Type: edgeapi.FrameModules, Payload: edgeapi.ModuleSet{
			Signature: [64]byte{1, 63: 2}, Manifest: []byte(`{"version":7}`)}.Append(nil)},
	} {
		b := f.Append(nil)
		hexGolden(t, "frame/"+name, b)
		got, err := edgeapi.ParseFrame(b)
		if err != nil || got.Type != f.Type || got.Sequence != f.Sequence ||
			string(got.Payload) != string(f.Payload) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	got, err := edgeapi.ParseEntries(entries)
	if err != nil || len(got) != 2 || got[1].Op != edgeapi.Delete ||
		got[0].Table != edgeapi.TableLink {
		t.Errorf("entries: got %+v, %v", got, err)
	}
	for n := 1; n < len(entries); n++ {
		if got, err := edgeapi.ParseEntries(entries[:n]); err == nil && len(got) != 1 {
			t.Errorf("%d of %d bytes were read as %+v", n, len(entries), got)
		}
	}
}

func TestRecordsAreTheGoldenOnes(t *testing.T) {
	t.Parallel()
	request := edgeapi.SpooledRequest{
		Method:     "POST",
		Target:     "/hooks/line/aaaaaaaaaaaaaaa2",
		ReceivedAt: 1795521600000,
		Auth:       "provisional",
		Config:     42,
		Headers:    map[string]string{"X-Line-Signature": "x"},
		KeySHA256:  "ab",
		Body:       []byte("{\n}"),
	}
	body, err := request.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	event := edgeapi.Record{Kind: edgeapi.RecordEvent, ID: edgeapitest.EventID(),
		Body: event.Event{Type: event.Click, Number: 7, Subject: 42, Link: 3}.Append(nil)}
	hook := edgeapi.Record{Kind: edgeapi.RecordRequest, ID: edgeapitest.EventID(), Body: body}
	hexGolden(t, "record/event", event.Append(nil))
	hexGolden(t, "record/request", hook.Append(nil))
	batch := hook.Append(event.Append(nil))
	first, rest, err := edgeapi.NextRecord(batch)
	if err != nil || first.Kind != edgeapi.RecordEvent || first.ID != event.ID ||
		string(first.Body) != string(event.Body) {
		t.Fatalf("got %+v, %v", first, err)
	}
	second, rest, err := edgeapi.NextRecord(rest)
	if err != nil || len(rest) != 0 {
		t.Fatalf("%d bytes left, %v", len(rest), err)
	}
	got, err := edgeapi.ParseSpooledRequest(second.Body)
	if diff := cmp.Diff(request, got); err != nil || diff != "" {
		t.Errorf("request (-want +got):\n%s%v", diff, err)
	}
}

func TestADamagedRecordCostsNoOther(t *testing.T) {
	t.Parallel()
	one := edgeapi.Record{
		Kind: edgeapi.RecordEvent,
		ID:   id.New(1, [10]byte{}),
		Body: make([]byte, event.Size),
	}.Append(nil)
	for at := 8; at < len(one); at++ {
		batch := append(append([]byte(nil), one...), one...)
		batch[at] ^= 0x10
		_, rest, err := edgeapi.NextRecord(batch)
		if err == nil {
			t.Errorf("a flipped bit at %d was not seen", at)
		}
		if _, _, err := edgeapi.NextRecord(rest); err != nil {
			t.Errorf("a flipped bit at %d cost the next record: %v", at, err)
		}
	}
	for n := range len(one) {
		if _, _, err := edgeapi.NextRecord(one[:n]); err == nil {
			t.Errorf("%d of %d bytes were read", n, len(one))
		}
	}
}
