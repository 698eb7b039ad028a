package transporttest

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// Peer is an SSH end that does what a test tells it, right or wrong, one step
// at a time: it has no rules of its own. Its methods are for one goroutine.
//
// A well-behaved Peer is Handshake, and then Send and Read; the steps inside
// Handshake are exported, so that a test can do something else in between.
type Peer struct {
	Conn    net.Conn
	Role    wire.Role
	Version string        // identification to send, without CR LF
	Init    wire.KexInit  // the KEXINIT to send
	HostKey sshkey.Signer // of a server

	Request kex.GroupRequest // what a client asks for in a group exchange; a server keeps here what it was asked
	Group   kex.Group        // what a server sends; a client keeps here what it got

	Deflate func(payload []byte) []byte // what Send makes of a payload, where set
	Inflate func(payload []byte) []byte // what Read makes of one, where set

	RemoteVersion string
	SessionID     []byte
	Strict        bool // as both KEXINITs of the first exchange agreed
	SendSeq       uint32
	RecvSeq       uint32

	in                 *bufio.Reader
	sealer             cipher.Sealer
	opener             cipher.Opener
	ours, theirs       []byte // KEXINIT payloads
	algs               kex.Algorithms
	method             kex.Method
	grouped            bool // method is over Group
	offer              kex.Offer
	secret, hash       []byte
	remotePublic, mine []byte
	remoteHostKey      []byte
}

// NewPeer returns a Peer over nc that offers every algorithm hawser has by
// default, strict key exchange and EXT_INFO.
func NewPeer(nc net.Conn, role wire.Role) *Peer {
	p := &Peer{Conn: nc, Role: role, Version: "SSH-2.0-test", in: bufio.NewReader(nc)}
	p.Request, p.Group = kex.DefaultGroupRequest(), kex.RFC3526()[0]
	p.sealer, p.opener = cipher.None()
	rand.Read(p.Init.Cookie[:])
	methods := rowNames(kex.Default(), func(m kex.Method) string { return m.Name })
	if role == wire.Client {
		methods = append(methods, kex.ExtInfoClient, kex.StrictClient)
	} else {
		methods = append(methods, kex.ExtInfoServer, kex.StrictServer)
		_, private, _ := ed25519.GenerateKey(nil)
		p.HostKey, _ = sshkey.NewSigner(private)
	}
	p.Init.Kex = wire.NewNameList(methods...)
	p.Init.HostKey = wire.NewNameList("ssh-ed25519")
	p.Init.CipherCS = wire.NewNameList(rowNames(cipher.Default(), func(c cipher.Cipher) string { return c.Name })...)
	p.Init.CipherSC = p.Init.CipherCS
	p.Init.MACCS = wire.NewNameList("hmac-sha2-256-etm@openssh.com", "hmac-sha2-256")
	p.Init.MACSC = p.Init.MACCS
	p.Init.CompressionCS, p.Init.CompressionSC = wire.NewNameList("none"), wire.NewNameList("none")
	return p
}

func rowNames[T any](rows []T, name func(T) string) []string {
	var names []string
	for _, r := range rows {
		names = append(names, name(r))
	}
	return names
}

// Offer makes the KEXINIT name one cipher and, unless it is empty, one MAC.
func (p *Peer) Offer(cipherName, macName string) {
	p.Init.CipherCS, p.Init.CipherSC = wire.NewNameList(cipherName), wire.NewNameList(cipherName)
	if macName != "" {
		p.Init.MACCS, p.Init.MACSC = wire.NewNameList(macName), wire.NewNameList(macName)
	}
}

// Unmark takes the signals for EXT_INFO and strict key exchange out of the
// KEXINIT.
func (p *Peer) Unmark() {
	var names []string
	for _, n := range p.Init.Kex.Strings() {
		if !strings.HasPrefix(n, "ext-info-") && !strings.HasPrefix(n, "kex-strict-") {
			names = append(names, n)
		}
	}
	p.Init.Kex = wire.NewNameList(names...)
}

// Handshake does the version exchange and the first key exchange.
func (p *Peer) Handshake() error {
	return firstError(p.Versions, p.Exchange)
}

// Exchange does a whole key exchange.
func (p *Peer) Exchange() error {
	return firstError(p.SendKexInit, p.ReadKexInit, p.Agree, p.SendNewKeys, p.ReadNewKeys)
}

