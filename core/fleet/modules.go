package fleet

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"slices"
	"time"

	"lumo/shared/bundle"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// MaxModule is the most bytes that a module's file may have.
const MaxModule = 16 << 20

// ModuleSet is a signed set of modules. The set of the highest version that was published is
// the one that edges put to work.
type ModuleSet struct {
	bundle.Manifest
	Text        []byte // the manifest as it was signed
	Signature   []byte
	Undoes      uint64 // version that it rolls back, 0 = none
	CreatedAt   time.Time
	PublishedAt time.Time // zero = a roll-back that nobody asked for
	PublishedBy id.ID     // operator, zero = the command line
}

// Signed is a manifest and its signature.
type Signed struct{ Manifest, Signature []byte }

// Publication is what one signing makes: a set and, since versions only rise and a roll-back
// is a new manifest with the old hashes, the next manifest, with which the core can go back to
// what ran before although it has no key to sign with.
type Publication struct {
	Set      Signed
	RollBack Signed
}

// ModuleStore keeps module sets; its methods run inside a transaction without a merchant.
type ModuleStore interface {
	// LockModules lets one transaction at a time change what is published.
	LockModules(ctx context.Context) error
	AddSet(ctx context.Context, s ModuleSet) error
	// Sets are all of them, newest first.
	Sets(ctx context.Context) ([]ModuleSet, error)
	// PublishSet gives a set that is there its time.
	PublishSet(ctx context.Context, version uint64, by id.ID, now time.Time) error
	// AddFile stores a file under its hash; one that is there stays. Files that no set names
	// and that came before a day go.
	AddFile(ctx context.Context, hash string, file []byte, now time.Time) error
	// File is fault.NotFound for a hash that is not there.
	File(ctx context.Context, hash string) ([]byte, error)
	// Missing answers which of these hashes are not there.
	Missing(ctx context.Context, hashes []string) ([]string, error)
}

// AddModuleFile keeps a module's file for a set that will name it, and answers its hash.
func (s *Service) AddModuleFile(ctx context.Context, file []byte) (hash string, err error) {
	const op = "fleet.AddModuleFile"
	if !bytes.HasPrefix(file, []byte("\x00asm\x01\x00\x00\x00")) || len(file) > MaxModule {
		return "", fault.New(fault.Invalid, op, "This file is no WebAssembly module, or larger than 16 MB.")
	}
	hash = bundle.Hash(file)
	err = s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		return s.c.Store.AddFile(ctx, hash, file, s.c.Now())
	})
	return hash, fault.Wrap(op, err)
}

// ModuleFile is a file by its hash in lower-case hex; fault.NotFound where there is none.
func (s *Service) ModuleFile(ctx context.Context, hash string) (file []byte, err error) {
	const op = "fleet.ModuleFile"
	if raw, err := hex.DecodeString(hash); err != nil || len(raw) != 32 {
		return nil, fault.New(fault.NotFound, op, "There is no such module.")
	}
	err = s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		file, err = s.c.Store.File(ctx, hash)
		return err
	})
	return file, fault.Wrap(op, err)
}

// Publish has edges put a set to work. Its files, and those of the roll-back, are there
// already. Everything is refused that edges would refuse by looking at it, so that a person
// hears of it here; what only running shows, edges tell.
func (s *Service) Publish(ctx context.Context, by id.ID, p Publication) (ModuleSet, error) {
	const op = "fleet.Publish"
	set, back, err := s.open(p)
	if err != nil {
		return ModuleSet{}, err
	}
	set.CreatedAt, back.CreatedAt = s.c.Now(), s.c.Now()
	err = s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		if err := s.c.Store.LockModules(ctx); err != nil {
			return err
		}
		if err := s.fits(ctx, set, back); err != nil {
			return err
		}
		for _, one := range []ModuleSet{set, back} {
			if err := s.c.Store.AddSet(ctx, one); err != nil {
				return err
			}
		}
		if err := s.c.Store.PublishSet(ctx, set.Version, by, s.c.Now()); err != nil {
			return err
		}
		return s.note(ctx, Entry{Operator: by, Action: ActionPublished,
			Data: map[string]any{"version": set.Version}})
	})
	if err != nil {
		return ModuleSet{}, fault.Wrap(op, err)
	}
	set.PublishedAt, set.PublishedBy = s.c.Now(), by
	return set, fault.Wrap(op, s.refreshModules(ctx))
}

// open checks both signatures and that the two belong together.
func (s *Service) open(p Publication) (set, back ModuleSet, err error) {
	const op = "fleet.open"
	if len(s.c.ModuleKey) != ed25519.PublicKeySize {
		return set, back, fault.New(fault.Invalid, op,
			"This core knows no signing key. Set LUMO_MODULE_PUBLIC_KEY to the key that signs modules and start it again.")
	}
	for _, one := range []struct {
		to   *ModuleSet
		from Signed
	}{{&set, p.Set}, {&back, p.RollBack}} {
		m, err := bundle.Open(one.from.Manifest, one.from.Signature, s.c.ModuleKey)
		if err != nil {
			return set, back, fault.Wrap(op, err)
		}
		*one.to = ModuleSet{Manifest: m, Text: one.from.Manifest, Signature: one.from.Signature}
	}
	if back.Version != set.Version+1 {
		return set, back, fault.New(fault.Invalid, op,
			"The roll-back does not belong to this set: its version is %d, not %d.", back.Version, set.Version+1)
	}
	back.Undoes = set.Version
	return set, back, nil
}

