package transport

import (
	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/mac"
	"github.com/hawser-ssh/hawser/wire"
)

// letters names the keys of one direction (RFC 4253 §7.2).
type letters struct{ iv, key, mac byte }

// lettersFrom returns the letters of the direction in which role sends.
func lettersFrom(role wire.Role) letters {
	if role == wire.Client {
		return letters{kex.LetterIVClientToServer, kex.LetterKeyClientToServer, kex.LetterMACClientToServer}
	}
	return letters{kex.LetterIVServerToClient, kex.LetterKeyServerToClient, kex.LetterMACServerToClient}
}

// directionFrom returns the algorithms of the direction in which role sends.
func directionFrom(role wire.Role, a *kex.Algorithms) kex.Direction {
	if role == wire.Client {
		return a.ClientToServer
	}
	return a.ServerToClient
}

// keys are the derived secrets of one direction.
type keys struct {
	cipher       cipher.Cipher
	mac          *mac.MAC // nil with an AEAD
	iv, key, tag []byte
}

// derive makes the keys of the direction in which role sends.
func (x *exchange) derive(role wire.Role) keys {
	d, l := directionFrom(role, &x.algs), lettersFrom(role)
	p := &x.toServer
	if role == wire.Server {
		p = &x.toClient
	}
	var k keys
	k.cipher, _ = p.cipher(d.Cipher) // it is there: what was negotiated is out of this list
	if d.MAC != "" {
		row, _ := p.mac(d.MAC)
		k.mac = &row
		k.tag = x.deriveOne(k.mac.KeySize, l.mac)
	}
	k.iv, k.key = x.deriveOne(k.cipher.IVSize, l.iv), x.deriveOne(k.cipher.KeySize, l.key)
	return k
}

func (x *exchange) deriveOne(size int, letter byte) []byte {
	k := make([]byte, size)
	x.method.Derive(k, x.secret, x.hash, letter, x.c.peer.sessionID)
	return k
}

// clear wipes the secrets; the packet ciphers have copies of their own.
func (k *keys) clear() {
	clear(k.iv)
	clear(k.key)
	clear(k.tag)
}

// switchSending sends NEWKEYS and puts our new keys in force (RFC 4253 §7.3).
// Behind it go our EXT_INFO, where it is due, and what was kept back.
func (x *exchange) switchSending() error {
	c, o := x.c, &x.c.out
	k := x.derive(c.role)
	defer k.clear()
	sealer, err := k.cipher.NewSealer(k.mac, k.key, k.iv, k.tag)
	if err != nil {
		return &wire.ProtocolError{Reason: wire.ReasonKeyExchangeFailed, Op: "new keys", Err: err}
	}
	row, err := compressionOf(directionFrom(c.role, &x.algs))
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	if err := c.seal(wire.NewKeys{}.Append(nil), nil); err != nil {
		return err
	}
	o.setSealer(sealer)
	if c.peer.strict {
		o.seq = 0
	}
	o.setCompressor(row, c.cfg.CompressionLevel)
	if info := c.extInfo(); x.first && info != nil {
		if err := c.seal(info, nil); err != nil {
			return err
		}
	}
	return c.openGate()
}

// openGate lets the layers above write again, what was kept back first. The
// lock is held.
func (c *Conn) openGate() error {
	o := &c.out
	o.gated = false
	r := wire.NewFieldReader(o.running.queue.buf, "control queue")
	for r.Len() > 0 {
		payload := r.Bytes("payload")
		if err := c.seal(payload, nil); err != nil {
			return err
		}
		o.control.add(len(payload))
	}
	o.running.queue = controlQueue{}
	c.in.owes = true
	if len(o.notify) > 0 {
		c.startFlush() // which calls them
	}
	o.wake()
	return nil
}

// setCompressor replaces the compressor, whose state ends with the old keys
// (RFC 4253 §6.2). The lock is held.
func (o *sender) setCompressor(row compression, level int) {
	if o.comp != nil {
		o.comp.close()
		o.comp = nil
	}
	if row.newCompressor != nil {
		o.comp, o.delayed = row.newCompressor(level), row.delayed && !o.open
	}
}

// switchReceiving waits for the peer's NEWKEYS and puts its new keys in force.
func (x *exchange) switchReceiving() error {
	p, err := x.expect(wire.MsgNewKeys)
	if err != nil {
		return err
	}
	var msg wire.NewKeys
	if err := msg.Parse(p); err != nil {
		return err
	}
	c, peer := x.c, x.c.role.Peer()
	k := x.derive(peer)
	defer k.clear()
	opener, err := k.cipher.NewOpener(k.mac, k.key, k.iv, k.tag)
	if err != nil {
		return &wire.ProtocolError{Reason: wire.ReasonKeyExchangeFailed, Op: "new keys", Err: err}
	}
	row, err := compressionOf(directionFrom(peer, &x.algs))
	if err != nil {
		return err
	}
	if err := c.labFollow(&k); err != nil {
		return err
	}
	in := &c.in
	in.setOpener(opener)
	if c.peer.strict {
		in.seq = 0
	}
	in.setDecompressor(row, c.cfg.MaxPacket)
	if x.first {
		in.phase, in.extInfo.first = phaseAuth, true
	}
	return nil
}

// setDecompressor replaces the decompressor, as setCompressor does.
func (in *receiver) setDecompressor(row compression, limit int) {
	if in.decomp != nil {
		in.decomp.close()
		in.decomp = nil
	}
	if row.newDecompressor != nil {
		in.decomp, in.late = row.newDecompressor(limit), row.delayed
		in.delayed = in.late && in.phase != phaseOpen
	}
}

// compressionOf returns the row of what was negotiated.
func compressionOf(d kex.Direction) (compression, error) {
	row, ok := findCompression(d.Compression)
	if !ok {
		return row, wire.Errorf(wire.ReasonKeyExchangeFailed, "new keys", "compression %q is not built", d.Compression)
	}
	return row, nil
}
