package cipher

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/mac"
)

// suite is a cipher with the MAC it needs.
type suite struct {
	name   string
	cipher Cipher
	mac    *mac.MAC
}

// suites returns every default cipher, and aes128-cbc, with every MAC they can be combined with, and the other ciphers
// with one MAC of each kind: covering the text, the ciphertext, and with a short tag.
func suites() []suite {
	var all []suite
	macs := append(mac.Default(), mac.Insecure()...)
	add := func(c Cipher, fit func(m mac.MAC) bool) {
		if c.AEAD {
			all = append(all, suite{c.Name, c, nil})
			return
		}
		for _, m := range macs {
			if fit(m) {
				all = append(all, suite{c.Name + "+" + m.Name, c, &m})
			}
		}
	}
	for _, c := range Default() {
		add(c, func(mac.MAC) bool { return true })
	}
	for _, c := range Insecure() {
		add(c, func(m mac.MAC) bool {
			return c.Name == "aes128-cbc" || m.Name == "hmac-sha2-256" || m.Name == "hmac-sha2-256-etm@openssh.com" || m.Name == "umac-64@openssh.com"
		})
	}
	return all
}

// isInsecure reports whether s has a part that is no default: such code is slow, and tests take samples.
func isInsecure(s suite) bool {
	return slices.ContainsFunc(Insecure(), func(c Cipher) bool { return c.Name == s.cipher.Name }) ||
		s.mac != nil && slices.ContainsFunc(mac.Insecure(), func(m mac.MAC) bool { return m.Name == s.mac.Name })
}

// forEach runs f for every suite, as a subtest.
func forEach(t *testing.T, f func(t *testing.T, s suite)) {
	for _, s := range suites() {
		t.Run(s.name, func(t *testing.T) { f(t, s) })
	}
}

// frame builds the packet of a payload of n patterned bytes, with the tag's spare bytes filled with rubbish.
func frame(l Layout, n int) []byte {
	clearBytes := 0
	if l.LengthClear {
		clearBytes = clearLength
	}
	padding := l.Align - (clearLength+1+n-clearBytes)%l.Align
	if padding < 4 {
		padding += l.Align
	}
	p := binary.BigEndian.AppendUint32(nil, uint32(1+n+padding))
	p = append(p, byte(padding))
	p = append(p, pattern(n, 5)...)
	p = append(p, pattern(padding, 6)...)
	return append(p, pattern(l.Tag, 7)...)
}

// open runs Length and Open over a packet as the framing code does, and checks the length.
func open(t *testing.T, o Opener, seq uint32, packet []byte) error {
	t.Helper()
	if n := o.Length(seq, packet[:o.Layout().Head]); int(n) != len(packet)-clearLength-o.Layout().Tag {
		t.Fatalf("length %d of a packet of %d bytes", n, len(packet))
	}
	return o.Open(seq, packet)
}

// TestRoundTrip runs packets of many lengths through one pair of states, so that streams and counters go on, and across
// the wrap of the sequence number.
func TestRoundTrip(t *testing.T) {
	forEach(t, func(t *testing.T, su suite) {
		s, o := pairOf(t, su.cipher, su.mac)
		l, legacy := s.Layout(), isInsecure(su)
		seq := uint32(math.MaxUint32 - 20)
		for _, n := range lengths() {
			if legacy && n > 40000 || testing.Short() && n > 5000 {
				continue // slow
			}
			plain := frame(l, n)
			packet := bytes.Clone(plain)
			s.Seal(seq, packet)
			if bytes.Contains(packet, plain[clearLength:len(plain)-l.Tag]) {
				t.Fatalf("payload of %d: not encrypted", n)
			}
			inClear := l.LengthClear && su.cipher.Name != "chacha20-poly1305@openssh.com"
			if bytes.Equal(packet[:clearLength], plain[:clearLength]) != inClear {
				t.Fatalf("payload of %d: length field in the clear: %v", n, !inClear)
			}
			if err := open(t, o, seq, packet); err != nil {
				t.Fatalf("payload of %d: %v", n, err)
			}
			end := len(plain) - l.Tag
			if !bytes.Equal(packet[clearLength:end], plain[clearLength:end]) {
				t.Fatalf("payload of %d: another text came out", n)
			}
			seq++
		}
	})
}

