package sshkey

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

func TestVectorsOpenSSHCertificates(t *testing.T) {
	low := Limits{MinRSABits: LowestMinRSABits}
	valid := time.Date(2005, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, v := range vectors(t, "openssh_certs.txt") {
		cert, err := low.ParseCertificate([]byte(v["cert"] + " comment\n"))
		if err != nil {
			t.Errorf("%s: %v", v["name"], err)
			continue
		}
		key := must(low.parseKeyLine(v["key"])).Key
		if !Equal(cert.Key(), key) || Fingerprint(cert) != Fingerprint(key) || FingerprintMD5(cert) != FingerprintMD5(key) {
			t.Errorf("%s: certifies %s", v["name"], Fingerprint(cert.Key()))
		}
		c := CertChecker{Authorities: []PublicKey{cert.Authority()}, Now: func() time.Time { return valid }}
		if cert.Purpose == HostCertificate {
			if cert.KeyID != "julius" || !slices.Equal(cert.Principals, []string{"host1", "host2"}) || len(cert.CriticalOptions)+len(cert.Extensions) > 0 {
				t.Errorf("%s: %+v", v["name"], cert)
			}
			if err := c.CheckHost(cert, "host2"); err != nil {
				t.Errorf("%s: %v", v["name"], err)
			}
			continue
		}
		o, err := c.CheckUser(cert, []string{"user1"}, Source{Addr: netip.MustParseAddr("10.1.2.3")})
		if v["name"] == "rsa_1_sha1" {
			if !errors.Is(err, ErrCertificate) {
				t.Errorf("%s: signed with SHA-1: %v", v["name"], err)
			}
			c.SignatureAlgorithms = append(DefaultAuthorityAlgorithms(), "ssh-rsa")
			o, err = c.CheckUser(cert, []string{"user1"}, Source{Addr: netip.MustParseAddr("10.1.2.3")})
		}
		if err != nil {
			t.Errorf("%s: %v", v["name"], err)
			continue
		}
		want := KeyOptions{ForceCommand: true, Command: "/bin/ls", From: []string{"10.0.0.0/8"}, NoPortForwarding: true}
		if o.String() != want.String() {
			t.Errorf("%s: %s", v["name"], o)
		}
	}
}

func TestCertificateRoundTrip(t *testing.T) {
	data := []byte("data")
	for name, inner := range certKeys() {
		parts := goodCert(inner.PublicKey(), UserCertificate)
		blob := parts.blob()
		cert := parts.cert(t)
		if cert.Type() != certTypeFor(inner.PublicKey()) || !bytes.Equal(cert.Marshal(), blob) || !Equal(cert.Key(), inner.PublicKey()) ||
			cert.Serial != 7 || cert.Purpose != UserCertificate || cert.KeyID != "id" || !Equal(cert.Authority(), testAuthority().PublicKey()) {
			t.Errorf("%s: %+v", name, cert)
		}
		s := must(NewCertSigner(cert, inner))
		for _, a := range s.Algorithms() {
			sig := must(s.Sign(nil, a, data))
			if err := s.PublicKey().Verify(a, data, sig); err != nil {
				t.Errorf("%s, %s: %v", name, a, err)
			}
			r := wire.NewFieldReader(sig, "signature")
			label := r.String("label")
			if label != lookupAlgorithm(a).label {
				t.Errorf("%s: signature is labelled %s", a, label)
			}
			if err := s.PublicKey().Verify(label, data, sig); !errors.Is(err, ErrAlgorithm) {
				t.Errorf("%s: verified under the plain name: %v", name, err)
			}
			if err := inner.PublicKey().Verify(a, data, sig); !errors.Is(err, ErrAlgorithm) {
				t.Errorf("%s: plain key verified under %s: %v", name, a, err)
			}
			if err := s.PublicKey().Verify(a, []byte("other"), sig); !errors.Is(err, ErrSignature) {
				t.Errorf("%s, %s, other data: %v", name, a, err)
			}
			if KeyType(a) != cert.Type() {
				t.Errorf("%s is for %s", a, KeyType(a))
			}
		}
		line := must(AuthorizedKey{Key: cert, Comment: "c"}.Marshal())
		if again := must(ParseCertificate(line)); !Equal(again, cert) {
			t.Errorf("%s: %s", name, line)
		}
	}
	if _, err := ParseCertificate([]byte(keyText("ed25519"))); !errors.Is(err, ErrCertificate) {
		t.Errorf("plain key as a certificate: %v", err)
	}
	if _, err := ParseCertificate([]byte("x")); err == nil {
		t.Error("not a key")
	}
}

func TestCertSignerRefuses(t *testing.T) {
	rsa := must(NewSigner(testRSA()))
	cert := goodCert(rsa.PublicKey(), HostCertificate).cert(t)
	s := must(NewCertSigner(cert, rsa))
	if got := s.Algorithms(); !slices.Equal(got, []string{"rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com"}) {
		t.Errorf("algorithms %v", got)
	}
	old := must(NewCertSigner(cert, must(WithAlgorithms(rsa, "ssh-rsa"))))
	if got := old.Algorithms(); !slices.Equal(got, []string{"ssh-rsa-cert-v01@openssh.com"}) {
		t.Errorf("algorithms %v", got)
	}
	for _, a := range []string{"rsa-sha2-512", "ssh-rsa-cert-v01@openssh.com", "", "x"} {
		if _, err := s.Sign(nil, a, nil); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("signed as %q: %v", a, err)
		}
	}
	if _, err := NewCertSigner(cert, testAuthority()); err == nil {
		t.Error("certificate for another key accepted")
	}
	if _, err := NewCertSigner(nil, rsa); err == nil {
		t.Error("no certificate accepted")
	}
	if _, err := NewCertSigner(cert, nil); err == nil {
		t.Error("no signer accepted")
	}
	// KEY-08: a signer from elsewhere that returns something else.
	for what, sig := range map[string][]byte{
		"nothing": nil, "another label": signatureBlob("ssh-rsa", make([]byte, 256)), "garbage": signatureBlob("rsa-sha2-512", make([]byte, 256)),
	} {
		bad := must(NewCertSigner(cert, constantSigner{rsa, sig}))
		if got, err := bad.Sign(nil, bad.Algorithms()[0], nil); err == nil || got != nil {
			t.Errorf("%s passed on", what)
		}
	}
	good := must(NewCertSigner(cert, wrappedSigner{rsa}))
	if err := cert.Verify(good.Algorithms()[0], nil, must(good.Sign(nil, good.Algorithms()[0], nil))); err != nil {
		t.Error(err)
	}
}

