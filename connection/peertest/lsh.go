package peertest

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
)

// Lsh returns the path of a copy of an RSA key in lsh's format.
func (k Key) Lsh(t testing.TB) string {
	t.Helper()
	block, _ := pem.Decode(readFile(t, k.PEM(t)))
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	p, q := key.Primes[0], key.Primes[1]
	for name, n := range map[string]*big.Int{
		"n": key.N, "e": big.NewInt(int64(key.E)), "d": key.D, "p": p, "q": q,
		"a": key.Precomputed.Dp, "b": key.Precomputed.Dq, "c": key.Precomputed.Qinv,
	} {
		value := append([]byte{0}, n.Bytes()...)
		if value[1] < 0x80 { // only then is the zero in front one too many
			value = value[1:]
		}
		fmt.Fprintf(&b, "(1:%s%d:%s)", name, len(value), value)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	c := lshTool(t, dir, "lsh-writekey", "-q", "-c", "none", "-o", path)
	c.Stdin = strings.NewReader("(11:private-key(9:rsa-pkcs1" + b.String() + "))")
	if r := c.Run(t); r.Code != 0 {
		t.Fatalf("lsh-writekey: %s", r.Stderr)
	}
	return path
}

// lshTool is a program of lsh's, with a home of its own in dir that has what
// its random numbers start from: lsh-make-seed would look for it for seconds.
func lshTool(t testing.TB, dir, program string, args ...string) Cmd {
	t.Helper()
	seed := filepath.Join(dir, "seed")
	var random [32]byte
	_, _ = rand.Read(random[:])
	writeFile(t, seed, string(random[:]), 0o600)
	return Cmd{Path: program, Args: args, Env: []string{"HOME=" + dir, "LSH_YARROW_SEED_FILE=" + seed}}
}

func mustRunCmd(t testing.TB, c Cmd) []byte {
	t.Helper()
	r := c.Run(t)
	if r.Code != 0 {
		t.Fatalf("%s: exit status %d: %s", c.Path, r.Code, r.Stderr)
	}
	return r.Stdout
}

// LshSSH is lsh's client for the target, whose Key is an RSA key. It takes one
// cipher and one MAC, leaves the kind of the host key to the server, and does
// not check it.
func (g Target) LshSSH(t testing.TB, command ...string) Cmd {
	t.Helper()
	args := []string{
		"-q", "--sloppy-host-authentication", "--capture-to=/dev/null", "--host-db=/dev/null", "--no-pty",
		"-p", g.port(), "-l", g.User, "-i", g.Key.Lsh(t),
	}
	for option, value := range map[string]string{"-c": g.Ciphers, "-m": g.MACs} {
		if value != "" {
			args = append(args, option, value)
		}
	}
	if g.Compression {
		args = append(args, "-z")
	}
	return lshTool(t, t.TempDir(), "lsh", append(append(args, g.host()), command...)...)
}

// LshdOptions configure lsh's server. It has an RSA key with an exponent of
// 32 bits.
type LshdOptions struct {
	Account *Account // required
	Cipher  string   // one; empty is the default list, which is not all
}

// StartLshd starts lsh's server, lshd.
func StartLshd(t testing.TB, o LshdOptions) *Server {
	t.Helper()
	dir := t.TempDir()
	generated := mustRunCmd(t, lshTool(t, dir, "lsh-keygen", "-q", "-a", "rsa", "-l", "2048"))
	host := filepath.Join(dir, "host")
	write := lshTool(t, dir, "lsh-writekey", "-q", "-c", "none", "-o", host)
	write.Stdin = strings.NewReader(string(generated))
	mustRunCmd(t, write)
	public := mustRunCmd(t, lshTool(t, dir, "lsh-export-key", "-q", "--openssh", "-r", host+".pub"))

	for range 5 {
		addr := freeAddr(t)
		_, port, _ := strings.Cut(addr.String(), ":")
		args := []string{"-h", host, "-p", port, "--interface=127.0.0.1", "--no-syslog", "--trace"}
		if o.Cipher != "" {
			args = append(args, "-c", o.Cipher)
		}
		c := lshTool(t, dir, "lshd", args...)
		// The shell ends the server when its own input ends.
		c.Args = append([]string{"-c", `"$@" & read x; kill -9 $!; wait`, "sh", Lookup(t, "lshd")}, c.Args...)
		c.Path, c.Timeout = "sh", serverTimeout
		p := c.tie(t).Start(t)
		if !p.Stderr.WaitFor(p.ctx, ", bound socket") {
			continue
		}
		s := newServer(t, addr, "lshd")
		s.Log, s.User, s.Password = &p.Stderr, o.Account.Name, o.Account.Password
		s.HostKeys = []Key{{Public: strings.TrimSpace(string(public))}}
		return s
	}
	t.Fatal("lshd found no free port")
	return nil
}
