package app

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lumo/core/fleet"
	"lumo/shared/bundle"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// The files of a signed set, in one folder: the manifest and its signature, the manifest that
// leads back and its signature, the three modules, and those that run before it.
const (
	manifestFile  = "manifest.json"
	signatureFile = "manifest.sig"
	backFile      = "rollback.json"
	backSigFile   = "rollback.sig"
	previousDir   = "previous"
	moduleSuffix  = ".wasm"
	firstVersion  = 2 // below are the modules that edges bring
)

type moduleCommands struct {
	Keygen struct {
		File string `arg:"" help:"Where to write the key. Keep it off the core's machines."`
	} `cmd:"" help:"Make a key that signs modules, and print what the core needs to know of it."`
	Sign struct {
		Key      string `required:"" help:"File of the key that signs."`
		Previous string `required:"" help:"Folder with the modules that edges run now: roll-back leads there."`
		Version  uint64 `help:"Version of the set; without it, the next after the previous folder's."`
		Release  string `default:"1.0.0" help:"Version of the modules whose files changed."`
		Out      string `required:"" help:"Folder to write the signed set to."`
		From     string `arg:"" help:"Folder with redirect.wasm, qr.wasm and hookauth.wasm."`
	} `cmd:"" help:"Sign a set of modules. Needs neither settings nor database."`
	Publish struct {
		Dir string `arg:"" help:"Folder that sign wrote."`
	} `cmd:"" help:"Have all edges put a signed set to work."`
	RollBack struct {
		Version uint64 `arg:"" help:"Version that edges run now."`
	} `cmd:"" help:"Have all edges return to what ran before a version."`
}

// offline runs the commands on modules that need no core; done tells that it was one.
func (c moduleCommands) offline(command string, now time.Time, out io.Writer) (done bool, err error) {
	switch command {
	case "modules keygen <file>":
		return true, keygen(c.Keygen.File, out)
	case "modules sign <from>":
		return true, c.sign(now, out)
	}
	return false, nil
}

// keygen never writes over a key.
func keygen(file string, out io.Writer) error {
	const op = "modules.keygen"
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fault.Wrap(op, err)
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fault.New(fault.Conflict, op, "%s exists already. Choose another file.", file)
	}
	if err != nil {
		return fault.New(fault.Invalid, op, "%s cannot be written.", file)
	}
	_, err = fmt.Fprintln(f, base64.StdEncoding.EncodeToString(private.Seed()))
	if err := errors.Join(err, f.Close()); err != nil {
		return fault.Wrap(op, err)
	}
	fmt.Fprintf(out, "LUMO_MODULE_PUBLIC_KEY=%s\n", base64.StdEncoding.EncodeToString(public))
	return nil
}

func readSigningKey(file string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.New(fault.Invalid, "modules.key", "The key cannot be read from %s.", file)
	}
	seed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fault.New(fault.Invalid, "modules.key", "%s holds no key of lumo-core modules keygen.", file)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func (c moduleCommands) sign(now time.Time, out io.Writer) error {
	const op = "modules.sign"
	key, err := readSigningKey(c.Sign.Key)
	if err != nil {
		return err
	}
	files, err := readModules(c.Sign.From)
	if err != nil {
		return err
	}
	before, err := readModules(c.Sign.Previous)
	if err != nil {
		return err
	}
	known, err := manifestOf(c.Sign.Previous)
	if err != nil {
		return err
	}
	version := c.Sign.Version
	if version == 0 {
		version = max(known.Version+2, firstVersion) // its own roll-back has the one between
	}
	p, err := fleet.Sign(key, version, now.UTC().Truncate(time.Second), versioned(files, known, c.Sign.Release),
		versioned(before, known, "1.0.0"))
	if err != nil {
		return fault.Wrap(op, err)
	}
	if err := writeSet(c.Sign.Out, p, files, before); err != nil {
		return fault.New(fault.Invalid, op, "%s cannot be written.", c.Sign.Out)
	}
	fmt.Fprintf(out, "version %d, with roll-back %d, in %s\n", version, version+1, c.Sign.Out)
	return nil
}

// manifestOf is the manifest in a folder; a folder without one has version 0.
func manifestOf(dir string) (bundle.Manifest, error) {
	text, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if errors.Is(err, os.ErrNotExist) {
		return bundle.Manifest{}, nil
	}
	if err != nil {
		return bundle.Manifest{}, fault.New(fault.Invalid, "modules.manifest", "%s cannot be read.", dir)
	}
	return bundle.ParseManifest(text)
}

// versioned lists files with the version that they had in a known manifest, or a new one.
func versioned(files map[string][]byte, known bundle.Manifest, release string) []bundle.Module {
	var out []bundle.Module
	for _, name := range bundle.Names() {
		module := bundle.Module{Name: name, Version: release, SHA256: bundle.Hash(files[name])}
		if had, ok := known.Module(name); ok && had.SHA256 == module.SHA256 {
			module.Version = had.Version
		}
		out = append(out, module)
	}
	return out
}

func readModules(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, name := range bundle.Names() {
		b, err := os.ReadFile(filepath.Join(dir, name+moduleSuffix))
		if err != nil {
			return nil, fault.New(fault.Invalid, "modules.read", "%s has no %s.", dir, name+moduleSuffix)
		}
		files[name] = b
	}
	return files, nil
}

func writeSet(dir string, p fleet.Publication, files, before map[string][]byte) error {
	all := map[string][]byte{manifestFile: p.Set.Manifest, signatureFile: p.Set.Signature,
		backFile: p.RollBack.Manifest, backSigFile: p.RollBack.Signature}
	for name := range files {
		all[name+moduleSuffix] = files[name]
		all[filepath.Join(previousDir, name+moduleSuffix)] = before[name]
	}
	if err := os.MkdirAll(filepath.Join(dir, previousDir), 0o755); err != nil {
		return err
	}
	for name, content := range all {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// publishModules uploads a signed folder into this core.
func (a *App) publishModules(ctx context.Context, dir string, out io.Writer) error {
	var p fleet.Publication
	for name, to := range map[string]*[]byte{manifestFile: &p.Set.Manifest, signatureFile: &p.Set.Signature,
		backFile: &p.RollBack.Manifest, backSigFile: &p.RollBack.Signature} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return fault.New(fault.Invalid, "modules.publish", "%s has no %s. Sign the set first.", dir, name)
		}
		*to = b
	}
	for _, folder := range []string{dir, filepath.Join(dir, previousDir)} {
		files, err := readModules(folder)
		if err != nil {
			return err
		}
		for _, file := range files {
			if _, err := a.parts.fleet.AddModuleFile(ctx, file); err != nil {
				return err
			}
		}
	}
	set, err := a.parts.fleet.Publish(ctx, id.ID{}, p)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "version %d is published\n", set.Version)
	return nil
}

func (a *App) modules(ctx context.Context, command string, c moduleCommands, out io.Writer) error {
	if command == "modules publish <dir>" {
		return a.publishModules(ctx, c.Publish.Dir, out)
	}
	back, err := a.parts.fleet.RollBack(ctx, id.ID{}, c.RollBack.Version)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "version %d is published; it has the modules of before version %d\n", back.Version, back.Undoes)
	return nil
}