// constantSigner always returns the same.
type constantSigner struct {
	Signer
	signature []byte
}

func (s constantSigner) Sign(io.Reader, string, []byte) ([]byte, error) { return s.signature, nil }

func TestCertificateMalformed(t *testing.T) {
	key := testKey("ecdsa")
	good := goodCert(key, UserCertificate)
	good.critical = []CertOption{valued("force-command", "c"), valued("source-address", "10.0.0.1")}
	blob := good.blob()
	for n := range blob {
		if k, err := ParsePublicKey(blob[:n]); err == nil || k != nil {
			t.Fatalf("%d of %d bytes accepted", n, len(blob))
		}
	}
	if _, err := ParsePublicKey(append(slices.Clone(blob), 0)); err == nil {
		t.Error("trailing byte accepted")
	}
	for what, change := range map[string]func(p *certParts){
		"purpose 0":           func(p *certParts) { p.purpose = 0 },
		"purpose 3":           func(p *certParts) { p.purpose = 3 },
		"type of another key": func(p *certParts) { p.kind = "ssh-ed25519-cert-v01@openssh.com" },
		"curve of another":    func(p *certParts) { p.kind = "ecdsa-sha2-nistp384-cert-v01@openssh.com" },
		"unknown type":        func(p *certParts) { p.kind = "ssh-new-cert-v01@openssh.com" },
		"version 00":          func(p *certParts) { p.kind = "ssh-rsa-cert-v00@openssh.com"; p.key = testKey("rsa") },
		"key id of 64 KiB":    func(p *certParts) { p.keyID = strings.Repeat("x", MaxCertificate) },
		"no authority":        func(p *certParts) { p.authority = []byte{} },
		"authority malformed": func(p *certParts) { p.authority = []byte("x") },
	} {
		if k, err := ParsePublicKey(good.with(change).blob()); err == nil || k != nil {
			t.Errorf("%s accepted", what)
		}
	}
	for size := MaxCertificate - 1; size <= MaxCertificate+1; size++ {
		b := good.with(func(p *certParts) { p.keyID = strings.Repeat("x", size-len(blob)+len(good.keyID)) }).blob()
		if _, err := ParsePublicKey(b); len(b) != size || (err == nil) != (size <= MaxCertificate) {
			t.Errorf("%d bytes: %v", len(b), err)
		}
	}
}

