package sshkey

import (
	"errors"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// keygenAuthority makes an authority of that type with ssh-keygen and returns
// its file.
func keygenAuthority(t *testing.T, keygen, dir string, kind ...string) string {
	path := filepath.Join(dir, "ca_"+strings.Join(kind, ""))
	run(t, keygen, append([]string{"-q", "-N", "", "-f", path, "-t"}, kind...)...)
	return path
}

func publicOf(t *testing.T, path string) PublicKey {
	return must(ParseAuthorizedKey(string(read(t, path+".pub")))).Key
}

// TestPeerKeygenCertificates lets ssh-keygen certify keys of each type, by
// authorities of each type, for users and hosts, with all options.
func TestPeerKeygenCertificates(t *testing.T) {
	keygen := peer(t, "ssh-keygen")
	dir := t.TempDir()
	kinds := [][]string{{"ed25519"}, {"ecdsa", "-b", "256"}, {"ecdsa", "-b", "384"}, {"ecdsa", "-b", "521"}, {"rsa", "-b", "2048"}}
	var authorities []string
	for _, kind := range kinds {
		authorities = append(authorities, keygenAuthority(t, keygen, dir, kind...))
	}
	i := 0
	for name, inner := range certKeys() {
		line := must(AuthorizedKey{Key: inner.PublicKey(), Comment: "c"}.Marshal())
		ca := authorities[i%len(authorities)]
		i++
		path := write(t, filepath.Join(dir, name+".pub"), line)
		args := []string{"-q", "-s", ca, "-I", "my id", "-n", "alice,bob", "-z", "42", "-V", "20200101Z:20400101Z",
			"-O", "clear", "-O", "permit-pty", "-O", "permit-agent-forwarding", "-O", "force-command=/bin/ls -l",
			"-O", "source-address=10.0.0.0/8,::1", "-O", "verify-required", "-O", "no-touch-required",
			"-O", "extension:hello@example.com=world"}
		run(t, keygen, append(args, path)...)
		file := filepath.Join(dir, name+"-cert.pub")
		cert, err := ParseCertificate(read(t, file))
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, read(t, file))
		}
		if cert.Serial != 42 || cert.KeyID != "my id" || !slices.Equal(cert.Principals, []string{"alice", "bob"}) ||
			!Equal(cert.Key(), inner.PublicKey()) || !Equal(cert.Authority(), publicOf(t, ca)) {
			t.Errorf("%s: %+v", name, cert)
		}
		if out := run(t, keygen, "-l", "-f", file); !strings.Contains(out, Fingerprint(cert)) {
			t.Errorf("%s: ssh-keygen says %s, we say %s", name, out, Fingerprint(cert))
		}
		c := CertChecker{Authorities: []PublicKey{publicOf(t, ca)}, Now: atNoon}
		o, err := c.CheckUser(cert, []string{"bob"}, Source{Addr: netip.MustParseAddr("10.9.8.7")})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := KeyOptions{ForceCommand: true, Command: "/bin/ls -l", From: []string{"10.0.0.0/8", "::1"}, NoPortForwarding: true,
			NoX11Forwarding: true, NoUserRC: true, NoTouchRequired: true, VerifyRequired: true}
		if o.String() != want.String() {
			t.Errorf("%s: %s, want %s", name, o, &want)
		}
		last := cert.Extensions[0]
		if v, ok := last.Value(); last.Name != "hello@example.com" || !ok || v != "world" {
			t.Errorf("%s: extensions %+v", name, cert.Extensions)
		}
		for _, now := range []time.Time{time.Date(2019, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)} {
			c.Now = func() time.Time { return now }
			if _, err := c.CheckUser(cert, []string{"bob"}, tenNet); !errors.Is(err, ErrCertificate) {
				t.Errorf("%s at %v: %v", name, now, err)
			}
		}
		run(t, keygen, "-q", "-s", ca, "-I", "host", "-h", "-n", "host.example", path)
		host := must(ParseCertificate(read(t, file)))
		c.Now = nil
		if err := c.CheckHost(host, "host.example"); err != nil {
			t.Errorf("%s, for a host: %v", name, err)
		}
	}
}

// TestPeerKeygenReadsCertificates lets ssh-keygen check certificates that this
// package's tests make.
func TestPeerKeygenReadsCertificates(t *testing.T) {
	keygen := peer(t, "ssh-keygen")
	for name, inner := range certKeys() {
		parts := goodCert(inner.PublicKey(), UserCertificate).with(func(p *certParts) { p.critical = []CertOption{valued("force-command", "x y")} })
		path := write(t, filepath.Join(t.TempDir(), "cert.pub"), must(AuthorizedKey{Key: parts.cert(t)}.Marshal()))
		out := run(t, keygen, "-L", "-f", path)
		for _, want := range []string{parts.cert(t).Type() + " user certificate", `Key ID: "id"`, "Serial: 7", "force-command x y", "permit-pty", "2030-01-01T11:00:00 to 2030-01-01T13:00:00"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", name, want, out)
			}
		}
	}
}

