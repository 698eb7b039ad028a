package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// maxAuthorizedKeys bounds the file that is read at every attempt.
const maxAuthorizedKeys = 1 << 20

// keyFile is a file of authorized keys. It is read anew for every attempt, so that a change counts at once.
type keyFile struct {
	path string
	home string // of the account: what is above it is the system's to guard
	log  *slog.Logger
}

// load reads the file. Nobody but the account and root may be able to write to it: else others decide who logs in.
func (k *keyFile) load() ([]sshkey.AuthorizedKey, error) {
	f, err := openChecked(k.path, func(info fs.FileInfo) error {
		if info.Size() > maxAuthorizedKeys {
			return fmt.Errorf("%s is larger than %d bytes", k.path, maxAuthorizedKeys)
		}
		return othersWrite(k.path, k.home, info)
	})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	keys, warnings, err := sshkey.ParseAuthorizedKeys(io.LimitReader(f, maxAuthorizedKeys))
	for _, w := range warnings {
		k.log.Warn("line ignored", "file", k.path, "why", w)
	}
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// read is load for a login: without the file there are no keys.
func (k *keyFile) read() []sshkey.AuthorizedKey {
	keys, err := k.load()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		k.log.Warn("authorized keys not used", "err", err)
	}
	return keys
}

// openChecked opens a file unless check finds something wrong with it.
func openChecked(path string, check func(fs.FileInfo) error) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = check(info)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
