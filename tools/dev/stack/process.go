package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	readyLimit = 60 * time.Second
	stopLimit  = 15 * time.Second
)

// process is one of the stack's programs: its log goes to a file, its id to another, so
// that a later start can end what a killed run left behind.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string
	pid  string
	done chan struct{}
	err  error // set before done is closed
}

// spawn starts a program in a process group of its own: Ctrl-C reaches only us, and we
// stop the programs in order.
func (s *Stack) spawn(name string, env []string, args ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(s.Dir, "log", name+".log"),
		pid: filepath.Join(s.Dir, "run", name+".pid"), done: make(chan struct{})}
	if err := endLeftover(p.pid, s.binary(name)); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer log.Close()
	p.cmd = exec.Command(s.binary(name), args...)
	p.cmd.Env = append(baseEnv(), env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	if err := os.WriteFile(p.pid, []byte(strconv.Itoa(p.cmd.Process.Pid)), 0o600); err != nil {
		return nil, errors.Join(err, p.cmd.Process.Kill())
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// baseEnv is our environment without Lumo's settings: those are named one by one.
func baseEnv() []string {
	var env []string
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "LUMO_") {
			env = append(env, pair)
		}
	}
	return env
}

// ready waits until the program answers 200 at url, or says why it ended.
func (p *process) ready(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if answers(ctx, url) {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended while starting (%w). The end of its log, %s:\n%s", p.name, p.exit(), p.log, p.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s did not answer at %s in time. The end of its log, %s:\n%s", p.name, url, p.log, p.tail())
		case <-tick.C:
		}
	}
}

func answers(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

func (p *process) exit() error {
	if p.err == nil {
		return errors.New("exit status 0")
	}
	return p.err
}

// tail is the last lines of the log, for whoever has to repair it.
func (p *process) tail() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return ""
	}
	lines := bytes.Split(bytes.TrimRight(b, "\n"), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-15):], []byte("\n")))
}

// stop asks politely, waits, then kills.
func (p *process) stop() error {
	if p == nil {
		return nil
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(stopLimit):
		_ = p.cmd.Process.Kill()
		<-p.done
		return fmt.Errorf("%s did not stop in %s and was killed", p.name, stopLimit)
	}
	return os.Remove(p.pid)
}

// Kill ends a program without warning, as a crash would.
func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill %s: %w", p.name, err)
	}
	<-p.done
	return os.Remove(p.pid)
}

// endLeftover stops a program of ours whose starter was killed. The process id alone
// proves nothing: the running program must be the very file we would start.
func endLeftover(pidFile, binary string) error {
	b, err := os.ReadFile(pidFile)
	if err != nil {
		return nil
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || !runs(pid, binary) {
		return os.Remove(pidFile)
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("an earlier %s (process %d) is still there and cannot be stopped: %w", filepath.Base(binary), pid, err)
	}
	for deadline := time.Now().Add(stopLimit); runs(pid, binary); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return os.Remove(pidFile)
}

func runs(pid int, binary string) bool {
	out, err := exec.Command("ps", "-o", "args=", "-p", strconv.Itoa(pid)).Output()
	if err != nil { // no ps: /proc, where there is one
		out, _ = os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	}
	return bytes.HasPrefix(out, []byte(binary))
}
