package main

import (
	"os"
	"path/filepath"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// Files in the directory that all processes of a run share.
const (
	hostKeyFile    = "host"
	userKeyFile    = "user"
	authorizedFile = "authorized_keys"
)

// writeKeys makes the host key and the user's key of a run, both Ed25519, and the authorized_keys of the latter.
func writeKeys(dir string) error {
	for _, name := range []string{hostKeyFile, userKeyFile} {
		key, err := sshkey.GenerateEd25519()
		if err != nil {
			return err
		}
		file, err := sshkey.MarshalPrivateKey(key, "bench", nil)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), file, 0o600); err != nil {
			return err
		}
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
