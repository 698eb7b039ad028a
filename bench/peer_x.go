package main

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"

	xssh "golang.org/x/crypto/ssh"
)

func xConfig(j *job) xssh.Config {
	c := xssh.Config{Ciphers: []string{j.Suite.Cipher}, KeyExchanges: []string{j.Kex}}
	if j.Suite.MAC != "" {
		c.MACs = []string{j.Suite.MAC}
	}
	return c
}

func xSigner(j *job, name string) (xssh.Signer, error) {
	file, err := os.ReadFile(filepath.Join(j.Dir, name))
	if err != nil {
		return nil, err
	}
	return xssh.ParsePrivateKey(file)
}

// xClient implements client by golang.org/x/crypto/ssh.
type xClient struct{ *xssh.Client }

func newXDialer(j *job) (dialer, error) {
	user, err := xSigner(j, userKeyFile)
	if err != nil {
		return nil, err
	}
	host, err := xSigner(j, hostKeyFile(j.HostKey))
	if err != nil {
		return nil, err
	}
	config := &xssh.ClientConfig{
		Config: xConfig(j), User: userName(), Auth: []xssh.AuthMethod{xssh.PublicKeys(user)},
		HostKeyCallback: xssh.FixedHostKey(host.PublicKey()), HostKeyAlgorithms: []string{hostKeyAlgorithm(j.HostKey)},
	}
	return func(context.Context) (client, error) {
		c, err := xssh.Dial("tcp", j.Addr, config)
		if err != nil {
			return nil, err
		}
		return xClient{c}, nil
	}, nil
}

// Open implements client.
func (c xClient) Open(context.Context) (io.Closer, error) { return c.NewSession() }

// Start implements client.
func (c xClient) Start(_ context.Context, command string) (session, error) {
	s, err := c.NewSession()
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
		start = s.RequestSubsystem
	}
	return xSession{out, in, s}, start(command)
}

type xSession struct {
	io.Reader
	io.WriteCloser
	session *xssh.Session
}

// CloseWrite implements session.
func (s xSession) CloseWrite() error { return s.Close() }

// Wait implements session.
func (s xSession) Wait(context.Context) error { return s.session.Wait() }

func newXServer(j *job) (func(net.Conn) error, error) {
	host, err := xSigner(j, hostKeyFile(j.HostKey))
	if err != nil {
		return nil, err
	}
	user, err := xSigner(j, userKeyFile)
	if err != nil {
		return nil, err
	}
	want := string(user.PublicKey().Marshal())
	config := &xssh.ServerConfig{Config: xConfig(j), PublicKeyCallback: func(_ xssh.ConnMetadata, key xssh.PublicKey) (*xssh.Permissions, error) {
		if string(key.Marshal()) != want {
			return nil, os.ErrPermission
		}
		return nil, nil
	}}
	config.AddHostKey(host)
	return func(nc net.Conn) error { return serveX(nc, config) }, nil
}

// serveX serves one connection as the package's own example does: a goroutine for the requests of each channel.
func serveX(nc net.Conn, config *xssh.ServerConfig) error {
	c, channels, requests, err := xssh.NewServerConn(nc, config)
	if err != nil {
		return err
	}
	go xssh.DiscardRequests(requests)
	for wanted := range channels {
		channel, requests, err := wanted.Accept()
		if err != nil {
			return err
		}
		go serveXChannel(channel, requests)
	}
	return c.Wait()
}

func serveXChannel(channel xssh.Channel, requests <-chan *xssh.Request) {
	for r := range requests {
		var exec struct{ Command string } // a subsystem has the same fields
		ok := (r.Type == "exec" || r.Type == "subsystem") && xssh.Unmarshal(r.Payload, &exec) == nil
		_ = r.Reply(ok, nil)
		if ok {
			go func() {
				status := runCommand(exec.Command, channel)
				_, _ = channel.SendRequest("exit-status", false, xssh.Marshal(struct{ Status uint32 }{status}))
				_ = channel.Close()
			}()
		}
	}
}
