package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// maxAuthorizedKeys bounds the file that is read at every attempt.
const maxAuthorizedKeys = 1 << 20

// keyFile is a file of authorized keys. It is read anew for every attempt, so that a change counts at once.
type keyFile struct {
	path string
	home string // of the account: what is above it is the system's to guard
	log  *slog.Logger

	limits sshkey.Limits // of the keys; set before the first login

	mu   sync.Mutex
	told []string // complaints about the file as it was read last
}

// load reads the file. Nobody but the account and root may be able to write to it: else others decide who logs in.
// Lines that cannot be used are left out, and complained about.
func (k *keyFile) load() (keys []sshkey.AuthorizedKey, complaints []string, err error) {
	f, err := openChecked(k.path, func(info fs.FileInfo) error {
		if info.Size() > maxAuthorizedKeys {
			return fmt.Errorf("%s is larger than %d bytes", k.path, maxAuthorizedKeys)
		}
		return othersWrite(k.path, k.home, info)
	})
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	keys, warnings, err := k.limits.ParseAuthorizedKeys(io.LimitReader(f, maxAuthorizedKeys))
	for _, w := range warnings {
		complaints = append(complaints, fmt.Sprintf("line %d: %s", w.Line, w.Text))
	}
	return keys, complaints, err
}

// read is load for a login: without the file there are no keys.
func (k *keyFile) read() []sshkey.AuthorizedKey {
	keys, complaints, err := k.load()
	k.complain(complaints, err)
	if err != nil {
		return nil
	}
	return keys
}

// complain logs what is wrong with the file, once as long as it stays so: the file is read at every attempt.
func (k *keyFile) complain(complaints []string, err error) {
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		complaints = append(complaints, "no key of it is used: "+err.Error())
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range complaints {
		if !slices.Contains(k.told, c) {
			k.log.Warn("authorized keys", "file", k.path, "why", c)
		}
	}
	k.told = complaints
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
