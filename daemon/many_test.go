package daemon

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

// TestManyConnections has 1,000 clients on one daemon at once, each of which
// logs in, runs a command and leaves, and counts every event of each.
func TestManyConnections(t *testing.T) {
	const n = 1000
	d := newDaemon(t)
	must(t, d, "UnauthenticatedStart=1000", "LoginGraceTime=600")
	if err := d.SetHostKeys(newECDSASigner(t)); err != nil { // quick, with the race detector too
		t.Fatal(err)
	}
	echo(t, d)
	counts := newEventCounter(d)

	listener := newMemoryListener()
	served := make(chan error, 1)
	go func() { served <- d.Serve(t.Context(), listener) }()
	var clients sync.WaitGroup
	var ready sync.WaitGroup
	ready.Add(n)
	leave := make(chan struct{})
	for i := range n {
		clients.Go(func() {
			if err := oneOfMany(transporttest.NewPeer(listener.dial(), wire.Client), fmt.Sprintf("hello %d", i), ready.Done, leave); err != nil {
				t.Errorf("client %d: %v", i, err)
			}
		})
	}
	ready.Wait()
	if d.SSHConnectionCount() != n || d.SSHChannelCount() != n {
		t.Errorf("%d connections, %d channels at once", d.SSHConnectionCount(), d.SSHChannelCount())
	}
	tooMany := transporttest.NewPeer(listener.dial(), wire.Client)
	if err := tooMany.Versions(); err != nil || tooMany.ReadDisconnect() != wire.ReasonTooManyConnections {
		t.Errorf("one more was not refused: %v", err)
	}
	tooMany.Conn.Close()
	close(leave)
	clients.Wait()
	shutDown(t, d)
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	counts.check(t, n, map[string]int{"ConnectionRequest": 1, "Connected": 1, "ServiceRequest": 1, "UserAuth": 1, "GlobalRequest": 0,
		"OpenRequest": 1, "Opened": 1, "ReadyToSend": 1, "Request": 1, "Requested": 1, "DataIn": 1, "EOF": 1, "Closed": 1,
		"Disconnected": 1, "Error": 0})
}

// oneOfMany is a client from its first byte to its last. It calls ready when
// its command runs, and sends what is to be echoed once leave is closed.
func oneOfMany(p *transporttest.Peer, text string, ready func(), leave <-chan struct{}) error {
	defer p.Conn.Close()
	var once sync.Once
	defer once.Do(ready) // also where it fails
	p.Init.Kex = wire.NewNameList("ecdh-sha2-nistp256", "kex-strict-c-v00@openssh.com")
	p.Init.HostKey = wire.NewNameList("ecdsa-sha2-nistp256")
	p.Init.CipherCS = wire.NewNameList("aes128-gcm@openssh.com")
	p.Init.CipherSC = p.Init.CipherCS
	if err := p.Handshake(); err != nil {
		return err
	}
	exec := wire.ChannelRequest{Type: "exec", WantReply: true, Payload: wire.Exec{Command: "cat"}.Append(nil)}
	for _, step := range []struct {
		send []byte
		want wire.Msg
	}{
		{wire.ServiceRequest{Name: "ssh-userauth"}.Append(nil), wire.MsgServiceAccept},
		{passwordRequest("alice", "secret"), wire.MsgUserauthSuccess},
		{wire.ChannelOpen{Type: "session", Sender: 5, Window: 1 << 20, MaxPacket: 1 << 15}.Append(nil), wire.MsgChannelOpenConfirmation},
		{exec.Append(nil), wire.MsgChannelSuccess},
	} {
		if err := p.Send(step.send); err != nil {
			return err
		}
		if _, err := p.ReadMsg(step.want); err != nil {
			return fmt.Errorf("%v: %w", step.want, err)
		}
	}
	once.Do(ready)
	<-leave
	p.Send(wire.ChannelData{Data: []byte(text)}.Append(nil))
	b, err := p.ReadMsg(wire.MsgChannelData)
	var data wire.ChannelData
	if err != nil || data.Parse(b) != nil || string(data.Data) != text {
		return fmt.Errorf("echo %q, %w", data.Data, err)
	}
	p.Send(wire.ChannelEOF{}.Append(nil))
	for m := wire.Msg(0); m != wire.MsgChannelClose; m = wire.Msg(b[0]) { // behind an exit status and EOF
		if b, err = p.Read(); err != nil {
			return err
		}
	}
	return p.Send(wire.ChannelClose{}.Append(nil))
}

// eventCounter counts the events of each connection by name.
type eventCounter struct{ r *recorder }

func newEventCounter(d *Daemon) *eventCounter { return &eventCounter{record(d)} }

// check compares with n times what one connection has.
func (c *eventCounter) check(t testing.TB, n int, each map[string]int) {
	t.Helper()
	got := make(map[string]int)
	for _, l := range c.r.all() {
		name, _, _ := strings.Cut(l, " ")
		got[name]++
	}
	for _, name := range slices.Sorted(maps.Keys(each)) {
		if got[name] != n*each[name] {
			t.Errorf("%s: %d times, want %d", name, got[name], n*each[name])
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("other events: %v", got)
	}
}
