package embedded

import "syscall"

const (
	memoryDir  = "/dev/shm"
	memoryRoom = 8 << 30 // bytes that are free there; tests use less than one
)

// roomyMemory is a folder in memory with much room; empty = there is none.
func roomyMemory() string {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memoryDir, &fs); err != nil || fs.Bavail*uint64(fs.Bsize) < memoryRoom {
		return ""
	}
	return memoryDir
}
