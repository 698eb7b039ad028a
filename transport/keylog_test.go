package transport_test

import (
	"bytes"
	"crypto/ecdh"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/connection/peertest"
	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/mac"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

// logged are connections that tshark 4.0 can decrypt.
var logged = []struct {
	kex, cipher, mac string
	ours             wire.Role // the side that writes the key log
}{
	{"curve25519-sha256", "aes128-gcm@openssh.com", "", wire.Server},
	{"curve25519-sha256", "aes256-gcm@openssh.com", "", wire.Client},
	{"curve25519-sha256@libssh.org", "chacha20-poly1305@openssh.com", "", wire.Server},
	{"curve25519-sha256", "chacha20-poly1305@openssh.com", "", wire.Client},
	{"curve25519-sha256", "aes128-ctr", "hmac-sha2-256", wire.Client},
	{"diffie-hellman-group14-sha256", "aes192-ctr", "hmac-sha2-256", wire.Server},
	{"diffie-hellman-group14-sha256", "aes256-ctr", "hmac-sha2-256", wire.Client},
}

// only returns a Config that offers one of each; an empty name is the default.
func only(t testing.TB, method, cipherName, macName string) transport.Config {
	t.Helper()
	var cfg transport.Config
	var err1, err2, err3 error
	if method != "" {
		cfg.Kex, err1 = kex.Lookup(method)
	}
	if cipherName != "" {
		cfg.Ciphers, err2 = cipher.Lookup(cipherName)
	}
	if macName != "" {
		cfg.MACs, err3 = mac.Lookup(macName)
	}
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// Texts that only a decrypted capture shows.
const (
	fromUs   = "what we say in confidence"
	fromPeer = "what the peer has to say"
)

// confide runs a connection with a key log through c, in which each side says a word, and returns its state.
func confide(t *testing.T, c *capture, cfg transport.Config, ours wire.Role, cipherName, macName string) transport.ConnectionState {
	t.Helper()
	a, b := transporttest.Pipe()
	p := transporttest.NewPeer(c.tap(b, ours == wire.Client), ours.Peer())
	p.Offer(cipherName, macName)
	p.Unmark() // tshark 4.0 knows nothing of the sequence numbers of strict key exchange
	var conn *transport.Conn
	if ours == wire.Server {
		cfg.HostKeys = []sshkey.Signer{hostKey(t)}
		conn = transport.Server(c.tap(a, true), &cfg)
	} else {
		cfg.VerifyHostKey = trustAny
		conn = transport.Client(c.tap(a, false), &cfg)
	}
	defer conn.Close()
	shaken := make(chan error, 1)
	go func() { shaken <- conn.Handshake(t.Context()) }()
	if err := errors.Join(p.Handshake(), <-shaken); err != nil {
		t.Fatal(err)
	}
	conn.SetAuthenticated()
	if err := errors.Join(conn.WritePacket(nil, wire.Ignore{Data: []byte(fromUs)}.Append(nil), nil),
		p.Send(wire.Ignore{Data: []byte(fromPeer)}.Append(nil)), p.Send(wire.ChannelClose{}.Append(nil))); err != nil {
		t.Fatal(err)
	}
	if _, err := p.ReadMsg(wire.MsgIgnore); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ReadPacket(); err != nil {
		t.Fatal(err)
	}
	return conn.ConnectionState()
}

// TestKeyLogTshark: with the key log alone, tshark decrypts what either side said, whichever of them wrote it. It takes the
// same fingerprints of both, too.
func TestKeyLogTshark(t *testing.T) {
	tshark := peertest.Lookup(t, "tshark")
	var log bytes.Buffer
	var captures []*capture
	var states []transport.ConnectionState
	for _, row := range logged {
		cfg := only(t, row.kex, row.cipher, row.mac)
		captures, states = append(captures, nil), append(states, transport.ConnectionState{})
		for short := true; short; {
			var lines bytes.Buffer
			cfg.KeyLogWriter = &lines
			c := new(capture)
			states[len(states)-1] = confide(t, c, cfg, row.ours, row.cipher, row.mac)
			captures[len(captures)-1] = c
			log.Write(lines.Bytes())
			// tshark 4.0 gets the K of X25519 wrong where its first byte is zero.
			_, k, _ := strings.Cut(lines.String(), " SHARED_SECRET ")
			short = strings.HasPrefix(row.kex, "curve25519") && len(k) != 2*32+len("\n")
		}
	}
	file, keys := filepath.Join(t.TempDir(), "capture.pcap"), filepath.Join(t.TempDir(), "keys")
	saveCaptures(t, file, captures)
	if err := os.WriteFile(keys, log.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, withKeys := range []bool{true, false} {
		args := []string{"-r", file, "-T", "fields", "-E", "separator=/s", "-E", "aggregator=,", "-e", "tcp.port", "-e", "ssh.payload",
			"-e", "ssh.kex.hassh", "-e", "ssh.kex.hasshserver"}
		if withKeys {
			args = append(args, "-o", "ssh.keylog_file:"+keys)
		}
		r := peertest.Cmd{Path: tshark, Args: args, Env: []string{"HOME=" + t.TempDir()}}.Run(t)
		if r.Code != 0 {
			t.Fatalf("tshark: status %d\n%s", r.Code, r.Stderr)
		}
		for i, row := range logged {
			for _, line := range []string{
				fmt.Sprintf("%d,22  %s ", firstPort+i, states[i].ClientHASSH), fmt.Sprintf("22,%d   %s", firstPort+i, states[i].ServerHASSH),
			} {
				if !slices.Contains(strings.Split(string(r.Stdout), "\n"), line) {
					t.Errorf("%+v: tshark has another HASSH than %q", row, line)
				}
			}
			for _, text := range []string{fromUs, fromPeer} {
				port, payload := strconv.Itoa(firstPort+i), hex.EncodeToString(wire.Ignore{Data: []byte(text)}.Append(nil)[1:])
				seen := regexp.MustCompile(`(?m)^(` + port + `,22|22,` + port + `) ` + payload + `  $`).Match(r.Stdout)
				if seen != withKeys {
					t.Errorf("%+v: tshark sees %q: %v, with keys %v", row, text, seen, withKeys)
				}
			}
		}
	}
}

// keyLine is a parsed line of a key log.
type keyLine struct{ cookie, kind, key string }

func keyLines(t *testing.T, log string) []keyLine {
	t.Helper()
	var lines []keyLine
	for line := range strings.Lines(log) {
		m := regexp.MustCompile("^([0-9a-f]{32}) (?:(SHARED_SECRET) )?((?:[0-9a-f]{2})+)\n$").FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("line %q", line)
		}
		lines = append(lines, keyLine{m[1], m[2], m[3]})
	}
	return lines
}

// TestKeyLogLines: for every method and for every exchange both sides log the same K under their own cookies, and their
// own private key where it is defined, of which K follows.
func TestKeyLogLines(t *testing.T) {
	for _, method := range slices.Concat(kex.Default(), kex.Optional()) {
		t.Run(method.Name, func(t *testing.T) {
			t.Parallel()
			var logs [2]bytes.Buffer
			client, server := only(t, method.Name, "", ""), only(t, method.Name, "", "")
			client.KeyLogWriter, server.KeyLogWriter = &logs[0], &logs[1]
			c, s := connect(t, client, server)
			var readers sync.WaitGroup
			for _, conn := range []*transport.Conn{c, s} {
				readers.Go(func() { conn.ReadPacket() })
			}
			if err := c.Rekey(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.Close()
			s.Close()
			readers.Wait()
			ours, theirs := keyLines(t, logs[0].String()), keyLines(t, logs[1].String())
			want := 2 // exchanges
			if method.KeyAsDrawn {
				want *= 2
			}
			if len(ours) != want || len(theirs) != want {
				t.Fatalf("%d and %d lines, want %d", len(ours), len(theirs), want)
			}
			cookies := map[string]bool{}
			for i := range ours {
				a, b := ours[i], theirs[i]
				cookies[a.cookie], cookies[b.cookie] = true, true
				switch {
				case a.kind != b.kind:
					t.Errorf("line %d: %q and %q", i, a.kind, b.kind)
				case a.kind == "SHARED_SECRET" && a.key != b.key:
					t.Errorf("line %d: the sides have different secrets", i)
				case a.kind == "" && strings.HasPrefix(method.Name, "curve25519"):
					if k := x25519(t, a.key, b.key); strings.TrimLeft(k, "0") != strings.TrimLeft(ours[i+1].key, "0") {
						t.Errorf("line %d: K is not that of the private keys", i)
					}
				}
			}
			if len(cookies) != 4 {
				t.Errorf("%d cookies, want one an exchange and side", len(cookies))
			}
		})
	}
}

// x25519 returns what two private keys agree on, all in hexadecimal.
func x25519(t *testing.T, a, b string) string {
	t.Helper()
	var keys [2]*ecdh.PrivateKey
	for i, text := range []string{a, b} {
		scalar, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if keys[i], err = ecdh.X25519().NewPrivateKey(scalar); err != nil {
			t.Fatal(err)
		}
	}
	k, err := keys[0].ECDH(keys[1].PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(k)
}

type fullDisk struct{}

var errFull = errors.New("no space left")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

// TestKeyLogFails: a key log that cannot be written ends the connection, and the caller learns why.
func TestKeyLogFails(t *testing.T) {
	a, b := transporttest.Pipe()
	s := transport.Server(b, &transport.Config{HostKeys: []sshkey.Signer{hostKey(t)}, KeyLogWriter: fullDisk{}})
	defer s.Close()
	p := transporttest.NewPeer(a, wire.Client)
	shaken := make(chan error, 1)
	go func() { shaken <- s.Handshake(t.Context()) }()
	if err := errors.Join(p.Versions(), p.SendKexInit(), p.ReadKexInit(), p.Agree()); err != nil {
		t.Fatal(err)
	}
	if err := <-shaken; !errors.Is(err, errFull) || !strings.Contains(err.Error(), "key log") {
		t.Errorf("Handshake: %v", err)
	}
	if reason := p.ReadDisconnect(); reason != wire.ReasonKeyExchangeFailed {
		t.Errorf("the peer is told %v", reason)
	}
	a.Close()
}
