package main

import "golang.org/x/sys/unix"

// setPipeSize enlarges a pipe. An error means that the user has too many large ones already, and this one stays as it is.
func setPipeSize(fd, size int) { _, _ = unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, size) }

// writeViews writes the slices, or as much of them as the pipe takes now, with one system call.
func writeViews(fd int, views [][]byte) (int, error) { return unix.Writev(fd, views) }
