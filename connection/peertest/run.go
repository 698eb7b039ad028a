package peertest

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// DefaultTimeout ends a foreign program that has not ended by itself.
const DefaultTimeout = 90 * time.Second

// Cmd is a foreign program and its arguments. The zero values are: no input,
// collected output, a small clean environment, DefaultTimeout.
type Cmd struct {
	Path    string    // a path, or a name for Lookup
	Args    []string  // without the program itself
	Stdin   io.Reader // nil is the null device; *os.File is handed over as it is
	Stdout  io.Writer // nil collects into Result.Stdout
	Dir     string    // working directory; empty is the test's own
	Env     []string  // added to the clean environment
	Timeout time.Duration

	tied io.Closer // what Stop closes first, see tie
}

// Result is how a program ended.
type Result struct {
	Stdout, Stderr []byte
	Code           int // exit status; -1 when a signal or the timeout ended it
	TimedOut       bool
}

// Run runs a program to its end and returns its output and exit status, zero
// or not. A program that is missing ends the test; one that cannot be started
// or does not end in time fails it.
func Run(t testing.TB, stdin io.Reader, name string, args ...string) Result {
	t.Helper()
	return Cmd{Path: name, Args: args, Stdin: stdin}.Run(t)
}

// Run is the method form of Run, for when the defaults do not fit.
func (c Cmd) Run(t testing.TB) Result {
	t.Helper()
	p := c.Start(t)
	r := p.Wait()
	if r.TimedOut {
		t.Fatalf("%s did not end in time\nstdout: %s\nstderr: %s", p, tail(string(r.Stdout)), tail(string(r.Stderr)))
	}
	return r
}

// Process is a running program.
type Process struct {
	Stdout, Stderr Buffer

	t      testing.TB
	cmd    *exec.Cmd
	ctx    context.Context
	cancel context.CancelFunc
	tied   io.Closer
	done   chan struct{}
	result Result
}

// Start starts the program in a process group of its own, which is ended with
// the test if nothing ended it before.
func (c Cmd) Start(t testing.TB) *Process {
	t.Helper()
	path := c.Path
	if !strings.Contains(path, "/") {
		path = Lookup(t, path)
	}
	timeout := c.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	p := &Process{t: t, tied: c.tied, done: make(chan struct{})}
	p.ctx, p.cancel = context.WithTimeout(context.Background(), timeout)
	p.cmd = exec.CommandContext(p.ctx, path, c.Args...)
	p.cmd.Dir, p.cmd.Stdin, p.cmd.Env = c.Dir, c.Stdin, append(cleanEnv(), c.Env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.Stdout, &p.Stderr
	if c.Stdout != nil {
		p.cmd.Stdout = c.Stdout
	}
	ownGroup(p.cmd)
	p.cmd.WaitDelay = 5 * time.Second
	if err := p.cmd.Start(); err != nil {
		p.cancel()
		t.Fatalf("start %s: %v", p, err)
	}
	go p.wait()
	t.Cleanup(func() { p.Stop() })
	return p
}

// wait is the goroutine that owns the process from its start to its end. It
// ends with the process, at the latest WaitDelay after the timeout.
func (p *Process) wait() {
	// The error says nothing that Result does not: it also holds failures to
	// copy input to a program that did not read it all, which are none.
	_ = p.cmd.Wait()
	p.result = Result{
		Stdout: p.Stdout.Bytes(), Stderr: p.Stderr.Bytes(),
		Code: p.cmd.ProcessState.ExitCode(), TimedOut: errors.Is(p.ctx.Err(), context.DeadlineExceeded),
	}
	close(p.done)
	p.cancel()
}

// Wait waits for the end of the program.
func (p *Process) Wait() Result {
	<-p.done
	return p.result
}

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Stop ends the program and what it started in its process group, and waits.
// It is no error to stop a program that has ended.
func (p *Process) Stop() {
	if p.tied != nil {
		p.tied.Close()
	}
	p.cancel()
	<-p.done
}

// Interrupt sends the program alone an interrupt signal, as a user would.
func (p *Process) Interrupt() error { return p.cmd.Process.Signal(os.Interrupt) }

// Pid is the program's process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// WaitOutput waits until the program has written text to standard output, and
// fails the test when it ends or times out before.
func (p *Process) WaitOutput(text string) {
	p.t.Helper()
	p.waitIn(&p.Stdout, text)
}

// WaitError is WaitOutput for standard error.
func (p *Process) WaitError(text string) {
	p.t.Helper()
	p.waitIn(&p.Stderr, text)
}

func (p *Process) waitIn(b *Buffer, text string) {
	p.t.Helper()
	if b.WaitFor(p.ctx, text) || strings.Contains(b.String(), text) {
		return
	}
	p.t.Fatalf("%s ended before it wrote %q\nstdout: %s\nstderr: %s", p, text, tail(p.Stdout.String()), tail(p.Stderr.String()))
}

// tie gives the command an input that ends when this process ends, however it
// does: a test that runs into its time limit cleans nothing up. The command
// has to end with its input.
func (c Cmd) tie(t testing.TB) Cmd {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.Close()
		r.Close()
	})
	c.Stdin, c.tied = r, w
	return c
}

// String names the program and its arguments.
func (p *Process) String() string { return strings.Join(p.cmd.Args, " ") }

// cleanEnv holds nothing of the user's: no agent, no askpass, no display, no
// configuration folder, and messages in English.
func cleanEnv() []string {
	env := []string{"LC_ALL=C", "TERM=dumb", "PYTHONWARNINGS=ignore", "HOME=/dev/null"}
	for _, name := range []string{"PATH", "TMPDIR"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
