package peertest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// KeyType names a kind of throwaway key as ssh-keygen and its size option do.
type KeyType string

// The kinds of keys of the tests.
const (
	Ed25519  KeyType = "ed25519"
	ECDSA256 KeyType = "ecdsa-256"
	ECDSA384 KeyType = "ecdsa-384"
	ECDSA521 KeyType = "ecdsa-521"
	RSA2048  KeyType = "rsa-2048"
	RSA3072  KeyType = "rsa-3072"
)

// Key is a throwaway key pair in files that go away with the test.
type Key struct {
	Type   KeyType
	Path   string // private key, OpenSSH format, mode 0600; Path+".pub" is the public key
	Public string // the public key's line: type, base64, comment; no newline
}

// NewKey makes a key pair with ssh-keygen, protected by the passphrase when
// there is one.
func NewKey(t testing.TB, kind KeyType, passphrase ...string) Key {
	t.Helper()
	path := filepath.Join(t.TempDir(), "id_"+string(kind))
	name, bits, sized := strings.Cut(string(kind), "-")
	args := []string{"-q", "-t", name, "-N", strings.Join(passphrase, ""), "-C", "peertest", "-f", path}
	if sized {
		args = append(args, "-b", bits)
	}
	mustRun(t, "ssh-keygen", args...)
	return Key{Type: kind, Path: path, Public: strings.TrimSpace(string(readFile(t, path+".pub")))}
}

// NewKeys makes one key pair of each kind.
func NewKeys(t testing.TB, kinds ...KeyType) []Key {
	t.Helper()
	var keys []Key
	for _, kind := range kinds {
		keys = append(keys, NewKey(t, kind))
	}
	return keys
}

// Private returns the bytes of the private key file.
func (k Key) Private(t testing.TB) []byte {
	t.Helper()
	return readFile(t, k.Path)
}

// PEM returns the path of a copy of the private key in the PEM form of its
// kind (PKCS #1, SEC 1), for programs that read nothing else.
func (k Key) PEM(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key.pem")
	writeFile(t, path, string(k.Private(t)), 0o600)
	mustRun(t, "ssh-keygen", "-q", "-p", "-m", "PEM", "-N", "", "-P", "", "-f", path)
	return path
}

// Dropbear returns the path of a copy of the private key in dropbear's format.
func (k Key) Dropbear(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key.db")
	mustRun(t, "dropbearconvert", "openssh", "dropbear", k.Path, path)
	return path
}

// PPK returns the path of a copy of the private key in PuTTY's format.
func (k Key) PPK(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key.ppk")
	mustRun(t, "puttygen", k.Path, "-O", "private", "-o", path)
	return path
}

// Fingerprint returns the key's SHA256:… fingerprint as ssh-keygen prints it.
func (k Key) Fingerprint(t testing.TB) string {
	t.Helper()
	out := mustRun(t, "ssh-keygen", "-l", "-E", "sha256", "-f", k.Path+".pub")
	for _, word := range strings.Fields(string(out)) {
		if strings.HasPrefix(word, "SHA256:") {
			return word
		}
	}
	t.Fatalf("no fingerprint in %q", out)
	return ""
}

// mustRun runs a program that has to succeed and returns its output.
func mustRun(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	r := Run(t, nil, name, args...)
	if r.Code != 0 {
		t.Fatalf("%s %s: exit status %d\n%s%s", name, strings.Join(args, " "), r.Code, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writeFile(t testing.TB, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
}

// publicDir returns a new folder that other accounts can read; those of
// t.TempDir lie in one they cannot enter.
func publicDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hawser-peer-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
