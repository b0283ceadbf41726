package app_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"lumo/edge/edgetest"
	"lumo/edge/modules"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
)

// A published set decides without a request being lost, and after the next start without
// the core; a bad one changes nothing but what the edge tells of itself.
func TestModulesAreReplacedWhileRequestsCome(t *testing.T) {
	t.Parallel()
	core, dir := edgetest.NewCore(t), folder(t)
	core.Seed()
	settings := []string{"LUMO_EDGE_CORE_URL=" + core.URL(), "LUMO_EDGE_DIR=" + dir}
	addr := freeAddr(t)
	p := run(t, append(settings, "LUMO_EDGE_ENROL="+edgetest.Code, "LUMO_EDGE_METRICS_ADDR="+addr)...).ready()
	click := func(p *process) {
		t.Helper()
		status, location, _ := p.do(http.MethodGet, "/c/"+edgetest.Link(1, 42), "")
		if status != 302 || !strings.HasPrefix(location, edgeapitest.Target) {
			t.Fatalf("got %d %q", status, location)
		}
	}
	late := 0       // a machine that stands still lets a call pass its deadline; who scans gets a page then
	all := func() { // one request for each module
		t.Helper()
		click(p)
		status, location, _ := p.do(http.MethodGet, "/q/"+edgeapitest.Code+"?k=01HPROFILE", "")
		if status == http.StatusOK {
			late++
		}
		if status != 302 && (status != http.StatusOK || late > 1) {
			t.Fatalf("a scan: got %d %q", status, location)
		}
		if status := p.line("{}"); status != http.StatusOK {
			t.Fatalf("a webhook: got %d", status)
		}
	}
	second, err := modules.Default()
	if err != nil {
		t.Fatal(err)
	}
	second["redirect"] = edgetest.Marked(second["redirect"], "second")
	core.Publish(2, second)
	until(t, "the core hears of the new set", func() bool {
		all()
		return core.Status().Modules == 2
	})
	third, err := modules.Default()
	if err != nil {
		t.Fatal(err)
	}
	third["redirect"] = third["redirect"][:len(third["redirect"])/2]
	core.Publish(3, third)
	if b := scrape(t, addr); !strings.Contains(b, "\nlumo_edge_modules_refused 0\n") {
		t.Error("a set that is used counts as refused")
	}
	until(t, "the core hears of the refusal", func() bool {
		all()
		return core.Status().Trouble == edgeapi.TroubleModules && core.Status().Modules == 2
	})
	if b := scrape(t, addr); !strings.Contains(b, "\nlumo_edge_modules_refused 1\n") {
		t.Error("the refusal is not among the metrics")
	}
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	core.Stop()
	again := run(t, append(settings, "LUMO_EDGE_METRICS_ADDR="+freeAddr(t))...).ready()
	click(again)
	if err := again.end(); err != nil {
		t.Fatal(err)
	}
	if log := again.log.String(); strings.Contains(log, "manifest.Kept") {
		t.Errorf("the kept set did not start: %s", log)
	}
}

// An edge trusts the key of its enrolment, unless the operator gives it another one at the edge
// itself: whoever replaced the signing key has no need to enrol edges anew.
func TestTheEdgesOwnModuleKeyOutdoesThatOfItsEnrolment(t *testing.T) {
	t.Parallel()
	core, dir := edgetest.NewCore(t), folder(t)
	core.Seed()
	settings := []string{"LUMO_EDGE_CORE_URL=" + core.URL(), "LUMO_EDGE_DIR=" + dir, "LUMO_EDGE_ENROL=" + edgetest.Code}
	other := "LUMO_MODULE_PUBLIC_KEY=" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	p := run(t, append(settings, other)...).ready()
	second, err := modules.Default()
	if err != nil {
		t.Fatal(err)
	}
	second["redirect"] = edgetest.Marked(second["redirect"], "second")
	core.Publish(2, second)
	until(t, "the set to be refused under another key", func() bool {
		return core.Status().Trouble == edgeapi.TroubleModules && core.Status().Modules == 0
	})
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	again := run(t, settings...).ready()
	until(t, "the set to be taken under the key of the enrolment", func() bool {
		return core.Status().Trouble == 0 && core.Status().Modules == 2
	})
	if err := again.end(); err != nil {
		t.Fatal(err)
	}
}
