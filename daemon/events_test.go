package daemon

import (
	"slices"
	"strings"
	"testing"

	xssh "golang.org/x/crypto/ssh"
)

// TestSequence is the whole life of a connection.
func TestSequence(t *testing.T) {
	d := newDaemon(t)
	echo(t, d)
	r := record(d)
	c, s := connect(t, d)
	out, err := run(t, c, "cat", "hello")
	if err != nil || out != "hello" {
		t.Fatalf("exec: %q, %v", out, err)
	}
	c.Close()
	if err := <-s.done; err != nil {
		t.Errorf("ServeConn: %v", err)
	}
	expect(t, r.all(),
		"ConnectionRequest accept=true",
		"Connected 0 OK",
		"ServiceRequest ssh-userauth",
		"UserAuth alice none",
		"UserAuth alice password",
		"OpenRequest 1 session",
		"Opened 1",
		"ReadyToSend 1",
		"Request 1 exec",
		"Requested 1 exec",
		`DataIn 1 "hello"`,
		"EOF 1",
		"Closed 1",
		"Disconnected 0 OK")
}

func TestRefusedConnection(t *testing.T) {
	d := newDaemon(t)
	d.OnConnectionRequest = func(e *ConnectionRequestEvent) { e.Accept = false }
	r := record(d)
	s := serve(t, d)
	if _, err := dial(s, clientConfig("alice")); err == nil {
		t.Error("connected")
	}
	wantCode(t, <-s.done, CodeAborted)
	expect(t, r.all(), "ConnectionRequest accept=true")
	if n := d.SSHConnectionCount(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

func TestServiceRefused(t *testing.T) {
	d := newDaemon(t)
	d.OnSSHServiceRequest = func(e *SSHServiceRequestEvent) { e.Accept = false }
	r := record(d)
	s := serve(t, d)
	if _, err := dial(s, clientConfig("alice", xssh.Password("secret"))); err == nil {
		t.Error("logged in")
	}
	if err := <-s.done; err == nil {
		t.Error("no error")
	}
	got := r.all()
	if last := got[len(got)-1]; !strings.HasPrefix(last, "Disconnected 1") {
		t.Errorf("last event %q", last)
	}
	expect(t, got[:3], "ConnectionRequest accept=true", "Connected 0 OK", "ServiceRequest ssh-userauth")
}

func TestFailedNegotiation(t *testing.T) {
	d := newDaemon(t)
	if err := d.SetSSHEncryptionAlgorithms("aes256-ctr"); err != nil {
		t.Fatal(err)
	}
	var status []string
	d.OnSSHStatus = func(e *SSHStatusEvent) { status = append(status, e.Message) }
	r := record(d)
	s := serve(t, d)
	cfg := clientConfig("alice", xssh.Password("secret"))
	cfg.Ciphers = []string{"aes128-ctr"}
	if _, err := dial(s, cfg); err == nil {
		t.Error("connected")
	}
	<-s.done
	got := r.all()
	if len(got) != 3 || !strings.HasPrefix(got[2], "Disconnected 10053") {
		t.Errorf("events %q", got)
	}
	why := strings.Join(status, "\n")
	if !strings.Contains(why, "aes128-ctr") || !strings.Contains(why, "aes256-ctr") {
		t.Errorf("status does not show both lists: %q", why)
	}
}

// TestDenyByDefault: without handlers nothing is allowed.
func TestDenyByDefault(t *testing.T) {
	d := newDaemon(t)
	d.OnSSHUserAuthRequest = nil
	s := serve(t, d)
	if _, err := dial(s, clientConfig("alice", xssh.Password("secret"))); err == nil {
		t.Error("logged in without a handler")
	}
	s.client.Close()
	<-s.done

	d = newDaemon(t)
	d.OnSSHChannelOpenRequest = nil
	d.OnSSHChannelRequest = nil
	c, _ := connect(t, d)
	if _, _, err := c.OpenChannel("session", nil); err == nil {
		t.Error("channel opened without a handler")
	}
	if ok, _, err := c.SendRequest("tcpip-forward", true, nil); ok || err != nil {
		t.Errorf("global request: %v, %v", ok, err)
	}

	d = newDaemon(t)
	d.OnSSHChannelRequest = nil
	r := record(d)
	d.OnSSHChannelRequest = nil
	c, _ = connect(t, d)
	ch, _, err := c.OpenChannel("session", nil)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := ch.SendRequest("exec", true, nil); ok || err != nil {
		t.Errorf("request: %v, %v", ok, err)
	}
	if slices.ContainsFunc(r.all(), func(l string) bool { return strings.HasPrefix(l, "Requested") }) {
		t.Error("Requested fired for a refused request")
	}
}

// TestForgottenField: handlers that do not answer deny.
func TestForgottenField(t *testing.T) {
	d := newDaemon(t)
	d.OnSSHChannelOpenRequest = func(*SSHChannelOpenRequestEvent) {}
	d.OnSSHGlobalRequest = func(*SSHGlobalRequestEvent) {}
	c, _ := connect(t, d)
	_, _, err := c.OpenChannel("session", nil)
	if e, ok := err.(*xssh.OpenChannelError); !ok || e.Reason != xssh.Prohibited {
		t.Errorf("open: %v", err)
	}
	if ok, _, err := c.SendRequest("tcpip-forward", true, nil); ok || err != nil {
		t.Errorf("global request: %v, %v", ok, err)
	}
}

func TestOpenAnswers(t *testing.T) {
	d := newDaemon(t)
	deferred := make(chan *DeferredOpen, 1)
	d.OnSSHChannelOpenRequest = func(e *SSHChannelOpenRequestEvent) {
		host, err := d.GetSSHParam(e.Parameters, "%s")
		port, err2 := d.GetSSHParam(e.Parameters, "%i,s")
		if err != nil || err2 != nil || port != "80" {
			t.Errorf("parameters %q: %q %q, %v %v", e.Parameters, host, port, err, err2)
		}
		switch host {
		case "refused":
			e.Reason, e.Description = int(xssh.ConnectionFailed), "nobody there"
		case "later":
			e.Accept = true // does not count
			deferred <- e.Defer()
		}
	}
	d.OnSSHChannelDataIn = func(e *SSHChannelDataInEvent) { d.SendBytes(e.ChannelID, e.Data) }
	r := record(d)
	c, _ := connect(t, d)
	_, err := c.Dial("tcp", "refused:80")
	if e, ok := err.(*xssh.OpenChannelError); !ok || e.Reason != xssh.ConnectionFailed || e.Message != "nobody there" {
		t.Errorf("open: %v", err)
	}
	go func() {
		later := <-deferred
		if _, err := later.Accept(false); err != nil {
			t.Errorf("Accept: %v", err)
		}
		if err := later.Reject(0, ""); err == nil {
			t.Error("a second answer counted")
		}
	}()
	nc, err := c.Dial("tcp", "later:80")
	if err != nil {
		t.Fatal(err)
	}
	nc.Write([]byte("x"))
	var b [1]byte
	if _, err := nc.Read(b[:]); err != nil || b[0] != 'x' {
		t.Errorf("read %q, %v", b, err)
	}
	nc.Close()
	r.wait(t, "Closed 2")
	all := r.all()
	expect(t, all[slices.Index(all, "OpenRequest 1 direct-tcpip"):],
		"OpenRequest 1 direct-tcpip", "OpenRequest 2 direct-tcpip", "Opened 2", "ReadyToSend 2", `DataIn 2 "x"`, "Closed 2")
}

// TestRequestFields reads every field of real requests by name.
func TestRequestFields(t *testing.T) {
	d := newDaemon(t)
	got := make(map[string]string)
	d.OnSSHChannelRequest = func(e *SSHChannelRequestEvent) {
		for _, name := range []string{"RequestType", "WantsReply", "TerminalType", "TerminalWidthCharacters", "TerminalHeightRows",
			"VariableName", "VariableValue", "Command", "Subsystem", "SignalName"} {
			if v, err := d.GetSSHParam(e.Packet, name); err == nil {
				got[e.RequestType+"."+name] = v
			}
		}
		if id, err := d.GetSSHParam(e.Packet, "channelid"); err != nil || id != "1" {
			t.Errorf("ChannelId %q, %v", id, err)
		}
		e.Success = true
	}
	c, _ := connect(t, d)
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	s.Setenv("LANG", "C")
	s.RequestPty("xterm", 24, 80, xssh.TerminalModes{xssh.ECHO: 0})
	s.Start("ls")
	s.Signal(xssh.SIGTERM)
	s.SendRequest("shell", true, nil)
	for key, want := range map[string]string{
		"env.VariableName": "LANG", "env.VariableValue": "C", "env.WantsReply": "true",
		"pty-req.TerminalType": "xterm", "pty-req.TerminalWidthCharacters": "80", "pty-req.TerminalHeightRows": "24",
		"exec.Command": "ls", "signal.SignalName": "TERM", "signal.WantsReply": "false", "shell.RequestType": "shell",
	} {
		if got[key] != want {
			t.Errorf("%s = %q, want %q", key, got[key], want)
		}
	}
}
