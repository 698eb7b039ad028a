package transport_test

import (
	"crypto"
	"errors"
	"slices"
	"testing"

	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/mac"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

// preferring returns a Config with one list of each kind for what the client
// sends, and another for what the server sends.
func preferring(t *testing.T) transport.Config {
	t.Helper()
	up, down := protection(t, "aes128-ctr", "hmac-sha2-256"), protection(t, "3des-cbc", "hmac-sha1")
	up.Compression, up.Languages = []string{"none"}, []string{"de", "en"}
	up.ServerToClient = transport.Preferences{
		Ciphers: down.Ciphers, MACs: down.MACs, Compression: []string{"zlib"}, Languages: []string{"fr"},
	}
	return up
}

// TestPreferencesOfEachDirection: either side may want one thing of what the
// client sends and another of what the server sends, and gets it after a
// re-key too.
func TestPreferencesOfEachDirection(t *testing.T) {
	up, down := protection(t, "aes128-ctr", "hmac-sha2-256"), protection(t, "3des-cbc", "hmac-sha1")
	any := transport.Config{
		Ciphers: slices.Concat(down.Ciphers, up.Ciphers), MACs: slices.Concat(down.MACs, up.MACs),
		Compression: []string{"zlib", "none"}, Languages: []string{"fr", "en", "de"},
	}
	want := map[string]kex.Direction{
		"up":   {Cipher: "aes128-ctr", MAC: "hmac-sha2-256", Compression: "none", Language: "de"},
		"down": {Cipher: "3des-cbc", MAC: "hmac-sha1", Compression: "zlib", Language: "fr"},
	}
	for name, configs := range map[string][2]transport.Config{
		"client": {preferring(t), any}, "server": {any, preferring(t)}, "both": {preferring(t), preferring(t)},
	} {
		t.Run(name, func(t *testing.T) {
			c, s := connect(t, configs[0], configs[1])
			discard(c, s)
			got := c.Algorithms()
			if name == "server" {
				got.ClientToServer.Language = "de" // the client's order decides
			}
			if got.ClientToServer != want["up"] || got.ServerToClient != want["down"] || s.Algorithms().ServerToClient != want["down"] {
				t.Errorf("%+v", got)
			}
			must(t, c.Rekey(t.Context()))
		})
	}
}

// discard reads both ends until they are closed.
func discard(ends ...*transport.Conn) {
	for _, c := range ends {
		go func() {
			for {
				if _, err := c.ReadPacket(); err != nil {
					return
				}
			}
		}()
	}
}

// TestPreferencesInTheError: the list that has nothing in common is that of
// the direction.
func TestPreferencesInTheError(t *testing.T) {
	a, b := transporttest.Pipe()
	client, server := preferring(t), protection(t, "aes128-ctr", "hmac-sha2-256")
	client.VerifyHostKey, server.HostKeys = trustAny, []sshkey.Signer{hostKey(t)}
	c, s := transport.Client(a, &client), transport.Server(b, &server)
	defer c.Close()
	defer s.Close()
	result := make(chan error, 1)
	go func() { result <- s.Handshake(t.Context()) }()
	for _, err := range []error{c.Handshake(t.Context()), <-result} {
		n, ok := errors.AsType[*kex.NegotiationError](err)
		if !ok {
			// The other end may have been told first.
			if d, ok := errors.AsType[*transport.DisconnectError](err); !ok || d.Reason != wire.ReasonKeyExchangeFailed {
				t.Errorf("%v", err)
			}
			continue
		}
		if n.What != "server-to-client cipher" || !slices.Equal(n.Client, []string{"3des-cbc"}) || !slices.Equal(n.Server, []string{"aes128-ctr"}) {
			t.Errorf("%v", n)
		}
	}
}

// TestNoneByName: nothing but its name brings the cipher or the MAC that is
// none, in either direction (PKT-22).
func TestNoneByName(t *testing.T) {
	for _, offer := range [][2]string{{"none", "hmac-sha2-256"}, {"aes128-ctr", "none"}, {"none", "none"}} {
		cfg := protection(t, offer[0], offer[1])
		c, s := connect(t, cfg, cfg)
		discard(c, s)
		if d := c.Algorithms().ClientToServer; d.Cipher != offer[0] || d.MAC != offer[1] {
			t.Errorf("%+v", d)
		}
	}
}

// TestHostKeyByTheClientsList: of several host keys the server shows the one
// for the first algorithm of the client's list that it can sign with, and of
// several for one algorithm its first.
func TestHostKeyByTheClientsList(t *testing.T) {
	var keys []sshkey.Signer
	for _, generate := range []func() (crypto.Signer, error){
		func() (crypto.Signer, error) { return sshkey.GenerateECDSA(256) },
		func() (crypto.Signer, error) { return sshkey.GenerateRSA(0) },
		func() (crypto.Signer, error) { return sshkey.GenerateEd25519() },
		func() (crypto.Signer, error) { return sshkey.GenerateEd25519() },
	} {
		private, err := generate()
		must(t, err)
		key, err := sshkey.NewSigner(private)
		must(t, err)
		keys = append(keys, key)
	}
	for _, tt := range []struct {
		list []string
		want string
		key  int
	}{
		{nil, "ssh-ed25519", 2},
		{[]string{"rsa-sha2-256", "ssh-ed25519"}, "rsa-sha2-256", 1},
		{[]string{"ssh-ed448", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp256", "rsa-sha2-512"}, "ecdsa-sha2-nistp256", 0},
		{[]string{"ssh-rsa", "rsa-sha2-512", "rsa-sha2-256"}, "rsa-sha2-512", 1}, // SHA-1 is not on by default
	} {
		a, b := transporttest.Pipe()
		client := transport.Config{HostKeyAlgorithms: tt.list, VerifyHostKey: trustAny}
		c, s := transport.Client(a, &client), transport.Server(b, &transport.Config{HostKeys: keys})
		result := make(chan error, 1)
		go func() { result <- s.Handshake(t.Context()) }()
		must(t, c.Handshake(t.Context()))
		must(t, <-result)
		if got := c.Algorithms().HostKey; got != tt.want || !sshkey.Equal(c.HostKey(), keys[tt.key].PublicKey()) {
			t.Errorf("%q: %s with %s", tt.list, got, sshkey.Fingerprint(c.HostKey()))
		}
		discard(c, s)
		c.Close()
		s.Close()
	}
}

// TestKEX06AEADNeedsNoMAC: with ciphers that authenticate by themselves two
// sides agree that have no MAC in common, or none at all; where one direction
// has another cipher, that one needs a MAC.
func TestKEX06AEADNeedsNoMAC(t *testing.T) {
	for _, name := range []string{"aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "AEAD_AES_128_GCM"} {
		client, server := protection(t, name, "hmac-md5"), protection(t, name, "hmac-sha2-512")
		c, s := connect(t, client, server)
		discard(c, s)
		if a := c.Algorithms(); a.ClientToServer.Cipher != name || a.ClientToServer.MAC != "" || a.ServerToClient.MAC != "" {
			t.Errorf("%+v", a)
		}
	}
	empty := protection(t, "aes128-gcm@openssh.com", "")
	empty.MACs = []mac.MAC{}
	c, s := connect(t, empty, transport.Config{})
	discard(c, s)

	empty.ServerToClient.Ciphers = protection(t, "aes128-ctr", "").Ciphers
	a, b := transporttest.Pipe()
	empty.VerifyHostKey = trustAny
	client, server := transport.Client(a, &empty), transport.Server(b, &transport.Config{HostKeys: []sshkey.Signer{hostKey(t)}})
	result := make(chan error, 1)
	go func() { result <- server.Handshake(t.Context()) }()
	err := client.Handshake(t.Context())
	if n, ok := errors.AsType[*kex.NegotiationError](errors.Join(err, <-result)); !ok || n.What != "server-to-client MAC" || len(n.Client) != 0 {
		t.Errorf("%v", err)
	}
	client.Close()
	server.Close()
}
