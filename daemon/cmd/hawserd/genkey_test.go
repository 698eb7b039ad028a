package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/connection/peertest"
	"github.com/hawser-ssh/hawser/transport/sshkey"
)

func TestGenerateKey(t *testing.T) {
	for kind, want := range map[string]string{
		"ed25519": "256 ssh-ed25519", "ecdsa": "256 ecdsa-sha2-nistp256", "ecdsa-384": "384 ecdsa-sha2-nistp384",
		"ecdsa-521": "521 ecdsa-sha2-nistp521", "rsa": "3072 ssh-rsa", "ed448": "448 ssh-ed448",
	} {
		if kind == "rsa" && testing.Short() {
			continue
		}
		file := filepath.Join(t.TempDir(), "key")
		var out bytes.Buffer
		if err := generateKey(kind, file, &out); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		signer, err := loadHostKey(file) // refuses files that others can read
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		text, err := os.ReadFile(file + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		public, err := sshkey.ParseAuthorizedKey(string(text))
		if err != nil || !sshkey.Equal(public.Key, signer.PublicKey()) || !strings.Contains(public.Comment, "@") {
			t.Errorf("%s: public half %q: %v", kind, text, err)
		}
		bits, name, _ := strings.Cut(want, " ")
		shown := sshkey.DescribeKey(public.Key, public.Comment)
		if public.Key.Type() != name || !strings.HasPrefix(shown, bits+" SHA256:") {
			t.Errorf("%s: made %s", kind, shown)
		}
		if !strings.HasSuffix(out.String(), shown+"\n"+sshkey.Randomart(public.Key)+"\n") {
			t.Errorf("%s: said %s", kind, out.String())
		}
		if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", kind, info.Mode(), err)
		}
	}
}

func TestGenerateKeyReplacesNothing(t *testing.T) {
	for _, there := range []string{"key", "key.pub"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, there), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		err := generateKey("ed25519", filepath.Join(dir, "key"), io.Discard)
		if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, there)) {
			t.Errorf("%s is there: %v", there, err)
		}
		entries, _ := os.ReadDir(dir)
		text, _ := os.ReadFile(filepath.Join(dir, there))
		if len(entries) != 1 || string(text) != "mine" {
			t.Errorf("%s was there, now %d files and in it %q", there, len(entries), text)
		}
	}
	if err := writeNew(t.TempDir(), nil, 0o600); !errors.Is(err, os.ErrExist) {
		t.Errorf("writeNew over what appeared meanwhile: %v", err)
	}
}

func TestGenerateKeyArguments(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	for _, kind := range []string{"dsa", "rsa-", "rsa-1024", "rsa-x", "rsa--1", "rsa-16385", "ecdsa-255", "ed25519-256", "ed25519-", "", "rsa-0"} {
		var usage *usageError
		if _, err := newKey(kind); !errors.As(err, &usage) {
			t.Errorf("%q: %v", kind, err)
		}
	}
	for _, args := range [][]string{{"-genkey", "ed25519"}, {"-genkey", "ed25519", file, "more"}, {"-genkey"}} {
		var usage *usageError
		if _, err := parseFlags(args, io.Discard); !errors.As(err, &usage) {
			t.Errorf("%q: %v", args, err)
		}
	}
	opt, err := parseFlags([]string{"-genkey", "rsa-4096", file}, io.Discard)
	if err != nil || opt.genKey != "rsa-4096" || opt.genKeyFile != file {
		t.Errorf("%+v, %v", opt, err)
	}
}

// TestPeerReadsGeneratedKey lets ssh-keygen look at the keys that it has a name for.
func TestPeerReadsGeneratedKey(t *testing.T) {
	keygen := peertest.Lookup(t, "ssh-keygen")
	for _, kind := range []string{"ed25519", "ecdsa", "ecdsa-384", "ecdsa-521"} {
		file := filepath.Join(t.TempDir(), "key")
		var out bytes.Buffer
		if err := generateKey(kind, file, &out); err != nil {
			t.Fatal(err)
		}
		shown := peertest.Run(t, nil, keygen, "-lv", "-f", file)
		if shown.Code != 0 || !bytes.HasSuffix(out.Bytes(), shown.Stdout) {
			t.Errorf("%s: ssh-keygen says\n%s%s, we said\n%s", kind, shown.Stdout, shown.Stderr, out.String())
		}
		public, err := os.ReadFile(file + ".pub")
		if derived := peertest.Run(t, nil, keygen, "-y", "-f", file); err != nil || !bytes.Equal(derived.Stdout, public) {
			t.Errorf("%s: ssh-keygen derives %s, the file holds %s (%v)", kind, derived.Stdout, public, err)
		}
	}
}
