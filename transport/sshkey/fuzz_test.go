package sshkey

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func FuzzParsePublicKey(f *testing.F) {
	for _, key := range testSigners() {
		f.Add(must(NewPublicKey(key.Public())).Marshal())
	}
	f.Add(rsaBlob([]byte{3}, modulus(2048)))
	for _, k := range softKeys() {
		f.Add(k.blob())
	}
	for _, s := range certKeys() {
		f.Add(goodCert(s.PublicKey(), UserCertificate).blob())
	}
	f.Add(goodCert(testKey("ecdsa"), HostCertificate).with(func(p *certParts) {
		p.critical = []CertOption{valued("force-command", "c"), valued("source-address", "10.0.0.0/8"), {"verify-required", ""}}
	}).blob())
	v := vectors(f, "x509_dsa.txt")[0]
	for _, name := range []string{"ca", "leaf"} {
		der := unhex(f, v[name])
		f.Add(der)
		f.Add(x509Blob("x509v3-ecdsa-sha2-nistp256", [][]byte{der, der}, []byte{1}))
	}
	f.Add(x509Blob("x509v3-ssh-dss", [][]byte{unhex(f, v["leaf"])}))
	f.Fuzz(func(t *testing.T, blob []byte) {
		k, err := ParsePublicKey(blob)
		if err != nil {
			return
		}
		if !bytes.Equal(k.Marshal(), blob) {
			t.Fatalf("parsed %x, marshalled %x", blob, k.Marshal())
		}
		if cert, ok := k.(*Certificate); ok {
			fuzzCertificate(t, cert)
		}
		for _, a := range slices.Concat(DefaultAlgorithms(), OptionalAlgorithms(), InsecureAlgorithms()) {
			if k.Verify(a, nil, signatureBlob(a, blob)) == nil {
				t.Fatal("the blob is a signature")
			}
		}
	})
}

func FuzzVerify(f *testing.F) {
	for _, key := range testSigners() {
		s := must(NewSigner(key))
		for _, a := range s.Algorithms() {
			f.Add(must(s.Sign(nil, a, []byte("data"))))
		}
	}
	for name, k := range softKeys() {
		f.Add(must(k.Sign(nil, name, []byte("data"))))
	}
	f.Add(must(appendDERSignature(big.NewInt(1<<40), big.NewInt(127))))
	f.Fuzz(func(t *testing.T, signature []byte) {
		fuzzSignatureParts(t, signature)
		for _, key := range testSigners() {
			k := must(NewPublicKey(key.Public()))
			for _, a := range AlgorithmsFor(k.Type()) {
				if k.Verify(a, []byte("other data"), signature) == nil {
					t.Fatalf("%s: forged", a)
				}
			}
		}
		for name, k := range softKeys() {
			if (VerifyOptions{NoTouchRequired: true}).Verify(k.PublicKey(), name, []byte("other data"), signature) == nil {
				t.Fatalf("%s: forged", name)
			}
		}
	})
}

// fuzzSignatureParts: what stands in a signature is written again to the byte.
func fuzzSignatureParts(t *testing.T, signature []byte) {
	if r, s, ok := parseDERSignature(signature); ok && !bytes.Equal(must(appendDERSignature(r, s)), signature) {
		t.Fatalf("r %v and s %v are written otherwise", r, s)
	}
	if s, err := ParseSecurityKeySignature(signature); err == nil {
		if want := binary.BigEndian.AppendUint32([]byte{s.Flags}, s.Counter); !bytes.HasSuffix(signature, want) {
			t.Fatalf("%+v is not at the end", s)
		}
	}
}

