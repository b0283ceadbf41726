// Package embedded runs a private PostgreSQL for one checkout or one test run.
//
// It uses an installed PostgreSQL of version 15 or newer, else the pinned npm package
// in a cache. The cluster never runs as root: when we are root it drops to an
// unprivileged user. Whoever starts a Server stops it; a cluster that an earlier,
// killed run left behind is stopped first, so a second start finds its data again.
package embedded

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	superuser    = "lumo"
	database     = "lumo"
	startTimeout = 30 * time.Second
	// recoveryTimeout is for gigabytes of the log on a slow disk.
	recoveryTimeout = 15 * time.Minute
	stopTimeout     = 20 * time.Second
)

// Config says where a cluster lives and how careful it is.
type Config struct {
	Dir      string // holds data, password, log; made if missing
	CacheDir string // where the npm package is unpacked when none is installed
	Port     int    // 0 = a free one, kept for later starts
	Unsafe   bool   // no fsync: tests only
	Bin      string // folder with initdb and postgres; empty = look for one
	Packaged bool   // the npm package, whatever is installed
	Out      io.Writer
}

// Server is a running cluster.
type Server struct {
	cmd  *exec.Cmd
	done chan error
	url  string
}

// URL is the address of the cluster's database, with its superuser and password.
func (s *Server) URL() string { return s.url }

// PID is the process id of the postmaster.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Start makes the cluster if there is none, starts it, and waits until it answers.
func Start(ctx context.Context, c Config) (*Server, error) {
	bin, err := findBinaries(ctx, c)
	if err != nil {
		return nil, err
	}
	own, err := dropUser()
	if err != nil {
		return nil, err
	}
	home, err := prepare(c.Dir, own)
	if err != nil {
		return nil, err
	}
	cluster := cluster{Config: c, bin: bin, own: own, home: home}
	password, err := cluster.init(ctx)
	if err != nil {
		return nil, err
	}
	if err := cluster.stopLeftover(ctx); err != nil {
		return nil, err
	}
	return cluster.start(ctx, password)
}

// Stop asks for a fast shutdown and waits for it.
func (s *Server) Stop() error { return s.end(syscall.SIGINT) }

// Crash ends the server at once, as it ends itself when one of its processes died: the next
// start recovers from its log.
func (s *Server) Crash() error { return s.end(syscall.SIGQUIT) }

func (s *Server) end(how syscall.Signal) error {
	if err := s.cmd.Process.Signal(how); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("embedded.Stop: %w", err)
	}
	select {
	case <-s.done:
		return nil
	case <-time.After(stopTimeout):
		return errors.Join(errors.New("embedded.Stop: PostgreSQL did not stop in time"), s.cmd.Process.Kill())
	}
}

type cluster struct {
	Config
	bin  string
	own  *owner
	home string // data and password live here
}

func (c cluster) data() string { return filepath.Join(c.home, "data") }

func (c cluster) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, name), args...)
	cmd.Dir = c.home
	cmd.Env = []string{"PATH=" + c.bin + ":/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC", "HOME=" + c.home}
	cmd.SysProcAttr = c.own.attributes()
	return cmd
}

// init runs initdb once; an interrupted one is thrown away and begun again.
func (c cluster) init(ctx context.Context) (password string, err error) {
	secret, marker := filepath.Join(c.home, "password"), filepath.Join(c.home, "ready")
	if _, err := os.Stat(marker); err == nil {
		b, err := os.ReadFile(secret)
		return strings.TrimSpace(string(b)), err
	}
	if err := os.RemoveAll(c.data()); err != nil {
		return "", fmt.Errorf("embedded.init: %w", err)
	}
	raw := make([]byte, 16)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("embedded.init: %w", err)
	}
	password = hex.EncodeToString(raw)
	if err := c.own.writeFile(secret, password+"\n"); err != nil {
		return "", err
	}
	cmd := c.command(ctx, "initdb", "-D", c.data(), "-U", superuser, "-A", "scram-sha-256", "--pwfile", secret,
		"-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("embedded.init: initdb: %w: %s", err, out)
	}
	return password, c.own.writeFile(marker, "made by initdb\n")
}

