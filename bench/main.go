// Command bench is the ruler: it measures hawser against golang.org/x/crypto/ssh, and against the other implementations
// that are installed, each client and each server in a process of its own, the runs interleaved. README.md says how to
// read it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit statuses.
const (
	exitFailed = 1 // a measurement failed
	exitUsage  = 2
)

func main() {
	if len(os.Args) == 3 && isChild(os.Args[1]) {
		os.Exit(runChild(os.Args[1], os.Args[2]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// section is one table of measurements.
type section struct {
	name  string
	steps func(b *bench) []step
}

// sections are in the order in which they run.
var sections = [...]section{
	{"bulk", (*bench).bulkSteps},
	{"channels", (*bench).channelSteps},
	{"logins", (*bench).loginSteps},
	{"roundtrip", (*bench).tripSteps},
	{"opens", (*bench).openSteps},
	{"idle", (*bench).idleSteps},
	{"delay", (*bench).delaySteps},
	{"sftp", (*bench).sftpSteps},
	{"hawserd", (*bench).hawserdSteps},
}

func sectionNames() []string {
	var names []string
	for _, s := range sections {
		names = append(names, s.name)
	}
	return names
}

// run measures and prints; it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitUsage
	}
	b, err := newBench(o, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitFailed
	}
	defer b.close()
	failed := b.measure(ctx)
	if err := b.print(stdout); err != nil || failed > 0 || ctx.Err() != nil {
		fmt.Fprintf(stderr, "bench: %d measurements failed\n", failed)
		return exitFailed
	}
	return 0
}

// print writes what was measured as the flags want it.
func (b *bench) print(w io.Writer) error {
	b.results.finish()
	if b.json {
		return b.results.writeJSON(w)
	}
	return b.results.writeTable(w)
}
