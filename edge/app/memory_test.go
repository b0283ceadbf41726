package app_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"lumo/edge/edgetest"
	"lumo/shared/edgeapi/edgeapitest"
)

const (
	manyChannels = 500
	linksOfEach  = 400 // 200,000 together
	// residentLimit is in MB, of a binary that carries tests besides; make bench measures the
	// program itself, under load.
	residentLimit = 150
)

// An edge of many shops stays small: when the configuration comes, and when it begins with
// what it kept.
func TestManyLinksFitIntoLittleMemory(t *testing.T) {
	t.Parallel()
	core, dir, addr := edgetest.NewCore(t), folder(t), freeAddr(t)
	core.Seed()
	core.Fill(manyChannels, linksOfEach)
	core.Forget() // so that it comes as a snapshot
	settings := []string{childSetting + "=1", "LUMO_EDGE_ADDR=" + addr, "LUMO_EDGE_DIR=" + dir,
		"LUMO_EDGE_CORE_URL=" + core.URL(), "LUMO_EDGE_ENROL=" + edgetest.Code}
	for _, when := range []string{"first", "again"} {
		cmd, out := exec.Command(os.Args[0]), &lines{}
		cmd.Env = append(os.Environ(), settings...)
		cmd.Stderr = out
		pipe, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = cmd.Process.Kill() }()
		if line, err := bufio.NewReader(pipe).ReadString('\n'); !strings.Contains(line, "ready") {
			t.Fatalf("it does not start: %q %v %s", line, err, out)
		}
		until(t, "the links are there", func() bool { return core.Acked() == core.Version() })
		p := &process{t: t, url: "http://" + addr}
		for range 200 {
			status, location, _ := p.do("GET", "/c/"+edgetest.Link(1, 42), "")
			if status != 302 || !strings.HasPrefix(location, edgeapitest.Target) {
				t.Fatalf("got %d %q", status, location)
			}
		}
		mb, parts := residentMB(t, cmd.Process.Pid)
		if mb > residentLimit {
			t.Errorf("%s: %d MB are resident want at most %d", when, mb, residentLimit)
		}
		t.Logf("%s: %d MB resident (%s)", when, mb, parts)
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err, out)
		}
	}
}

// residentMB is a process's memory as the system counts it; it skips where it does not.
func residentMB(t *testing.T, pid int) (mb int, parts string) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("skipped: this system does not tell the memory of a process")
	}
	for line := range strings.Lines(string(b)) {
		var kib int
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kib); err == nil {
			mb = kib >> 10
		}
		if strings.HasPrefix(line, "Rss") {
			parts += strings.Join(strings.Fields(line), " ") + " "
		}
	}
	return mb, parts
}
