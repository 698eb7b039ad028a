//go:build !unix

package main

import (
	"os"
	"syscall"
)

func rawFile(*os.File) syscall.RawConn { return nil }

func (o *outlet) pollRead(uintptr) bool  { return true }
func (in *inlet) pollWrite(uintptr) bool { return true }
func enlargePipe(syscall.RawConn)        {}
