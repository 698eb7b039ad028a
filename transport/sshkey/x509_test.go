package sshkey

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/wire"
)

// x509Noon is the time at which the certificates of these tests are valid.
var x509Noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// template returns a certificate that is valid for host.example and user.
func template(name string, change ...func(c *x509.Certificate)) *x509.Certificate {
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: x509Noon.Add(-time.Hour), NotAfter: x509Noon.Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, DNSNames: []string{"host.example"}, EmailAddresses: []string{"user"},
		UnknownExtKeyUsage: []asn1.ObjectIdentifier{oidSecureShellClient, oidSecureShellServer},
	}
	for _, f := range change {
		f(c)
	}
	return c
}

// asCA makes a template that of an authority.
func asCA(c *x509.Certificate) {
	c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	c.DNSNames, c.EmailAddresses, c.UnknownExtKeyUsage = nil, nil, nil
}

// issue signs a template; without a parent it is self-signed.
func issue(t *testing.T, c *x509.Certificate, key crypto.Signer, parent *x509.Certificate, parentKey crypto.Signer) *x509.Certificate {
	t.Helper()
	if parent == nil {
		parent, parentKey = c, key
	}
	return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, c, parent, key.Public(), parentKey))))
}

func pool(certs ...*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range certs {
		p.AddCert(c)
	}
	return p
}

// authority is a root and its key.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func newAuthority(t *testing.T) authority {
	key := must(GenerateECDSA(256))
	return authority{issue(t, template("root", asCA), key, nil, nil), key}
}

func (a authority) issue(t *testing.T, key crypto.Signer, change ...func(c *x509.Certificate)) *x509.Certificate {
	return issue(t, template("leaf", change...), key, a.cert, a.key)
}

func (a authority) trust() *X509Trust {
	return &X509Trust{Roots: pool(a.cert), Now: func() time.Time { return x509Noon }}
}

// x509Signers returns a signer of each type that the standard library can make
// certificates for.
func x509Signers(t *testing.T, a authority) map[string]Signer {
	keys := testSigners()
	list := map[string]Signer{}
	for name, key := range map[string]crypto.Signer{
		"x509v3-ecdsa-sha2-nistp256": keys["ecdsa"], "x509v3-ecdsa-sha2-nistp384": keys["p384"], "x509v3-ecdsa-sha2-nistp521": keys["p521"],
		"x509v3-rsa2048-sha256": keys["rsa"], "x509v3-ssh-rsa": keys["rsa"], "x509v3-sign-rsa": keys["rsa"],
	} {
		list[name] = must(NewX509Signer(name, key, a.issue(t, key)))
	}
	return list
}

