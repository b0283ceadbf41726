// Package stack builds Lumo and runs it on one machine: PostgreSQL, simulators, core, edge.
//
// Everything it writes is below one folder (Dir), but for what all stacks of a checkout share in
// its cache: PostgreSQL's programs, compiled modules. Everything it starts it also stops, in
// reverse order. A start finds the data of the last one; what a killed run left running is
// ended first, what it left half made is made again. Two stacks can run at once in
// different folders on different ports.
package stack

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/postgres/embedded"
)

// Config says where a stack lives.
type Config struct {
	Root     string // the checkout
	Dir      string // data, logs, programs
	Sim      bool   // start the vendors' simulators and speak to them
	CoreAddr string
	EdgeAddr string
	SimAddr  string
	Settings []string // further settings for core and edge, NAME=value; they win
	Database string   // LUMO_DATABASE_URL; empty = a private PostgreSQL
	Unsafe   bool     // database without fsync: throw-away stacks only
	Out      io.Writer
}

// Stack is a set of running programs.
type Stack struct {
	Config
	lock     *os.File
	postgres *embedded.Server
	database string
	sim      *process
	core     *process
	edge     *process
	failed   chan error
}

// New prepares the folder and takes its lock, which dies with us.
func New(c Config) (*Stack, error) {
	for _, sub := range []string{"bin", "log", "run", "edge"} {
		if err := os.MkdirAll(filepath.Join(c.Dir, sub), 0o755); err != nil {
			return nil, fmt.Errorf("prepare %s: %w", c.Dir, err)
		}
	}
	lock, err := os.OpenFile(filepath.Join(c.Dir, "run", "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", c.Dir, err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.New("Lumo already runs from this folder. Stop it there with Ctrl-C first.")
	}
	return &Stack{Config: c, lock: lock, failed: make(chan error, 3)}, nil
}

// Start brings everything up and returns when each program answers.
func (s *Stack) Start(ctx context.Context) error {
	if err := s.endLeftovers(); err != nil {
		return err
	}
	if err := s.checkPorts(); err != nil {
		return err
	}
	if err := s.forgetLogs(); err != nil {
		return err
	}
	if err := s.startDatabase(ctx); err != nil {
		return err
	}
	if s.Sim {
		if err := s.startSim(ctx); err != nil {
			return err
		}
	}
	if err := s.StartCore(ctx); err != nil {
		return err
	}
	return s.StartEdge(ctx)
}

// Wait returns when ctx ends, or with an error when a program ended by itself.
func (s *Stack) Wait(ctx context.Context) error {
	for _, p := range []*process{s.sim, s.core, s.edge} {
		if p == nil {
			continue
		}
		go func() {
			<-p.done
			s.failed <- fmt.Errorf("%s ended (%w). The end of its log, %s:\n%s", p.name, p.exit(), p.log, p.tail())
		}()
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}

// Stop ends the programs, the edge first so that it can hand over, the database last.
func (s *Stack) Stop() error {
	err := errors.Join(s.edge.stop(), s.core.stop(), s.sim.stop())
	if s.postgres != nil {
		err = errors.Join(err, s.postgres.Stop())
	}
	return errors.Join(err, s.lock.Close())
}

// Reset stops what an earlier run left and removes all data of the stack.
func (s *Stack) Reset() error {
	if err := s.endLeftovers(); err != nil {
		return err
	}
	return errors.Join(s.lock.Close(), os.RemoveAll(s.Dir))
}

func (s *Stack) endLeftovers() error {
	for _, name := range []string{"lumo-edge", "lumo-core", "lumo-sim"} {
		if err := endLeftover(filepath.Join(s.Dir, "run", name+".pid"), s.binary(name)); err != nil {
			return err
		}
	}
	return nil
}

// forgetLogs begins each run with empty logs; a program that is started again goes on in its own.
func (s *Stack) forgetLogs() error {
	logs, err := filepath.Glob(filepath.Join(s.Dir, "log", "*.log"))
	if err != nil {
		return fmt.Errorf("empty the logs: %w", err)
	}
	for _, log := range logs {
		if err := os.Remove(log); err != nil {
			return fmt.Errorf("empty the logs: %w", err)
		}
	}
	return nil
}

func (s *Stack) checkPorts() error {
	addrs := map[string]string{"LUMO_CORE_ADDR": s.CoreAddr, "LUMO_EDGE_ADDR": s.EdgeAddr}
	if s.Sim {
		addrs["LUMO_SIM_ADDR"] = s.SimAddr
	}
	for setting, addr := range addrs {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return fmt.Errorf("%s is in use by another program. Stop that program, or choose another address, "+
				"for example: make run %s=127.0.0.1:9%s", addr, setting, addr[len(addr)-3:])
		}
		_ = l.Close()
	}
	return nil
}

func (s *Stack) startDatabase(ctx context.Context) error {
	if s.Database != "" {
		s.database = s.Database
		return nil
	}
	server, err := embedded.Start(ctx, embedded.Config{Dir: filepath.Join(s.Dir, "pg"),
		CacheDir: filepath.Join(s.Root, ".lumo", "cache"), Unsafe: s.Unsafe, Out: s.Out})
	if err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	s.postgres, s.database = server, server.URL()
	return nil
}

func (s *Stack) startSim(ctx context.Context) (err error) {
	s.sim, err = s.spawn("lumo-sim", []string{"LUMO_SIM_ADDR=" + s.SimAddr, "LUMO_SIM_DIR=" + filepath.Join(s.Dir, "sim")})
	if err != nil {
		return err
	}
	return s.sim.ready(ctx, s.SimURL()+"/sim/v1/state")
}

// StartCore starts the core; also after KillCore.
func (s *Stack) StartCore(ctx context.Context) error {
	env, err := s.coreEnv()
	if err != nil {
		return err
	}
	if s.core, err = s.spawn("lumo-core", env, "serve"); err != nil {
		return err
	}
	return s.core.ready(ctx, s.CoreURL()+"/readyz")
}

// StartEdge starts the edge, and enrols it when it has no key yet.
func (s *Stack) StartEdge(ctx context.Context) error {
	dir := filepath.Join(s.Dir, "edge")
	if err := s.shareCompiled(dir); err != nil {
		return err
	}
	env := []string{"LUMO_EDGE_ADDR=" + s.EdgeAddr, "LUMO_EDGE_PUBLIC_URL=" + s.EdgeURL(), "LUMO_EDGE_CORE_URL=" + s.CoreURL(),
		"LUMO_EDGE_DIR=" + dir, "LUMO_EDGE_KEY_FILE=" + filepath.Join(dir, "edge.key")}
	env = append(env, s.vendorEnv("LUMO_LINE_ACCESS_URL")...)
	if _, err := os.Stat(filepath.Join(dir, "identity.json")); os.IsNotExist(err) {
		code, err := s.Admin(ctx, "create-edge-code")
		if err != nil {
			return err
		}
		env = append(env, "LUMO_EDGE_ENROL="+strings.TrimSpace(code))
	}
	env = append(env, pick(s.Settings, "LUMO_EDGE_", "LUMO_LINE_ACCESS_URL", "LUMO_LOG_LEVEL", "LUMO_TRUSTED_PROXIES")...)
	var err error
	if s.edge, err = s.spawn("lumo-edge", env); err != nil {
		return err
	}
	return s.edge.ready(ctx, s.EdgeURL()+"/readyz")
}

// shareCompiled has all edges of a checkout keep their compiled modules in one place: compiling
// takes longer than all the rest of a start.
func (s *Stack) shareCompiled(dir string) error {
	shared := filepath.Join(s.Root, ".lumo", "cache", "compiled")
	if err := os.MkdirAll(shared, 0o755); err != nil {
		return fmt.Errorf("prepare %s: %w", shared, err)
	}
	if err := os.Symlink(shared, filepath.Join(dir, "compiled")); err != nil && !os.IsExist(err) {
		return fmt.Errorf("prepare %s: %w", dir, err)
	}
	return nil
}

// CorePID is the core's process id.
func (s *Stack) CorePID() int { return s.core.cmd.Process.Pid }

// DatabasePID is the process id of the private PostgreSQL.
func (s *Stack) DatabasePID() int { return s.postgres.PID() }

// KillCore ends the core as a crash would.
func (s *Stack) KillCore() error { return s.core.kill() }

// StopCore ends the core in order, as an update would.
func (s *Stack) StopCore() error { return s.core.stop() }

// RestartDatabase stops the private PostgreSQL under everybody and starts it again, in order
// or as after a crash.
func (s *Stack) RestartDatabase(ctx context.Context, crash bool) error {
	end := s.postgres.Stop
	if crash {
		end = s.postgres.Crash
	}
	if err := end(); err != nil {
		return err
	}
	return s.startDatabase(ctx)
}

// Admin runs one of the core's admin commands and gives what it printed.
func (s *Stack) Admin(ctx context.Context, args ...string) (string, error) {
	return s.command(ctx, "", append([]string{"admin"}, args...)...)
}

// Command runs any of the core's commands and gives what it printed.
func (s *Stack) Command(ctx context.Context, args ...string) (string, error) {
	return s.command(ctx, "", args...)
}

// AdminWith is Admin with a line on standard input, for passwords.
func (s *Stack) AdminWith(ctx context.Context, input string, args ...string) error {
	_, err := s.command(ctx, input+"\n", append([]string{"admin"}, args...)...)
	return err
}

// Program is the core's, with the settings that it needs: for who runs its commands from
// another program.
func (s *Stack) Program() (file string, settings []string, err error) {
	settings, err = s.coreEnv()
	return s.binary("lumo-core"), settings, err
}

func (s *Stack) command(ctx context.Context, input string, args ...string) (string, error) {
	file, settings, err := s.Program()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, file, args...)
	cmd.Env = append(baseEnv(), settings...)
	cmd.Stdin = strings.NewReader(input)
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("lumo-core %s: %w: %s", strings.Join(args[:min(2, len(args))], " "), err, problem.String())
	}
	return string(out), nil
}

