package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// owner is the unprivileged user that the cluster belongs to; nil = ourselves.
type owner struct{ uid, gid int }

// dropUser picks "postgres", else "nobody", when we are root: PostgreSQL refuses root.
func dropUser() (*owner, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err1 == nil && err2 == nil {
			return &owner{uid: uid, gid: gid}, nil
		}
	}
	return nil, fmt.Errorf("embedded: running as root, and there is no user postgres or nobody to run PostgreSQL as")
}

// attributes start a child as the owner, in its own group, so that Ctrl-C reaches only us
// and we stop it in order.
func (o *owner) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if o != nil {
		attr.Credential = &syscall.Credential{Uid: uint32(o.uid), Gid: uint32(o.gid)}
	}
	return attr
}

func (o *owner) writeFile(name, text string) error {
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		return fmt.Errorf("embedded: %w", err)
	}
	return o.chown(name)
}

func (o *owner) chown(name string) error {
	if o == nil {
		return nil
	}
	return os.Chown(name, o.uid, o.gid)
}

// canReach tells whether the owner may search every folder above dir.
func (o *owner) canReach(dir string) bool {
	if o == nil {
		return true
	}
	for at := filepath.Dir(dir); ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err == nil && info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if at == filepath.Dir(at) {
			return true
		}
	}
}

// prepare makes the cluster's folder. A checkout below a private home cannot hold it
// for another user, so then a folder under the temporary one, named by the path, does.
func prepare(dir string, own *owner) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("embedded.prepare: %w", err)
	}
	if !own.canReach(dir) {
		sum := sha256.Sum256([]byte(dir))
		dir = filepath.Join(os.TempDir(), "lumo-pg-"+hex.EncodeToString(sum[:6]))
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("embedded.prepare: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return "", fmt.Errorf("embedded.prepare: %w", err)
	}
	return dir, own.chown(dir)
}
