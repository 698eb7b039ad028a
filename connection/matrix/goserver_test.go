package matrix

import (
	"bytes"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/connection/peertest"
)

// startGo starts a server on golang.org/x/crypto that runs one command, cat.
func startGo(t *testing.T, p provision) *peertest.Server {
	known, insecure := ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()
	config := &ssh.ServerConfig{PublicKeyCallback: admitGo(t, p)}
	config.KeyExchanges = append(known.KeyExchanges, insecure.KeyExchanges...)
	config.Ciphers = append(known.Ciphers, insecure.Ciphers...)
	config.MACs = append(known.MACs, insecure.MACs...)
	config.PublicKeyAuthAlgorithms = append(known.PublicKeyAuths, insecure.PublicKeyAuths...)
	for _, k := range p.host {
		signer := signerGo(t, k)
		config.AddHostKey(signer)
		if k.Cert != "" {
			config.AddHostKey(certifiedGo(t, k.Cert, signer))
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { serveGo(nc, config) })
		}
	})
	t.Cleanup(func() { l.Close(); running.Wait() })
	return &peertest.Server{Addr: l.Addr().String(), User: userName, HostKeys: p.host, Log: new(peertest.Buffer)}
}

// signerGo reads a key.
func signerGo(t testing.TB, k peertest.Key) ssh.Signer {
	t.Helper()
	file, err := os.ReadFile(k.Old(t)) // it does not read DSA keys in OpenSSH's form
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(file)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// certifiedGo is a key with its certificate.
func certifiedGo(t testing.TB, line string, signer ssh.Signer) ssh.Signer {
	t.Helper()
	certified, err := ssh.NewCertSigner(parseGo(t, line).(*ssh.Certificate), signer)
	if err != nil {
		t.Fatal(err)
	}
	return certified
}

func parseGo(t testing.TB, line string) ssh.PublicKey {
	t.Helper()
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// admitGo lets in the users of the provision.
func admitGo(t testing.TB, p provision) func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
	t.Helper()
	var known [][]byte
	for _, k := range p.users {
		known = append(known, parseGo(t, k.Public).Marshal())
	}
	authority := parseGo(t, p.authority).Marshal()
	certs := &ssh.CertChecker{
		IsUserAuthority: func(key ssh.PublicKey) bool { return bytes.Equal(key.Marshal(), authority) },
		UserKeyFallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if slices.ContainsFunc(known, func(k []byte) bool { return bytes.Equal(k, key.Marshal()) }) {
				return nil, nil
			}
			return nil, errNotOnRing
		},
	}
	return certs.Authenticate
}

// serveGo runs one connection to its end.
func serveGo(nc net.Conn, config *ssh.ServerConfig) {
	defer nc.Close()
	_, channels, requests, err := ssh.NewServerConn(nc, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		ch, requests, err := c.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				r.Reply(r.Type == "exec", nil)
			}
		}()
		go func() {
			_, _ = io.Copy(ch, ch)
			_, _ = ch.SendRequest("exit-status", false, make([]byte, 4))
			ch.Close()
		}()
	}
}
