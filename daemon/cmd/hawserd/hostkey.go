package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/hawser-ssh/hawser/daemon/certstore"
	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// maxKeyFile bounds what is read of a file that should hold a key.
const maxKeyFile = certstore.MaxStore + 1

// hostKeys loads the keys of the -hostkey flags, or the one that hawserd keeps, which it makes when there is none. certs are
// the same keys with the X.509 certificates that their files have for them.
func hostKeys(opt *options) (keys, certs []sshkey.Signer, err error) {
	files, password := opt.hostKeys, ""
	if len(files) == 0 {
		file, err := keptHostKey()
		if err != nil {
			return nil, nil, err
		}
		files = []string{file}
	}
	if opt.hostKeyPassword != "" {
		text, err := readPrivate(opt.hostKeyPassword)
		if err != nil {
			return nil, nil, fmt.Errorf("host key password: %w", err)
		}
		password, _, _ = strings.Cut(string(text), "\n")
		password = strings.TrimSuffix(password, "\r")
	}
	for _, file := range files {
		signers, err := openHostKey(file, password, opt.hostKeySubject)
		if err != nil {
			return nil, nil, err
		}
		keys, certs = append(keys, signers[0]), append(certs, signers[1:]...)
	}
	return keys, certs, nil
}

// hostCertificates loads the certificates of the -host-cert flags. Each must be for one of keys, whose signer signs.
func hostCertificates(files []string, keys []sshkey.Signer) ([]sshkey.Signer, error) {
	var certs []sshkey.Signer
	for _, file := range files {
		cert, err := loadHostCertificate(file, keys)
		if err != nil {
			return nil, fmt.Errorf("host certificate %s: %w", file, err)
		}
		certs = append(certs, cert)
	}
	return certs, nil
}

func loadHostCertificate(file string, keys []sshkey.Signer) (sshkey.Signer, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	cert, err := sshkey.ParseCertificate(text)
	if err != nil {
		return nil, err
	}
	if cert.Purpose != sshkey.HostCertificate {
		return nil, fmt.Errorf("it is a %s certificate", cert.Purpose)
	}
	for _, key := range keys {
		if bytes.Equal(sshkey.PlainBlob(key.PublicKey()), sshkey.PlainBlob(cert)) {
			return sshkey.NewCertSigner(cert, key)
		}
	}
	return nil, errors.New("it is for none of the host keys")
}

// openHostKey reads a private key from a file of any form that certstore knows, which nobody but its owner may read. The
// subject counts where there are several in it.
func openHostKey(file, password, subject string) ([]sshkey.Signer, error) {
	text, err := readPrivate(file)
	if err != nil {
		return nil, fmt.Errorf("host key: %w", err)
	}
	defer clear(text)
	store, err := certstore.Parse(text, password)
	if errors.Is(err, certstore.ErrPassword) && password == "" {
		err = errors.New("it has a passphrase: -hostkey-password-file FILE tells it")
	}
	if err != nil {
		return nil, fmt.Errorf("host key %s: %w", file, err)
	}
	key, err := certstore.Find(store, "")
	if _, several := errors.AsType[*certstore.SeveralError](err); several && subject != "" {
		key, err = certstore.Find(store, subject)
	} else if several {
		err = fmt.Errorf("%w (-hostkey-subject SUBJECT)", err)
	}
	if err != nil {
		return nil, fmt.Errorf("host key %s: %w", file, err)
	}
	signers, err := key.Signers()
	if err != nil {
		return nil, fmt.Errorf("host key %s: %w", file, err)
	}
	return signers, nil
}

func readPrivate(file string) ([]byte, error) {
	f, err := openChecked(file, func(info fs.FileInfo) error {
		if info.IsDir() {
			return fmt.Errorf("%s is a directory", file)
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
			return fmt.Errorf("%s has mode %04o, others can use it: chmod 600 it", file, mode)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxKeyFile))
}

// keptHostKey returns the file of the key in the user's configuration directory, after making it on the first run.
func keptHostKey() (string, error) {
	dir, err := configDir()
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "ssh_host_ed25519_key")
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return file, nil // what may be wrong with it, loading it will tell
	}
	if err := makeHostKey(dir, file); err != nil {
		return "", fmt.Errorf("make a host key: %w", err)
	}
	return file, nil
}

// makeHostKey writes a new key in one step: another hawserd that starts at the same time sees all of it or nothing.
func makeHostKey(dir, file string) error {
	private, err := sshkey.GenerateEd25519()
	if err != nil {
		return err
	}
	text, err := sshkey.MarshalPrivateKey(private, "hawserd", nil)
	if err != nil {
		return err
	}
	defer clear(text)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, ".ssh_host_key-") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), file); errors.Is(err, fs.ErrExist) {
		return nil // the other one was first: its key it is
	} else if err != nil {
		return os.Rename(tmp.Name(), file) // a file system without links
	}
	return nil
}
