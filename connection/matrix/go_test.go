package matrix

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"strconv"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/connection/peertest"
)

// hostKeyGo knows the trip's server.
func hostKeyGo(t *testing.T, p peertest.Trip) ssh.HostKeyCallback {
	certs := &ssh.CertChecker{
		IsHostAuthority: func(key ssh.PublicKey, _ string) bool {
			return p.Authority != "" && bytes.Equal(parseGo(t, p.Authority).Marshal(), key.Marshal())
		},
		HostKeyFallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			for _, k := range p.HostKeys {
				if bytes.Equal(parseGo(t, k.Public).Marshal(), key.Marshal()) {
					return nil
				}
			}
			return errNotOnRing
		},
	}
	return certs.CheckHostKey
}

// runGo makes a trip with the client of golang.org/x/crypto.
func runGo(t *testing.T, x peertest.Trips, p peertest.Trip) peertest.Outcome {
	config := &ssh.ClientConfig{
		User: x.User, Timeout: time.Minute, Auth: []ssh.AuthMethod{ssh.Password(x.Password)}, HostKeyCallback: hostKeyGo(t, p),
	}
	if p.Key != nil {
		signer := signerGo(t, *p.Key)
		if p.Key.Cert != "" {
			signer = certifiedGo(t, p.Key.Cert, signer)
		}
		config.Auth[0] = ssh.PublicKeys(signer)
	}
	for list, name := range map[*[]string]string{
		&config.KeyExchanges: p.Kex, &config.Ciphers: p.Cipher, &config.MACs: p.MAC, &config.HostKeyAlgorithms: p.HostKeyAlgorithm,
	} {
		if name != "" {
			*list = []string{name}
		}
	}
	client, err := ssh.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Port)), config)
	if err != nil {
		return peertest.Outcome{Err: err.Error()}
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return peertest.Outcome{Err: err.Error()}
	}
	session.Stdin = bytes.NewReader(x.Input)
	out, err := session.Output(x.Command)
	if err != nil {
		return peertest.Outcome{Err: err.Error()}
	}
	sum := sha256.Sum256(out)
	return peertest.Outcome{Status: "0", Sum: hex.EncodeToString(sum[:])}
}
