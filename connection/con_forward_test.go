package connection

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

func TestCON20Parameters(t *testing.T) {
	for name, c := range map[string]struct {
		msg wire.TCPIPForward
		ok  bool
	}{
		"any":          {wire.TCPIPForward{}, true},
		"last port":    {wire.TCPIPForward{Host: "localhost", Port: 65535}, true},
		"beyond":       {wire.TCPIPForward{Port: 65536}, false},
		"wrapped":      {wire.TCPIPForward{Port: 65536 + 22}, false},
		"NUL":          {wire.TCPIPForward{Host: "a\x00b", Port: 1}, false},
		"longest":      {wire.TCPIPForward{Host: strings.Repeat("h", MaxHostName), Port: 1}, true},
		"longest plus": {wire.TCPIPForward{Host: strings.Repeat("h", MaxHostName+1), Port: 1}, false},
	} {
		if got, err := ParseTCPIPForward(c.msg.Append(nil)); (err == nil) != c.ok || err == nil && got != c.msg {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
	if _, err := ParseTCPIPForward([]byte{0, 0, 0, 9}); err == nil {
		t.Error("cut short")
	}
}

func TestCON21Parameters(t *testing.T) {
	good := wire.DirectTCPIP{Host: "example.org", Port: 80, OriginHost: "::1", OriginPort: 0}
	change := func(f func(*wire.DirectTCPIP)) wire.DirectTCPIP { m := good; f(&m); return m }
	for name, c := range map[string]struct {
		msg wire.DirectTCPIP
		ok  bool
	}{
		"good":        {good, true},
		"port 0":      {change(func(m *wire.DirectTCPIP) { m.Port = 0 }), false},
		"last port":   {change(func(m *wire.DirectTCPIP) { m.Port = 65535 }), true},
		"beyond":      {change(func(m *wire.DirectTCPIP) { m.Port = 65536 }), false},
		"NUL":         {change(func(m *wire.DirectTCPIP) { m.Host = "a\x00" }), false},
		"64 KiB":      {change(func(m *wire.DirectTCPIP) { m.Host = strings.Repeat("h", 64<<10) }), false},
		"origin":      {change(func(m *wire.DirectTCPIP) { m.OriginHost = "\x00" }), false},
		"origin port": {change(func(m *wire.DirectTCPIP) { m.OriginPort = 1 << 31 }), false},
	} {
		if got, err := ParseTCPIP(c.msg.Append(nil)); (err == nil) != c.ok || err == nil && got != c.msg {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
}

func TestCON22Parameters(t *testing.T) {
	for path, ok := range map[string]bool{"": false, "/tmp/s": true, "a\x00": false,
		strings.Repeat("p", MaxSocketPath): true, strings.Repeat("p", MaxSocketPath+1): false, strings.Repeat("p", 200): false} {
		got, err := ParseDirectStreamLocal(wire.DirectStreamLocal{Path: path}.Append(nil))
		if (err == nil) != ok || got != path {
			t.Errorf("direct %.10q: %q %v", path, got, err)
		}
		got, err = ParseStreamLocalForward(wire.StreamLocalForward{Path: path}.Append(nil))
		if (err == nil) != ok || got != path {
			t.Errorf("forward %.10q: %q %v", path, got, err)
		}
	}
}

// tcpOpen is what a server sends for a connection to host and port.
func tcpOpen(sender uint32, host string, port uint32) wire.ChannelOpen {
	extra := wire.DirectTCPIP{Host: host, Port: port, OriginHost: "192.0.2.9", OriginPort: 999}.Append(nil)
	return wire.ChannelOpen{Type: TypeForwardedTCPIP, Sender: sender, Window: 1 << 20, MaxPacket: 1 << 15, Payload: extra}
}

func notAsked(sender uint32) wire.ChannelOpenFailure {
	return wire.ChannelOpenFailure{Recipient: sender, Reason: wire.OpenAdministrativelyProhibited, Description: "not asked for"}
}

// listening has f listen and answers for the server.
func (p *raw) listening(f *RemoteForwards, host string, port uint32, answer appender) (*RemoteListener, error) {
	p.t.Helper()
	type result struct {
		l   *RemoteListener
		err error
	}
	got := make(chan result, 1)
	go func() {
		l, err := f.ListenTCP(context.Background(), p.m, host, port)
		got <- result{l, err}
	}()
	p.expect(wire.GlobalRequest{Name: RequestTCPIPForward, WantReply: true, Payload: wire.TCPIPForward{Host: host, Port: port}.Append(nil)})
	p.send(answer)
	r := <-got
	return r.l, r.err
}

func TestAUC09OnlyWhatWasAskedFor(t *testing.T) {
	f := &RemoteForwards{MaxBacklog: 1}
	script(t, wire.Client, &Config{Handler: f}, func(p *raw) {
		p.send(tcpOpen(1, "localhost", 80))
		p.expect(notAsked(1))
		for _, kind := range []string{"session", "direct-tcpip", "x11", "auth-agent@openssh.com"} {
			p.send(wire.ChannelOpen{Type: kind, Sender: 1, Window: 1, MaxPacket: 1})
			p.expect(openFailure(1, wire.OpenAdministrativelyProhibited))
		}
		if _, err := p.listening(f, "localhost", 80, wire.RequestFailure{}); !errors.As(err, new(*RefusedError)) {
			t.Fatal(err)
		}
		p.send(tcpOpen(1, "localhost", 80))
		p.expect(notAsked(1))

		l, err := p.listening(f, "localhost", 80, wire.RequestSuccess{})
		if err != nil {
			t.Fatal(err)
		}
		if l.Addr().String() != "localhost:80" {
			t.Fatal(l.Addr())
		}
		p.send(tcpOpen(1, "localhost", 81))
		p.expect(notAsked(1))
		bad := tcpOpen(1, "localhost", 80)
		bad.Payload = bad.Payload[:5]
		p.send(bad)
		p.expect(notAsked(1))
		bad.Type, bad.Payload = TypeForwardedStreamLocal, wire.ForwardedStreamLocal{Path: "localhost"}.Append(nil)
		p.send(bad)
		p.expect(notAsked(1))

		p.send(tcpOpen(1, "127.0.0.1", 80), tcpOpen(2, "localhost", 80)) // another name of the address; one too many
		p.expect(wire.ChannelOpenFailure{Recipient: 2, Reason: wire.OpenResourceShortage, Description: "too many connections wait"})
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if a := conn.RemoteAddr().String(); a != "192.0.2.9:999" || conn.LocalAddr().String() != "localhost:80" {
			t.Fatal(a, conn.LocalAddr())
		}
		p.next()
		p.send(tcpOpen(3, "localhost", 80)) // waits when the listener closes
		synctest.Wait()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		p.expect(wire.GlobalRequest{Name: RequestCancelTCPIPForward, Payload: wire.TCPIPForward{Host: "localhost", Port: 80}.Append(nil)})
		p.expect(wire.ChannelOpenFailure{Recipient: 3, Reason: wire.OpenAdministrativelyProhibited, Description: "no longer listening"})
		p.send(tcpOpen(4, "localhost", 80))
		p.expect(notAsked(4))
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
	})
}

// A connection that finds no window left is refused, and the listener goes on.
func TestRemoteForwardWithoutWindow(t *testing.T) {
	f := new(RemoteForwards)
	script(t, wire.Client, &Config{Handler: f, WindowBudget: minWindow}, func(p *raw) {
		l, err := p.listening(f, "localhost", 80, wire.RequestSuccess{})
		if err != nil {
			t.Fatal(err)
		}
		p.send(tcpOpen(1, "localhost", 80))
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		p.next()
		accepted := make(chan error)
		go func() {
			_, err := l.Accept()
			accepted <- err
		}()
		p.send(tcpOpen(2, "localhost", 80))
		p.expect(openFailure(2, wire.OpenResourceShortage))
		conn.Close()
		p.next()
		p.send(wire.ChannelClose{}, tcpOpen(3, "localhost", 80))
		if err := <-accepted; err != nil {
			t.Fatal(err)
		}
	})
}

// A connection may follow the grant at once, on the port the server chose.
func TestRemoteForwardChosenPort(t *testing.T) {
	f := new(RemoteForwards)
	script(t, wire.Client, &Config{Handler: f}, func(p *raw) {
		got := make(chan *RemoteListener, 1)
		go func() {
			l, _ := f.ListenTCP(context.Background(), p.m, "", 0)
			got <- l
		}()
		p.next()
		p.send(wire.RequestSuccess{Payload: wire.TCPIPForwardReply{Port: 4321}.Append(nil)}, tcpOpen(5, "", 4321))
		l := <-got
		if l.Addr().String() != ":4321" {
			t.Fatal(l.Addr())
		}
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	})
}

// A grant that comes too late is given back.
func TestRemoteForwardGivenUp(t *testing.T) {
	f := &RemoteForwards{MaxListeners: 1}
	script(t, wire.Client, &Config{Handler: f}, func(p *raw) {
		ctx, cancel := context.WithCancel(context.Background())
		failed := make(chan error, 1)
		go func() {
			_, err := f.ListenUnix(ctx, p.m, "/s")
			failed <- err
		}()
		p.expect(wire.GlobalRequest{Name: RequestStreamLocalForward, WantReply: true, Payload: wire.StreamLocalForward{Path: "/s"}.Append(nil)})
		if _, err := f.ListenTCP(ctx, p.m, "", 1); !errors.As(err, new(*ForwardError)) {
			t.Fatal("two listeners, where one is the limit:", err)
		}
		cancel()
		if err := <-failed; err != context.Canceled {
			t.Fatal(err)
		}
		p.send(wire.RequestSuccess{})
		p.expect(wire.GlobalRequest{Name: RequestCancelStreamLocalForward, Payload: wire.StreamLocalForward{Path: "/s"}.Append(nil)})
		if _, err := p.listening(f, "", 1, wire.RequestSuccess{}); err != nil {
			t.Fatal(err)
		}
	})
}

// forwarder accepts every channel and joins it to the far end of a pipe.
func forwarder(ctx context.Context, far chan<- net.Conn, result chan<- error) Handler {
	return handler{open: func(r *OpenRequest) {
		c, err := r.Accept(nil)
		if err != nil {
			return
		}
		a, b := transporttest.Pipe()
		far <- b
		go func() { result <- Forward(ctx, c, a) }()
	}}
}

func TestForward(t *testing.T) {
	far, result := make(chan net.Conn, 1), make(chan error, 1)
	m, _ := pair(t, nil, &Config{Handler: forwarder(context.Background(), far, result)})
	ch, err := m.DialTCP(context.Background(), "example.org", 80, nil)
	if err != nil {
		t.Fatal(err)
	}
	if ch.RemoteAddr().String() != "example.org:80" {
		t.Fatal(ch.RemoteAddr())
	}
	conn := <-far
	up, down := bytes.Repeat([]byte("up"), 500_000), bytes.Repeat([]byte("down"), 300_000)
	go func() {
		ch.Write(up)
		ch.CloseWrite()
	}()
	got, err := io.ReadAll(conn) // until the half-close has come through
	if err != nil || !bytes.Equal(got, up) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	go func() {
		conn.Write(down)
		conn.Close()
	}()
	got, err = io.ReadAll(ch)
	if err != nil || !bytes.Equal(got, down) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	ch.Close()
	<-ch.Done()
}

func TestForwardEnds(t *testing.T) {
	for name, end := range map[string]func(ch *ForwardConn, conn net.Conn, cancel func()){
		"channel closes":     func(ch *ForwardConn, _ net.Conn, _ func()) { ch.Close() },
		"connection closes":  func(ch *ForwardConn, conn net.Conn, _ func()) { conn.Close(); io.ReadAll(ch); ch.Close() },
		"context ends":       func(_ *ForwardConn, _ net.Conn, cancel func()) { cancel() },
		"SSH ends":           func(ch *ForwardConn, _ net.Conn, _ func()) { ch.Mux().Close() },
		"closed, then close": func(ch *ForwardConn, conn net.Conn, _ func()) { ch.CloseWrite(); ch.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			far, result := make(chan net.Conn, 1), make(chan error, 1)
			m, _ := pair(t, nil, &Config{Handler: forwarder(ctx, far, result)})
			ch, err := m.DialUnix(ctx, "/s")
			if err != nil {
				t.Fatal(err)
			}
			conn := <-far
			defer conn.Close()
			ch.Write([]byte("x"))
			io.ReadFull(conn, make([]byte, 1))
			end(ch, conn, cancel)
			err = <-result
			if canceled := errors.Is(err, context.Canceled); canceled != (name == "context ends") {
				t.Fatal(err)
			}
			if name != "connection closes" {
				if _, err := conn.Read(make([]byte, 1)); err == nil {
					t.Fatal("the connection lives on")
				}
			}
			ch.Close()
		})
	}
}

func TestOpenParameters(t *testing.T) {
	script(t, wire.Server, nil, func(p *raw) {
		target := wire.DirectTCPIP{Host: "h", Port: 1, OriginHost: "o", OriginPort: 2}
		go p.m.OpenTCPIP(context.Background(), TypeForwardedTCPIP, target, nil)
		p.expect(wire.ChannelOpen{Type: TypeForwardedTCPIP, Window: DefaultWindow, MaxPacket: DefaultMaxPacket, Payload: target.Append(nil)})
		go p.m.OpenForwardedStreamLocal(context.Background(), "/s", nil)
		p.expect(wire.ChannelOpen{Type: TypeForwardedStreamLocal, Sender: 1, Window: DefaultWindow, MaxPacket: DefaultMaxPacket,
			Payload: wire.ForwardedStreamLocal{Path: "/s"}.Append(nil)})
	})
	script(t, wire.Client, nil, func(p *raw) {
		if _, err := p.m.DialTCP(context.Background(), "a\x00", 1, nil); err == nil {
			t.Fatal("NUL in a host")
		}
		if _, err := p.m.DialTCP(context.Background(), "a", 65536, nil); err == nil {
			t.Fatal("port 65536")
		}
		p.silence()
	})
}
