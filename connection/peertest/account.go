package peertest

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Account is a real account of this machine, for the servers that log in
// nobody else.
type Account struct {
	Name, Password, Home string
	uid, gid             int
}

// NewAccount makes a throwaway account with a home, the shell /bin/sh and a
// random password, and removes it and its home with the test. That takes root:
// without it the test ends as Missing says.
func NewAccount(t testing.TB) *Account {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "root, to make a throwaway account")
	}
	Lookup(t, "useradd")
	Lookup(t, "chpasswd")
	a := &Account{Name: "hw" + strings.ToLower(rand.Text()[:10]), Password: rand.Text()[:16]}
	a.Home = filepath.Join("/home", a.Name)
	a.create(t)
	u, err := user.Lookup(a.Name)
	if err != nil {
		t.Fatal(err)
	}
	a.Home = u.HomeDir
	a.uid, _ = strconv.Atoi(u.Uid)
	a.gid, _ = strconv.Atoi(u.Gid)
	return a
}

func (a *Account) create(t testing.TB) {
	t.Helper()
	defer lockAccounts(t)()
	a.promiseRemoval(t)
	mustRun(t, "useradd", "-m", "-d", a.Home, "-s", "/bin/sh", a.Name)
	r := Run(t, strings.NewReader(a.Name+":"+a.Password+"\n"), "chpasswd")
	if r.Code != 0 {
		t.Fatalf("chpasswd: %s", r.Stderr)
	}
}

// promiseRemoval starts what removes the account at the end of the test, also
// when the test process is killed or runs into its time limit.
func (a *Account) promiseRemoval(t testing.TB) {
	t.Helper()
	// -f: a session that is just ending must not keep the account.
	p := Cmd{Path: "sh", Args: []string{"-c", `read x; exec userdel -f -r "$0"`, a.Name}, Timeout: time.Hour}.tie(t).Start(t)
	t.Cleanup(func() {
		defer lockAccounts(t)()
		p.tied.Close()
		r := p.Wait()
		if _, err := user.Lookup(a.Name); err == nil {
			t.Errorf("userdel %s: exit status %d: %s", a.Name, r.Code, r.Stderr)
		}
	})
}

// Authorize lets the keys log in to the account through the file that every
// server knows, ~/.ssh/authorized_keys.
func (a *Account) Authorize(t testing.TB, keys ...Key) {
	t.Helper()
	dir := filepath.Join(a.Home, ".ssh")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "authorized_keys")
	writeFile(t, file, authorizedKeys(keys), 0o600)
	for _, path := range []string{dir, file} {
		if err := os.Chown(path, a.uid, a.gid); err != nil {
			t.Fatal(err)
		}
	}
}

// CurrentUser is the name of the account the test runs as.
func CurrentUser(t testing.TB) string {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return u.Username
}

func authorizedKeys(keys []Key) string {
	var b strings.Builder
	for _, k := range keys {
		if !strings.HasPrefix(k.Public, "x509v3-") { // which files of such lines have no form for
			fmt.Fprintln(&b, k.Public)
		}
	}
	return b.String()
}

// lockAccounts keeps test processes that run at the same time from waiting for
// each other inside useradd, which gives up after some seconds.
func lockAccounts(t testing.TB) func() {
	t.Helper()
	unlock, err := lockFile(filepath.Join(os.TempDir(), "hawser-peertest-accounts.lock"))
	if err != nil {
		t.Fatal(err)
	}
	return unlock
}
