package sshclient_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// newSigner makes a key without any program.
func newSigner(t testing.TB) sshkey.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := sshkey.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// house is a server of our own layers, for the client's own tests. Fields are
// set before the first connection.
type house struct {
	transport transport.Config
	auth      userauth.ServerConfig
	mux       connection.Config
	open      func(r *connection.OpenRequest) bool   // asked first; true means answered
	global    func(g *connection.GlobalRequest) bool // likewise
	env       map[string]bool                        // allowed names
	subsystem func(name string, ch *connection.Channel)

	t       testing.TB
	running sync.WaitGroup
	mu      sync.Mutex
	muxes   []*connection.Mux
	arrived sync.Cond               // muxes has grown
	remote  map[string]net.Listener // by request payload
}

// newHouse returns a server that takes the password "right" of anybody.
func newHouse(t testing.TB, hostKeys ...sshkey.Signer) *house {
	if hostKeys == nil {
		hostKeys = []sshkey.Signer{newSigner(t)}
	}
	h := &house{t: t, remote: map[string]net.Listener{}, env: map[string]bool{"HAWSER_TEST": true}}
	h.arrived.L = &h.mu
	h.transport.HostKeys = hostKeys
	h.auth.FailureFloor = -1
	h.auth.Password = func(_ context.Context, _ *userauth.Attempt, password []byte) userauth.Result {
		if string(password) == "right" {
			return userauth.Result{Outcome: userauth.Accept}
		}
		return userauth.Result{}
	}
	t.Cleanup(h.stop)
	return h
}

func (h *house) stop() {
	h.mu.Lock()
	muxes := h.muxes
	for _, l := range h.remote {
		l.Close()
	}
	h.mu.Unlock()
	for _, m := range muxes {
		m.Close()
	}
	h.running.Wait()
}

// pipe returns the client's end of a new connection.
func (h *house) pipe() net.Conn {
	client, server := transporttest.Pipe()
	h.running.Go(func() { h.serve(server) })
	return client
}

// serve runs one connection to its end.
func (h *house) serve(nc net.Conn) {
	ctx := context.Background()
	tc := transport.Server(nc, &h.transport)
	defer tc.Close()
	if tc.Handshake(ctx) != nil {
		return
	}
	if _, err := userauth.Serve(ctx, tc, &h.auth); err != nil {
		return
	}
	cfg := h.mux
	cfg.Handler = h
	mux := connection.New(tc, wire.Server, &cfg)
	h.mu.Lock()
	h.muxes = append(h.muxes, mux)
	h.mu.Unlock()
	h.arrived.Broadcast()
	mux.Run()
}

// first returns the server's side of the first connection: it may come later than the client's.
func (h *house) first() *connection.Mux {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.muxes) == 0 {
		h.arrived.Wait()
	}
	return h.muxes[0]
}

// config logs in to the house and trusts its host keys.
func (h *house) config() *sshclient.Config {
	var keys []sshkey.PublicKey
	for _, s := range h.transport.HostKeys {
		keys = append(keys, s.PublicKey())
	}
	return &sshclient.Config{
		User: "user", Auth: []userauth.Method{password("right")}, HostKey: sshclient.FixedKey(keys...),
		Transport: new(transport.Config),
	}
}

func (h *house) connect(change ...func(*sshclient.Config)) (*sshclient.Client, error) {
	cfg := h.config()
	for _, f := range change {
		f(cfg)
	}
	return sshclient.NewClient(testContext(h.t), h.pipe(), "house:22", cfg)
}

func (h *house) client(change ...func(*sshclient.Config)) *sshclient.Client {
	h.t.Helper()
	client, err := h.connect(change...)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { client.Close() })
	return client
}

func (h *house) HandleOpen(r *connection.OpenRequest) {
	if h.open != nil && h.open(r) {
		return
	}
	switch r.Type {
	case "session":
		s := &houseSession{h: h}
		r.Accept(&connection.Events{Request: s.request})
	case connection.TypeDirectTCPIP:
		msg, err := connection.ParseTCPIP(r.Extra)
		h.dial(r, "tcp", net.JoinHostPort(msg.Host, strconv.Itoa(int(msg.Port))), err)
	case connection.TypeDirectStreamLocal:
		path, err := connection.ParseDirectStreamLocal(r.Extra)
		h.dial(r, "unix", path, err)
	default:
		r.Reject(wire.OpenUnknownChannelType, "")
	}
}

func (h *house) dial(r *connection.OpenRequest, network, addr string, err error) {
	h.running.Go(func() {
		var nc net.Conn
		if err == nil {
			nc, err = net.Dial(network, addr)
		}
		if err != nil {
			r.Reject(wire.OpenConnectFailed, err.Error())
			return
		}
		h.forward(r.Accept(nil))(nc)
	})
}

// forward returns what copies between the channel and a connection.
func (h *house) forward(ch *connection.Channel, err error) func(net.Conn) {
	return func(nc net.Conn) {
		if err != nil {
			nc.Close()
			return
		}
		connection.Forward(context.Background(), ch, nc)
	}
}

