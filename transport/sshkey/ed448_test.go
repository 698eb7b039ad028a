package sshkey

import (
	"bytes"
	"crypto"
	"encoding/pem"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cloudflare/circl/sign/ed448"

	"github.com/hawser-ssh/hawser/wire"
)

// skipEd448 skips what another implementation does not do with Ed448 keys.
func skipEd448(t *testing.T, key crypto.Signer, who string) {
	t.Helper()
	if _, ok := key.(ed448.PrivateKey); ok {
		t.Skip(who + " has no Ed448")
	}
}

func ed448Blob(point []byte) []byte {
	return wire.AppendBytes(wire.AppendString(nil, "ssh-ed448"), point)
}

func TestVectorsEd448Sign(t *testing.T) {
	for i, v := range vectors(t, "ed448_rfc8032.txt") {
		s := must(NewSigner(ed448.NewKeyFromSeed(unhex(t, v["seed"]))))
		if !bytes.Equal(s.PublicKey().Marshal(), ed448Blob(unhex(t, v["key"]))) {
			t.Errorf("vector %d: blob %x", i+1, s.PublicKey().Marshal())
		}
		label, body := splitBlob(t, must(s.Sign(nil, "ssh-ed448", unhex(t, v["msg"]))))
		if label != "ssh-ed448" || !bytes.Equal(body, unhex(t, v["sig"])) {
			t.Errorf("vector %d: signature %s %x", i+1, label, body)
		}
	}
}

func TestVectorsEd448Verify(t *testing.T) {
	for _, v := range vectors(t, "ed448_wycheproof.txt") {
		key, err := ParsePublicKey(ed448Blob(unhex(t, v["key"])))
		if err == nil {
			err = key.Verify("ssh-ed448", unhex(t, v["msg"]), signatureBlob("ssh-ed448", unhex(t, v["sig"])))
		}
		check(t, v, err)
	}
}

// fieldElement returns the 57 bytes of a small y or, if negative, of p + y.
func fieldElement(y int, sign byte) []byte {
	p := make([]byte, ed448.PublicKeySize)
	if y < 0 {
		copy(p, ed448MinusOne)
		p[0] += byte(y + 1)
	} else {
		p[0] = byte(y)
	}
	p[56] = sign
	return p
}