// TestPeerAuthorityAlgorithms: an RSA authority of ssh-keygen's signs as it is
// told to.
func TestPeerAuthorityAlgorithms(t *testing.T) {
	keygen := peer(t, "ssh-keygen")
	dir := t.TempDir()
	ca := keygenAuthority(t, keygen, dir, "rsa", "-b", "2048")
	path := write(t, filepath.Join(dir, "key.pub"), must(AuthorizedKey{Key: testKey("ecdsa")}.Marshal()))
	for algorithm, good := range map[string]bool{"rsa-sha2-512": true, "rsa-sha2-256": true, "ssh-rsa": false} {
		run(t, keygen, "-q", "-s", ca, "-t", algorithm, "-I", "id", "-n", "user", path)
		cert := must(ParseCertificate(read(t, filepath.Join(dir, "key-cert.pub"))))
		c := CertChecker{Authorities: []PublicKey{publicOf(t, ca)}}
		if _, err := c.CheckUser(cert, []string{"user"}, tenNet); (err == nil) != good {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}

// TestPeerKRL compares with ssh-keygen -Q what lists revoke that ssh-keygen -k
// has made, and that we have.
func TestPeerKRL(t *testing.T) {
	keygen := peer(t, "ssh-keygen")
	dir := t.TempDir()
	ca, other := keygenAuthority(t, keygen, dir, "ed25519"), keygenAuthority(t, keygen, dir, "ecdsa", "-b", "256")
	certFile := func(name, authority, id string, serial uint64) string {
		path := write(t, filepath.Join(dir, name+".pub"), must(AuthorizedKey{Key: testKey("p384")}.Marshal()))
		run(t, keygen, "-q", "-s", authority, "-I", id, "-n", "user", "-z", strconv.FormatUint(serial, 10), path)
		return filepath.Join(dir, name+"-cert.pub")
	}
	queries := map[string]string{"other 5": certFile("o5", other, "x", 5), "other id": certFile("oid", other, "lost", 1000), "id": certFile("id", ca, "lost", 1000)}
	for _, serial := range []uint64{0, 1, 5, 6, 99, 100, 150, 200, 201, 300, 302, 304, 330, 331, 1<<64 - 1} {
		text := strconv.FormatUint(serial, 10)
		queries["serial "+text] = certFile("s"+text, ca, "x", serial)
	}
	for _, name := range []string{"ed25519", "ecdsa", "p521", "rsa", "dsa"} {
		queries["key "+name] = write(t, filepath.Join(dir, "key_"+name+".pub"), must(AuthorizedKey{Key: testKey(name)}.Marshal()))
	}
	spec := func(name, text string) string { return write(t, filepath.Join(dir, name), []byte(text)) }
	line := func(name string) string {
		return strings.TrimSpace(string(must(AuthorizedKey{Key: testKey(name)}.Marshal())))
	}
	var bitmap strings.Builder
	for serial := 300; serial < 332; serial += 2 {
		bitmap.WriteString("serial: " + strconv.Itoa(serial) + "\n")
	}
	for what, args := range map[string][]string{
		"serials":        {"-s", ca + ".pub", spec("serials", "serial: 5\nserial: 100-200\nserial: 18446744073709551615\n")},
		"bitmap":         {"-s", ca + ".pub", spec("bitmap", bitmap.String())},
		"key ids":        {"-s", ca + ".pub", spec("ids", "id: lost\n")},
		"no authority":   {"-s", "none", spec("none", "id: lost\nserial: 5\n")},
		"keys":           {spec("keys", "key: "+line("ecdsa")+"\n"), queries["key rsa"]},
		"hashes":         {spec("hashes", "sha1: "+line("p521")+"\nsha256: "+line("dsa")+"\nhash: "+Fingerprint(testKey("ecdsa"))+"\n")},
		"a certificate":  {queries["serial 6"]},
		"the authority":  {ca + ".pub"},
		"nothing at all": {},
	} {
		path := filepath.Join(dir, "krl")
		run(t, keygen, append([]string{"-q", "-k", "-f", path, "-z", "9"}, args...)...)
		compareKRL(t, keygen, what, path, queries)
	}
	sections := [][]byte{
		krlHead(), section(krlKeys, wireBytes(testKey("rsa").Marshal())),
		section(krlCertificates, wireBytes(publicOf(t, ca).Marshal()), str(""), section(krlSerialRange, u64(99, 150)),
			section(krlSerialBitmap, u64(300), wireMpint(0x11)), section(krlKeyIDs, str("lost"))),
	}
	compareKRL(t, keygen, "ours", write(t, filepath.Join(dir, "ours"), slices.Concat(sections...)), queries)
	text := write(t, filepath.Join(dir, "text"), []byte(line("ecdsa")+"\n"+line("dsa")+"\n"))
	k, err := LoadRevokedKeys(text)
	if err != nil || k.CheckRevoked(testKey("dsa")) == nil || k.CheckRevoked(testKey("rsa")) != nil {
		t.Errorf("text: %v", err)
	}
}

func compareKRL(t *testing.T, keygen, what, path string, queries map[string]string) {
	t.Helper()
	k, err := LoadRevokedKeys(path)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	revoked := 0
	for name, file := range queries {
		out, err := exec.CommandContext(t.Context(), keygen, "-Q", "-f", path, file).CombinedOutput()
		if !strings.Contains(string(out), "REVOKED") && !strings.Contains(string(out), "ok") {
			t.Fatalf("%s, %s: ssh-keygen says %s", what, name, out)
		}
		ours := k.CheckRevoked(must(ParseAuthorizedKey(string(read(t, file)))).Key)
		if (err == nil) != (ours == nil) {
			t.Errorf("%s, %s: we say %v, ssh-keygen %s", what, name, ours, out)
		}
		if ours != nil {
			revoked++
		}
	}
	if (revoked == 0) != (what == "nothing at all") {
		t.Errorf("%s: %d of %d are revoked", what, revoked, len(queries))
	}
}
