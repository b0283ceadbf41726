package app_test

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lumo/edge/app"
	"lumo/edge/edgetest"
)

func examined(t *testing.T, now func() time.Time, environ ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := app.Doctor(t.Context(), environ, &out, now)
	return out.String(), err
}

// It may run beside the edge, and leaves the folder as it was.
func TestTheDoctorFindsNothingWhereAllIsWell(t *testing.T) {
	t.Parallel()
	core := edgetest.NewCore(t)
	core.Seed()
	dir := folder(t)
	settings := []string{"LUMO_EDGE_CORE_URL=" + core.URL(), "LUMO_EDGE_DIR=" + dir, "LUMO_EDGE_SPOOL_MAX=16MiB"}
	p := run(t, append([]string{"LUMO_EDGE_ENROL=" + edgetest.Code}, settings...)...).ready()
	until(t, "it is ready", func() bool { status, _, _ := p.do("GET", "/readyz", ""); return status == http.StatusOK })
	addr := strings.TrimPrefix(p.url, "http://")
	before := names(t, dir)
	said, err := examined(t, time.Now, append(settings, "LUMO_EDGE_ADDR="+addr)...)
	if err != nil {
		t.Errorf("%v:\n%s", err, said)
	}
	for _, want := range []string{"good  settings", "note  addresses", "good  folder", "This edge is edg_test", "good  module key",
		"good  spool", "good  core         The core knows this edge.", "good  clock", "good  edge         An edge runs at " + addr} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	if after := names(t, dir); after != before {
		t.Errorf("the folder had\n%s\nand has\n%s", before, after)
	}
	if strings.Contains(said, core.EdgeKey()) {
		t.Error("it shows the edge's key")
	}
	core.Revoke(true)
	core.Stop()
	core.Start()
	until(t, "it is revoked", func() bool {
		status, _, _ := p.do("GET", "/readyz", "")
		return status == http.StatusServiceUnavailable
	})
	said, err = examined(t, time.Now, append(settings, "LUMO_EDGE_ADDR="+addr)...)
	for _, want := range []string{"BAD   core         The core does not know this edge any more", "BAD   edge", "is not ready: this edge was revoked"} {
		if err == nil || !strings.Contains(said, want) {
			t.Errorf("revoked: no %q in %v\n%s", want, err, said)
		}
	}
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(name string, _ os.DirEntry, err error) error {
		if !strings.Contains(name, "compiled") { // all tests share it
			all = append(all, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, "\n")
}

func TestTheDoctorSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	t.Parallel()
	core := edgetest.NewCore(t)
	enrolled := t.TempDir()
	write := func(name, content string, mode os.FileMode) string {
		t.Helper()
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	identity := `{"edge":"edg_test","key":"` + core.EdgeKey() + `"}`
	if err := os.WriteFile(filepath.Join(enrolled, "identity.json"), []byte(identity), 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Dir(write("identity.json", "{", 0o600))
	loose := filepath.Dir(write("identity.json", identity, 0o644))
	aside := filepath.Dir(write("identity.json", identity, 0o600))
	if err := os.WriteFile(filepath.Join(aside, "spool.damaged-record-7"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }))
	defer elsewhere.Close()
	dumb, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := dumb.Addr().String()
	_ = dumb.Close()
	certFile, keyFile := writeCertificate(t, t.TempDir(), 1)
	tls := func(public string) []string {
		return []string{"LUMO_TLS_CERT_FILE=" + certFile, "LUMO_TLS_KEY_FILE=" + keyFile, "LUMO_EDGE_PUBLIC_URL=" + public}
	}
	for name, one := range map[string]struct {
		settings []string
		later    time.Duration
		want     string
	}{
		"a typing mistake":       {[]string{"LUMO_EDGE_ADR=x"}, 0, "BAD   settings     There is no setting LUMO_EDGE_ADR"},
		"an address of its own":  {[]string{"LUMO_EDGE_PUBLIC_URL=" + core.URL()}, 0, "BAD   addresses    LUMO_EDGE_PUBLIC_URL and LUMO_EDGE_CORE_URL are the same"},
		"links without https":    {[]string{"LUMO_EDGE_PUBLIC_URL=http://go.example"}, 0, "BAD   addresses    LUMO_EDGE_PUBLIC_URL begins with http"},
		"keys in the clear":      {[]string{"LUMO_EDGE_CORE_URL=http://core.invalid"}, 0, "BAD   addresses    LUMO_EDGE_CORE_URL begins with http"},
		"metrics for everybody":  {[]string{"LUMO_EDGE_METRICS_ADDR=0.0.0.0:9787"}, 0, "note  addresses    LUMO_EDGE_METRICS_ADDR"},
		"everybody is a proxy":   {[]string{"LUMO_TRUSTED_PROXIES=10.0.0.0/8,0.0.0.0/0"}, 0, "BAD   proxies      LUMO_TRUSTED_PROXIES has 0.0.0.0/0"},
		"a proxy unnamed":        {[]string{"LUMO_EDGE_PUBLIC_URL=https://go.example"}, 0, "BAD   proxies      A proxy stands before"},
		"a certificate's end":    {tls("https://127.0.0.1"), 0, "BAD   certificate  The certificate ends on"},
		"a certificate ended":    {tls("https://127.0.0.1"), 2 * time.Hour, "BAD   certificate  The certificate ended on"},
		"another's certificate":  {tls("https://go.example"), 0, "BAD   certificate  The certificate is not one of go.example"},
		"no certificate":         {[]string{"LUMO_TLS_CERT_FILE=/nowhere", "LUMO_TLS_KEY_FILE=/nowhere"}, 0, "BAD   certificate  LUMO_TLS_CERT_FILE and"},
		"a file as folder":       {[]string{"LUMO_EDGE_DIR=" + certFile}, 0, "BAD   folder       LUMO_EDGE_DIR is"},
		"a folder of the system": {[]string{"LUMO_EDGE_DIR=/proc"}, 0, "BAD   folder       Nothing can be written to /proc"},
		"an open key":            {[]string{"LUMO_EDGE_DIR=" + loose}, 0, "BAD   folder       Others may read " + loose},
		"not enrolled":           {[]string{"LUMO_EDGE_DIR=" + t.TempDir()}, 0, "BAD   enrolment    This edge is not enrolled"},
		"about to enrol":         {[]string{"LUMO_EDGE_DIR=" + t.TempDir(), "LUMO_EDGE_ENROL=lec_secretcode"}, 0, "note  enrolment    The next start enrols"},
		"enrolled long ago":      {[]string{"LUMO_EDGE_ENROL=lec_secretcode"}, 0, "note  enrolment    This edge is edg_test. LUMO_EDGE_ENROL did its work"},
		"a damaged identity":     {[]string{"LUMO_EDGE_DIR=" + damaged}, 0, "identity.json is damaged"},
		"no key of modules":      {nil, 0, "note  module key   This edge knows no key"},
		"another key":            {[]string{"LUMO_MODULE_PUBLIC_KEY=" + strings.Repeat("A", 43) + "="}, 0, "note  module key   LUMO_MODULE_PUBLIC_KEY outdoes"},
		"no room":                {[]string{"LUMO_EDGE_SPOOL_MAX=1000000GiB"}, 0, "BAD   spool        LUMO_EDGE_SPOOL_MAX is"},
		"a spool of nothing":     {[]string{"LUMO_EDGE_SPOOL_MAX=1MiB"}, 0, "BAD   spool        LUMO_EDGE_SPOOL_MAX is under 16 MB"},
		"damaged records":        {[]string{"LUMO_EDGE_DIR=" + aside}, 0, "BAD   spool        1 files with damaged records"},
		"no core":                {[]string{"LUMO_EDGE_CORE_URL=http://" + gone}, 0, "BAD   core         The core does not answer"},
		"not a core":             {[]string{"LUMO_EDGE_CORE_URL=" + elsewhere.URL}, 0, "BAD   core         LUMO_EDGE_CORE_URL does not answer as a core does"},
		"a clock that is fast":   {nil, time.Minute, "BAD   clock        This machine's clock and the core's are 1m"},
		"nobody runs":            {[]string{"LUMO_EDGE_ADDR=" + gone}, 0, "note  edge         No edge runs here"},
		"another program":        {[]string{"LUMO_EDGE_ADDR=" + other.Listener.Addr().String()}, 0, "BAD   edge         Another program listens"},
	} {
		later := func() time.Time { return time.Now().Add(one.later) }
		settings := append([]string{"LUMO_EDGE_CORE_URL=" + core.URL(), "LUMO_EDGE_DIR=" + enrolled, "LUMO_EDGE_SPOOL_MAX=16MiB",
			"LUMO_EDGE_ADDR=" + gone}, one.settings...)
		said, err := examined(t, later, settings...)
		if !strings.Contains(said, one.want) || strings.Contains(said, "lec_secretcode") {
			t.Errorf("%s: no %q in\n%s", name, one.want, said)
		}
		if failed := err != nil && strings.Contains(err.Error(), "checks failed"); failed != strings.Contains(said, "BAD") {
			t.Errorf("%s: it ends with %v, after\n%s", name, err, said)
		}
	}
}
