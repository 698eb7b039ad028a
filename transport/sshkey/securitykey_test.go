package sshkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/wire"
)

const (
	skEd25519 = "sk-ssh-ed25519@openssh.com"
	skECDSA   = "sk-ecdsa-sha2-nistp256@openssh.com"
)

// softKey is a security key in software.
type softKey struct {
	inner       crypto.Signer
	name        string
	application string
	flags       byte
	counter     uint32
}

// softKeys returns one of each type, touched.
func softKeys() map[string]softKey {
	return map[string]softKey{
		skEd25519: {inner: testSigners()["ed25519"], name: skEd25519, application: "ssh:", flags: flagUserPresent, counter: 7},
		skECDSA:   {inner: testSigners()["ecdsa"], name: skECDSA, application: "ssh:", flags: flagUserPresent, counter: 1<<32 - 1},
	}
}

func (k softKey) blob() []byte {
	b := wire.AppendString(nil, k.name)
	inner := must(Limits{}.newPublicKey(k.inner.Public()))
	return wire.AppendString(inner.key.appendFields(b), k.application)
}

func (k softKey) PublicKey() PublicKey { return must(ParsePublicKey(k.blob())) }
func (k softKey) Algorithms() []string { return []string{k.name} }

func (k softKey) Sign(_ io.Reader, _ string, data []byte) ([]byte, error) {
	return binary.BigEndian.AppendUint32(append(signatureBlob(k.name, k.body(data)), k.flags), k.counter), nil
}

// body returns the signature without flags and counter.
func (k softKey) body(data []byte) []byte {
	a, m := sha256.Sum256([]byte(k.application)), sha256.Sum256(data)
	signed := slices.Concat(a[:], []byte{k.flags}, binary.BigEndian.AppendUint32(nil, k.counter), m[:])
	if key, ok := k.inner.(ed25519.PrivateKey); ok {
		return ed25519.Sign(key, signed)
	}
	sum := sha256.Sum256(signed)
	raw := must(k.inner.Sign(nil, sum[:], crypto.SHA256))
	return must(must(Limits{}.newPublicKey(k.inner.(*ecdsa.PrivateKey).Public())).key.encode(raw))
}

func TestVectorsSSHSig(t *testing.T) {
	for i, v := range vectors(t, "openssh_sshsig.txt") {
		key := must(ParseAuthorizedKey(v["key"])).Key
		blob := unhex(t, v["sig"])
		r := wire.NewFieldReader(blob, "signature")
		data := sshsigDataIn("unittest", v["hash"], unhex(t, v["msg"]))
		if err := key.Verify(r.String("label"), data, blob); err != nil {
			t.Errorf("vector %d (%s): %v", i+1, key.Type(), err)
		}
		if err := key.Verify(string(blob[4:4+blob[3]]), append(data, 0), blob); !errors.Is(err, ErrSignature) {
			t.Errorf("vector %d (%s) over other data: %v", i+1, key.Type(), err)
		}
	}
}

func TestSecurityKeyRoundTrip(t *testing.T) {
	for name, k := range softKeys() {
		key := k.PublicKey()
		if key.Type() != name || string(key.Marshal()) != string(k.blob()) || key.CryptoPublicKey() != nil {
			t.Errorf("%s: parse and marshal differ", name)
		}
		for n := range k.blob() {
			if _, err := ParsePublicKey(k.blob()[:n]); err == nil {
				t.Fatalf("%s: %d bytes accepted", name, n)
			}
		}
		if _, err := ParsePublicKey(append(k.blob(), 0)); err == nil {
			t.Errorf("%s: trailing byte accepted", name)
		}
		line := must(AuthorizedKey{Key: key, Comment: "c"}.Marshal())
		if again := must(ParseAuthorizedKey(string(line))); !Equal(again.Key, key) {
			t.Errorf("%s: %s", name, line)
		}
		if got := AlgorithmsFor(name); !slices.Equal(got, []string{name}) || slices.Contains(DefaultAlgorithms(), name) {
			t.Errorf("%s: algorithms %v", name, got)
		}
		k.application = strings.Repeat("x", MaxApplication)
		if _, err := ParsePublicKey(k.blob()); err != nil {
			t.Errorf("%s: application at the limit: %v", name, err)
		}
		k.application += "x"
		if _, err := ParsePublicKey(k.blob()); err == nil {
			t.Errorf("%s: application above the limit accepted", name)
		}
	}
	if got := SecurityKeyAlgorithms(); !slices.Equal(got, []string{skEd25519, skECDSA}) {
		t.Error(got)
	}
}

