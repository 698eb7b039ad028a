package userauth

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is one end of a connection in memory, below userauth. It hands out
// packets as the transport does: in one buffer, which the next ReadPacket
// overwrites, so that a view kept too long shows.
type memory struct {
	in, out *queue
	session []byte
	hostKey sshkey.PublicKey
	sigAlgs []string
	ext     map[string][]byte
	buf     []byte

	mu            sync.Mutex
	authenticated int
	aborted       []error
	sent          [][]byte // all that was written
}

// queue is one direction.
type queue struct {
	packets chan []byte
	closed  chan struct{}
	once    sync.Once
	why     error // set before closed
}

func newQueue() *queue { return &queue{packets: make(chan []byte, 1<<9), closed: make(chan struct{})} }

func (q *queue) close(why error) { q.once.Do(func() { q.why = why; close(q.closed) }) }

// newMemory returns both ends of a connection with the session identifier of
// that number.
func newMemory(session byte) (client, server *memory) {
	up, down := newQueue(), newQueue()
	id := bytes.Repeat([]byte{session}, 32)
	host := hostKey().PublicKey()
	client = &memory{in: down, out: up, session: id, hostKey: host}
	server = &memory{in: up, out: down, session: id, hostKey: host}
	return client, server
}

func (m *memory) ReadPacket() ([]byte, error) {
	for i := range m.buf {
		m.buf[i] = 0xa5
	}
	select {
	case p := <-m.in.packets:
		m.buf = p
		return p, nil
	default:
	}
	select {
	case p := <-m.in.packets:
		m.buf = p
		return p, nil
	case <-m.in.closed:
		return nil, m.in.why
	}
}

func (m *memory) WriteControl(p []byte) error {
	select {
	case <-m.out.closed:
		return m.out.why
	default:
	}
	m.mu.Lock()
	m.sent = append(m.sent, bytes.Clone(p))
	m.mu.Unlock()
	select {
	case m.out.packets <- bytes.Clone(p):
		return nil
	case <-m.out.closed:
		return m.out.why
	}
}

func (m *memory) WriteReply(p []byte) error { return m.WriteControl(p) }

func (m *memory) SetAuthenticated() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.authenticated++
}

func (m *memory) SessionID() []byte         { return m.session }
func (m *memory) HostKey() sshkey.PublicKey { return m.hostKey }
func (m *memory) PeerSigAlgs() []string     { return m.sigAlgs }
func (m *memory) PeerExtension(name string) ([]byte, bool) {
	v, ok := m.ext[name]
	return v, ok
}

// disconnected is how the end that did not call Abort learns of it.
type disconnected struct{ cause error }

func (e *disconnected) Error() string { return "disconnected: " + e.cause.Error() }
func (e *disconnected) Unwrap() error { return net.ErrClosed }

func (m *memory) Abort(err error) {
	m.mu.Lock()
	m.aborted = append(m.aborted, err)
	m.mu.Unlock()
	m.out.close(&disconnected{err})
	m.in.close(net.ErrClosed)
}

// script is a test's own end of the connection: it sends what it likes.
type script struct {
	*memory
	t *testing.T
}

// send writes messages. If the other end has gone already, reading shows why.
func (s *script) send(ms ...message) {
	for _, m := range ms {
		if s.WriteControl(m.Append(nil)) != nil {
			return
		}
	}
}

// raw is a message of exactly these bytes.
type raw []byte

func (m raw) Append(b []byte) []byte { return append(b, m...) }

// recv returns the next message, which must have number want.
func (s *script) recv(want wire.Msg) []byte {
	s.t.Helper()
	p, err := s.ReadPacket()
	if err != nil {
		s.t.Fatalf("instead of %v: %v", want, err)
	}
	if number(p) != want {
		s.t.Fatalf("received %v %q, want %v", number(p), p, want)
	}
	return p
}

// want expects exactly the message m.
func (s *script) want(m message) {
	s.t.Helper()
	want := m.Append(nil)
	if p := s.recv(wire.Msg(want[0])); !bytes.Equal(p, want) {
		s.t.Fatalf("received %q, want %q", p, want)
	}
}

// failure expects FAILURE with that list.
func (s *script) failure(methods ...string) {
	s.t.Helper()
	s.want(wire.UserauthFailure{Methods: wire.NewNameList(methods...)})
}

// partial expects FAILURE with partial success and that list.
func (s *script) partial(methods ...string) {
	s.t.Helper()
	s.want(wire.UserauthFailure{Methods: wire.NewNameList(methods...), Partial: true})
}

// dropped expects a DISCONNECT with that reason and nothing before it.
func (s *script) dropped(reason wire.Reason) {
	s.t.Helper()
	p, err := s.ReadPacket()
	if err == nil {
		s.t.Fatalf("received %v %q, want a disconnect", number(p), p)
	}
	d, ok := errors.AsType[*disconnected](err)
	if !ok {
		s.t.Fatalf("ended by %v, want a disconnect", err)
	}
	if pe, ok := errors.AsType[*wire.ProtocolError](d.cause); !ok || pe.Reason != reason {
		s.t.Fatalf("disconnected with %v, want reason %d", d.cause, reason)
	}
}

// hello gets the service.
func (s *script) hello() {
	s.t.Helper()
	s.send(wire.ServiceRequest{Name: "ssh-userauth"})
	s.want(wire.ServiceAccept{Name: "ssh-userauth"})
}

