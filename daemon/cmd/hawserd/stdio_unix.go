//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// pollable returns a second handle on the file that deadlines work on and whose Close ends a waiting Read. It is the
// file itself where the system cannot do that, as for regular files.
func pollable(f *os.File) *os.File {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0) // in one step: a program may be starting meanwhile
	if err != nil {
		return f
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return f
	}
	return os.NewFile(uintptr(fd), f.Name())
}
