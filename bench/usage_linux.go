package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// clockTicks is in how many parts of a second proc(5) counts CPU time: USER_HZ, 100 on every architecture.
const clockTicks = 100

// processTicks returns the CPU seconds of a process and of those it has waited for, in hundredths; 0 of one that is gone.
func processTicks(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // from the third, the state, on
	sum := 0.0
	for _, i := range []int{14, 15, 16, 17} { // utime, stime, cutime, cstime
		ticks, _ := strconv.ParseFloat(fields[i-3], 64)
		sum += ticks
	}
	return sum / clockTicks
}

// residentBytes returns the memory of this process that is in RAM.
func residentBytes() float64 { return processBytes(os.Getpid(), "status", "VmRSS:") }

// sharedBytes returns the memory of a process that is in RAM, of what it shares with others its part.
func sharedBytes(pid int) float64 { return processBytes(pid, "smaps_rollup", "Pss:") }

func processBytes(pid int, file, field string) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) > 1 && words[0] == field {
			n, _ := strconv.ParseFloat(words[1], 64)
			return n * kib
		}
	}
	return 0
}

// descendants returns a process and all below it.
func descendants(pid int) []int {
	all := []int{pid}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, word := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				all = append(all, descendants(child)...)
			}
		}
	}
	return all
}
