package fuzz

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// edKey and ecKey are private keys for seeds, the same in every run.
func edKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
}

func ecKey(f *testing.F) *ecdsa.PrivateKey {
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{9}, 32))
	if err != nil {
		f.Fatal(err)
	}
	return key
}

func publicKeys(f *testing.F) []sshkey.PublicKey {
	var keys []sshkey.PublicKey
	for _, k := range []crypto.PublicKey{edKey().Public(), ecKey(f).Public()} {
		key, err := sshkey.NewPublicKey(k)
		if err != nil {
			f.Fatal(err)
		}
		keys = append(keys, key)
	}
	return keys
}

// FuzzPublicKey parses key blobs. One that is accepted is the only form of its key, and does not verify a signature
// that nobody made.
func FuzzPublicKey(f *testing.F) {
	for _, key := range publicKeys(f) {
		for _, a := range sshkey.DefaultAlgorithms() {
			f.Add(key.Marshal(), a, []byte("\x00\x00\x00\x01x\x00\x00\x00\x01y"))
		}
	}
	f.Add([]byte{}, "", []byte{})
	f.Fuzz(func(t *testing.T, blob []byte, algorithm string, signature []byte) {
		key, err := sshkey.ParsePublicKey(blob)
		if err != nil {
			return
		}
		if !bytes.Equal(key.Marshal(), blob) {
			t.Fatalf("%x is written as %x", blob, key.Marshal())
		}
		same, err := sshkey.NewPublicKey(key.CryptoPublicKey())
		if err != nil || !sshkey.Equal(key, same) || sshkey.Fingerprint(key) != sshkey.Fingerprint(same) {
			t.Fatalf("%x is another key when made anew, %v", blob, err)
		}
		err = key.Verify(algorithm, []byte("nobody signed this"), signature)
		if !errors.Is(err, sshkey.ErrSignature) && !errors.Is(err, sshkey.ErrAlgorithm) {
			t.Fatalf("%x verified %x: %v", blob, signature, err)
		}
	})
}

