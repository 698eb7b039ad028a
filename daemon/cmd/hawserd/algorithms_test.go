//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/connection/peertest"
)

// algorithmRow is a row of README.md's table: an algorithm and the programs that agreed on it with us, the only one on
// offer. The clients log in here, in TestAlgorithms; the servers are those of the tests of connection/sshclient.
type algorithmRow struct {
	kind, name string
	byDefault  bool
	clients    string
	servers    string
}

var algorithmRows = []algorithmRow{
	{"kex", "mlkem768x25519-sha256", true, "go", "go"},
	{"kex", "curve25519-sha256", true, "ssh plink dbclient asyncssh go", "sshd dropbear asyncssh go"},
	{"kex", "curve25519-sha256@libssh.org", true, "ssh plink dbclient asyncssh paramiko go", "sshd dropbear asyncssh paramiko go"},
	{"kex", "ecdh-sha2-nistp256", true, "ssh plink dbclient asyncssh paramiko go", "sshd dropbear asyncssh paramiko go"},
	{"kex", "ecdh-sha2-nistp384", true, "ssh plink dbclient asyncssh paramiko go", "sshd dropbear asyncssh paramiko go"},
	{"kex", "ecdh-sha2-nistp521", true, "ssh plink dbclient asyncssh paramiko go", "sshd dropbear asyncssh paramiko go"},
	{"kex", "diffie-hellman-group14-sha256", true, "ssh plink dbclient asyncssh paramiko go", "sshd dropbear asyncssh paramiko go"},
	{"kex", "diffie-hellman-group16-sha512", true, "ssh plink asyncssh paramiko go", "sshd asyncssh paramiko go"},
	{"kex", "diffie-hellman-group18-sha512", true, "ssh plink asyncssh", "sshd asyncssh"},
	{"cipher", "aes128-gcm@openssh.com", true, "ssh plink asyncssh go", "sshd asyncssh go"},
	{"cipher", "aes256-gcm@openssh.com", true, "ssh plink asyncssh go", "sshd asyncssh go"},
	{"cipher", "chacha20-poly1305@openssh.com", true, "ssh plink dbclient asyncssh go", "sshd dropbear asyncssh go"},
	{"cipher", "aes128-ctr", true, "ssh plink dbclient asyncssh paramiko go", "sshd dropbear asyncssh paramiko go"},
	{"cipher", "aes192-ctr", true, "ssh plink asyncssh paramiko go", "sshd asyncssh paramiko go"},
	{"cipher", "aes256-ctr", true, "ssh plink dbclient asyncssh paramiko go", "sshd dropbear asyncssh paramiko go"},
	{"MAC", "hmac-sha2-256-etm@openssh.com", true, "ssh plink asyncssh paramiko go", "sshd asyncssh paramiko go"},
	{"MAC", "hmac-sha2-512-etm@openssh.com", true, "ssh asyncssh paramiko go", "sshd asyncssh paramiko go"},
	{"MAC", "hmac-sha2-256", true, "ssh plink dbclient asyncssh paramiko go", "sshd dropbear asyncssh paramiko go"},
	{"MAC", "hmac-sha2-512", true, "ssh asyncssh paramiko go", "sshd asyncssh paramiko go"},
	{"MAC", "hmac-sha1", false, "ssh plink dbclient asyncssh paramiko go", "sshd dropbear asyncssh paramiko go"},
	{"host key", "ssh-ed25519", true, "ssh plink dbclient asyncssh paramiko go", "sshd dropbear asyncssh paramiko go"},
	{"host key", "ecdsa-sha2-nistp256", true, "ssh plink dbclient asyncssh paramiko go", "sshd dropbear asyncssh paramiko go"},
	{"host key", "ecdsa-sha2-nistp384", true, "ssh plink dbclient asyncssh paramiko go", "sshd asyncssh go"},
	{"host key", "ecdsa-sha2-nistp521", true, "ssh plink dbclient asyncssh paramiko go", "sshd asyncssh go"},
	{"host key", "rsa-sha2-256", true, "ssh plink dbclient asyncssh paramiko go", "sshd dropbear asyncssh paramiko go"},
	{"host key", "rsa-sha2-512", true, "ssh plink asyncssh paramiko go", "sshd asyncssh paramiko go"},
	{"compression", "zlib@openssh.com", false, "ssh plink dbclient asyncssh paramiko", "sshd dropbear asyncssh paramiko"},
	{"compression", "zlib", false, "plink dbclient asyncssh paramiko", "asyncssh paramiko"},
}

