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
	what  string // one measurement is, for the report
	steps func(b *bench) []step
}

// sections are in the order in which they run.
var sections = [...]section{
	{"bulk", "One channel carries as much as it can, to the server (up) or from it (down), in writes of 32 KiB.", (*bench).bulkSteps},
	{"channels", "The same over several channels at once and by writes of several sizes: “8 x 64 B” is eight channels with writes of 64 bytes.", (*bench).channelSteps},
	{"logins", "Dial, key exchange, login with an Ed25519 key, a command that does nothing, close. With a server that is a program the client is golang.org/x/crypto/ssh.", (*bench).loginSteps},
	{"roundtrip", "One byte to an echo and back, the next when it is there.", (*bench).tripSteps},
	{"opens", "A channel is opened and closed again, nothing else.", (*bench).openSteps},
	{"idle", "Connections that are logged in, have one channel open, and do nothing: what each adds to the server. Of servers that are programs 50 connections are measured, whatever the row says.", (*bench).idleSteps},
	{"delay", "Bulk through a proxy that holds every byte for half of the round trip and has no limit of its own: only the windows of SSH limit it.", (*bench).delaySteps},
	{"sftp", "One large file, and many of 1 KiB, to the server (put) and from it (get): github.com/pkg/sftp on both ends, and OpenSSH’s sftp against hawserd (in the column hawser) and sshd.", (*bench).sftpSteps},
	{"hawserd", "OpenSSH’s ssh against hawserd (in the column hawser) and against sshd, the commands being real processes.", (*bench).hawserdSteps},
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
	err = b.print(stdout)
	if err == nil && b.report != "" {
		err = b.writeReport()
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
	}
	if err != nil || failed > 0 || ctx.Err() != nil {
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
