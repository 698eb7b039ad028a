package kex

import (
	"bytes"
	cryptorand "crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"math/big"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// sharedRSA saves the tests the making of keys.
func sharedRSA() Method { return NewTransientRSA(1<<30, 24*time.Hour).Method() }

func rsaBlob(kind string, e *big.Int, n []byte) []byte {
	return wire.AppendMpint(wire.AppendMpint(wire.AppendString(nil, kind), e.Bytes()), n)
}

func TestRSAExchange(t *testing.T) {
	m := sharedRSA()
	seen := map[string]bool{}
	for range 50 {
		o := exchange(t, m, nil, nil)
		if seen[string(o.secret)] || seen[string(o.serverPublic)] {
			t.Fatal("a secret or a ciphertext came twice")
		}
		seen[string(o.secret)], seen[string(o.serverPublic)] = true, true
		if n := new(big.Int).SetBytes(o.secret).BitLen(); n > 2048-512-49 {
			t.Fatalf("a secret of %d bits", n)
		}
	}
	if !m.ServerOffers || !m.Costly || m.SecretAsString {
		t.Error("the row is not that of RSA")
	}
}

// The order of the public values in the hash is that of the messages.
func TestRSAHashOrder(t *testing.T) {
	m := sharedRSA()
	in := HashInput{ClientPublic: []byte("secret"), ServerPublic: []byte("key"), Secret: []byte{1}}
	h := sha256.New()
	for range 5 {
		h.Write(wire.AppendString(nil, ""))
	}
	h.Write(wire.AppendString(nil, "key"))
	h.Write(wire.AppendString(nil, "secret"))
	h.Write(wire.AppendMpint(nil, []byte{1}))
	if !bytes.Equal(m.ExchangeHash(in), h.Sum(nil)) {
		t.Error("the transient key is not hashed first")
	}
}

// DH-16: whatever is wrong with a ciphertext, there is one error.
func TestDH16BadSecret(t *testing.T) {
	key, err := rsa.GenerateKey(nil, 2049) // one of 2048 bits has no room for a K that is too long
	if err != nil {
		t.Fatal(err)
	}
	encrypt := func(message []byte) []byte {
		c, err := rsa.EncryptOAEP(sha256.New(), cryptorand.Reader, &key.PublicKey, message, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	good := new(big.Int).Lsh(one, 2049-512-50)
	high := new(big.Int).Lsh(one, 2049-512-49) // one bit too many
	flipped := encrypt(wire.AppendMpint(nil, good.Bytes()))
	flipped[100] ^= 1
	labelled, _ := rsa.EncryptOAEP(sha256.New(), cryptorand.Reader, &key.PublicKey, wire.AppendMpint(nil, good.Bytes()), []byte("label"))
	block := slices.Concat([]byte{0, 2}, bytes.Repeat([]byte{1}, 100), []byte{0}, wire.AppendMpint(nil, bytes.Repeat([]byte{1}, 150)))
	pkcs1 := new(big.Int).Exp(new(big.Int).SetBytes(block), big.NewInt(int64(key.E)), key.N).FillBytes(make([]byte, 257))
	for name, c := range map[string][]byte{
		"empty": nil, "one byte": {1}, "zero": make([]byte, 257), "modulus": key.N.Bytes(), "256 bytes": flipped[1:],
		"258 bytes": slices.Concat([]byte{0}, flipped), "64 KiB": make([]byte, 64<<10), "flipped bit": flipped,
		"label": labelled, "PKCS 1": pkcs1, "K too long": encrypt(wire.AppendMpint(nil, high.Bytes())),
		"K = 0": encrypt(wire.AppendMpint(nil, nil)), "K = 1": encrypt(wire.AppendMpint(nil, []byte{1})),
		"K negative": encrypt([]byte{0, 0, 0, 1, 0x80}), "K not canonical": encrypt([]byte{0, 0, 0, 2, 0, 1}),
		"no mpint": encrypt([]byte{0, 0, 1}), "nothing": encrypt(nil), "trailing byte": encrypt(append(wire.AppendMpint(nil, bytes.Repeat([]byte{1}, 64)), 0)),
	} {
		secret, err := offerRSAKey(key).Finish(c)
		wantFailed(t, err, errRSASecret)
		if secret != nil || err.Error() != failed(errRSASecret).Error() {
			t.Errorf("%s: %x, %v", name, secret, err)
		}
	}
	secret, err := offerRSAKey(key).Finish(encrypt(wire.AppendMpint(nil, good.Bytes())))
	if err != nil || !bytes.Equal(secret, good.Bytes()) {
		t.Errorf("the longest secret: %x, %v", secret, err)
	}
}

// DH-16: transient keys that a client refuses, before it draws a secret for them.
func TestDH16BadKey(t *testing.T) {
	key, err := rsa.GenerateKey(nil, 2048)
	if err != nil {
		t.Fatal(err)
	}
	n, e := key.N.Bytes(), big.NewInt(65537)
	even := slices.Clone(n)
	even[len(even)-1] &^= 1
	m := sharedRSA()
	for name, blob := range map[string][]byte{
		"empty": nil, "other type": rsaBlob("ssh-dss", e, n), "signature algorithm": rsaBlob("rsa-sha2-256", e, n),
		"512 bits": rsaBlob("ssh-rsa", e, n[:64]), "1023 bits": rsaBlob("ssh-rsa", e, append([]byte{1}, n[:127]...)),
		"1024 bits": rsaBlob("ssh-rsa", e, n[:128]), "2047 bits": rsaBlob("ssh-rsa", e, new(big.Int).SetBit(new(big.Int).Rsh(key.N, 1), 0, 1).Bytes()),
		"16384 bits": rsaBlob("ssh-rsa", e, bytes.Repeat([]byte{0xff}, 2048)), "even": rsaBlob("ssh-rsa", e, even),
		"e = 0": rsaBlob("ssh-rsa", new(big.Int), n), "e = 1": rsaBlob("ssh-rsa", one, n), "e even": rsaBlob("ssh-rsa", big.NewInt(65536), n),
		"e of 40 bits": rsaBlob("ssh-rsa", big.NewInt(1<<40+1), n), "e of 32 bits": rsaBlob("ssh-rsa", big.NewInt(1<<31+1), n),
		"trailing byte": append(rsaBlob("ssh-rsa", e, n), 0), "truncated": rsaBlob("ssh-rsa", e, n)[:100], "64 KiB": make([]byte, 64<<10),
	} {
		encrypted, secret, err := m.Answer(untouched{t}, blob)
		wantFailed(t, err, errRSAKey)
		if encrypted != nil || secret != nil {
			t.Errorf("%s: a secret was made", name)
		}
	}
	if _, _, err := m.Answer(nil, rsaBlob("ssh-rsa", e, n)); err != nil {
		t.Error(err)
	}
}

// A client's secret fills the range that its key has.
func TestRSASecretLength(t *testing.T) {
	for _, bits := range []int{2048, 2049, 2055, 3072} {
		key, err := rsa.GenerateKey(nil, bits)
		if err != nil {
			t.Fatal(err)
		}
		longest := 0
		for range 20 {
			offer := offerRSAKey(key)
			encrypted, secret, err := answerRSA(nil, offer.Public)
			if err != nil {
				t.Fatal(err)
			}
			got, err := offer.Finish(encrypted)
			if err != nil || !bytes.Equal(got, secret) {
				t.Fatalf("%d bits: %v", bits, err)
			}
			longest = max(longest, new(big.Int).SetBytes(secret).BitLen())
		}
		if want := bits - 512 - 49; longest > want || longest < want-8 {
			t.Errorf("%d bits: secrets of %d bits, want %d", bits, longest, want)
		}
	}
}

// A key of TransientRSA ends with its uses and with its time.
func TestTransientRSA(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := NewTransientRSA(2, time.Minute)
		m := source.Method()
		public := func() string {
			offer, err := m.Offer(nil)
			if err != nil {
				t.Fatal(err)
			}
			return string(offer.Public)
		}
		a, b, c := public(), public(), public()
		if a != b || b == c {
			t.Error("a key is not for two exchanges")
		}
		time.Sleep(time.Minute)
		if d := public(); d == c {
			t.Error("a key is older than a minute")
		}
	})
	if _, err := NewTransientRSA(0, 0).Method().Offer(&brokenReader{n: 3}); err == nil {
		t.Error("a broken source of entropy went unnoticed")
	}
}

// A server's own key, of the sizes that clients take.
func TestRSAMethod(t *testing.T) {
	for bits, ok := range map[int]bool{1024: false, 2047: false, 2048: true} {
		key, err := rsa.GenerateKey(nil, bits)
		if err != nil {
			t.Fatal(err)
		}
		m, err := RSAMethod(key)
		if (err == nil) != ok {
			t.Errorf("%d bits: %v", bits, err)
		}
		if ok {
			exchange(t, m, nil, nil)
		}
	}
}
