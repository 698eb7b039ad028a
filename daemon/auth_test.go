package daemon

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	xssh "golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// xsigner returns a key of the client.
func xsigner(t testing.TB) xssh.Signer {
	t.Helper()
	key, err := sshkey.GenerateEd25519()
	if err != nil {
		t.Fatal(err)
	}
	s, err := xssh.NewSignerFromSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// attempts records what was asked, and answers.
func attempts(d *Daemon, answer func(*SSHUserAuthRequestEvent)) *[]string {
	var got []string
	d.OnSSHUserAuthRequest = func(e *SSHUserAuthRequestEvent) {
		line := e.AuthMethod
		if e.Key != nil {
			line += map[bool]string{true: " verified", false: " query"}[e.Verified]
		}
		got = append(got, line+" ["+e.AvailableMethods+"]")
		answer(e)
	}
	return &got
}

func TestPublicKey(t *testing.T) {
	d := newDaemon(t)
	key := xsigner(t)
	got := attempts(d, func(e *SSHUserAuthRequestEvent) {
		if e.AuthMethod != "publickey" {
			return
		}
		if e.KeyAlgorithm != "ssh-ed25519" || e.AuthParam != string(e.Key.Marshal()) || e.Service != "ssh-connection" {
			t.Errorf("event %+v", e)
		}
		e.Accept = e.AuthParam == string(key.PublicKey().Marshal())
	})
	s := serve(t, d)
	c, err := dial(s, clientConfig("bob", xssh.PublicKeys(xsigner(t), key)))
	if err != nil {
		t.Fatal(err)
	}
	c.SendRequest("round-trip", true, nil)
	if conns := d.SSHConnections(); len(conns) != 1 || conns[0].User() != "bob" ||
		!strings.HasPrefix(conns[0].RemoteVersion(), "SSH-2.0-Go") || conns[0].Algorithms().HostKey != "ssh-ed25519" {
		t.Errorf("connections %v", conns)
	}
	c.Close()
	<-s.done
	const list = " [password,publickey]"
	expect(t, *got, "none"+list, "publickey query"+list, "publickey query"+list, "publickey verified"+list)
}

// TestTwoFactors: a key, then a password, in this order alone.
func TestTwoFactors(t *testing.T) {
	d := newDaemon(t)
	got := attempts(d, func(e *SSHUserAuthRequestEvent) {
		switch e.AuthMethod {
		case "none":
			e.AvailableMethods = "publickey"
		case "publickey":
			e.PartialSuccess = true
			e.AvailableMethods = "password"
		case "password":
			e.Accept = e.AuthParam == "secret"
		}
	})
	_, err := dial(serve(t, d), clientConfig("alice", xssh.Password("secret")))
	if err == nil {
		t.Error("the second factor alone was enough")
	}
	expect(t, *got, "none [password,publickey]")
	*got = nil
	c, err := dial(serve(t, d), clientConfig("alice", xssh.PublicKeys(xsigner(t)), xssh.Password("secret")))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	expect(t, *got, "none [password,publickey]", "publickey query [publickey]", "publickey verified [publickey]", "password [password]")
}

// TestPartialDropsMethod: without AvailableMethods the method that has
// succeeded is not offered again.
func TestPartialDropsMethod(t *testing.T) {
	d := newDaemon(t)
	got := attempts(d, func(e *SSHUserAuthRequestEvent) {
		e.PartialSuccess = e.AuthMethod == "publickey"
		e.Accept = e.AuthMethod == "password"
	})
	c, err := dial(serve(t, d), clientConfig("alice", xssh.PublicKeys(xsigner(t)), xssh.Password("secret")))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	expect(t, *got, "none [password,publickey]", "publickey query [password,publickey]",
		"publickey verified [password,publickey]", "password [password]")
}

func TestKeyboardInteractive(t *testing.T) {
	d := newDaemon(t)
	if err := d.SetDefaultAuthMethods("keyboard-interactive"); err != nil {
		t.Fatal(err)
	}
	d.SetKeyboardInteractiveMessage("who goes there")
	d.SetKeyboardInteractivePromptCount(2)
	d.SetKeyboardInteractivePromptPrompt(0, "Name: ")
	d.SetKeyboardInteractivePromptEcho(0, true)
	d.SetKeyboardInteractivePromptPrompt(1, "Code: ")
	want := map[string]string{"keyboard-interactive-1": "alice", "keyboard-interactive-2": "42", "keyboard-interactive": ""}
	custom := false
	got := attempts(d, func(e *SSHUserAuthRequestEvent) {
		if e.AuthMethod == "none" && custom {
			must(t, d, fmt.Sprintf("KeyboardInteractivePrompts[%d]=Only, one,echo=true", e.ConnectionID))
		}
		v, ok := want[e.AuthMethod]
		e.Accept = ok && v == e.AuthParam
	})
	ask := func(answers ...string) xssh.AuthMethod {
		return xssh.KeyboardInteractive(func(name, instruction string, questions []string, echos []bool) ([]string, error) {
			if custom {
				if !slices.Equal(questions, []string{"Only, one"}) || !echos[0] {
					t.Errorf("asked %q %v", questions, echos)
				}
			} else if instruction != "who goes there" || !slices.Equal(questions, []string{"Name: ", "Code: "}) || !slices.Equal(echos, []bool{true, false}) {
				t.Errorf("asked %q %q %v", instruction, questions, echos)
			}
			return answers, nil
		})
	}
	const list = " [keyboard-interactive]"
	s := serve(t, d)
	c, err := dial(s, clientConfig("alice", ask("alice", "42")))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	<-s.done
	expect(t, *got, "none"+list, "keyboard-interactive-1"+list, "keyboard-interactive-2"+list, "keyboard-interactive"+list)

	*got = nil
	if _, err := dial(serve(t, d), clientConfig("alice", ask("mallory", "42"))); err == nil {
		t.Error("a wrong answer was enough")
	}
	expect(t, *got, "none"+list, "keyboard-interactive-1"+list, "keyboard-interactive-2"+list)

	custom = true
	c, err = dial(serve(t, d), clientConfig("alice", ask("alice")))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestBanner(t *testing.T) {
	d := newDaemon(t)
	wrap(&d.OnSSHUserAuthRequest, func(e *SSHUserAuthRequestEvent) {
		if e.AuthMethod == "password" {
			must(t, d, "UserAuthBanner[1]=welcome, "+e.User)
		}
	})
	var banner string
	cfg := clientConfig("alice", xssh.Password("secret"))
	cfg.BannerCallback = func(text string) error { banner += text; return nil }
	c, err := dial(serve(t, d), cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if banner != "welcome, alice" {
		t.Errorf("banner %q", banner)
	}
}

func TestMaxAuthAttempts(t *testing.T) {
	d := newDaemon(t)
	must(t, d, "MaxAuthAttempts=2")
	got := attempts(d, func(*SSHUserAuthRequestEvent) {})
	d.OnDisconnected = func(e *DisconnectedEvent) {
		if e.StatusCode != CodeAuthentication || !strings.Contains(e.Description, "too many") {
			t.Errorf("event %+v", e)
		}
	}
	s := serve(t, d)
	tries := 0
	_, err := dial(s, clientConfig("alice", xssh.RetryableAuthMethod(
		xssh.PasswordCallback(func() (string, error) { tries++; return "wrong", nil }), 10)))
	if err == nil || tries != 2 || len(*got) != 3 {
		t.Errorf("%d tries, events %q, %v", tries, *got, err)
	}
	if e, ok := errors.AsType[*wire.ProtocolError](<-s.done); !ok || e.Reason != wire.ReasonNoMoreAuthMethodsAvailable {
		t.Errorf("ended with %v", e)
	}
}

// peer is a client without manners that has shaken hands.
func peer(t testing.TB, s *served) *transporttest.Peer {
	t.Helper()
	p := transporttest.NewPeer(s.client, wire.Client)
	if err := p.Handshake(); err != nil {
		t.Fatal(err)
	}
	return p
}

// userauthService requests the service.
func userauthService(t testing.TB, p *transporttest.Peer) {
	t.Helper()
	if err := p.Send(wire.ServiceRequest{Name: "ssh-userauth"}.Append(nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.ReadMsg(wire.MsgServiceAccept); err != nil {
		t.Fatal(err)
	}
}

func passwordRequest(user, password string) []byte {
	return wire.UserauthRequest{User: user, Service: "ssh-connection", Method: userauth.MethodPassword,
		Payload: wire.UserauthPassword{Password: []byte(password)}.Append(nil)}.Append(nil)
}

// TestAUT01: no message of the connection protocol reaches a handler before
// the login, and none is kept for later.
func TestAUT01(t *testing.T) {
	open := wire.ChannelOpen{Type: "session", Window: 1 << 20, MaxPacket: 1 << 15}.Append(nil)
	exec := wire.ChannelRequest{Type: "exec", Payload: wire.Exec{Command: "id"}.Append(nil)}.Append(nil)
	forward := wire.GlobalRequest{Name: "tcpip-forward", Payload: wire.TCPIPForward{Host: "", Port: 0}.Append(nil)}.Append(nil)
	messages := [][]byte{open, exec, forward}
	for m := 81; m <= 127; m++ {
		messages = append(messages, []byte{byte(m), 0, 0, 0, 0})
	}
	for _, msg := range messages {
		for _, when := range []string{"alone", "after the service request", "behind an attempt"} {
			d := newDaemon(t)
			r := record(d)
			s := serve(t, d)
			p := peer(t, s)
			if when != "alone" {
				userauthService(t, p)
			}
			if when == "behind an attempt" {
				p.SendRaw(append(p.Seal(p.Frame(passwordRequest("alice", "wrong"))), p.Seal(p.Frame(msg))...))
			}
			if when != "behind an attempt" {
				p.Send(msg)
			}
			p.Send(open)
			reason := p.ReadDisconnect()
			if reason != wire.ReasonProtocolError {
				t.Errorf("message %d %s: reason %v", msg[0], when, reason)
			}
			s.client.Close()
			<-s.done
			for _, line := range r.all() {
				for _, no := range []string{"Open", "Global", "Request ", "DataIn"} {
					if strings.HasPrefix(line, no) {
						t.Errorf("message %d %s: event %q", msg[0], when, line)
					}
				}
			}
			if n := d.SSHChannelCount() + d.SSHConnectionCount(); n != 0 {
				t.Errorf("message %d %s: %d things left", msg[0], when, n)
			}
		}
		if testing.Short() {
			break
		}
	}
}

// TestAUT19: authentication messages after the login ask nobody.
func TestAUT19(t *testing.T) {
	d := newDaemon(t)
	r := record(d)
	s := serve(t, d)
	p := peer(t, s)
	userauthService(t, p)
	p.Send(passwordRequest("alice", "secret"))
	if _, err := p.ReadMsg(wire.MsgUserauthSuccess); err != nil {
		t.Fatal(err)
	}
	asked := len(r.all())
	p.Send(passwordRequest("alice", "wrong"))
	p.Send(wire.GlobalRequest{Name: "x", WantReply: true}.Append(nil))
	if _, err := p.ReadMsg(wire.MsgRequestFailure); err != nil {
		t.Fatalf("the connection did not go on: %v", err)
	}
	p.Send(wire.ServiceRequest{Name: "ssh-userauth"}.Append(nil))
	p.Send(wire.GlobalRequest{Name: "x", WantReply: true}.Append(nil))
	for {
		b, err := p.Read()
		if err != nil || wire.Msg(b[0]) == wire.MsgRequestFailure {
			break
		}
		if m := wire.Msg(b[0]); m != wire.MsgUnimplemented && m != wire.MsgDisconnect {
			t.Errorf("answer %v", m)
		}
	}
	s.client.Close()
	<-s.done
	for _, line := range r.all()[asked:] {
		if strings.HasPrefix(line, "UserAuth") || strings.HasPrefix(line, "Service") {
			t.Errorf("event %q after the login", line)
		}
	}
}

func TestChangePassword(t *testing.T) {
	d := newDaemon(t)
	d.OnSSHUserAuthRequest = func(e *SSHUserAuthRequestEvent) {
		switch {
		case e.AuthMethod != "password" || e.AuthParam != "old":
		case e.NewPassword == "":
			e.ChangePassword = "expired"
		default:
			e.Accept = e.NewPassword == "new"
		}
	}
	p := peer(t, serve(t, d))
	userauthService(t, p)
	p.Send(passwordRequest("alice", "old"))
	b, err := p.ReadMsg(wire.MsgUserauthPasswdChangeReq)
	var ask wire.UserauthPasswdChangeReq
	if err != nil || ask.Parse(b) != nil || ask.Prompt != "expired" {
		t.Fatalf("%+v, %v", ask, err)
	}
	p.Send(wire.UserauthRequest{User: "alice", Service: "ssh-connection", Method: "password",
		Payload: wire.UserauthPassword{Change: true, Password: []byte("old"), NewPassword: []byte("new")}.Append(nil)}.Append(nil))
	if _, err := p.ReadMsg(wire.MsgUserauthSuccess); err != nil {
		t.Fatal(err)
	}
}