// fits checks a set against what is there: versions rise, the roll-back leads to what runs
// now, and every file is here.
func (s *Service) fits(ctx context.Context, set, back ModuleSet) error {
	const op = "fleet.fits"
	sets, err := s.c.Store.Sets(ctx)
	if err != nil {
		return err
	}
	if len(sets) > 0 && set.Version <= sets[0].Version {
		return fault.New(fault.Conflict, op, "Versions only rise: sign this set as version %d or higher.",
			sets[0].Version+1)
	}
	if now := Current(sets); now != nil && !sameFiles(now.Manifest, back.Manifest) {
		return fault.New(fault.Conflict, op, "The roll-back leads to other modules than those of version %d, "+
			"which edges run now. Sign again with that set as the previous one.", now.Version)
	}
	missing, err := s.c.Store.Missing(ctx, append(hashes(set.Manifest), hashes(back.Manifest)...))
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return fault.New(fault.Invalid, op, "Upload the file with the hash %s first.", missing[0])
	}
	return nil
}

// RollBack has edges return to what ran before the set of a version, with the manifest that
// was signed along with it.
func (s *Service) RollBack(ctx context.Context, by id.ID, version uint64) (ModuleSet, error) {
	const op = "fleet.RollBack"
	var back ModuleSet
	err := s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		if err := s.c.Store.LockModules(ctx); err != nil {
			return err
		}
		sets, err := s.c.Store.Sets(ctx)
		if err != nil {
			return err
		}
		now := Current(sets)
		if now != nil && now.Undoes == version {
			back = *now // asked twice, done once
			return nil
		}
		if now == nil || now.Version != version {
			return fault.New(fault.Conflict, op, "Edges do not run version %d any more. Load the page again.", version)
		}
		at := slices.IndexFunc(sets, func(s ModuleSet) bool { return s.Undoes == version })
		if at < 0 {
			return fault.New(fault.Conflict, op, "Version %d is a roll-back itself. Publish a new set.", version)
		}
		back = sets[at]
		if err := s.c.Store.PublishSet(ctx, back.Version, by, s.c.Now()); err != nil {
			return err
		}
		return s.note(ctx, Entry{Operator: by, Action: ActionRolledBack,
			Data: map[string]any{"version": back.Version, "undoes": version}})
	})
	if err != nil {
		return ModuleSet{}, fault.Wrap(op, err)
	}
	if back.PublishedAt.IsZero() {
		back.PublishedAt, back.PublishedBy = s.c.Now(), by
	}
	return back, fault.Wrap(op, s.refreshModules(ctx))
}

// ModuleSets are all sets, newest first.
func (s *Service) ModuleSets(ctx context.Context) (sets []ModuleSet, err error) {
	err = s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		sets, err = s.c.Store.Sets(ctx)
		return err
	})
	return sets, fault.Wrap("fleet.ModuleSets", err)
}

// Signs tells whether this core knows the key of module sets.
func (s *Service) Signs() bool { return len(s.c.ModuleKey) == ed25519.PublicKeySize }

// refreshModules learns which set is published and wakes the streams when it is another.
func (s *Service) refreshModules(ctx context.Context) error {
	sets, err := s.ModuleSets(ctx)
	if err != nil {
		return err
	}
	now, before := Current(sets), s.modules.Load()
	if now == nil || before != nil && before.Version >= now.Version {
		return nil
	}
	s.modules.Store(now)
	s.offered.fire()
	return nil
}

// Current is the published set of the highest version, of sets that are newest first; nil =
// edges run what they bring.
func Current(sets []ModuleSet) *ModuleSet {
	for i := range sets {
		if !sets[i].PublishedAt.IsZero() {
			return &sets[i]
		}
	}
	return nil
}

func sameFiles(a, b bundle.Manifest) bool { return slices.Equal(hashes(a), hashes(b)) }

// hashes are those of a manifest's files, in the order of bundle.Names.
func hashes(m bundle.Manifest) []string {
	var out []string
	for _, name := range bundle.Names() {
		module, _ := m.Module(name)
		out = append(out, module.SHA256)
	}
	return out
}

// frame is the set as a stream brings it.
func (m ModuleSet) frame() edgeapi.Frame {
	set := edgeapi.ModuleSet{Manifest: m.Text}
	copy(set.Signature[:], m.Signature)
	return edgeapi.Frame{Type: edgeapi.FrameModules, Payload: set.Append(nil)}
}
