package sshclient_test

import (
	"errors"
	"os"
	"testing"

	"github.com/hawser-ssh/hawser/connection/peertest"
	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/userauth"
)

// keyKinds are the kinds of user and host keys of the tests.
var keyKinds = []peertest.KeyType{
	peertest.Ed25519, peertest.ECDSA256, peertest.ECDSA384, peertest.ECDSA521, peertest.RSA3072,
}

// TestSSHD drives our client against OpenSSH's server.
func TestSSHD(t *testing.T) {
	t.Parallel()
	keys := peertest.NewKeys(t, keyKinds...)
	server := peertest.StartSSHD(t, peertest.SSHDOptions{
		HostKeys: keyKinds, AuthorizedKeys: keys, Compression: true,
	})
	p := newPeer(t, server, userauth.PublicKeys(signerOf(t, keys[0])))

	testLogins(t, server, keys)
	testAlgorithms(t, p, algorithms(
		"kex: curve25519-sha256 curve25519-sha256@libssh.org ecdh-sha2-nistp256 ecdh-sha2-nistp384 ecdh-sha2-nistp521",
		"kex: diffie-hellman-group14-sha256 diffie-hellman-group16-sha512 diffie-hellman-group18-sha512",
		"cipher: aes128-gcm@openssh.com aes256-gcm@openssh.com chacha20-poly1305@openssh.com",
		"cipher: aes128-ctr aes192-ctr aes256-ctr",
		"mac: hmac-sha2-256 hmac-sha2-512 hmac-sha2-256-etm@openssh.com hmac-sha2-512-etm@openssh.com hmac-sha1",
		"hostkey: ssh-ed25519 ecdsa-sha2-nistp256 ecdsa-sha2-nistp384 ecdsa-sha2-nistp521 rsa-sha2-256 rsa-sha2-512",
		"compression: none zlib@openssh.com",
	))
	t.Run("known hosts", func(t *testing.T) { testKnownHosts(t, p, server) })

	client := p.dial(t)
	testSessions(t, client)
	testExitSignal(t, client)
	if os.Geteuid() == 0 { // without root, sshd cannot give the terminal away, and ends
		testTerminal(t, client)
	}
	testEnvironment(t, client)
	testShell(t, client)
	testSFTP(t, client, t.TempDir())
	testDialTCP(t, client)
	testDialRefused(t, client)
	testDialUnix(t, client)
	testListenTCP(t, client, cancels)
	testListenUnix(t, client)
	t.Run("keepalive", func(t *testing.T) {
		if err := client.Keepalive(testContext(t)); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("jump host", func(t *testing.T) { testJump(t, p, client) })
}

// testKnownHosts makes the server prove the key that is known, though it has
// others that go first, and refuses it when another one of that type is.
func testKnownHosts(t *testing.T, p peer, server *peertest.Server) {
	for _, key := range server.HostKeys {
		known := *server
		known.HostKeys = []peertest.Key{key}
		client := p.dial(t, func(cfg *sshclient.Config) { cfg.HostKey = sshclient.KnownHosts(known.KnownHosts(t)) })
		if got, want := sshkey.Fingerprint(client.HostKey()), key.Fingerprint(t); got != want {
			t.Errorf("%s: the server proved %s", key.Type, got)
		}
	}
	known := *server
	known.HostKeys = []peertest.Key{peertest.NewKey(t, peertest.RSA3072)}
	cfg := p.config()
	cfg.HostKey = sshclient.KnownHosts(known.KnownHosts(t))
	_, err := sshclient.Dial(testContext(t), "tcp", p.addr, cfg)
	var changed *sshkey.HostKeyChangedError
	if !errors.As(err, &changed) {
		t.Fatalf("%v", err)
	}
}

// testJump logs in through the connection of another login.
func testJump(t *testing.T, p peer, outer *sshclient.Client) {
	ctx := testContext(t)
	nc, err := outer.Dial(ctx, "tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := sshclient.NewClient(ctx, nc, p.addr, p.config())
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	echo(t, inner, 1<<20)
}

// TestSSHDPasswords logs in by the methods that need an account.
func TestSSHDPasswords(t *testing.T) {
	t.Parallel()
	account := peertest.NewAccount(t)
	key := peertest.NewKey(t, peertest.Ed25519)
	start := func(t *testing.T, methods string) *peertest.Server {
		return peertest.StartSSHD(t, peertest.SSHDOptions{
			HostKeys: []peertest.KeyType{peertest.Ed25519}, AuthorizedKeys: []peertest.Key{key},
			Account: account, Password: true, KeyboardInteractive: true, AuthenticationMethods: methods,
		})
	}
	right := password(account.Password)
	interactive := answers(map[string]string{"assword": account.Password})
	publickey := userauth.PublicKeys(signerOf(t, key))

	server := start(t, "")
	t.Run("password", func(t *testing.T) { login(t, newPeer(t, server, right)) })
	t.Run("keyboard-interactive", func(t *testing.T) { login(t, newPeer(t, server, interactive)) })
	t.Run("wrong password", func(t *testing.T) { refused(t, newPeer(t, server, password("wrong"))) })
	// sshd passes signals on only to accounts other than its own.
	testSignal(t, newPeer(t, server, right).dial(t))
	t.Run("second method", func(t *testing.T) {
		stranger := signerOf(t, peertest.NewKey(t, peertest.Ed25519))
		login(t, newPeer(t, server, userauth.PublicKeys(stranger), interactive))
	})
	t.Run("two factors", func(t *testing.T) {
		both := start(t, "publickey,password")
		login(t, newPeer(t, both, right, publickey))
		if err := refused(t, newPeer(t, both, publickey)); len(err.Partial) != 1 {
			t.Errorf("%v", err)
		}
	})
	t.Run("three factors", func(t *testing.T) {
		all := start(t, "publickey,password,keyboard-interactive:pam")
		login(t, newPeer(t, all, publickey, right, interactive))
	})
}

// TestSSHDRekey moves 64 MiB each way under many key exchanges, begun by
// either side.
func TestSSHDRekey(t *testing.T) {
	t.Parallel()
	size := int64(64 << 20)
	if testing.Short() {
		size = 8 << 20
	}
	key := peertest.NewKey(t, peertest.Ed25519)
	auth := userauth.PublicKeys(signerOf(t, key))
	options := peertest.SSHDOptions{HostKeys: []peertest.KeyType{peertest.Ed25519}, AuthorizedKeys: []peertest.Key{key}}
	t.Run("server", func(t *testing.T) {
		options := options
		options.RekeyLimit = "1M"
		testRekeys(t, newPeer(t, peertest.StartSSHD(t, options), auth), size, byServer)
	})
	t.Run("client", func(t *testing.T) {
		testRekeys(t, newPeer(t, peertest.StartSSHD(t, options), auth), size, byUs)
	})
	t.Run("on demand", func(t *testing.T) {
		testRekeyOnDemand(t, newPeer(t, peertest.StartSSHD(t, options), auth).dial(t))
	})
}

func testRekeyOnDemand(t *testing.T, client *sshclient.Client) {
	for range 3 {
		if err := client.Rekey(testContext(t)); err != nil {
			t.Fatal(err)
		}
		echo(t, client, 1000)
	}
}

// TestDropbear drives our client against dropbear's server.
func TestDropbear(t *testing.T) {
	t.Parallel()
	account := peertest.NewAccount(t)
	keys := peertest.NewKeys(t, keyKinds...)
	account.Authorize(t, keys...)
	server := peertest.StartDropbear(t, peertest.DropbearOptions{Account: account})
	p := newPeer(t, server, userauth.PublicKeys(signerOf(t, keys[0])))

	testLogins(t, server, keys)
	t.Run("password", func(t *testing.T) {
		login(t, newPeer(t, server, password(account.Password)))
	})
	testAlgorithms(t, p, algorithms(
		"kex: curve25519-sha256 curve25519-sha256@libssh.org ecdh-sha2-nistp256 ecdh-sha2-nistp384 ecdh-sha2-nistp521",
		"kex: diffie-hellman-group14-sha256",
		"cipher: chacha20-poly1305@openssh.com aes128-ctr aes256-ctr",
		"mac: hmac-sha2-256 hmac-sha1",
		"hostkey: ssh-ed25519 ecdsa-sha2-nistp256 rsa-sha2-256",
		"compression: none zlib@openssh.com",
	))
	client := p.dial(t)
	testSessions(t, client)
	testExitSignal(t, client)
	testTerminal(t, client)
	testShell(t, client)
	testDialTCP(t, client)
	testListenTCP(t, client, neverCancels)
	t.Run("re-key", func(t *testing.T) { testRekeys(t, p, 8<<20, byUs) })
}

// TestAsyncSSH drives our client against AsyncSSH's server.
func TestAsyncSSH(t *testing.T) {
	t.Parallel()
	keys := peertest.NewKeys(t, keyKinds...)
	server := peertest.StartAsyncSSHServer(t, peertest.PythonServerOptions{
		HostKeys: keyKinds, AuthorizedKeys: keys, Password: "right", KeyboardInteractive: true,
		Compression: []string{"none", "zlib@openssh.com", "zlib"},
	})
	p := newPeer(t, server, userauth.PublicKeys(signerOf(t, keys[0])))

	testLogins(t, server, keys)
	testPythonPasswords(t, server)
	testAlgorithms(t, p, algorithms(
		"kex: curve25519-sha256 curve25519-sha256@libssh.org ecdh-sha2-nistp256 ecdh-sha2-nistp384 ecdh-sha2-nistp521",
		"kex: diffie-hellman-group14-sha256 diffie-hellman-group16-sha512 diffie-hellman-group18-sha512",
		"cipher: aes128-gcm@openssh.com aes256-gcm@openssh.com chacha20-poly1305@openssh.com",
		"cipher: aes128-ctr aes192-ctr aes256-ctr",
		"mac: hmac-sha2-256 hmac-sha2-512 hmac-sha2-256-etm@openssh.com hmac-sha2-512-etm@openssh.com hmac-sha1",
		"hostkey: ssh-ed25519 ecdsa-sha2-nistp256 ecdsa-sha2-nistp384 ecdsa-sha2-nistp521 rsa-sha2-256 rsa-sha2-512",
		"compression: none zlib@openssh.com zlib",
	))
	client := p.dial(t)
	testSessions(t, client)
	testExitSignal(t, client)
	testShell(t, client)
	testSFTP(t, client, t.TempDir())
	testDialTCP(t, client)
	testDialRefused(t, client)
	testDialUnix(t, client)
	testListenTCP(t, client, cancels)
	testListenUnix(t, client)
	// Not while data flows: this peer (2.10.1) then goes on sending channel
	// data behind its KEXINIT, which RFC 4253 §7.1 forbids and we refuse.
	t.Run("re-key on demand", func(t *testing.T) { testRekeyOnDemand(t, client) })
}

// TestParamiko drives our client against paramiko's server.
func TestParamiko(t *testing.T) {
	t.Parallel()
	keys := peertest.NewKeys(t, keyKinds...)
	server := peertest.StartParamikoServer(t, peertest.PythonServerOptions{
		HostKeys:       []peertest.KeyType{peertest.Ed25519, peertest.ECDSA256, peertest.RSA2048},
		AuthorizedKeys: keys, Password: "right", KeyboardInteractive: true,
		Compression: []string{"none", "zlib@openssh.com", "zlib"},
	})
	p := newPeer(t, server, userauth.PublicKeys(signerOf(t, keys[0])))

	testLogins(t, server, keys)
	testPythonPasswords(t, server)
	testAlgorithms(t, p, algorithms(
		"kex: curve25519-sha256@libssh.org ecdh-sha2-nistp256 ecdh-sha2-nistp384 ecdh-sha2-nistp521",
		"kex: diffie-hellman-group14-sha256 diffie-hellman-group16-sha512",
		"cipher: aes128-ctr aes192-ctr aes256-ctr",
		"mac: hmac-sha2-256 hmac-sha2-512 hmac-sha2-256-etm@openssh.com hmac-sha2-512-etm@openssh.com hmac-sha1",
		"hostkey: ssh-ed25519 ecdsa-sha2-nistp256 rsa-sha2-256 rsa-sha2-512",
		"compression: none zlib@openssh.com zlib",
	))
	client := p.dial(t)
	testSessions(t, client)
	testDialTCP(t, client)
	t.Run("re-key", func(t *testing.T) { testRekeys(t, p, 4<<20, byUs) })
}

// testPythonPasswords logs in to the servers in Python without a key.
func testPythonPasswords(t *testing.T, server *peertest.Server) {
	t.Run("password", func(t *testing.T) {
		login(t, newPeer(t, server, password("right")))
	})
	t.Run("keyboard-interactive", func(t *testing.T) {
		login(t, newPeer(t, server, answers(map[string]string{"assword": "right", "Code": "123456"})))
	})
	t.Run("wrong password", func(t *testing.T) {
		refused(t, newPeer(t, server, password("wrong")))
	})
}
