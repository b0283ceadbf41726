package spectest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"lumo/core/vendortest/spectest"
)

// muted is a test that findings do not fail.
type muted struct{ testing.TB }

func (muted) Error(...any) {}

type answers func(*http.Request) (int, string)

func (a answers) RoundTrip(req *http.Request) (*http.Response, error) {
	status, body := a(req)
	return &http.Response{
		StatusCode: status,
		Header:     http.Header{"Content-Type": {"application/json"}},
		Body:       io.NopCloser(strings.NewReader(body)),
		Request:    req,
	}, nil
}

func TestContradictionsAreFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path, body string
		status     int
		answer     string
		findings   int
	}{
		"good":                       {"/v2/bot/message/push", `{"to":"U1","messages":[{"type":"text","text":"x"}]}`, 200, `{"sentMessages":[{"id":"1"}]}`, 0},
		"answer of another type":     {"/v2/bot/message/push", `{"to":"U1","messages":[{"type":"text","text":"x"}]}`, 200, `{"sentMessages":"no"}`, 1},
		"request without messages":   {"/v2/bot/message/push", `{"to":"U1"}`, 200, `{"sentMessages":[{"id":"1"}]}`, 1},
		"refused request":            {"/v2/bot/message/push", `{"to":"U1"}`, 400, `{"message":"no"}`, 0},
		"path that nobody describes": {"/friendship/v1/status", `{}`, 200, `{"friendFlag":true}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checker := spectest.LINE(muted{t})
			client := http.Client{
				Transport: checker.Transport("/line-api", answers(func(*http.Request) (int, string) {
					return c.status, c.answer
				})),
			}
			req, _ := http.NewRequest(
				http.MethodPost,
				"http://127.0.0.1/line-api"+c.path,
				strings.NewReader(c.body),
			)
			req.Header.Set("Content-Type", "application/json")
			if _, err := client.Do(req); err != nil {
				t.Fatal(err)
			}
			if got := checker.Findings(); len(got) != c.findings {
				t.Errorf("got %d findings %v, want %d", len(got), got, c.findings)
			}
		})
	}
}
