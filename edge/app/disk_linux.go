package app

import "syscall"

// freeBytes are those that this user may still write to the disk of a folder.
func freeBytes(dir string) (free int64, ok bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * s.Bsize, true
}
