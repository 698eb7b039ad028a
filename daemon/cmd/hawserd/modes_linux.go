package main

import "golang.org/x/sys/unix"

const (
	ioctlGet, ioctlSet = unix.TCGETS, unix.TCSETS
	iutf8              = unix.IUTF8
	disabledChar       = 0
)
