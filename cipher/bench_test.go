package cipher

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"

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
