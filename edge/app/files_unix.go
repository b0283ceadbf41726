//go:build unix

package app

import (
	"math"
	"syscall"
)

// openFiles is how many files and connections this process may have open at a time. Go has
// raised it to what the system allows.
func openFiles() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt32
	}
	return int(min(uint64(limit.Cur), math.MaxInt32))
}
