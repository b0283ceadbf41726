package embedded

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

const (
	oldestMajor    = 15
	packageVersion = "18.4.0-beta.17"
)

// findBinaries gives the folder of an installed PostgreSQL, newest first, or of the package.
func findBinaries(ctx context.Context, c Config) (string, error) {
	if c.Bin != "" {
		return c.Bin, nil
	}
	if c.Packaged {
		return packaged(ctx, c.CacheDir)
	}
	best, bestMajor := "", oldestMajor-1
	for _, dir := range installed(ctx) {
		if major := serverMajor(ctx, dir); major > bestMajor {
			best, bestMajor = dir, major
		}
	}
	if best != "" {
		return best, nil
	}
	return packaged(ctx, c.CacheDir)
}

// installed lists folders that may hold server binaries. Debian keeps them outside PATH.
func installed(ctx context.Context) []string {
	var dirs []string
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	if p, err := exec.LookPath("postgres"); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			dirs = append(dirs, filepath.Dir(p))
		}
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin"} {
		found, _ := filepath.Glob(pattern)
		dirs = append(dirs, found...)
	}
	return dirs
}

// serverMajor asks the binary, not the folder's name; 0 = unusable.
func serverMajor(ctx context.Context, dir string) int {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return 0
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return 0
	}
	m := regexp.MustCompile(`\) (\d+)`).FindSubmatch(out)
	if m == nil {
		return 0
	}
	major, _ := strconv.Atoi(string(m[1]))
	return major
}

// packaged unpacks the pinned npm package once; two runs at once do not disturb each other,
// because each unpacks beside the cache and renames.
func packaged(ctx context.Context, cache string) (string, error) {
	name := fmt.Sprintf("@embedded-postgres/%s-%s", runtime.GOOS, npmArch())
	home := filepath.Join(cache, "postgres-"+packageVersion)
	bin := filepath.Join(home, "native", "bin")
	if _, err := os.Stat(filepath.Join(bin, "postgres")); err == nil {
		return bin, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("embedded.packaged: %w", err)
	}
	work, err := os.MkdirTemp(cache, "unpack-")
	if err != nil {
		return "", fmt.Errorf("embedded.packaged: %w", err)
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil {
		return "", fmt.Errorf("embedded.packaged: %w", err)
	}
	cmd := exec.CommandContext(ctx, "npm", "pack", "--silent", name+"@"+packageVersion)
	cmd.Dir = work
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("no PostgreSQL %d or newer is installed and the package %s could not be had; "+
			"install PostgreSQL or set LUMO_DATABASE_URL: %w", oldestMajor, name, err)
	}
	root := filepath.Join(work, "root")
	if err := unpack(filepath.Join(work, strings.TrimSpace(string(out))), root); err != nil {
		return "", err
	}
	if err := os.Rename(root, home); err != nil && !errors.Is(err, os.ErrExist) {
		if _, there := os.Stat(filepath.Join(bin, "postgres")); there != nil {
			return "", fmt.Errorf("embedded.packaged: %w", err)
		}
	}
	return bin, nil
}

func npmArch() string {
	if runtime.GOARCH == "amd64" {
		return "x64"
	}
	return runtime.GOARCH
}

// unpack writes the package's regular files and makes the links that npm cannot carry.
func unpack(archive, root string) error {
	f, err := os.Open(archive)
	if err != nil {
		return fmt.Errorf("embedded.unpack: %w", err)
	}
	defer f.Close()
	zipped, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("embedded.unpack: %w", err)
	}
	for r := tar.NewReader(zipped); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return link(root)
		}
		if err != nil {
			return fmt.Errorf("embedded.unpack: %w", err)
		}
		name, inside := strings.CutPrefix(h.Name, "package/")
		if !inside || h.Typeflag != tar.TypeReg || !filepath.IsLocal(name) {
			continue
		}
		if err := writeTo(filepath.Join(root, name), os.FileMode(h.Mode)&0o755, r); err != nil {
			return err
		}
	}
}

func writeTo(name string, mode os.FileMode, r io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("embedded.unpack: %w", err)
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return fmt.Errorf("embedded.unpack: %w", err)
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

func link(root string) error {
	b, err := os.ReadFile(filepath.Join(root, "native", "pg-symlinks.json"))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("embedded.link: %w", err)
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(b, &links); err != nil {
		return fmt.Errorf("embedded.link: %w", err)
	}
	for _, l := range links {
		if !filepath.IsLocal(l.Target) {
			return fmt.Errorf("embedded.link: a link leaves its folder")
		}
		target := filepath.Join(root, l.Target)
		if err := os.Symlink(filepath.Base(l.Source), target); err != nil && !os.IsExist(err) {
			return fmt.Errorf("embedded.link: %w", err)
		}
	}
	return nil
}
