package app_test

import (
	"fmt"
	"strings"
	"testing"

	"lumo/edge/app"
)

func TestSettingsAreReadFromTheEnvironment(t *testing.T) {
	t.Parallel()
	s, err := app.Read([]string{"LUMO_EDGE_CORE_URL=http://127.0.0.1:8080/", "LUMO_EDGE_ENROL=lec_1",
		"LUMO_EDGE_SPOOL_MAX=64MiB", "LUMO_TRUSTED_PROXIES=10.0.0.0/8, 192.0.2.7", "PATH=/bin",
		"LUMO_CORE_ADDR=127.0.0.1:8080"})
	if err != nil {
		t.Fatal(err)
	}
	if s.CoreURL != "http://127.0.0.1:8080" || s.PublicURL != "http://127.0.0.1:8787" ||
		s.SpoolMax != 64<<20 || s.KeyFile != "edge-data/edge.key" {
		t.Errorf("got %+v", s)
	}
	if got, want := fmt.Sprint(s.Proxies), "[10.0.0.0/8 192.0.2.7/32]"; got != want {
		t.Errorf("got %s want %s", got, want)
	}
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%+v", s), fmt.Sprintf("%#v", s.Enrol)} {
		if len(text) == 0 || strings.Contains(text, "lec_1") {
			t.Errorf("the code is printed: %s", text)
		}
	}
}

func TestAModuleKeyThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"canary", "AAAA", "LUMO_MODULE_PUBLIC_KEY=AAAA"} {
		_, err := app.Read([]string{"LUMO_EDGE_CORE_URL=http://127.0.0.1:1", "LUMO_MODULE_PUBLIC_KEY=" + text})
		if err == nil || !strings.Contains(err.Error(), "LUMO_MODULE_PUBLIC_KEY") {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func FuzzSizesAndNetworks(f *testing.F) {
	f.Add("1GiB", "10.0.0.0/8")
	f.Add("99999999999999999999GiB", "::1,")
	f.Add("", "/")
	f.Add("1099511627776GiB", "")
	f.Fuzz(func(t *testing.T, size, networks string) {
		s, err := app.Read([]string{"LUMO_EDGE_CORE_URL=http://127.0.0.1:1",
			"LUMO_EDGE_SPOOL_MAX=" + size, "LUMO_TRUSTED_PROXIES=" + networks})
		if err == nil && s.SpoolMax <= 0 {
			t.Errorf("a size of %d from %q", s.SpoolMax, size)
		}
	})
}