// hostKeyTypes are the kinds of keys that sign by an algorithm.
var hostKeyTypes = map[string]peertest.KeyType{
	"ssh-ed25519": peertest.Ed25519, "ecdsa-sha2-nistp256": peertest.ECDSA256, "ecdsa-sha2-nistp384": peertest.ECDSA384,
	"ecdsa-sha2-nistp521": peertest.ECDSA521, "rsa-sha2-256": peertest.RSA2048, "rsa-sha2-512": peertest.RSA2048,
}

const (
	smallTransfer = 300 << 10
	bulkTransfer  = 64 << 20
)

// TestAlgorithms runs every row with every client, data going both ways. Where a client can be told, it is the client
// that offers one algorithm, to a server that has them all; else the server does. So dbclient's guessed key exchange
// packet is right in some rows and wrong in others, for its method or for the host key alone.
func TestAlgorithms(t *testing.T) {
	t.Parallel()
	all := startHawserd(t, "-profile", "all")
	trip := trip{all: all}
	trip.file, trip.content, trip.sum = noise(t, smallTransfer)
	for _, row := range algorithmRows {
		t.Run(row.kind+" "+row.name, func(t *testing.T) {
			var only *hawserd // offers nothing but this row, made when needed
			for client := range strings.FieldsSeq(row.clients) {
				if testing.Short() && client != "ssh" && client != "go" {
					continue
				}
				if only == nil && !(row.toldClient() && tellable(client)) {
					only = row.serve(t)
				}
				t.Run(client, func(t *testing.T) { trip.run(t, row, client, only) })
			}
		})
	}
}

// toldClient reports whether the client's lists decide on this kind of algorithm.
func (row algorithmRow) toldClient() bool {
	return row.kind == "kex" || row.kind == "cipher" || row.kind == "MAC"
}

// tellable reports whether a client takes the name of a single algorithm of these kinds.
func tellable(client string) bool { return client != "plink" && client != "dbclient" }

// serve starts a server that has nothing but the row's algorithm.
func (row algorithmRow) serve(t *testing.T) *hawserd {
	kind := peertest.Ed25519
	args := []string{"-profile", "all"}
	switch row.kind {
	case "kex":
		args = append(args, "-kex", row.name)
	case "cipher":
		args = append(args, "-ciphers", row.name)
	case "MAC":
		args = append(args, "-macs", row.name, "-ciphers", "aes128-ctr")
	case "compression":
		args = append(args, "-compression", row.name)
	case "host key": // the user's key is Ed25519
		kind, args = hostKeyTypes[row.name], append(args, "-hostkey-algorithms", row.name+",ssh-ed25519")
	}
	return startWith(t, peertest.NewKey(t, kind), args...)
}

// trip is a transfer both ways.
type trip struct {
	all       *hawserd
	file, sum string
	content   []byte
}

// run makes the transfer with a client that offers the row's algorithm alone, or to a server that does.
func (x *trip) run(t *testing.T, row algorithmRow, client string, only *hawserd) {
	h := only
	told := row.toldClient() && tellable(client)
	if told {
		h = x.all
	}
	g := h.target(t)
	g.Compression = row.kind == "compression"
	switch {
	case told && row.kind == "kex":
		g.Kex = row.name
	case told && row.kind == "cipher":
		g.Ciphers = row.name
	case told && row.kind == "MAC":
		g.MACs, g.Ciphers = row.name, "aes128-ctr"
	}
	python := func(command string) peertest.PythonClient {
		c := g.PythonClient(t)
		c.Command = command
		if row.kind == "compression" {
			c.Compression = []string{row.name}
		}
		return c
	}
	commands := map[string]func(string) peertest.Cmd{
		"ssh":      func(c string) peertest.Cmd { return g.SSH(t, nil, c) },
		"plink":    func(c string) peertest.Cmd { return g.Plink(t, nil, c) },
		"dbclient": func(c string) peertest.Cmd { return g.Dbclient(t, nil, c) },
		"asyncssh": func(c string) peertest.Cmd { return python(c).AsyncSSH(t) },
		"paramiko": func(c string) peertest.Cmd { return python(c).Paramiko(t) },
	}
	if client == "go" {
		x.goClient(t, h, row, g)
		return
	}
	roundTrip(t, commands[client], x.file, x.content, x.sum)
}

