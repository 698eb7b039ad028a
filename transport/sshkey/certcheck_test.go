package sshkey

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// revokedKeys revokes what has one of these blobs.
type revokedKeys []PublicKey

var errTestRevoked = errors.New("revoked in this test")

func (r revokedKeys) CheckRevoked(key PublicKey) error {
	cert := key.(*Certificate)
	for _, k := range r {
		if Equal(k, cert) || Equal(k, cert.Key()) || Equal(k, cert.Authority()) {
			return errTestRevoked
		}
	}
	return nil
}

var tenNet = Source{Addr: netip.MustParseAddr("10.0.0.1")}

// certFaults are what makes a certificate bad for a user or a host.
func certFaults(t *testing.T, purpose CertPurpose) map[string]struct {
	change func(p *certParts)
	check  func(c *CertChecker)
	good   bool
} {
	noon := uint64(certNoon.Unix())
	other := HostCertificate
	if purpose == HostCertificate {
		other = UserCertificate
	}
	rsa := must(NewSigner(testRSA()))
	sha1 := must(WithAlgorithms(rsa, "ssh-rsa"))
	dsa := must(NewSigner(rfc6979DSA()))
	trustDSA := func(c *CertChecker) { c.Authorities = append(c.Authorities, dsa.PublicKey()) }
	key := testKey("ecdsa")
	return map[string]struct {
		change func(p *certParts)
		check  func(c *CertChecker)
		good   bool
	}{
		"as made":                {good: true},
		"valid from now":         {change: func(p *certParts) { p.after = noon }, good: true},
		"not yet valid":          {change: func(p *certParts) { p.after = noon + 1 }},
		"valid until now":        {change: func(p *certParts) { p.before = noon }},
		"valid until just after": {change: func(p *certParts) { p.before = noon + 1 }, good: true},
		"expired":                {change: func(p *certParts) { p.before = noon - 1 }},
		"for ever":               {change: func(p *certParts) { p.after, p.before = 0, CertForever }, good: true},
		"until 2^64-2":           {change: func(p *certParts) { p.before = CertForever - 1 }, good: true},
		"from 2^63":              {change: func(p *certParts) { p.after, p.before = 1<<63, CertForever }},
		"never":                  {change: func(p *certParts) { p.after, p.before = noon+1, noon-1 }},
		"clock before 1970":      {check: func(c *CertChecker) { c.Now = func() time.Time { return time.Unix(-1, 0) } }},
		"other purpose":          {change: func(p *certParts) { p.purpose = uint32(other) }},
		"other principal":        {change: func(p *certParts) { p.principals = []string{"x"} }},
		"no principals":          {change: func(p *certParts) { p.principals = nil }},
		"unknown critical":       {change: func(p *certParts) { p.critical = []CertOption{{"x@example.com", ""}} }},
		"extension as critical":  {change: func(p *certParts) { p.critical = []CertOption{{"permit-pty", ""}} }},
		"unknown extension":      {change: func(p *certParts) { p.extension = []CertOption{{"x@example.com", "?"}} }, good: true},
		"authority unknown":      {check: func(c *CertChecker) { c.Authorities = []PublicKey{testKey("rsa")} }},
		"authority is the key":   {check: func(c *CertChecker) { c.Authorities = []PublicKey{key} }},
		"no authorities":         {check: func(c *CertChecker) { c.Authorities = nil }},
		"nil among authorities":  {check: func(c *CertChecker) { c.Authorities = []PublicKey{nil} }},
		"bad signature": {change: func(p *certParts) {
			p.authority = testAuthority().PublicKey().Marshal()
			p.signer = must(NewSigner(must(GenerateEd25519())))
		}},
		"signed by RSA":        {change: func(p *certParts) { p.signer = rsa }, good: true},
		"signed with SHA-1":    {change: func(p *certParts) { p.signer = sha1 }},
		"SHA-1 on request":     {change: func(p *certParts) { p.signer = sha1 }, check: func(c *CertChecker) { c.SignatureAlgorithms = []string{"ssh-rsa"} }, good: true},
		"not among algorithms": {check: func(c *CertChecker) { c.SignatureAlgorithms = []string{"rsa-sha2-512"} }},
		"no algorithms":        {check: func(c *CertChecker) { c.SignatureAlgorithms = []string{} }},
		"signed by DSA":        {change: func(p *certParts) { p.signer = dsa }, check: trustDSA},
		"key revoked":          {check: func(c *CertChecker) { c.Revocation = revokedKeys{key} }},
		"authority revoked":    {check: func(c *CertChecker) { c.Revocation = revokedKeys{testAuthority().PublicKey()} }},
		"another key revoked":  {check: func(c *CertChecker) { c.Revocation = revokedKeys{testKey("p384")} }, good: true},
		"list unreadable":      {check: func(c *CertChecker) { c.Revocation = (*KRL)(nil) }},
	}
}