func TestKEY06Ed448(t *testing.T) {
	overflow := func(add byte) []byte { // p and p+1: non-canonical 0 and 1
		p := fieldElement(-1, 0)
		if p[0] += add; p[0] < add {
			p[0], p[28] = 0, 0xff // p + 1 is 2^448 - 2^224
			clear(p[:28])
		}
		return p
	}
	s := must(NewSigner(testSigners()["ed448"]))
	point := s.PublicKey().Marshal()[len(s.PublicKey().Marshal())-57:]
	for name, p := range map[string][]byte{
		"empty": nil, "56 bytes": point[:56], "58 bytes": append(slices.Clone(point), 0), "32 bytes": point[:32],
		"y = 0": fieldElement(0, 0), "y = 0, other sign": fieldElement(0, 0x80), "identity": fieldElement(1, 0),
		"identity, other sign": fieldElement(1, 0x80), "y = -1": fieldElement(-1, 0), "y = -1, other sign": fieldElement(-1, 0x80),
		"y = p": overflow(1), "y = p+1": overflow(2), "bits above the sign": append(slices.Clone(point[:56]), 1),
		"all ones": bytes.Repeat([]byte{0xff}, 57),
	} {
		if _, err := ParsePublicKey(ed448Blob(p)); err == nil {
			t.Errorf("%s: accepted as key", name)
		}
		if _, err := NewPublicKey(ed448.PublicKey(p)); err == nil {
			t.Errorf("%s: accepted as crypto key", name)
		}
	}
	off := 0
	for y := 2; y < 40; y++ { // half of all y are on no point
		if _, err := ParsePublicKey(ed448Blob(fieldElement(y, 0))); err != nil {
			off++
		}
	}
	if off == 0 || off == 38 {
		t.Errorf("%d of 38 points are off the curve", off)
	}
	data := []byte("data")
	_, body := splitBlob(t, must(s.Sign(nil, "ssh-ed448", data)))
	large := slices.Clone(body)
	copy(large[57:], bytes.Repeat([]byte{0xff}, 56))
	for name, b := range map[string][]byte{
		"113 bytes": body[:113], "115 bytes": append(slices.Clone(body), 0), "empty": nil, "S >= L": large,
		"R of small order": slices.Concat(fieldElement(1, 0), body[57:]), "zero": make([]byte, 114),
	} {
		if err := s.PublicKey().Verify("ssh-ed448", data, signatureBlob("ssh-ed448", b)); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEd448PrivateForms(t *testing.T) {
	key := testSigners()["ed448"].(ed448.PrivateKey)
	der := must(marshalPKCS8(key))
	sameKey(t, must2(ParsePrivateKey(pemFile("PRIVATE KEY", der), nil)), key)
	for n := range der {
		if _, _, err := ParsePrivateKey(pemFile("PRIVATE KEY", der[:n]), nil); !errors.Is(err, ErrKeyFile) {
			t.Fatalf("%d of %d bytes: %v", n, len(der), err)
		}
	}
	other := must(GenerateEd448()).(ed448.PrivateKey)
	swapped := slices.Concat(key[:57], other[57:])
	for name, k := range map[string]ed448.PrivateKey{"seed of another": swapped, "short": key[:113]} {
		plain := wire.AppendString(make([]byte, 8), "ssh-ed448")
		plain = wire.AppendBytes(wire.AppendBytes(plain, k[57:]), k)
		plain = wire.AppendString(plain, "")
		for i := byte(1); len(plain)%8 != 0; i++ {
			plain = append(plain, i)
		}
		f := opensshFile{cipher: must(lookupFileCipher(noCipher)), kdf: kdfNone, public: ed448Blob(k[57:]), private: plain}
		if _, _, err := ParsePrivateKey(pemFile(opensshPEM, f.append([]byte(opensshMagic))), nil); !errors.Is(err, ErrKeyFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPeerPuTTYKeys exchanges keys with puttygen, the other way about too for
// what it can import.
func TestPeerPuTTYKeys(t *testing.T) {
	puttygen := peer(t, "puttygen")
	for _, kind := range []string{"ed448", "ed25519", "ecdsa", "rsa", "dsa"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			empty := write(t, filepath.Join(dir, "empty"), nil)
			ppk, file := filepath.Join(dir, "key.ppk"), filepath.Join(dir, "key")
			args := []string{"-q", "-t", kind, "--new-passphrase", empty, "-C", "ours", "-o", ppk}
			if kind == "dsa" {
				args = append(args, "-b", "1024")
			}
			run(t, puttygen, args...)
			run(t, puttygen, ppk, "--old-passphrase", empty, "--new-passphrase", empty, "-O", "private-openssh-new", "-o", file)
			key, comment, err := ParsePrivateKey(read(t, file), nil)
			if err != nil || comment != "ours" {
				t.Fatalf("comment %q: %v", comment, err)
			}
			line := strings.TrimSpace(run(t, puttygen, "-L", ppk))
			if public := must(ParseAuthorizedKey(line)); !Equal(public.Key, must(NewPublicKey(key.Public()))) {
				t.Errorf("puttygen says %s", line)
			}
			mine := write(t, filepath.Join(dir, "mine"), must(PrivateKeyFormat{Rounds: 1}.MarshalPrivateKey(key, "ours", []byte("pw"))))
			passphrase := write(t, filepath.Join(dir, "passphrase"), []byte("pw"))
			if got := strings.TrimSpace(run(t, puttygen, "-L", mine, "--old-passphrase", passphrase)); got != line {
				t.Errorf("puttygen reads %s from ours, %s from its own", got, line)
			}
		})
	}
}

// TestPeerOpenSSLEd448 signs with openssl and lets it verify.
func TestPeerOpenSSLEd448(t *testing.T) {
	openssl := peer(t, "openssl")
	dir := t.TempDir()
	file := filepath.Join(dir, "key")
	run(t, openssl, "genpkey", "-algorithm", "ed448", "-out", file)
	key, _, err := ParsePrivateKey(read(t, file), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := must(NewSigner(key))
	data := write(t, filepath.Join(dir, "data"), []byte("some data"))
	out := filepath.Join(dir, "sig")
	run(t, openssl, "pkeyutl", "-sign", "-rawin", "-inkey", file, "-in", data, "-out", out)
	_, body := splitBlob(t, must(s.Sign(nil, "ssh-ed448", []byte("some data"))))
	if !bytes.Equal(body, read(t, out)) {
		t.Error("openssl makes another signature")
	}
	encrypted := run(t, openssl, "pkcs8", "-topk8", "-in", file, "-passout", "pass:secret")
	if block, _ := pem.Decode([]byte(encrypted)); block.Type != "ENCRYPTED PRIVATE KEY" {
		t.Fatal(encrypted)
	}
	sameKey(t, must2(ParsePrivateKey([]byte(encrypted), []byte("secret"))), key)
}
