package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lumo/core/prooftest"
	"lumo/edge/edgetest"
)

const (
	loadConns  = 64
	loadSpan   = 2 * time.Second
	steadyRate = 5000
	steadySpan = 2 * time.Second
	edgeStarts = 5
	manyLinks  = 200_000
	channels   = 500
	edgeReady  = 60 * time.Second
	startLook  = 4 * time.Millisecond // looking more often takes a third of a core from who starts
)

// fixture lets the core that edges are tested with run outside of a test.
type fixture struct {
	testing.TB
	err error
}

func (f *fixture) Helper()           {}
func (f *fixture) Log(...any)        {}
func (f *fixture) Cleanup(func())    {}
func (f *fixture) Error(args ...any) { f.err = errors.Join(f.err, errors.New(fmt.Sprint(args...))) }
func (f *fixture) Fatal(args ...any) { panic(fmt.Sprint(args...)) } // nothing to measure without it

// edgeProcess is the shipped program, with a core that costs next to nothing.
type edgeProcess struct {
	program, dir, addr, metrics string
	core                        *edgetest.Core
	cmd                         *exec.Cmd
	log                         *os.File
}

// edgeFigures measures one edge beside its peers, before anything else runs here: in
// production the core and its database are elsewhere.
func edgeFigures(ctx context.Context, program, dir string, out io.Writer) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f := &fixture{}
	core := edgetest.NewCore(f)
	defer core.Stop()
	core.Seed()
	e := &edgeProcess{program: program, dir: filepath.Join(dir, "edge"), core: core}
	if e.addr, err = freeAddr(); err != nil {
		return err
	}
	if e.metrics, err = freeAddr(); err != nil {
		return err
	}
	if _, err := e.start(ctx, "LUMO_EDGE_ENROL="+edgetest.Code); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.stop(), f.err) }()
	if err := e.compare(ctx, dir, out); err != nil {
		return err
	}
	lost, err := e.lost(ctx)
	if err != nil {
		return err
	}
	bench(out, "edge_redirect_events_lost", lost, "events")
	if lost > 0 {
		return fmt.Errorf("%.0f taps were led on and not kept", lost)
	}
	if err := e.starts(ctx, out); err != nil {
		return err
	}
	return e.memory(ctx, out)
}

// start runs the program and tells how long it took until a tap was answered.
func (e *edgeProcess) start(ctx context.Context, settings ...string) (time.Duration, error) {
	if err := os.MkdirAll(e.dir, 0o700); err != nil {
		return 0, err
	}
	var err error
	e.log, err = os.OpenFile(e.dir+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	e.cmd = exec.Command(e.program)
	e.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "LUMO_EDGE_ADDR=" + e.addr,
		"LUMO_EDGE_DIR=" + e.dir, "LUMO_EDGE_CORE_URL=" + e.core.URL(),
		"LUMO_EDGE_METRICS_ADDR=" + e.metrics}, settings...)
	e.cmd.Stdout, e.cmd.Stderr = e.log, e.log
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	begun := time.Now()
	if err := e.cmd.Start(); err != nil {
		return 0, err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for {
		if res, err := client.Get(e.link()); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusFound {
				return time.Since(begun), nil
			}
		}
		if ctx.Err() != nil || time.Since(begun) > edgeReady {
			return 0, fmt.Errorf("the edge does not answer; its log is %s", e.log.Name())
		}
		time.Sleep(startLook)
	}
}

func (e *edgeProcess) stop() error {
	defer e.log.Close()
	if err := e.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return e.cmd.Wait()
}

// lost is how many clicks the edge could not keep, by its own metric.
func (e *edgeProcess) lost(ctx context.Context) (float64, error) {
	const metric = "lumo_edge_events_lost_total "
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+e.metrics+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), metric); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("the edge does not tell %s", metric)
}

func (e *edgeProcess) link() string { return "http://" + e.addr + "/c/" + edgetest.Link(1, 42) }

