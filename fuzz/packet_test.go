package fuzz

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/hawser-ssh/hawser/cipher"
	"github.com/hawser-ssh/hawser/mac"
)

// suite is a cipher with the MAC it needs.
type suite struct {
	cipher cipher.Cipher
	mac    *mac.MAC // nil with an AEAD
}

// suites are all combinations that are built.
func suites() []suite {
	var all []suite
	macs := append(mac.Default(), mac.Insecure()...)
	for _, c := range append(cipher.Default(), cipher.Insecure()...) {
		if c.AEAD {
			all = append(all, suite{c, nil})
			continue
		}
		for i := range macs {
			all = append(all, suite{c, &macs[i]})
		}
	}
	return all
}

// states makes both ends of one direction, with keys that are the same in every run.
func (s suite) states(t *testing.T) (cipher.Sealer, cipher.Opener) {
	t.Helper()
	var macKey []byte
	if s.mac != nil {
		macKey = bytes.Repeat([]byte{3}, s.mac.KeySize)
	}
	key, iv := bytes.Repeat([]byte{1}, s.cipher.KeySize), bytes.Repeat([]byte{2}, s.cipher.IVSize)
	sealer, err := s.cipher.NewSealer(s.mac, key, iv, macKey)
	if err != nil {
		t.Fatal(err)
	}
	opener, err := s.cipher.NewOpener(s.mac, key, iv, macKey)
	if err != nil {
		t.Fatal(err)
	}
	return sealer, opener
}

// maxLength is the largest packet_length that is opened here (RFC 4253 §6.1 asks for 35000).
const maxLength = 35000

// open reads a packet as a transport does: the length from the head, then the rest, for which zeros stand where input
// has no more. It reports false where the length alone is reason enough to refuse.
func open(o cipher.Opener, seq uint32, input []byte) (packet []byte, ok bool, err error) {
	l := o.Layout()
	head := make([]byte, l.Head)
	copy(head, input)
	n := int64(o.Length(seq, head))
	covered := n
	if !l.LengthClear {
		covered += 4
	}
	if n < 5 || n > maxLength || covered%int64(l.Align) != 0 || 4+n < int64(l.Head) {
		return nil, false, nil
	}
	packet = make([]byte, 4+int(n)+l.Tag)
	copy(packet, input)
	copy(packet, head)
	return packet, true, o.Open(seq, packet)
}

// FuzzPackets gives arbitrary bytes to every packet cipher: none of them is a packet.
func FuzzPackets(f *testing.F) {
	all := suites()
	for i := range all {
		f.Add(uint16(i), uint32(0), []byte{0, 0, 0, 12, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
		f.Add(uint16(i), uint32(7), append([]byte{0, 0, 0, 16}, make([]byte, 80)...))
		f.Add(uint16(i), uint32(1<<32-1), []byte{0xff, 0xff, 0xff, 0xff})
		f.Add(uint16(i), uint32(3), []byte{})
	}
	f.Fuzz(func(t *testing.T, i uint16, seq uint32, input []byte) {
		_, opener := all[int(i)%len(all)].states(t)
		if _, ok, err := open(opener, seq, input); ok && !errors.Is(err, cipher.ErrTag) {
			t.Fatalf("%x was taken for a packet: %v", input, err)
		}
	})
}

// FuzzSealedPackets seals a payload and opens it again, whole, and with bits flipped at one place, where it is refused.
func FuzzSealedPackets(f *testing.F) {
	all := suites()
	for i := range all {
		for _, at := range []uint16{0, 3, 4, 5, 20, 1 << 15} {
			f.Add(uint16(i), uint32(9), []byte("a payload that is longer than one block"), at, uint8(1))
		}
		f.Add(uint16(i), uint32(1<<32-1), []byte{}, uint16(0), uint8(0))
	}
	f.Fuzz(func(t *testing.T, i uint16, seq uint32, payload []byte, at uint16, flip uint8) {
		s := all[int(i)%len(all)]
		payload = payload[:min(len(payload), maxLength/2)]
		sealer, opener := s.states(t)
		plain := frame(sealer.Layout(), payload)
		sealed := bytes.Clone(plain)
		sealer.Seal(seq, sealed)
		faulty := bytes.Clone(sealed)
		faulty[int(at)%len(faulty)] ^= flip
		packet, ok, err := open(opener, seq, faulty)
		if flip != 0 {
			if ok && !errors.Is(err, cipher.ErrTag) {
				t.Fatalf("%s: byte %d was changed, and the packet opened: %v", s.cipher.Name, int(at)%len(faulty), err)
			}
			return
		}
		tag := sealer.Layout().Tag
		if !ok || err != nil || !bytes.Equal(packet[4:len(packet)-tag], plain[4:len(plain)-tag]) {
			t.Fatalf("%s: %x was opened as %x, %v", s.cipher.Name, plain, packet, err)
		}
		_, opener = s.states(t)
		if _, ok, err := open(opener, seq+1, sealed); ok && !errors.Is(err, cipher.ErrTag) && usesSequence(s) {
			t.Fatalf("%s: a packet opened under another sequence number: %v", s.cipher.Name, err)
		}
	})
}

// usesSequence reports whether the sequence number takes part: GCM counts by itself (RFC 5647 §7.1).
func usesSequence(s suite) bool {
	return s.mac != nil || s.cipher.Name == "chacha20-poly1305@openssh.com"
}

// frame makes the packet of RFC 4253 §6 with the least padding.
func frame(l cipher.Layout, payload []byte) []byte {
	covered := 1 + len(payload)
	if !l.LengthClear {
		covered += 4
	}
	padding := l.Align - covered%l.Align
	if padding < 4 {
		padding += l.Align
	}
	b := make([]byte, 5+len(payload)+padding+l.Tag)
	binary.BigEndian.PutUint32(b, uint32(1+len(payload)+padding))
	b[4] = byte(padding)
	copy(b[5:], payload)
	return b
}
