package transport_test

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/cryptotest"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/mac"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

// The transcripts in testdata/transcripts are first key exchanges, one of each
// method, with fixed random numbers: the versions, the payloads up to NEWKEYS
// in the order in which they depend on each other ("C" the client's, "S" the
// server's), and the session identifier. Each is played to a client and to a
// server, which must answer byte for byte. Padding is random and is left out.
var update = flag.Bool("update", false, "record the transcripts of key exchanges anew")

// entry is a line of a transcript: a version or a payload.
type entry struct {
	from wire.Role
	text []byte
}

// transcriptConfig returns what both ends are configured with. Nothing of it
// depends on the processor or on defaults.
func transcriptConfig(t *testing.T, role wire.Role, m kex.Method) *transport.Config {
	t.Helper()
	ciphers, err := cipher.Lookup("aes128-ctr")
	must(t, err)
	macs, err := mac.Lookup("hmac-sha2-256")
	must(t, err)
	signer, err := sshkey.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize)))
	must(t, err)
	cryptotest.SetGlobalRandom(t, 1) // for what takes no reader: encapsulation of ML-KEM
	return &transport.Config{
		Rand: rand.NewChaCha8([32]byte{byte(role)}), Version: "SSH-2.0-transcript_" + role.String(),
		Kex: []kex.Method{m}, Ciphers: ciphers, MACs: macs, HostKeyAlgorithms: []string{"ssh-ed25519"},
		HostKeys: []sshkey.Signer{signer}, VerifyHostKey: trustAny,
	}
}

func transcriptFile(m kex.Method) string {
	return filepath.Join("..", "testdata", "transcripts", strings.ReplaceAll(m.Name, "@", "_at_")+".txt")
}

func TestTranscripts(t *testing.T) {
	for _, m := range slices.Concat(kex.Default(), kex.Optional(), kex.Insecure()) {
		t.Run(m.Name, func(t *testing.T) {
			m = withKey(t, m)
			if *update {
				record(t, m)
			}
			entries, session := readTranscript(t, m)
			inBothRoles(t, func(t *testing.T, role wire.Role) {
				play(t, role, m, entries, session)
			})
		})
	}
}

// withKey gives rsa2048-sha256 the transient key of its transcript: another
// version of crypto/rsa may make other keys of the same random numbers.
func withKey(t *testing.T, m kex.Method) kex.Method {
	t.Helper()
	if m.Name != kex.RSA2048 {
		return m
	}
	text, err := os.ReadFile(filepath.Join("..", "testdata", "transcripts", "rsa2048-sha256.key.pem"))
	must(t, err)
	key, _, err := sshkey.ParsePrivateKey(text, nil)
	must(t, err)
	m, err = kex.RSAMethod(key.(*rsa.PrivateKey))
	must(t, err)
	return m
}

// play runs an end in role against the other end's part of the transcript.
func play(t *testing.T, role wire.Role, m kex.Method, entries []entry, session []byte) {
	t.Helper()
	ours, theirs := transporttest.Pipe()
	cfg := transcriptConfig(t, role, m)
	c := transport.Client(ours, cfg)
	if role == wire.Server {
		c = transport.Server(ours, cfg)
	}
	defer func() { // the other end first: nothing is waited for
		theirs.Close()
		c.Close()
	}()
	result := make(chan error, 1)
	go func() { result <- c.Handshake(t.Context()) }()
	in := bufio.NewReader(theirs)
	for i, e := range entries {
		if e.from != role {
			_, err := theirs.Write(frame(e.text, i < 2))
			must(t, err)
			continue
		}
		got, err := unframe(in, i < 2)
		must(t, err)
		if !bytes.Equal(got, e.text) {
			t.Fatalf("entry %d is\n%x, want\n%x", i, got, e.text)
		}
	}
	must(t, <-result)
	if !bytes.Equal(c.SessionID(), session) {
		t.Errorf("session identifier %x, want %x", c.SessionID(), session)
	}
}

// frame returns a version line, or an unprotected packet.
func frame(text []byte, line bool) []byte {
	if line {
		return append(bytes.Clone(text), '\r', '\n')
	}
	padding := 8 - (5+len(text))%8 + 8
	b := binary.BigEndian.AppendUint32(nil, uint32(1+len(text)+padding))
	return append(append(append(b, byte(padding)), text...), make([]byte, padding)...)
}

// unframe reads what frame makes, with any padding.
func unframe(r *bufio.Reader, line bool) ([]byte, error) {
	if line {
		text, err := r.ReadBytes('\n')
		return bytes.TrimRight(text, "\r\n"), err
	}
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(head[:])-1)
	_, err := io.ReadFull(r, body)
	return body[:max(0, len(body)-int(head[4]))], err
}

// tap keeps what is written through it.
type tap struct {
	net.Conn
	mu  sync.Mutex
	all bytes.Buffer
}

func (c *tap) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.all.Write(p)
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// entries returns the versions and payloads up to NEWKEYS.
func (c *tap) entries(t *testing.T, from wire.Role) (list []entry) {
	t.Helper()
	r := bufio.NewReader(&c.all)
	for {
		text, err := unframe(r, len(list) == 0)
		must(t, err)
		list = append(list, entry{from, text})
		if wire.Msg(text[0]) == wire.MsgNewKeys {
			return list
		}
	}
}

// record writes the transcript of an exchange between two ends of ours.
func record(t *testing.T, m kex.Method) {
	t.Helper()
	a, b := transporttest.Pipe()
	client, server := &tap{Conn: a}, &tap{Conn: b}
	c := transport.Client(client, transcriptConfig(t, wire.Client, m))
	s := transport.Server(server, transcriptConfig(t, wire.Server, m))
	result := make(chan error, 1)
	go func() { result <- s.Handshake(t.Context()) }()
	must(t, c.Handshake(t.Context()))
	must(t, <-result)
	session := c.SessionID()
	c.Close()
	s.Close()
	var file strings.Builder
	fmt.Fprintf(&file, "# %s, recorded with go test ./transport -run TestTranscripts -update. C client, S server.\n\n", m.Name)
	fromClient, fromServer := client.entries(t, wire.Client), server.entries(t, wire.Server)
	first, second := fromClient, fromServer
	if m.ServerOffers {
		first, second = fromServer, fromClient
	}
	for len(first)+len(second) > 0 {
		for _, list := range []*[]entry{&first, &second} {
			if len(*list) > 0 {
				e := (*list)[0]
				fmt.Fprintf(&file, "%c = %x\n", "?CS"[e.from], e.text)
				*list = (*list)[1:]
			}
		}
	}
	fmt.Fprintf(&file, "session = %x\n", session)
	must(t, os.MkdirAll(filepath.Dir(transcriptFile(m)), 0o755))
	must(t, os.WriteFile(transcriptFile(m), []byte(file.String()), 0o644))
}

func readTranscript(t *testing.T, m kex.Method) (entries []entry, session []byte) {
	t.Helper()
	text, err := os.ReadFile(transcriptFile(m))
	must(t, err)
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if !ok {
			continue
		}
		b, err := hex.DecodeString(value)
		must(t, err)
		switch name {
		case "C":
			entries = append(entries, entry{wire.Client, b})
		case "S":
			entries = append(entries, entry{wire.Server, b})
		case "session":
			session = b
		}
	}
	if len(entries) < 8 || len(session) == 0 {
		t.Fatalf("%d entries, session %x", len(entries), session)
	}
	return entries, session
}
