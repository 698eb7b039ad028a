package daemon

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	xssh "golang.org/x/crypto/ssh"
)

// TestHandles: what there is while two clients have channels open, over TCP,
// and after they have gone.
func TestHandles(t *testing.T) {
	d := newDaemon(t)
	r := record(d)
	addr := listen(t, d)
	var clients []*xssh.Client
	for range 2 {
		c, err := xssh.Dial("tcp", addr, clientConfig("alice", xssh.Password("secret")))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		clients = append(clients, c)
	}
	for _, c := range []*xssh.Client{clients[0], clients[1], clients[0]} {
		if _, err := c.NewSession(); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range []string{"ReadyToSend 1", "ReadyToSend 2", "ReadyToSend 3"} {
		r.wait(t, line)
	}
	if d.SSHConnectionCount() != 2 || d.SSHChannelCount() != 3 {
		t.Errorf("%d connections, %d channels", d.SSHConnectionCount(), d.SSHChannelCount())
	}
	ids := make(map[int]int) // channels by connection
	for _, h := range d.SSHChannels() {
		same, err := d.SSHChannel(h.ChannelID())
		if err != nil || same.ChannelID() != h.ChannelID() || h.Service() != "session" || h.RecordLength() != 0 || h.BytesSent() != 0 || !h.ReadyToSend() {
			t.Errorf("channel %d: %v, service %q, record length %d", h.ChannelID(), err, h.Service(), h.RecordLength())
		}
		ids[h.ConnectionID()]++
	}
	for i, h := range d.SSHConnections() {
		if h.ConnectionID() != i+1 || ids[h.ConnectionID()] != 2-i || !h.Connected() {
			t.Errorf("connection %d: id %d with %d channels", i, h.ConnectionID(), ids[h.ConnectionID()])
		}
		want := clients[i].LocalAddr().String()
		if got := h.RemoteHost() + ":" + strconv.Itoa(h.RemotePort()); got != want || h.LocalAddress() != "127.0.0.1" {
			t.Errorf("connection %d: remote %s, want %s; local %s", i, got, want, h.LocalAddress())
		}
	}
	first := d.SSHConnections()[0]
	if err := first.SetConnected(false); err != nil || first.Connected() {
		t.Errorf("SetConnected(false): %v", err)
	}
	clients[0].Wait()
	clients[1].Close()
	shutDown(t, d)
	if d.SSHConnectionCount() != 0 || d.SSHChannelCount() != 0 || len(d.SSHConnections())+len(d.SSHChannels()) != 0 {
		t.Errorf("%d connections and %d channels are left", d.SSHConnectionCount(), d.SSHChannelCount())
	}
}

// TestSendMethods: the ways to send differ in name alone.
func TestSendMethods(t *testing.T) {
	d := newDaemon(t)
	d.OnSSHChannelRequested = func(e *SSHChannelRequestedEvent) {
		h, err := d.SSHChannel(e.ChannelID)
		if err != nil {
			t.Error(err)
			return
		}
		for i, send := range []func() error{
			func() error { return d.SendBytes(e.ChannelID, []byte("bytes\x00")) },
			func() error { return d.SendText(e.ChannelID, "text") },
			func() error { return d.SendChannelData(e.ChannelID, []byte("channel data")) },
			func() error { return h.SetDataToSend([]byte("data to send")) },
		} {
			if err := send(); err != nil {
				t.Error(err)
			}
			if want := []int{6, 4, 12, 12}[i]; h.BytesSent() != want {
				t.Errorf("way %d sent %d bytes", i, h.BytesSent())
			}
		}
		exit(t, d, e.ChannelID, 0)
	}
	c, _ := connect(t, d)
	if out, err := run(t, c, "send", ""); err != nil || out != "bytes\x00textchannel datadata to send" {
		t.Errorf("%q, %v", out, err)
	}
}

// TestStatus: what OnSSHStatus tells of a login, in order.
func TestStatus(t *testing.T) {
	d := newDaemon(t)
	var got []string
	d.OnSSHStatus = func(e *SSHStatusEvent) {
		if e.ConnectionID != 1 || strings.ContainsAny(e.Message, "\n\x1b") {
			t.Errorf("event %+v", e)
		}
		got = append(got, e.Message)
	}
	c, s := connect(t, d)
	c.Close()
	<-s.done
	at := -1
	for _, part := range []string{"version peer=SSH-2.0-Go", "keys kex=", "logged in", "disconnected"} {
		i := slices.IndexFunc(got, func(l string) bool { return strings.Contains(l, part) })
		if i <= at {
			t.Errorf("%q is line %d of %q", part, i, got)
		}
		at = i
	}
}

// TestAltSSHCertStorePassword: the further key is locked, and the password with
// its spaces opens it.
func TestAltSSHCertStorePassword(t *testing.T) {
	d := New()
	const password = " with spaces "
	must(t, d, "AltSSHCertCount=1", "AltSSHCertStoreType[0]=7", "AltSSHCertStorePassword[0]="+password,
		"AltSSHCertStore[0]="+string(keyText(t, true, "locked", password)), "AltSSHCertSubject[0]=*")
	if got, err := d.Config("altsshcertstorepassword[0]"); err != nil || got != password {
		t.Errorf("reads back %q, %v", got, err)
	}
	d.OnSSHUserAuthRequest = func(e *SSHUserAuthRequestEvent) { e.Accept = e.AuthParam == "secret" }
	c, _ := connect(t, d)
	c.SendRequest("round-trip", true, nil)
	if got := d.SSHConnections()[0].Algorithms().HostKey; got != "ecdsa-sha2-nistp256" {
		t.Errorf("host key %q", got)
	}
}
