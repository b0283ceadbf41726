package app_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"lumo/edge/app"
	"lumo/edge/edgetest"
	"lumo/shared/edgeapi/edgeapitest"
	"lumo/shared/fault"
)

const soon = time.Minute

// process is a running edge.
type process struct {
	t    *testing.T
	url  string
	stop context.CancelFunc
	done chan error
	out  *lines
	log  *lines
}

// lines keeps what was printed.
type lines struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func run(t *testing.T, environ ...string) *process {
	t.Helper()
	addr := freeAddr(t)
	ctx, stop := context.WithCancel(context.Background())
	p := &process{t: t, url: "http://" + addr, stop: stop, done: make(chan error, 1), out: &lines{},
		log: &lines{}}
	environ = append([]string{"LUMO_EDGE_ADDR=" + addr, "LUMO_LOG_LEVEL=debug",
		"LUMO_EDGE_FAREWELL=10ms"}, environ...)
	go func() { p.done <- app.Run(ctx, nil, environ, p.out, p.log) }()
	t.Cleanup(stop)
	return p
}

func (p *process) ready() *process {
	p.t.Helper()
	until(p.t, "the edge is ready", func() bool {
		select {
		case err := <-p.done:
			p.t.Fatalf("it ended: %v\n%s", err, p.log)
		default:
		}
		return strings.Contains(p.out.String(), "ready")
	})
	return p
}

func (p *process) end() error {
	p.stop()
	select {
	case err := <-p.done:
		return err
	case <-time.After(soon):
		p.t.Fatal("it does not stop")
		return nil
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(soon)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("never happened: %s", what)
		case <-tick.C:
		}
	}
}

func (p *process) do(method, path, body string, header ...string) (status int, location,
	text string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, p.url+path,
		strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("User-Agent", edgeapitest.Phone)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{Timeout: soon, Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		CheckRedirect: func(*http.Request,
			[]*http.Request) error {
			return http.ErrUseLastResponse
		}}
	res, err := client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Location"), string(b)
}

func (p *process) line(body string) int {
	p.t.Helper()
	status, _, _ := p.do("POST", "/hooks/line/"+edgeapitest.LINEHook, body, "X-Line-Signature",
		signature(body))
	return status
}

