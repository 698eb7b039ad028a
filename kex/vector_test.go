package kex

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// vectors reads a file of testdata/vectors: groups of "name = value" lines with empty lines between them.
func vectors(t *testing.T, file string) []map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "testdata", "vectors", file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var sets []map[string]string
	fresh := true
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " = ")
		if !ok || strings.HasPrefix(name, "#") {
			fresh = true
			continue
		}
		if fresh {
			sets = append(sets, map[string]string{})
			fresh = false
		}
		sets[len(sets)-1][name] = value
	}
	if err := lines.Err(); err != nil || len(sets) == 0 {
		t.Fatalf("%s: %d sets, %v", file, len(sets), err)
	}
	return sets
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// finishWith runs a whole client side with the private key given, which is all that a method reads from its reader.
func finishWith(t *testing.T, m Method, private, peer []byte) (public, secret []byte) {
	t.Helper()
	offer, err := m.Offer(bytes.NewReader(private))
	if err != nil {
		t.Fatal(err)
	}
	secret, err = offer.Finish(peer)
	if err != nil {
		t.Fatal(err)
	}
	return offer.Public, secret
}

func TestX25519Vectors(t *testing.T) {
	for _, m := range methods(t, "curve25519-sha256", "curve25519-sha256@libssh.org") {
		for i, v := range vectors(t, "x25519_rfc7748.txt") {
			n, k, u := 1, unhex(t, v["scalar"]), unhex(t, v["u"])
			if v["iterations"] != "" {
				n, _ = strconv.Atoi(v["iterations"])
				k = append([]byte{9}, make([]byte, x25519Size-1)...)
				u = k
			}
			for range n {
				_, r := finishWith(t, m, k, u)
				k, u = r, k
			}
			if hex.EncodeToString(k) != v["result"] {
				t.Errorf("%s, set %d: %x, want %s", m.Name, i, k, v["result"])
			}
		}
	}
}

func TestECDHVectors(t *testing.T) {
	names := map[string]string{"P-256": "ecdh-sha2-nistp256", "P-384": "ecdh-sha2-nistp384", "P-521": "ecdh-sha2-nistp521"}
	for _, v := range vectors(t, "ecdh_nist.txt") {
		m := methods(t, names[v["curve"]])[0]
		public, secret := finishWith(t, m, unhex(t, v["private"]), unhex(t, v["peer"]))
		if hex.EncodeToString(public) != v["public"] {
			t.Errorf("%s: public value %x, want %s", m.Name, public, v["public"])
		}
		if hex.EncodeToString(secret) != v["secret"] {
			t.Errorf("%s: secret %x, want %s", m.Name, secret, v["secret"])
		}
		public, secret, err := m.Answer(bytes.NewReader(unhex(t, v["private"])), unhex(t, v["peer"]))
		if err != nil || hex.EncodeToString(public) != v["public"] || hex.EncodeToString(secret) != v["secret"] {
			t.Errorf("%s as server: %x, %x, %v", m.Name, public, secret, err)
		}
	}
}

// The curves as client and as server: a secret, or a refusal where there is none (DH-08, DH-09, DH-10).
func TestWycheproofVectors(t *testing.T) {
	for _, v := range vectors(t, "ecdh_wycheproof.txt") {
		m := methods(t, v["method"])[0]
		t.Run(m.Name+" "+v["id"]+" "+v["note"], func(t *testing.T) {
			private, peer := unhex(t, v["private"]), unhex(t, v["peer"])
			offer, err := m.Offer(bytes.NewReader(private))
			if err != nil {
				t.Fatal(err)
			}
			asClient, clientErr := offer.Finish(peer)
			_, asServer, serverErr := m.Answer(bytes.NewReader(private), peer)
			if v["secret"] == "" {
				wantFailed(t, clientErr, nil)
				wantFailed(t, serverErr, nil)
				return
			}
			for role, secret := range map[string][]byte{"client": asClient, "server": asServer} {
				if hex.EncodeToString(secret) != v["secret"] {
					t.Errorf("secret of the %s is %x, %v, %v", role, secret, clientErr, serverErr)
				}
			}
		})
	}
}

