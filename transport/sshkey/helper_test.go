package sshkey

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/hawser-ssh/hawser/wire"
)

// vectors reads a file of testdata/vectors: records of "name = value" lines
// with blank lines between them.
func vectors(t testing.TB, file string) []map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "vectors", file))
	if err != nil {
		t.Fatal(err)
	}
	var list []map[string]string
	for block := range strings.SplitSeq(string(text), "\n\n") {
		v := map[string]string{}
		for line := range strings.SplitSeq(block, "\n") {
			if strings.HasPrefix(line, "#") || line == "" {
				continue
			}
			name, value, ok := strings.Cut(line, " =")
			if !ok {
				t.Fatalf("%s: malformed line %q", file, line)
			}
			v[name] = strings.TrimPrefix(value, " ")
		}
		if len(v) > 0 {
			list = append(list, v)
		}
	}
	if len(list) == 0 {
		t.Fatalf("%s: no vectors", file)
	}
	return list
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// must returns v, and panics on an error: for what cannot fail in a test.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// newRSAKey makes keys that GenerateRSA is too strict for.
func newRSAKey(bits int) func() crypto.Signer {
	return sync.OnceValue(func() crypto.Signer { return must(rsa.GenerateKey(rand.Reader, bits)) })
}

// testRSA is one RSA key for all tests, since making one takes long.
var testRSA = newRSAKey(2048)

// rfc6979DSA returns the DSA key of RFC 6979 A.2.1, since making one takes long.
var rfc6979DSA = sync.OnceValue(func() *DSAPrivateKey {
	text := must(os.ReadFile(filepath.Join("..", "..", "testdata", "vectors", "dsa_rfc6979.txt")))
	numbers := map[string]*big.Int{}
	for line := range strings.SplitSeq(string(text), "\n") {
		if name, value, ok := strings.Cut(line, " = "); ok && len(name) == 1 && numbers[name] == nil {
			numbers[name], _ = new(big.Int).SetString(value, 16)
		}
	}
	k := new(DSAPrivateKey)
	k.P, k.Q, k.G, k.Y, k.X = numbers["p"], numbers["q"], numbers["g"], numbers["y"], numbers["x"]
	return k
})

// testSigners returns a key of each type, by a short name.
var testSigners = sync.OnceValue(func() map[string]crypto.Signer {
	return map[string]crypto.Signer{
		"ed25519": must(GenerateEd25519()),
		"ecdsa":   must(GenerateECDSA(0)),
		"p384":    must(GenerateECDSA(384)),
		"p521":    must(GenerateECDSA(521)),
		"rsa":     testRSA(),
		"dsa":     rfc6979DSA(),
		"ed448":   must(GenerateEd448()),
	}
})

// eachKey runs f with a key of each type.
func eachKey(t *testing.T, f func(t *testing.T, key crypto.Signer)) {
	for name, key := range testSigners() {
		t.Run(name, func(t *testing.T) { f(t, key) })
	}
}

// fakeSigner signs with a function.
type fakeSigner struct {
	public crypto.PublicKey
	sign   func(digest []byte, opts crypto.SignerOpts) ([]byte, error)
}

func (f fakeSigner) Public() crypto.PublicKey { return f.public }
func (f fakeSigner) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return f.sign(digest, opts)
}

// signatureBlob builds a signature blob.
func signatureBlob(label string, body []byte) []byte {
	return wire.AppendBytes(wire.AppendString(nil, label), body)
}

// splitBlob returns label and body of a signature blob.
func splitBlob(t *testing.T, blob []byte) (label string, body []byte) {
	t.Helper()
	r := wire.NewFieldReader(blob, "signature")
	label, body = r.String("label"), r.Bytes("body")
	if err := r.Done(); err != nil {
		t.Fatal(err)
	}
	return label, body
}

// ciphersFor returns the ciphers to write key with in a test: all for one
// type, since bcrypt takes long, and the first two for the others.
func ciphersFor(key crypto.Signer) []fileCipher {
	if _, ok := key.(ed25519.PrivateKey); ok {
		return fileCiphers[:]
	}
	return fileCiphers[:2]
}

// comments returns comment lines of that many bytes together.
func comments(size int) string {
	line := "#" + strings.Repeat("x", 4094) + "\n"
	text := strings.Repeat(line, size/len(line)+1)
	return text[:size-1] + "\n"
}

// bigInt returns the number with that magnitude.
func bigInt(b []byte) *big.Int { return new(big.Int).SetBytes(b) }
