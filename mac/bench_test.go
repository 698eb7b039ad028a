package mac

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"hash"
	"testing"

	//lint:ignore SA1019 to compare with
	"golang.org/x/crypto/ripemd160"
)

// BenchmarkAgainstStd is each HMAC beside crypto/hmac under the same packets; the standard library has no UMAC.
func BenchmarkAgainstStd(b *testing.B) {
	for _, row := range []struct {
		name string
		hash func() hash.Hash
	}{
		{HMACSHA256, sha256.New},
		{HMACSHA512, sha512.New},
		{InsecureHMACSHA1, sha1.New},
		{InsecureHMACMD5, md5.New},
		{InsecureHMACRIPEMD160, ripemd160.New},
	} {
		m, err := Lookup(row.name)
		if err != nil {
			b.Fatal(err)
		}
		key := make([]byte, m[0].KeySize)
		ours, theirs := m[0].New(key), hmac.New(row.hash, key)
		for _, n := range []int{64, 1 << 10, 32 << 10} {
			packet := make([]byte, n, n+m[0].TagSize)
			for _, by := range []struct {
				name string
				tag  func()
			}{
				{"ours", func() { ours.Tag(packet, 1, packet) }},
				{"theirs", func() {
					var seq [4]byte
					binary.BigEndian.PutUint32(seq[:], 1)
					theirs.Reset()
					theirs.Write(seq[:])
					theirs.Write(packet)
					theirs.Sum(packet)
				}},
			} {
				b.Run(fmt.Sprintf("%s/%d/%s", row.name, n, by.name), func(b *testing.B) {
					b.SetBytes(int64(n))
					b.ReportAllocs()
					for b.Loop() {
						by.tag()
					}
				})
			}
		}
	}
}