// request builds a USERAUTH_REQUEST of that user for ssh-connection.
func userRequest(user, method string, payload []byte) wire.UserauthRequest {
	return wire.UserauthRequest{User: user, Service: "ssh-connection", Method: method, Payload: payload}
}

func noneRequest(user string) message { return userRequest(user, "none", nil) }

func passwordRequest(user, password string) message {
	return userRequest(user, "password", wire.UserauthPassword{Password: []byte(password)}.Append(nil))
}

func changeRequest(user, old, changed string) message {
	body := wire.UserauthPassword{Change: true, Password: []byte(old), NewPassword: []byte(changed)}
	return userRequest(user, "password", body.Append(nil))
}

func interactiveRequest(user string) message {
	return userRequest(user, "keyboard-interactive", wire.UserauthInteractive{}.Append(nil))
}

// served is how a run of Serve ended.
type served struct {
	login     *Login
	err       error
	transport *memory
}

// serve runs Serve in a bubble against a script. When the script returns, its
// end hangs up.
func serve(t *testing.T, cfg *ServerConfig, play func(s *script)) served {
	t.Helper()
	return serveContext(t, context.Background, cfg, play)
}

func serveContext(t *testing.T, newContext func() context.Context, cfg *ServerConfig, play func(s *script)) served {
	t.Helper()
	var out served
	synctest.Test(t, func(t *testing.T) {
		client, server := newMemory(7)
		out.transport = server
		done := make(chan struct{})
		ctx := newContext()
		go func() {
			defer close(done)
			out.login, out.err = Serve(ctx, server, cfg)
		}()
		defer func() {
			client.out.close(net.ErrClosed)
			<-done
		}()
		play(&script{memory: client, t: t})
	})
	out.check(t)
	return out
}

// check holds for every run: a login and nothing else tells the transport, and
// an error has ended it.
func (s *served) check(t *testing.T) {
	t.Helper()
	if (s.login != nil) != (s.err == nil) || (s.login != nil) != (s.transport.authenticated == 1) {
		t.Errorf("login %v, error %v, SetAuthenticated %d times", s.login, s.err, s.transport.authenticated)
	}
	if s.err != nil && (len(s.transport.aborted) == 0 || !errors.Is(s.transport.aborted[0], s.err) && s.transport.aborted[0].Error() != s.err.Error()) {
		t.Errorf("returned %v, aborted with %v", s.err, s.transport.aborted)
	}
	if success := slices.ContainsFunc(s.transport.sent, isSuccess); success != (s.login != nil) {
		t.Errorf("SUCCESS sent: %v, login %v", success, s.login)
	}
}

func isSuccess(p []byte) bool { return number(p) == wire.MsgUserauthSuccess }

// rejected checks that nobody was let in.
func (s served) rejected(t *testing.T) {
	t.Helper()
	if s.login != nil {
		t.Errorf("let in: %+v", s.login)
	}
}

// reason checks the reason of the returned error.
func (s served) reason(t *testing.T, want wire.Reason) {
	t.Helper()
	s.rejected(t)
	if pe, ok := errors.AsType[*wire.ProtocolError](s.err); !ok || pe.Reason != want {
		t.Errorf("error %v, want reason %d", s.err, want)
	}
}

// authenticate runs Authenticate in a bubble against a script.
func authenticate(t *testing.T, cfg *ClientConfig, prepare func(m *memory), play func(s *script)) (transport *memory, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		client, server := newMemory(7)
		transport = client
		if prepare != nil {
			prepare(client)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			err = Authenticate(t.Context(), client, cfg)
		}()
		defer func() {
			server.out.close(net.ErrClosed)
			<-done
		}()
		play(&script{memory: server, t: t})
	})
	if (err == nil) != (transport.authenticated == 1) || (err == nil) != (len(transport.aborted) == 0) {
		t.Errorf("error %v, SetAuthenticated %d times, aborted %v", err, transport.authenticated, transport.aborted)
	}
	return transport, err
}

// welcome plays the server's part of the service request.
func (s *script) welcome() {
	s.t.Helper()
	s.want(wire.ServiceRequest{Name: "ssh-userauth"})
	s.send(wire.ServiceAccept{Name: "ssh-userauth"})
}

// refuse plays the refusal of the first none.
func (s *script) refuse(methods ...string) {
	s.t.Helper()
	s.want(noneRequest("bob"))
	s.send(failureOf(methods...))
}

func failureOf(methods ...string) message {
	return wire.UserauthFailure{Methods: wire.NewNameList(methods...)}
}

func partialOf(methods ...string) message {
	return wire.UserauthFailure{Methods: wire.NewNameList(methods...), Partial: true}
}

// Keys that tests share.
var (
	hostKey = sync.OnceValue(func() sshkey.Signer { return mustSigner(sshkey.GenerateEd25519()) })
	keyA    = sync.OnceValue(func() sshkey.Signer { return mustSigner(sshkey.GenerateEd25519()) })
	keyB    = sync.OnceValue(func() sshkey.Signer { return mustSigner(sshkey.GenerateEd25519()) })
	keyEC   = sync.OnceValue(func() sshkey.Signer { return mustSigner(sshkey.GenerateECDSA(256)) })
	keyRSA  = sync.OnceValue(func() sshkey.Signer {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		return mustSigner(key, err)
	})
)

func mustSigner(key crypto.Signer, err error) sshkey.Signer {
	if err != nil {
		panic(err)
	}
	signer, err := sshkey.NewSigner(key)
	if err != nil {
		panic(err)
	}
	return signer
}
