package sshkey

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/wire"
)

// peer returns the path of another project's program. Where it is missing the
// test is skipped, or fails if HAWSER_PEERS=required.
func peer(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("HAWSER_PEERS") == "required" {
		t.Fatalf("%s is missing", name)
	}
	t.Skipf("%s is missing", name)
	return ""
}

// run runs a program and returns its standard output.
func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := tryRun(t, program, args...)
	if err != nil {
		t.Fatalf("%s %q: %v", filepath.Base(program), args, err)
	}
	return out
}

func tryRun(t *testing.T, program string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), "SSH_ASKPASS_REQUIRE=never", "LC_ALL=C", "TZ=UTC")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Logf("%s: %s", filepath.Base(program), stderr.String())
	}
	return string(out), err
}

func write(t *testing.T, path string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestPeerReadsKeygenFiles reads what ssh-keygen makes, of each type, form
// and cipher.
func TestPeerReadsKeygenFiles(t *testing.T) {
	keygen := peer(t, "ssh-keygen")
	types := [][]string{
		{"-t", "ed25519"}, {"-t", "ecdsa", "-b", "256"}, {"-t", "ecdsa", "-b", "384"},
		{"-t", "ecdsa", "-b", "521"}, {"-t", "rsa", "-b", "2048"}, {"-t", "dsa"},
	}
	forms := map[string][]string{
		"plain": {"-N", ""}, "default": {"-N", "pass phrase", "-a", "1"}, "rounds": {"-N", "pass phrase", "-a", "3"},
		"PEM": {"-m", "PEM", "-N", ""}, "PEM encrypted": {"-m", "PEM", "-N", "pass phrase"},
		"PKCS8": {"-m", "PKCS8", "-N", ""}, "PKCS8 encrypted": {"-m", "PKCS8", "-N", "pass phrase"},
	}
	for _, c := range fileCiphers[1:] {
		forms[c.name] = []string{"-N", "pass phrase", "-a", "1", "-Z", c.name}
	}
	for _, kind := range types {
		t.Run(strings.Join(kind[1:], ""), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key")
			run(t, keygen, append([]string{"-q", "-N", "", "-C", "a comment", "-f", path}, kind...)...)
			public := must(ParseAuthorizedKey(string(read(t, path+".pub"))))
			if public.Comment != "a comment" {
				t.Errorf("comment %q", public.Comment)
			}
			checkFingerprints(t, keygen, path+".pub", public.Key)
			old := ""
			for name, form := range forms {
				if strings.Contains(name, "-") && (kind[1] != "ed25519" || testing.Short()) {
					continue // each cipher with one type is enough, and bcrypt is slow
				}
				run(t, keygen, append([]string{"-q", "-p", "-P", old, "-f", path}, form...)...)
				old = passphraseOf(form)
				readKeygenFile(t, name, read(t, path), old, public.Key)
			}
		})
	}
}

func passphraseOf(form []string) string {
	for i, a := range form {
		if a == "-N" {
			return form[i+1]
		}
	}
	return ""
}

func readKeygenFile(t *testing.T, name string, file []byte, passphrase string, public PublicKey) {
	t.Helper()
	key, _, err := ParsePrivateKey(file, []byte(passphrase))
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, file)
		return
	}
	s := must(NewSigner(key))
	if !Equal(s.PublicKey(), public) {
		t.Errorf("%s: public key differs", name)
	}
	for _, a := range s.Algorithms() {
		if err := public.Verify(a, file, must(s.Sign(nil, a, file))); err != nil {
			t.Errorf("%s, %s: %v", name, a, err)
		}
	}
	if passphrase == "" {
		return
	}
	if _, _, err := ParsePrivateKey(file, nil); err != ErrPassphraseMissing {
		t.Errorf("%s: no passphrase: %v", name, err)
	}
	if strings.Contains(name, "-") {
		return
	}
	if _, _, err := ParsePrivateKey(file, []byte("x")); err != ErrPassphraseWrong {
		t.Errorf("%s: wrong passphrase: %v", name, err)
	}
}

func checkFingerprints(t *testing.T, keygen, path string, key PublicKey) {
	t.Helper()
	for form, want := range map[string]string{"sha256": Fingerprint(key), "md5": FingerprintMD5(key)} {
		if out := run(t, keygen, "-l", "-E", form, "-f", path); strings.Fields(out)[1] != want {
			t.Errorf("ssh-keygen says %s, we say %s", out, want)
		}
	}
}

// TestPeerKeygenReadsOurs lets ssh-keygen read what we write.
func TestPeerKeygenReadsOurs(t *testing.T) {
	keygen := peer(t, "ssh-keygen")
	eachKey(t, func(t *testing.T, key crypto.Signer) {
		skipEd448(t, key, "ssh-keygen")
		public := must(AuthorizedKey{Key: must(NewPublicKey(key.Public())), Comment: "ours"}.Marshal())
		for _, c := range ciphersFor(key) {
			passphrase := "pass phrase"
			if c.name == noCipher {
				passphrase = ""
			}
			file := must(PrivateKeyFormat{Cipher: c.name, Rounds: 1}.MarshalPrivateKey(key, "ours", []byte(passphrase)))
			path := write(t, filepath.Join(t.TempDir(), "key"), file)
			if out := run(t, keygen, "-y", "-P", passphrase, "-f", path); out != string(public) {
				t.Errorf("%s: ssh-keygen -y says %s, we say %s", c.name, out, public)
			}
		}
	})
}

