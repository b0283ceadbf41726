package app_test

import (
	"net/http"
	"strings"
	"testing"

	"lumo/edge/edgetest"
	"lumo/shared/edgeapi/edgeapitest"
)

// A revoked edge sends webhooks elsewhere: nobody would ever take from it what it keeps.
func TestARevokedEdgeSendsWebhooksElsewhere(t *testing.T) {
	t.Parallel()
	core := edgetest.NewCore(t)
	core.Seed()
	p := run(t, "LUMO_EDGE_CORE_URL="+core.URL(), "LUMO_EDGE_DIR="+folder(t),
		"LUMO_EDGE_ENROL="+edgetest.Code).ready()
	ready := func() (int, string) {
		status, _, text := p.do("GET", "/readyz", "")
		return status, text
	}
	until(t, "it is ready", func() bool { status, _ := ready(); return status == http.StatusOK })
	core.Revoke(true)
	core.Stop() // the streams end with it, as the core ends them
	core.Start()
	until(t, "it knows that it was revoked", func() bool {
		status, text := ready()
		return status == http.StatusServiceUnavailable && strings.Contains(text, "revoked")
	})
	status, _, _ := p.do("POST", "/hooks/line/"+edgeapitest.LINEHook, "{}", "X-Line-Signature",
		signature("{}"))
	if status != http.StatusServiceUnavailable {
		t.Errorf("a webhook: got %d", status)
	}
	if status, _, _ := p.do("GET", "/c/"+edgetest.Link(1, 42), ""); status != http.StatusFound {
		t.Errorf("a link: got %d", status)
	}
	core.Revoke(false)
	until(t, "it is ready again", func() bool { status, _ := ready(); return status == http.StatusOK })
	if got := p.line("{}"); got != http.StatusOK {
		t.Errorf("a webhook afterwards: got %d", got)
	}
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
}
