package kex

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hmac"
	cryptorand "crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/wire"
)

// The exchange against a second implementation, both ways: a plaintext packet layer of a few lines speaks with the other
// side until its first encrypted packet, which shows that H, the secret and all three keys of that direction agree.

const (
	ourVersion = "SSH-2.0-kextest"
	peerCipher = "aes128-ctr"
	peerMAC    = "hmac-sha2-256"
)

// peer is one connection to the other implementation, spoken with in plaintext.
type peer struct {
	t    *testing.T
	conn net.Conn
	in   HashInput // filled in as the exchange goes on
	peer string    // its version
}

// start exchanges versions and KEXINITs. The other side runs in a goroutine of its own until the pipe is closed.
func start(t *testing.T, other func(net.Conn)) *peer {
	t.Helper()
	ours, theirs := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		other(theirs)
		theirs.Close()
	}()
	t.Cleanup(func() {
		ours.Close()
		<-done
	})
	p := &peer{t: t, conn: ours}
	version := make(chan string)
	go func() { version <- p.readLine() }() // net.Pipe has no buffer, and the other side may write first
	if _, err := io.WriteString(ours, ourVersion+"\r\n"); err != nil {
		t.Fatal(err)
	}
	p.peer = <-version
	return p
}

func (p *peer) readLine() string {
	var line []byte
	for b := make([]byte, 1); ; line = append(line, b[0]) {
		if _, err := io.ReadFull(p.conn, b); err != nil {
			return ""
		}
		if b[0] == '\n' {
			return string(bytes.TrimSuffix(line, []byte{'\r'}))
		}
	}
}

// write sends a plaintext packet (RFC 4253 §6).
func (p *peer) write(payload []byte) {
	p.t.Helper()
	const block = 8
	padding := block - (5+len(payload))%block + block
	b := wire.AppendUint32(nil, uint32(1+len(payload)+padding))
	b = append(append(b, byte(padding)), payload...)
	if _, err := p.conn.Write(append(b, make([]byte, padding)...)); err != nil {
		p.t.Fatal(err)
	}
}

// read receives a plaintext packet.
func (p *peer) read() []byte {
	p.t.Helper()
	head := make([]byte, 5)
	if _, err := io.ReadFull(p.conn, head); err != nil {
		p.t.Fatal(err)
	}
	rest := make([]byte, binary.BigEndian.Uint32(head)-1)
	if _, err := io.ReadFull(p.conn, rest); err != nil {
		p.t.Fatal(err)
	}
	return rest[:len(rest)-int(head[4])]
}

// inits sends our KEXINIT, reads the other one and negotiates.
func (p *peer) inits(role wire.Role, method string) {
	p.t.Helper()
	ours := offerAll(method, ssh.KeyAlgoED25519, peerCipher, peerMAC, "none")
	if role == wire.Client {
		ours.Kex = names(method, ExtInfoClient)
	}
	payload := ours.Append(nil)
	received := make(chan []byte, 1)
	go func() { received <- p.read() }()
	p.write(payload)
	other := <-received
	theirs := new(wire.KexInit)
	if err := theirs.Parse(other); err != nil {
		p.t.Fatal(err)
	}
	p.in.ClientVersion, p.in.ServerVersion = []byte(ourVersion), []byte(p.peer)
	p.in.ClientInit, p.in.ServerInit = payload, other
	client, server := ours, theirs
	if role == wire.Server {
		p.in.ClientVersion, p.in.ServerVersion = p.in.ServerVersion, p.in.ClientVersion
		p.in.ClientInit, p.in.ServerInit = p.in.ServerInit, p.in.ClientInit
		client, server = theirs, ours
	}
	a, err := Negotiate(client, server, func(string) bool { return false })
	if want := (Direction{Cipher: peerCipher, MAC: peerMAC, Compression: "none"}); err != nil || a.Kex != method || a.ClientToServer != want {
		p.t.Fatalf("negotiated %+v, %v", a, err)
	}
}

// openFirst decrypts the first packet of the peer after its NEWKEYS with the keys of the letters given and checks its
// MAC. Sequence numbers count from the KEXINIT: KEXINIT, kex message, NEWKEYS came before.
func (p *peer) openFirst(m Method, h []byte, iv, key, mac byte) []byte {
	p.t.Helper()
	derive := func(letter byte, n int) []byte {
		b := make([]byte, n)
		m.Derive(b, p.in.Secret, h, letter, h)
		return b
	}
	blockCipher, err := aes.NewCipher(derive(key, 16))
	if err != nil {
		p.t.Fatal(err)
	}
	stream := cipher.NewCTR(blockCipher, derive(iv, aes.BlockSize))
	packet := make([]byte, aes.BlockSize)
	if _, err := io.ReadFull(p.conn, packet); err != nil {
		p.t.Fatal(err)
	}
	stream.XORKeyStream(packet, packet)
	length := binary.BigEndian.Uint32(packet)
	if length > 35000 {
		p.t.Fatalf("length %#x: the cipher's key or IV is not the peer's", length)
	}
	rest := make([]byte, 4+int(length)-len(packet)+sha256.Size)
	if _, err := io.ReadFull(p.conn, rest); err != nil {
		p.t.Fatal(err)
	}
	body, tag := rest[:len(rest)-sha256.Size], rest[len(rest)-sha256.Size:]
	stream.XORKeyStream(body, body)
	packet = append(packet, body...)
	check := hmac.New(sha256.New, derive(mac, sha256.Size))
	check.Write(wire.AppendUint32(nil, 3))
	check.Write(packet)
	if !hmac.Equal(tag, check.Sum(nil)) {
		p.t.Fatal("the MAC key is not the peer's")
	}
	return packet[5 : len(packet)-int(packet[4])]
}

