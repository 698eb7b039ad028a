package matrix

import (
	"io"
	"net"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/connection/peertest"
)

// startGo starts a server on golang.org/x/crypto that runs one command, cat.
func startGo(t *testing.T, key peertest.Key) *peertest.Server {
	known, insecure := ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()
	config := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }}
	config.KeyExchanges = append(known.KeyExchanges, insecure.KeyExchanges...)
	config.Ciphers = append(known.Ciphers, insecure.Ciphers...)
	config.MACs = append(known.MACs, insecure.MACs...)
	hostKeys := peertest.NewKeys(t, hostKinds...)
	for _, k := range hostKeys {
		file := k.Private(t)
		if k.Type == peertest.DSA { // it does not read these in OpenSSH's format
			k.Path = k.PEM(t)
			file = k.Private(t)
		}
		signer, err := ssh.ParsePrivateKey(file)
		if err != nil {
			t.Fatal(err)
		}
		config.AddHostKey(signer)
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
	return &peertest.Server{Addr: l.Addr().String(), User: userName, HostKeys: hostKeys, Log: new(peertest.Buffer)}
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