func TestCRT01UserCertificates(t *testing.T) {
	for what, f := range certFaults(t, UserCertificate) {
		parts, c := goodCert(testKey("ecdsa"), UserCertificate), checker()
		if f.change != nil {
			parts = parts.with(f.change)
		}
		if f.check != nil {
			f.check(c)
		}
		o, err := c.CheckUser(parts.cert(t), []string{"user"}, tenNet)
		if (err == nil) != f.good || (o != nil) != f.good {
			t.Errorf("%s: %v, %v", what, o, err)
		}
	}
	good := goodCert(testKey("ecdsa"), UserCertificate).cert(t)
	for _, principals := range [][]string{nil, {}, {""}, {"User"}, {"use"}, {"*"}, {"user,other"}} {
		if _, err := checker().CheckUser(good, principals, tenNet); !errors.Is(err, ErrCertificate) {
			t.Errorf("principals %q: %v", principals, err)
		}
	}
	wild := goodCert(testKey("ecdsa"), UserCertificate).with(func(p *certParts) { p.principals = []string{"*"} }).cert(t)
	if _, err := checker().CheckUser(wild, []string{"user"}, tenNet); !errors.Is(err, ErrCertificate) {
		t.Errorf("wildcard for users: %v", err)
	}
}

func TestTRU05HostCertificates(t *testing.T) {
	for what, f := range certFaults(t, HostCertificate) {
		parts, c := goodCert(testKey("ecdsa"), HostCertificate), checker()
		if f.change != nil {
			parts = parts.with(f.change)
		}
		if f.check != nil {
			f.check(c)
		}
		if err := c.CheckHost(parts.cert(t), "host.example"); (err == nil) != f.good {
			t.Errorf("%s: %v", what, err)
		}
	}
	cert := goodCert(testKey("ecdsa"), HostCertificate).with(func(p *certParts) { p.principals = []string{"Host.example", "*.wild.example"} }).cert(t)
	for host, good := range map[string]bool{
		"host.example": true, "HOST.example": true, "a.wild.example": true, "wild.example": false, "": false,
		"xhost.example": false, "*": false, "host.example.": false,
	} {
		if err := checker().CheckHost(cert, host); (err == nil) != good {
			t.Errorf("host %q: %v", host, err)
		}
	}
	// The options of users mean nothing for a host.
	forced := goodCert(testKey("ecdsa"), HostCertificate).with(func(p *certParts) { p.critical = []CertOption{valued("force-command", "x")} }).cert(t)
	if err := checker().CheckHost(forced, "host.example"); !errors.Is(err, ErrCertificate) {
		t.Errorf("force-command for a host: %v", err)
	}
}

