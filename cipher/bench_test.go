package cipher

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"testing"

	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/chacha20poly1305"
	//lint:ignore SA1019 SSH takes it apart from ChaCha20
	"golang.org/x/crypto/poly1305"

	"github.com/hawser-ssh/hawser/mac"
)

// sizes are the payloads measured.
var sizes = [...]int{1 << 10, 16 << 10, 32 << 10}

func benchmarkSuites() []suite {
	all := suites()
	kept := all[:0]
	for _, s := range all {
		if s.mac == nil || s.mac.Name == "hmac-sha2-256-etm@openssh.com" || s.mac.Name == "hmac-sha2-256" {
			kept = append(kept, s)
		}
	}
	return kept
}

func BenchmarkSeal(b *testing.B) {
	for _, su := range benchmarkSuites() {
		for _, size := range sizes {
			b.Run(fmt.Sprintf("%s/%d", su.name, size), func(b *testing.B) {
				s, _ := pairOf(b, su.cipher, su.mac)
				packet := frame(s.Layout(), size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					s.Seal(1, packet)
				}
			})
		}
	}
}

// BenchmarkOpen seals each packet anew, since GCM and CTR go on; the figures are of both together.
func BenchmarkOpen(b *testing.B) {
	for _, su := range benchmarkSuites() {
		for _, size := range sizes {
			b.Run(fmt.Sprintf("%s/%d", su.name, size), func(b *testing.B) {
				s, o := pairOf(b, su.cipher, su.mac)
				packet := frame(s.Layout(), size)
				sealed := make([]byte, len(packet))
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					s.Seal(1, append(sealed[:0], packet...))
					o.Length(1, sealed[:o.Layout().Head])
					if err := o.Open(1, sealed); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkAEAD is each AEAD beside the primitives of the standard library and of x/crypto under the same packets: to
// seal one, and to seal and open one, since an Opener takes a packet once.
func BenchmarkAEAD(b *testing.B) {
	for _, row := range []struct {
		name   string
		theirs func() (seal, open func(packet []byte))
	}{
		{AES128GCM, func() (seal, open func([]byte)) { return stdGCM(16) }},
		{AES256GCM, func() (seal, open func([]byte)) { return stdGCM(32) }},
		{ChaCha20Poly1305, xChaCha},
	} {
		c, err := Lookup(row.name)
		if err != nil {
			b.Fatal(err)
		}
		s, o := pairOf(b, c[0], nil)
		seal, open := row.theirs()
		packet := frame(s.Layout(), 32<<10)
		buf := make([]byte, len(packet))
		for _, run := range []struct {
			name string
			f    func()
		}{
			{"seal/theirs", func() { seal(packet) }},
			{"seal+open/theirs", func() { seal(packet); open(packet) }},
			{"seal+open/ours", func() {
				s.Seal(1, append(buf[:0], packet...))
				o.Length(1, buf[:o.Layout().Head])
				if err := o.Open(1, buf); err != nil {
					b.Fatal(err)
				}
			}},
			{"seal/ours", func() { s.Seal(1, packet) }}, // last: the opener counts packets
		} {
			b.Run(row.name+"/"+run.name, func(b *testing.B) {
				b.SetBytes(32 << 10)
				b.ReportAllocs()
				for b.Loop() {
					run.f()
				}
			})
		}
	}
}

// stdGCM seals and opens by crypto/cipher: four bytes of length, what is encrypted, and the tag.
func stdGCM(key int) (seal, open func(packet []byte)) {
	block, _ := aes.NewCipher(make([]byte, key))
	gcm, _ := cipher.NewGCM(block)
	nonce := make([]byte, gcm.NonceSize())
	seal = func(p []byte) { gcm.Seal(p[:4], nonce, p[4:len(p)-gcm.Overhead()], p[:4]) }
	open = func(p []byte) {
		if _, err := gcm.Open(p[4:4], nonce, p[4:], p[:4]); err != nil {
			panic(err)
		}
	}
	return seal, open
}

// xChaCha is chacha20-poly1305@openssh.com (PROTOCOL.chacha20poly1305) put together from x/crypto's two halves.
func xChaCha() (seal, open func(packet []byte)) {
	crypt := func(p []byte, body func(s *chacha20.Cipher, key *[32]byte)) {
		var nonce [12]byte
		length, _ := chacha20.NewUnauthenticatedCipher(make([]byte, 32), nonce[:])
		payload, _ := chacha20.NewUnauthenticatedCipher(bytes.Repeat([]byte{1}, 32), nonce[:])
		var key [32]byte
		payload.XORKeyStream(key[:], key[:])
		payload.SetCounter(1)
		length.XORKeyStream(p[:4], p[:4])
		body(payload, &key)
	}
	seal = func(p []byte) {
		end := len(p) - poly1305.TagSize
		crypt(p, func(s *chacha20.Cipher, key *[32]byte) {
			s.XORKeyStream(p[4:end], p[4:end])
			poly1305.Sum((*[poly1305.TagSize]byte)(p[end:]), p[:end], key)
		})
	}
	open = func(p []byte) {
		end := len(p) - poly1305.TagSize
		sealedLength := [4]byte(p)
		crypt(p, func(s *chacha20.Cipher, key *[32]byte) {
			length := [4]byte(p)
			copy(p, sealedLength[:])
			if !poly1305.Verify((*[poly1305.TagSize]byte)(p[end:]), p[:end], key) {
				panic(ErrTag)
			}
			copy(p, length[:])
			s.XORKeyStream(p[4:end], p[4:end])
		})
	}
	return seal, open
}

// BenchmarkAES is AES in the modes that need a MAC beside crypto/cipher's.
func BenchmarkAES(b *testing.B) {
	key, iv := make([]byte, 32), make([]byte, 16)
	block, _ := aes.NewCipher(key)
	for _, row := range []struct {
		name    string
		decrypt bool
		theirs  Transform
	}{
		{AES256CTR, false, cipher.NewCTR(block, iv).XORKeyStream},
		{InsecureAES256CBC, false, cipher.NewCBCEncrypter(block, iv).CryptBlocks},
		{InsecureAES256CBC, true, cipher.NewCBCDecrypter(block, iv).CryptBlocks},
	} {
		c, err := Lookup(row.name)
		if err != nil {
			b.Fatal(err)
		}
		build, name := c[0].Encrypt, row.name+"/encrypt"
		if row.decrypt {
			build, name = c[0].Decrypt, row.name+"/decrypt"
		}
		ours, err := build(key, iv)
		if err != nil {
			b.Fatal(err)
		}
		for _, by := range []struct {
			name  string
			crypt Transform
		}{{"ours", ours}, {"theirs", row.theirs}} {
			b.Run(name+"/"+by.name, func(b *testing.B) {
				p := make([]byte, 32<<10)
				b.SetBytes(int64(len(p)))
				b.ReportAllocs()
				for b.Loop() {
					by.crypt(p, p)
				}
			})
		}
	}
}

// BenchmarkStd is the standard library by itself: what there is to reach.
func BenchmarkStd(b *testing.B) {
	block, _ := aes.NewCipher(make([]byte, 16))
	gcm, _ := cipher.NewGCM(block)
	chacha, _ := chacha20poly1305.New(make([]byte, 32))
	hmac := mac.Default()[0].New(make([]byte, 32))
	ctr, nonce := cipher.NewCTR(block, make([]byte, 16)), make([]byte, 12)
	for _, row := range []struct {
		name string
		f    func(p []byte)
	}{
		{"aes-128-gcm", func(p []byte) { gcm.Seal(p[:0], nonce, p, nil) }},
		{"chacha20-poly1305", func(p []byte) { chacha.Seal(p[:0], nonce, p, nil) }},
		{"aes-128-ctr", func(p []byte) { ctr.XORKeyStream(p, p) }},
		{"hmac-sha2-256", func(p []byte) { hmac.Tag(p, 0, p) }},
	} {
		for _, size := range sizes {
			b.Run(fmt.Sprintf("%s/%d", row.name, size), func(b *testing.B) {
				p := make([]byte, size, size+32)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					row.f(p)
				}
			})
		}
	}
}

// BenchmarkBlock64 is 3DES, Blowfish and CAST-128 beside those of the standard library and of x/crypto.
func BenchmarkBlock64(b *testing.B) {
	for _, w := range twins64() {
		for _, by := range []struct {
			name  string
			build constructor
		}{{"ours", w.ours}, {"theirs", w.theirs}} {
			b.Run(w.name+"/"+by.name, func(b *testing.B) {
				crypt, err := by.build(pattern(w.key, 1), make([]byte, block64Size))
				if err != nil {
					b.Fatal(err)
				}
				p := make([]byte, 32<<10)
				b.SetBytes(int64(len(p)))
				for b.Loop() {
					crypt(p, p)
				}
			})
		}
	}
}