func TestCRT04OptionsAndPrincipals(t *testing.T) {
	good := goodCert(testKey("ed25519"), UserCertificate)
	many := func(n int) (list []string) {
		for i := range n {
			list = append(list, "p"+strings.Repeat("x", i%7)+string(rune('a'+i%26)))
		}
		return list
	}
	options := func(n int) (list []CertOption) {
		for i := range n {
			list = append(list, CertOption{Name: "x" + string(rune('a'+i/26)) + string(rune('a'+i%26))})
		}
		return list
	}
	for what, c := range map[string]struct {
		change func(p *certParts)
		good   bool
	}{
		"as made": {func(*certParts) {}, true},
		"all known options": {func(p *certParts) {
			p.critical = []CertOption{valued("force-command", "c"), valued("source-address", "10.0.0.1"), {"verify-required", ""}}
			p.extension = []CertOption{{"no-touch-required", ""}, {"permit-X11-forwarding", ""}, {"permit-agent-forwarding", ""}, {"permit-port-forwarding", ""}, {"permit-pty", ""}, {"permit-user-rc", ""}}
		}, true},
		"unknown extension":       {func(p *certParts) { p.extension = []CertOption{{"x@example.com", "\x00anything"}} }, true},
		"extensions out of order": {func(p *certParts) { p.extension = []CertOption{{"permit-user-rc", ""}, {"permit-pty", ""}} }, false},
		"extension twice":         {func(p *certParts) { p.extension = []CertOption{{"permit-pty", ""}, {"permit-pty", ""}} }, false},
		"critical out of order":   {func(p *certParts) { p.critical = []CertOption{{"verify-required", ""}, valued("force-command", "c")} }, false},
		"critical twice": {func(p *certParts) {
			p.critical = []CertOption{valued("force-command", "c"), valued("force-command", "d")}
		}, false},
		"extension without name":   {func(p *certParts) { p.extension = []CertOption{{"", ""}} }, false},
		"flag with data":           {func(p *certParts) { p.extension = []CertOption{{"permit-pty", "x"}} }, false},
		"flag with empty string":   {func(p *certParts) { p.extension = []CertOption{valued("permit-pty", "")} }, false},
		"critical flag with data":  {func(p *certParts) { p.critical = []CertOption{{"verify-required", "x"}} }, false},
		"command without data":     {func(p *certParts) { p.critical = []CertOption{{"force-command", ""}} }, false},
		"command without length":   {func(p *certParts) { p.critical = []CertOption{{"force-command", "/bin/true"}} }, false},
		"command and more":         {func(p *certParts) { o := valued("force-command", "c"); o.Data += "x"; p.critical = []CertOption{o} }, false},
		"options at the limit":     {func(p *certParts) { p.extension = options(MaxCertOptions) }, true},
		"options above":            {func(p *certParts) { p.extension = options(MaxCertOptions + 1) }, false},
		"principal with NUL":       {func(p *certParts) { p.principals = []string{"root\x00x"} }, false},
		"principal with comma":     {func(p *certParts) { p.principals = []string{"a,root"} }, false},
		"principal with line end":  {func(p *certParts) { p.principals = []string{"a\n"} }, false},
		"empty principal":          {func(p *certParts) { p.principals = []string{"a", ""} }, false},
		"principal at the limit":   {func(p *certParts) { p.principals = []string{strings.Repeat("x", MaxPrincipal)} }, true},
		"principal above":          {func(p *certParts) { p.principals = []string{strings.Repeat("x", MaxPrincipal+1)} }, false},
		"principal of 64 KiB":      {func(p *certParts) { p.principals = []string{strings.Repeat("x", 64<<10)} }, false},
		"principals at the limit":  {func(p *certParts) { p.principals = many(MaxPrincipals) }, true},
		"principals above":         {func(p *certParts) { p.principals = many(MaxPrincipals + 1) }, false},
		"no principals, no option": {func(p *certParts) { p.principals, p.extension = nil, nil }, true},
	} {
		if _, err := ParsePublicKey(good.with(c.change).blob()); (err == nil) != c.good {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestTRU06NestedCertificates: an authority that is a certificate is refused
// by its type, without a look at what is in it.
func TestTRU06NestedCertificates(t *testing.T) {
	plain := goodCert(testKey("ecdsa"), UserCertificate)
	inner := goodCert(testAuthority().PublicKey(), UserCertificate).blob()
	for depth := 1; depth <= 3; depth++ {
		nested := plain.with(func(p *certParts) { p.authority = inner })
		inner = nested.blob()
		if k, err := ParsePublicKey(inner); err == nil || k != nil {
			t.Errorf("depth %d accepted", depth)
		}
	}
	// Ten thousand deep it would be larger than is looked at; the type alone,
	// and garbage behind it, is refused the same way.
	for _, kind := range []string{"ssh-ed25519-cert-v01@openssh.com", "x509v3-ssh-rsa"} {
		bad := plain.with(func(p *certParts) { p.authority = append(wire.AppendString(nil, kind), make([]byte, 40000)...) })
		allocs := testing.AllocsPerRun(10, func() {
			if _, err := ParsePublicKey(bad.blob()); err == nil {
				t.Errorf("authority of type %s accepted", kind)
			}
		})
		if allocs > 200 {
			t.Errorf("%s: %.0f allocations", kind, allocs)
		}
	}
	// A checker that lists a certificate as an authority trusts nobody by it.
	cert := goodCert(testAuthority().PublicKey(), UserCertificate).cert(t)
	c := CertChecker{Authorities: []PublicKey{cert}, Now: atNoon}
	if _, err := c.CheckUser(plain.cert(t), []string{"user"}, Source{}); !errors.Is(err, ErrCertificate) {
		t.Errorf("certificate as an authority: %v", err)
	}
}

func TestPlainAlgorithm(t *testing.T) {
	for name, want := range map[string]string{
		"rsa-sha2-512-cert-v01@openssh.com":        "rsa-sha2-512",
		"ssh-dss-cert-v01@openssh.com":             "ssh-dss",
		"sk-ssh-ed25519-cert-v01@openssh.com":      skEd25519,
		"ecdsa-sha2-nistp384-cert-v01@openssh.com": "ecdsa-sha2-nistp384",
		"ssh-ed25519":                  "ssh-ed25519",
		"x509v3-rsa2048-sha256":        "x509v3-rsa2048-sha256",
		"unknown-cert-v01@openssh.com": "unknown-cert-v01@openssh.com",
	} {
		if got := PlainAlgorithm(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
