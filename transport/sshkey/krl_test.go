package sshkey

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"io/fs"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/wire"
)

// krlHead is a list without sections.
func krlHead() []byte {
	b := wire.AppendUint32([]byte(krlMagic), 1)
	b = wire.AppendUint64(wire.AppendUint64(wire.AppendUint64(b, 3), 1e9), 0)
	return wire.AppendString(wire.AppendString(b, "reserved"), "a comment")
}

func section(kind byte, data ...[]byte) []byte {
	return wire.AppendBytes([]byte{kind}, slices.Concat(data...))
}

func u64(values ...uint64) (b []byte) {
	for _, v := range values {
		b = wire.AppendUint64(b, v)
	}
	return b
}

func str(s string) []byte { return wire.AppendString(nil, s) }

// certSection is one about certificates of the authority of the tests, or of
// all where all is true.
func certSection(all bool, subsections ...[]byte) []byte {
	authority := testAuthority().PublicKey().Marshal()
	if all {
		authority = nil
	}
	return section(krlCertificates, append([][]byte{wire.AppendBytes(nil, authority), str("")}, subsections...)...)
}

func krl(t testing.TB, sections ...[]byte) *KRL {
	t.Helper()
	k, err := ParseKRL(slices.Concat(append([][]byte{krlHead()}, sections...)...))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// why returns by what a key is revoked, "" if it is not.
func why(t *testing.T, k *KRL, key PublicKey) string {
	t.Helper()
	err := k.CheckRevoked(key)
	if err == nil {
		return ""
	}
	var revoked *RevokedError
	if !errors.As(err, &revoked) || revoked.Key != key || !strings.Contains(err.Error(), "revoked by its "+revoked.Why) {
		t.Fatalf("%v", err)
	}
	return revoked.Why
}

func serialCert(t *testing.T, serial uint64) *Certificate {
	return goodCert(testKey("ecdsa"), UserCertificate).with(func(p *certParts) { p.serial = serial }).cert(t)
}

func TestKRLSerials(t *testing.T) {
	k := krl(t,
		certSection(false,
			section(krlSerials, u64(5, 9, 7, 5, math.MaxUint64)),
			section(krlSerialRange, u64(100, 200)), section(krlSerialRange, u64(150, 300)), section(krlSerialRange, u64(301, 301)),
			section(krlSerialBitmap, u64(1000), wire.AppendMpint(nil, []byte{0x81, 0x02})), // bits 1, 8, 15
			section(krlSerialBitmap, u64(1<<63), wire.AppendMpint(nil, []byte{1})),
			section(krlSerialBitmap, u64(4000), wire.AppendMpint(nil, nil)),
			section(krlCertExtension, str("x@example.com"), []byte{0}, str("?"))),
		certSection(true, section(krlSerials, u64(0, 40))),
		certSection(false, section(krlSerials, u64(50))))
	for serial, want := range map[uint64]bool{
		0: false, 1: false, 4: false, 5: true, 6: false, 7: true, 8: false, 9: true, 10: false, math.MaxUint64: true, math.MaxUint64 - 1: false,
		99: false, 100: true, 149: true, 150: true, 200: true, 299: true, 300: true, 301: true, 302: false,
		999: false, 1000: false, 1001: true, 1002: false, 1008: true, 1015: true, 1016: false, 1 << 63: true, 1<<63 + 1: false, 4000: false,
		40: true, 50: true,
	} {
		if got := why(t, k, serialCert(t, serial)); (got == "serial number") != want || !want && got != "" {
			t.Errorf("serial %d: %q", serial, got)
		}
	}
	// The same numbers of another authority: only those of all.
	other := func(serial uint64) PublicKey {
		return goodCert(testKey("ecdsa"), UserCertificate).with(func(p *certParts) { p.serial = serial; p.signer = must(NewSigner(testRSA())) }).cert(t)
	}
	for serial, want := range map[uint64]string{5: "", 150: "", 50: "", 40: "serial number"} {
		if got := why(t, k, other(serial)); got != want {
			t.Errorf("serial %d of another authority: %q", serial, got)
		}
	}
	if k.Version != 3 || k.Generated != 1e9 || k.Comment != "a comment" || len(k.SignedBy) != 0 {
		t.Errorf("%+v", k)
	}
}

func TestKRLKeys(t *testing.T) {
	key := func(name string) []byte { return testKey(name).Marshal() }
	sum1, sum2 := sha1.Sum(key("p384")), sha256.Sum256(key("p521"))
	k := krl(t,
		section(krlKeys, wire.AppendBytes(nil, key("ed25519")), wire.AppendBytes(nil, []byte("of some new type"))),
		section(krlSHA1, wire.AppendBytes(nil, sum1[:])), section(krlSHA256, wire.AppendBytes(nil, sum2[:])),
		certSection(true, section(krlKeyIDs, str("lost"), str("stolen"))),
		section(krlExtension, str("x@example.com"), []byte{0}, str("?")))
	for name, want := range map[string]string{"ed25519": "key", "p384": "fingerprint", "p521": "fingerprint", "ecdsa": "", "rsa": "", "dsa": ""} {
		if got := why(t, k, testKey(name)); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	rsaAuthority := func(p *certParts) { p.signer = must(NewSigner(testRSA())) }
	for what, c := range map[string]struct {
		cert certParts
		want string
	}{
		"good":              {goodCert(testKey("ecdsa"), UserCertificate).with(rsaAuthority), ""},
		"authority revoked": {goodCert(testKey("ecdsa"), UserCertificate), "authority"},
		"key revoked":       {goodCert(testKey("p384"), UserCertificate).with(rsaAuthority), "fingerprint"},
		"key id":            {goodCert(testKey("ecdsa"), UserCertificate).with(rsaAuthority).with(func(p *certParts) { p.keyID = "stolen" }), "key id"},
		"other key id":      {goodCert(testKey("ecdsa"), UserCertificate).with(rsaAuthority).with(func(p *certParts) { p.keyID = "stole" }), ""},
	} {
		if got := why(t, k, c.cert.cert(t)); got != c.want {
			t.Errorf("%s: %q", what, got)
		}
	}
	a := newAuthority(t)
	for name, want := range map[string]string{"p384": "fingerprint", "ecdsa": ""} {
		x := must(NewX509Signer("x509v3-"+testKey(name).Type(), testSigners()[name], a.issue(t, testSigners()[name]))).PublicKey()
		if got := why(t, k, x); got != want {
			t.Errorf("X.509 with %s: %q", name, got)
		}
	}
	if err := k.CheckRevoked(nil); err == nil {
		t.Error("nil is not revoked")
	}
}

// TestFIL04UnreadableListRevokesEverything: the value that comes with an error,
// and those that nobody has made.
func TestFIL04UnreadableListRevokesEverything(t *testing.T) {
	bad, err := ParseKRL([]byte("no list"))
	if !errors.Is(err, ErrKRL) || bad == nil {
		t.Fatalf("%v, %v", bad, err)
	}
	missing, err := LoadRevokedKeys(filepath.Join(t.TempDir(), "missing"))
	if !errors.Is(err, ErrKRL) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	text, err := ParseRevokedKeys([]byte(keyText("ecdsa") + "\nssh-ed25519 AAAA\n"))
	if !errors.Is(err, ErrKRL) {
		t.Errorf("malformed line: %v", err)
	}
	for what, k := range map[string]*KRL{"of an error": bad, "of a missing file": missing, "of a malformed text": text, "nil": nil, "zero": {}} {
		for _, key := range []PublicKey{testKey("ecdsa"), serialCert(t, 1)} {
			if err := k.CheckRevoked(key); !errors.Is(err, ErrKRL) {
				t.Errorf("list %s: %v", what, err)
			}
		}
		c := checker()
		c.Revocation = k
		if _, err := c.CheckUser(serialCert(t, 1), []string{"user"}, tenNet); !errors.Is(err, ErrKRL) {
			t.Errorf("checker with a list %s: %v", what, err)
		}
	}
}

func TestFIL04Malformed(t *testing.T) {
	sum := make([]byte, 32)
	whole := slices.Concat(krlHead(), certSection(false, section(krlSerials, u64(5)), section(krlKeyIDs, str("x"))), section(krlSHA256, wire.AppendBytes(nil, sum)))
	if _, err := ParseKRL(whole); err != nil {
		t.Fatal(err)
	}
	good := map[int]bool{len(krlHead()): true, len(whole) - 41: true} // between sections
	for n := range whole {
		if _, err := ParseKRL(whole[:n]); (err == nil) != good[n] {
			t.Errorf("%d of %d bytes: %v", n, len(whole), err)
		}
	}
	format := slices.Clone(krlHead())
	format[len(krlMagic)+3] = 2
	for what, b := range map[string][]byte{
		"another format":         format,
		"unknown section":        section(9),
		"critical extension":     section(krlExtension, str("x"), []byte{1}, str("")),
		"extension cut":          section(krlExtension, str("x"), []byte{0}),
		"no keys":                section(krlKeys),
		"empty key":              section(krlKeys, str("")),
		"hash too short":         section(krlSHA1, str("short")),
		"hash of the other":      section(krlSHA256, wire.AppendBytes(nil, sum[:20])),
		"no hashes":              section(krlSHA1),
		"certificates, no more":  section(krlCertificates),
		"unknown kind":           certSection(false, section(0x77, u64(1))),
		"serial cut":             certSection(false, section(krlSerials, u64(1)[:7])),
		"range backwards":        certSection(false, section(krlSerialRange, u64(2, 1))),
		"range cut":              certSection(false, section(krlSerialRange, u64(2))),
		"range with more":        certSection(false, section(krlSerialRange, u64(1, 2, 3))),
		"bitmap negative":        certSection(false, section(krlSerialBitmap, u64(1), str("\x80"))),
		"bitmap beyond 2^64":     certSection(false, section(krlSerialBitmap, u64(math.MaxUint64), wire.AppendMpint(nil, []byte{2}))),
		"bitmap with more":       certSection(false, section(krlSerialBitmap, u64(1), wire.AppendMpint(nil, []byte{2}), []byte{0})),
		"no key ids":             certSection(false, section(krlKeyIDs)),
		"critical in a section":  certSection(false, section(krlCertExtension, str("x"), []byte{1}, str(""))),
		"length beyond the file": {krlKeys, 0xff, 0xff, 0xff, 0xff},
	} {
		if what != "another format" {
			b = append(krlHead(), b...)
		}
		if k, err := ParseKRL(b); !errors.Is(err, ErrKRL) || k.CheckRevoked(testKey("ecdsa")) == nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if k := krl(t, certSection(false, section(krlSerialBitmap, u64(math.MaxUint64), wire.AppendMpint(nil, []byte{1})))); why(t, k, serialCert(t, math.MaxUint64)) == "" {
		t.Error("the last number of all")
	}
}

// TestFIL04Bounded: the widest range costs nothing, and a million sections no
// more than a small multiple of their bytes.
func TestFIL04Bounded(t *testing.T) {
	all := krl(t, certSection(false, section(krlSerialRange, u64(0, math.MaxUint64))))
	for _, serial := range []uint64{1, 1 << 40, math.MaxUint64} {
		if why(t, all, serialCert(t, serial)) == "" {
			t.Errorf("serial %d", serial)
		}
	}
	n := 1 << 18
	if testing.Short() {
		n = 1 << 12
	}
	for what, one := range map[string][]byte{
		"sections":      certSection(true, section(krlSerials, u64(1))),
		"subsections":   section(krlSerials, u64(1)),
		"bitmaps":       section(krlSerialBitmap, u64(5), wire.AppendMpint(nil, []byte{1})),
		"empty bitmaps": section(krlSerialBitmap, u64(5), wire.AppendMpint(nil, nil)),
	} {
		count := min(n, MaxListFile/len(one)-10)
		many := bytes.Repeat(one, count)
		if what != "sections" {
			many = certSection(true, many)
		}
		file := append(krlHead(), many...)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		k, err := ParseKRL(file)
		if err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > uint64(len(file))*16+1<<16 {
			t.Errorf("%s: %d bytes of list, %d allocated in all", what, len(file), used)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > int64(len(file))*4+1<<16 {
			t.Errorf("%s: %d bytes of list, %d held", what, len(file), held)
		}
		runtime.KeepAlive(k)
	}
	if _, err := ParseKRL(append(krlHead(), make([]byte, MaxListFile)...)); !errors.Is(err, ErrListTooLarge) {
		t.Errorf("file above the limit: %v", err)
	}
}

func TestFIL04Signatures(t *testing.T) {
	sign := func(file []byte, s Signer, algorithm string) []byte {
		file = wire.AppendBytes(append(slices.Clone(file), krlSignature), s.PublicKey().Marshal())
		return wire.AppendBytes(file, must(s.Sign(nil, algorithm, file)))
	}
	rsa, ed := must(NewSigner(testRSA())), testAuthority()
	file := append(krlHead(), section(krlKeys, wire.AppendBytes(nil, testKey("p384").Marshal()))...)
	one := sign(file, ed, "ssh-ed25519")
	two := sign(one, rsa, "rsa-sha2-512")
	k, err := ParseKRL(two)
	if err != nil || len(k.SignedBy) != 2 || !Equal(k.SignedBy[0], ed.PublicKey()) || !Equal(k.SignedBy[1], rsa.PublicKey()) {
		t.Fatalf("%v, %v", k.SignedBy, err)
	}
	if why(t, k, testKey("p384")) == "" || why(t, k, testKey("ecdsa")) != "" {
		t.Error("a signed list says something else")
	}
	for i := range one {
		if i < 40 || i > len(file) && i < len(file)+60 || i%7 == 0 {
			b := slices.Clone(one)
			b[i] ^= 1
			if _, err := ParseKRL(b); !errors.Is(err, ErrKRL) {
				t.Errorf("byte %d changed: %v", i, err)
			}
		}
	}
	nine := file
	for range maxKRLSignatures + 1 {
		nine = sign(nine, ed, "ssh-ed25519")
	}
	for what, b := range map[string][]byte{
		"section behind":          append(slices.Clone(one), section(krlExtension, str("x"), []byte{0}, str(""))...),
		"SHA-1":                   sign(file, must(WithAlgorithms(rsa, "ssh-rsa")), "ssh-rsa"),
		"too many":                nine,
		"signature cut":           one[:len(one)-1],
		"signed by nothing":       append(slices.Clone(file), krlSignature, 0, 0, 0, 0, 0, 0, 0, 0),
		"signed by a certificate": wire.AppendString(wire.AppendBytes(append(slices.Clone(file), krlSignature), serialCert(t, 1).Marshal()), ""),
	} {
		if _, err := ParseKRL(b); !errors.Is(err, ErrKRL) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestRevokedKeysText(t *testing.T) {
	cert := goodCert(testKey("p384"), UserCertificate).cert(t)
	certLine := string(must(AuthorizedKey{Key: cert}.Marshal()))
	k, err := ParseRevokedKeys([]byte("# comment\n\n" + keyText("ecdsa") + " who lost it\n" + certLine + "ssh-new@example.com " +
		strings.Fields(string(must(AuthorizedKey{Key: unknownKey{}}.Marshal())))[1] + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"ecdsa": "key", "p384": "key", "p521": ""} {
		if got := why(t, k, testKey(name)); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if why(t, k, unknownKey{}) != "key" || why(t, k, cert) != "key" {
		t.Error("key of a new type, or a certificate")
	}
	if empty := must(ParseRevokedKeys(nil)); empty.CheckRevoked(testKey("ecdsa")) != nil {
		t.Error("an empty list revokes")
	}
	list := must(ParseRevokedKeys(krlHead()))
	if list.CheckRevoked(testKey("ecdsa")) != nil {
		t.Error("a list without sections revokes")
	}
}

// unknownKey is of a type that is not built.
type unknownKey struct{ PublicKey }

func (unknownKey) Type() string    { return "ssh-new@example.com" }
func (unknownKey) Marshal() []byte { return wire.AppendString(str("ssh-new@example.com"), "x") }

func wireBytes(b []byte) []byte  { return wire.AppendBytes(nil, b) }
func wireMpint(b ...byte) []byte { return wire.AppendMpint(nil, b) }
