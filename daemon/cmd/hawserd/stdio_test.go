//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pkg/sftp"

	"github.com/hawser-ssh/hawser/connection/peertest"
)

func dialShortly(address string) (net.Conn, error) {
	return net.DialTimeout("tcp", address, 5*time.Second)
}

// TestInetd runs one connection on standard input and output: as a ProxyCommand, and on a socket as inetd would.
func TestInetd(t *testing.T) {
	t.Parallel()
	hostKey, key := peertest.NewKey(t, peertest.Ed25519), peertest.NewKey(t, peertest.Ed25519)
	h := &hawserd{home: newHome(t), user: ownName(t), hostKey: hostKey, key: key, addr: "127.0.0.1:22"}
	h.authorize(t, key.Public)
	file, content, sum := noise(t, 4<<20)
	command := fmt.Sprintf("env HOME=%s %s -inetd -hostkey %s", h.home, hawserdBinary(t), hostKey.Path)
	t.Run("ProxyCommand", func(t *testing.T) {
		g := h.target(t)
		g.HostKeys = nil
		roundTrip(t, func(c string) peertest.Cmd {
			return g.SSH(t, []string{"-o", "ProxyCommand=" + command + " 2>/dev/null"}, c)
		}, file, content, sum)
		r := g.SSH(t, []string{"-o", "ProxyCommand=" + command + " 2>/dev/null"}, "exit 6").Run(t)
		if r.Code != 6 {
			t.Errorf("status %d, %s", r.Code, r.Stderr)
		}
	})
	t.Run("socket", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var server sync.WaitGroup
		server.Go(func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			socket, err := conn.(*net.TCPConn).File()
			conn.Close()
			if err != nil {
				t.Error(err)
				return
			}
			defer socket.Close()
			cmd := exec.Command(hawserdBinary(t), "-inetd", "-hostkey", hostKey.Path)
			cmd.Env = append(os.Environ(), "HOME="+h.home)
			cmd.Stdin, cmd.Stdout = socket, socket
			if err := cmd.Run(); err != nil {
				t.Errorf("hawserd: %v", err)
			}
		})
		h.addr = l.Addr().String()
		roundTrip(t, func(c string) peertest.Cmd { return h.target(t).SSH(t, nil, c) }, file, content, sum)
		server.Wait()
		l.Close()
	})
	t.Run("no credentials", func(t *testing.T) {
		r := peertest.Cmd{Path: hawserdBinary(t), Args: []string{"-inetd"}, Env: []string{"HOME=" + newHome(t)}}.Run(t)
		wantOneLine(t, r, exitFailure, "nobody could log in")
	})
	t.Run("nothing is sent", func(t *testing.T) {
		r := peertest.Cmd{Path: hawserdBinary(t), Args: []string{"-inetd", "-hostkey", hostKey.Path},
			Env: []string{"HOME=" + h.home}, Stdin: strings.NewReader("")}.Run(t)
		if r.Code != 0 || !strings.HasPrefix(string(r.Stdout), "SSH-2.0-") {
			t.Errorf("status %d, %q, %q", r.Code, r.Stdout, r.Stderr)
		}
	})
}

// TestSFTPServer runs the sftp subsystem alone, for another server or by hand.
func TestSFTPServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	t.Run("by hand", func(t *testing.T) {
		cmd := exec.Command(hawserdBinary(t), "-sftp-server")
		cmd.Dir = dir
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		c, err := sftp.NewClientPipe(out, in)
		if err != nil {
			t.Fatal(err)
		}
		f, err := c.Create("made")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(f, "text")
		f.Close()
		c.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("hawserd: %v", err)
		}
		if text, err := os.ReadFile(filepath.Join(dir, "made")); err != nil || string(text) != "text" {
			t.Errorf("%q, %v", text, err)
		}
	})
	t.Run("sftp -D", func(t *testing.T) {
		file, content, _ := noise(t, 1<<20)
		back, batch := filepath.Join(dir, "back"), filepath.Join(t.TempDir(), "batch")
		write(t, batch, fmt.Sprintf("put %s up\nget up %s\n", file, back))
		wantOK(t, peertest.Cmd{Path: "sftp", Args: []string{"-b", batch, "-D", hawserdBinary(t) + " -sftp-server"}, Dir: dir}.Run(t))
		if got, err := os.ReadFile(back); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes came back, %v", len(got), err)
		}
	})
	t.Run("garbage", func(t *testing.T) {
		r := peertest.Cmd{Path: hawserdBinary(t), Args: []string{"-sftp-server"}, Stdin: strings.NewReader("GET / HTTP/1.0\r\n\r\n")}.Run(t)
		wantOneLine(t, r, exitFailure, "sftp")
	})
}

// wantOneLine checks for one clear line on standard error.
func wantOneLine(t testing.TB, r peertest.Result, status int, text string) {
	t.Helper()
	if r.Code != status || !strings.Contains(string(r.Stderr), text) || strings.Count(string(r.Stderr), "\n") != 1 {
		t.Errorf("status %d, want %d; it says %q, want one line with %q", r.Code, status, r.Stderr, text)
	}
}