func TestDeriveVectors(t *testing.T) {
	hashes := map[string]func() hash.Hash{"SHA-1": sha1.New, "SHA-256": sha256.New, "SHA-384": sha512.New384, "SHA-512": sha512.New}
	const lengthSize = 4
	for i, v := range vectors(t, "ssh_kdf.txt") {
		m := Method{Hash: hashes[v["hash"]]}
		body := unhex(t, v["K"])[lengthSize:]
		secret := new(big.Int).SetBytes(body).Bytes() // the magnitude, as Finish returns it
		asString := Method{Hash: m.Hash, SecretAsString: true}
		for letter := LetterIVClientToServer; letter <= LetterMACServerToClient; letter++ {
			want, ok := v[string(rune(letter))]
			if !ok {
				continue
			}
			got := make([]byte, len(want)/2)
			m.Derive(got, secret, unhex(t, v["H"]), letter, unhex(t, v["S"]))
			if hex.EncodeToString(got) != want {
				t.Errorf("set %d (%s), %c: %x, want %s", i, v["hash"], letter, got, want)
			}
			// A string with the body of the mpint is hashed the same, which checks the other branch.
			asString.Derive(got, body, unhex(t, v["H"]), letter, unhex(t, v["S"]))
			if hex.EncodeToString(got) != want {
				t.Errorf("set %d (%s), %c as string: %x, want %s", i, v["hash"], letter, got, want)
			}
		}
	}
}

// A longer key starts with the shorter one: RFC 4253 §7.2 only ever appends blocks.
func TestDeriveIsPrefix(t *testing.T) {
	forEach(t, func(t *testing.T, m Method) {
		secret, h, id := []byte{0xff, 2, 3}, []byte("exchange hash"), []byte("session identifier")
		long := make([]byte, 200)
		m.Derive(long, secret, h, LetterKeyClientToServer, id)
		for n := range long {
			short := make([]byte, n)
			m.Derive(short, secret, h, LetterKeyClientToServer, id)
			if !bytes.Equal(short, long[:n]) {
				t.Fatalf("%d bytes are no prefix of %d bytes", n, len(long))
			}
		}
		other := make([]byte, len(long))
		m.Derive(other, secret, h, LetterKeyServerToClient, id)
		if bytes.Equal(other, long) {
			t.Error("two letters, one key")
		}
	})
}

// Keys of three blocks and more, which no official vector has, against the formula of RFC 4253 §7.2 written out.
func TestDeriveManyBlocks(t *testing.T) {
	k, exchangeHash, id := []byte{0, 0, 0, 2, 0x7f, 1}, []byte("H"), []byte("session")
	for name, newHash := range map[string]func() hash.Hash{"SHA-1": sha1.New, "SHA-256": sha256.New, "SHA-512": sha512.New} {
		block := func(parts ...[]byte) []byte {
			h := newHash()
			for _, p := range parts {
				h.Write(p)
			}
			return h.Sum(nil)
		}
		k1 := block(k, exchangeHash, []byte("E"), id)
		k2 := block(k, exchangeHash, k1)
		k3 := block(k, exchangeHash, k1, k2)
		k4 := block(k, exchangeHash, k1, k2, k3)
		want := slices.Concat(k1, k2, k3, k4[:7])
		got := make([]byte, len(want))
		Method{Hash: newHash}.Derive(got, k[4:], exchangeHash, LetterMACClientToServer, id)
		if !bytes.Equal(got, want) {
			t.Errorf("%s: %x, want %x", name, got, want)
		}
	}
}

// Leading zeros of an mpint are not significant, those of a string are.
func TestSecretEncoding(t *testing.T) {
	derive := func(m Method, secret []byte) string {
		key := make([]byte, 32)
		m.Derive(key, secret, []byte("H"), LetterIVClientToServer, []byte("S"))
		return string(key) + string(m.ExchangeHash(HashInput{Secret: secret}))
	}
	mpint, str := methods(t, "curve25519-sha256")[0], methods(t, "mlkem768x25519-sha256")[0]
	if derive(mpint, []byte{0, 0, 0x80, 1}) != derive(mpint, []byte{0x80, 1}) {
		t.Error("mpint: leading zeros count")
	}
	if derive(str, []byte{0, 0x80, 1}) == derive(str, []byte{0x80, 1}) {
		t.Error("string: leading zeros do not count")
	}
	if derive(mpint, []byte{1, 2}) != derive(Method{Hash: mpint.Hash, SecretAsString: true}, []byte{1, 2}) {
		t.Error("an mpint without a sign byte differs from the string")
	}
}
