package peertest

import (
	"crypto/sha256"
	"encoding/base64"
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
	DSA      KeyType = "dsa"   // 1024 bits, for old peers
	Ed448    KeyType = "ed448" // made with AsyncSSH
)

// Key is a throwaway key pair in files that go away with the test.
type Key struct {
	Type   KeyType
	Path   string // private key, OpenSSH format, mode 0600; Path+".pub" is the public key
	Public string // the public key's line: type, base64, comment; no newline
	Cert   string // an OpenSSH certificate's line likewise, in the file Path+"-cert.pub"; empty without

	Provider string // the library that signs for it; empty unless it is a security key's
}

// StoreKey writes a key that was made elsewhere, and its certificate if it has
// one, into files as NewKey does.
func StoreKey(t testing.TB, private []byte, public, cert string) Key {
	t.Helper()
	k := Key{Path: filepath.Join(t.TempDir(), "id"), Public: public, Cert: cert}
	k.write(t, private)
	return k
}

// write writes the files of a key.
func (k Key) write(t testing.TB, private []byte) {
	t.Helper()
	writeFile(t, k.Path, string(private), 0o600)
	writeFile(t, k.Path+".pub", k.Public+"\n", 0o644)
	if k.Cert != "" {
		writeFile(t, k.Path+"-cert.pub", k.Cert+"\n", 0o644)
	}
}

// NewKey makes a key pair with ssh-keygen, protected by the passphrase when
// there is one.
func NewKey(t testing.TB, kind KeyType, passphrase ...string) Key {
	t.Helper()
	path := filepath.Join(t.TempDir(), "id_"+string(kind))
	if kind == Ed448 {
		return newEd448(t, path)
	}
	name, bits, sized := strings.Cut(string(kind), "-")
	args := []string{"-q", "-t", name, "-N", strings.Join(passphrase, ""), "-C", "peertest", "-f", path}
	if sized {
		args = append(args, "-b", bits)
	}
	mustRun(t, "ssh-keygen", args...)
	return Key{Type: kind, Path: path, Public: strings.TrimSpace(string(readFile(t, path+".pub")))}
}

// newEd448 makes a key pair of a kind that ssh-keygen does not know.
func newEd448(t testing.TB, path string) Key {
	t.Helper()
	mustRun(t, Python(t, "asyncssh"), "-W", "ignore", "-c", `import asyncssh, os, sys
os.umask(0o077)
key = asyncssh.generate_private_key("ssh-ed448", "peertest")
key.write_private_key(sys.argv[1])
key.write_public_key(sys.argv[1] + ".pub")`, path)
	return Key{Type: Ed448, Path: path, Public: strings.TrimSpace(string(readFile(t, path+".pub")))}
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
	private := k.Private(t)
	k.Path = filepath.Join(t.TempDir(), "key.pem")
	k.write(t, private)
	mustRun(t, "ssh-keygen", "-q", "-p", "-m", "PEM", "-N", "", "-P", "", "-f", k.Path)
	return k.Path
}

// Old returns the path of the private key in the oldest form that its kind has:
// that of PEM, or OpenSSH's.
func (k Key) Old(t testing.TB) string {
	t.Helper()
	for _, kind := range []string{"ssh-rsa ", "ssh-dss ", "ecdsa-sha2-"} {
		if strings.HasPrefix(k.Public, kind) {
			return k.PEM(t)
		}
	}
	return k.Path
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

// Fingerprint returns the key's SHA256:… fingerprint.
func (k Key) Fingerprint(t testing.TB) string {
	t.Helper()
	blob, err := base64.StdEncoding.DecodeString(strings.Fields(k.Public)[1])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(blob)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
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
