package main

import (
	"io"
	"sync"
)

// runProgram moves the program's data until it has ended and all of its output is delivered, then says how it ended.
func (s *session) runProgram() {
	p := s.program
	s.srv.background(s.copyInput) // ends with the channel or the program's standard input
	var output sync.WaitGroup
	output.Go(func() { s.copyOutput(s.ch, p.output()) })
	if p.stderr != nil {
		output.Go(func() { s.copyOutput(s.ch.Stderr(), newOutlet(p.stderr, true)) })
	}
	state := p.wait()
	if p.tty != nil {
		p.drainTerminal()
	}
	output.Wait()
	close(p.done)
	s.finish(ending(state))
	_ = s.ch.Close()
	p.release()
}

// copyInput feeds the program. At the client's EOF the program's input is closed, except for a terminal, where the end
// of input is a character. The rest of what a program no longer reads is given up, so that the client
// is not stuck.
func (s *session) copyInput() {
	p := s.program
	if p.tty != nil {
		_, _ = io.Copy(p.tty, s.ch)
		return
	}
	_, err := io.Copy(newInlet(p.stdin), s.ch)
	p.stdin.Close()
	if err != nil {
		_ = s.ch.CloseRead()
	}
}

// copyOutput delivers what the program writes. When the channel is gone it closes the stream, so that the program
// learns of it when it writes.
func (s *session) copyOutput(to io.Writer, from io.ReadCloser) {
	_, err := io.Copy(to, from)
	if err != nil && !terminalEnd(err) {
		from.Close()
	}
}