func TestKEY07SecurityKeyFlags(t *testing.T) {
	const up, uv = flagUserPresent, flagUserVerified
	data := []byte("data")
	for name, k := range softKeys() {
		for _, c := range []struct {
			flags   byte
			options VerifyOptions
			good    bool
		}{
			{up, VerifyOptions{}, true}, {up | uv, VerifyOptions{}, true}, {0, VerifyOptions{}, false}, {uv, VerifyOptions{}, false},
			{0, VerifyOptions{NoTouchRequired: true}, true}, {uv, VerifyOptions{NoTouchRequired: true}, true},
			{up, VerifyOptions{VerifyRequired: true}, false}, {uv, VerifyOptions{VerifyRequired: true}, false},
			{up | uv, VerifyOptions{VerifyRequired: true}, true},
			{uv, VerifyOptions{VerifyRequired: true, NoTouchRequired: true}, true},
			{up, VerifyOptions{VerifyRequired: true, NoTouchRequired: true}, false},
			{0xfa, VerifyOptions{}, false}, {0xff, VerifyOptions{}, true},
		} {
			k.flags = c.flags
			sig := must(k.Sign(nil, name, data))
			err := c.options.Verify(k.PublicKey(), name, data, sig)
			if (err == nil) != c.good || err != nil && !errors.Is(err, ErrSignature) {
				t.Errorf("%s, flags %#x, %+v: %v", name, c.flags, c.options, err)
			}
			if strict := k.PublicKey().Verify(name, data, sig); (strict == nil) != (c.flags&up != 0) {
				t.Errorf("%s, flags %#x: Verify says %v", name, c.flags, strict)
			}
			said := must(ParseSecurityKeySignature(sig))
			if said.Flags != c.flags || said.Counter != k.counter || said.UserPresent() != (c.flags&up != 0) || said.UserVerified() != (c.flags&uv != 0) {
				t.Errorf("%s: signature says %+v", name, said)
			}
		}
	}
}

func TestKEY07SecurityKeyForgeries(t *testing.T) {
	data := []byte("data")
	other := map[string]string{skEd25519: skECDSA, skECDSA: skEd25519}
	for name, k := range softKeys() {
		key, body := k.PublicKey(), k.body(data)
		good := must(k.Sign(nil, name, data))
		tail := good[len(good)-5:]
		foreign := k
		foreign.application = "https://example.com"
		plain := must(must(NewSigner(k.inner)).Sign(nil, AlgorithmsFor(must(NewPublicKey(k.inner.Public())).Type())[0], data))
		_, plainBody := splitBlob(t, plain)
		flip := func(i int) []byte { b := slices.Clone(good); b[i] ^= 1; return b }
		for what, sig := range map[string][]byte{
			"other application":      must(foreign.Sign(nil, name, data)),
			"no flags":               signatureBlob(name, body),
			"counter cut off":        good[:len(good)-4],
			"counter cut":            good[:len(good)-1],
			"byte behind":            append(slices.Clone(good), 0),
			"other counter":          flip(len(good) - 1),
			"other flags":            append(slices.Clone(good[:len(good)-5]), 5, tail[1], tail[2], tail[3], tail[4]),
			"signature of plain key": append(signatureBlob(name, plainBody), tail...),
			"body flipped":           flip(len(good) - 6),
			"empty body":             append(signatureBlob(name, nil), tail...),
			"label of another":       append(signatureBlob(other[name], body), tail...),
			"plain signature":        plain,
			"nothing":                nil,
		} {
			for _, o := range []VerifyOptions{{}, {NoTouchRequired: true}} {
				if err := o.Verify(key, name, data, sig); !errors.Is(err, ErrSignature) && !errors.Is(err, ErrAlgorithm) {
					t.Errorf("%s, %s: %v", name, what, err)
				}
			}
		}
		if err := key.Verify(name, []byte("other"), good); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: other data: %v", name, err)
		}
		if err := foreign.PublicKey().Verify(name, data, good); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: key with another application: %v", name, err)
		}
		if err := key.Verify(other[name], data, good); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("%s: other algorithm: %v", name, err)
		}
	}
	if _, err := ParseSecurityKeySignature([]byte{0}); !errors.Is(err, ErrSignature) {
		t.Errorf("short signature: %v", err)
	}
}