// TestPeerSignatures checks signatures both ways with ssh-keygen -Y, whose
// files hold SSH signature blobs (OpenSSH PROTOCOL.sshsig).
func TestPeerSignatures(t *testing.T) {
	keygen := peer(t, "ssh-keygen")
	eachKey(t, func(t *testing.T, key crypto.Signer) {
		skipEd448(t, key, "ssh-keygen")
		dir := t.TempDir()
		s := must(NewSigner(key))
		path := write(t, filepath.Join(dir, "key"), must(MarshalPrivateKey(key, "", nil)))
		message := write(t, filepath.Join(dir, "message"), []byte("a message"))
		allowed := write(t, filepath.Join(dir, "allowed"), append([]byte("me "), must(AuthorizedKey{Key: s.PublicKey()}.Marshal())...))

		run(t, keygen, "-q", "-Y", "sign", "-n", "file", "-f", path, message)
		hash, blob := parseSSHSig(t, read(t, message+".sig"))
		label, _ := splitBlob(t, blob)
		if err := s.PublicKey().Verify(label, sshsigData(hash, []byte("a message")), blob); err != nil {
			t.Errorf("%s of ssh-keygen: %v", label, err)
		}

		for _, a := range s.Algorithms() {
			sig := must(s.Sign(nil, a, sshsigData("sha512", []byte("a message"))))
			file := write(t, filepath.Join(dir, "ours.sig"), sshsig(s.PublicKey(), sig))
			cmd := exec.CommandContext(t.Context(), keygen, "-Y", "verify", "-n", "file", "-I", "me", "-f", allowed, "-s", file)
			cmd.Stdin = strings.NewReader("a message")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("ssh-keygen refuses our %s: %v\n%s", a, err, out)
			}
		}
	})
}

const sshsigMagic = "SSHSIG"

// sshsigData is what is signed: the message by its hash, in the namespace "file".
func sshsigData(hash string, message []byte) []byte { return sshsigDataIn("file", hash, message) }

func sshsigDataIn(namespace, hash string, message []byte) []byte {
	h := crypto.SHA512.New()
	if hash == "sha256" {
		h = crypto.SHA256.New()
	}
	h.Write(message)
	b := wire.AppendString([]byte(sshsigMagic), namespace)
	b = wire.AppendString(wire.AppendString(b, ""), hash)
	return wire.AppendBytes(b, h.Sum(nil))
}

func sshsig(key PublicKey, signature []byte) []byte {
	b := wire.AppendUint32([]byte(sshsigMagic), 1)
	b = wire.AppendString(wire.AppendBytes(b, key.Marshal()), "file")
	b = wire.AppendString(wire.AppendString(b, ""), "sha512")
	text := base64.StdEncoding.EncodeToString(wire.AppendBytes(b, signature))
	return []byte("-----BEGIN SSH SIGNATURE-----\n" + text + "\n-----END SSH SIGNATURE-----\n")
}

func parseSSHSig(t *testing.T, file []byte) (hash string, signature []byte) {
	t.Helper()
	var text strings.Builder
	for line := range strings.SplitSeq(string(file), "\n") {
		if !strings.HasPrefix(line, "-") {
			text.WriteString(line)
		}
	}
	b := must(base64.StdEncoding.DecodeString(text.String()))
	r := wire.NewFieldReader(b[len(sshsigMagic):], "SSHSIG")
	r.Uint32("version")
	r.Bytes("key")
	r.Bytes("namespace")
	r.Bytes("reserved")
	hash, signature = r.String("hash"), r.Bytes("signature")
	if err := r.Done(); err != nil {
		t.Fatal(err)
	}
	return hash, signature
}