func signature(body string) string {
	mac := hmac.New(sha256.New, []byte(edgeapitest.Secret))
	mac.Write([]byte(body))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestAnEdgeFromItsFirstStartToLifeWithoutTheCore(t *testing.T) {
	t.Parallel()
	core, dir := edgetest.NewCore(t), folder(t)
	core.Seed()
	settings := []string{"LUMO_EDGE_CORE_URL=" + core.URL(), "LUMO_EDGE_DIR=" + dir}
	first := run(t, append(settings, "LUMO_EDGE_ENROL="+edgetest.Code)...).ready()
	if status, location, _ := first.do("GET", "/c/"+edgetest.Link(1, 42), ""); status != 302 ||
		!strings.HasPrefix(location, edgeapitest.Target) {
		t.Errorf("got %d %q", status, location)
	}
	if got := first.line("{}"); got != 200 {
		t.Errorf("got %d", got)
	}
	// Right after the start a wrong signature is a wrong signature: the lease is fresh.
	if status, _, _ := first.do("POST", "/hooks/line/"+edgeapitest.LINEHook, "{}",
		"X-Line-Signature", "AAAA"); status != 401 {
		t.Errorf("a forged webhook: got %d", status)
	}
	if err := first.end(); err != nil {
		t.Fatal(err)
	}
	if events, _ := core.Kept(); events != 2 || len(core.Asked()) != 1 {
		t.Errorf("stopping handed over %d events want 2", events)
	}
	if n := strings.Count(first.out.String(), "\n"); n != 1 {
		t.Errorf("it printed %d lines want one: %s", n, first.out)
	}

	core.Stop()
	second := run(t, settings...).ready()
	if status, _, _ := second.do("GET", "/c/"+edgetest.Link(1, 42), ""); status != 302 {
		t.Errorf("without the core: got %d", status)
	}
	if got := second.line("{}"); got != 202 {
		t.Errorf("without the core: got %d", got)
	}
	if err := second.end(); err != nil {
		t.Fatal(err)
	}

	core.Start()
	third := run(t, settings...).ready()
	until(t, "the spool was handed over", func() bool {
		events, requests := core.Kept()
		return requests == 2 && events == 3
	})
	if err := third.end(); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{edgeapitest.Secret, core.EdgeKey(), edgetest.Code} {
		for _, p := range []*process{first, second, third} {
			if strings.Contains(p.log.String()+p.out.String(), secret) {
				t.Errorf("%q was printed", secret)
			}
		}
	}
	ownersOnly(t, dir)
}

// ownersOnly holds that nobody else can read what the edge keeps.
func ownersOnly(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"identity.json", "edge.key", "replica/snapshot"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	for _, name := range []string{"spool/requests", "spool/events", "replica"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	snapshot, err := os.ReadFile(filepath.Join(dir, "replica", "snapshot"))
	if err != nil || bytes.Contains(snapshot, []byte(edgeapitest.Secret)) ||
		bytes.Contains(snapshot, []byte("Hana Tea")) {
		t.Error("the replica is readable", err)
	}
}

func scrape(t *testing.T, addr string) string {
	t.Helper()
	res, err := http.Get("http://" + addr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestMetricsHaveAListenerOfTheirOwn(t *testing.T) {
	t.Parallel()
	core, addr := edgetest.NewCore(t), freeAddr(t)
	core.Seed()
	p := run(t, "LUMO_EDGE_CORE_URL="+core.URL(), "LUMO_EDGE_DIR="+folder(t),
		"LUMO_EDGE_ENROL="+edgetest.Code, "LUMO_EDGE_SPOOL_MAX=4KiB",
		"LUMO_EDGE_METRICS_ADDR="+addr).ready()
	if status, _, _ := p.do("GET", "/metrics", ""); status != 404 {
		t.Errorf("metrics are public: got %d", status)
	}
	b := scrape(t, addr)
	for _, name := range []string{"lumo_edge_lease_fresh 1", "lumo_edge_config_links 2",
		"lumo_edge_spool_failing 0",
		`lumo_edge_requests_total{route="other",status="4xx"} 1`} {
		if !strings.Contains(b, name) {
			t.Errorf("%s is not there", name)
		}
	}
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "edges.md"))
	if err != nil {
		t.Fatal(err)
	}
	listed := regexp.MustCompile("`(lumo_edge_[a-z_]+)`").FindAllStringSubmatch(string(guide), -1)
	if len(listed) < 10 {
		t.Fatalf("only %d metrics are in the guide", len(listed))
	}
	for _, name := range listed {
		if !regexp.MustCompile(`(?m)^` + name[1] + `[ {]`).MatchString(b) {
			t.Errorf("the guide names %s, which is not there", name[1])
		}
	}
	core.Stop()
	if got := p.line("{}"); got != http.StatusAccepted {
		t.Fatalf("got %d", got)
	}
	until(t, "the oldest record grows old and the spool is full", func() bool {
		b := scrape(t, addr)
		return regexp.MustCompile(`(?m)^lumo_edge_spool_oldest_seconds 0\.0*[1-9]|^lumo_edge_spool_oldest_seconds [1-9]`).MatchString(b) &&
			strings.Contains(b, "\nlumo_edge_spool_full 1\n") && strings.Contains(b, "\nlumo_edge_spool_records 1\n")
	})
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
}

func TestItSaysPlainlyWhyItDoesNotStart(t *testing.T) {
	t.Parallel()
	core := edgetest.NewCore(t)
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	url := "LUMO_EDGE_CORE_URL=" + core.URL()
	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, "identity.json"), []byte("{"),
		0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		environ []string
		want    string
	}{
		"no core": {nil, "Set LUMO_EDGE_CORE_URL"},
		"unknown": {[]string{url, "LUMO_EDGE_COLOUR=red"},
			"There is no setting LUMO_EDGE_COLOUR"},
		"bad address": {[]string{"LUMO_EDGE_CORE_URL=core:8080"},
			"LUMO_EDGE_CORE_URL must be an address"},
		"public path": {[]string{url, "LUMO_EDGE_PUBLIC_URL=https://go.example/edge"},
			"must have no path"},
		"half of TLS": {[]string{url, "LUMO_TLS_CERT_FILE=/x"}, "belong together"},
		"TLS, http": {[]string{url, "LUMO_TLS_CERT_FILE=/x", "LUMO_TLS_KEY_FILE=/y",
			"LUMO_EDGE_PUBLIC_URL=http://go.example"}, "begins with http"},
		"no certificate": {[]string{url, "LUMO_TLS_CERT_FILE=/nowhere", "LUMO_TLS_KEY_FILE=/nowhere"},
			"do not hold a certificate"},
		"bad size": {[]string{url, "LUMO_EDGE_SPOOL_MAX=lots"},
			`LUMO_EDGE_SPOOL_MAX: "lots" is not a size`},
		"bad network": {[]string{url, "LUMO_TRUSTED_PROXIES=10.0.0.0/99"},
			"LUMO_TRUSTED_PROXIES"},
		"not enrolled": {[]string{url, "LUMO_EDGE_DIR=" + t.TempDir()},
			"This edge is not enrolled"},
		"wrong code": {[]string{url, "LUMO_EDGE_DIR=" + t.TempDir(),
			"LUMO_EDGE_ENROL=lec_wrong"}, "did not take the code"},
		"damaged": {[]string{url, "LUMO_EDGE_DIR=" + damaged}, "is damaged"},
		"metrics as edge": {[]string{url, "LUMO_EDGE_ADDR=127.0.0.1:1",
			"LUMO_EDGE_METRICS_ADDR=127.0.0.1:1"}, "are the same"},
		"address in use": {[]string{url, "LUMO_EDGE_DIR=" + folder(t),
			"LUMO_EDGE_ENROL=" + edgetest.Code, "LUMO_EDGE_ADDR=" + busy.Addr().String()},
			"Choose another LUMO_EDGE_ADDR"},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		var out, log bytes.Buffer
		err := app.Run(ctx, nil, c.environ, &out, &log)
		cancel()
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(),
			"lec_wrong") {
			t.Errorf("%s: got %v want %q", name, err, c.want)
		}
		if out.Len() > 0 {
			t.Errorf("%s: it printed %s", name, &out)
		}
	}
	if err := app.Run(context.Background(), []string{"serve"}, nil, io.Discard,
		io.Discard); !fault.Is(err, fault.Invalid) {
		t.Errorf("arguments: got %v", err)
	}
}
