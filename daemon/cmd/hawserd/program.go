package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/hawser-ssh/hawser/connection"
)

// killGrace is how long a program may live after its channel is gone and SIGHUP was sent.
const killGrace = 2 * time.Second

// program is a child process with its three streams, or a terminal in place of them.
type program struct {
	cmd    *exec.Cmd
	stdin  *os.File
	stdout *os.File // what the program writes; the terminal when there is one
	stderr *os.File // nil with a terminal
	tty    *os.File // our side of the terminal, nil without; the same file as stdin and stdout

	gone     chan struct{} // closed when the process was waited for
	done     chan struct{} // closed when it is gone and all its output was delivered, or nobody takes it any more
	hangup   sync.Once
	released sync.Once
}

// shellCommand prepares the account's shell with a command, or as a login shell.
func shellCommand(a *account, login bool, command string, env []string) *exec.Cmd {
	cmd := &exec.Cmd{Path: a.shell, Env: env, Dir: a.home}
	if login {
		cmd.Args = []string{"-" + filepath.Base(a.shell)}
	} else {
		cmd.Args = shellArgs(a.shell, command)
	}
	if info, err := os.Stat(a.home); err != nil || !info.IsDir() {
		cmd.Dir = string(filepath.Separator)
	}
	return cmd
}

// drainTime is how long the terminal of a program that ended is waited for when it has nothing to read.
const drainTime = 200 * time.Millisecond

// output is what the program writes to its standard output or terminal.
func (p *program) output() io.ReadCloser {
	if p.tty != nil {
		return terminalOutput{newOutlet(p.tty, false), p}
	}
	return newOutlet(p.stdout, true)
}

// terminalOutput is read to its end even where a background process keeps the terminal open: when the program has ended,
// what it wrote is there to be read, however long the client takes for it, and more is not waited for.
type terminalOutput struct {
	*outlet
	p *program
}

func (t terminalOutput) Read(b []byte) (n int, err error) {
	t.untilEnd(func() error { n, err = t.outlet.Read(b); return err })
	return n, err
}

func (t terminalOutput) WriteTo(w io.Writer) (int64, error) {
	return deliver(w, func() (view []byte, err error) {
		t.untilEnd(func() error { view, err = t.take(); return err })
		return view, err
	}, t.release)
}

// untilEnd calls read once more where what ended its wait was not the program's end.
func (t terminalOutput) untilEnd(read func() error) {
	for {
		ended, until := t.p.ended(), time.Now().Add(drainTime)
		if ended {
			_ = t.f.SetReadDeadline(until)
		}
		err := read()
		if over := ended && !time.Now().Before(until); over || !errors.Is(err, os.ErrDeadlineExceeded) {
			return // not for drainTerminal's deadline, which may come behind ours
		}
	}
}

// drainTerminal ends a wait for output that began before the program's end.
func (p *program) drainTerminal() { _ = p.tty.SetReadDeadline(time.Now()) }

// ended reports whether the process was waited for.
func (p *program) ended() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

// start runs cmd with pipes, or with a terminal when pty is not nil.
func start(cmd *exec.Cmd, pty *connection.PTY) (*program, error) {
	p := &program{cmd: cmd, gone: make(chan struct{}), done: make(chan struct{})}
	var err error
	if pty != nil {
		err = p.startTerminal(pty)
	} else {
		err = p.startPipes()
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// startPipes gives the program a session of its own, so that signals reach its whole process group and nothing else.
func (p *program) startPipes() error {
	var opened []*os.File
	closeAll := func(files []*os.File) {
		for _, f := range files {
			f.Close()
		}
	}
	var theirs []*os.File
	for range 3 {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(opened)
			return err
		}
		opened = append(opened, r, w)
	}
	p.stdin, p.stdout, p.stderr = opened[1], opened[2], opened[4]
	theirs = []*os.File{opened[0], opened[3], opened[5]}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = theirs[0], theirs[1], theirs[2]
	p.cmd.SysProcAttr = ownSession()
	if err := p.cmd.Start(); err != nil {
		closeAll(opened)
		return err
	}
	closeAll(theirs)
	return nil
}

// wait returns how the program ended. It is called once.
func (p *program) wait() *os.ProcessState {
	_ = p.cmd.Wait() // the state says all that the error would
	close(p.gone)
	return p.cmd.ProcessState
}

// abandon is called when the channel is gone. If the program or one of its children is still at work for it, it hangs
// up, and kills what outlives the grace period. What a program left behind on purpose after its regular end lives on.
func (p *program) abandon() {
	p.hangup.Do(func() {
		select {
		case <-p.done:
			return
		default:
		}
		p.signalGroup(hangupSignal)
		p.release()
		select {
		case <-p.gone:
		case <-time.After(killGrace):
		}
		p.signalGroup(os.Kill)
	})
}

// release closes our ends of the streams. Reads and writes on them return.
func (p *program) release() {
	p.released.Do(func() {
		for _, f := range []*os.File{p.stdin, p.stdout, p.stderr} {
			if f != nil {
				f.Close()
			}
		}
	})
}
