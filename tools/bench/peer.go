package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	peerCommand  = "peer" // this program as the static peer: it has a process of its own
	peerTarget   = "https://shop.example/cart?utm_source=line&utm_medium=message"
	peerPatience = 10 * time.Second
)

// peer is a server that answers each request with the same redirect: the least that there is
// to do.
type peer struct {
	name, address string
	cmd           *exec.Cmd
}

// servePeer is Go's net/http with nothing behind it.
func servePeer(addr string) error {
	s := &http.Server{Addr: addr, ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Location"] = []string{peerTarget}
			w.WriteHeader(http.StatusFound)
		})}
	return s.ListenAndServe()
}

// startPeers starts net/http and, where it is installed, nginx.
func startPeers(ctx context.Context, dir string) ([]*peer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	static, err := startPeer(ctx, "nethttp_static_302", addr, self, peerCommand, addr)
	if err != nil {
		return nil, err
	}
	peers := []*peer{static}
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		return peers, nil
	}
	if addr, err = freeAddr(); err != nil {
		return peers, err
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(nginxConfig(dir, addr)), 0o600); err != nil {
		return peers, err
	}
	served, err := startPeer(ctx, "nginx_static_302", addr, nginx, "-c", file, "-p", dir)
	if err != nil {
		return peers, err
	}
	return append(peers, served), nil
}

func nginxConfig(dir, addr string) string {
	return fmt.Sprintf(`daemon off; worker_processes auto; pid %[1]s/nginx.pid; error_log %[1]s/nginx.log;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 100000000; server { listen %[2]s; location / { return 302 %[3]s; } } }
`, dir, addr, peerTarget)
}

func startPeer(ctx context.Context, name, addr, program string, args ...string) (*peer, error) {
	p := &peer{name: name, address: "http://" + addr + "/", cmd: exec.Command(program, args...)}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	return p, awaitListener(ctx, addr)
}

func (p *peer) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) { // however it ends
		return nil
	}
	return err
}

func awaitListener(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, peerPatience)
	defer cancel()
	for {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("nothing listens at %s: %w", addr, err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
