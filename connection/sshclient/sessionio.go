package sshclient

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/hawser-ssh/hawser/connection"
)

// StdinPipe returns the command's input; closing it ends the input. Writes
// wait for the server's window.
func (s *Session) StdinPipe() (io.WriteCloser, error) {
	if err := s.take(stdin, s.Stdin != nil); err != nil {
		return nil, err
	}
	return inputPipe{s}, nil
}

// StdoutPipe returns the command's standard output. It must be read to its
// end, or the session closed: unread output takes up its window, and the
// command then waits.
func (s *Session) StdoutPipe() (io.Reader, error) {
	if err := s.take(stdout, s.Stdout != nil); err != nil {
		return nil, err
	}
	return s.ch, nil
}

// StderrPipe returns the command's standard error, on the terms of StdoutPipe.
func (s *Session) StderrPipe() (io.Reader, error) {
	if err := s.take(stderr, s.Stderr != nil); err != nil {
		return nil, err
	}
	return s.ch.Stderr(), nil
}

func (s *Session) take(stream int, set bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started {
		return ErrStarted
	}
	if set || s.piped[stream] {
		return ErrStreamTaken
	}
	s.piped[stream] = true
	return nil
}

type inputPipe struct{ s *Session }

func (p inputPipe) Write(b []byte) (int, error) { return p.s.ch.Write(b) }
func (p inputPipe) Close() error                { return p.s.ch.CloseWrite() }

// startCopies starts the goroutines that feed and drain the streams that are
// not pipes.
func (s *Session) startCopies() {
	out, errOut := s.Stdout, s.Stderr
	if out != nil && errOut != nil && sameWriter(out, errOut) {
		shared := &lockedWriter{w: out}
		out, errOut = shared, shared
	}
	if !s.piped[stdout] {
		s.drain(out, s.ch)
	}
	switch {
	case s.piped[stderr]:
	case errOut == nil:
		s.ch.DiscardStderr()
	default:
		s.drain(errOut, s.ch.Stderr())
	}
	if !s.piped[stdin] {
		s.feed()
	}
}

// sameWriter compares without the panic of values that cannot be compared.
func sameWriter(a, b io.Writer) (same bool) {
	defer func() { _ = recover() }()
	return a == b
}

// drain copies output until its end. A writer that fails must not stop the
// command: the rest is thrown away, and Wait returns the failure.
func (s *Session) drain(w io.Writer, r io.Reader) {
	if w == nil {
		w = io.Discard
	}
	s.copies.Go(func() {
		out := &rememberingWriter{w: w}
		io.Copy(out, r)
		if out.err != nil {
			s.fail(out.err)
			io.Copy(io.Discard, r)
		}
	})
}

// feed sends Stdin and its end. A command that does not read it all is no
// failure; a Stdin that cannot be read is.
func (s *Session) feed() {
	if s.Stdin == nil {
		s.ch.CloseWrite()
		return
	}
	in := &rememberingReader{r: s.Stdin}
	go func() {
		io.Copy(s.ch, in)
		if in.err != nil {
			s.fail(in.err)
		}
		s.ch.CloseWrite()
	}()
}

func (s *Session) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.copyErr == nil {
		s.copyErr = err
	}
}

// rememberingReader tells a failure of the source from one of the channel.
type rememberingReader struct {
	r   io.Reader
	err error
}

func (r *rememberingReader) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// rememberingWriter tells a failure of the destination from one of the channel.
type rememberingWriter struct {
	w   io.Writer
	err error
}

func (w *rememberingWriter) Write(b []byte) (int, error) {
	n, err := w.w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	w.err = err
	return n, err
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// RequestPTY asks for a terminal (RFC 4254 §6.2), before the start. With one,
// standard error comes mixed into standard output.
func (s *Session) RequestPTY(ctx context.Context, pty *connection.PTY) error {
	return s.ch.RequestPTY(ctx, pty)
}

// WindowChange tells the server the terminal's new size (RFC 4254 §6.7). There
// is no answer to it.
func (s *Session) WindowChange(ctx context.Context, size connection.Size) error {
	return s.ch.WindowChange(ctx, size)
}

// Setenv sets a variable of the command's environment (RFC 4254 §6.4), before
// the start. Servers allow few names, or none: that is a
// *connection.RefusedError.
func (s *Session) Setenv(ctx context.Context, name, value string) error {
	return s.ch.Setenv(ctx, name, value)
}

// Signal sends the command a signal (RFC 4254 §6.9) by its name without "SIG",
// such as "TERM". There is no answer to it.
func (s *Session) Signal(ctx context.Context, name string) error { return s.ch.Signal(ctx, name) }

// Break sends a break of the given length (RFC 4335) to what the terminal is
// connected to.
func (s *Session) Break(ctx context.Context, d time.Duration) error { return s.ch.Break(ctx, d) }
