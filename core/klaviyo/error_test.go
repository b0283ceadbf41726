package klaviyo

import (
	"strings"
	"testing"
)

func FuzzErrorRead(f *testing.F) {
	f.Add(`{"errors":[{"code":"invalid","source":{"pointer":"/data"},"meta":{"duplicate_profile_id":"01H"}}]}`)
	f.Add(`{"errors":[{"code":1}]}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, body string) {
		var e Error
		e.read([]byte(body))
		if text := e.Error() + e.Pointer + string(e.Other); strings.ContainsAny(text, "@<>\"'\n") {
			t.Errorf("a body came through: %q", text)
		}
	})
}
