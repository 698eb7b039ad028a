package matrix

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// Who can log in to a server of this package. The name is that in the certificates of testdata/vectors/x509_dsa.txt.
const (
	userName = "user"
	userPass = "open sesame"
)

// server is a server of the house with one command for each kind of transfer. Its fields are set before the first
// connection.
type server struct {
	cfg     transport.Config
	content []byte // what command bulk answers with
	rekeyAt int64  // after so many bytes command echo exchanges keys; 0 is never

	keys     func(a *userauth.Attempt, key sshkey.PublicKey) error // lets users in by key; nil none
	userAlg  []string                                              // by which they may; nil is the default
	keysOnly bool                                                  // no passwords

	version atomic.Pointer[string] // of the last client
	err     atomic.Pointer[string] // why the last connection ended
	running sync.WaitGroup
	mu      sync.Mutex
	conns   []*transport.Conn
}

// pipe returns the client's end of a new connection in memory.
func (s *server) pipe() net.Conn {
	client, server := transporttest.Pipe()
	s.running.Go(func() { s.serve(server) })
	return client
}

// listen serves on a free port of the loopback interface until the test ends, and returns the port.
func (s *server) listen(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.running.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			s.running.Go(func() { s.serve(nc) })
		}
	})
	t.Cleanup(func() { l.Close(); s.stop() })
	return l.Addr().(*net.TCPAddr).Port
}

// stop ends all connections and waits for what serves them.
func (s *server) stop() {
	s.mu.Lock()
	for _, c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}

// serve runs one connection to its end.
func (s *server) serve(nc net.Conn) {
	if err := s.converse(nc); err != nil {
		text := err.Error()
		s.err.Store(&text)
	}
}

func (s *server) converse(nc net.Conn) error {
	ctx := context.Background()
	tc := transport.Server(nc, &s.cfg)
	defer tc.Close()
	s.mu.Lock()
	s.conns = append(s.conns, tc)
	s.mu.Unlock()
	if err := tc.Handshake(ctx); err != nil {
		return err
	}
	version := tc.RemoteVersion()
	s.version.Store(&version)
	if _, err := userauth.Serve(ctx, tc, s.auth()); err != nil {
		return err
	}
	h := &handler{s: s, tc: tc}
	defer h.commands.Wait()
	return connection.New(tc, wire.Server, &connection.Config{Handler: h}).Run()
}

func (s *server) auth() *userauth.ServerConfig {
	verdict := func(ok bool) userauth.Result {
		if ok {
			return userauth.Result{Outcome: userauth.Accept}
		}
		return userauth.Result{}
	}
	cfg := &userauth.ServerConfig{
		FailureFloor: -1, SignatureAlgorithms: s.userAlg,
		Password: func(_ context.Context, a *userauth.Attempt, password []byte) userauth.Result {
			return verdict(a.User == userName && string(password) == userPass)
		},
		PublicKey: func(_ context.Context, a *userauth.Attempt, key sshkey.PublicKey, _ string, _ bool) userauth.Result {
			return verdict(a.User == userName && s.keys != nil && s.keys(a, key) == nil)
		},
	}
	if s.keysOnly {
		cfg.Password = nil
	}
	return cfg
}

// handler opens sessions and runs their commands.
type handler struct {
	s        *server
	tc       *transport.Conn
	commands sync.WaitGroup
}

func (h *handler) HandleOpen(r *connection.OpenRequest) {
	if r.Type != "session" {
		r.Reject(wire.OpenUnknownChannelType, "")
		return
	}
	r.Accept(&connection.Events{Request: h.request})
}

func (h *handler) HandleGlobalRequest(*connection.GlobalRequest) {}

func (h *handler) request(ch *connection.Channel, r *connection.Request) {
	var m wire.Exec
	if r.Type != "exec" || m.Parse(r.Payload) != nil {
		return
	}
	command := map[string]func(*connection.Channel) error{"echo": h.echo, "bulk": h.bulk}[m.Command]
	if command == nil {
		return
	}
	r.Reply(true)
	h.commands.Go(func() {
		status := uint32(0)
		if err := command(ch); err != nil {
			fmt.Fprintln(ch.Stderr(), err)
			status = 1
		}
		ch.CloseWrite()
		ch.SendExitStatus(context.Background(), status)
		ch.Close()
	})
}

// echo sends back what comes, as it comes.
func (h *handler) echo(ch *connection.Channel) error {
	_, err := io.Copy(ch, &midway{Reader: ch, at: h.s.rekeyAt, do: func() error { return h.tc.Rekey(context.Background()) }})
	return err
}

// bulk reads to the end, and then sends the hash of it, a line feed, and the server's content. It does one after the
// other because some clients stop for good when much flows both ways at once.
func (h *handler) bulk(ch *connection.Channel) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, ch); err != nil {
		return err
	}
	_, err := ch.Write(bulkReply(sum.Sum(nil), h.s.content))
	return err
}

// bulkReply is the output of command bulk.
func bulkReply(sum, content []byte) []byte {
	return append([]byte(hex.EncodeToString(sum)+"\n"), content...)
}

// midway does something once, when so many bytes have been read.
type midway struct {
	io.Reader
	at  int64
	n   int64
	do  func() error
	did bool
}

func (m *midway) Read(p []byte) (int, error) {
	if m.at > 0 && m.n >= m.at && !m.did {
		m.did = true
		if err := m.do(); err != nil {
			return 0, err
		}
	}
	if left := m.at - m.n; left > 0 {
		p = p[:min(int64(len(p)), left)]
	}
	n, err := m.Reader.Read(p)
	m.n += int64(n)
	return n, err
}

// exchanges is a log handler that counts key exchanges.
type exchanges struct{ n atomic.Int32 }

func (e *exchanges) Enabled(context.Context, slog.Level) bool { return true }
func (e *exchanges) WithAttrs([]slog.Attr) slog.Handler       { return e }
func (e *exchanges) WithGroup(string) slog.Handler            { return e }

func (e *exchanges) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "keys" {
		e.n.Add(1)
	}
	return nil
}

// password is how a client logs in to a server of this package where keys are not the matter.
func password(text string) userauth.Method {
	return userauth.Password(func(context.Context) (string, error) { return text, nil })
}