// compare alternates rounds between the edge and its peers, so that all meet the same
// machine: first as much as each can, then all the same.
func (e *edgeProcess) compare(ctx context.Context, dir string, out io.Writer) error {
	peers, err := startPeers(ctx, dir)
	defer func() {
		for _, p := range peers {
			_ = p.stop()
		}
	}()
	if err != nil {
		return err
	}
	all := append([]*peer{{name: "edge_redirect", address: e.link()}}, peers...)
	rates, tails := map[string][]float64{}, map[string][]float64{}
	for range rounds {
		for _, p := range all {
			r, err := closedLoop(ctx, p.address, loadConns, loadSpan)
			if err != nil {
				return err
			}
			rates[p.name] = append(rates[p.name], r.perSecond)
		}
		for _, p := range all {
			r, err := fixedRate(ctx, p.address, loadConns, steadyRate, steadySpan)
			if err != nil {
				return err
			}
			tails[p.name] = append(tails[p.name], milliseconds(r.p99))
		}
	}
	for _, p := range all {
		bench(out, p.name+"_rps", median(rates[p.name]), "1/s")
	}
	for _, p := range all {
		bench(out, p.name+"_p99_ms_at_5000rps", median(tails[p.name]), "ms")
	}
	for _, p := range peers {
		bench(out, "edge_redirect_rps_by_"+p.name, median(ratios(rates["edge_redirect"], rates[p.name])), "x")
		bench(out, "edge_redirect_p99_by_"+p.name, median(ratios(tails["edge_redirect"], tails[p.name])), "x")
	}
	if len(peers) < 2 {
		fmt.Fprintln(out, "nginx is not installed: no figures of it")
	}
	return nil
}

// ratios pairs what was measured one right after the other.
func ratios(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] / b[i]
	}
	return out
}

// starts measures from the start of the process, with modules compiled by an earlier one, to
// the first tap that is led on.
func (e *edgeProcess) starts(ctx context.Context, out io.Writer) error {
	deadline := time.Now().Add(edgeReady)
	for e.core.Status().WaitingEvents > 0 { // what the load left is the core's by then
		if ctx.Err() != nil || time.Now().After(deadline) {
			return errors.New("the taps are not handed over")
		}
		time.Sleep(20 * time.Millisecond)
	}
	var took []float64
	for range edgeStarts {
		if err := e.stop(); err != nil {
			return err
		}
		d, err := e.start(ctx)
		if err != nil {
			return err
		}
		took = append(took, milliseconds(d))
	}
	bench(out, "edge_cold_start_ms", median(took), "ms")
	return nil
}

// memory fills the edge with links and channels, lets it serve, and asks the system.
func (e *edgeProcess) memory(ctx context.Context, out io.Writer) error {
	e.core.Fill(channels, manyLinks/channels)
	deadline := time.Now().Add(edgeReady)
	for e.core.Acked() != e.core.Version() {
		if ctx.Err() != nil || time.Now().After(deadline) {
			return errors.New("the links do not come to the edge")
		}
		time.Sleep(20 * time.Millisecond)
	}
	if _, err := closedLoop(ctx, e.link(), loadConns, loadSpan); err != nil {
		return err
	}
	serving, err := e.resident()
	if err != nil {
		return err
	}
	bench(out, "edge_rss_mb", serving, "MB")
	if err := e.stop(); err != nil {
		return err
	}
	if _, err := e.start(ctx); err != nil { // from its own disk, and a snapshot comes besides
		return err
	}
	if _, err := closedLoop(ctx, e.link(), loadConns, loadSpan); err != nil {
		return err
	}
	again, err := e.resident()
	if err != nil {
		return err
	}
	bench(out, "edge_rss_after_restart_mb", again, "MB")
	return nil
}

// resident is the process's memory in MB.
func (e *edgeProcess) resident() (float64, error) { return prooftest.Resident(e.cmd.Process.Pid) }