// TestComplaints: what is wrong with the arguments or their files is said in one line, with the right status.
func TestComplaints(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := peertest.NewKey(t, peertest.Ed25519)
	locked := peertest.NewKey(t, peertest.Ed25519, "passphrase")
	open := filepath.Join(dir, "open")
	write(t, open, string(key.Private(t)))
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(dir, "broken")
	write(t, broken, "what?\n")
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for _, tt := range []struct {
		status int
		text   string
		args   []string
	}{
		{exitUsage, "-nosuch", []string{"-nosuch"}},
		{exitUsage, "extra", []string{"extra"}},
		{exitUsage, "HOST:PORT", []string{"-listen", "2222"}},
		{exitUsage, "-ciphers", []string{"-ciphers", "aes128-gcm@openssh.com,nosuch"}},
		{exitUsage, "-kex", []string{"-kex", "nosuch"}},
		{exitUsage, "-macs", []string{"-macs", "nosuch"}},
		{exitUsage, "-compression", []string{"-compression", "nosuch"}},
		{exitUsage, "-hostkey-algorithms", []string{"-hostkey-algorithms", "nosuch"}},
		{exitUsage, "-profile", []string{"-profile", "nosuch"}},
		{exitUsage, "NoSuchSetting", []string{"-config", "NoSuchSetting=1"}},
		{exitUsage, "MaxConnections", []string{"-config", "MaxConnections=x"}},
		{exitFailure, busy.Addr().String(), []string{"-listen", busy.Addr().String()}},
		{exitFailure, "chmod 600", []string{"-hostkey", open}},
		{exitFailure, "passphrase", []string{"-hostkey", locked.Path}},
		{exitFailure, "broken", []string{"-hostkey", broken}},
		{exitFailure, "absent", []string{"-hostkey", filepath.Join(dir, "absent")}},
		{exitFailure, "absent", []string{"-authorized-keys", filepath.Join(dir, "absent")}},
		{exitFailure, "absent", []string{"-users", filepath.Join(dir, "absent")}},
		{exitFailure, "line 1", []string{"-users", broken}},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			args := append([]string{"-listen", "127.0.0.1:0", "-hostkey", key.Path}, tt.args...)
			if tt.args[0] == "-hostkey" {
				args = append([]string{"-listen", "127.0.0.1:0"}, tt.args...)
			}
			r := peertest.Cmd{Path: hawserdBinary(t), Args: args, Env: []string{"HOME=" + newHome(t)}, Timeout: 30 * time.Second}.Run(t)
			wantOneLine(t, r, tt.status, tt.text)
			if len(r.Stdout) > 0 {
				t.Errorf("standard output: %q", r.Stdout)
			}
		})
	}
	t.Run("unreadable", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root reads everything")
		}
		write(t, filepath.Join(dir, "secret"), "x")
		if err := os.Chmod(filepath.Join(dir, "secret"), 0); err != nil {
			t.Fatal(err)
		}
		r := peertest.Cmd{Path: hawserdBinary(t), Args: []string{"-hostkey", filepath.Join(dir, "secret")},
			Env: []string{"HOME=" + newHome(t)}}.Run(t)
		wantOneLine(t, r, exitFailure, "permission denied")
	})
}

// TestDrain: after SIGTERM or SIGHUP nobody new gets in, a session goes on to its end, and the status is 0.
func TestDrain(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) { t.Parallel(); testDrain(t, sig) })
	}
}

func testDrain(t *testing.T, sig syscall.Signal) {
	h := startHawserd(t, "-drain", "30s")
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c := h.target(t).SSH(t, nil, "echo begun; cat; exit 3")
	c.Stdin = in
	p := c.Start(t)
	in.Close()
	p.WaitOutput("begun")
	if err := syscall.Kill(h.Pid(), sig); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it listens no more", func() bool {
		conn, err := dialShortly(h.addr)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	if _, err := io.WriteString(out, "still here\n"); err != nil {
		t.Fatal(err)
	}
	out.Close()
	if r := p.Wait(); r.Code != 3 || string(r.Stdout) != "begun\nstill here\n" {
		t.Errorf("status %d, %q, %q", r.Code, r.Stdout, r.Stderr)
	}
	if r := h.Wait(); r.Code != 0 {
		t.Errorf("hawserd ended with status %d", r.Code)
	}
}

// TestDrainEnds: a session that does not end is cut off after the drain time, and its program ended.
func TestDrainEnds(t *testing.T) {
	t.Parallel()
	h := startHawserd(t, "-drain", "100ms")
	p := h.target(t).SSH(t, nil, "echo begun; exec sleep 1000").Start(t)
	p.WaitOutput("begun")
	kids := children(h.Pid())
	h.terminate(t)
	p.Wait()
	if len(kids) != 1 {
		t.Fatalf("children: %q", kids)
	}
	pid, _, _ := strings.Cut(kids[0], " ")
	if _, err := os.Stat("/proc/" + pid); err == nil {
		t.Errorf("process %s lives on", pid)
	}
}