// TestVerifyRequiredOfOtherKeys: what a plain key signs shows nothing of its
// user.
func TestVerifyRequiredOfOtherKeys(t *testing.T) {
	s := must(NewSigner(testSigners()["ed25519"]))
	sig := must(s.Sign(nil, "ssh-ed25519", nil))
	for _, key := range []PublicKey{s.PublicKey(), struct{ PublicKey }{s.PublicKey()}} {
		if err := (VerifyOptions{VerifyRequired: true}).Verify(key, "ssh-ed25519", nil, sig); !errors.Is(err, ErrSignature) {
			t.Errorf("%T: %v", key, err)
		}
		if err := (VerifyOptions{NoTouchRequired: true}).Verify(key, "ssh-ed25519", nil, sig); err != nil {
			t.Errorf("%T: %v", key, err)
		}
	}
	k := must(ParseAuthorizedKey("verify-required,no-touch-required " + keyText("ed25519")))
	if o := k.Options.VerifyOptions(); !o.VerifyRequired || !o.NoTouchRequired {
		t.Errorf("%+v", o)
	}
}

// TestSecurityKeyPrivateFile: the private part is a handle, of no use here.
func TestSecurityKeyPrivateFile(t *testing.T) {
	for name, k := range softKeys() {
		plain := wire.AppendString(make([]byte, 8), name)
		for i := byte(1); len(plain)%8 != 0; i++ {
			plain = append(plain, i)
		}
		f := opensshFile{cipher: must(lookupFileCipher(noCipher)), kdf: kdfNone, public: k.blob(), private: plain}
		_, _, err := ParsePrivateKey(pemFile(opensshPEM, f.append([]byte(opensshMagic))), nil)
		if u := new(UnsupportedError); !errors.As(err, &u) || u.Name != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPeerSecurityKeys lets ssh-keygen read our keys and verify signatures
// that we accept.
func TestPeerSecurityKeys(t *testing.T) {
	keygen := peer(t, "ssh-keygen")
	for name, k := range softKeys() {
		dir := t.TempDir()
		line := must(AuthorizedKey{Key: k.PublicKey()}.Marshal())
		checkFingerprints(t, keygen, write(t, filepath.Join(dir, "key.pub"), line), k.PublicKey())
		for _, flags := range []byte{flagUserPresent, flagUserPresent | flagUserVerified} {
			k.flags = flags
			allowed := write(t, filepath.Join(dir, "allowed"), append([]byte("me "), line...))
			sig := must(k.Sign(nil, name, sshsigData("sha512", []byte("a message"))))
			file := write(t, filepath.Join(dir, "sig"), sshsig(k.PublicKey(), sig))
			cmd := exec.CommandContext(t.Context(), keygen, "-Y", "verify", "-n", "file", "-I", "me", "-f", allowed, "-s", file)
			cmd.Stdin = strings.NewReader("a message")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s, flags %#x: ssh-keygen refuses: %v\n%s", name, flags, err, out)
			}
		}
	}
}
