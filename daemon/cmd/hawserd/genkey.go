package main

import (
	"crypto"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// keyMaker makes keys of one kind. A size of 0 bits is the one to take where none is named.
type keyMaker struct {
	kind  string
	sizes string // that may be named, empty: none
	make  func(bits int) (crypto.Signer, error)
}

var keyMakers = [...]keyMaker{
	{"ed25519", "", func(int) (crypto.Signer, error) { return sshkey.GenerateEd25519() }},
	{"ecdsa", "256, 384 or 521", sshkey.GenerateECDSA},
	{"rsa", fmt.Sprintf("%d to %d", sshkey.DefaultRSABits, sshkey.MaxRSABits), sshkey.GenerateRSA},
	{"ed448", "", func(int) (crypto.Signer, error) { return sshkey.GenerateEd448() }},
}

// newKey makes a key of a kind as -genkey names it: KIND or KIND-BITS.
func newKey(name string) (crypto.Signer, error) {
	kind, size, sized := strings.Cut(name, "-")
	for _, m := range keyMakers {
		if m.kind != kind {
			continue
		}
		bits, err := strconv.Atoi(size)
		switch {
		case sized && m.sizes == "":
			return nil, usagef("-genkey %s: such keys have one size", name)
		case sized && (err != nil || bits <= 0):
			return nil, usagef("-genkey %s: the size is none of %s", name, m.sizes)
		}
		key, err := m.make(bits)
		if _, weak := errors.AsType[*sshkey.WeakKeyError](err); weak {
			return nil, usagef("-genkey %s: the size is none of %s", name, m.sizes)
		}
		return key, err
	}
	return nil, usagef("-genkey %s: want ed25519, ecdsa, rsa or ed448, with a size as in rsa-4096 where there are several", name)
}

// generateKey writes a new key to file, its public half to file.pub, and tells what it is. What is there stays there.
func generateKey(kind, file string, stdout io.Writer) error {
	public := file + ".pub"
	for _, name := range []string{file, public} { // before the work; writeNew sees to it that nothing is replaced
		if _, err := os.Lstat(name); err == nil {
			return fmt.Errorf("%s exists already, and -genkey replaces nothing", name)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	private, err := newKey(kind)
	if err != nil {
		return err
	}
	comment := keyComment()
	text, err := sshkey.MarshalPrivateKey(private, comment, nil)
	if err != nil {
		return err
	}
	defer clear(text)
	key, err := sshkey.NewPublicKey(private.Public())
	if err != nil {
		return err
	}
	line, err := sshkey.AuthorizedKey{Key: key, Comment: comment}.Marshal()
	if err != nil {
		return err
	}
	if err := writeNew(file, text, 0o600); err != nil {
		return err
	}
	if err := writeNew(public, line, 0o644); err != nil {
		os.Remove(file)
		return err
	}
	fmt.Fprintf(stdout, "private key: %s\npublic key:  %s\n%s\n%s\n", file, public, sshkey.DescribeKey(key, comment), sshkey.Randomart(key))
	return nil
}

// keyComment is USER@HOST, as far as both are known and fit into a line.
func keyComment() string {
	name := "hawserd"
	if me, err := ownAccount(); err == nil {
		name = me.name
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, name+"@"+host)
}

// writeNew writes a file that was not there; what could not be written whole is removed.
func writeNew(file string, text []byte, mode os.FileMode) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(file)
		return err
	}
	return nil
}
