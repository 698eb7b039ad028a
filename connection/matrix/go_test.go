package matrix

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"strconv"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/connection/peertest"
)

// runGo makes a trip with the client of golang.org/x/crypto.
func runGo(t *testing.T, x peertest.Trips, p peertest.Trip) peertest.Outcome {
	hostKey := func(_ string, _ net.Addr, key ssh.PublicKey) error {
		for _, k := range p.HostKeys {
			if known, _, _, _, err := ssh.ParseAuthorizedKey([]byte(k.Public)); err == nil && bytes.Equal(known.Marshal(), key.Marshal()) {
				return nil
			}
		}
		return io.ErrUnexpectedEOF
	}
	config := &ssh.ClientConfig{
		User: x.User, Timeout: time.Minute, Auth: []ssh.AuthMethod{ssh.Password(x.Password)}, HostKeyCallback: hostKey,
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