// lengths returns payload lengths: all the small ones, and those around powers of two.
func lengths() []int {
	var list []int
	for n := range 150 {
		list = append(list, n)
	}
	for _, n := range []int{255, 512, 1024, 4096, 32 << 10, 35000, 256 << 10} {
		list = append(list, n-1, n, n+1)
	}
	return list
}

// TestPKT09 flips each bit of a packet: always ErrTag, or for the length field of encrypt-and-MAC at least a length that
// the framing code reads differently.
func TestPKT09(t *testing.T) {
	forEach(t, func(t *testing.T, su suite) {
		s, _ := pairOf(t, su.cipher, su.mac)
		sealed := frame(s.Layout(), 50)
		s.Seal(3, sealed)
		step := 1
		if isInsecure(su) {
			step = 7
		}
		for bit := 0; bit < len(sealed)*8; bit += step {
			_, o := pairOf(t, su.cipher, su.mac)
			packet := bytes.Clone(sealed)
			packet[bit/8] ^= 1 << (bit % 8)
			o.Length(3, packet[:o.Layout().Head])
			if err := o.Open(3, packet); !errors.Is(err, ErrTag) {
				t.Fatalf("bit %d: %v", bit, err)
			}
		}
	})
}

// TestPKT11: with a bad tag nothing is decrypted. For EtM the cipher counts its calls; the AEADs must leave no plaintext.
func TestPKT11(t *testing.T) {
	forEach(t, func(t *testing.T, su suite) {
		if su.mac != nil && !su.mac.EtM {
			t.Skip("encrypt-and-MAC has to decrypt first")
		}
		calls := 0
		if !su.cipher.AEAD {
			su.cipher.Decrypt = func(key, iv []byte) (Transform, error) {
				return func(dst, src []byte) { calls++ }, nil
			}
		}
		s, o := pairOf(t, su.cipher, su.mac)
		plain := frame(s.Layout(), 500)
		packet := bytes.Clone(plain)
		s.Seal(9, packet)
		packet[len(packet)-1] ^= 0x80
		ciphertext := bytes.Clone(packet)
		if err := open(t, o, 9, packet); !errors.Is(err, ErrTag) || calls != 0 {
			t.Fatalf("%v, %d calls of the cipher", err, calls)
		}
		body, was := packet[clearLength:len(packet)-16], ciphertext[clearLength:len(packet)-16]
		if !bytes.Equal(body, was) && !bytes.Equal(body, make([]byte, len(body))) {
			t.Fatal("the packet was decrypted")
		}
	})
}

// TestPKT12: with a truncated tag, neither the right beginning followed by other bytes will do, nor the whole tag.
func TestPKT12(t *testing.T) {
	forEach(t, func(t *testing.T, su suite) {
		if su.mac == nil || !strings.Contains(su.mac.Name, "-96") {
			t.Skip("no truncated tag")
		}
		whole, err := mac.Lookup(strings.Replace(strings.TrimSuffix(su.mac.Name, "@openssh.com"), "-96", "", 1))
		if err != nil {
			whole, err = mac.Lookup(strings.Replace(su.mac.Name, "-96", "", 1))
		}
		if err != nil {
			t.Fatal(err)
		}
		long, _ := pairOf(t, su.cipher, &whole[0])
		sealed := frame(long.Layout(), 50)
		long.Seal(4, sealed)
		short := sealed[:len(sealed)-long.Layout().Tag+su.mac.TagSize]
		if _, o := pairOf(t, su.cipher, su.mac); open(t, o, 4, bytes.Clone(short)) != nil {
			t.Fatal("a tag that is the beginning of the whole one was refused")
		}
		_, o := pairOf(t, su.cipher, su.mac)
		packet := bytes.Clone(sealed)
		o.Length(4, packet[:o.Layout().Head])
		if err := o.Open(4, packet); !errors.Is(err, ErrTag) {
			t.Errorf("the whole tag: %v", err)
		}
		for at := range su.mac.TagSize {
			_, o := pairOf(t, su.cipher, su.mac)
			packet := bytes.Clone(short)
			for i := len(packet) - su.mac.TagSize + at; i < len(packet); i++ {
				packet[i] ^= 0xa5
			}
			if err := open(t, o, 4, packet); !errors.Is(err, ErrTag) {
				t.Errorf("%d bytes of the tag, and others: %v", at, err)
			}
		}
	})
}

