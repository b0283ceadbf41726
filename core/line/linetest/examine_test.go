package linetest

import (
	"encoding/json"
	"testing"
	"time"
)

func FuzzExamine(f *testing.F) {
	f.Add([]byte(`[{"type":"text","text":"$","emojis":[{"index":0}]}]`))
	f.Add(
		[]byte(
			`[{"type":"flex","altText":"a","contents":{"type":"carousel","contents":[{"type":"bubble"},null]}}]`,
		),
	)
	f.Add(
		[]byte(
			`[{"type":"template","altText":"a","template":{"type":"carousel","columns":[null,{"actions":[null]}]}}]`,
		),
	)
	f.Add(
		[]byte(`[{"type":"imagemap","baseSize":{"width":1040,"height":1},"actions":[{"type":"uri"}]}]`),
	)
	s := New(Config{Now: func() time.Time { return time.Unix(0, 0) }})
	f.Fuzz(func(t *testing.T, text []byte) {
		var messages []json.RawMessage
		if json.Unmarshal(text, &messages) != nil {
			return
		}
		_, bad := s.examine(messages)
		for _, raw := range messages {
			displayed(raw)
		}
		if bad != nil && bad.status != 400 {
			t.Errorf("refused with %d", bad.status)
		}
	})
}