func firstError(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// Versions sends our identification and reads the other's.
func (p *Peer) Versions() error {
	if err := p.SendRaw([]byte(p.Version + "\r\n")); err != nil {
		return err
	}
	return p.ReadVersion()
}

// ReadVersion reads the other's identification.
func (p *Peer) ReadVersion() error {
	line, err := p.in.ReadString('\n')
	p.RemoteVersion = strings.TrimRight(line, "\r\n")
	return err
}

// SendRaw writes bytes as they are.
func (p *Peer) SendRaw(b []byte) error {
	_, err := p.Conn.Write(b)
	return err
}

// Frame returns a well-formed packet around payload for the keys in force,
// not yet sealed, with room for the tag.
func (p *Peer) Frame(payload []byte) []byte {
	l := p.sealer.Layout()
	n := 1 + len(payload)
	if !l.LengthClear {
		n += 4
	}
	pad := l.Align - n%l.Align
	if pad < 4 {
		pad += l.Align
	}
	return p.FrameWith(uint32(1+len(payload)+pad), byte(pad), payload, pad)
}

// FrameWith returns a packet with any length fields around payload and
// padding bytes of padding, not yet sealed, with room for the tag.
func (p *Peer) FrameWith(packetLength uint32, paddingLength byte, payload []byte, padding int) []byte {
	b := binary.BigEndian.AppendUint32(nil, packetLength)
	b = append(append(b, paddingLength), payload...)
	return append(b, make([]byte, padding+p.sealer.Layout().Tag)...)
}

// Seal protects a frame in place under the keys in force and returns it.
func (p *Peer) Seal(frame []byte) []byte {
	p.sealer.Seal(p.SendSeq, frame)
	p.SendSeq++
	return frame
}

// Send sends a packet.
func (p *Peer) Send(payload []byte) error {
	if p.Deflate != nil {
		payload = p.Deflate(payload)
	}
	return p.SendRaw(p.Seal(p.Frame(payload)))
}

// Read returns the payload of the next packet, a copy.
func (p *Peer) Read() ([]byte, error) {
	l := p.opener.Layout()
	b := make([]byte, l.Head)
	if _, err := io.ReadFull(p.in, b); err != nil {
		return nil, err
	}
	n := p.opener.Length(p.RecvSeq, b)
	if n > 1<<20 {
		return nil, fmt.Errorf("packet length %d", n)
	}
	b = append(b, make([]byte, 4+int(n)+l.Tag-l.Head)...)
	if _, err := io.ReadFull(p.in, b[l.Head:]); err != nil {
		return nil, err
	}
	if err := p.opener.Open(p.RecvSeq, b); err != nil {
		return nil, err
	}
	p.RecvSeq++
	payload := b[5 : 4+n-uint32(b[4])]
	if p.Inflate != nil {
		payload = p.Inflate(payload)
	}
	return payload, nil
}

// ReadMsg returns the next packet that is neither EXT_INFO nor the announcement
// of a server's host keys, whose number must be m.
func (p *Peer) ReadMsg(m wire.Msg) ([]byte, error) {
	for {
		payload, err := p.Read()
		if err != nil {
			return nil, err
		}
		switch {
		case wire.Msg(payload[0]) == m:
			return payload, nil
		case wire.Msg(payload[0]) == wire.MsgExtInfo || announcesHostKeys(payload):
		default:
			return nil, fmt.Errorf("%v where %v was due: %w", wire.Msg(payload[0]), m, errUnexpected)
		}
	}
}

func announcesHostKeys(payload []byte) bool {
	var g wire.GlobalRequest
	return wire.Msg(payload[0]) == wire.MsgGlobalRequest && g.Parse(payload) == nil && g.Name == wire.RequestHostKeys && !g.WantReply
}

var errUnexpected = errors.New("unexpected message")

// ReadDisconnect reads until the connection ends and returns the reason of the
// DISCONNECT at the end, 0 if there was none.
func (p *Peer) ReadDisconnect() wire.Reason {
	var d wire.Disconnect
	for {
		payload, err := p.Read()
		if err != nil {
			return d.Reason
		}
		if wire.Msg(payload[0]) == wire.MsgDisconnect && d.Parse(payload) != nil {
			return 0
		}
	}
}

// SendKexInit sends Init as it is.
func (p *Peer) SendKexInit() error {
	p.ours = p.Init.Append(nil)
	return p.Send(p.ours)
}

// ReadKexInit reads the other's KEXINIT.
func (p *Peer) ReadKexInit() error {
	payload, err := p.ReadMsg(wire.MsgKexInit)
	p.theirs = bytes.Clone(payload)
	return err
}

// SetSentKexInit tells the Peer that the test has sent Init by hand.
func (p *Peer) SetSentKexInit() {
	p.ours = p.Init.Append(nil)
	p.SendSeq++
}

// LengthClear reports whether the cipher in force leaves the length field out
// of the alignment.
func (p *Peer) LengthClear() bool { return p.sealer.Layout().LengthClear }

// Compressed reports whether compression was agreed on, which a Peer itself
// does not do.
func (p *Peer) Compressed() bool { return p.algs.ClientToServer.Compression != "none" }