func (s *Stack) coreEnv() ([]string, error) {
	key, err := s.MasterKey()
	if err != nil {
		return nil, err
	}
	env := []string{"LUMO_DATABASE_URL=" + s.database, "LUMO_MASTER_KEY_FILE=" + key, "LUMO_CORE_ADDR=" + s.CoreAddr,
		"LUMO_CORE_PUBLIC_URL=" + s.CoreURL(), "LUMO_EDGE_PUBLIC_URL=" + s.EdgeURL()}
	env = append(env, s.vendorEnv("")...)
	return append(env, pick(s.Settings, "LUMO_")...), nil
}

// vendorEnv points core and edge at the simulators; only = one of the settings.
func (s *Stack) vendorEnv(only string) []string {
	if !s.Sim {
		return nil
	}
	env := []string{"LUMO_LINE_API_URL=" + s.SimURL() + "/line-api", "LUMO_LINE_DATA_URL=" + s.SimURL() + "/line-data",
		"LUMO_LINE_ACCESS_URL=" + s.SimURL() + "/line-access", "LUMO_KLAVIYO_API_URL=" + s.SimURL() + "/klaviyo-api",
		"LUMO_KLAVIYO_WEB_URL=" + s.SimURL() + "/klaviyo-web", "LUMO_KLAVIYO_CLIENT_ID=" + klaviyotest.DemoAccount.ClientID,
		"LUMO_KLAVIYO_CLIENT_SECRET=" + klaviyotest.DemoAccount.ClientSecret, "LUMO_ALLOW_PRIVATE_TARGETS=true"}
	if only != "" {
		return pick(env, only)
	}
	return env
}

func pick(env []string, prefixes ...string) []string {
	var out []string
	for _, pair := range env {
		for _, prefix := range prefixes {
			if strings.HasPrefix(pair, prefix) {
				out = append(out, pair)
				break
			}
		}
	}
	return out
}

// MasterKey is the file with the key of a local stack. It is made once and never leaves the
// folder.
func (s *Stack) MasterKey() (string, error) {
	file := filepath.Join(s.Dir, "master.key")
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("make the master key: %w", err)
	}
	return file, os.WriteFile(file, []byte(base64.StdEncoding.EncodeToString(raw)+"\n"), 0o600)
}

func (s *Stack) binary(name string) string { return filepath.Join(s.Dir, "bin", name) }

// CoreURL is the console's address.
func (s *Stack) CoreURL() string { return "http://" + s.CoreAddr }

// EdgeURL is the address that customers and vendors reach.
func (s *Stack) EdgeURL() string { return "http://" + s.EdgeAddr }

// SimURL is the simulators' address.
func (s *Stack) SimURL() string { return "http://" + s.SimAddr }

// DatabaseURL is the running database, for measures and tests.
func (s *Stack) DatabaseURL() string { return s.database }
