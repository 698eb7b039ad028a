//go:build unix

package main

import (
	"os"
	"syscall"
)

// pollable returns a second handle on the file that deadlines work on and whose Close ends a waiting Read. It is the
// file itself where the system cannot do that, as for regular files.
func pollable(f *os.File) *os.File {
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		return f
	}
	syscall.CloseOnExec(fd)
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		return f
	}
	return os.NewFile(uintptr(fd), f.Name())
}
