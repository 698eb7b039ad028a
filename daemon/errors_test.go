package daemon

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	xssh "golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/transport/transporttest"
)

// TestErrorCodes provokes each code that a call of the program can bring
// about; those of listening are in TestStartListening and TestLocalHost.
func TestErrorCodes(t *testing.T) {
	d := newDaemon(t)
	d.SetDefaultTimeout(1)
	c, s := connect(t, d)
	opened := make(chan int, 1)
	d.OnSSHChannelOpened = func(e *SSHChannelOpenedEvent) { opened <- e.ChannelID }
	session, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	channel := <-opened
	connection := d.SSHConnections()[0].ConnectionID()
	handle, err := d.SSHConnection(connection)
	if err != nil {
		t.Fatal(err)
	}
	config := func(text string) error { _, err := d.Config(text); return err }
	_, refused := d.OpenChannel(connection, "session")
	_, unknown := d.SSHConnection(99)
	_, unknownChannel := d.SSHChannel(99)
	_, badParam := d.SetSSHParam(nil, "i", "4294967296")
	for name, row := range map[string]struct {
		err  error
		code int
	}{
		"OpenChannel that the client refuses":  {refused, CodeForwardConnection},
		"StartListening without a host key":    {New().StartListening(), CodeNoHostKey},
		"SSHConnection of nobody":              {unknown, CodeInvalidID},
		"SSHChannel of nobody":                 {unknownChannel, CodeInvalidID},
		"Disconnect of nobody":                 {d.Disconnect(99), CodeInvalidID},
		"ExchangeKeys of nobody":               {d.ExchangeKeys(99), CodeInvalidID},
		"CloseChannel of nobody":               {d.CloseChannel(99), CodeInvalidID},
		"SendBytes to nobody":                  {d.SendBytes(99, nil), CodeInvalidID},
		"ChangeRecordLength of nobody":         {d.ChangeRecordLength(99, 1), CodeInvalidID},
		"banner of nobody":                     {config("UserAuthBanner[99]=x"), CodeInvalidID},
		"setting that does not exist":          {config("Unknown=1"), CodeInvalidArgument},
		"setting out of range":                 {config("LogLevel=4"), CodeInvalidArgument},
		"setting that is read-only":            {config("BuildInfo=1"), CodeInvalidArgument},
		"parameter out of range":               {badParam, CodeInvalidArgument},
		"ConnectionBacklog out of range":       {d.SetConnectionBacklog(0), CodeInvalidArgument},
		"client that is to come back":          {handleAfter(handle, s).SetConnected(true), CodeInvalidArgument},
		"SendBytes on a channel that is gone":  {d.SendBytes(channel, []byte("x")), CodeInvalidID},
		"OpenChannel on a connection that was": {openOn(d, connection), CodeInvalidID},
	} {
		wantCode(t, row.err, row.code)
		if e, ok := errors.AsType[*Error](row.err); ok && (e.Description() == "" || e.Description() == "error") {
			t.Errorf("%s: no text", name)
		}
	}
}

// handleAfter ends the connection of h and returns h.
func handleAfter(h *SSHConnection, s *served) *SSHConnection {
	h.SetConnected(false)
	<-s.done
	return h
}

func openOn(d *Daemon, connectionID int) error {
	_, err := d.OpenChannel(connectionID, "session")
	return err
}

// brokenConn is a connection whose reads fail.
type brokenConn struct {
	net.Conn
	err error
}

func (c brokenConn) Read([]byte) (int, error) { return 0, c.err }

// TestSystemErrors: whatever the system says about a client's socket, its last
// event has the code and a text, and what ServeConn returns matches both.
func TestSystemErrors(t *testing.T) {
	for _, row := range codes {
		errno := row.errno
		if row.code >= 10000 && errno == 0 {
			errno = syscall.Errno(row.code) // as Windows has it
		}
		if errno == 0 {
			continue
		}
		d := newDaemon(t)
		var last *DisconnectedEvent
		d.OnDisconnected = func(e *DisconnectedEvent) { last = e }
		client, server := transporttest.Pipe()
		cause := &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", errno)}
		err := d.ServeConn(t.Context(), brokenConn{server, cause})
		client.Close()
		wantCode(t, err, row.code)
		if !errors.Is(err, errno) {
			t.Errorf("%d: %v does not match %v", row.code, err, errno)
		}
		if last == nil || last.StatusCode != row.code || last.Description == "" {
			t.Errorf("%d: last event %+v", row.code, last)
		}
	}
}

// TestConnectionReset: a client that vanishes with a reset, over TCP.
func TestConnectionReset(t *testing.T) {
	d := newDaemon(t)
	r := record(d)
	nc, err := net.Dial("tcp", listen(t, d))
	if err != nil {
		t.Fatal(err)
	}
	c, err := dial(&served{client: nc}, clientConfig("alice", xssh.Password("secret")))
	if err != nil {
		t.Fatal(err)
	}
	c.SendRequest("round-trip", true, nil)
	nc.(*net.TCPConn).SetLinger(0)
	nc.Close()
	r.wait(t, "Disconnected ")
	if lines := r.all(); !strings.HasPrefix(lines[len(lines)-1], fmt.Sprintf("Disconnected %d ", CodeReset)) {
		t.Errorf("the last event is %q", lines[len(lines)-1])
	}
}

// TestReservedCodes: codes of the reference for what a server of this kind does
// not have are known and have a text, though no method gives them; and the two
// codes that say "would block" match each other.
func TestReservedCodes(t *testing.T) {
	for _, code := range []int{CodeRemotePortInUse, CodeRemoteHostInUse, CodeRemoteHostInvalid, CodeLineLengthInUse,
		CodeRemotePortZero, CodeForwardData, CodeLoopWouldBlock} {
		e := &Error{Code: code}
		if e.Description() == "error" || !strings.Contains(e.Error(), fmt.Sprint(code)) {
			t.Errorf("%d: %q", code, e.Error())
		}
		if errors.Is(e, &Error{Code: CodeInvalidID}) {
			t.Errorf("%d matches another code", code)
		}
	}
	for _, pair := range [][2]int{{CodeLoopWouldBlock, CodeWouldBlock}, {CodeWouldBlock, CodeLoopWouldBlock}} {
		if !errors.Is(fmt.Errorf("sending: %w", &Error{Code: pair[0]}), &Error{Code: pair[1]}) {
			t.Errorf("%d does not match %d", pair[0], pair[1])
		}
	}
}
