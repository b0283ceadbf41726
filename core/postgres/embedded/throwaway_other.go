//go:build !linux

package embedded

func roomyMemory() string { return "" }