// goClient makes the transfer with the client of golang.org/x/crypto.
func (x *trip) goClient(t *testing.T, h *hawserd, row algorithmRow, g peertest.Target) {
	signer, err := ssh.ParsePrivateKey(h.key.Private(t))
	if err != nil {
		t.Fatal(err)
	}
	hostKey, _, _, _, err := ssh.ParseAuthorizedKey([]byte(h.hostKey.Public))
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ClientConfig{User: h.user, Timeout: time.Minute, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback: ssh.FixedHostKey(hostKey)}
	for list, name := range map[*[]string]string{&config.KeyExchanges: g.Kex, &config.Ciphers: g.Ciphers, &config.MACs: g.MACs} {
		if name != "" {
			*list = []string{name}
		}
	}
	if row.kind == "host key" {
		config.HostKeyAlgorithms = []string{row.name}
	}
	client, err := ssh.Dial("tcp", h.addr, config)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	session.Stdin = bytes.NewReader(x.content)
	out, err := session.Output("sha256sum; cat " + x.file + "; exit 4")
	exit, ok := err.(*ssh.ExitError)
	head, body, _ := bytes.Cut(out, []byte("\n"))
	if !ok || exit.ExitStatus() != 4 || !strings.HasPrefix(string(head), x.sum) || !bytes.Equal(body, x.content) {
		t.Errorf("%.80q and %d bytes, %v", head, len(body), err)
	}
}

// TestReadmeTable: README.md's table is that of the tests.
func TestReadmeTable(t *testing.T) {
	var want strings.Builder
	for _, row := range algorithmRows {
		byDefault := "no"
		if row.byDefault {
			byDefault = "yes"
		}
		fmt.Fprintf(&want, "| %s | `%s` | %s | %s | %s |\n", row.kind, row.name, byDefault, row.clients, row.servers)
	}
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "|---|---|---|---|---|\n"+want.String()+"\n") {
		t.Errorf("README.md's table of algorithms should be\n%s", want.String())
	}
}

// TestServerLists: what is not in the lists of the flags is not spoken.
func TestServerLists(t *testing.T) {
	t.Parallel()
	h := startHawserd(t, "-kex", "ecdh-sha2-nistp384", "-ciphers", "aes256-ctr", "-macs", "hmac-sha2-512", "-compression", "none",
		"-hostkey-algorithms", "ssh-ed25519", "-profile", "all")
	wantOutput(t, h.target(t).RunSSH(t, nil, "echo in"), "in\n")
	for _, change := range []func(g *peertest.Target){
		func(g *peertest.Target) { g.Kex = "curve25519-sha256" },
		func(g *peertest.Target) { g.Ciphers = "aes128-ctr" },
		func(g *peertest.Target) { g.MACs = "hmac-sha2-256" },
		func(g *peertest.Target) { g.HostKeyAlgorithms = "rsa-sha2-512" },
	} {
		g := h.target(t)
		change(&g)
		if r := g.SSH(t, []string{"-v"}, "echo in").Run(t); r.Code != 255 || !strings.Contains(string(r.Stderr), "no matching") {
			t.Errorf("status %d, %s", r.Code, r.Stderr)
		}
	}
}

// TestRekeyBulk moves 64 MiB both ways while keys are exchanged after every MiB, at the wish of either side.
func TestRekeyBulk(t *testing.T) {
	short(t)
	size := bulkTransfer
	file, content, sum := noise(t, size)
	t.Run("client's limit", func(t *testing.T) {
		h := startHawserd(t)
		g := h.target(t)
		g.RekeyLimit = "1M"
		roundTrip(t, func(c string) peertest.Cmd { return g.SSH(t, nil, c) }, file, content, sum)
		wantRekeys(t, h, size>>20)
	})
	t.Run("server's limit", func(t *testing.T) {
		h := startHawserd(t, "-config", "KeyRenegotiationThreshold=1048576")
		roundTrip(t, func(c string) peertest.Cmd { return h.target(t).SSH(t, nil, c) }, file, content, sum)
		wantRekeys(t, h, size>>20)
	})
}

// wantRekeys checks the log for at least so many later key exchanges.
func wantRekeys(t testing.TB, h *hawserd, n int) {
	t.Helper()
	if got := strings.Count(h.Stderr.String(), "rekey=true"); got < n {
		t.Errorf("%d key exchanges after the first, want %d at least", got, n)
	}
}
