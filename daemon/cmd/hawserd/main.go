package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit statuses.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is main without the process around it: it returns the exit status. The files are used by -inetd and -sftp-server
// and stay open.
func run(ctx context.Context, args []string, stdin, stdout, stderr *os.File) int {
	opt, err := parseFlags(args, stdout)
	switch {
	case errors.Is(err, errHelp):
		return exitOK
	case err != nil:
		return fail(stderr, exitUsage, err)
	}
	// The second signal ends the program at once: stop restores the default action.
	ctx, stop := signal.NotifyContext(ctx, endSignals()...)
	defer stop()
	context.AfterFunc(ctx, stop)

	switch {
	case opt.genKey != "":
		err = generateKey(opt.genKey, opt.genKeyFile, stdout)
	case opt.sftpServer:
		err = serveStdio(ctx, stdin, stdout)
	case opt.inetd:
		err = serveInetd(ctx, opt, stdin, stdout, stderr)
	default:
		err = serveListener(ctx, opt, stdout, stderr)
	}
	var usage *usageError
	switch {
	case errors.As(err, &usage):
		return fail(stderr, exitUsage, err)
	case err != nil:
		return fail(stderr, exitFailure, err)
	}
	return exitOK
}

// endSignals are those on which sessions are let finish. SIGHUP says that our terminal has gone; nohup makes it ignored,
// and it stays so. There is nothing to read anew: keys of users and revoked ones are read at every attempt.
func endSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// fail writes the one line that says what went wrong.
func fail(stderr io.Writer, status int, err error) int {
	fmt.Fprintf(stderr, "hawserd: %v\n", err)
	return status
}
