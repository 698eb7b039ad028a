package daemon

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	xssh "golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

// counted notes what it is told, as lines; durations are only checked.
type counted struct {
	t     testing.TB
	mu    sync.Mutex
	lines []string
}

func (m *counted) add(d time.Duration, format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines = append(m.lines, fmt.Sprintf(format, args...))
	if d < 0 || d > time.Hour {
		m.t.Errorf("%s: took %v", m.lines[len(m.lines)-1], d)
	}
}

func (m *counted) ConnectionRefused(reason string) { m.add(0, "refused %s", reason) }
func (m *counted) ConnectionOpened()               { m.add(0, "opened") }
func (m *counted) HandshakeDone(h HandshakeMetric) {
	m.add(h.Duration, "handshake %s %s %s", h.Outcome, h.Algorithms.Kex, h.Algorithms.ClientToServer.Cipher)
}
func (m *counted) LoginJudged(l LoginMetric)                  { m.add(l.Duration, "login %s %s", l.Method, l.Outcome) }
func (m *counted) ChannelOpened(kind string)                  { m.add(0, "channel %s", kind) }
func (m *counted) ChannelRefused(kind string)                 { m.add(0, "no channel %s", kind) }
func (m *counted) ChannelClosed(kind string, d time.Duration) { m.add(d, "channel closed %s", kind) }
func (m *counted) ConnectionClosed(e EndMetric) {
	m.add(e.Duration, "closed %d %q %v", e.StatusCode, e.Reason, e.Remote)
}

func (m *counted) all() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.lines)
}

// TestMetrics: a life of a connection in numbers.
func TestMetrics(t *testing.T) {
	d := newDaemon(t)
	m := &counted{t: t}
	d.SetMetrics(m)
	must(t, d, "SSHKeyExchangeAlgorithms=curve25519-sha256")
	if err := d.SetSSHEncryptionAlgorithms("aes128-ctr"); err != nil {
		t.Fatal(err)
	}
	echo(t, d)
	s := serve(t, d)
	tries := []string{"wrong", "secret"}
	c, err := dial(s, clientConfig("alice", xssh.RetryableAuthMethod(xssh.PasswordCallback(func() (string, error) {
		try := tries[0]
		tries = tries[1:]
		return try, nil
	}), 2)))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, c, "cat", "hello"); err != nil || out != "hello" {
		t.Fatalf("%q, %v", out, err)
	}
	if _, _, err := c.OpenChannel("direct-tcpip", nil); err == nil {
		t.Error("direct-tcpip allowed")
	}
	live := d.Totals()
	if live.Sent.Packets < 10 || live.Received.Bytes < 500 || live.Rekeys != 0 {
		t.Errorf("%+v", live)
	}
	c.Close()
	<-s.done
	if end := d.Totals(); end.Sent.Packets < live.Sent.Packets || end.Received.Packets < live.Received.Packets {
		t.Errorf("%+v, and before %+v", end, live)
	}
	must(t, d, "AllowedClients=10.0.0.1")
	<-serve(t, d).done
	expect(t, m.all(), "opened", "handshake done curve25519-sha256 aes128-ctr", "login none denied", "login password denied",
		"login password accepted", "channel session", "channel closed session", "no channel direct-tcpip", `closed 0 "" false`,
		"refused request")
}

// attacker is a client that makes up names.
func attacker(t *testing.T, d *Daemon) (*transporttest.Peer, *served) {
	t.Helper()
	s := serve(t, d)
	p := transporttest.NewPeer(s.client, wire.Client)
	p.Offer("aes128-ctr", "hmac-sha2-256")
	if err := errors.Join(p.Handshake(), p.Send(wire.ServiceRequest{Name: "ssh-userauth"}.Append(nil))); err != nil {
		t.Fatal(err)
	}
	if _, err := p.ReadMsg(wire.MsgServiceAccept); err != nil {
		t.Fatal(err)
	}
	return p, s
}

// TestMetricsClosedSets: whatever names a client makes up, the metrics get none of them. Each of those is a time series,
// for ever, in who collects them.
func TestMetricsClosedSets(t *testing.T) {
	synctest.Test(t, metricsClosedSets) // a failed login takes its time
}

func metricsClosedSets(t *testing.T) {
	d := newDaemon(t)
	m := &counted{t: t}
	d.SetMetrics(m)
	for i := range 20 {
		p, s := attacker(t, d)
		evil := fmt.Sprintf("evil-%d", i)
		send := func(payload []byte) {
			if err := p.Send(payload); err != nil {
				t.Fatal(err)
			}
		}
		read := func(msg wire.Msg) {
			if _, err := p.ReadMsg(msg); err != nil {
				t.Fatal(err)
			}
		}
		send(wire.UserauthRequest{User: "alice", Service: "ssh-connection", Method: evil}.Append(nil))
		read(wire.MsgUserauthFailure)
		secret := wire.AppendString([]byte{0}, "secret")
		send(wire.UserauthRequest{User: "alice", Service: "ssh-connection", Method: "password", Payload: secret}.Append(nil))
		read(wire.MsgUserauthSuccess)
		send(wire.ChannelOpen{Type: evil, Window: 1, MaxPacket: 1 << 15}.Append(nil))
		read(wire.MsgChannelOpenFailure)
		if i%2 == 0 {
			send(wire.Disconnect{Reason: wire.Reason(1000 + i), Description: evil}.Append(nil))
		} else {
			send([]byte{byte(wire.MsgNewKeys)})
		}
		<-s.done
	}
	for i := range 3 { // negotiations that fail
		s := serve(t, d)
		p := transporttest.NewPeer(s.client, wire.Client)
		p.Offer(fmt.Sprintf("evil-%d", i), fmt.Sprintf("evil-%d", i))
		if err := errors.Join(p.Versions(), p.SendKexInit()); err != nil {
			t.Fatal(err)
		}
		s.client.(interface{ CloseWrite() error }).CloseWrite()
		<-s.done
	}
	lines := m.all()
	if n := strings.Count(strings.Join(lines, "\n"), "login other denied"); n != 20 {
		t.Errorf("%d other logins, want 20", n)
	}
	slices.Sort(lines)
	expect(t, slices.Compact(lines), `closed 10053 "key exchange failed" false`, `closed 10053 "protocol error" false`,
		`closed 10054 "other" true`, "handshake done mlkem768x25519-sha256 aes128-ctr", "handshake no common algorithm  ",
		"login other denied", "login password accepted", "no channel other", "opened")
}

// TestMetricsRefused: each limit that keeps connections out is counted under its own name.
func TestMetricsRefused(t *testing.T) {
	for setting, reason := range map[string]string{
		"MaxConnections=1":           RefusedFull,
		"UnauthenticatedPerSource=1": RefusedSource,
		"UnauthenticatedMax=1":       RefusedUnauthenticated,
	} {
		t.Run(reason, func(t *testing.T) {
			d := newDaemon(t)
			m := &counted{t: t}
			d.SetMetrics(m)
			must(t, d, "UnauthenticatedStart=1", setting)
			addr := listen(t, d)
			for range 2 { // the first is in when its version is here; the second hears of the refusal behind it
				nc, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				defer nc.Close()
				if _, err := bufio.NewReader(nc).ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
			want := "refused " + reason
			if lines := m.all(); !slices.Contains(lines, want) {
				t.Errorf("%q, want %q", lines, want)
			}
		})
	}
}
