package app_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"lumo/edge/edgetest"
	"lumo/shared/edgeapi/edgeapitest"
)

// More connections than the process may have files: the edge lives, keeps what files it needs for
// itself, and serves again when the crowd has gone.
func TestACrowdTakesNotAllFiles(t *testing.T) {
	t.Parallel()
	const files, crowd = "120", 400
	core, dir, addr := edgetest.NewCore(t), folder(t), freeAddr(t)
	core.Seed()
	cmd, out := exec.Command("sh", "-c", "ulimit -n "+files+"; exec "+os.Args[0]), &lines{}
	cmd.Env = append(os.Environ(), childSetting+"=1", "LUMO_EDGE_ADDR="+addr, "LUMO_EDGE_DIR="+dir,
		"LUMO_EDGE_CORE_URL="+core.URL(), "LUMO_EDGE_ENROL="+edgetest.Code)
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
	p := &process{t: t, url: "http://" + addr}
	hook := "POST /hooks/line/" + edgeapitest.LINEHook + " HTTP/1.1\r\nHost: x\r\nX-Line-Signature: " +
		signature("{}") + "\r\nContent-Length: 2\r\n\r\n{}"
	core.Stop() // so that webhooks need the spool's files
	answers := map[int]int{}
	var all []net.Conn
	for range crowd {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, conn)
		answers[ask(t, conn, hook)]++
	}
	if answers[http.StatusAccepted] < 10 || answers[http.StatusServiceUnavailable] < crowd/2 ||
		answers[http.StatusAccepted]+answers[http.StatusServiceUnavailable] != crowd {
		t.Errorf("of %d with %s files: %v", crowd, files, answers)
	}
	for _, conn := range all {
		_ = conn.Close()
	}
	until(t, "it serves again", func() bool {
		status, _, _ := p.do("GET", "/c/"+edgetest.Link(1, 42), "")
		return status == http.StatusFound
	})
	core.Start()
	until(t, "the core has what was taken", func() bool {
		return len(core.Requests()) >= answers[http.StatusAccepted]
	})
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err, out)
	}
	t.Logf("%s files, %d connections: %v", files, crowd, answers)
}

// ask sends a request on a connection that stays open. Who is sent back may find it closed
// before all was sent.
func ask(t *testing.T, conn net.Conn, request string) int {
	t.Helper()
	_, _ = io.WriteString(conn, request)
	if err := conn.SetReadDeadline(time.Now().Add(soon)); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if failed, ok := err.(net.Error); ok && failed.Timeout() {
		t.Fatal("no answer")
	}
	if err != nil { // reset: it was sent back
		return http.StatusServiceUnavailable
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}
