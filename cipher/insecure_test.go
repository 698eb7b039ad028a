package cipher

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/hawser-ssh/hawser/mac"
)

// row returns the row of a name.
func row(t testing.TB, name string) Cipher {
	t.Helper()
	list, err := Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return list[0]
}

// macRow returns the MAC of a name.
func macRow(t testing.TB, name string) *mac.MAC {
	t.Helper()
	list, err := mac.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return &list[0]
}

// TestAliases: rows that differ in nothing but the name seal the same bytes.
func TestAliases(t *testing.T) {
	m := macRow(t, "hmac-sha1")
	for _, names := range [][2]string{
		{"rijndael-cbc@lysator.liu.se", "aes256-cbc"}, {"twofish-cbc", "twofish256-cbc"},
		{"AEAD_AES_128_GCM", "aes128-gcm@openssh.com"}, {"AEAD_AES_256_GCM", "aes256-gcm@openssh.com"},
	} {
		if row(t, names[0]).AEAD {
			m = nil
		}
		a, _ := pair(t, names[0], m)
		b, _ := pair(t, names[1], m)
		if a.Layout() != b.Layout() {
			t.Errorf("%s: %+v, %s: %+v", names[0], a.Layout(), names[1], b.Layout())
		}
		p := frame(a.Layout(), 100)
		q := bytes.Clone(p)
		a.Seal(1, p)
		b.Seal(1, q)
		if !bytes.Equal(p, q) {
			t.Errorf("%s and %s seal differently", names[0], names[1])
		}
	}
}

// TestNoneByName: the rows "none" protect nothing, each without harm to the other half.
func TestNoneByName(t *testing.T) {
	for _, test := range []struct{ cipher, mac string }{
		{"none", "hmac-sha2-256"}, {"none", "hmac-sha2-256-etm@openssh.com"}, {"none", "none"},
		{"aes128-ctr", "none"}, {"aes128-cbc", "none"}, {"arcfour", "none"},
	} {
		t.Run(test.cipher+"+"+test.mac, func(t *testing.T) {
			m := macRow(t, test.mac)
			s, o := pair(t, test.cipher, m)
			for seq := range uint32(3) {
				plain := frame(s.Layout(), 40)
				packet := bytes.Clone(plain)
				s.Seal(seq, packet)
				end := len(packet) - m.TagSize
				if hidden := !bytes.Equal(packet[:end], plain[:end]); hidden != (test.cipher != "none") {
					t.Errorf("text is hidden: %v", hidden)
				}
				flipped := bytes.Clone(packet)
				if err := open(t, o, seq, packet); err != nil || !bytes.Equal(packet[clearLength:end], plain[clearLength:end]) {
					t.Fatalf("opened %x, %v", packet, err)
				}
				if test.mac == "none" {
					continue
				}
				flipped[20] ^= 1
				_, other := pair(t, test.cipher, m)
				if err := open(t, other, seq, flipped); !errors.Is(err, ErrTag) {
					t.Errorf("a changed packet: %v", err)
				}
			}
		})
	}
	for _, c := range append(Default(), Insecure()...) {
		if c.Name == "none" {
			t.Error("none is in a list")
		}
	}
}

// TestBrokenBlocks: a packet that is not made of whole blocks is refused, even where its tag is right.
func TestBrokenBlocks(t *testing.T) {
	for _, su := range suites() {
		if su.mac == nil || !su.mac.EtM || !su.cipher.CBC {
			continue
		}
		auth := su.mac.New(pattern(su.mac.KeySize, 3))
		for n := 5; n < 40; n++ {
			body := pattern(clearLength+n, 9)
			packet := auth.Tag(body, 0, body)
			_, o := pairOf(t, su.cipher, su.mac)
			o.Length(0, packet[:clearLength])
			if err := o.Open(0, packet); (err == nil) != (n%su.cipher.BlockSize == 0) {
				t.Errorf("%s: %d bytes: %v", su.name, n, err)
			}
		}
	}
}

