//go:build unix && !linux && !solaris && !aix

package main

import "golang.org/x/sys/unix"

const (
	ioctlGet, ioctlSet = unix.TIOCGETA, unix.TIOCSETA
	iutf8              = 0 // not everywhere
	disabledChar       = 0xff
)
