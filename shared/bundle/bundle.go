// Package bundle is the manifest of a module set and its signature (CONTRACTS.md part B).
//
// A set is whole: exactly the modules of Names, each with the SHA-256 of its file. The
// signature covers the manifest's bytes as they are, so nothing is read before it is
// checked. Versions only rise; going back is a new manifest that names the old hashes.
package bundle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"lumo/shared/fault"
)

const maxManifest = 64 << 10

// Module is one file of a set.
type Module struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"` // lower-case hex
}

// Manifest says which files make up a set.
type Manifest struct {
	Version uint64    `json:"version"`
	MadeAt  time.Time `json:"made_at"`
	Modules []Module  `json:"modules"`
}

// Names are the modules that every set has, in the order of a manifest.
func Names() []string { return []string{"redirect", "qr", "hookauth"} }

// ParseManifest reads a manifest strictly: no unknown field, no module missing or twice.
// Call it on bytes whose signature was checked; Open does both.
func ParseManifest(file []byte) (Manifest, error) {
	if len(file) > maxManifest {
		return Manifest{}, bad("The manifest is too large.")
	}
	decoder := json.NewDecoder(bytes.NewReader(file))
	decoder.DisallowUnknownFields()
	var m Manifest
	if err := decoder.Decode(&m); err != nil {
		return Manifest{}, bad("The manifest is not JSON of the expected form.")
	}
	if len(bytes.TrimSpace(file[decoder.InputOffset():])) != 0 {
		return Manifest{}, bad("Something stands behind the manifest.")
	}
	return m, m.check()
}

func (m Manifest) check() error {
	if m.Version == 0 || m.MadeAt.IsZero() {
		return bad("The manifest has no version or no time.")
	}
	if len(m.Modules) != len(Names()) {
		return bad("The manifest does not list exactly the three modules.")
	}
	for _, name := range Names() {
		module, found := m.Module(name)
		if !found || module.Version == "" || !isHash(module.SHA256) {
			return bad("The manifest lacks a module, its version or its hash.")
		}
	}
	return nil
}

// Module finds a module by its name.
func (m Manifest) Module(name string) (Module, bool) {
	i := slices.IndexFunc(m.Modules, func(x Module) bool { return x.Name == name })
	if i < 0 {
		return Module{}, false
	}
	return m.Modules[i], true
}

// Holds tells whether file is what the manifest lists under a name.
func (m Manifest) Holds(name string, file []byte) bool {
	module, found := m.Module(name)
	return found && module.SHA256 == Hash(file)
}

// Encode gives the bytes to be signed and stored.
func (m Manifest) Encode() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	file, err := json.Marshal(m)
	return file, fault.Wrap("bundle.Encode", err)
}

// Hash is a file's SHA-256 as a manifest writes it.
func Hash(file []byte) string {
	sum := sha256.Sum256(file)
	return hex.EncodeToString(sum[:])
}

// Sign gives the content of manifest.sig.
func Sign(manifest []byte, key ed25519.PrivateKey) []byte { return ed25519.Sign(key, manifest) }

// Verify checks manifest.sig.
func Verify(manifest, signature []byte, key ed25519.PublicKey) bool {
	return len(key) == ed25519.PublicKeySize && len(signature) == ed25519.SignatureSize &&
		ed25519.Verify(key, manifest, signature)
}

// Open checks the signature and reads the manifest.
func Open(manifest, signature []byte, key ed25519.PublicKey) (Manifest, error) {
	if !Verify(manifest, signature, key) {
		return Manifest{}, bad("The manifest's signature is not ours.")
	}
	return ParseManifest(manifest)
}

func isHash(text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == sha256.Size && hex.EncodeToString(raw) == text
}

func bad(message string) error { return fault.New(fault.Invalid, "bundle.Open", "%s", message) }