// peerMethods are the methods that the other implementation has as well.
func peerMethods(t *testing.T) []Method {
	t.Helper()
	return methods(t, "mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256",
		"ecdh-sha2-nistp384", "ecdh-sha2-nistp521", "diffie-hellman-group14-sha256", "diffie-hellman-group16-sha512")
}

func peerConfig(method string) ssh.Config {
	return ssh.Config{KeyExchanges: []string{method}, Ciphers: []string{peerCipher}, MACs: []string{peerMAC}}
}

func newHostKey(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(cryptorand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func TestClientAgainstOtherServer(t *testing.T) {
	hostKey := newHostKey(t)
	for _, m := range peerMethods(t) {
		t.Run(m.Name, func(t *testing.T) {
			cfg := &ssh.ServerConfig{Config: peerConfig(m.Name), NoClientAuth: true}
			cfg.AddHostKey(hostKey)
			p := start(t, func(c net.Conn) { ssh.NewServerConn(c, cfg) })
			p.inits(wire.Client, m.Name)
			offer, err := m.Offer(nil)
			if err != nil {
				t.Fatal(err)
			}
			p.write(wire.KexECDHInit{Public: offer.Public}.Append(nil))
			var reply wire.KexECDHReply
			if err := reply.Parse(p.read()); err != nil {
				t.Fatal(err)
			}
			p.in.ClientPublic, p.in.ServerPublic, p.in.HostKey = offer.Public, reply.Public, reply.HostKey
			if p.in.Secret, err = offer.Finish(reply.Public); err != nil {
				t.Fatal(err)
			}
			h := m.ExchangeHash(p.in)
			verify(t, reply, h)
			// The server sends EXT_INFO right behind its NEWKEYS.
			if got := wire.Msg(p.read()[0]); got != wire.MsgNewKeys {
				t.Fatalf("message %d", got)
			}
			first := p.openFirst(m, h, LetterIVServerToClient, LetterKeyServerToClient, LetterMACServerToClient)
			if wire.Msg(first[0]) != wire.MsgExtInfo {
				t.Errorf("the first packet is message %d", first[0])
			}
		})
	}
}

func verify(t *testing.T, reply wire.KexECDHReply, h []byte) {
	t.Helper()
	key, err := ssh.ParsePublicKey(reply.HostKey)
	if err != nil {
		t.Fatal(err)
	}
	r := wire.NewFieldReader(reply.Signature, "signature")
	signature := &ssh.Signature{Format: r.String("format"), Blob: r.Bytes("blob")}
	if err := errors.Join(r.Done(), key.Verify(h, signature)); err != nil {
		t.Fatalf("the host key signed another hash: %v", err)
	}
}

func TestServerAgainstOtherClient(t *testing.T) {
	hostKey := newHostKey(t)
	for _, m := range peerMethods(t) {
		t.Run(m.Name, func(t *testing.T) {
			cfg := &ssh.ClientConfig{Config: peerConfig(m.Name), HostKeyCallback: ssh.FixedHostKey(hostKey.PublicKey())}
			p := start(t, func(c net.Conn) { ssh.NewClientConn(c, "", cfg) })
			p.inits(wire.Server, m.Name)
			var init wire.KexECDHInit
			if err := init.Parse(p.read()); err != nil {
				t.Fatal(err)
			}
			public, secret, err := m.Answer(nil, init.Public)
			if err != nil {
				t.Fatal(err)
			}
			p.in.ClientPublic, p.in.ServerPublic, p.in.Secret = init.Public, public, secret
			p.in.HostKey = hostKey.PublicKey().Marshal()
			h := m.ExchangeHash(p.in)
			signature, err := hostKey.Sign(cryptorand.Reader, h)
			if err != nil {
				t.Fatal(err)
			}
			blob := wire.AppendBytes(wire.AppendString(nil, signature.Format), signature.Blob)
			p.write(wire.KexECDHReply{HostKey: p.in.HostKey, Public: public, Signature: blob}.Append(nil))
			// The client only sends NEWKEYS when the signature fits H; its service request follows ours.
			sent := make(chan struct{})
			go func() { defer close(sent); p.write(wire.NewKeys{}.Append(nil)) }()
			if got := wire.Msg(p.read()[0]); got != wire.MsgNewKeys {
				t.Fatalf("message %d", got)
			}
			<-sent
			first := p.openFirst(m, h, LetterIVClientToServer, LetterKeyClientToServer, LetterMACClientToServer)
			var request wire.ServiceRequest
			if err := request.Parse(first); err != nil || request.Name != "ssh-userauth" {
				t.Errorf("the first packet is %x, %v", first, err)
			}
		})
	}
}
