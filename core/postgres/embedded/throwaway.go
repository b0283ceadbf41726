package embedded

import (
	"fmt"
	"os"
)

// ThrowAwayDir makes a folder for a server whose data nobody wants afterwards. It is in memory
// where the system has room there: a test's database is a thousand files, and a disk's file
// system takes longer to make and remove those than the test takes (measured: three times the
// processor for a whole package). Runs with very many rows ask for the disk.
func ThrowAwayDir(onDisk bool) (string, error) {
	parent := ""
	if !onDisk {
		parent = roomyMemory()
	}
	dir, err := os.MkdirTemp(parent, "lumo-test-")
	if err != nil {
		return "", fmt.Errorf("embedded.ThrowAwayDir: %w", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // the server may run as another user
		return "", fmt.Errorf("embedded.ThrowAwayDir: %w", err)
	}
	return dir, nil
}
