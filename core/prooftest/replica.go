package prooftest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"lumo/core/app"
	"lumo/core/klaviyo/klaviyotest"
)

// coreCommand makes this program a core: the very one that ships, in a process that can be
// killed.
const coreCommand = "prooftest-core"

// IsCore tells that this process was started as a replica. Ask it first in TestMain or main.
func IsCore() bool { return len(os.Args) == 2 && os.Args[1] == coreCommand }

// RunCore is the replica; it ends with the process.
func RunCore() int {
	err := app.Run(context.Background(), []string{"serve"}, os.Environ(), strings.NewReader(""), os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// Replica is one core process.
type Replica struct {
	world *World
	log   *os.File
	cmd   *exec.Cmd
}

// Replica starts a core process; its log is appended to a file.
func (w *World) Replica(logFile string) (*Replica, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	r := &Replica{world: w, log: log}
	return r, r.Start()
}

// Start starts it, again after Kill.
func (r *Replica) Start() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	addr := l.Addr().String()
	_ = l.Close()
	r.cmd = exec.Command(self, coreCommand)
	r.cmd.Env = append(plainEnv(), r.world.coreEnv(addr)...)
	r.cmd.Stdout, r.cmd.Stderr = r.log, r.log
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return r.cmd.Start()
}

// Kill ends it as a crash would: nothing of it runs any more.
func (r *Replica) Kill() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait() // it was killed
}

// Resident is the memory of a process in MB, as the system counts it.
func Resident(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
			return kib / 1024, err
		}
	}
	return 0, errors.New("the system does not tell the memory of a process")
}

func (w *World) coreEnv(addr string) []string {
	demo := klaviyotest.DemoAccount
	return []string{"LUMO_DATABASE_URL=" + w.URL, "LUMO_MASTER_KEY=" + masterKeyText(), "LUMO_CORE_ADDR=" + addr,
		"LUMO_EDGE_PUBLIC_URL=" + EdgeURL, "LUMO_ALLOW_PRIVATE_TARGETS=true", "LUMO_LINE_API_URL=" + w.lineURL + "/line-api",
		"LUMO_LINE_DATA_URL=" + w.lineURL + "/line-data", "LUMO_LINE_ACCESS_URL=" + w.lineURL + "/line-access",
		"LUMO_KLAVIYO_API_URL=" + w.klaviyoURL + "/klaviyo-api", "LUMO_KLAVIYO_WEB_URL=" + w.klaviyoURL + "/klaviyo-web",
		"LUMO_KLAVIYO_CLIENT_ID=" + demo.ClientID, "LUMO_KLAVIYO_CLIENT_SECRET=" + demo.ClientSecret}
}

// plainEnv is our environment without Lumo's settings.
func plainEnv() []string {
	var env []string
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "LUMO_") {
			env = append(env, pair)
		}
	}
	return env
}
