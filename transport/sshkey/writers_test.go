package sshkey

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudflare/circl/sign/ed448"
)

// equalKeys compares by what a key says of itself.
func equalKeys(a, b crypto.Signer) bool {
	switch k := a.(type) {
	case ed448.PrivateKey:
		return k.Equal(b)
	case *rsa.PrivateKey: // PuTTY puts the larger prime first
		other, ok := b.(*rsa.PrivateKey)
		return ok && k.PublicKey.Equal(&other.PublicKey) && k.D.Cmp(other.D) == 0
	}
	k, ok := a.(interface{ Equal(crypto.PrivateKey) bool })
	return ok && k.Equal(b)
}

// quickPKCS8 does not make tests slow.
var quickPKCS8 = PKCS8Format{Iterations: 10}

func TestPKCS8RoundTrip(t *testing.T) {
	eachKey(t, func(t *testing.T, key crypto.Signer) {
		for _, passphrase := range []string{"", "pass phrase", "ünïcödé"} {
			file := must(quickPKCS8.MarshalPKCS8(key, []byte(passphrase)))
			back, comment, err := ParsePrivateKey(file, []byte(passphrase))
			if err != nil || comment != "" || !equalKeys(back, key) {
				t.Fatalf("%q: %v, comment %q", passphrase, err, comment)
			}
			if passphrase == "" {
				continue
			}
			if _, _, err := ParsePrivateKey(file, nil); err != ErrPassphraseMissing {
				t.Errorf("no passphrase: %v", err)
			}
			if _, _, err := ParsePrivateKey(file, []byte("wrong")); err != ErrPassphraseWrong {
				t.Errorf("wrong passphrase: %v", err)
			}
		}
	})
}

func TestPKCS8Iterations(t *testing.T) {
	key := testSigners()["ed25519"]
	for _, n := range []int{-1, MaxPBKDF2 + 1} {
		if _, err := (PKCS8Format{Iterations: n}).MarshalPKCS8(key, []byte("x")); !errors.Is(err, ErrKeyFile) {
			t.Errorf("%d iterations: %v", n, err)
		}
	}
	file := must(PKCS8Format{Iterations: MaxPBKDF2}.MarshalPKCS8(key, []byte("x")))
	if _, _, err := ParsePrivateKey(file, []byte("x")); err != nil {
		t.Errorf("most iterations: %v", err)
	}
}

// unwritable are keys that no file has a form for.
func unwritable(t *testing.T) map[string]crypto.Signer {
	three := must(rsa.GenerateMultiPrimeKey(rand.Reader, 3, 2048)) //lint:ignore SA1019 that is the point
	return map[string]crypto.Signer{
		"elsewhere":    fakeSigner{public: testRSA().Public()},
		"three primes": three,
		"P-224":        must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader)),
		"no DSA x":     &DSAPrivateKey{},
	}
}

func TestWritersRefuseOtherKeys(t *testing.T) {
	for name, key := range unwritable(t) {
		if name == "no DSA x" {
			dsa := *rfc6979DSA()
			dsa.X = nil
			key = &dsa
		}
		if _, err := MarshalPPK(key, "", nil); !isUnsupported(err) {
			t.Errorf("PPK, %s: %v", name, err)
		}
		if _, err := MarshalPrivateKey(key, "", nil); !isUnsupported(err) {
			t.Errorf("OpenSSH, %s: %v", name, err)
		}
		if _, err := MarshalPKCS8(key, nil); name != "three primes" && !isUnsupported(err) {
			t.Errorf("PKCS #8, %s: %v", name, err)
		}
	}
}

func isUnsupported(err error) bool {
	_, ok := errors.AsType[*UnsupportedError](err)
	return ok
}

