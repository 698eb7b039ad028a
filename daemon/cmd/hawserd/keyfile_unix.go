//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// othersWrite refuses a file that others than the account and root can change: by itself, or by one of the directories
// above it, up to the home directory where it is below that.
func othersWrite(path, home string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", path)
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	if real, err = filepath.Abs(real); err != nil {
		return err
	}
	if home, err = filepath.EvalSymlinks(home); err != nil {
		home = string(filepath.Separator)
	}
	if err := trusted(real, info); err != nil {
		return err
	}
	for dir := filepath.Dir(real); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if err := trusted(dir, info); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if dir == home || dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// trusted refuses what belongs to another user or can be changed by one. In a sticky directory others cannot replace what
// is not theirs.
func trusted(path string, info fs.FileInfo) error {
	if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Uid != 0 && int(s.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to another user (number %d)", path, s.Uid)
	}
	mode := info.Mode()
	if mode.Perm()&0o022 != 0 && !(mode.IsDir() && mode&fs.ModeSticky != 0) {
		return fmt.Errorf("%s has mode %04o, others can write to it: chmod go-w it", path, mode.Perm())
	}
	return nil
}
