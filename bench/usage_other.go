//go:build !unix

package main

import "os"

// ownCPU is not known here.
func ownCPU() float64 { return 0 }

// processCPU returns the CPU seconds of a process that was waited for.
func processCPU(p *os.ProcessState) float64 {
	return (p.UserTime() + p.SystemTime()).Seconds()
}
