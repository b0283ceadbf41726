package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// systemd finds nothing wrong with the units, and what they name is what we ship.
func TestUnitsAreWhatSystemdUnderstands(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("skipped: there is no systemd-analyze here")
	}
	units, err := filepath.Glob("*.service")
	if err != nil || len(units) != 2 {
		t.Fatal(units, err)
	}
	for _, unit := range units {
		b, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		// The programs are not installed where this runs: any program stands for them.
		text := strings.ReplaceAll(string(b), "/usr/local/bin/"+strings.TrimSuffix(unit, ".service"),
			"/bin/true")
		file := filepath.Join(t.TempDir(), unit)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", file)
		out, err := cmd.CombinedOutput()
		if why := complaints(string(out), unit); err != nil || len(why) > 0 {
			t.Errorf("%s: %v\n%s", unit, err, out)
		}
	}
}

// complaints are the lines about a unit of ours; a bare machine lacks others.
func complaints(out, unit string) []string {
	return slices.DeleteFunc(strings.Split(out, "\n"), func(line string) bool {
		return !strings.Contains(line, unit)
	})
}

// Each setting that a unit or the guide names exists.
func TestSettingsNamedHereStandInTheReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.service")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, filepath.Join("..", "docs", "edges.md")) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		words := strings.FieldsFunc(string(b), func(r rune) bool {
			return r != '_' && (r < 'A' || r > 'Z')
		})
		for _, word := range words {
			if strings.HasPrefix(word, "LUMO_") && !strings.Contains(string(readme), "`"+word+"`") {
				t.Errorf("%s names %s, which the README does not", file, word)
			}
		}
	}
}
