package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"time"

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
	f, err := os.Open(k.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := othersWrite(k.path, k.home, info); err != nil {
		return nil, err
	}
	if info.Size() > maxAuthorizedKeys {
		return nil, fmt.Errorf("%s is larger than %d bytes", k.path, maxAuthorizedKeys)
	}
	keys, warnings, err := sshkey.ParseAuthorizedKeys(io.LimitReader(f, maxAuthorizedKeys))
	for _, w := range warnings {
		k.log.Warn("line ignored", "file", k.path, "why", w)
	}
	return keys, err
}

// find returns what the key permits a client from an address, or nil when the key may not log in from there.
func (k *keyFile) find(key sshkey.PublicKey, from string) *permissions {
	keys, err := k.load()
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			k.log.Warn("authorized keys not used", "err", err)
		}
		return nil
	}
	entry, err := sshkey.FindAuthorizedKey(keys, key, source(from), time.Now())
	if err != nil {
		k.log.Debug("key refused", "err", err)
		return nil
	}
	return permissionsOf(entry.Options)
}