// TestPKT13: a packet that is replayed, swapped, dropped, or from the other direction is refused.
func TestPKT13(t *testing.T) {
	forEach(t, func(t *testing.T, su suite) {
		s, _ := pairOf(t, su.cipher, su.mac)
		var sealed [3][]byte
		for i := range sealed {
			sealed[i] = frame(s.Layout(), 100)
			s.Seal(uint32(i), sealed[i])
		}
		for _, order := range [][]int{{1}, {2}, {0, 0}, {0, 2}, {0, 1, 1}, {0, 1, 0}} {
			_, o := pairOf(t, su.cipher, su.mac)
			for seq, i := range order {
				packet := bytes.Clone(sealed[i])
				o.Length(uint32(seq), packet[:o.Layout().Head])
				err := o.Open(uint32(seq), packet)
				if last := seq == len(order)-1; last != errors.Is(err, ErrTag) {
					t.Fatalf("order %v at %d: %v", order, seq, err)
				}
			}
		}
		other := su.cipher
		key := pattern(other.KeySize, 9)
		var macKey []byte
		if su.mac != nil {
			macKey = pattern(su.mac.KeySize, 9)
		}
		o, err := other.NewOpener(su.mac, key, make([]byte, other.IVSize), macKey)
		if err != nil {
			t.Fatal(err)
		}
		o.Length(0, sealed[0][:o.Layout().Head])
		if err := o.Open(0, sealed[0]); !errors.Is(err, ErrTag) {
			t.Fatalf("with other keys: %v", err)
		}
	})
}

// TestPKT16: packets too short for a head and a tag are refused without a slice of negative size.
func TestPKT16(t *testing.T) {
	forEach(t, func(t *testing.T, su suite) {
		for n := range 100 {
			_, o := pairOf(t, su.cipher, su.mac)
			packet := make([]byte, max(n, o.Layout().Head))
			o.Length(0, packet[:o.Layout().Head])
			if err := o.Open(0, packet[:n]); !errors.Is(err, ErrTag) {
				t.Fatalf("%d bytes: %v", n, err)
			}
		}
	})
}

// TestPKT15 forces GCM's invocation counter to its end and across the carry of its low word. Layout says how many packets
// are left; the fixed field of the nonce never changes.
func TestPKT15(t *testing.T) {
	c, _ := Lookup("aes256-gcm@openssh.com")
	for _, test := range []struct{ counter, left uint64 }{
		{0, math.MaxUint64}, {1, math.MaxUint64}, {math.MaxUint32, math.MaxUint64 - math.MaxUint32 + 1},
		{math.MaxUint64 - 1, 2}, {math.MaxUint64, 1},
	} {
		iv := binary.BigEndian.AppendUint64([]byte{1, 2, 3, 4}, test.counter)
		s, err := newGCM(c[0], pattern(32, 1), iv)
		if err != nil {
			t.Fatal(err)
		}
		o, _ := newGCM(c[0], pattern(32, 1), iv)
		if s.Layout().MaxPackets != test.left {
			t.Errorf("counter %x: %d packets left, want %d", test.counter, s.Layout().MaxPackets, test.left)
		}
		for range 2 {
			packet := frame(s.Layout(), 20)
			s.Seal(0, packet)
			if err := open(t, o, 0, packet); err != nil {
				t.Errorf("counter %x: %v", test.counter, err)
			}
		}
		want := binary.BigEndian.AppendUint64([]byte{1, 2, 3, 4}, test.counter+2)
		if !bytes.Equal(s.nonce[:], want) || !bytes.Equal(o.nonce[:], want) {
			t.Errorf("counter %x: nonces %x and %x, want %x", test.counter, s.nonce, o.nonce, want)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	forEach(t, func(t *testing.T, su suite) {
		s, o := pairOf(t, su.cipher, su.mac)
		plain := frame(s.Layout(), 1000)
		packet := make([]byte, len(plain))
		seq := uint32(0)
		n := testing.AllocsPerRun(100, func() {
			copy(packet, plain)
			s.Seal(seq, packet)
			if o.Length(seq, packet[:o.Layout().Head]); o.Open(seq, packet) != nil {
				t.Fatal("refused")
			}
			seq++
		})
		if n != 0 {
			t.Errorf("%v allocations a packet", n)
		}
	})
}
