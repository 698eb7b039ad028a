package daemon

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

// Clients share one budget: what one has taken another cannot have, and channels beyond it are refused.
func TestSetWindowBudget(t *testing.T) {
	d := newDaemon(t)
	echo(t, d)
	m := &counted{t: t}
	d.SetMetrics(m)
	if err := d.SetWindowBudget(64<<10 - 1); !errors.Is(err, &Error{Code: CodeInvalidArgument}) {
		t.Fatalf("a budget of less than a window: %v", err)
	}
	if err := d.SetWindowBudget(3 * 64 << 10); err != nil {
		t.Fatal(err)
	}
	opened := 0
	var refused *connection.OpenError
	for range 2 {
		client, err := dialOurs(t, serve(t, d))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err = client.NewSession(t.Context()); err == nil {
				opened++
			} else if !errors.As(err, &refused) || refused.Reason != wire.OpenResourceShortage {
				t.Fatal(err)
			}
		}
	}
	if opened != 3 || refused == nil {
		t.Fatalf("%d sessions opened, want 3, and a refusal: %v", opened, refused)
	}
	if !slices.Contains(m.all(), "no channel session") { // at the latest when the next was refused
		t.Fatalf("the refusals are not counted: %q", m.all())
	}
}

// A thousand channels of four clients, whose data nobody comes to handle, hold what the budget allows, and refuse more.
func TestWindowBudgetOfManyChannels(t *testing.T) {
	const clients, channels, budget = 4, 250, 32 << 20
	d := newDaemon(t)
	d.OnSSHChannelOpenRequest = func(e *SSHChannelOpenRequestEvent) { e.Accept = true }
	release := make(chan struct{})
	goOn := sync.OnceFunc(func() { close(release) })
	defer goOn()
	d.OnSSHChannelDataIn = func(*SSHChannelDataInEvent) { <-release }
	if err := d.SetWindowBudget(budget); err != nil {
		t.Fatal(err)
	}
	used := d.opt.snapshot().windows.Used
	var sent int64
	var peers []*transporttest.Peer
	for range clients {
		p := transporttest.NewPeer(serve(t, d).client, wire.Client)
		granted := logInAndOpen(t, p, channels)
		for number, n := range granted {
			sent += int64(n)
			for block := make([]byte, 32<<10); n > 0; n -= uint32(len(block)) { // windows are of so many whole ones
				p.Send(wire.ChannelData{Recipient: number, Data: block}.Append(nil))
			}
		}
		p.Send(wire.Ping{}.Append(nil))
		if _, err := p.ReadMsg(wire.MsgPong); err != nil { // all that was sent before has arrived, or it is refused
			t.Fatal(err)
		}
		peers = append(peers, p)
	}
	if sent != used() || sent > budget || sent <= budget-64<<10 {
		t.Errorf("%d bytes sent, %d taken, of a budget of %d", sent, used(), budget)
	}
	peers[0].Send(wire.ChannelData{Recipient: 0, Data: []byte("x")}.Append(nil))
	if got := peers[0].ReadDisconnect(); got != wire.ReasonProtocolError {
		t.Errorf("a byte more: %v", got)
	}
	goOn()
	shutDown(t, d)
	if used() != 0 {
		t.Errorf("%d bytes are taken in the end", used())
	}
}

// logInAndOpen asks for n channels, and returns the windows of those that it gets, by the daemon's number.
func logInAndOpen(t testing.TB, p *transporttest.Peer, n int) map[uint32]uint32 {
	t.Helper()
	if err := p.Handshake(); err != nil {
		t.Fatal(err)
	}
	userauthService(t, p)
	p.Send(passwordRequest("alice", "secret"))
	if _, err := p.ReadMsg(wire.MsgUserauthSuccess); err != nil {
		t.Fatal(err)
	}
	granted := make(map[uint32]uint32)
	for i := range uint32(n) {
		p.Send(wire.ChannelOpen{Type: "test@example.org", Sender: i, Window: 1, MaxPacket: 1000}.Append(nil))
		answer, err := p.Read()
		for err == nil && wire.Msg(answer[0]) == wire.MsgGlobalRequest { // the host keys
			answer, err = p.Read()
		}
		if err != nil {
			t.Fatal(err)
		}
		var msg wire.ChannelOpenConfirmation
		var refusal wire.ChannelOpenFailure
		if msg.Parse(answer) == nil {
			granted[msg.Sender] = msg.Window
		} else if refusal.Parse(answer) != nil || refusal.Reason != wire.OpenResourceShortage {
			t.Fatalf("%x", answer)
		}
	}
	return granted
}
