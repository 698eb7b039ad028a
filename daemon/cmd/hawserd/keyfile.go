package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"github.com/hawser-ssh/hawser/transport/sshkey"
)

// maxAuthorizedKeys bounds the file that is read at every attempt.
const maxAuthorizedKeys = 1 << 20

// keyFile is a file of authorized keys. It is read anew for every attempt, so that a change counts at once.
type keyFile struct {
	path string
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
	if err := othersWrite(k.path, info); err != nil {
		return nil, err
	}
	if info.Size() > maxAuthorizedKeys {
		return nil, fmt.Errorf("%s is larger than %d bytes", k.path, maxAuthorizedKeys)
	}
	keys, warnings, err := sshkey.ParseAuthorizedKeys(io.LimitReader(f, maxAuthorizedKeys))
	for _, w := range warnings {
		k.log.Warn("line ignored", "file", k.path, "why", w)
	}
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// othersWrite refuses a file, or a directory around it, that others can change.
func othersWrite(path string, info fs.FileInfo) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", path)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s has mode %04o, others can write to it: chmod 600 it", path, info.Mode().Perm())
	}
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	if dir.Mode().Perm()&0o022 != 0 && dir.Mode()&fs.ModeSticky == 0 {
		return fmt.Errorf("the directory of %s has mode %04o, others can write to it: chmod 700 it", path, dir.Mode().Perm())
	}
	return nil
}

// read is load for a login: without the file there are no keys.
func (k *keyFile) read() []sshkey.AuthorizedKey {
	keys, err := k.load()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		k.log.Warn("authorized keys not used", "err", err)
	}
	return keys
}
