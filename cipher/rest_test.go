package cipher

import (
	"bytes"
	"testing"
	"unsafe"
)

// TestRest: what rests between packets, and in the middle of one, seals and opens as what never does.
func TestRest(t *testing.T) {
	rested := 0
	forEach(t, func(t *testing.T, su suite) {
		s, o := pairOf(t, su.cipher, su.mac)
		awake, _ := pairOf(t, su.cipher, su.mac)
		for seq := range uint32(4) {
			rested += rest(s) + rest(o)
			packet, want := frame(s.Layout(), 300), frame(s.Layout(), 300)
			plain := bytes.Clone(packet)
			s.Seal(seq, packet)
			awake.Seal(seq, want)
			if !bytes.Equal(packet, want) {
				t.Fatalf("packet %d is another than without rest", seq)
			}
			head := o.Layout().Head
			o.Length(seq, packet[:head])
			rested += rest(o)
			if err := o.Open(seq, packet); err != nil {
				t.Fatalf("packet %d: %v", seq, err)
			}
			if n := len(packet) - s.Layout().Tag; !bytes.Equal(packet[clearLength:n], plain[clearLength:n]) {
				t.Fatalf("packet %d is not what was sealed", seq)
			}
		}
	})
	if rested == 0 {
		t.Error("nothing can rest")
	}
}

// rest returns 1 where x can.
func rest(x any) int {
	if r, ok := x.(Rester); ok {
		r.Rest()
		return 1
	}
	return 0
}

// TestRestGCM: the default ciphers are small at rest, and secure from broken packets after it.
func TestRestGCM(t *testing.T) {
	if n := unsafe.Sizeof(gcmState{}); n > 96 {
		t.Errorf("%d bytes at rest", n)
	}
	ciphers, err := Lookup("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range ciphers {
		s, o := pairOf(t, c, nil)
		packet := frame(s.Layout(), 300)
		s.Seal(0, packet)
		packet[10] ^= 1
		rest(o)
		if o.(*gcmState).aead != nil {
			t.Errorf("%s: keeps its tables", c.Name)
		}
		if err := o.Open(0, packet); err != ErrTag {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}