func TestX509RoundTrip(t *testing.T) {
	a := newAuthority(t)
	data := []byte("data")
	labels := map[string]string{"x509v3-sign-rsa": "x509v3-sign-rsa", "x509v3-sign-dss": "x509v3-sign-dss"}
	signers := x509Signers(t, a)
	v := vectors(t, "x509_dsa.txt")[0]
	for _, name := range []string{"x509v3-ssh-dss", "x509v3-sign-dss"} {
		signers[name] = must(NewX509Signer(name, rfc6979DSA(), must(x509.ParseCertificate(unhex(t, v["leaf"])))))
	}
	for name, s := range signers {
		blob := s.PublicKey().Marshal()
		key := must(ParsePublicKey(blob))
		if key.Type() != name || !Equal(key, s.PublicKey()) || !slices.Equal(s.Algorithms(), []string{name}) || KeyType(name) != name {
			t.Errorf("%s: parsed as %s, algorithms %v", name, key.Type(), s.Algorithms())
		}
		if len(key.(*X509Key).Certificates()) != 1 || len(key.(*X509Key).OCSPResponses()) != 0 {
			t.Errorf("%s: certificates went missing or came up", name)
		}
		sig := must(s.Sign(nil, name, data))
		want := labels[name]
		if want == "" {
			want = strings.TrimPrefix(name, "x509v3-")
		}
		if label, _ := splitBlob(t, sig); label != want {
			t.Errorf("%s: signature is labelled %s", name, label)
		}
		if err := key.Verify(name, data, sig); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := key.Verify(name, []byte("other"), sig); !errors.Is(err, ErrSignature) {
			t.Errorf("%s, other data: %v", name, err)
		}
		for other := range signers {
			if other == name {
				continue
			}
			if err := key.Verify(other, data, sig); !errors.Is(err, ErrAlgorithm) {
				t.Errorf("%s verified as %s: %v", name, other, err)
			}
		}
		if err := (VerifyOptions{VerifyRequired: true}).Verify(key, name, data, sig); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: user verification: %v", name, err)
		}
		for n := range blob {
			if k, err := ParsePublicKey(blob[:n]); err == nil || k != nil {
				t.Fatalf("%s: %d of %d bytes accepted", name, n, len(blob))
			}
		}
		if _, err := ParsePublicKey(append(blob, 0)); err == nil {
			t.Errorf("%s: trailing byte accepted", name)
		}
		line := must(AuthorizedKey{Key: key, Comment: "c"}.Marshal())
		if again := must(ParseAuthorizedKey(string(line))); !Equal(again.Key, key) || again.Comment != "c" {
			t.Errorf("%s: %s", name, line)
		}
		if text := key.(*X509Key).String(); !strings.HasPrefix(text, name+" SHA256:") {
			t.Error(text)
		}
	}
	if got := X509Algorithms(); len(got) != 4 || slices.Contains(got, "x509v3-ssh-rsa") {
		t.Errorf("sound are %v", got)
	}
}

// TestX509DraftLayout: the blob is the certificate alone, and DSA signatures
// come in two forms.
func TestX509DraftLayout(t *testing.T) {
	v := vectors(t, "x509_dsa.txt")[0]
	leaf, data := unhex(t, v["leaf"]), unhex(t, v["msg"])
	key := must(ParsePublicKey(leaf))
	if key.Type() != "x509v3-sign-dss" || !bytes.Equal(key.Marshal(), leaf) {
		t.Fatalf("a bare certificate is a %s", key.Type())
	}
	const name = "x509v3-sign-dss"
	der := unhex(t, v["sig"])
	if err := key.Verify(name, data, signatureBlob(name, der)); err != nil {
		t.Errorf("signature in DER: %v", err)
	}
	s := must(NewX509Signer(name, rfc6979DSA(), must(x509.ParseCertificate(leaf))))
	_, raw := splitBlob(t, must(s.Sign(nil, name, data)))
	if len(raw) != 40 {
		t.Errorf("we send %d bytes", len(raw))
	}
	for what, body := range map[string][]byte{
		"DER with a byte behind": append(slices.Clone(der), 0), "DER cut": der[:len(der)-1], "empty": nil,
		"zero in DER": {0x30, 6, 2, 1, 0, 2, 1, 1}, "raw cut": raw[:39], "raw with a byte behind": append(slices.Clone(raw), 0),
	} {
		if err := key.Verify(name, data, signatureBlob(name, body)); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", what, err)
		}
	}
	rfc := must(NewX509Signer("x509v3-ssh-dss", rfc6979DSA(), must(x509.ParseCertificate(leaf))))
	if err := rfc.PublicKey().Verify("x509v3-ssh-dss", data, signatureBlob("ssh-dss", der)); !errors.Is(err, ErrSignature) {
		t.Errorf("DER under RFC 6187: %v", err)
	}
	// A name in front of the certificate, with and without a length.
	rsaCert := newAuthority(t).issue(t, testRSA())
	for _, blob := range [][]byte{
		append(wire.AppendString(nil, name), leaf...), wire.AppendBytes(wire.AppendString(nil, name), leaf),
		append(wire.AppendString(nil, "x509v3-sign-rsa"), rsaCert.Raw...),
	} {
		k := must(ParsePublicKey(blob))
		if !bytes.Equal(k.Marshal(), blob) {
			t.Error("the layout did not survive")
		}
	}
	for what, blob := range map[string][]byte{
		"RSA under a DSA name":   append(wire.AppendString(nil, name), rsaCert.Raw...),
		"name alone":             wire.AppendString(nil, name),
		"certificate cut":        append(wire.AppendString(nil, name), leaf[:len(leaf)-1]...),
		"certificate of ECDSA":   newAuthority(t).cert.Raw,
		"bare, with a byte more": append(slices.Clone(leaf), 0),
	} {
		if k, err := ParsePublicKey(blob); err == nil || k != nil {
			t.Errorf("%s accepted", what)
		}
	}
}

