package wasm_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
)

// task is what the other host is told: the golden world and requests.
type task struct {
	Now     int64             `json:"now"`
	Modules map[string]string `json:"modules"` // name -> file
	Rows    []taskRow         `json:"rows"`
	Keys    []taskKeys        `json:"keys"`
	Cases   []taskCase        `json:"cases"`
}

type taskRow struct {
	Table uint8  `json:"table"`
	Key   string `json:"key"`
	Value string `json:"value"`
}

type taskKeys struct {
	Ref     string   `json:"ref"` // decimal: numbers of JavaScript are too small
	Secrets []string `json:"secrets"`
}

type taskCase struct {
	Name    string `json:"name"`
	Module  string `json:"module"`
	Request string `json:"request"`
	Body    string `json:"body"`
	Claim   bool   `json:"claim"`
}

func newTask(t *testing.T, dir string) task {
	t.Helper()
	world := edgeapitest.NewWorld()
	out := task{Now: edgeapitest.NowMS, Modules: map[string]string{}}
	for name, file := range defaultSet(t) {
		out.Modules[name] = filepath.Join(dir, name+".wasm")
		if err := os.WriteFile(out.Modules[name], file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := edgeapi.ParseEntries(world.Frames(1)[0].Payload)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Table != edgeapi.TableKey {
			out.Rows = append(out.Rows,
				taskRow{e.Table, hex.EncodeToString(e.Key), hex.EncodeToString(e.Value)})
		}
	}
	out.Keys = keysOf(world)
	for _, c := range edgeapitest.Cases() {
		out.Cases = append(out.Cases, taskCase{c.Name, c.Module,
			hex.EncodeToString(c.Request.Append(nil)), hex.EncodeToString(c.Body), c.Request.IsClaim()})
	}
	return out
}

// keysOf lists the keys of all references that golden requests can name.
func keysOf(world edgeapitest.World) (all []taskKeys) {
	owners := []uint32{0, edgeapitest.Channel, edgeapitest.Account, edgeapitest.ShopOwner}
	for kind := edgeapi.KeyLink; kind <= edgeapi.KeyShopify; kind++ {
		for _, owner := range owners {
			for number := range uint16(3) {
				ref := edgeapi.Ref(kind, number, owner)
				keys := taskKeys{Ref: strconv.FormatUint(uint64(ref), 10)}
				for _, secret := range world.Keys(ref, edgeapitest.NowMS) {
					keys.Secrets = append(keys.Secrets, hex.EncodeToString(secret))
				}
				if len(keys.Secrets) > 0 {
					all = append(all, keys)
				}
			}
		}
	}
	return all
}

// secondHost has the other host's packages, installed once for each state of their list. It
// is not there where Node or the packages cannot be had.
func secondHost(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("skipped: there is no Node with npm, so no second host")
	}
	lock, err := os.ReadFile(filepath.Join("testdata", "node", "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(lock)
	dir := filepath.Join(os.TempDir(), "lumo-second-host-"+hex.EncodeToString(sum[:8]))
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err == nil {
		return dir
	}
	made, err := os.MkdirTemp(os.TempDir(), "lumo-second-host-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(made)
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc"} {
		b, err := os.ReadFile(filepath.Join("testdata", "node", name))
		if err != nil || os.WriteFile(filepath.Join(made, name), b, 0o600) != nil {
			t.Fatal(name, err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = made
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("skipped: the package @extism/extism cannot be had (%v): %s", err, lastLine(out))
	}
	if err := os.Rename(made, dir); err != nil && !os.IsExist(err) {
		if _, there := os.Stat(filepath.Join(dir, "node_modules")); there != nil {
			t.Fatal(err) // else another test was faster
		}
	}
	return dir
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

// The same files under another engine, another language's Extism and host functions that
// were written anew give the same verdicts, and ask for the same imports.
func TestNodeGivesTheGoldenVerdicts(t *testing.T) {
	t.Parallel()
	dir, work := secondHost(t), t.TempDir()
	script, err := os.ReadFile(filepath.Join("testdata", "node", "host.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	// Beside its packages, so that Node finds them; several tests may run at once.
	beside, err := os.CreateTemp(dir, "host-*.mjs")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(beside.Name())
	_, err = beside.Write(script)
	if err := firstOf(err, beside.Close()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(work, "task.json")
	b, err := json.Marshal(newTask(t, work))
	if err := firstOf(err, os.WriteFile(file, b, 0o600)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "--no-warnings", beside.Name(), file)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the second host failed: %v", err)
	}
	var got struct {
		Imports  map[string][]string
		Verdicts map[string]string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for _, c := range edgeapitest.Cases() {
		verdict, err := hex.DecodeString(got.Verdicts[c.Name])
		if text := string(edgeapitest.Hex(verdict)); err != nil || text != golden(t, c.Name) {
			t.Errorf("%s: got\n%swant\n%s", c.Name, text, golden(t, c.Name))
		}
	}
	for name, file := range defaultSet(t) {
		var want []string
		for _, f := range imports(t, file) {
			module, function, _ := f.Import()
			want = append(want, module+" "+function)
		}
		slices.Sort(want)
		if !slices.Equal(got.Imports[name], want) {
			t.Errorf("%s: Node sees the imports %v, want %v", name, got.Imports[name], want)
		}
	}
	t.Logf("%d verdicts under Node", len(got.Verdicts))
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// signature is an import as the golden list writes it.
func signature(module, name string, params, results []byte) string {
	return fmt.Sprintf("%s %s %s -> %s", module, name, types(params), types(results))
}

func types(all []byte) string {
	names := map[byte]string{0x7f: "i32", 0x7e: "i64", 0x7d: "f32", 0x7c: "f64"}
	var out []string
	for _, t := range all {
		out = append(out, names[t])
	}
	return "(" + strings.Join(out, " ") + ")"
}
