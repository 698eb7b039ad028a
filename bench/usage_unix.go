//go:build unix

package main

import (
	"os"
	"syscall"
)

// ownCPU returns the CPU seconds, user and system, that this process has used.
func ownCPU() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

// processCPU returns the CPU seconds of a process that was waited for, with those of its own descendants of that kind.
func processCPU(p *os.ProcessState) float64 {
	return (p.UserTime() + p.SystemTime()).Seconds()
}
