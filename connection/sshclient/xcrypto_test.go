package sshclient_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"

	"crypto"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
	"golang.org/x/crypto/ssh"
)

// cryptoServer is a server on golang.org/x/crypto/ssh: exec with the shell of
// the tests, and direct-tcpip.
type cryptoServer struct {
	cfg     ssh.ServerConfig
	running sync.WaitGroup
	mu      sync.Mutex
	open    []io.Closer
}

// privateKeys are one of each type of key.
func privateKeys(t testing.TB) []crypto.Signer {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := []crypto.Signer{ed}
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		k, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return append(keys, k)
}

// start listens with one host key of each type, and takes the password
// "right", the two answers, and the keys of users.
func (s *cryptoServer) start(t testing.TB, users []crypto.Signer) peer {
	t.Helper()
	s.login(t, users)
	algs := ssh.SupportedAlgorithms()
	insecure := ssh.InsecureAlgorithms()
	s.cfg.KeyExchanges = algs.KeyExchanges
	s.cfg.Ciphers = algs.Ciphers
	s.cfg.MACs = append(slices.Clone(algs.MACs), insecure.MACs...)
	p := peer{user: "user"}
	for _, key := range privateKeys(t) {
		signer, err := ssh.NewSignerFromSigner(key)
		if err != nil {
			t.Fatal(err)
		}
		s.cfg.AddHostKey(signer)
		public, err := sshkey.ParsePublicKey(signer.PublicKey().Marshal())
		if err != nil {
			t.Fatal(err)
		}
		p.keys = append(p.keys, public)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.open = append(s.open, l)
	s.running.Go(func() { s.accept(l) })
	t.Cleanup(func() {
		s.mu.Lock()
		for _, c := range s.open {
			c.Close()
		}
		s.mu.Unlock()
		s.running.Wait()
	})
	p.addr = l.Addr().String()
	return p
}

var errDenied = errors.New("denied")

func (s *cryptoServer) login(t testing.TB, users []crypto.Signer) {
	var known []string
	for _, u := range users {
		public, err := ssh.NewPublicKey(u.Public())
		if err != nil {
			t.Fatal(err)
		}
		known = append(known, string(public.Marshal()))
	}
	allow := func(ok bool) (*ssh.Permissions, error) {
		if !ok {
			return nil, errDenied
		}
		return nil, nil
	}
	s.cfg.PasswordCallback = func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
		return allow(string(password) == "right")
	}
	s.cfg.PublicKeyCallback = func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		return allow(slices.Contains(known, string(key.Marshal())))
	}
	s.cfg.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
		got, err := ask("Login", "", []string{"Password: ", "Code: "}, []bool{false, true})
		return allow(err == nil && slices.Equal(got, []string{"right", "123456"}))
	}
}

func (s *cryptoServer) accept(l net.Listener) {
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.open = append(s.open, nc)
		s.mu.Unlock()
		s.running.Go(func() { s.serve(nc) })
	}
}

func (s *cryptoServer) serve(nc net.Conn) {
	defer nc.Close()
	conn, channels, requests, err := ssh.NewServerConn(nc, &s.cfg)
	if err != nil {
		return
	}
	defer conn.Close()
	s.running.Go(func() { ssh.DiscardRequests(requests) })
	for c := range channels {
		switch c.ChannelType() {
		case "session":
			s.running.Go(func() { s.session(c) })
		case "direct-tcpip":
			s.running.Go(func() { s.forward(c) })
		default:
			c.Reject(ssh.UnknownChannelType, "")
		}
	}
}

func (s *cryptoServer) session(c ssh.NewChannel) {
	ch, requests, err := c.Accept()
	if err != nil {
		return
	}
	for r := range requests {
		var m struct{ Command string }
		ok := r.Type == "exec" && ssh.Unmarshal(r.Payload, &m) == nil
		r.Reply(ok, nil)
		if ok {
			s.running.Go(func() { s.exec(ch, m.Command) })
		}
	}
}

func (s *cryptoServer) exec(ch ssh.Channel, command string) {
	defer ch.Close()
	end := runShell(command, ch, ch, ch.Stderr())
	if end.signal != "" {
		ch.SendRequest("exit-signal", false, ssh.Marshal(struct {
			Signal            string
			Core              bool
			Message, Language string
		}{Signal: end.signal}))
		return
	}
	ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(end.status)}))
}

func (s *cryptoServer) forward(c ssh.NewChannel) {
	var m struct {
		Host       string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}
	if ssh.Unmarshal(c.ExtraData(), &m) != nil {
		c.Reject(ssh.ConnectionFailed, "malformed")
		return
	}
	nc, err := net.Dial("tcp", net.JoinHostPort(m.Host, strconv.Itoa(int(m.Port))))
	if err != nil {
		c.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	defer nc.Close()
	ch, requests, err := c.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	s.running.Go(func() { ssh.DiscardRequests(requests) })
	s.running.Go(func() {
		io.Copy(nc, ch)
		nc.(*net.TCPConn).CloseWrite()
	})
	io.Copy(ch, nc)
	ch.CloseWrite()
}

// TestXCrypto drives our client against golang.org/x/crypto/ssh.
func TestXCrypto(t *testing.T) {
	users := privateKeys(t)
	server := new(cryptoServer)
	p := server.start(t, users)
	for _, key := range users {
		signer, err := sshkey.NewSigner(key)
		if err != nil {
			t.Fatal(err)
		}
		p.auth = []userauth.Method{userauth.PublicKeys(signer)}
		t.Run("key "+signer.PublicKey().Type(), func(t *testing.T) { login(t, p) })
	}
	for name, method := range map[string]userauth.Method{
		"password":             password("right"),
		"keyboard-interactive": answers(map[string]string{"Password": "right", "Code": "123456"}),
	} {
		p.auth = []userauth.Method{method}
		t.Run(name, func(t *testing.T) { login(t, p) })
	}
	p.auth = []userauth.Method{password("wrong"), userauth.PublicKeys(newSigner(t))}
	t.Run("wrong", func(t *testing.T) { refused(t, p) })

	p.auth = []userauth.Method{password("right")}
	testAlgorithms(t, p, algorithms(
		"kex: mlkem768x25519-sha256 curve25519-sha256 curve25519-sha256@libssh.org",
		"kex: ecdh-sha2-nistp256 ecdh-sha2-nistp384 ecdh-sha2-nistp521",
		"kex: diffie-hellman-group14-sha256 diffie-hellman-group16-sha512",
		"cipher: aes128-gcm@openssh.com aes256-gcm@openssh.com chacha20-poly1305@openssh.com",
		"cipher: aes128-ctr aes192-ctr aes256-ctr",
		"mac: hmac-sha2-256 hmac-sha2-512 hmac-sha2-256-etm@openssh.com hmac-sha2-512-etm@openssh.com hmac-sha1",
		"hostkey: ssh-ed25519 ecdsa-sha2-nistp256 ecdsa-sha2-nistp384 ecdsa-sha2-nistp521 rsa-sha2-256 rsa-sha2-512",
	))
	client := p.dial(t)
	testSessions(t, client)
	testExitSignal(t, client)
	testDialTCP(t, client)
	testDialRefused(t, client)
	t.Run("re-key by us", func(t *testing.T) { testRekeys(t, p, 8<<20, byUs) })
}

// TestXCryptoRekeys lets the server begin the key exchanges.
func TestXCryptoRekeys(t *testing.T) {
	server := new(cryptoServer)
	server.cfg.RekeyThreshold = 256 << 10
	p := server.start(t, nil)
	p.auth = []userauth.Method{password("right")}
	testRekeys(t, p, 8<<20, byServer)
}