// FuzzPrivateKey parses private key files without a passphrase, so that no key derivation runs. What is accepted
// survives being written in OpenSSH's form.
func FuzzPrivateKey(f *testing.F) {
	for _, key := range []crypto.Signer{edKey(), ecKey(f)} {
		file, err := sshkey.MarshalPrivateKey(key, "comment", nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	der, err := x509.MarshalECPrivateKey(ecKey(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
	f.Add([]byte("-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, file []byte) { checkPrivateKey(t, file) })
}

// FuzzOpenSSHKey is FuzzPrivateKey below the armour, where a change of one byte is not lost in base64.
func FuzzOpenSSHKey(f *testing.F) {
	for _, key := range []crypto.Signer{edKey(), ecKey(f)} {
		file, err := sshkey.MarshalPrivateKey(key, "comment", nil)
		if err != nil {
			f.Fatal(err)
		}
		block, _ := pem.Decode(file)
		f.Add(block.Bytes)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		checkPrivateKey(t, pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: body}))
	})
}

func checkPrivateKey(t *testing.T, file []byte) {
	t.Helper()
	key, comment, err := sshkey.ParsePrivateKey(file, nil)
	if err != nil {
		var unsupported *sshkey.UnsupportedError
		var weak *sshkey.WeakKeyError
		if !errors.Is(err, sshkey.ErrPassphraseMissing) && !errors.Is(err, sshkey.ErrKeyFile) &&
			!errors.As(err, &unsupported) && !errors.As(err, &weak) {
			t.Fatalf("an error of no kind: %v", err)
		}
		return
	}
	if len(comment) > sshkey.MaxKeyComment {
		t.Fatalf("a comment of %d bytes", len(comment))
	}
	out, err := sshkey.MarshalPrivateKey(key, comment, nil)
	if err != nil {
		t.Fatalf("a key that was read cannot be written: %v", err)
	}
	again, sameComment, err := sshkey.ParsePrivateKey(out, nil)
	if err != nil || sameComment != comment || !key.(interface{ Equal(crypto.PrivateKey) bool }).Equal(again) {
		t.Fatalf("a key was written and read again: comment %q, %v", sameComment, err)
	}
}

// FuzzAuthorizedKeys parses authorized_keys. A line that is accepted means the same when it is written again.
func FuzzAuthorizedKeys(f *testing.F) {
	for _, key := range publicKeys(f) {
		text := key.Type() + " " + base64.StdEncoding.EncodeToString(key.Marshal())
		for _, options := range []string{"", "no-pty ", `command="a \"b\"",from="10.0.0.0/8,!10.1.*" `, "restrict,pty ",
			`permitopen="h:22",permitlisten="*:1",environment="A=b" `, `expiry-time="20300101" `, "cert-authority ",
			`principals="a,b" `, "unheard-of ", `command="open `, "no-pty,,no-pty "} {
			f.Add([]byte(options + text + " a comment\n"))
		}
		f.Add([]byte("# comment\n\n" + text + "\r\n\x00" + text))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		keys, warnings, err := sshkey.ParseAuthorizedKeys(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		if len(warnings) > sshkey.MaxWarnings+1 {
			t.Fatalf("%d warnings", len(warnings))
		}
		lines := bytes.Count(file, []byte("\n")) + 1
		if len(keys) > lines {
			t.Fatalf("%d keys in %d lines", len(keys), lines)
		}
		for _, k := range keys {
			line, err := k.Marshal()
			if err != nil {
				continue // it has a form that is not written
			}
			again, err := sshkey.ParseAuthorizedKey(string(line))
			if err != nil || !sshkey.Equal(again.Key, k.Key) || again.Options.String() != k.Options.String() || again.Comment != k.Comment {
				t.Fatalf("line %d is written as %q and read again with options %q, comment %q, %v",
					k.Line, line, again.Options.String(), again.Comment, err)
			}
			found, err := sshkey.FindAuthorizedKey(keys, k.Key, sshkey.Source{}, time.Unix(1700000000, 0))
			if err != nil && !errors.Is(err, sshkey.ErrNotAuthorized) || err == nil && found.Options.CertAuthority {
				t.Fatalf("found %+v, %v", found, err)
			}
		}
	})
}

// FuzzKnownHosts parses known_hosts and looks hosts up. A revoked key is never right, and a line that a check names is
// about that host.
func FuzzKnownHosts(f *testing.F) {
	keys := publicKeys(f)
	for _, key := range keys {
		text := " " + key.Type() + " " + base64.StdEncoding.EncodeToString(key.Marshal())
		hashed, err := sshkey.NewHashedKnownHost("host", 22, key)
		if err != nil {
			f.Fatal(err)
		}
		for _, line := range []string{"host" + text, "[host]:2222,other*,!otherwise" + text, "@revoked *" + text, "@cert-authority *.x" + text,
			hashed.String(), "|1|AAAA|BBBB" + text, "@unheard-of host" + text, "host" + text + "\nhost" + text + " comment", "*" + text} {
			f.Add([]byte(line+"\n"), "host", 22)
		}
		f.Add([]byte("[host]:2222"+text), "HOST", 2222)
	}
	f.Fuzz(func(t *testing.T, file []byte, host string, port int) {
		known, warnings, err := sshkey.ParseKnownHosts(bytes.NewReader(file), "file")
		if err != nil {
			t.Fatal(err)
		}
		if len(warnings) > sshkey.MaxWarnings+1 {
			t.Fatalf("%d warnings", len(warnings))
		}
		known.Algorithms(host, port)
		for _, key := range keys {
			checkKnownHost(t, known, host, port, key)
		}
	})
}

func checkKnownHost(t *testing.T, known *sshkey.KnownHosts, host string, port int, key sshkey.PublicKey) {
	t.Helper()
	err := known.Check(host, port, key)
	var revoked *sshkey.HostKeyRevokedError
	var changed *sshkey.HostKeyChangedError
	var unknown *sshkey.HostKeyUnknownError
	switch {
	case err == nil:
	case errors.As(err, &revoked):
		if revoked.Line.Marker != sshkey.MarkerRevoked || !bytes.Equal(revoked.Line.Blob, key.Marshal()) {
			t.Fatalf("%v by %+v", err, revoked.Line)
		}
	case errors.As(err, &changed):
		for _, line := range changed.Known {
			if line.Marker == "" && bytes.Equal(line.Blob, key.Marshal()) {
				t.Fatalf("%v, and yet %q has the key", err, line)
			}
			again, _, err := sshkey.ParseKnownHosts(strings.NewReader(line.String()), "again")
			if err != nil || errors.As(again.Check(host, port, key), &unknown) {
				t.Fatalf("%q is not about %q when read again", line, host)
			}
		}
	case !errors.As(err, &unknown):
		t.Fatalf("an error of no kind: %v", err)
	}
}