func x509Blob(name string, certs [][]byte, ocsp ...[]byte) []byte {
	b := wire.AppendUint32(wire.AppendString(nil, name), uint32(len(certs)))
	for _, c := range certs {
		b = wire.AppendBytes(b, c)
	}
	b = wire.AppendUint32(b, uint32(len(ocsp)))
	for _, o := range ocsp {
		b = wire.AppendBytes(b, o)
	}
	return b
}

func TestX509Limits(t *testing.T) {
	a := newAuthority(t)
	leaf := a.issue(t, testRSA()).Raw
	const name = "x509v3-rsa2048-sha256"
	chain := func(n int) [][]byte {
		list := [][]byte{leaf}
		for len(list) < n {
			list = append(list, a.cert.Raw)
		}
		return list
	}
	large := func(size int) []byte {
		return a.issue(t, testRSA(), func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: make([]byte, size)}}
		}).Raw
	}
	var fit []byte
	for len(fit) != MaxX509Certificate { // the length of an ECDSA signature varies
		fit = large(MaxX509Certificate - len(large(8000)) + 8000)
	}
	small := newRSAKey(1024)()
	small2047 := newRSAKey(2047)()
	low := Limits{MinRSABits: 1024}
	for what, c := range map[string]struct {
		blob []byte
		l    Limits
		good bool
	}{
		"one certificate":      {x509Blob(name, chain(1)), Limits{}, true},
		"chain at the limit":   {x509Blob(name, chain(MaxX509Chain)), Limits{}, true},
		"chain above":          {x509Blob(name, chain(MaxX509Chain+1)), Limits{}, false},
		"none":                 {x509Blob(name, nil), Limits{}, false},
		"2^32-1 certificates":  {wire.AppendUint32(wire.AppendString(nil, name), 1<<32-1), Limits{}, false},
		"OCSP response":        {x509Blob(name, chain(2), []byte{1}, []byte{2}), Limits{}, true},
		"OCSP above the chain": {x509Blob(name, chain(2), []byte{1}, []byte{2}, []byte{3}), Limits{}, false},
		"OCSP too large":       {x509Blob(name, chain(1), make([]byte, MaxX509Certificate+1)), Limits{}, false},
		"size at the limit":    {x509Blob(name, [][]byte{fit}), Limits{}, true},
		"size above":           {x509Blob(name, [][]byte{append(slices.Clone(fit), 0)}), Limits{}, false},
		"not a certificate":    {x509Blob(name, [][]byte{{0x30, 0}}), Limits{}, false},
		"second is none":       {x509Blob(name, [][]byte{leaf, {0x30, 0}}), Limits{}, false},
		"for another key":      {x509Blob("x509v3-ecdsa-sha2-nistp256", chain(1)), Limits{}, false},
		"curve of another":     {x509Blob("x509v3-ecdsa-sha2-nistp384", [][]byte{a.cert.Raw}), Limits{}, false},
		"RSA of 1024 bits":     {x509Blob("x509v3-ssh-rsa", [][]byte{a.issue(t, small).Raw}), Limits{}, false},
		"on request":           {x509Blob("x509v3-ssh-rsa", [][]byte{a.issue(t, small).Raw}), low, true},
		"rsa2048 of 2047 bits": {x509Blob(name, [][]byte{a.issue(t, small2047).Raw}), low, false},
	} {
		if _, err := c.l.ParsePublicKey(c.blob); (err == nil) != c.good {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestX509SignerRefuses(t *testing.T) {
	a := newAuthority(t)
	leaf := a.issue(t, testRSA())
	chain := slices.Repeat([]*x509.Certificate{leaf}, MaxX509Chain+1)
	for what, err := range map[string]error{
		"unknown type":          second(NewX509Signer("x509v3-none", testRSA(), leaf)),
		"plain type":            second(NewX509Signer("ssh-rsa", testRSA(), leaf)),
		"no certificate":        second(NewX509Signer("x509v3-ssh-rsa", testRSA())),
		"long chain":            second(NewX509Signer("x509v3-ssh-rsa", testRSA(), chain...)),
		"chain in the drafts":   second(NewX509Signer("x509v3-sign-rsa", testRSA(), leaf, a.cert)),
		"another type of key":   second(NewX509Signer("x509v3-ssh-rsa", a.key, a.cert)),
		"another key":           second(NewX509Signer("x509v3-ssh-rsa", newRSAKey(2048)(), leaf)),
		"nil":                   second(NewX509Signer("x509v3-ssh-rsa", nil, leaf)),
		"certificate of others": second(NewX509Signer("x509v3-ecdsa-sha2-nistp256", must(GenerateECDSA(256)), a.cert)),
	} {
		if err == nil {
			t.Errorf("%s accepted", what)
		}
	}
	s := must(NewX509Signer("x509v3-ssh-rsa", testRSA(), leaf))
	if _, err := s.Sign(nil, "x509v3-rsa2048-sha256", nil); !errors.Is(err, ErrAlgorithm) {
		t.Errorf("signed as another type: %v", err)
	}
	if _, err := s.Sign(nil, "ssh-rsa", nil); !errors.Is(err, ErrAlgorithm) {
		t.Errorf("signed as a plain key: %v", err)
	}
}

func TestX509Trust(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	key := testSigners()["ecdsa"]
	mid := authority{key: must(GenerateECDSA(256))}
	mid.cert = issue(t, template("intermediate", asCA), mid.key, a.cert, a.key)
	notCA := authority{key: must(GenerateECDSA(256))}
	notCA.cert = a.issue(t, notCA.key)
	const name = "x509v3-ecdsa-sha2-nistp256"
	type change = func(c *x509.Certificate)
	purposes := func(known []x509.ExtKeyUsage, unknown ...asn1.ObjectIdentifier) change {
		return func(c *x509.Certificate) { c.ExtKeyUsage, c.UnknownExtKeyUsage = known, unknown }
	}
	tls := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	for what, c := range map[string]struct {
		chain      []*x509.Certificate
		change     func(tr *X509Trust)
		host, user bool
	}{
		"valid":                 {chain: []*x509.Certificate{a.issue(t, key)}, host: true, user: true},
		"stranger":              {chain: []*x509.Certificate{stranger.issue(t, key)}},
		"with intermediate":     {chain: []*x509.Certificate{mid.issue(t, key), mid.cert}, host: true, user: true},
		"without intermediate":  {chain: []*x509.Certificate{mid.issue(t, key)}},
		"intermediate at hand":  {chain: []*x509.Certificate{mid.issue(t, key)}, change: func(tr *X509Trust) { tr.Intermediates = pool(mid.cert) }, host: true, user: true},
		"root in the chain":     {chain: []*x509.Certificate{stranger.issue(t, key), stranger.cert}},
		"issued by a leaf":      {chain: []*x509.Certificate{notCA.issue(t, key), notCA.cert}},
		"expired":               {chain: []*x509.Certificate{a.issue(t, key)}, change: func(tr *X509Trust) { tr.Now = func() time.Time { return x509Noon.Add(2 * time.Hour) } }},
		"not yet valid":         {chain: []*x509.Certificate{a.issue(t, key)}, change: func(tr *X509Trust) { tr.Now = func() time.Time { return x509Noon.Add(-2 * time.Hour) } }},
		"expired by the clock":  {chain: []*x509.Certificate{a.issue(t, key, func(c *x509.Certificate) { c.NotAfter = time.Unix(1e9, 0); c.NotBefore = time.Unix(0, 0) })}, change: func(tr *X509Trust) { tr.Now = nil }},
		"no roots":              {chain: []*x509.Certificate{a.issue(t, key)}, change: func(tr *X509Trust) { tr.Roots = nil }},
		"for servers":           {chain: []*x509.Certificate{a.issue(t, key, purposes(nil, oidSecureShellServer))}, host: true},
		"for clients":           {chain: []*x509.Certificate{a.issue(t, key, purposes(nil, oidSecureShellClient))}, user: true},
		"for mail":              {chain: []*x509.Certificate{a.issue(t, key, purposes([]x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}))}},
		"for any purpose":       {chain: []*x509.Certificate{a.issue(t, key, purposes([]x509.ExtKeyUsage{x509.ExtKeyUsageAny}))}, host: true, user: true},
		"for TLS":               {chain: []*x509.Certificate{a.issue(t, key, purposes(tls))}},
		"for TLS, granted":      {chain: []*x509.Certificate{a.issue(t, key, purposes(tls))}, change: func(tr *X509Trust) { tr.TLSPurposes = true }, host: true, user: true},
		"for TLS servers":       {chain: []*x509.Certificate{a.issue(t, key, purposes(tls[:1]))}, change: func(tr *X509Trust) { tr.TLSPurposes = true }, host: true},
		"no purposes":           {chain: []*x509.Certificate{a.issue(t, key, purposes(nil))}, host: true, user: true},
		"key encipherment only": {chain: []*x509.Certificate{a.issue(t, key, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment })}},
		"no key usage":          {chain: []*x509.Certificate{a.issue(t, key, func(c *x509.Certificate) { c.KeyUsage = 0 })}, host: true, user: true},
		"critical extension": {chain: []*x509.Certificate{a.issue(t, key, func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
		})}},
		"revoked": {chain: []*x509.Certificate{a.issue(t, key)}, change: func(tr *X509Trust) {
			tr.Revoked = func(c *x509.Certificate) error {
				if c.Subject.CommonName == "leaf" {
					return errors.New("lost")
				}
				return nil
			}
		}},
		"authority revoked": {chain: []*x509.Certificate{mid.issue(t, key), mid.cert}, change: func(tr *X509Trust) {
			tr.Revoked = func(c *x509.Certificate) error {
				if c.Equal(mid.cert) {
					return errors.New("lost")
				}
				return nil
			}
		}},
		"names of others":     {chain: []*x509.Certificate{a.issue(t, key, func(c *x509.Certificate) { c.DNSNames, c.EmailAddresses = []string{"x.example"}, []string{"root"} })}},
		"common name alone":   {chain: []*x509.Certificate{a.issue(t, key, func(c *x509.Certificate) { c.DNSNames, c.EmailAddresses, c.Subject.CommonName = nil, nil, "user" })}, user: true},
		"common name besides": {chain: []*x509.Certificate{a.issue(t, key, func(c *x509.Certificate) { c.EmailAddresses, c.Subject.CommonName = nil, "user" })}, host: true},
		"wildcard":            {chain: []*x509.Certificate{a.issue(t, key, func(c *x509.Certificate) { c.DNSNames = []string{"*.example"} })}, host: true, user: true},
	} {
		k := must(NewX509Signer(name, key, c.chain...)).PublicKey()
		trust := a.trust()
		if c.change != nil {
			c.change(trust)
		}
		if err := trust.CheckHost(k, "host.example"); (err == nil) != c.host || err != nil && !errors.Is(err, ErrX509) {
			t.Errorf("%s, host: %v", what, err)
		}
		if err := trust.CheckUser(k, "user"); (err == nil) != c.user || err != nil && !errors.Is(err, ErrX509) {
			t.Errorf("%s, user: %v", what, err)
		}
	}
	good := must(NewX509Signer(name, key, a.issue(t, key))).PublicKey()
	for _, host := range []string{"", "example", "xhost.example", "host.example.org", "10.0.0.1"} {
		if err := a.trust().CheckHost(good, host); !errors.Is(err, ErrX509) {
			t.Errorf("host %q: %v", host, err)
		}
	}
	for _, user := range []string{"", "User", "user2", "leaf", "user\x00"} {
		if err := a.trust().CheckUser(good, user); !errors.Is(err, ErrX509) {
			t.Errorf("user %q: %v", user, err)
		}
	}
	address := must(NewX509Signer(name, key, a.issue(t, key, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(10, 0, 0, 1)} }))).PublicKey()
	if err := a.trust().CheckHost(address, "10.0.0.1"); err != nil {
		t.Errorf("address: %v", err)
	}
}

