package peertest

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestBufferWaitsForText(t *testing.T) {
	var b Buffer
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	go func() {
		for _, part := range []string{"one ", "two ", "three"} {
			b.Write([]byte(part))
		}
	}()
	if !b.WaitFor(ctx, "two three") {
		t.Fatalf("not found in %q", b.String())
	}
	cancel()
	if b.WaitFor(ctx, "four") {
		t.Fatal("found what was never written")
	}
}

func TestRunReportsOutputAndStatus(t *testing.T) {
	r := Run(t, strings.NewReader("in"), "sh", "-c", "cat; echo err >&2; exit 7")
	if string(r.Stdout) != "in" || string(r.Stderr) != "err\n" || r.Code != 7 || r.TimedOut {
		t.Fatalf("%+v", r)
	}
}

// A test process that dies runs no cleanup, but closes what it holds.
func TestTiedProgramEndsWithItsInput(t *testing.T) {
	p := Cmd{Path: "sh", Args: []string{"-c", "read x; echo cleaned up"}}.tie(t).Start(t)
	p.tied.Close()
	if r := p.Wait(); string(r.Stdout) != "cleaned up\n" || r.Code != 0 {
		t.Fatalf("%+v", r)
	}
}

func TestStopEndsTheGroup(t *testing.T) {
	p := Cmd{Path: "sh", Args: []string{"-c", "sleep 1000 & echo started; wait"}}.Start(t)
	p.WaitOutput("started")
	p.Stop()
	if r := p.Wait(); r.Code != -1 || r.TimedOut {
		t.Fatalf("%+v", r)
	}
}

// TestEachServerWithEachClient drives every client of this package against the
// servers of other projects, so that a failure against hawser is hawser's.
func TestEachServerWithEachClient(t *testing.T) {
	key := NewKey(t, Ed25519)
	clients := []struct {
		name string
		run  func(t *testing.T, g Target, command string) Cmd
	}{
		{"ssh", func(t *testing.T, g Target, command string) Cmd { return g.SSH(t, nil, command) }},
		{"plink", func(t *testing.T, g Target, command string) Cmd { return g.Plink(t, nil, command) }},
		{"dbclient", func(t *testing.T, g Target, command string) Cmd { return g.Dbclient(t, nil, command) }},
		{"asyncssh", func(t *testing.T, g Target, command string) Cmd {
			c := g.PythonClient(t)
			c.Command = command
			return c.AsyncSSH(t)
		}},
		{"paramiko", func(t *testing.T, g Target, command string) Cmd {
			c := g.PythonClient(t)
			c.Command = command
			return c.Paramiko(t)
		}},
	}
	servers := []struct {
		name  string
		start func(t *testing.T) *Server
	}{
		{"sshd", func(t *testing.T) *Server { return StartSSHD(t, SSHDOptions{AuthorizedKeys: []Key{key}}) }},
		{"dropbear", func(t *testing.T) *Server {
			a := NewAccount(t)
			a.Authorize(t, key)
			return StartDropbear(t, DropbearOptions{Account: a})
		}},
		{"asyncssh", func(t *testing.T) *Server {
			return StartAsyncSSHServer(t, PythonServerOptions{AuthorizedKeys: []Key{key}})
		}},
		{"paramiko", func(t *testing.T) *Server {
			return StartParamikoServer(t, PythonServerOptions{AuthorizedKeys: []Key{key}})
		}},
	}
	// Small, for dbclient's sake: see Dbclient.
	input := bytes.Repeat([]byte("0123456789abcde\n"), 200)
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			server := s.start(t)
			for _, c := range clients {
				t.Run(c.name, func(t *testing.T) {
					if testing.Short() && c.name != "ssh" {
						t.Skip("one client in short mode")
					}
					if s.name == "paramiko" && c.name == "dbclient" {
						t.Skip("paramiko's server does not skip a wrongly guessed key exchange packet (RFC 4253 §7)")
					}
					g := NewTarget(t, server.Addr, server.User, server.HostKeys...)
					g.Key = &key
					cmd := c.run(t, g, "cat; echo problem >&2; exit 3")
					cmd.Stdin = bytes.NewReader(input)
					r := cmd.Run(t)
					if r.Code != 3 || !bytes.Equal(r.Stdout, input) || !strings.Contains(string(r.Stderr), "problem\n") {
						t.Fatalf("status %d, %d bytes, stderr %q", r.Code, len(r.Stdout), r.Stderr)
					}
				})
			}
		})
	}
}

func TestPasswordsAndFiles(t *testing.T) {
	server := StartSSHD(t, SSHDOptions{Account: NewAccount(t), Password: true, KeyboardInteractive: true})
	g := NewTarget(t, server.Addr, server.User, server.HostKeys...)
	g.Password = server.Password
	local := filepath.Join(t.TempDir(), "file")
	text := strings.Repeat("content\n", 1000)
	writeFile(t, local, text, 0o600)
	copies := map[string]func(to string) Cmd{
		"scp":   func(to string) Cmd { return g.SCP(t, local, "remote:"+to) },
		"scp-O": func(to string) Cmd { return g.SCP(t, "-O", local, "remote:"+to) },
		"sftp":  func(to string) Cmd { return g.SFTP(t, "put "+local+" "+to+"\n") },
		"psftp": func(to string) Cmd { return g.PSFTP(t, "put "+local+" "+to+"\n") },
		"asyncssh": func(to string) Cmd {
			c := g.PythonClient(t)
			c.Put = [2]string{local, to}
			return c.AsyncSSH(t)
		},
		"paramiko": func(to string) Cmd {
			c := g.PythonClient(t)
			c.Put = [2]string{local, to}
			return c.Paramiko(t)
		},
	}
	for name, put := range copies {
		t.Run(name, func(t *testing.T) {
			to := filepath.Join(publicDirFor(t), "copy")
			r := put(to).Run(t)
			got, err := os.ReadFile(to)
			if r.Code != 0 || err != nil || string(got) != text {
				t.Fatalf("status %d, %d bytes, %v\n%s%s", r.Code, len(got), err, r.Stdout, r.Stderr)
			}
		})
	}
	for _, method := range []string{"password", "keyboard-interactive"} {
		t.Run(method, func(t *testing.T) {
			g := g
			g.Methods = method
			if r := g.RunSSH(t, nil, "id -un"); string(r.Stdout) != server.User+"\n" || r.Code != 0 {
				t.Fatalf("%+v", r)
			}
		})
	}
}

// publicDirFor is a folder that the throwaway account can write to.
func publicDirFor(t testing.TB) string {
	dir := publicDir(t)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}