// stopLeftover ends a postmaster that a killed run left on this data folder.
func (c cluster) stopLeftover(ctx context.Context) error {
	file := filepath.Join(c.data(), "postmaster.pid")
	b, err := os.ReadFile(file)
	if err != nil {
		return nil // none
	}
	pid, err := strconv.Atoi(strings.SplitN(string(b), "\n", 2)[0])
	if err != nil || !c.serves(pid) {
		return os.Remove(file) // stale: its process is gone
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return nil
	}
	_ = process.Signal(syscall.SIGINT)
	return waitFor(ctx, stopTimeout, "an earlier PostgreSQL of this folder to stop", func() bool {
		_, err := os.Stat(file)
		return os.IsNotExist(err)
	})
}

func (c cluster) start(ctx context.Context, password string) (*Server, error) {
	port, err := c.port()
	if err != nil {
		return nil, err
	}
	args := []string{"-D", c.data(), "-k", "", "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-c", "max_connections=200"}
	for _, setting := range settings() {
		args = append(args, "-c", setting)
	}
	if c.Unsafe {
		args = append(args, "-F", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
			"-c", "max_wal_size=1GB") // it may be in memory
	}
	log, err := os.OpenFile(filepath.Join(c.home, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("embedded.start: %w", err)
	}
	defer log.Close()
	cmd := c.command(context.WithoutCancel(ctx), "postgres", args...)
	cmd.Cancel, cmd.Stdout, cmd.Stderr = nil, log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("embedded.start: %w", err)
	}
	s := &Server{cmd: cmd, done: make(chan error, 1)}
	go func() { s.done <- cmd.Wait() }()
	admin := address(password, port, "postgres")
	if err := s.ready(ctx, admin); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	s.url = address(password, port, database)
	return s, nil
}

// settings are those in which a database that takes an event a moment differs from PostgreSQL's
// own, which are made for any machine: what is written again and again stays in memory until a
// checkpoint, checkpoints are far apart, and whatever is committed is on the disk all the same.
func settings() []string {
	return []string{"shared_buffers=256MB", "max_wal_size=4GB", "checkpoint_timeout=15min", "wal_buffers=16MB"}
}

// ready waits for the first connection, then makes sure the database exists.
func (s *Server) ready(ctx context.Context, admin string) error {
	var conn *pgx.Conn
	var refused error
	connects := func() bool {
		conn, refused = pgx.Connect(ctx, admin)
		return refused == nil
	}
	err := waitFor(ctx, startTimeout, "PostgreSQL to answer", func() bool { return connects() || recovering(refused) })
	if err == nil && refused != nil {
		err = waitFor(ctx, recoveryTimeout, "PostgreSQL to take up what it wrote before it crashed", connects)
	}
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var exists bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", database).Scan(&exists); err != nil {
		return fmt.Errorf("embedded.ready: %w", err)
	}
	if !exists {
		if _, err := conn.Exec(ctx, "CREATE DATABASE "+database); err != nil {
			return fmt.Errorf("embedded.ready: %w", err)
		}
	}
	return nil
}

// recovering tells that PostgreSQL answers, and is not ready: after a crash it first takes up what
// it had written since its last checkpoint, which may be gigabytes.
func recovering(err error) bool {
	var said *pgconn.PgError
	return errors.As(err, &said) && said.Code == "57P03"
}

// port is the wished one, the one of the last start, or a free one.
func (c cluster) port() (int, error) {
	if c.Port != 0 {
		return c.Port, nil
	}
	file := filepath.Join(c.home, "port")
	if b, err := os.ReadFile(file); err == nil {
		if p, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && isFree(p) {
			return p, nil
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("embedded.port: %w", err)
	}
	p := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	return p, c.own.writeFile(file, strconv.Itoa(p)+"\n")
}

func isFree(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}

func address(password string, port int, db string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(superuser, password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Path: "/" + db, RawQuery: "sslmode=disable"}
	return u.String()
}

// serves tells whether a process is the postmaster of this data folder. A process id may have
// been given to another program since, even to another PostgreSQL.
func (c cluster) serves(pid int) bool {
	out, err := exec.Command("ps", "-ww", "-o", "args=", "-p", strconv.Itoa(pid)).Output()
	if err != nil { // no ps: /proc, where there is one
		out, _ = os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		out = bytes.ReplaceAll(out, []byte{0}, []byte{' '})
	}
	return bytes.Contains(out, []byte("postgres -D "+c.data()))
}

func waitFor(ctx context.Context, limit time.Duration, what string, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("embedded: waited %s for %s", limit, what)
		case <-tick.C:
		}
	}
	return nil
}
