package transport_test

import (
	"crypto/ed25519"
	"io"
	"net"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// loopback returns both ends of a TCP connection.
func loopback(t testing.TB) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// offered are the algorithms that x/crypto/ssh knows too.
var offered = []struct{ kex, cipher, mac string }{
	{kex: "mlkem768x25519-sha256"}, {kex: "curve25519-sha256"}, {kex: "curve25519-sha256@libssh.org"},
	{kex: "ecdh-sha2-nistp256"}, {kex: "ecdh-sha2-nistp384"}, {kex: "ecdh-sha2-nistp521"},
	{kex: "diffie-hellman-group14-sha256"}, {kex: "diffie-hellman-group16-sha512"},
	{kex: "diffie-hellman-group-exchange-sha256"}, {kex: "diffie-hellman-group-exchange-sha1"},
	{kex: "diffie-hellman-group14-sha1"}, {kex: "diffie-hellman-group1-sha1"},
	{cipher: "aes128-gcm@openssh.com"}, {cipher: "aes256-gcm@openssh.com"}, {cipher: "chacha20-poly1305@openssh.com"},
	{cipher: "aes128-ctr", mac: "hmac-sha2-256"}, {cipher: "aes192-ctr", mac: "hmac-sha2-512"},
	{cipher: "aes256-ctr", mac: "hmac-sha2-256-etm@openssh.com"}, {cipher: "aes128-ctr", mac: "hmac-sha2-512-etm@openssh.com"},
}

func one(name string) []string {
	if name == "" {
		return nil
	}
	return []string{name}
}

// kexOf returns the method of that name; without a name, the defaults.
func kexOf(t *testing.T, name string) []kex.Method {
	t.Helper()
	if name == "" {
		return nil
	}
	methods, err := kex.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return methods
}

// TestForeignServer has our client do the handshake, a service request and a
// failed authentication with the server of x/crypto/ssh, which checks every
// byte of it.
func TestForeignServer(t *testing.T) {
	for _, o := range offered {
		t.Run(o.kex+o.cipher+o.mac, func(t *testing.T) {
			a, b := loopback(t)
			_, private, _ := ed25519.GenerateKey(nil)
			signer, err := ssh.NewSignerFromKey(private)
			if err != nil {
				t.Fatal(err)
			}
			cfg := &ssh.ServerConfig{PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, io.EOF }}
			cfg.KeyExchanges, cfg.Ciphers, cfg.MACs = one(o.kex), one(o.cipher), one(o.mac)
			cfg.AddHostKey(signer)
			ended := make(chan struct{})
			go func() { defer close(ended); ssh.NewServerConn(b, cfg) }()
			c := transport.Client(a, &transport.Config{Kex: kexOf(t, o.kex), VerifyHostKey: trustAny})
			if err := c.Handshake(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := c.WritePacket(nil, wire.ServiceRequest{Name: "ssh-userauth"}.Append(nil), nil); err != nil {
				t.Fatal(err)
			}
			var accept wire.ServiceAccept
			if p, err := c.ReadPacket(); err != nil || accept.Parse(p) != nil || accept.Name != "ssh-userauth" {
				t.Fatalf("%q %v", p, err)
			}
			if len(c.PeerSigAlgs()) == 0 {
				t.Error("no server-sig-algs")
			}
			c.Close()
			<-ended
		})
	}
}

// TestForeignClient has the client of x/crypto/ssh do the same with our
// server.
func TestForeignClient(t *testing.T) {
	for _, o := range offered {
		t.Run(o.kex+o.cipher+o.mac, func(t *testing.T) {
			a, b := loopback(t)
			cfg := &ssh.ClientConfig{User: "u", Auth: []ssh.AuthMethod{ssh.Password("p")}, HostKeyCallback: ssh.InsecureIgnoreHostKey()}
			cfg.KeyExchanges, cfg.Ciphers, cfg.MACs = one(o.kex), one(o.cipher), one(o.mac)
			ended := make(chan error, 1)
			go func() { _, _, _, err := ssh.NewClientConn(a, "", cfg); ended <- err }()
			s := transport.Server(b, &transport.Config{Kex: kexOf(t, o.kex), HostKeys: []sshkey.Signer{hostKey(t)}})
			if err := s.Handshake(t.Context()); err != nil {
				t.Fatal(err)
			}
			var request wire.ServiceRequest
			if p, err := s.ReadPacket(); err != nil || request.Parse(p) != nil || request.Name != "ssh-userauth" {
				t.Fatalf("%q %v", p, err)
			}
			s.WriteControl(wire.ServiceAccept(request).Append(nil))
			var auth wire.UserauthRequest
			if p, err := s.ReadPacket(); err != nil || auth.Parse(p) != nil || auth.User != "u" {
				t.Fatalf("%q %v", p, err)
			}
			s.Disconnect(wire.ReasonNoMoreAuthMethodsAvailable, "enough")
			if err := <-ended; err == nil {
				t.Error("client is content")
			}
		})
	}
}
