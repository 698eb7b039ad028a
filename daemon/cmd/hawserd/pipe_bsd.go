//go:build unix && !linux

package main

import "syscall"

// setPipeSize does nothing: pipes grow by themselves here, or not at all.
func setPipeSize(fd, size int) {}

// writeViews writes the first slice, or as much of it as the pipe takes now.
func writeViews(fd int, views [][]byte) (int, error) { return syscall.Write(fd, views[0]) }
