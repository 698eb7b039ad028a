package sshkey

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/wire"
)

// sameKey fails the test unless got is key.
func sameKey(t *testing.T, got, key crypto.Signer) {
	t.Helper()
	type equaler interface{ Equal(crypto.PrivateKey) bool }
	if got == nil || !got.(equaler).Equal(key) {
		t.Errorf("another key came back: %T", got)
	}
}

func TestPrivateKeyRoundTrip(t *testing.T) {
	eachKey(t, func(t *testing.T, key crypto.Signer) {
		for _, c := range ciphersFor(key) {
			var passphrase []byte
			if c.name != noCipher {
				passphrase = []byte("open sesame")
			}
			file := must(PrivateKeyFormat{Cipher: c.name, Rounds: 1}.MarshalPrivateKey(key, "it's me", passphrase))
			got, comment, err := ParsePrivateKey(file, passphrase)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			sameKey(t, got, key)
			if comment != "it's me" {
				t.Errorf("%s: comment %q", c.name, comment)
			}
			if c.name == noCipher {
				continue
			}
			if _, _, err := ParsePrivateKey(file, []byte("open barley")); !errors.Is(err, ErrPassphraseWrong) {
				t.Errorf("%s, wrong passphrase: %v", c.name, err)
			}
			if _, _, err := ParsePrivateKey(file, nil); !errors.Is(err, ErrPassphraseMissing) {
				t.Errorf("%s, no passphrase: %v", c.name, err)
			}
		}
	})
}

func TestPrivateKeyDefaultFormat(t *testing.T) {
	key := testSigners()["ed25519"]
	file := must(MarshalPrivateKey(key, "", []byte("pw")))
	block, _ := pem.Decode(file)
	var f opensshFile
	if err := f.parse(block.Bytes); err != nil {
		t.Fatal(err)
	}
	if f.cipher.name != "aes256-ctr" || f.kdf != "bcrypt" || binary.BigEndian.Uint32(f.kdfOptions[len(f.kdfOptions)-4:]) != 24 {
		t.Errorf("written with %s, %s, %x", f.cipher.name, f.kdf, f.kdfOptions)
	}
	if bytes.Equal(newBcryptOptions(1), newBcryptOptions(1)) {
		t.Error("salt is the same twice")
	}
	for name, err := range map[string]error{
		"passphrase without a cipher": second(PrivateKeyFormat{Cipher: "none"}.MarshalPrivateKey(key, "", []byte("pw"))),
		"unknown cipher":              second(PrivateKeyFormat{Cipher: "rot13", Rounds: 1}.MarshalPrivateKey(key, "", []byte("pw"))),
		"too many rounds":             second(PrivateKeyFormat{Rounds: MaxKDFRounds + 1}.MarshalPrivateKey(key, "", []byte("pw"))),
		"long comment":                second(MarshalPrivateKey(key, strings.Repeat("c", MaxKeyComment+1), nil)),
		"key that lives elsewhere":    second(MarshalPrivateKey(fakeSigner{public: key.Public()}, "", nil)),
	} {
		if err == nil {
			t.Errorf("%s accepted", name)
		}
	}
}

// TestPrivateKeySecondImplementation reads and writes with x/crypto.
func TestPrivateKeySecondImplementation(t *testing.T) {
	eachKey(t, func(t *testing.T, key crypto.Signer) {
		skipEd448(t, key, "x/crypto")
		if _, ok := key.(*DSAPrivateKey); ok {
			t.Skip("x/crypto does not read DSA keys in OpenSSH's form")
		}
		public := must(NewPublicKey(key.Public())).Marshal()
		for _, passphrase := range []string{"", "secret"} {
			if _, isEd := key.(ed25519.PrivateKey); passphrase != "" && !isEd {
				continue
			}
			var theirs *pem.Block
			var signer ssh.Signer
			ours := must(PrivateKeyFormat{Rounds: 2}.MarshalPrivateKey(key, "c", []byte(passphrase)))
			if passphrase == "" {
				theirs = must(ssh.MarshalPrivateKey(key, "c"))
				signer = must(ssh.ParsePrivateKey(ours))
			} else {
				theirs = must(ssh.MarshalPrivateKeyWithPassphrase(key, "c", []byte(passphrase)))
				signer = must(ssh.ParsePrivateKeyWithPassphrase(ours, []byte(passphrase)))
			}
			if !bytes.Equal(signer.PublicKey().Marshal(), public) {
				t.Error("they read another key")
			}
			got, comment, err := ParsePrivateKey(pem.EncodeToMemory(theirs), []byte(passphrase))
			if err != nil || comment != "c" {
				t.Fatalf("comment %q, %v", comment, err)
			}
			sameKey(t, got, key)
		}
	})
}

