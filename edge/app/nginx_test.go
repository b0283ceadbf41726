package app_test

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lumo/edge/edgetest"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
)

// guided is the nginx configuration of docs/edges.md for two edges, without TLS.
func guided(t *testing.T, listen, first, second string) string {
	t.Helper()
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "edges.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(guide), "    upstream lumo_edges {\n")
	if !found {
		t.Fatal("the guide has no configuration for nginx")
	}
	config := "    upstream lumo_edges {\n"
	for line := range strings.Lines(rest) {
		if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "    ") {
			break
		}
		if !strings.Contains(line, "ssl_certificate") && !strings.Contains(line, "http2 on") {
			config += line
		}
	}
	for from, to := range map[string]string{"10.0.0.11:8787": first, "10.0.0.12:8787": second,
		"443 ssl": listen} {
		if strings.Count(config, from) != 1 {
			t.Fatalf("the guide's configuration does not name %s:\n%s", from, config)
		}
		config = strings.Replace(config, from, to, 1)
	}
	return config
}

// nginx runs with a configuration until the test ends.
func nginx(t *testing.T, config, addr string) {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("skipped: nginx is not installed")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "nginx.conf")
	text := "daemon off; master_process off; pid " + dir + "/pid; error_log " + dir + "/error.log;\n" +
		"events {}\nhttp {\n    access_log off;\n    client_body_temp_path " + dir + "/body;\n" +
		"    proxy_temp_path " + dir + "/proxy; fastcgi_temp_path " + dir + "/fastcgi;\n" +
		"    uwsgi_temp_path " + dir + "/uwsgi; scgi_temp_path " + dir + "/scgi;\n" + config + "}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-p", dir, "-c", file, "-e", filepath.Join(dir, "error.log"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	until(t, "nginx listens", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// Behind nginx, as the guide sets it up, an edge that cannot keep webhooks costs none.
func TestTheGuidesNginxSendsWebhooksToAnEdgeThatTakesThem(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("nginx"); err != nil {
		t.Skip("skipped: nginx is not installed")
	}
	cores, edges := [2]*edgetest.Core{}, [2]*process{}
	for n, spool := range []string{"1", "64MiB"} { // the first one's spool is always full
		cores[n] = edgetest.NewCore(t)
		cores[n].Seed()
		edges[n] = run(t, "LUMO_EDGE_CORE_URL="+cores[n].URL(), "LUMO_EDGE_DIR="+folder(t),
			"LUMO_EDGE_ENROL="+edgetest.Code, "LUMO_EDGE_SPOOL_MAX="+spool).ready()
		until(t, "it knows the key", func() bool {
			status, _, _ := edges[n].do("POST", "/hooks/klaviyo/flow/"+edgeapitest.FlowHook, "{}",
				edgeapi.HeaderFlowKey, edgeapitest.FlowKey())
			return status == http.StatusOK
		})
		cores[n].Stop()
	}
	addr := freeAddr(t)
	nginx(t, guided(t, addr, strings.TrimPrefix(edges[0].url, "http://"),
		strings.TrimPrefix(edges[1].url, "http://")), addr)
	through := &process{t: t, url: "http://" + addr}
	for range 20 {
		if status, _, text := through.do("POST", "/hooks/klaviyo/flow/"+edgeapitest.FlowHook, "{}",
			edgeapi.HeaderFlowKey, edgeapitest.FlowKey()); status != http.StatusAccepted {
			t.Errorf("got %d %s", status, text)
		}
	}
	for _, e := range edges {
		if err := e.end(); err != nil {
			t.Fatal(err)
		}
	}
}