func TestPPKRefusals(t *testing.T) {
	key := testSigners()["ed25519"]
	for _, comment := range []string{"two\nlines", "a\tb", "\x00", strings.Repeat("x", MaxKeyComment+1)} {
		if _, err := MarshalPPK(key, comment, nil); !errors.Is(err, ErrKeyFile) {
			t.Errorf("comment %.9q: %v", comment, err)
		}
	}
	if _, err := MarshalPPK(key, strings.Repeat("x", MaxKeyComment), nil); err != nil {
		t.Errorf("longest comment: %v", err)
	}
	for _, f := range []PPKFormat{
		{Memory: MaxPPKMemory + 1}, {Passes: MaxPPKPasses + 1}, {Memory: 7}, {Memory: 8, Parallelism: 2},
		{Parallelism: MaxPPKParallelism + 1},
	} {
		if _, err := f.MarshalPPK(key, "", []byte("x")); !errors.Is(err, ErrKeyFile) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

// TestPeerReadsPPK lets puttygen convert what we wrote.
func TestPeerReadsPPK(t *testing.T) {
	puttygen := peer(t, "puttygen")
	dir := t.TempDir()
	secret := write(t, filepath.Join(dir, "secret"), []byte("pass phrase\n"))
	empty := write(t, filepath.Join(dir, "empty"), nil)
	eachKey(t, func(t *testing.T, key crypto.Signer) {
		public := must(Limits{MinRSABits: LowestMinRSABits}.NewPublicKey(key.Public()))
		for name, f := range map[string]PPKFormat{"default": {}, "own": {Memory: 64, Passes: 3, Parallelism: 2}, "plain": {}} {
			if name == "default" && public.Type() != "ssh-ed25519" {
				continue // it takes long, and is the same for all
			}
			passphrase, file := []byte("pass phrase"), secret
			if name == "plain" {
				passphrase, file = nil, empty
			}
			path := filepath.Join(t.TempDir(), "key.ppk")
			write(t, path, must(f.MarshalPPK(key, "a comment", passphrase)))
			line := must(ParseAuthorizedKey(run(t, puttygen, path, "-O", "public-openssh", "--old-passphrase", file)))
			if !Equal(line.Key, public) || line.Comment != "a comment" {
				t.Errorf("%s: puttygen reads another key, comment %q", name, line.Comment)
			}
			out := filepath.Join(t.TempDir(), "key")
			run(t, puttygen, path, "-O", "private-openssh-new", "-o", out, "--old-passphrase", file, "--new-passphrase", empty)
			back, comment, err := ParsePrivateKey(read(t, out), nil)
			if err != nil || comment != "a comment" || !equalKeys(back, key) {
				t.Errorf("%s: back from puttygen: %v, comment %q", name, err, comment)
			}
		}
	})
}

// TestPeerReadsPKCS8 lets openssl and ssh-keygen read what we wrote.
func TestPeerReadsPKCS8(t *testing.T) {
	openssl, keygen := peer(t, "openssl"), peer(t, "ssh-keygen")
	eachKey(t, func(t *testing.T, key crypto.Signer) {
		public := must(Limits{MinRSABits: LowestMinRSABits}.newPublicKey(key.Public()))
		for _, passphrase := range []string{"", "pass phrase"} {
			path := write(t, filepath.Join(t.TempDir(), "key"), must(quickPKCS8.MarshalPKCS8(key, []byte(passphrase))))
			back := run(t, openssl, "pkey", "-in", path, "-passin", "pass:"+passphrase)
			parsed, _, err := ParsePrivateKey([]byte(back), nil)
			if err != nil || !equalKeys(parsed, key) {
				t.Errorf("openssl: %v", err)
			}
			if public.kind.name == "ssh-ed448" || public.kind.name == "ssh-ed25519" {
				continue // ssh-keygen reads these in its own form only
			}
			line := must(ParseAuthorizedKey(run(t, keygen, "-y", "-P", passphrase, "-f", path)))
			if !Equal(line.Key, public) {
				t.Error("ssh-keygen reads another key")
			}
		}
	})
}

func TestRFC4716(t *testing.T) {
	key := must(NewPublicKey(testRSA().Public()))
	long := strings.Repeat("ä comment \\ with \" and ", 20)
	for _, comment := range []string{"", "user@host", `C:\`, long, strings.Repeat("x", 1022)} {
		file := string(must(MarshalRFC4716(key, comment)))
		for line := range strings.SplitSeq(file, "\n") {
			if len(line) > 72 {
				t.Errorf("line of %d bytes: %s", len(line), line)
			}
		}
		got, blob := readRFC4716(t, file)
		if got != comment || !bytes.Equal(blob, key.Marshal()) {
			t.Errorf("comment %q, want %q", got, comment)
		}
	}
	for _, comment := range []string{"a\nb", "\xff", "\x7f", strings.Repeat("x", 1023)} {
		if _, err := MarshalRFC4716(key, comment); err == nil {
			t.Errorf("comment %.9q passes", comment)
		}
	}
}

// readRFC4716 is the file's form as the RFC tells it.
func readRFC4716(t *testing.T, file string) (comment string, blob []byte) {
	t.Helper()
	body, ok := strings.CutPrefix(file, "---- BEGIN SSH2 PUBLIC KEY ----\n")
	body, ok2 := strings.CutSuffix(body, "---- END SSH2 PUBLIC KEY ----\n")
	if !ok || !ok2 {
		t.Fatalf("markers: %s", file)
	}
	body = strings.ReplaceAll(body, "\\\n", "")
	if header, rest, found := strings.Cut(body, "\n"); strings.HasPrefix(header, "Comment: ") && found {
		comment, body = strings.TrimPrefix(header, "Comment: "), rest
		comment = comment[1 : len(comment)-1]
	}
	return comment, must(base64.StdEncoding.DecodeString(strings.ReplaceAll(body, "\n", "")))
}

// TestPeerReadsRFC4716 lets ssh-keygen and puttygen read what we wrote.
func TestPeerReadsRFC4716(t *testing.T) {
	keygen, puttygen := peer(t, "ssh-keygen"), peer(t, "puttygen")
	eachKey(t, func(t *testing.T, key crypto.Signer) {
		public := must(Limits{MinRSABits: LowestMinRSABits}.NewPublicKey(key.Public()))
		long := strings.Repeat("a long comment, ", 10) + "end"
		path := write(t, filepath.Join(t.TempDir(), "long.pub"), must(MarshalRFC4716(public, long)))
		if public.Type() != "ssh-ed448" {
			line := must(ParseAuthorizedKey(run(t, keygen, "-i", "-f", path)))
			if !Equal(line.Key, public) {
				t.Error("ssh-keygen reads another key")
			}
		}
		const comment = "user at host" // puttygen does not read headers of several lines
		path = write(t, filepath.Join(t.TempDir(), "short.pub"), must(MarshalRFC4716(public, comment)))
		line := must(ParseAuthorizedKey(run(t, puttygen, path, "-O", "public-openssh")))
		if !Equal(line.Key, public) || line.Comment != comment {
			t.Errorf("puttygen reads another key, comment %q", line.Comment)
		}
	})
}