func FuzzParsePrivateKey(f *testing.F) {
	for _, key := range testSigners() {
		f.Add(must(MarshalPrivateKey(key, "c", nil)))
		f.Add(must(PrivateKeyFormat{Rounds: 1}.MarshalPrivateKey(key, "c", []byte("pw"))))
	}
	f.Add(goodPBES2(1, 0).file())
	f.Fuzz(func(t *testing.T, file []byte) {
		if b, _ := pem.Decode(file); b != nil && strings.Contains(b.Type, "ENCRYPTED") {
			var p pbes2
			if p.parse(b.Bytes) == nil && (p.iterations < 1 || p.iterations > MaxPBKDF2 || len(p.salt) > MaxKDFSalt) {
				t.Fatalf("%d iterations, salt of %d bytes", p.iterations, len(p.salt))
			}
		}
		if bytes.Contains(file, []byte("ENCRYPTED")) || len(file) > 8<<10 {
			return // a KDF with many rounds is slow, not wrong
		}
		key, comment, err := ParsePrivateKey(file, nil)
		if err != nil {
			if key != nil {
				t.Fatal("key and error")
			}
			return
		}
		again := must(MarshalPrivateKey(key, comment, nil))
		got, c, err := ParsePrivateKey(again, nil)
		if err != nil || c != comment || !got.(interface{ Equal(crypto.PrivateKey) bool }).Equal(key) {
			t.Fatalf("written key does not read back: %v", err)
		}
	})
}

func FuzzOpenSSHPrivatePart(f *testing.F) {
	none := must(lookupFileCipher(noCipher))
	for _, key := range testSigners() {
		public, plain, _ := privatePart(key, "comment", none.block)
		f.Add(public, plain)
	}
	f.Fuzz(func(t *testing.T, public, plain []byte) {
		file := opensshFile{cipher: none, public: public}
		key, comment, err := Limits{}.parsePrivatePart(&file, plain)
		if err != nil {
			return
		}
		_, again, err := privatePart(key, comment, none.block)
		if err != nil || len(again) > len(plain) { // ours has no more padding than it must
			t.Fatalf("written key differs: %v", err)
		}
	})
}

func FuzzAuthorizedKeys(f *testing.F) {
	ed := keyText("ed25519")
	f.Add(`no-pty,command="a \"b\"",from="10.0.0.0/8,!x",expiry-time="20300101" ` + ed + " c")
	f.Add(`restrict,pty,environment="A=b",permitopen="[::1]:22",permitlisten="80",principals="a",tunnel="1" ` + ed)
	f.Add(ed + "\r\n# c\n" + keyText("rsa") + " x y\n" + `command="open` + ed)
	cert := goodCert(testKey("ecdsa"), UserCertificate).cert(f)
	f.Add(cert.Type() + " " + base64.StdEncoding.EncodeToString(cert.Marshal()) + " c\n")
	f.Add("00112233445566778899 # of a blocklist\n")
	f.Fuzz(func(t *testing.T, text string) {
		fuzzOtherLists(t, text)
		keys, warnings, err := ParseAuthorizedKeys(strings.NewReader(text))
		if err != nil || len(warnings) > MaxWarnings+1 {
			t.Fatalf("%d warnings, %v", len(warnings), err)
		}
		for _, k := range keys {
			line, err := k.Marshal()
			if err != nil {
				t.Fatalf("line %d does not marshal: %v", k.Line, err)
			}
			again, err := ParseAuthorizedKey(string(line))
			if err != nil {
				t.Fatalf("%q does not parse: %v", line, err)
			}
			again.Line = k.Line
			if !Equal(again.Key, k.Key) || again.Comment != k.Comment || !reflect.DeepEqual(again.Options, k.Options) {
				t.Fatalf("%q parses as %+v, not %+v", line, again, k)
			}
		}
	})
}

// fuzzOtherLists reads the file as the other kinds that have a line a key.
func fuzzOtherLists(t *testing.T, text string) {
	if cert, err := ParseCertificate([]byte(text)); err == nil {
		again, err := ParsePublicKey(cert.Marshal())
		if err != nil || !Equal(again, cert) {
			t.Fatalf("certificate reads back as %v, %v", again, err)
		}
	}
	var bad KnownBad
	if err := bad.AddBlocklist(strings.NewReader(text)); err != nil && len(bad.prints) > 0 {
		t.Fatalf("%d prints of a malformed list", len(bad.prints))
	}
}