// TestPeerKnownHosts compares lookups with ssh-keygen -F, in files that
// ssh-keygen -H has hashed and that we have.
func TestPeerKnownHosts(t *testing.T) {
	keygen := peer(t, "ssh-keygen")
	ed := keyText("ed25519")
	path := filepath.Join(t.TempDir(), "known_hosts")
	lines := strings.Join([]string{
		"plain.example,10.0.0.1 " + ed, "[ported.example]:2222 " + ed, "*.wild.example,!bad.wild.example " + ed,
		must(NewHashedKnownHost("hashed.example", 22, testKey("ed25519"))).String(),
		must(NewHashedKnownHost("hashed.example", 2222, testKey("ed25519"))).String(), "UPPER.example " + ed, "",
	}, "\n")
	write(t, path, []byte(lines))
	compare := func(stage string) {
		k, warnings, err := LoadKnownHosts(path)
		if err != nil || len(warnings) > 0 {
			t.Fatalf("%s: %v, %v", stage, warnings, err)
		}
		for _, c := range []struct {
			host string
			port int
		}{{"plain.example", 22}, {"10.0.0.1", 22}, {"plain.example", 2222}, {"ported.example", 2222}, {"ported.example", 22},
			{"a.wild.example", 22}, {"bad.wild.example", 22}, {"hashed.example", 22}, {"hashed.example", 2222},
			{"hashed.example", 23}, {"none.example", 22}, {"upper.example", 22}} {
			_, err := tryRun(t, keygen, "-F", HostName(c.host, c.port), "-f", path)
			if got := verdict(k.Check(c.host, c.port, testKey("ed25519"))); (got == "good") != (err == nil) {
				t.Errorf("%s: %s port %d: we say %s, ssh-keygen %v", stage, c.host, c.port, got, err)
			}
		}
	}
	compare("as written")
	run(t, keygen, "-q", "-H", "-f", path)
	if hashed := string(read(t, path)); strings.Contains(hashed, "plain.example") {
		t.Fatalf("not hashed: %s", hashed)
	}
	compare("hashed by ssh-keygen")
}

// TestPeerAuthorizedKeys lets ssh-keygen find the keys in a file with options.
func TestPeerAuthorizedKeys(t *testing.T) {
	keygen := peer(t, "ssh-keygen")
	var file []byte
	for i, options := range []string{
		"", `command="echo \"a b\", c",no-pty`, `from="10.0.0.0/8,!*.x",environment="A=b c"`,
		`restrict,pty,permitopen="[::1]:22",permitlisten="8080",expiry-time="20300102Z"`, `cert-authority,principals="a,b"`,
	} {
		k := AuthorizedKey{Key: testKey([]string{"ed25519", "ecdsa", "p384", "p521", "rsa"}[i]), Comment: "no " + options[:min(len(options), 4)]}
		k.Options = must(parseKeyOptions(options))
		file = append(file, must(k.Marshal())...)
	}
	path := write(t, filepath.Join(t.TempDir(), "authorized_keys"), file)
	theirs := strings.Split(strings.TrimSpace(run(t, keygen, "-l", "-f", path)), "\n")
	ours, warnings, err := ParseAuthorizedKeys(bytes.NewReader(file))
	if err != nil || len(warnings) > 0 || len(ours) != len(theirs) {
		t.Fatalf("%d keys, ssh-keygen finds %d: %v, %v", len(ours), len(theirs), warnings, err)
	}
	for i, line := range theirs {
		if !strings.Contains(line, Fingerprint(ours[i].Key)) {
			t.Errorf("key %d: ssh-keygen says %s", i, line)
		}
	}
}

// TestPeerOpenSSL reads what openssl makes, and lets it read what we accept.
func TestPeerOpenSSL(t *testing.T) {
	openssl := peer(t, "openssl")
	eachKey(t, func(t *testing.T, key crypto.Signer) {
		dir := t.TempDir()
		plain := write(t, filepath.Join(dir, "plain"), pemFile("PRIVATE KEY", must(marshalPKCS8(key))))
		forms := map[string][]string{
			"PKCS #8":                  {"pkcs8", "-topk8", "-nocrypt"},
			"PBES2 default":            {"pkcs8", "-topk8", "-passout", "pass:secret"},
			"PBES2 AES-128 SHA-512":    {"pkcs8", "-topk8", "-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA512", "-passout", "pass:secret"},
			"PBES2 AES-192 SHA-1":      {"pkcs8", "-topk8", "-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA1", "-passout", "pass:secret"},
			"PBES2 3DES SHA-384":       {"pkcs8", "-topk8", "-v2", "des3", "-v2prf", "hmacWithSHA384", "-passout", "pass:secret"},
			"PBES2 100,000 iterations": {"pkcs8", "-topk8", "-iter", "100000", "-passout", "pass:secret"},
		}
		switch key.(type) {
		case *rsa.PrivateKey:
			forms["PKCS #1"] = []string{"rsa", "-traditional"}
			forms["PKCS #1 AES"] = []string{"rsa", "-traditional", "-aes256", "-passout", "pass:secret"}
		case *ecdsa.PrivateKey:
			forms["SEC 1"] = []string{"ec"}
			forms["SEC 1 AES"] = []string{"ec", "-aes128", "-passout", "pass:secret"}
			forms["SEC 1 compressed"] = []string{"ec", "-conv_form", "compressed"}
		case *DSAPrivateKey:
			forms["DSA"] = []string{"dsa"}
			forms["DSA AES"] = []string{"dsa", "-aes256", "-passout", "pass:secret"}
		}
		for name, args := range forms {
			file := run(t, openssl, append(args, "-in", plain)...)
			got, _, err := ParsePrivateKey([]byte(file), []byte("secret"))
			if err != nil {
				t.Errorf("%s: %v\n%s", name, err, file)
				continue
			}
			sameKey(t, got, key)
		}
	})
}
