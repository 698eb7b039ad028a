package transport

import (
	"encoding/binary"
	"slices"

	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/wire"
)

// labState tells a Lab what the connection has come to, and sends what it has
// to say. The lock of the sending half is held.
func (c *Conn) labState(s LabState) {
	if c.lab == nil {
		return
	}
	payloads := c.lab.enter(s, c.out.seq)
	for _, p := range payloads {
		if c.labSeal(p) != nil { // the keys are used up, as the next packet of ours finds, too
			return
		}
	}
	if len(payloads) > 0 {
		c.startFlush()
	}
}

// labIdle tells a Lab the state in which no exchange runs. The lock of the sending half
// is held.
func (c *Conn) labIdle() {
	if c.out.open {
		c.labState(LabOpen)
	} else {
		c.labState(LabAuth)
	}
}

// labSeal is seal with a Lab in between. The lock is held.
func (c *Conn) labSeal(payload []byte) error {
	o := &c.out
	ours := o.running != nil && len(payload) > 0 && wire.Msg(payload[0]) == wire.MsgKexInit
	for _, m := range c.lab.show(c.lab.Message, Outgoing, o.seq, payload) {
		if ours && new(wire.KexInit).Parse(m) == nil { // what we have said counts; what nobody can read does not
			o.running.kexInit, ours = slices.Clone(m), false
		}
		if o.comp != nil && !o.delayed {
			m = slices.Clone(o.comp.compress(m, nil))
		}
		for _, frame := range c.lab.show(c.lab.Plain, Outgoing, o.seq, o.labFrame(m)) {
			if err := c.labSealFrame(frame); err != nil {
				return err
			}
		}
	}
	return nil
}

// labFrame returns the packet around a payload, without room for a tag.
func (o *sender) labFrame(payload []byte) []byte {
	n := 1 + len(payload)
	pad := o.padding(n)
	p := make([]byte, 4+n+pad)
	binary.BigEndian.PutUint32(p, uint32(n+pad))
	p[4] = byte(pad)
	copy(p[5:], payload)
	fillPadding(p[5+len(payload):])
	return p
}

// labSealFrame protects any bytes at all as one packet, filled up to what the
// cipher can work on.
func (c *Conn) labSealFrame(frame []byte) error {
	o := &c.out
	if o.packets >= o.layout.MaxPackets {
		return &wire.ProtocolError{Reason: wire.ReasonProtocolError, Op: "packet", Err: errSequence}
	}
	covered := len(frame)
	if o.layout.LengthClear {
		covered -= 4
	}
	fill := max(o.layout.Align-covered, (o.layout.Align-covered%o.layout.Align)%o.layout.Align)
	frame = append(slices.Clip(frame), make([]byte, fill+o.layout.Tag)...)
	o.sealer.Seal(o.seq, frame)
	for _, packet := range c.lab.show(c.lab.Sealed, Outgoing, o.seq, frame) {
		start := len(o.buf)
		o.buf = grow(o.buf, len(packet))
		copy(o.buf[start:], packet)
		o.bytes += uint64(len(packet))
	}
	o.seq++
	o.packets++
	return nil
}

// labAlgorithms refuses what only the Lab has offered.
func (x *exchange) labAlgorithms() error {
	if x.c.lab == nil {
		return nil
	}
	methods := names(x.c.cfg.kexMethods(), func(r kex.Method) string { return r.Name })
	built := slices.Contains(methods, x.algs.Kex)
	for _, role := range []wire.Role{wire.Client, wire.Server} {
		p, d := x.c.cfg.preferences(role), directionFrom(role, &x.algs)
		_, hasCipher := p.cipher(d.Cipher)
		_, hasMAC := p.mac(d.MAC)
		built = built && hasCipher && (hasMAC || d.MAC == "") // an AEAD has none
	}
	if !built {
		return wire.Errorf(wire.ReasonKeyExchangeFailed, "key exchange", "the lab has offered an algorithm that is not built")
	}
	return nil
}