func pemFile(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestPrivateKeyPEMForms(t *testing.T) {
	eachKey(t, func(t *testing.T, key crypto.Signer) {
		files := map[string][]byte{"PKCS #8": pemFile("PRIVATE KEY", must(marshalPKCS8(key)))}
		switch k := key.(type) {
		case *rsa.PrivateKey:
			files["PKCS #1"] = pemFile("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(k))
		case *ecdsa.PrivateKey:
			sec1 := pemFile("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(k)))
			files["SEC 1"] = sec1
			files["SEC 1 behind parameters"] = append(pemFile("EC PARAMETERS", []byte{6, 1, 42}), sec1...)
		}
		for name, file := range files {
			got, comment, err := ParsePrivateKey(file, []byte("not looked at"))
			if err != nil || comment != "" {
				t.Fatalf("%s: comment %q, %v", name, comment, err)
			}
			sameKey(t, got, key)
			block, _ := pem.Decode(file)
			for n := range block.Bytes {
				if _, _, err := ParsePrivateKey(pemFile(block.Type, block.Bytes[:n]), nil); err == nil && block.Type != "EC PARAMETERS" {
					t.Fatalf("%s: %d of %d bytes accepted", name, n, len(block.Bytes))
				}
			}
			if block.Type == "EC PARAMETERS" {
				continue
			}
			if _, _, err := ParsePrivateKey(pemFile(block.Type, append(block.Bytes, 0)), nil); !errors.Is(err, ErrKeyFile) {
				t.Errorf("%s: trailing byte: %v", name, err)
			}
		}
	})
}

func TestPrivateKeyPEMRefused(t *testing.T) {
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	x25519 := must(ecdh.X25519().GenerateKey(rand.Reader))
	weak := newRSAKey(1024)()
	for name, file := range map[string][]byte{
		"nothing":          nil,
		"no PEM":           []byte("ssh-ed25519 AAAA"),
		"certificate only": pemFile("CERTIFICATE", []byte{0x30, 0}),
		"P-224":            pemFile("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(p224))),
		"X25519":           pemFile("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(x25519))),
		"RSA of 1024 bits": pemFile("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(weak.(*rsa.PrivateKey))),
		"a large file":     slices.Concat(make([]byte, MaxKeyFile), pemFile("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(testRSA())))),
	} {
		if key, _, err := ParsePrivateKey(file, nil); err == nil || key != nil {
			t.Errorf("%s accepted", name)
		}
	}
	file := must(MarshalPrivateKey(weak, "", nil))
	if _, _, err := (Limits{MinRSABits: 1024}).ParsePrivateKey(file, nil); err != nil {
		t.Errorf("1024 bits on request: %v", err)
	}
}

// opensshParts is a key file in pieces, to be put together wrongly.
type opensshParts struct {
	magic, cipher, kdf string
	options            []byte
	count              uint32
	public, private    []byte
	tail               []byte
}

// goodParts returns the parts of an unencrypted Ed25519 file.
func goodParts() opensshParts {
	key := testSigners()["ed25519"]
	public, private, err := privatePart(key, "comment", 8)
	if err != nil {
		panic(err)
	}
	return opensshParts{magic: opensshMagic, cipher: "none", kdf: "none", count: 1, public: public, private: private}
}

func (p opensshParts) file() []byte {
	b := []byte(p.magic)
	b = wire.AppendString(b, p.cipher)
	b = wire.AppendString(b, p.kdf)
	b = wire.AppendBytes(b, p.options)
	b = wire.AppendUint32(b, p.count)
	b = wire.AppendBytes(b, p.public)
	b = wire.AppendBytes(b, p.private)
	return pemFile(opensshPEM, append(b, p.tail...))
}

func bcryptOptions(salt int, rounds uint32) []byte {
	return wire.AppendUint32(wire.AppendBytes(nil, make([]byte, salt)), rounds)
}

// privateFields builds a private part from fields.
func privateFields(fields ...[]byte) []byte {
	b := []byte{1, 2, 3, 4, 1, 2, 3, 4}
	for _, f := range fields {
		b = wire.AppendBytes(b, f)
	}
	for i := byte(1); len(b)%8 != 0; i++ {
		b = append(b, i)
	}
	return b
}

func TestFIL01OpenSSHPrivateKey(t *testing.T) {
	if _, _, err := ParsePrivateKey(goodParts().file(), nil); err != nil {
		t.Fatalf("the file that the others are made from: %v", err)
	}
	key := testSigners()["ed25519"].(ed25519.PrivateKey)
	pub, name, comment := []byte(key[32:]), []byte("ssh-ed25519"), []byte("c")
	encrypted := func(p *opensshParts, options []byte) {
		p.cipher, p.kdf, p.options, p.private = "aes256-ctr", "bcrypt", options, make([]byte, 160)
	}
	for what, change := range map[string]func(p *opensshParts){
		"other magic":           func(p *opensshParts) { p.magic = "openssh-key-v2\x00" },
		"check integers differ": func(p *opensshParts) { p.private[0] ^= 1 },
		"padding wrong":         func(p *opensshParts) { p.private[len(p.private)-1] ^= 1 },
		"padding of a block":    func(p *opensshParts) { p.private = padTwice(p.private) },
		"not whole blocks":      func(p *opensshParts) { p.private = p.private[:len(p.private)-1] },
		"no keys":               func(p *opensshParts) { p.count = 0 },
		"two keys":              func(p *opensshParts) { p.count = 2 },
		"2^32-1 keys":           func(p *opensshParts) { p.count = 1<<32 - 1 },
		"unknown cipher":        func(p *opensshParts) { p.cipher = "rot13" },
		"unknown KDF":           func(p *opensshParts) { p.kdf = "scrypt" },
		"cipher without KDF":    func(p *opensshParts) { p.cipher, p.private = "aes256-ctr", make([]byte, 160) },
		"KDF without cipher":    func(p *opensshParts) { p.kdf, p.options = "bcrypt", bcryptOptions(16, 1) },
		"options without KDF":   func(p *opensshParts) { p.options = []byte{0} },
		"rounds 0":              func(p *opensshParts) { encrypted(p, bcryptOptions(16, 0)) },
		"rounds 2049":           func(p *opensshParts) { encrypted(p, bcryptOptions(16, MaxKDFRounds+1)) },
		"rounds 2^32-1":         func(p *opensshParts) { encrypted(p, bcryptOptions(16, 1<<32-1)) },
		"no salt":               func(p *opensshParts) { encrypted(p, bcryptOptions(0, 1)) },
		"salt above the limit":  func(p *opensshParts) { encrypted(p, bcryptOptions(MaxKDFSalt+1, 1)) },
		"salt of 1 MiB":         func(p *opensshParts) { encrypted(p, bcryptOptions(1<<20, 1)) },
		"options cut":           func(p *opensshParts) { encrypted(p, bcryptOptions(16, 1)[:10]) },
		"options trailing":      func(p *opensshParts) { encrypted(p, append(bcryptOptions(16, 1), 0)) },
		"public is another":     func(p *opensshParts) { p.public = must(NewPublicKey(testSigners()["ecdsa"].Public())).Marshal() },
		"public flipped":        func(p *opensshParts) { p.public[20] ^= 1 },
		"no public":             func(p *opensshParts) { p.public = nil },
		"trailing byte":         func(p *opensshParts) { p.tail = []byte{0} },
		"no private part":       func(p *opensshParts) { p.private = nil },
		"unknown key type":      func(p *opensshParts) { p.private = privateFields([]byte("x@y"), pub, key, comment) },
		"Ed25519 seed alone":    func(p *opensshParts) { p.private = privateFields(name, pub, key[:32], comment) },
		"Ed25519 short":         func(p *opensshParts) { p.private = privateFields(name, pub, key[:63], comment) },
		"Ed25519 public short":  func(p *opensshParts) { p.private = privateFields(name, pub[:31], key, comment) },
		"Ed25519 empty":         func(p *opensshParts) { p.private = privateFields(name, nil, nil, comment) },
		"Ed25519 other half": func(p *opensshParts) {
			p.private = privateFields(name, pub, append(key[:32:32], make([]byte, 32)...), comment)
		},
		"no comment":       func(p *opensshParts) { p.private = privateFields(name, pub, key) },
		"comment too long": func(p *opensshParts) { p.private = privateFields(name, pub, key, make([]byte, MaxKeyComment+1)) },
	} {
		p := goodParts()
		change(&p)
		got, _, err := ParsePrivateKey(p.file(), []byte("pw"))
		if err == nil || got != nil {
			t.Errorf("%s accepted", what)
		}
	}
	p := goodParts()
	p.private = privateFields(name, pub, key, make([]byte, MaxKeyComment))
	if _, _, err := ParsePrivateKey(p.file(), nil); err != nil {
		t.Errorf("comment at the limit: %v", err)
	}
}

func TestFIL01Truncated(t *testing.T) {
	block, _ := pem.Decode(goodParts().file())
	for n := range block.Bytes {
		if _, _, err := ParsePrivateKey(pemFile(opensshPEM, block.Bytes[:n]), nil); err == nil {
			t.Fatalf("%d of %d bytes accepted", n, len(block.Bytes))
		}
	}
}

// TestFIL01RSANumbers has primes and exponents that would take long to
// calculate with; none may be calculated with.
func TestFIL01RSANumbers(t *testing.T) {
	key := testRSA().(*rsa.PrivateKey)
	number := func(b []byte) []byte { return wire.AppendMpint(nil, b)[4:] }
	n, e, d := number(key.N.Bytes()), []byte{1, 0, 1}, number(key.D.Bytes())
	iqmp, p, q := number(key.Precomputed.Qinv.Bytes()), number(key.Primes[0].Bytes()), number(key.Primes[1].Bytes())
	huge := modulus(100_000)
	public := must(NewPublicKey(key.Public())).Marshal()
	file := func(n, e, d, iqmp, p, q []byte) []byte {
		parts := goodParts()
		parts.public = public
		parts.private = privateFields([]byte("ssh-rsa"), n, e, d, iqmp, p, q, []byte("c"))
		return parts.file()
	}
	if _, _, err := ParsePrivateKey(file(n, e, d, iqmp, p, q), nil); err != nil {
		t.Fatal(err)
	}
	for what, f := range map[string][]byte{
		"prime p of 10^5 bits":  file(n, e, d, iqmp, huge, q),
		"prime q of 10^5 bits":  file(n, e, d, iqmp, p, huge),
		"d of 10^5 bits":        file(n, e, huge, iqmp, p, q),
		"modulus of 10^5 bits":  file(huge, e, d, iqmp, p, q),
		"exponent of 10^5 bits": file(n, huge, d, iqmp, p, q),
		"primes 1 and n":        file(n, e, d, iqmp, []byte{1}, n),
		"p twice":               file(n, e, d, iqmp, p, p),
		"p zero":                file(n, e, d, iqmp, nil, q),
		"d zero":                file(n, e, nil, iqmp, p, q),
		"d off by two":          file(n, e, number(append(key.D.Bytes()[:len(key.D.Bytes())-1], 0)), iqmp, p, q),
		"e of 32 bits":          file(n, []byte{0, 0xff, 0xff, 0xff, 0xff}, d, iqmp, p, q),
		"negative p":            file(n, e, d, iqmp, []byte{0xff}, q),
	} {
		if got, _, err := ParsePrivateKey(f, nil); err == nil || got != nil {
			t.Errorf("%s accepted", what)
		}
	}
}

// TestFIL01RSANoPrimes has numbers that multiply to the modulus and are no
// primes, of the largest size: the precomputation of the library would take
// seconds with them.
func TestFIL01RSANoPrimes(t *testing.T) {
	p := new(big.Int).SetBytes(modulus(16300))
	q := big.NewInt(65537)
	n := new(big.Int).Mul(p, q)
	d := big.NewInt(3)
	key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: 65537}, D: d, Primes: []*big.Int{p, q}}
	if got, err := finishRSAPrivate(key); !errors.Is(err, ErrKeyFile) || got != nil {
		t.Errorf("accepted: %v", err)
	}
	if key.Precomputed.Qinv == nil {
		t.Error("the library was left to precompute")
	}
}

func TestFIL01ECDSANumbers(t *testing.T) {
	key := testSigners()["ecdsa"].(*ecdsa.PrivateKey)
	point, d := must(key.PublicKey.Bytes()), must(key.Bytes())
	order := key.Params().N.Bytes()
	for what, scalar := range map[string][]byte{
		"zero": nil, "one": {1}, "the order": append([]byte{0}, order...), "long": append([]byte{1}, d...), "10^5 bits": modulus(100_000), "negative": {0xff},
	} {
		p := goodParts()
		p.public = must(NewPublicKey(key.Public())).Marshal()
		p.private = privateFields([]byte("ecdsa-sha2-nistp256"), []byte("nistp256"), point, scalar, []byte("c"))
		if got, _, err := ParsePrivateKey(p.file(), nil); err == nil || got != nil {
			t.Errorf("private key %s accepted", what)
		}
	}
}

// padTwice adds a block of 16 bytes to padding that is there already.
func padTwice(private []byte) []byte {
	last := private[len(private)-1]
	for i := range byte(16) {
		private = append(private, last+i+1)
	}
	return private
}
