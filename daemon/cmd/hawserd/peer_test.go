//go:build unix

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/connection/peertest"
)

// program is the hawserd that the tests start, built once.
var buildProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "hawserd-test-")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "hawserd")
	args := []string{"build", "-buildvcs=false", "-o", binary}
	if raceDetector {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		return dir, fmt.Errorf("%w\n%s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	if signal.Ignored(syscall.SIGHUP) { // as under nohup; the programs that tests start are to have it as usual
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	status := m.Run()
	if dir, _ := buildProgram(); dir != "" {
		os.RemoveAll(dir)
	}
	os.Exit(status)
}

// hawserdBinary returns the program's path.
func hawserdBinary(t testing.TB) string {
	t.Helper()
	dir, err := buildProgram()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	return filepath.Join(dir, "hawserd")
}

// hawserd is a running one, with a home directory of its own and one user key that may log in.
type hawserd struct {
	*peertest.Process
	addr    string
	home    string
	user    string
	key     peertest.Key
	hostKey peertest.Key
}

// startHawserd starts hawserd on a free port. When the test ends it gets SIGTERM, and has to exit with status 0.
func startHawserd(t testing.TB, args ...string) *hawserd {
	t.Helper()
	return startWith(t, peertest.NewKey(t, peertest.Ed25519), args...)
}

// startWith is startHawserd with a host key of the caller.
func startWith(t testing.TB, hostKey peertest.Key, args ...string) *hawserd {
	t.Helper()
	h := &hawserd{home: newHome(t), hostKey: hostKey, key: peertest.NewKey(t, peertest.Ed25519), user: ownName(t)}
	h.authorize(t, h.key.Public)
	args = append([]string{"-listen", "127.0.0.1:0", "-hostkey", hostKey.Path, "-drain", "2s", "-v"}, args...)
	h.launch(t, args...)
	return h
}

// launch starts the program and waits for its first line.
func (h *hawserd) launch(t testing.TB, args ...string) {
	t.Helper()
	h.launchBy(t, hawserdBinary(t), args...)
}

func (h *hawserd) launchBy(t testing.TB, path string, args ...string) {
	t.Helper()
	h.Process = peertest.Cmd{
		Path: path, Args: args, Env: []string{"HOME=" + h.home, "XDG_CONFIG_HOME=" + h.home + "/.config"},
		Timeout: 5 * time.Minute,
	}.Start(t)
	h.WaitOutput("\n")
	line, _, _ := strings.Cut(h.Stdout.String(), "\n")
	addr, ok := strings.CutPrefix(line, "listening on ")
	if !ok {
		t.Fatalf("first line of output: %q", line)
	}
	h.addr = addr
	t.Cleanup(func() { h.terminate(t) })
}

// terminate stops the program as an administrator would and checks how it ends.
func (h *hawserd) terminate(t testing.TB) {
	t.Helper()
	_ = syscall.Kill(h.Pid(), syscall.SIGTERM)
	select {
	case <-h.Done():
	case <-time.After(30 * time.Second):
		t.Errorf("hawserd does not end on SIGTERM")
		return
	}
	if r := h.Wait(); r.Code != 0 || strings.Contains(string(r.Stderr), "panic") || strings.Contains(string(r.Stderr), "DATA RACE") {
		t.Errorf("hawserd ended with status %d", r.Code)
	}
	if t.Failed() {
		t.Logf("hawserd's log:\n%s", lastOf(h.Stderr.String(), 6000))
	}
}

func lastOf(text string, n int) string { return text[max(0, len(text)-n):] }

// newHome makes a home directory.
func newHome(t testing.TB) string {
	t.Helper()
	home := t.TempDir()
	for _, dir := range []string{home, filepath.Join(home, ".ssh")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return home
}

func ownName(t testing.TB) string {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return u.Username
}

// authorize writes the lines of authorized_keys.
func (h *hawserd) authorize(t testing.TB, lines ...string) {
	t.Helper()
	write(t, filepath.Join(h.home, ".ssh", "authorized_keys"), strings.Join(lines, "\n")+"\n")
}

// target is where clients log in with the key.
func (h *hawserd) target(t testing.TB) peertest.Target {
	t.Helper()
	g := peertest.NewTarget(t, h.addr, h.user, h.hostKey)
	g.Key = &h.key
	return g
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// noise makes a file of bytes that do not compress and returns its path, content and hash as sha256sum prints it.
func noise(t testing.TB, size int) (path string, content []byte, sum string) {
	t.Helper()
	random := rand.NewChaCha8([32]byte{byte(size), byte(size >> 8), byte(size >> 16)})
	content = make([]byte, size)
	_, _ = random.Read(content)
	path = filepath.Join(t.TempDir(), "noise")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, content, sumOf(content)
}

func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// wantOK fails unless the program succeeded.
func wantOK(t testing.TB, r peertest.Result) {
	t.Helper()
	if r.Code != 0 {
		t.Fatalf("exit status %d\nstdout: %.2000s\nstderr: %.4000s", r.Code, r.Stdout, r.Stderr)
	}
}

// wantOutput fails unless the program succeeded with this output.
func wantOutput(t testing.TB, r peertest.Result, want string) {
	t.Helper()
	wantOK(t, r)
	if string(r.Stdout) != want {
		t.Errorf("output %.300q, want %.300q\nstderr: %.2000s", r.Stdout, want, r.Stderr)
	}
}

// roundTrip sends content to sha256sum and gets a file back, in one session.
func roundTrip(t testing.TB, cmd func(command string) peertest.Cmd, file string, content []byte, sum string) {
	t.Helper()
	c := cmd("sha256sum; cat " + file)
	c.Stdin = bytes.NewReader(content)
	// A file takes output at once. On a pipe that is full when the channel closes, dbclient 2022.83 waits for ever now and
	// then, with OpenSSH's server, too.
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c.Stdout = out
	wantOK(t, c.Run(t))
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := bytes.Cut(text, []byte("\n"))
	if got, _, _ := strings.Cut(string(head), " "); got != sum {
		t.Errorf("arrived: %.80q, want %s", head, sum)
	}
	if !bytes.Equal(body, content) {
		t.Errorf("came back: %d bytes, hash %s, want %d bytes, hash %s", len(body), sumOf(body), len(content), sum)
	}
}

// children are the processes below a process, from /proc; nil where there is none.
func children(pid int) []string {
	var found []string
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(pid) {
			found = append(found, string(text[:min(len(text), 60)]))
		}
	}
	return found
}

// eventually waits for something that the other side does in its own time.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for range 1000 {
		if f() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("it did not come about: %s", what)
}

// echoServer accepts on a listener and sends back what it gets until end of file.
func echoServer(t testing.TB, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() { echo(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); work.Wait() })
	return l
}

func echo(conn net.Conn) {
	defer conn.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := conn.Read(buf)
		if n > 0 {
			if _, err := conn.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// portOf is the port of an address.
func portOf(a net.Addr) string {
	_, port, _ := net.SplitHostPort(a.String())
	return port
}

// short skips what costs too much with the race detector.
func short(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("not with -short")
	}
}

// windowSignal tells a program that its terminal has another size.
const windowSignal = syscall.SIGWINCH
