package main

import (
	"context"
	"io"
	"net"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/mac"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

func hawserConfig(j *job) (*transport.Config, error) {
	c := new(transport.Config)
	var err error
	if c.Kex, err = kex.Lookup(j.Kex); err != nil {
		return nil, err
	}
	if c.Ciphers, err = cipher.Lookup(j.Suite.Cipher); err != nil {
		return nil, err
	}
	if j.Suite.MAC != "" {
		c.MACs, err = mac.Lookup(j.Suite.MAC)
	}
	return c, err
}

// hawserClient implements client by sshclient.
type hawserClient struct{ *sshclient.Client }

func newHawserDialer(j *job) (dialer, error) {
	config, err := hawserConfig(j)
	if err != nil {
		return nil, err
	}
	user, err := readSigner(j.Dir, userKeyFile)
	if err != nil {
		return nil, err
	}
	host, err := readSigner(j.Dir, hostKeyFile(j.HostKey))
	if err != nil {
		return nil, err
	}
	settings := &sshclient.Config{
		User: userName(), Auth: []userauth.Method{userauth.PublicKeys(user)},
		HostKey: sshclient.FixedKey(host.PublicKey()), Transport: config,
	}
	return func(ctx context.Context) (client, error) {
		c, err := sshclient.Dial(ctx, "tcp", j.Addr, settings)
		if err != nil {
			return nil, err
		}
		return hawserClient{c}, nil
	}, nil
}

// Open implements client.
func (c hawserClient) Open(ctx context.Context) (io.Closer, error) { return c.NewSession(ctx) }

// Start implements client.
func (c hawserClient) Start(ctx context.Context, command string) (session, error) {
	s, err := c.NewSession(ctx)
	if err != nil {
		return nil, err
	}
	in, err := s.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := s.StdoutPipe()
	if err != nil {
		return nil, err
	}
	start := s.Start
	if command == subsystemSFTP {
		start = s.Subsystem
	}
	return hawserSession{out, in, s}, start(ctx, command)
}

type hawserSession struct {
	io.Reader
	io.WriteCloser
	session *sshclient.Session
}

// WriteTo lets copies use the reader's own.
func (s hawserSession) WriteTo(w io.Writer) (int64, error) {
	return io.CopyBuffer(w, s.Reader, make([]byte, chunk))
}

// CloseWrite implements session.
func (s hawserSession) CloseWrite() error { return s.Close() }

// Wait implements session.
func (s hawserSession) Wait(ctx context.Context) error { return s.session.Wait(ctx) }

func newHawserServer(j *job) (func(net.Conn) error, error) {
	config, err := hawserConfig(j)
	if err != nil {
		return nil, err
	}
	host, err := readSigner(j.Dir, hostKeyFile(j.HostKey))
	if err != nil {
		return nil, err
	}
	user, err := readSigner(j.Dir, userKeyFile)
	if err != nil {
		return nil, err
	}
	config.HostKeys = []sshkey.Signer{host}
	config = config.Shared()
	channels := (&connection.Config{Handler: hawserHandler{}, MaxSessions: maxSessions}).Shared()
	auth := &userauth.ServerConfig{PublicKey: func(_ context.Context, _ *userauth.Attempt, key sshkey.PublicKey, _ string, _ bool) userauth.Result {
		if !sshkey.Equal(key, user.PublicKey()) {
			return userauth.Result{}
		}
		return userauth.Result{Outcome: userauth.Accept}
	}}
	return func(nc net.Conn) error {
		m, err := loginHawser(nc, config, auth, channels)
		if err != nil {
			return err
		}
		go func() { _ = m.Run() }() // a goroutine whose stack is as small as that of any server that has logins and channels apart
		return nil
	}, nil
}

// loginHawser begins one connection with the three layers that golang.org/x/crypto/ssh has in its server.
func loginHawser(nc net.Conn, config *transport.Config, auth *userauth.ServerConfig, channels *connection.Config) (*connection.Mux, error) {
	c := transport.Server(nc, config)
	ctx := context.Background()
	if err := c.Handshake(ctx); err != nil {
		return nil, err
	}
	if _, err := userauth.Serve(ctx, c, auth); err != nil {
		return nil, err
	}
	return connection.New(c, wire.Server, channels), nil
}

// hawserHandler accepts sessions and runs their commands.
type hawserHandler struct{}

// HandleOpen implements connection.Handler.
func (hawserHandler) HandleOpen(r *connection.OpenRequest) {
	if r.Type != "session" {
		_ = r.Reject(wire.OpenUnknownChannelType, "")
		return
	}
	_, _ = r.Accept(&connection.Events{Request: serveHawserRequest})
}

// HandleGlobalRequest implements connection.Handler: what is not answered fails.
func (hawserHandler) HandleGlobalRequest(*connection.GlobalRequest) {}

func serveHawserRequest(channel *connection.Channel, r *connection.Request) {
	var exec wire.Exec // a subsystem has the same fields
	if r.Type != "exec" && r.Type != "subsystem" || exec.Parse(r.Payload) != nil {
		return
	}
	_ = r.Reply(true)
	go func() {
		status := runCommand(exec.Command, channel)
		_ = channel.SendExitStatus(context.Background(), status)
		_ = channel.Close()
	}()
}
