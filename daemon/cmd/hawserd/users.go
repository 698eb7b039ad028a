package main

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// Limits of a password file.
const (
	maxUsers     = 10000
	maxUsersLine = 1024
)

// users are the names and password hashes of a -users file.
type users struct {
	hashes map[string][]byte
	dummy  []byte // of the highest cost, compared against for names that are not there
	cost   int    // the highest
}

// loadUsers reads lines of name:bcrypt. Empty lines and those that begin with # are skipped; any other is an error, and so
// is a file that others can change.
func loadUsers(path, home string) (*users, error) {
	f, err := openChecked(path, func(info fs.FileInfo) error { return othersWrite(path, home, info) })
	if err != nil {
		return nil, err
	}
	defer f.Close()
	u, err := parseUsers(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return u, nil
}

func parseUsers(r io.Reader) (*users, error) {
	u := &users{hashes: map[string][]byte{}, cost: bcrypt.MinCost}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxUsersLine)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		name, hash, ok := strings.Cut(line, ":")
		lineCost, err := bcrypt.Cost([]byte(hash))
		if !ok || name == "" || err != nil {
			return nil, fmt.Errorf("line %d: want name:bcrypt", n)
		}
		if len(u.hashes) == maxUsers {
			return nil, fmt.Errorf("more than %d users", maxUsers)
		}
		u.hashes[name] = []byte(hash)
		u.cost = max(u.cost, lineCost)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	u.dummy = dummyHash(u.cost)
	return u, nil
}

// dummyHash is a hash that no password is known for. To make it costs nothing, to compare with it as much as with another.
func dummyHash(cost int) []byte {
	return fmt.Appendf(nil, "$2a$%02d$%.53s", cost, rand.Text()+rand.Text()+rand.Text())
}

// has reports whether the file names a user. A nil *users names nobody.
func (u *users) has(name string) bool {
	if u == nil {
		return false
	}
	_, ok := u.hashes[name]
	return ok
}

// check compares a password. It takes as long for a name that is not there.
func (u *users) check(name, password string) bool {
	if u == nil {
		return false
	}
	_, known := u.hashes[name]
	right := false
	for i, hash := range u.work(name) {
		same := bcrypt.CompareHashAndPassword(hash, []byte(password)) == nil
		right = right || same && i == 0
	}
	return right && known
}

// work is what a password is compared with: the user's hash, or a dummy, and then more dummies, so that it costs the same
// for every name. The cost is an exponent: after one of c, those of c, c+1 and so on make up for a higher one.
func (u *users) work(name string) [][]byte {
	hash, known := u.hashes[name]
	if !known {
		return [][]byte{u.dummy}
	}
	list := [][]byte{hash}
	cost, _ := bcrypt.Cost(hash) // it had one when the file was read
	for ; cost < u.cost; cost++ {
		list = append(list, dummyHash(cost))
	}
	return list
}