// TestX509TrustNothing: a forgotten field, and a key of another kind.
func TestX509TrustNothing(t *testing.T) {
	a := newAuthority(t)
	k := must(NewX509Signer("x509v3-ecdsa-sha2-nistp256", testSigners()["ecdsa"], a.issue(t, testSigners()["ecdsa"]))).PublicKey()
	for _, trust := range []*X509Trust{nil, {}, {Roots: pool()}} {
		if err := trust.CheckHost(k, "host.example"); !errors.Is(err, ErrX509) {
			t.Errorf("%+v: %v", trust, err)
		}
	}
	for _, key := range []PublicKey{nil, testKey("ecdsa"), (*X509Key)(nil)} {
		if err := a.trust().CheckUser(key, "user"); !errors.Is(err, ErrX509) {
			t.Errorf("%T: %v", key, err)
		}
	}
}

// TestX509TrustOldAlgorithms: an old type of key can be certified by a good
// signature, and not by an old one; small keys nowhere in the path.
func TestX509TrustOldAlgorithms(t *testing.T) {
	v := vectors(t, "x509_dsa.txt")[0]
	ca := must(x509.ParseCertificate(unhex(t, v["ca"])))
	trust := &X509Trust{Roots: pool(ca), Now: func() time.Time { return x509Noon }}
	leaf := must(ParsePublicKey(unhex(t, v["leaf"])))
	if err := trust.CheckHost(leaf, "host.example"); err != nil {
		t.Errorf("DSA key certified with ECDSA: %v", err)
	}
	if err := trust.CheckUser(leaf, "user"); err != nil {
		t.Errorf("DSA key certified with ECDSA: %v", err)
	}
	self := must(ParsePublicKey(unhex(t, v["selfsigned"])))
	if err := trust.CheckHost(self, "host.example"); !errors.Is(err, ErrX509) {
		t.Errorf("self-signed: %v", err)
	}
	weak := authority{key: newRSAKey(1024)()}
	weak.cert = issue(t, template("weak root", asCA), weak.key, nil, nil)
	key := must(NewX509Signer("x509v3-rsa2048-sha256", testRSA(), weak.issue(t, testRSA()))).PublicKey()
	old := weak.trust()
	if err := old.CheckHost(key, "host.example"); !errors.Is(err, ErrX509) {
		t.Errorf("authority with 1024 bits: %v", err)
	} else if w := new(WeakKeyError); !errors.As(err, &w) {
		t.Errorf("another error: %v", err)
	}
	old.Limits.MinRSABits = 1024
	if err := old.CheckHost(key, "host.example"); err != nil {
		t.Errorf("on request: %v", err)
	}
	if _, ok := key.CryptoPublicKey().(*rsa.PublicKey); !ok {
		t.Error("the key inside is not RSA")
	}
}
