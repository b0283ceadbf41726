package postgrestest

import (
	"os"
	"strconv"
	"syscall"
	"testing"
)

// Soak skips a test that runs long, unless long runs are asked for.
func Soak(t *testing.T) {
	t.Helper()
	if os.Getenv(soakVariable) == "" {
		t.Skip("a long run: LUMO_SOAK=1")
	}
}

// SoakSize is how many a long run takes: usual, or what the environment says.
func SoakSize(variable string, usual int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil && n > 0 {
		return n
	}
	return usual
}

// MostResident is the most memory that this process ever had, in bytes.
func MostResident() int64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Maxrss << 10
}