// TestChain: in CBC a packet's IV is the last block of the packet before, in both directions of the tag.
func TestChain(t *testing.T) {
	for _, c := range Insecure() {
		if !c.CBC {
			continue
		}
		for _, m := range []*mac.MAC{macRow(t, "hmac-sha1"), macRow(t, "hmac-sha1-etm@openssh.com")} {
			s, _ := pairOf(t, c, m)
			first := frame(s.Layout(), 60)
			s.Seal(0, first)
			second := frame(s.Layout(), 90)
			plain := bytes.Clone(second)
			s.Seal(1, second)

			start := 0
			if m.EtM {
				start = clearLength
			}
			end := len(first) - m.TagSize
			again, err := c.Encrypt(pattern(c.KeySize, 1), first[end-c.BlockSize:end])
			if err != nil {
				t.Fatal(err)
			}
			text := plain[start : len(plain)-m.TagSize]
			again(text, text)
			if !bytes.Equal(text, second[start:len(second)-m.TagSize]) {
				t.Errorf("%s+%s: the second packet is not chained to the first", c.Name, m.Name)
			}
		}
	}
}

// work counts what a cipher and a MAC were given.
type work struct{ crypted, tagged int }

// counted returns c and m with w counting the opener's work.
func counted(c Cipher, m mac.MAC, w *work) (Cipher, mac.MAC) {
	decrypt, build := c.Decrypt, m.New
	c.Decrypt = func(key, iv []byte) (Transform, error) {
		f, err := decrypt(key, iv)
		return func(dst, src []byte) { w.crypted += len(src); f(dst, src) }, err
	}
	m.New = func(key []byte) mac.Authenticator { return countedMAC{build(key), w} }
	return c, m
}

type countedMAC struct {
	mac.Authenticator
	w *work
}

func (a countedMAC) Tag(dst []byte, seq uint32, packet []byte) []byte {
	a.w.tagged += len(packet)
	return a.Authenticator.Tag(dst, seq, packet)
}

// TestPKT10 sends random first blocks to CBC with encrypt-and-MAC, and handles them as Layout.HideLength asks. Whatever
// length an attacker's block decrypts to, the same number of bytes is read, decrypted and authenticated.
func TestPKT10(t *testing.T) {
	const maxPacket = 2048 // small, so that lengths in range turn up
	for _, c := range Insecure() {
		for _, m := range []string{"hmac-sha1", "hmac-md5-96", "umac-64@openssh.com"} {
			if !c.CBC {
				continue
			}
			t.Run(c.Name+"+"+m, func(t *testing.T) {
				r := rand.New(rand.NewPCG(10, 10))
				var w work
				cc, cm := counted(c, *macRow(t, m), &w)
				_, o := pairOf(t, cc, &cm)
				l := o.Layout()
				all := (maxPacket+clearLength)/l.Align*l.Align + l.Tag
				seen := map[work]int{}
				for trial := range 60 {
					w = work{}
					stream := make([]byte, all)
					for i := range stream {
						stream[i] = byte(r.Uint32())
					}
					length := o.Length(1, stream[:l.Head])
					if trial%2 == 0 { // a length in range, as one in 2^20 random ones is
						length = uint32(r.IntN((all-l.Tag)/l.Align-8)+1)*uint32(l.Align) - clearLength
					}
					if length > maxPacket || (length+clearLength)%uint32(l.Align) != 0 {
						length = uint32(l.Head) - clearLength
					}
					end := clearLength + int(length) + l.Tag
					if err := o.Open(1, stream[:end]); !errors.Is(err, ErrTag) {
						t.Fatal(err)
					}
					if err := o.Open(1, stream[end:]); !errors.Is(err, ErrTag) {
						t.Fatal(err)
					}
					seen[w]++
				}
				if len(seen) != 1 {
					t.Errorf("work depends on the length: %v", fmt.Sprint(seen))
				}
			})
		}
	}
}