func FuzzKnownHosts(f *testing.F) {
	ed := keyText("ed25519")
	f.Add("h,*.x,!y,[z]:2 "+ed+" c\n@revoked * "+ed+"\n@cert-authority *.z "+ed, "h")
	f.Add(must(NewHashedKnownHost("h", 22, testKey("ed25519"))).String()+"\r\n", "h")
	f.Fuzz(func(t *testing.T, text, host string) {
		k, _, err := ParseKnownHosts(strings.NewReader(text), "f")
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, h := range k.lines {
			b.WriteString(h.String() + "\n")
		}
		for _, h := range k.revoked {
			b.WriteString(h.String() + "\n")
		}
		again, warnings, err := ParseKnownHosts(strings.NewReader(b.String()), "f")
		if err != nil || len(warnings) > 0 || len(again.lines) != len(k.lines) || len(again.revoked) != len(k.revoked) {
			t.Fatalf("written lines do not read back: %v %v\n%s", warnings, err, b.String())
		}
		key := testKey("ed25519")
		if verdict(k.Check(host, 22, key)) != verdict(again.Check(host, 22, key)) {
			t.Fatal("verdicts differ")
		}
		if k.Revoked(key) && verdict(k.Check(host, 22, key)) != "revoked" {
			t.Fatal("revoked key passed")
		}
	})
}

// fuzzCertificate: what the authority did not sign is not accepted.
func fuzzCertificate(t *testing.T, cert *Certificate) {
	o, err := cert.Options()
	if (err == nil) != (o != nil) {
		t.Fatalf("options %v, %v", o, err)
	}
	list := CertChecker{Authorities: []PublicKey{cert.Authority()}, Now: atNoon}
	user, err := list.CheckUser(cert, cert.Principals, tenNet)
	hostErr := error(ErrCertificate)
	if len(cert.Principals) > 0 {
		hostErr = list.CheckHost(cert, cert.Principals[0])
	}
	if err == nil && hostErr == nil {
		t.Fatal("for users and for hosts")
	}
	if good := cert.VerifyAuthority(DefaultAuthorityAlgorithms()) == nil; !good && (err == nil || hostErr == nil) {
		t.Fatalf("accepted without a signature: %v", user)
	}
}

func FuzzKRL(f *testing.F) {
	f.Add(slices.Concat(krlHead(), certSection(false, section(krlSerials, u64(5, 9)), section(krlSerialRange, u64(100, 200)),
		section(krlSerialBitmap, u64(300), wireMpint(0x81, 2)), section(krlKeyIDs, str("lost")), section(krlCertExtension, str("x"), []byte{0}, str("")))))
	f.Add(slices.Concat(krlHead(), section(krlKeys, wireBytes(testKey("ecdsa").Marshal())), section(krlSHA1, wireBytes(make([]byte, 20))),
		section(krlSHA256, wireBytes(make([]byte, 32))), section(krlExtension, str("x"), []byte{0}, str(""))))
	f.Add([]byte(keyText("ecdsa") + "\n# c\n"))
	var certs []*Certificate
	for _, serial := range []uint64{1, 5, 300, 1 << 63} {
		certs = append(certs, goodCert(testKey("p384"), UserCertificate).with(func(p *certParts) { p.serial = serial }).cert(f))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		k, err := ParseRevokedKeys(file)
		if k == nil {
			t.Fatal("no list")
		}
		for _, cert := range certs {
			got := k.CheckRevoked(cert)
			if err != nil && !errors.Is(got, ErrKRL) {
				t.Fatalf("unreadable list says %v", got)
			}
			if err == nil && errors.Is(got, ErrKRL) {
				t.Fatal("readable list says it is not")
			}
		}
	})
}

func FuzzCertOptions(f *testing.F) {
	f.Add(optionBytes([]CertOption{valued("force-command", "c"), valued("source-address", "10.0.0.0/8,::1"), {"verify-required", ""}}))
	f.Add(optionBytes([]CertOption{{"no-touch-required", ""}, {"permit-pty", ""}, {"x@example.com", "?"}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := parseCertOptions(b)
		if err != nil {
			return
		}
		if !bytes.Equal(optionBytes(list), b) || len(list) > MaxCertOptions {
			t.Fatalf("parsed %x as %v", b, list)
		}
	})
}
