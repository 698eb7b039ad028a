package certstore

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// kinds of errors; each is one of these, or about a file.
var errorKinds = []error{ErrPassword, ErrMalformed, ErrTooCostly, ErrUnsupported}

func knownError(err error) bool {
	for _, kind := range errorKinds {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// TestWrongPassword: a file that needs a password does not open with another, and says so.
func TestWrongPassword(t *testing.T) {
	encrypted := 0
	eachRecipe(func(r recipe) {
		if r.err != nil {
			return
		}
		if testing.Short() && slices.Contains(costly, r.file) {
			return
		}
		text := readFileT(t, keysDir, r.file)
		_, open := Parse(text, "")
		_, wrong := Parse(text, "wrong")
		if open == nil && wrong == nil {
			return // not encrypted
		}
		encrypted++
		for name, err := range map[string]error{"none": open, "another": wrong} {
			if err != nil && !errors.Is(err, ErrPassword) {
				t.Errorf("%s, password %s: %v", r.file, name, err)
			}
		}
	})
	if encrypted < 30 {
		t.Errorf("only %d files are encrypted", encrypted)
	}
}

// cheap are files of all forms that cost little to open, and whether something in them tells that they were changed.
var cheap = []struct {
	file   string
	sealed bool
}{
	{"ec256.pem", false}, {"ec256-sec1-aes128.pem", false}, {"ed448.pem", false}, {"ec384-sec1.der", false},
	{"ec256.crt", false}, {"ec256-crt.der", false}, {"dsa-public.der", false}, {"rsa-public-pkcs1.pem", false}, {"chain.p7b", false},
	{"signed.p7b", false}, {"ec256-sha512.p12", true}, {"ec256-nomac.p12", false}, {"rsa.jks", true}, {"trusted.jks", true},
	{"ssh-ed25519", false}, {"ssh-ed25519.pub", false}, {"ssh-ed25519.rfc4716", false}, {"ec384-v2.ppk", true}, {"ed448.ppk", true},
	{"ed25519-argon2d.ppk", true}, {"ec256.jwk", false}, {"ed448.jwk", false}, {"dsa.xml", false},
}

// opened returns the public halves of the private keys in a store, in the order of the store.
func opened(t *testing.T, file string, data []byte) (blobs [][]byte, err error) {
	t.Helper()
	in := &input{data: plain(data), password: password, iterations: 5000}
	keys, err := parseAny(in)
	if err != nil {
		if !knownError(err) {
			t.Errorf("%s: %v is of no kind", file, err)
		}
		return nil, err
	}
	for _, k := range keys {
		if k.Signer == nil {
			continue
		}
		public, err := accepted.NewPublicKey(k.Signer.Public())
		if err != nil || !samePublic(k.Public, k.Signer.Public()) {
			t.Fatalf("%s: a private key without its public one: %v", file, err)
		}
		blobs = append(blobs, public.Marshal())
	}
	return blobs, nil
}

// step is from one position of a file to the next that is tried: all of them, unless time is short.
func step() int {
	if testing.Short() {
		return 61
	}
	return 1
}

// TestFIL02Truncated: what is left of a file is refused, or is what the whole file was.
func TestFIL02Truncated(t *testing.T) {
	for _, c := range cheap {
		text := readFileT(t, keysDir, c.file)
		whole, err := opened(t, c.file, text)
		if err != nil {
			t.Fatalf("%s: %v", c.file, err)
		}
		for n := 0; n < len(text); n += step() {
			part, err := opened(t, c.file, text[:n])
			if err == nil && len(bytes.TrimSpace(text[n:])) > 0 && len(part) > 0 && len(part) >= len(whole) {
				t.Errorf("%s: %d of %d bytes are %d keys", c.file, n, len(text), len(part))
			}
		}
	}
}

// TestFIL02BitFlips: a changed file is refused, or is a key of two halves that fit; if it is sealed, it is the same key.
func TestFIL02BitFlips(t *testing.T) {
	for _, c := range cheap {
		text := readFileT(t, keysDir, c.file)
		whole, err := opened(t, c.file, text)
		if err != nil {
			t.Fatalf("%s: %v", c.file, err)
		}
		for i := 0; i < len(text); i += step() {
			bit := byte(1) << (i % 8)
			text[i] ^= bit
			changed, err := opened(t, c.file, text)
			text[i] ^= bit
			if err == nil && c.sealed && fmt.Sprint(changed) != fmt.Sprint(whole) {
				t.Errorf("%s: a bit of byte %d makes another key", c.file, i)
			}
		}
	}
}

// seq is a SEQUENCE of elements in DER, for making bad ones.
func seq(elements ...[]byte) []byte { return tlv(0x30, elements...) }

func tlv(tag byte, content ...[]byte) []byte {
	return appendElement(nil, []byte{tag}, bytes.Join(content, nil))
}

func der(t testing.TB, v any) []byte {
	t.Helper()
	b, err := asn1.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pbes2Of returns EncryptedPrivateKeyInfo with that KeyDerivationFunc.
func pbes2Of(t testing.TB, kdf []byte) []byte {
	cipher := seq(der(t, schemes[2].oid), tlv(0x04, make([]byte, 16)))
	return seq(seq(der(t, oidPBES2), seq(kdf, cipher)), tlv(0x04, make([]byte, 32)))
}

func pbkdf2Of(t testing.TB, iterations any) []byte {
	return seq(der(t, derivations[0].oid), seq(der(t, make([]byte, 8)), der(t, iterations), seq(der(t, hashes[3].hmac))))
}

func scryptOf(t testing.TB, n, r, p any) []byte {
	return seq(der(t, derivations[1].oid), seq(der(t, make([]byte, 8)), der(t, n), der(t, r), der(t, p)))
}

// pfxOf returns a PFX with that MacData.
func pfxOf(t testing.TB, macData []byte) []byte {
	return seq(der(t, 3), seq(der(t, oidData), tlv(0xa0, tlv(0x04, seq()))), macData)
}

func macDataOf(t testing.TB, iterations any) []byte {
	return seq(seq(seq(der(t, hashes[1].oid)), tlv(0x04, make([]byte, 32))), tlv(0x04, make([]byte, 8)), der(t, iterations))
}

// ppkOf returns an encrypted PuTTY key with these parameters.
func ppkOf(memory, passes, parallelism string) []byte {
	return []byte("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: aes256-cbc\nComment: c\nPublic-Lines: 1\nAAAA\n" +
		"Key-Derivation: Argon2id\nArgon2-Memory: " + memory + "\nArgon2-Passes: " + passes + "\nArgon2-Parallelism: " + parallelism +
		"\nArgon2-Salt: 00\nPrivate-Lines: 1\nAAAAAAAAAAAAAAAAAAAAAA==\nPrivate-MAC: 00\n")
}

// TestFIL02Costs: what would take long or much memory is refused before it starts.
func TestFIL02Costs(t *testing.T) {
	huge := new(big.Int).Lsh(big.NewInt(1), 80)
	long := strings.Repeat("B", 20_000)
	for _, c := range []struct {
		name string
		data []byte
		want error
	}{
		{"PBKDF2, 2^31 rounds", pbes2Of(t, pbkdf2Of(t, 1<<31)), ErrTooCostly},
		{"PBKDF2, 2^80 rounds", pbes2Of(t, pbkdf2Of(t, huge)), ErrMalformed},
		{"PBKDF2, one round more", pbes2Of(t, pbkdf2Of(t, MaxIterations+1)), ErrTooCostly},
		{"PBKDF2, no rounds", pbes2Of(t, pbkdf2Of(t, 0)), ErrMalformed},
		{"PBKDF2, fewer than no rounds", pbes2Of(t, pbkdf2Of(t, -1)), ErrMalformed},
		{"scrypt, much memory", pbes2Of(t, scryptOf(t, 1<<40, 8, 1)), ErrTooCostly},
		{"scrypt, 1 GiB and more", pbes2Of(t, scryptOf(t, 1<<21, 8, 1)), ErrTooCostly},
		{"scrypt, 2^80", pbes2Of(t, scryptOf(t, huge, huge, huge)), ErrTooCostly},
		{"scrypt, much work", pbes2Of(t, scryptOf(t, 2, 1, 1<<30)), ErrTooCostly},
		{"scrypt, no power of two", pbes2Of(t, scryptOf(t, 3, 1, 1)), ErrMalformed},
		{"scrypt, nothing", pbes2Of(t, scryptOf(t, 0, 0, 0)), ErrMalformed},
		{"PKCS #12, 2^31 rounds", pfxOf(t, macDataOf(t, 1<<31)), ErrTooCostly},
		{"PKCS #12, one round more", pfxOf(t, macDataOf(t, MaxIterations+1)), ErrTooCostly},
		{"PKCS #12, no rounds", pfxOf(t, macDataOf(t, 0)), ErrMalformed},
		{"Argon2, 2^32 KiB", ppkOf("4294967296", "1", "1"), ErrMalformed},
		{"Argon2, 2^32-1 KiB", ppkOf("4294967295", "1", "1"), ErrTooCostly},
		{"Argon2, 2^32-1 passes", ppkOf("8192", "4294967295", "1"), ErrTooCostly},
		{"Argon2, 1 GiB and 1 KiB", ppkOf("1048577", "1", "1"), ErrTooCostly},
		{"Argon2, too much of both", ppkOf("65536", "65", "1"), ErrTooCostly},
		{"Argon2, 256 threads", ppkOf("8192", "1", "256"), ErrTooCostly},
		{"Argon2, no pass", ppkOf("8192", "0", "1"), ErrMalformed},
		{"Argon2, less than 8 KiB a thread", ppkOf("8", "1", "2"), ErrMalformed},
		{"nested", bytes.Repeat([]byte{0x30, 0x80}, 100_000), ErrMalformed},
		{"nested in XML", []byte(strings.Repeat("<a>", 100_000)), ErrMalformed},
		{"nested in JSON", []byte(strings.Repeat(`{"keys":[`, 100_000)), ErrMalformed},
		{"RSA of 10^5 bits in XML", []byte("<RSAKeyValue><Modulus>" + long + "</Modulus><Exponent>AQAB</Exponent><D>" + long + "</D><P>" + long + "</P><Q>" + long + "</Q></RSAKeyValue>"), ErrUnsupported},
		{"RSA of 10^5 bits in JWK", []byte(`{"kty":"RSA","n":"` + long + `","e":"AQAB","d":"` + long + `","p":"` + long + `","q":"` + long + `"}`), ErrUnsupported},
		{"many keystore entries", jksOf(1<<32-1, nil), ErrMalformed},
		{"long keystore entry", jksOf(1, []byte{0, 0, 0, 1, 0, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}), ErrMalformed},
		{"many certificates in a keystore", jksOf(1, []byte{0, 0, 0, 1, 0, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}), ErrMalformed},
		{"too large", make([]byte, MaxStore+1), ErrTooCostly},
		{"empty", nil, ErrMalformed},
		{"spaces", []byte(" \n"), ErrMalformed},
		{"nonsense", []byte("nonsense"), ErrMalformed},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Parse(c.data, password)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
			t.Errorf("%s: %d bytes were allocated", c.name, used)
		}
	}
}

// jksOf returns a keystore with that number of entries and these bytes, and the digest of all of it.
func jksOf(count uint32, entries []byte) []byte {
	body := []byte{0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, byte(count >> 24), byte(count >> 16), byte(count >> 8), byte(count)}
	body = append(body, entries...)
	return append(body, sha1Of(utf16Bytes(password), []byte(jksWhitener), body)...)
}

// TestWorkLimits: each limit is reached and passed by one, without doing the work.
func TestWorkLimits(t *testing.T) {
	in := &input{iterations: MaxIterations}
	if err := in.spend(MaxIterations); err != nil || in.iterations != 0 {
		t.Errorf("%v, %d left", err, in.iterations)
	}
	if err := in.spend(1); !errors.Is(err, ErrTooCostly) {
		t.Errorf("one more: %v", err)
	}
	if err := checkSalt(make([]byte, sshkey.MaxKDFSalt)); err != nil {
		t.Error(err)
	}
	if err := checkSalt(make([]byte, sshkey.MaxKDFSalt+1)); !errors.Is(err, ErrTooCostly) {
		t.Error(err)
	}
	c := &collector{}
	for range MaxEntries {
		if err := c.add(&Key{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.add(&Key{}, nil); !errors.Is(err, ErrTooCostly) {
		t.Errorf("one entry more: %v", err)
	}
	c, signer := &collector{}, newKey(t, pkix.Name{}, "")
	for range MaxPrivate {
		if err := c.add(signer, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.add(signer, nil); !errors.Is(err, ErrTooCostly) {
		t.Errorf("one private key more: %v", err)
	}
	text, err := sshkey.PrivateKeyFormat{Rounds: 1}.MarshalPrivateKey(signer.Signer, "", []byte(password))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(bytes.Repeat(text, MaxBcrypt), password); err != nil {
		t.Error(err)
	}
	if _, err := Parse(bytes.Repeat(text, MaxBcrypt+1), password); !errors.Is(err, ErrTooCostly) {
		t.Errorf("one OpenSSH key more: %v", err)
	}
	nested := func(n int) []byte {
		b := []byte{0x05, 0x00}
		for range n {
			b = seq(b)
		}
		return b
	}
	if _, err := toDER(nested(maxNesting - 1)); err != nil {
		t.Error(err)
	}
	if _, err := toDER(nested(maxNesting)); !errors.Is(err, ErrMalformed) {
		t.Errorf("one level more: %v", err)
	}
	dir := t.TempDir()
	for size, want := range map[int]error{MaxStore: ErrMalformed, MaxStore + 1: ErrTooCostly} {
		file := filepath.Join(dir, "large")
		if err := os.WriteFile(file, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(PFXFile, []byte(file), ""); !errors.Is(err, want) {
			t.Errorf("file of %d bytes: %v", size, err)
		}
	}
}

// TestSourceIsKept: what the caller gave is his.
func TestSourceIsKept(t *testing.T) {
	for _, c := range cheap {
		text := readFileT(t, keysDir, c.file)
		before := bytes.Clone(text)
		if _, err := Parse(text, password); err != nil || !bytes.Equal(text, before) {
			t.Errorf("%s was changed: %v", c.file, err)
		}
	}
}

// TestErrorsTellNoSecret: a key that stands where the name of a file should is not repeated.
func TestErrorsTellNoSecret(t *testing.T) {
	key := strings.TrimSpace(string(readFileT(t, keysDir, "ec256.jwk")))
	inner := strings.Repeat("c2VjcmV0", 40) // base64
	for _, source := range []string{key, inner, string(readFileT(t, keysDir, "ec256.pem")), string(readFileT(t, keysDir, "rsa.p12"))} {
		for _, typ := range []Type{PFXFile, PEMKeyFile, JWKFile, PPKFile} {
			if _, err := Open(typ, []byte(source), ""); err == nil || strings.Contains(err.Error(), source[:32]) {
				t.Errorf("%v: %v", typ, err)
			}
		}
	}
}
