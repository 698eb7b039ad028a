package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
)

// fact is something about the machine or a program that figures depend on.
type fact struct{ Name, Value string }

// machine describes what a run was made on, without what would name it.
func machine() []fact {
	facts := []fact{
		{"processor", fmt.Sprintf("%s, %d in use", processor(), runtime.GOMAXPROCS(0))},
		{"system", strings.TrimSpace(runtime.GOOS + "/" + runtime.GOARCH + " " + firstLine("/proc/sys/kernel/osrelease"))},
		{"Go", runtime.Version()},
		{"golang.org/x/crypto", moduleVersion("golang.org/x/crypto")},
	}
	for _, program := range []struct {
		name string
		line []string
	}{
		{openssh, []string{"ssh", "-V"}},
		{dropbear, []string{"dbclient", "-V"}},
		{asyncssh, asyncsshCommand("version")},
	} {
		if out, err := exec.Command(program.line[0], program.line[1:]...).CombinedOutput(); err == nil {
			facts = append(facts, fact{program.name, strings.TrimSpace(string(out))})
		}
	}
	return facts
}

// processor is the name that the system gives the first of its processors.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func firstLine(file string) string {
	text, _ := os.ReadFile(file)
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return "unknown"
}
