package app_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"lumo/edge/edgetest"
	"lumo/shared/edgeapi/edgeapitest"
)

// The order in which the kernel is asked: a webhook's record is written and synced, and only
// then does anybody hear that it was taken.
func TestTheSyncComesBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("skipped: there is no strace here")
	}
	core, dir, addr := edgetest.NewCore(t), folder(t), freeAddr(t)
	core.Seed()
	file := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command("strace", "-D", "-f", "-y", "-s", "32", "-e",
		"trace=pwrite64,fsync,fdatasync,write", "-o", file, os.Args[0])
	cmd.Env = append(os.Environ(), childSetting+"=1", "LUMO_EDGE_ADDR="+addr, "LUMO_EDGE_DIR="+dir,
		"LUMO_EDGE_CORE_URL="+core.URL(), "LUMO_EDGE_ENROL="+edgetest.Code)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = &lines{}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	if line, err := bufio.NewReader(out).ReadString('\n'); !strings.Contains(line, "ready") {
		if text := fmt.Sprint(cmd.Stderr); strings.Contains(text, "ptrace") {
			t.Skip("skipped: strace may not look at processes here: " + text)
		}
		t.Fatalf("it does not start: %q %v %s", line, err, cmd.Stderr)
	}
	core.Stop()
	p := &process{t: t, url: "http://" + addr}
	if got := p.line("{}"); got != 202 {
		t.Fatalf("got %d", got)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // strace hands its end over in its own way
	var written, synced, answered int
	until(t, "the trace is whole", func() bool {
		written, synced, answered = order(t, file)
		return answered > 0
	})
	if !(0 < written && written < synced && synced < answered) {
		t.Errorf("written in line %d, synced in %d, answered in %d", written, synced, answered)
	}
	t.Logf("written in line %d, synced in %d, answered in %d of the trace", written, synced, answered)
}

// order finds in a trace the first answer 202, and before it the last write to the log of
// requests and the end of the sync that followed. Calls that other threads interrupted end
// where they are resumed.
func order(t *testing.T, file string) (written, synced, answered int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	began := map[string]string{} // by thread
	resumed := regexp.MustCompile(`<\.\.\. \w+ resumed>`)
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		thread, call, _ := strings.Cut(strings.TrimSpace(line), " ")
		call = strings.TrimSpace(call)
		if strings.Contains(call, `"HTTP/1.1 202`) {
			return written, synced, n
		}
		if rest, unfinished := strings.CutSuffix(call, "<unfinished ...>"); unfinished {
			began[thread] = rest
			continue
		}
		call = resumed.ReplaceAllLiteralString(call, began[thread])
		if !strings.Contains(call, "/spool/requests/") || !strings.Contains(call, ".wal>") {
			continue
		}
		switch {
		case strings.HasPrefix(call, "pwrite64("):
			written = n
		case strings.HasPrefix(call, "f") && strings.HasSuffix(call, "= 0"):
			synced = n
		}
	}
	return written, synced, 0
}

// post sends a webhook and gives its answer without following anything.
func (p *process) post(body string) (status int, retryAfter string) {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodPost, p.url+"/hooks/line/"+edgeapitest.LINEHook,
		strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("X-Line-Signature", signature(body))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Header.Get("Retry-After")
}

// A disk that is really full: people are led on, senders of webhooks are asked to come again,
// and as soon as the core takes what waits everything is as before, by itself.
func TestAFullDiskRecoversByItself(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	spool := filepath.Join(dir, "spool")
	if err := os.MkdirAll(spool, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", spool, "tmpfs", 0, "size=40m"); err != nil {
		t.Skipf("skipped: a small disk needs root: %v", err)
	}
	defer func() { _ = syscall.Unmount(spool, syscall.MNT_DETACH) }()
	core := edgetest.NewCore(t)
	core.Seed()
	p := run(t, "LUMO_EDGE_CORE_URL="+core.URL(), "LUMO_EDGE_DIR="+dir,
		"LUMO_EDGE_ENROL="+edgetest.Code).ready()
	core.Stop()
	large, taken := strings.Repeat(" ", 900<<10), 0
	for ; taken < 60; taken++ {
		status, again := p.post(large)
		if status == 503 && again != "" {
			break
		}
		if status != 202 {
			t.Fatalf("got %d %q", status, again)
		}
	}
	if taken < 10 || taken == 60 {
		t.Fatalf("%d webhooks of 900 KiB were taken on a disk of 40 MiB", taken)
	}
	if status, location, _ := p.do("GET", "/c/"+edgetest.Link(1, 42), ""); status != 302 ||
		!strings.HasPrefix(location, edgeapitest.Target) {
		t.Errorf("a link on a full disk: got %d %q", status, location)
	}
	if status, _, why := p.do("GET", "/readyz", ""); status != 503 {
		t.Errorf("it calls itself ready: %d %s", status, why)
	}
	core.Start()
	until(t, "everything was handed over", func() bool { return len(core.Requests()) >= taken })
	until(t, "it is ready again", func() bool {
		status, _, _ := p.do("GET", "/readyz", "")
		return status == 200
	})
	core.Stop()
	for range 10 {
		if status, _ := p.post(large); status != 202 {
			t.Fatalf("afterwards: got %d", status)
		}
	}
	core.Start()
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, r := range core.Requests() {
		seen[r.ID.String()]++
	}
	if len(seen) != taken+10 {
		t.Errorf("the core has %d webhooks, %d were taken", len(seen), taken+10)
	}
	t.Logf("%d webhooks were taken until the disk was full", taken)
}
