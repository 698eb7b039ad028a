package main

import (
	"crypto"
	"os"
	"path/filepath"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// Files in the directory that all processes of a run share.
const (
	userKeyFile    = "user"
	authorizedFile = "authorized_keys"
)

// hostKeyKind is a kind of host key that can be measured.
type hostKeyKind struct {
	name      string
	algorithm string // of its signatures
	generate  func() (crypto.Signer, error)
}

var hostKeys = [...]hostKeyKind{
	{"ed25519", "ssh-ed25519", sshkey.GenerateEd25519},
	{"ecdsa-256", "ecdsa-sha2-nistp256", func() (crypto.Signer, error) { return sshkey.GenerateECDSA(256) }},
	{"rsa-3072", "rsa-sha2-256", func() (crypto.Signer, error) { return sshkey.GenerateRSA(3072) }},
}

func hostKeyKinds() []string {
	var names []string
	for _, k := range hostKeys {
		names = append(names, k.name)
	}
	return names
}

// hostKeyFile is where the host key of a kind is.
func hostKeyFile(kind string) string { return "host-" + kind }

// hostKeyAlgorithm is the signature algorithm that a kind of key is used with.
func hostKeyAlgorithm(kind string) string {
	for _, k := range hostKeys {
		if k.name == kind {
			return k.algorithm
		}
	}
	return ""
}

// writeKeys makes the host keys and the user's Ed25519 key of a run, and the authorized_keys of the latter.
func writeKeys(dir string) error {
	for _, kind := range hostKeys {
		if err := writeKey(dir, hostKeyFile(kind.name), kind.generate); err != nil {
			return err
		}
	}
	if err := writeKey(dir, userKeyFile, sshkey.GenerateEd25519); err != nil {
		return err
	}
	user, err := readSigner(dir, userKeyFile)
	if err != nil {
		return err
	}
	line, err := sshkey.AuthorizedKey{Key: user.PublicKey()}.Marshal()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, authorizedFile), line, 0o600)
}

func writeKey(dir, name string, generate func() (crypto.Signer, error)) error {
	key, err := generate()
	if err != nil {
		return err
	}
	file, err := sshkey.MarshalPrivateKey(key, "bench", nil)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), file, 0o600)
}

// readSigner reads one of the keys.
func readSigner(dir, name string) (sshkey.Signer, error) {
	file, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	key, _, err := sshkey.ParsePrivateKey(file, nil)
	if err != nil {
		return nil, err
	}
	return sshkey.NewSigner(key)
}
