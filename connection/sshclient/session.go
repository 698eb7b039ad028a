package sshclient

import (
	"bytes"
	"context"
	"io"
	"sync"

	"github.com/hawser-ssh/hawser/connection"
)

// Session is one remote command, shell or subsystem (RFC 4254 §6). Set Stdin,
// Stdout and Stderr or take pipes, then Start, Shell or Subsystem, then Wait;
// or do it all with Run. Methods may be called from any goroutine, but the
// streams must not change after the start.
type Session struct {
	// Stdin is sent as the command's input, and its end as the input's end.
	// nil ends the input at once. It is read by a goroutine that Wait does not
	// wait for, since nothing can wake it from a Read: it may take, and lose,
	// one more piece of Stdin after the command has ended.
	Stdin io.Reader
	// Stdout and Stderr take the command's output. nil discards it. Where both
	// are the same they are written to by one goroutine at a time.
	Stdout, Stderr io.Writer

	ch      *connection.Channel
	agent   *agentForwarder
	copies  sync.WaitGroup // of Stdout and Stderr
	closed  chan struct{}  // both sides have closed, after all requests were handled
	stopped chan struct{}  // closed by Close

	mu       sync.Mutex
	started  bool
	piped    [3]bool // Stdin, Stdout, Stderr were asked for as pipes
	exit     connection.ExitTracker
	copyErr  error // the first failure of Stdin, Stdout or Stderr themselves
	stopOnce sync.Once
}

// The streams of a session.
const (
	stdin = iota
	stdout
	stderr
)

// NewSession opens a session. Close it when it is not waited for.
func (c *Client) NewSession(ctx context.Context) (*Session, error) {
	s := &Session{agent: &c.agents, closed: make(chan struct{}), stopped: make(chan struct{})}
	ch, err := c.mux.OpenSession(ctx, &connection.Events{
		Request: s.handleRequest,
		Closed:  func(*connection.Channel) { close(s.closed) },
	})
	if err != nil {
		return nil, err
	}
	s.ch = ch
	return s, nil
}

// Run runs one command in a session of its own and discards its output.
func (c *Client) Run(ctx context.Context, command string) error {
	s, err := c.NewSession(ctx)
	if err != nil {
		return err
	}
	return s.Run(ctx, command)
}

// Output runs one command in a session of its own and returns its standard
// output, also next to an *ExitError.
func (c *Client) Output(ctx context.Context, command string) ([]byte, error) {
	s, err := c.NewSession(ctx)
	if err != nil {
		return nil, err
	}
	return s.Output(ctx, command)
}

// CombinedOutput is Output with standard error mixed in.
func (c *Client) CombinedOutput(ctx context.Context, command string) ([]byte, error) {
	s, err := c.NewSession(ctx)
	if err != nil {
		return nil, err
	}
	return s.CombinedOutput(ctx, command)
}

// handleRequest keeps the first word on how the command ended.
func (s *Session) handleRequest(_ *connection.Channel, r *connection.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if about, err := s.exit.Observe(r); about && err == nil {
		r.Reply(true)
	}
}

// Run starts the command and waits for its end: nil for exit status 0, an
// *ExitError, an *ExitMissingError, or what kept it from starting. When ctx
// ends first the session is closed and ctx's error returned; what then becomes
// of the command is the server's affair.
func (s *Session) Run(ctx context.Context, command string) error {
	defer s.Close()
	if err := s.Start(ctx, command); err != nil {
		return err
	}
	return s.Wait(ctx)
}

// Output is Run that returns the standard output.
func (s *Session) Output(ctx context.Context, command string) ([]byte, error) {
	if s.Stdout != nil {
		return nil, ErrStreamTaken
	}
	var b bytes.Buffer
	s.Stdout = &b
	err := s.Run(ctx, command)
	return s.collected(&b, err)
}

// CombinedOutput is Run that returns standard output and standard error as
// they came.
func (s *Session) CombinedOutput(ctx context.Context, command string) ([]byte, error) {
	if s.Stdout != nil || s.Stderr != nil {
		return nil, ErrStreamTaken
	}
	var b bytes.Buffer
	s.Stdout, s.Stderr = &b, &b
	err := s.Run(ctx, command)
	return s.collected(&b, err)
}

// collected waits for the copies, which Run has closed the channel under when
// it returned early: only then is the buffer ours.
func (s *Session) collected(b *bytes.Buffer, err error) ([]byte, error) {
	s.copies.Wait()
	return b.Bytes(), err
}

// Start starts a command (RFC 4254 §6.5). The server's agreement does not mean
// that the command could be found. A refusal is a *connection.RefusedError;
// another command may be tried then.
func (s *Session) Start(ctx context.Context, command string) error {
	return s.start(func() error { return s.ch.Exec(ctx, command) })
}

// Shell starts the user's login shell.
func (s *Session) Shell(ctx context.Context) error {
	return s.start(func() error { return s.ch.Shell(ctx) })
}

// Subsystem starts a subsystem, such as "sftp".
func (s *Session) Subsystem(ctx context.Context, name string) error {
	return s.start(func() error { return s.ch.Subsystem(ctx, name) })
}

func (s *Session) start(request func() error) error {
	s.mu.Lock()
	again := s.started
	s.started = true
	s.mu.Unlock()
	if again {
		return ErrStarted
	}
	if err := request(); err != nil {
		s.mu.Lock()
		s.started = false // nothing to wait for; another request may have more luck
		s.mu.Unlock()
		return err
	}
	s.startCopies()
	return nil
}

// Wait waits until the command has ended and all its output is written to
// Stdout and Stderr, and returns as Run does. Output of pipes stays readable.
// When ctx ends first the session goes on.
func (s *Session) Wait(ctx context.Context) error {
	s.mu.Lock()
	started := s.started
	s.mu.Unlock()
	if !started {
		return ErrNotStarted
	}
	copied := make(chan struct{})
	go func() { // ends with the copies, at the latest when the channel is closed
		s.copies.Wait()
		close(copied)
	}()
	for _, done := range []<-chan struct{}{s.closed, copied} {
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return s.result()
}

// result says how it ended. The connection's end explains a missing status.
func (s *Session) result() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.piped[stdout] && !s.piped[stderr] {
		s.ch.Close() // nothing is left to read
	}
	exit, told := s.exit.Exit()
	if told && (exit.Status != 0 || exit.Signal != "") {
		return &ExitError{exit}
	}
	if s.copyErr != nil || told {
		return s.copyErr
	}
	if err := s.ch.Mux().Err(); err != nil {
		return &connectionEnded{err}
	}
	select {
	case <-s.stopped:
		return errSessionClosed
	default:
		return &ExitMissingError{}
	}
}

// Close ends the session: what waits returns, and output not read is lost. It
// is no error to close a session that has ended.
func (s *Session) Close() error {
	s.stopOnce.Do(func() { close(s.stopped) })
	if err := s.ch.Close(); err != nil && !isClosed(err) {
		return err
	}
	return nil
}
