package daemon

import (
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

// statusWords are the parts of a status line that are the same each time, by
// what the line begins with.
var statusWords = []struct{ line, short *regexp.Regexp }{
	{regexp.MustCompile(`^version `), regexp.MustCompile(`^version`)},
	{regexp.MustCompile(`^keys `), regexp.MustCompile(`rekey=\w+`)},
	{regexp.MustCompile(`^authentication request `), regexp.MustCompile(`method=.*failures=\d+`)},
}

// recordAll is record with SSHStatus.
func recordAll(d *Daemon) *recorder {
	r := record(d)
	wrap(&d.OnSSHStatus, func(e *SSHStatusEvent) {
		text := e.Message
		for _, w := range statusWords {
			if w.line.MatchString(text) {
				text = w.short.FindString(text)
			}
		}
		r.add("Status %s", text)
	})
	return r
}

// The beginning and the login of all connections in this file, as recordAll
// has them.
var (
	handshakeEvents = []string{"ConnectionRequest accept=true", "Connected 0 OK", "Status version", "Status rekey=false", "ServiceRequest ssh-userauth"}
	loginEvents     = append(slices.Clone(handshakeEvents), "UserAuth alice password",
		`Status method=password query=false outcome=accept reason="" failures=0`, `Status user "alice" logged in with password`)
	sessionEvents = append(slices.Clone(loginEvents), "OpenRequest 1 session", "Opened 1", "ReadyToSend 1")
)

// expectPath compares whole sequences of which the first part is common.
func expectPath(t testing.TB, r *recorder, common []string, want ...string) {
	t.Helper()
	expect(t, r.all(), slices.Concat(common, want)...)
}

// logIn brings a peer to where the connection protocol begins.
func logIn(t testing.TB, s *served) *transporttest.Peer {
	t.Helper()
	p := peer(t, s)
	userauthService(t, p)
	p.Send(passwordRequest("alice", "secret"))
	if _, err := p.ReadMsg(wire.MsgUserauthSuccess); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPathRefused: a connection that is not accepted has no other event.
func TestPathRefused(t *testing.T) {
	d := newDaemon(t)
	d.OnConnectionRequest = func(e *ConnectionRequestEvent) { e.Accept = false }
	r := recordAll(d)
	s := serve(t, d)
	if _, err := dial(s, clientConfig("alice")); err == nil {
		t.Error("connected")
	}
	wantCode(t, <-s.done, CodeAborted)
	expect(t, r.all(), "ConnectionRequest accept=true")
}

// TestPathNegotiation: what fails for want of a common algorithm says what both
// sides have, also where the lists are long, in the status, the log and the end.
func TestPathNegotiation(t *testing.T) {
	ours := []string{"aes256-ctr", "aes192-ctr", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"}
	theirs := []string{"aes128-ctr"}
	for i := range 30 {
		theirs = append(theirs, "cipher-"+strings.Repeat("x", i)+"@example.org")
	}
	d := newDaemon(t)
	if err := d.SetSSHEncryptionAlgorithms(strings.Join(ours, ",")); err != nil {
		t.Fatal(err)
	}
	r := recordAll(d)
	var told []string
	wrap(&d.OnSSHStatus, func(e *SSHStatusEvent) { told = append(told, "status: "+e.Message) })
	wrap(&d.OnLog, func(e *LogEvent) { told = append(told, "log: "+e.Message) })
	wrap(&d.OnDisconnected, func(e *DisconnectedEvent) { told = append(told, "end: "+e.Description) })
	s := serve(t, d)
	p := transporttest.NewPeer(s.client, wire.Client)
	p.Init.CipherCS, p.Init.CipherSC = wire.NewNameList(theirs...), wire.NewNameList(theirs...)
	if err := p.Versions(); err != nil {
		t.Fatal(err)
	}
	p.SendKexInit()
	if reason := p.ReadDisconnect(); reason != wire.ReasonKeyExchangeFailed {
		t.Errorf("reason %v", reason)
	}
	s.client.Close()
	<-s.done
	for _, kind := range []string{"status: ", "log: ", "end: "} {
		if !slices.ContainsFunc(told, func(line string) bool {
			return strings.HasPrefix(line, kind) && strings.Contains(line, strings.Join(ours, ",")) && strings.Contains(line, strings.Join(theirs, ","))
		}) {
			t.Errorf("no %q with both lists among %q", kind, told)
		}
	}
	for i, line := range r.all() {
		if cut := strings.Index(line, "no common"); cut >= 0 {
			r.lines[i] = line[:cut]
		}
	}
	expect(t, r.all(), "ConnectionRequest accept=true", "Connected 0 OK", "Status version",
		"Status disconnected: ssh: key exchange: kex: ", "Disconnected 10053 ssh: key exchange: kex: ")
}

// TestPathNoSSH: what does not speak SSH, and what says nothing at all.
func TestPathNoSSH(t *testing.T) {
	for _, c := range []struct{ text, end string }{
		{"GET / HTTP/1.1\r\n", "10053 ssh: version exchange: not an SSH identification"},
		{"SSH-1.5-old\r\n", "10053 ssh: version exchange: protocol version is not 2.0"},
		{"", "10054 the client left before it logged in"},
		{"SSH-2.0-x", "10054 the client left before it logged in"},
	} {
		d := newDaemon(t)
		r := recordAll(d)
		s := serve(t, d)
		s.client.Write([]byte(c.text))
		if half, ok := s.client.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
			t.Fatal("no half-close")
		}
		io.Copy(io.Discard, s.client)
		s.client.Close()
		<-s.done
		expect(t, r.all(), "ConnectionRequest accept=true", "Connected 0 OK", "Status disconnected: "+c.end[6:], "Disconnected "+c.end)
	}
}

// TestPathService: a service that the program does not grant ends the connection.
func TestPathService(t *testing.T) {
	d := newDaemon(t)
	d.OnSSHServiceRequest = func(e *SSHServiceRequestEvent) {
		if !e.Accept {
			t.Error("the service is not accepted to begin with")
		}
		e.Accept = false
	}
	r := recordAll(d)
	s := serve(t, d)
	p := peer(t, s)
	p.Send(wire.ServiceRequest{Name: "ssh-userauth"}.Append(nil))
	if reason := p.ReadDisconnect(); reason != wire.ReasonServiceNotAvailable {
		t.Errorf("reason %v", reason)
	}
	s.client.Close()
	<-s.done
	const why = "ssh: userauth: service not available: ssh-userauth"
	expectPath(t, r, handshakeEvents, "Status disconnected: "+why, "Disconnected 10053 "+why)
}

// TestPathSession is the whole life of a session whose client takes its leave.
func TestPathSession(t *testing.T) {
	d := newDaemon(t)
	echo(t, d)
	r := recordAll(d)
	s := serve(t, d)
	p := logIn(t, s)
	p.Send(wire.ChannelOpen{Type: "x11", Sender: 4, Window: 1, MaxPacket: 1}.Append(nil))
	if _, err := p.ReadMsg(wire.MsgChannelOpenFailure); err != nil {
		t.Fatal(err)
	}
	number := openSession(t, p, 100)
	p.Send(wire.ChannelRequest{Recipient: number, Type: "shell", WantReply: true}.Append(nil))
	if _, err := p.ReadMsg(wire.MsgChannelFailure); err != nil {
		t.Fatal(err)
	}
	p.Send(wire.ChannelRequest{Recipient: number, Type: "exec", WantReply: true, Payload: wire.Exec{Command: "cat"}.Append(nil)}.Append(nil))
	if _, err := p.ReadMsg(wire.MsgChannelSuccess); err != nil {
		t.Fatal(err)
	}
	p.Send(wire.ChannelData{Recipient: number, Data: []byte("hello")}.Append(nil))
	if got := readData(t, p, 5); got != "hello" {
		t.Errorf("echo %q", got)
	}
	p.Send(wire.ChannelEOF{Recipient: number}.Append(nil))
	for _, m := range []wire.Msg{wire.MsgChannelRequest, wire.MsgChannelClose} {
		if _, err := p.ReadMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	p.Send(wire.ChannelClose{Recipient: number}.Append(nil))
	p.Send(wire.Disconnect{Reason: wire.ReasonByApplication, Description: "bye"}.Append(nil))
	s.client.Close()
	if err := <-s.done; err != nil {
		t.Errorf("ServeConn: %v", err)
	}
	expectPath(t, r, loginEvents, "OpenRequest 1 x11", "OpenRequest 2 session", "Opened 2", "ReadyToSend 2",
		"Request 2 shell", "Request 2 exec", "Requested 2 exec", `DataIn 2 "hello"`, "EOF 2", "Closed 2",
		"Status disconnected", "Disconnected 0 OK")
}

// openSession opens a session and returns our number of the channel.
func openSession(t testing.TB, p *transporttest.Peer, window uint32) uint32 {
	t.Helper()
	p.Send(wire.ChannelOpen{Type: "session", Sender: 5, Window: window, MaxPacket: 1 << 15}.Append(nil))
	b, err := p.ReadMsg(wire.MsgChannelOpenConfirmation)
	var m wire.ChannelOpenConfirmation
	if err != nil || m.Parse(b) != nil {
		t.Fatal(err)
	}
	return m.Sender
}

// TestPathNoReply: a request that wants no reply gets none, is asked about like
// any other, and is announced when it was granted.
func TestPathNoReply(t *testing.T) {
	d := newDaemon(t)
	d.OnSSHChannelRequested = func(e *SSHChannelRequestedEvent) {
		if err := d.SendText(e.ChannelID, e.RequestType); err != nil {
			t.Error(err)
		}
	}
	r := recordAll(d)
	s := serve(t, d)
	p := logIn(t, s)
	number := openSession(t, p, 100)
	p.Send(wire.ChannelRequest{Recipient: number, Type: "shell"}.Append(nil))
	p.Send(wire.ChannelRequest{Recipient: number, Type: "exec", Payload: wire.Exec{Command: "x"}.Append(nil)}.Append(nil))
	b, err := p.ReadMsg(wire.MsgChannelData) // nothing is before it
	if err != nil || !strings.HasSuffix(string(b), "exec") {
		t.Errorf("%q, %v", b, err)
	}
	p.Send(wire.ChannelClose{Recipient: number}.Append(nil))
	p.ReadMsg(wire.MsgChannelClose)
	s.client.Close()
	<-s.done
	expectPath(t, r, sessionEvents, "Request 1 shell", "Request 1 exec", "Requested 1 exec", "Closed 1",
		"Status disconnected", "Disconnected 0 OK")
}

// TestPathReplyFirst: when Requested fires, the client has the reply, also
// where the handler does not return.
func TestPathReplyFirst(t *testing.T) {
	d := newDaemon(t)
	release := make(chan struct{})
	d.OnSSHChannelRequested = func(*SSHChannelRequestedEvent) { <-release }
	s := serve(t, d)
	p := logIn(t, s)
	number := openSession(t, p, 100)
	p.Send(wire.ChannelRequest{Recipient: number, Type: "exec", WantReply: true, Payload: wire.Exec{Command: "x"}.Append(nil)}.Append(nil))
	if _, err := p.ReadMsg(wire.MsgChannelSuccess); err != nil {
		t.Error(err)
	}
	close(release)
}

// TestPathServerCloses: the server's CLOSE; what the client still sends goes nowhere.
func TestPathServerCloses(t *testing.T) {
	d := newDaemon(t)
	d.OnSSHChannelDataIn = func(e *SSHChannelDataInEvent) { d.CloseChannel(e.ChannelID) }
	r := recordAll(d)
	s := serve(t, d)
	p := logIn(t, s)
	number := openSession(t, p, 100)
	for _, m := range []interface{ Append([]byte) []byte }{
		wire.ChannelData{Recipient: number, Data: []byte("enough")},
		wire.ChannelData{Recipient: number, Data: []byte("more")},
		wire.ChannelRequest{Recipient: number, Type: "exec"},
		wire.ChannelEOF{Recipient: number},
	} {
		p.Send(m.Append(nil))
		if _, ok := m.(wire.ChannelData); ok { // each is an event of its own
			p.Send(wire.GlobalRequest{Name: "round-trip", WantReply: true}.Append(nil))
			for b := []byte{0}; wire.Msg(b[0]) != wire.MsgRequestFailure; {
				var err error
				if b, err = p.Read(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	p.Send(wire.ChannelClose{Recipient: number}.Append(nil))
	p.Send(wire.Disconnect{Reason: wire.ReasonByApplication}.Append(nil))
	s.client.Close()
	<-s.done
	r.lines = slices.DeleteFunc(r.lines, func(l string) bool { return l == "GlobalRequest round-trip" })
	expectPath(t, r, sessionEvents, `DataIn 1 "enough"`, "Closed 1", "Status disconnected", "Disconnected 0 OK")
}

// TestPathHangsUp: a client may hang up on a channel that the server has closed,
// without a CLOSE of its own. Nothing is lost.
func TestPathHangsUp(t *testing.T) {
	d := newDaemon(t)
	r := recordAll(d)
	s := serve(t, d)
	p := logIn(t, s)
	openSession(t, p, 100)
	r.wait(t, "ReadyToSend")
	if err := d.CloseChannel(1); err != nil {
		t.Error(err)
	}
	if _, err := p.ReadMsg(wire.MsgChannelClose); err != nil {
		t.Error(err)
	}
	s.client.Close()
	<-s.done
	expectPath(t, r, sessionEvents, "Closed 1", "Status disconnected", "Disconnected 0 OK")
}

// TestPathLost: a connection that breaks says so, closes its channels, and
// hands over what it had received.
func TestPathLost(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(t *testing.T, s *served, p *transporttest.Peer)
		code string
	}{
		{"end of the stream", func(t *testing.T, s *served, p *transporttest.Peer) { s.client.Close() },
			"10054 the client left, channels open: 1"},
		{"in a packet", func(t *testing.T, s *served, p *transporttest.Peer) {
			p.SendRaw(p.Seal(p.Frame(wire.Ignore{}.Append(nil)))[:9])
			s.client.Close()
		}, "10054 ssh: packet: unexpected EOF"},
		{"wrong tag", func(t *testing.T, s *served, p *transporttest.Peer) {
			b := p.Seal(p.Frame(wire.Ignore{}.Append(nil)))
			b[len(b)-1] ^= 1
			p.SendRaw(b)
		}, "10053 ssh: packet: "},
		{"in anger", func(t *testing.T, s *served, p *transporttest.Peer) {
			p.Send(wire.Disconnect{Reason: wire.ReasonProtocolError, Description: "no\x1b"}.Append(nil))
		}, `10054 ssh: peer disconnected: protocol error: no\\x1b`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDaemon(t)
			r := recordAll(d)
			s := serve(t, d)
			p := logIn(t, s)
			number := openSession(t, p, 100)
			r.wait(t, "ReadyToSend")
			d.ChangeRecordLength(1, 100)
			p.Send(wire.ChannelData{Recipient: number, Data: []byte("a part")}.Append(nil))
			c.end(t, s, p)
			s.client.Close()
			<-s.done
			lines := r.all()
			if n := len(lines); !strings.HasPrefix(lines[n-1], "Disconnected "+c.code) || !strings.HasPrefix(lines[n-2], "Status disconnected: ") {
				t.Errorf("ends with %q", lines[n-2:])
			}
			expect(t, lines[:len(lines)-2], slices.Concat(sessionEvents, []string{`DataIn 1 "a part"`, "Closed 1"})...)
		})
	}
}

// TestPathReset is an abortive end of a TCP connection.
func TestPathReset(t *testing.T) {
	d := newDaemon(t)
	r := recordAll(d)
	nc, err := net.Dial("tcp", listen(t, d))
	if err != nil {
		t.Fatal(err)
	}
	openSession(t, logIn(t, &served{client: nc}), 100)
	r.wait(t, "ReadyToSend")
	nc.(*net.TCPConn).SetLinger(0)
	nc.Close()
	r.wait(t, "Disconnected")
	expectPath(t, r, sessionEvents, "Closed 1", "Status disconnected: "+r.last(t, "Disconnected 10054 "), r.all()[len(sessionEvents)+2])
}

// last returns what follows prefix in the last line.
func (r *recorder) last(t testing.TB, prefix string) string {
	t.Helper()
	lines := r.all()
	text, ok := strings.CutPrefix(lines[len(lines)-1], prefix)
	if !ok {
		t.Errorf("last event %q", lines[len(lines)-1])
	}
	return text
}

// TestPathShutdown: each way to end connections from this side is a normal end,
// and the client is told.
func TestPathShutdown(t *testing.T) {
	for name, end := range map[string]func(d *Daemon){
		"Shutdown":     func(d *Daemon) { d.Shutdown() },
		"Reset":        func(d *Daemon) { d.Reset() },
		"Disconnect":   func(d *Daemon) { d.Disconnect(1) },
		"SetConnected": func(d *Daemon) { d.SSHConnections()[0].SetConnected(false) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDaemon(t)
			r := recordAll(d)
			s := serve(t, d)
			p := logIn(t, s)
			openSession(t, p, 100)
			r.wait(t, "ReadyToSend")
			ended := make(chan struct{})
			go func() { // Shutdown waits for the client to hang up
				defer close(ended)
				end(d)
			}()
			if reason := p.ReadDisconnect(); reason != wire.ReasonByApplication {
				t.Errorf("reason %v", reason)
			}
			s.client.Close()
			<-ended
			if err := <-s.done; err != nil {
				t.Errorf("ServeConn: %v", err)
			}
			expectPath(t, r, sessionEvents, "Closed 1", "Status disconnected", "Disconnected 0 OK")
		})
	}
}

// TestPathLeaving: once a handler has ended the connection, what the client
// sent before it knew is neither asked about nor delivered.
func TestPathLeaving(t *testing.T) {
	d := newDaemon(t)
	var once sync.Once
	release := make(chan struct{})
	d.OnSSHChannelDataIn = func(e *SSHChannelDataInEvent) {
		once.Do(func() { <-release; d.Disconnect(e.ConnectionID) })
	}
	r := recordAll(d)
	s := serve(t, d)
	p := logIn(t, s)
	number := openSession(t, p, 100)
	p.Send(wire.ChannelData{Recipient: number, Data: []byte("quit")}.Append(nil))
	p.Send(wire.ChannelRequest{Recipient: number, Type: "exec", WantReply: true}.Append(nil))
	p.Send(wire.ChannelData{Recipient: number, Data: []byte("more")}.Append(nil))
	p.Send(wire.ChannelEOF{Recipient: number}.Append(nil))
	p.Send(wire.ChannelOpen{Type: "session", Sender: 6, Window: 1, MaxPacket: 1}.Append(nil))
	p.Send(wire.Ping{}.Append(nil)) // its answer says that all of it has been read
	if _, err := p.ReadMsg(wire.MsgPong); err != nil {
		t.Error(err)
	}
	close(release)
	p.ReadDisconnect()
	s.client.Close()
	<-s.done
	expectPath(t, r, sessionEvents, `DataIn 1 "quit"`, "Closed 1", "Status disconnected", "Disconnected 0 OK")
}

// TestPathRekey: an exchange of keys shows between what else happens.
func TestPathRekey(t *testing.T) {
	d := newDaemon(t)
	echo(t, d)
	r := recordAll(d)
	c, s := connect(t, d)
	if err := d.ExchangeKeys(1); err != nil {
		t.Fatal(err)
	}
	r.wait(t, "Status rekey=true")
	if out, err := run(t, c, "cat", "hello"); err != nil || out != "hello" {
		t.Errorf("%q, %v", out, err)
	}
	c.Close()
	<-s.done
	lines := r.all()
	at := slices.Index(lines, "Status rekey=true")
	expect(t, lines[at-1:], `Status user "alice" logged in with password`, "Status rekey=true", "OpenRequest 1 session", "Opened 1", "ReadyToSend 1",
		"Request 1 exec", "Requested 1 exec", `DataIn 1 "hello"`, "EOF 1", "Closed 1", "Status disconnected", "Disconnected 0 OK")
}