func TestTRU07NobodyToAsk(t *testing.T) {
	host, user := goodCert(testKey("ecdsa"), HostCertificate).cert(t), goodCert(testKey("ecdsa"), UserCertificate).cert(t)
	for _, c := range []*CertChecker{nil, {}, {Now: atNoon}, {Authorities: []PublicKey{}}} {
		if err := c.CheckHost(host, "host.example"); !errors.Is(err, ErrCertificate) {
			t.Errorf("%+v: %v", c, err)
		}
		if _, err := c.CheckUser(user, []string{"user"}, tenNet); !errors.Is(err, ErrCertificate) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, key := range []PublicKey{nil, testKey("ecdsa"), (*Certificate)(nil), (*X509Key)(nil)} {
		if err := checker().CheckHost(key, "host.example"); !errors.Is(err, ErrCertificate) {
			t.Errorf("%T: %v", key, err)
		}
		if _, _, err := FindAuthorizedCertificate(nil, nil, key, "user", tenNet); !errors.Is(err, ErrNotAuthorized) {
			t.Errorf("%T: %v", key, err)
		}
	}
}

func TestCRT02SourceAddress(t *testing.T) {
	addr := func(s string) Source { return Source{Addr: netip.MustParseAddr(s)} }
	for _, c := range []struct {
		list string
		from Source
		good bool
	}{
		{"10.0.0.1", tenNet, true}, {"10.0.0.2", tenNet, false}, {"10.0.0.0/8", tenNet, true}, {"11.0.0.0/8", tenNet, false},
		{"11.0.0.0/8,10.0.0.1", tenNet, true}, {"10.0.0.1", addr("::ffff:10.0.0.1"), true}, {"10.0.0.0/8", addr("::ffff:10.0.0.1"), true},
		{"::1", addr("::1"), true}, {"fe80::/10", addr("fe80::1%eth0"), true}, {"::/0", tenNet, false}, {"0.0.0.0/0", addr("::1"), false},
		{"0.0.0.0/0", tenNet, true}, {"", tenNet, false}, {",", tenNet, false}, {"10.0.0.1,", tenNet, false}, {"10.0.0.0/33", tenNet, false},
		{"10.0.0.1/8", tenNet, false}, {"10.0.0.0/8,x", tenNet, false}, {"*", tenNet, false}, {"!11.0.0.1,10.0.0.1", tenNet, false},
		{"10.0.0.?", tenNet, false}, {" 10.0.0.1", tenNet, false}, {"10.0.0.1", Source{}, false}, {"0.0.0.0/0", Source{}, false},
		{"10.0.0.1", Source{Host: "10.0.0.1"}, false}, {"10.0.0.1", Source{Host: "10.0.0.1", Addr: netip.MustParseAddr("10.0.0.2")}, false},
	} {
		cert := goodCert(testKey("ecdsa"), UserCertificate).with(func(p *certParts) { p.critical = []CertOption{valued("source-address", c.list)} }).cert(t)
		if _, err := checker().CheckUser(cert, []string{"user"}, c.from); (err == nil) != c.good || err != nil && !errors.Is(err, ErrCertificate) {
			t.Errorf("%q from %v: %v", c.list, c.from, err)
		}
	}
}

func TestCertificateOptions(t *testing.T) {
	none := "no-pty,no-port-forwarding,no-agent-forwarding,no-X11-forwarding,no-user-rc"
	for _, c := range []struct {
		critical, extension []CertOption
		want                string
	}{
		{nil, nil, none},
		{nil, []CertOption{{"permit-pty", ""}}, strings.Replace(none, "no-pty,", "", 1)},
		{nil, []CertOption{{"permit-X11-forwarding", ""}, {"permit-agent-forwarding", ""}, {"permit-port-forwarding", ""}, {"permit-pty", ""}, {"permit-user-rc", ""}}, ""},
		{nil, []CertOption{valued("force-command", "x")}, none},
		{[]CertOption{{"verify-required", ""}}, []CertOption{{"no-touch-required", ""}}, none + ",no-touch-required,verify-required"},
		{[]CertOption{valued("force-command", `a "b"`), valued("source-address", "10.0.0.0/8,::1")}, nil, none + `,command="a \"b\"",from="10.0.0.0/8,::1"`},
		{[]CertOption{valued("force-command", "")}, nil, none + `,command=""`},
	} {
		cert := goodCert(testKey("ecdsa"), UserCertificate).with(func(p *certParts) { p.critical, p.extension = c.critical, c.extension }).cert(t)
		o, err := cert.Options()
		if err != nil || !strings.EqualFold(o.String(), c.want) {
			t.Errorf("%v, %v: %s, %v; want %s", c.critical, c.extension, o, err, c.want)
		}
	}
}

// TestSecurityKeyCertificates: what a certificate grants and asks for reaches
// the verification of signatures.
func TestSecurityKeyCertificates(t *testing.T) {
	for name, k := range softKeys() {
		for _, c := range []struct {
			critical, extension []CertOption
			flags               byte
			good                bool
		}{
			{nil, nil, flagUserPresent, true}, {nil, nil, 0, false},
			{nil, []CertOption{{"no-touch-required", ""}}, 0, true},
			{[]CertOption{{"verify-required", ""}}, nil, flagUserPresent, false},
			{[]CertOption{{"verify-required", ""}}, nil, flagUserPresent | flagUserVerified, true},
		} {
			k.flags = c.flags
			cert := goodCert(k.PublicKey(), UserCertificate).with(func(p *certParts) { p.critical, p.extension = c.critical, c.extension }).cert(t)
			o, err := checker().CheckUser(cert, []string{"user"}, tenNet)
			if err != nil {
				t.Fatal(err)
			}
			s := must(NewCertSigner(cert, k))
			sig, err := s.Sign(nil, s.Algorithms()[0], []byte("data"))
			if err != nil {
				t.Fatal(err)
			}
			if err := o.VerifyOptions().Verify(cert, s.Algorithms()[0], []byte("data"), sig); (err == nil) != c.good {
				t.Errorf("%s, flags %#x, %v %v: %v", name, c.flags, c.critical, c.extension, err)
			}
		}
	}
}

func TestFindAuthorizedCertificate(t *testing.T) {
	ca := strings.TrimSpace(string(must(AuthorizedKey{Key: testAuthority().PublicKey()}.Marshal())))
	good := goodCert(testKey("ecdsa"), UserCertificate)
	forced := good.with(func(p *certParts) { p.critical = []CertOption{valued("force-command", "x")} })
	noTouch := good.with(func(p *certParts) { p.extension = []CertOption{{"no-touch-required", ""}, {"permit-pty", ""}} })
	base := "no-port-forwarding,no-agent-forwarding,no-X11-forwarding,no-user-rc"
	for what, c := range map[string]struct {
		line string
		cert certParts
		want string // options; "-" is refused
	}{
		"plain line":              {ca, good, "-"},
		"authority":               {"cert-authority " + ca, good, base},
		"of another":              {"cert-authority " + keyText("rsa"), good, "-"},
		"principals":              {`cert-authority,principals="x,other" ` + ca, good, base},
		"other principals":        {`cert-authority,principals="x" ` + ca, good, "-"},
		"wildcard principals":     {`cert-authority,principals="*" ` + ca, good, "-"},
		"from":                    {`cert-authority,from="10.0.0.0/8" ` + ca, good, base + `,from="10.0.0.0/8"`},
		"from elsewhere":          {`cert-authority,from="11.0.0.0/8" ` + ca, good, "-"},
		"line expired":            {`cert-authority,expiry-time="20290101Z" ` + ca, good, "-"},
		"line restricts":          {"cert-authority,no-pty " + ca, good, "no-pty," + base},
		"line forces":             {`cert-authority,command="y" ` + ca, good, base + `,command="y"`},
		"certificate forces":      {"cert-authority " + ca, forced, base + `,command="x"`},
		"both force the same":     {`cert-authority,command="x" ` + ca, forced, base + `,command="x"`},
		"both force":              {`cert-authority,command="y" ` + ca, forced, "-"},
		"touch, certificate only": {"cert-authority " + ca, noTouch, base},
		"touch, line only":        {"cert-authority,no-touch-required " + ca, good, base},
		"touch, both":             {"cert-authority,no-touch-required " + ca, noTouch, base + ",no-touch-required"},
		"verify of the line":      {"cert-authority,verify-required " + ca, good, base + ",verify-required"},
		"second line":             {`cert-authority,principals="x" ` + ca + "\ncert-authority " + ca, good, base},
		"expired":                 {"cert-authority " + ca, good.with(func(p *certParts) { p.before = 1 }), "-"},
		"forged": {"cert-authority " + ca, good.with(func(p *certParts) {
			p.authority = testAuthority().PublicKey().Marshal()
			p.signer = must(NewSigner(testRSA()))
			p.algorithm = "rsa-sha2-512"
		}), "-"},
		"environment": {`cert-authority,environment="A=b" ` + ca, good, base + `,environment="A=b"`},
	} {
		keys, warnings, err := ParseAuthorizedKeys(strings.NewReader(c.line))
		if err != nil || len(warnings) > 0 {
			t.Fatalf("%s: %v, %v", what, warnings, err)
		}
		blob := c.cert.blob()
		cert := must(ParsePublicKey(blob))
		k, o, err := FindAuthorizedCertificate(keys, &CertChecker{Now: atNoon}, cert, "user", tenNet)
		got := "-"
		if err == nil {
			got = o.String()
		} else if !errors.Is(err, ErrNotAuthorized) && !errors.Is(err, ErrCertificate) || k != nil || o != nil {
			t.Errorf("%s: %v, %v", what, k, err)
		}
		if !strings.EqualFold(got, c.want) {
			t.Errorf("%s: %s (%v), want %s", what, got, err, c.want)
		}
		if err == nil && (k.Line == 0 || o.CertAuthority || o.Principals != nil) {
			t.Errorf("%s: line %d, %+v", what, k.Line, o)
		}
	}
}

// TestCertificateIsNoPlainKey: a line with the very certificate lets nobody
// in, neither does one with the key in it.
func TestCertificateIsNoPlainKey(t *testing.T) {
	cert := goodCert(testKey("ecdsa"), UserCertificate).cert(t)
	keys := []AuthorizedKey{{Key: cert}, {Key: cert.Key()}, {Key: cert.Authority()}}
	if _, err := FindAuthorizedKey(keys, cert, tenNet, certNoon); !errors.Is(err, ErrNotAuthorized) {
		t.Errorf("certificate as a plain key: %v", err)
	}
	if _, err := FindAuthorizedKey(keys, cert.Key(), tenNet, certNoon); err != nil {
		t.Errorf("the key itself: %v", err)
	}
	if _, _, err := FindAuthorizedCertificate(keys, checker(), cert, "user", tenNet); !errors.Is(err, ErrNotAuthorized) {
		t.Errorf("lines that are for no authority: %v", err)
	}
}

func TestTRU05KnownHostsAuthority(t *testing.T) {
	ca := strings.TrimSpace(string(must(AuthorizedKey{Key: testAuthority().PublicKey()}.Marshal())))
	key := testKey("ecdsa")
	good := goodCert(key, HostCertificate)
	expired := good.with(func(p *certParts) { p.before = 1 })
	user := good.with(func(p *certParts) { p.purpose = uint32(UserCertificate) })
	for what, c := range map[string]struct {
		lines []string
		cert  certParts
		host  string
		port  int
		want  string
	}{
		"authority":            {[]string{"@cert-authority *.example " + ca}, good, "host.example", 22, "good"},
		"with a port":          {[]string{"@cert-authority [*.example]:2222 " + ca}, good, "host.example", 2222, "good"},
		"port not named":       {[]string{"@cert-authority host.example " + ca}, good, "host.example", 2222, "unknown"},
		"of other hosts":       {[]string{"@cert-authority *.org " + ca}, good, "host.example", 22, "unknown"},
		"other principal":      {[]string{"@cert-authority *.example " + ca}, good, "other.example", 22, "certificate"},
		"expired":              {[]string{"@cert-authority *.example " + ca}, expired, "host.example", 22, "certificate"},
		"for users":            {[]string{"@cert-authority *.example " + ca}, user, "host.example", 22, "certificate"},
		"other authority":      {[]string{"@cert-authority *.example " + keyText("rsa")}, good, "host.example", 22, "unknown"},
		"key known":            {[]string{"host.example " + keyText("ecdsa")}, good, "host.example", 22, "good"},
		"expired, key known":   {[]string{"@cert-authority * " + ca, "host.example " + keyText("ecdsa")}, expired, "host.example", 22, "good"},
		"expired, other known": {[]string{"@cert-authority * " + ca, "host.example " + keyText("rsa")}, expired, "host.example", 22, "certificate"},
		"other known":          {[]string{"host.example " + keyText("rsa")}, good, "host.example", 22, "changed"},
		"authority as a host":  {[]string{"host.example " + ca}, good, "host.example", 22, "changed"},
		"key revoked":          {[]string{"@cert-authority * " + ca, "@revoked * " + keyText("ecdsa")}, good, "host.example", 22, "revoked"},
		"authority revoked":    {[]string{"@cert-authority * " + ca, "@revoked * " + ca}, good, "host.example", 22, "revoked"},
		"nothing":              {nil, good, "host.example", 22, "unknown"},
	} {
		got := "certificate"
		if err := hosts(t, c.lines...).check(c.host, c.port, c.cert.cert(t), certNoon); !errors.Is(err, ErrCertificate) {
			got = verdict(err)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
	}
	k := hosts(t, "@cert-authority *.example "+ca, "@revoked * "+keyText("p384"))
	if !slices.Equal(k.Algorithms("x.example", 22), CertificateAlgorithms()) {
		t.Errorf("algorithms %v", k.Algorithms("x.example", 22))
	}
	if !k.Revoked(goodCert(testKey("p384"), HostCertificate).cert(t)) || k.Revoked(good.cert(t)) {
		t.Error("Revoked does not look into certificates")
	}
	forever := good.with(func(p *certParts) { p.after, p.before = 0, CertForever }).cert(t)
	if err := k.Check("host.example", 22, forever); err != nil {
		t.Errorf("by the clock of the system: %v", err)
	}
}
