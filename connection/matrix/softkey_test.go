package matrix

import (
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 a key type that callers may name
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// softKey is a security key in software (OpenSSH PROTOCOL.u2f), which somebody touches all the time.
type softKey struct {
	inner  crypto.Signer // Ed25519 or ECDSA on nistp256
	public sshkey.PublicKey
}

// application is what the security keys are made for.
const application = "ssh:"

func newSoftKey(t testing.TB, inner crypto.Signer) softKey {
	t.Helper()
	plain, err := sshkey.NewPublicKey(inner.Public())
	if err != nil {
		t.Fatal(err)
	}
	name := "sk-" + plain.Type() + "@openssh.com"
	blob := append(wire.AppendString(nil, name), plain.Marshal()[4+len(plain.Type()):]...)
	public, err := sshkey.ParsePublicKey(wire.AppendString(blob, application))
	if err != nil {
		t.Fatal(err)
	}
	return softKey{inner, public}
}

func (k softKey) PublicKey() sshkey.PublicKey { return k.public }
func (k softKey) Algorithms() []string        { return []string{k.public.Type()} }

func (k softKey) Sign(_ io.Reader, _ string, data []byte) ([]byte, error) {
	of, message := sha256.Sum256([]byte(application)), sha256.Sum256(data)
	seen := binary.BigEndian.AppendUint32([]byte{1}, 7) // touched; and how often it has signed
	body, err := k.sign(slices.Concat(of[:], seen, message[:]))
	if err != nil {
		return nil, err
	}
	return append(wire.AppendBytes(wire.AppendString(nil, k.public.Type()), body), seen...), nil
}

// sign is the signature proper, without what was seen.
func (k softKey) sign(data []byte) ([]byte, error) {
	if key, ok := k.inner.(ed25519.PrivateKey); ok {
		return ed25519.Sign(key, data), nil
	}
	sum := sha256.Sum256(data)
	der, err := k.inner.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	var numbers struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &numbers); err != nil {
		return nil, err
	}
	return wire.AppendMpint(wire.AppendMpint(nil, numbers.R.Bytes()), numbers.S.Bytes()), nil
}

// dsaKey is the key of RFC 6979 A.2.1 with a certificate, and that of who issued it.
type dsaKey struct {
	key        *sshkey.DSAPrivateKey
	leaf, root *x509.Certificate
}

// dsaVector reads it from testdata/vectors: making parameters takes a second, and certificates more than crypto/x509.
func dsaVector(t testing.TB) dsaKey {
	t.Helper()
	number := func(name string) *big.Int { return new(big.Int).SetBytes(vector(t, "dsa_rfc6979.txt", name)) }
	k := new(sshkey.DSAPrivateKey)
	k.Parameters = dsa.Parameters{P: number("p"), Q: number("q"), G: number("g")}
	k.Y, k.X = number("y"), number("x")
	leaf, err := x509.ParseCertificate(vector(t, "x509_dsa.txt", "leaf"))
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(vector(t, "x509_dsa.txt", "ca"))
	if err != nil {
		t.Fatal(err)
	}
	return dsaKey{k, leaf, root}
}

// vector is the first value of that name in a file of testdata/vectors.
func vector(t testing.TB, file, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../testdata/vectors", file))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^` + name + ` = ([0-9a-f]+)$`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("%s has no %s", file, name)
	}
	value, err := hex.DecodeString(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return value
}