func (h *house) HandleGlobalRequest(g *connection.GlobalRequest) {
	if h.global != nil && h.global(g) {
		return
	}
	switch g.Name {
	case connection.RequestTCPIPForward:
		msg, err := connection.ParseTCPIPForward(g.Payload)
		h.listen(g, "tcp", net.JoinHostPort(msg.Host, strconv.Itoa(int(msg.Port))), err)
	case connection.RequestStreamLocalForward:
		path, err := connection.ParseStreamLocalForward(g.Payload)
		h.listen(g, "unix", path, err)
	case connection.RequestCancelTCPIPForward, connection.RequestCancelStreamLocalForward:
		h.mu.Lock()
		l := h.remote[string(g.Payload)]
		delete(h.remote, string(g.Payload))
		h.mu.Unlock()
		if l != nil {
			l.Close()
		}
		g.Reply(l != nil, nil)
	}
}

func (h *house) listen(g *connection.GlobalRequest, network, addr string, err error) {
	var l net.Listener
	if err == nil {
		l, err = net.Listen(network, addr)
	}
	if err != nil {
		g.Reply(false, nil)
		return
	}
	mux, key, reply := g.Mux(), bytes.Clone(g.Payload), []byte(nil)
	if tcp, ok := l.Addr().(*net.TCPAddr); ok {
		var asked wire.TCPIPForward
		asked.Parse(key)
		reply = wire.TCPIPForwardReply{Port: uint32(tcp.Port)}.Append(nil)
		key = wire.TCPIPForward{Host: asked.Host, Port: uint32(tcp.Port)}.Append(nil)
	}
	h.mu.Lock()
	h.remote[string(key)] = l
	h.mu.Unlock()
	g.Reply(true, reply)
	h.running.Go(func() { h.accept(mux, l) })
}

func (h *house) accept(mux *connection.Mux, l net.Listener) {
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		h.running.Go(func() {
			if tcp, ok := l.Addr().(*net.TCPAddr); ok {
				origin := nc.RemoteAddr().(*net.TCPAddr)
				h.forward(mux.OpenTCPIP(context.Background(), connection.TypeForwardedTCPIP, wire.DirectTCPIP{
					Host: tcp.IP.String(), Port: uint32(tcp.Port), OriginHost: origin.IP.String(), OriginPort: uint32(origin.Port),
				}, nil))(nc)
				return
			}
			h.forward(mux.OpenForwardedStreamLocal(context.Background(), l.Addr().String(), nil))(nc)
		})
	}
}

// houseSession is one session channel; its fields are the pump's alone.
type houseSession struct {
	h     *house
	notes []string // what was asked for before the start
}

func (s *houseSession) request(ch *connection.Channel, r *connection.Request) {
	switch r.Type {
	case "env":
		var m wire.Env
		if m.Parse(r.Payload) == nil && s.h.env[m.Name] {
			s.notes = append(s.notes, m.Name+"="+m.Value)
			r.Reply(true)
		}
	case "pty-req":
		var m wire.PtyReq
		if m.Parse(r.Payload) == nil {
			s.notes = append(s.notes, fmt.Sprint(m.Term, " ", m.Columns, "x", m.Rows, " ", connection.ParseModes(m.Modes, 9)))
			r.Reply(true)
		}
	case "window-change":
		var m wire.WindowChange
		if m.Parse(r.Payload) == nil {
			fmt.Fprint(ch, "size ", m.Columns, "x", m.Rows, "\n")
		}
	case "signal":
		var m wire.Signal
		if m.Parse(r.Payload) == nil {
			fmt.Fprint(ch, "signal ", m.Name, "\n")
		}
	case "exec":
		var m wire.Exec
		if m.Parse(r.Payload) == nil && m.Command != "refuse" {
			r.Reply(true)
			s.start(ch, m.Command)
		}
	case "shell":
		r.Reply(true)
		s.start(ch, "echo shell")
	case "subsystem":
		var m wire.Subsystem
		if m.Parse(r.Payload) == nil && s.h.subsystem != nil {
			r.Reply(true)
			s.h.running.Go(func() { s.h.subsystem(m.Name, ch) })
		}
	}
}

func (s *houseSession) start(ch *connection.Channel, command string) {
	notes := slices.Clone(s.notes)
	s.h.running.Go(func() {
		if command == "notes" {
			for _, n := range notes {
				fmt.Fprintln(ch, n)
			}
			command = "exec true"
		}
		if command == "wait" {
			<-ch.Done()
			return
		}
		finish(ch, runShell(command, ch, ch, ch.Stderr()))
	})
}

// finish tells how a command ended.
func finish(ch *connection.Channel, end outcome) {
	ctx := context.Background()
	switch {
	case end.nothing:
	case end.signal != "":
		ch.SendExitSignal(ctx, connection.Exit{Signal: end.signal, CoreDumped: true, Message: "by a test"})
	default:
		ch.CloseWrite()
		ch.SendExitStatus(ctx, uint32(end.status))
	}
	ch.Close()
}

// isAuthError reports whether err says that no credential was taken.
func isAuthError(err error) bool {
	_, ok := errors.AsType[*userauth.AuthError](err)
	return ok
}

// tempFile writes text to a new file.
func tempFile(t testing.TB, text string) string {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "file")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// ecdsaSigner makes a key of a type that goes second by default.
func ecdsaSigner(t testing.TB) sshkey.Signer {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := sshkey.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func ecdsaPublic(t testing.TB) sshkey.PublicKey { return ecdsaSigner(t).PublicKey() }

// seen is a policy that notes the host it is asked about.
type seen struct {
	host *sshclient.Host
	sshclient.HostKeyPolicy
}

func (s seen) Check(ctx context.Context, host sshclient.Host, key sshkey.PublicKey) error {
	*s.host = host
	return s.HostKeyPolicy.Check(ctx, host, key)
}

func itoa(n int) string { return strconv.Itoa(n) }
