package daemon

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hawser-ssh/hawser/connection/peertest"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// TestSendSSHPacketToPeers builds channel requests field by field, for other
// people's clients, and notes what they answer.
func TestSendSSHPacketToPeers(t *testing.T) {
	success, failure := wire.MsgChannelSuccess.String(), wire.MsgChannelFailure.String()
	for _, c := range []struct {
		name   string
		run    func(t testing.TB, g peertest.Target, command string) peertest.Result
		xonOff string // the answer to an xon-xoff, which not all know
		signal int    // exit status after an exit-signal
		leaves bool   // as soon as it has the exit status: its answers may stay behind
	}{
		{"plink", func(t testing.TB, g peertest.Target, command string) peertest.Result {
			return g.Plink(t, nil, command).Run(t)
		}, failure, 128, false},
		{"ssh", func(t testing.TB, g peertest.Target, command string) peertest.Result {
			return g.RunSSH(t, nil, command)
		}, failure, 255, false},
		{"AsyncSSH", func(t testing.TB, g peertest.Target, command string) peertest.Result {
			p := g.PythonClient(t)
			p.Command = command
			return p.AsyncSSH(t).Run(t)
		}, success, 253, false},
		{"paramiko", func(t testing.TB, g peertest.Target, command string) peertest.Result {
			p := g.PythonClient(t)
			p.Command = command
			return p.Paramiko(t).Run(t)
		}, success, 255, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, target, answers := packetDaemon(t)
			status := c.run(t, target, "exit-status")
			signal := c.run(t, target, "exit-signal")
			if err := d.Shutdown(); err != nil {
				t.Fatal(err)
			}
			if status.Code != 7 || string(status.Stdout) != "data\n" || string(status.Stderr) != "more\n" {
				t.Errorf("exit-status: %+v", status)
			}
			if signal.Code != c.signal {
				t.Errorf("exit-signal: status %d: %s", signal.Code, signal.Stderr)
			}
			want := []string{c.xonOff, failure, failure, success}
			got := answers()
			if c.leaves {
				want = want[:min(len(want), len(got))]
			}
			if !slices.Equal(got, want) {
				t.Errorf("answers to xon-xoff, an unknown request, eow and exit-status: %v, want %v", got, want)
			}
		})
	}
}

// packetDaemon returns a daemon that serves by raw packets alone, and what its
// clients have answered to requests.
func packetDaemon(t *testing.T) (*Daemon, peertest.Target, func() []string) {
	t.Helper()
	var mu sync.Mutex
	var answers []string
	host, key := peertest.NewKey(t, peertest.Ed25519), peertest.NewKey(t, peertest.Ed25519)
	d := newDaemon(t)
	if err := d.SetHostKeys(signerOf(t, host)); err != nil {
		t.Fatal(err)
	}
	d.SetLab(&transport.Lab{Message: func(e transport.LabEvent) [][]byte {
		if m := e.Msg(); e.Direction == transport.Incoming && (m == wire.MsgChannelSuccess || m == wire.MsgChannelFailure) {
			mu.Lock()
			defer mu.Unlock()
			answers = append(answers, m.String())
		}
		return e.Pass()
	}})
	d.OnSSHUserAuthRequest = func(e *SSHUserAuthRequestEvent) { e.Accept = e.AuthMethod == "publickey" }
	d.OnSSHChannelRequested = func(e *SSHChannelRequestedEvent) {
		command, _ := d.GetSSHParam(e.Packet, "Command")
		for _, packet := range scripts[command] {
			if err := d.SendSSHPacket(e.ChannelID, packet.number, build(t, d, packet.fields)); err != nil {
				t.Errorf("%d %s: %v", packet.number, packet.fields, err)
			}
		}
	}
	for _, err := range []error{d.SetLocalHost("127.0.0.1"), d.SetLocalPort(0), d.StartListening()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { d.Shutdown() })
	target := peertest.NewTarget(t, fmt.Sprintf("127.0.0.1:%d", d.LocalPort()), "alice", host)
	target.Key = &key
	return d, target, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return answers
	}
}

// signerOf reads a key from its file.
func signerOf(t *testing.T, key peertest.Key) sshkey.Signer {
	t.Helper()
	file, err := os.ReadFile(key.Path)
	if err != nil {
		t.Fatal(err)
	}
	private, _, err := sshkey.ParsePrivateKey(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := sshkey.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// scripts are the packets that answer a command, their fields as "type value".
var scripts = map[string][]struct {
	number byte
	fields string
}{
	"exit-status": {
		{94, `s data\n`}, {95, `i 1|s more\n`}, {93, "i 4096"},
		{98, "s xon-xoff|f true|f false"},
		{98, "s unknown@example.org|f true|sb 00ff|m -1|l 0xffffffffffffffff|b 7"},
		{98, "s eow@openssh.com|f true"},
		{98, "s exit-status|f true|i 7"},
		{96, ""}, {97, ""},
	},
	"exit-signal": {{98, "s exit-signal|f false|s TERM|f false|s was asked to|s en"}, {97, ""}},
}

// build makes a payload of fields.
func build(t testing.TB, d *Daemon, fields string) (payload []byte) {
	t.Helper()
	for field := range strings.SplitSeq(fields, "|") {
		if field == "" {
			continue
		}
		typ, value, _ := strings.Cut(field, " ")
		var err error
		if payload, err = d.SetSSHParam(payload, typ, strings.ReplaceAll(value, `\n`, "\n")); err != nil {
			t.Fatalf("%s: %v", field, err)
		}
	}
	return payload
}
