package daemon

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	xssh "golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// TestSelectWaitMillis: DoEvents waits so long where nothing happens, and not
// at all where something has.
func TestSelectWaitMillis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		must(t, d, "ProcessIdleEvents=False")
		took := func() time.Duration {
			start := time.Now()
			if err := d.DoEvents(); err != nil {
				t.Error(err)
			}
			return time.Since(start)
		}
		if got := took(); got != DefaultSelectWait*time.Millisecond {
			t.Errorf("by default DoEvents waits for %v", got)
		}
		must(t, d, "SelectWaitMillis=700")
		if got := took(); got != 700*time.Millisecond {
			t.Errorf("DoEvents waits for %v", got)
		}
		must(t, d, "SelectWaitMillis=0")
		if got := took(); got != 0 {
			t.Errorf("DoEvents waits for %v", got)
		}
		must(t, d, "SelectWaitMillis=700")
		asked := 0
		d.OnConnectionRequest = func(e *ConnectionRequestEvent) { asked++; e.Accept = false }
		s := serve(t, d)
		synctest.Wait() // the event is there
		if got := took(); got != 0 || asked != 1 {
			t.Errorf("DoEvents waited for %v and ran %d events", got, asked)
		}
		<-s.done
	})
}

// TestProcessIdleEvents: with False no event fires until DoEvents is called,
// though any number of connections wait; with True none needs it.
func TestProcessIdleEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		must(t, d, "ProcessIdleEvents=False")
		fired := 0
		d.OnConnectionRequest = func(e *ConnectionRequestEvent) { fired++; e.Accept = false }
		var all []*served
		for range 50 {
			all = append(all, serve(t, d))
		}
		time.Sleep(time.Second)
		if fired != 0 {
			t.Errorf("%d events without DoEvents", fired)
		}
		must(t, d, "ProcessIdleEvents=True") // for what fires from now on
		last := serve(t, d)
		<-last.done
		if fired != 1 {
			t.Errorf("%d events, want the last one alone", fired)
		}
		for fired < 51 {
			d.DoEvents()
		}
		for _, s := range all {
			<-s.done
		}
	})
}

// TestKeepaliveRequests: silence brings keepalive@openssh.com at each interval,
// as often as SSHKeepAliveCountMax says, then the end; what the client sends
// meanwhile starts the count anew (OpenSSH PROTOCOL, RFC 4254 §4).
func TestKeepaliveRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		must(t, d, "SSHKeepAliveInterval=10", "SSHKeepAliveCountMax=3")
		r := record(d)
		s := serve(t, d)
		p := peer(t, s)
		userauthService(t, p)
		p.Send(passwordRequest("alice", "secret"))
		if _, err := p.ReadMsg(wire.MsgUserauthSuccess); err != nil {
			t.Fatal(err)
		}
		if _, err := p.ReadMsg(wire.MsgGlobalRequest); err != nil { // the host keys, once
			t.Fatal(err)
		}
		ask := func(least, most time.Duration) {
			t.Helper()
			start := time.Now()
			b, err := p.ReadMsg(wire.MsgGlobalRequest)
			var g wire.GlobalRequest
			if err != nil || g.Parse(b) != nil || g.Name != "keepalive@openssh.com" || !g.WantReply {
				t.Fatalf("%+v, %v", g, err)
			}
			if took := time.Since(start); took < least*time.Second || took > most*time.Second {
				t.Errorf("asked after %v, want %d to %d s", took, least, most)
			}
		}
		ask(10, 10)
		ask(10, 10)
		time.Sleep(6 * time.Second)
		p.Send(wire.GlobalRequest{Name: "unheard-of"}.Append(nil)) // a sign of life, though no answer
		ask(10, 20)                                                // silence is noticed once an interval
		ask(10, 10)
		ask(10, 10)
		start := time.Now()
		p.ReadDisconnect()
		if took := time.Since(start); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("ended %v after the last question", took)
		}
		s.client.Close()
		wantCode(t, <-s.done, CodeTimedOut)
		if lines := r.all(); !strings.HasPrefix(lines[len(lines)-1], "Disconnected 10060 ") {
			t.Errorf("the last event is %q", lines[len(lines)-1])
		}
	})
}

// TestNoKeepalive: without an interval nobody is asked.
func TestNoKeepalive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		c, s := connect(t, d)
		time.Sleep(24 * time.Hour)
		select {
		case err := <-s.done:
			t.Fatalf("ended: %v", err)
		default:
		}
		c.Close()
		<-s.done
	})
}

// TestUserAuthBanner: one connection's banner is for it alone, and comes as it
// was set, with the spaces around it.
func TestUserAuthBanner(t *testing.T) {
	d := newDaemon(t)
	wrap(&d.OnSSHUserAuthRequest, func(e *SSHUserAuthRequestEvent) {
		if e.AuthMethod == "none" && e.ConnectionID == 1 {
			must(t, d, "userauthbanner[1]=\n  for the first one \r\n")
			if got, err := d.Config("UserAuthBanner[1]"); err != nil || got != "\n  for the first one \r\n" {
				t.Errorf("reads back %q, %v", got, err)
			}
		}
	})
	for _, want := range []string{"\n  for the first one \r\n", ""} {
		var got string
		cfg := clientConfig("alice", xssh.Password("secret"))
		cfg.BannerCallback = func(text string) error { got += text; return nil }
		c, err := dial(serve(t, d), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got != want {
			t.Errorf("banner %q, want %q", got, want)
		}
	}
	for _, setting := range []string{"UserAuthBanner[7]", "UserAuthBanner[7]=x", "KeyboardInteractivePrompts[7]", "KeyboardInteractivePrompts[7]=x"} {
		_, err := d.Config(setting)
		wantCode(t, err, CodeInvalidID)
	}
}

// TestKeyboardInteractivePrompts: prompts of one connection take the place of
// the daemon's; others keep those.
func TestKeyboardInteractivePrompts(t *testing.T) {
	d := newDaemon(t)
	d.SetDefaultAuthMethods("keyboard-interactive")
	d.SetKeyboardInteractivePromptCount(1)
	d.SetKeyboardInteractivePromptPrompt(0, "everyone: ")
	d.OnSSHUserAuthRequest = func(e *SSHUserAuthRequestEvent) {
		if e.AuthMethod == "none" && e.ConnectionID == 1 {
			must(t, d, "KeyboardInteractivePrompts[1]= first, with a comma: ,echo=TRUE;second: ,echo=false;third")
			if got, err := d.Config("KeyboardInteractivePrompts[1]"); err != nil ||
				got != " first, with a comma: ,echo=true;second: ,echo=false;third,echo=false" {
				t.Errorf("reads back %q, %v", got, err)
			}
		}
		e.Accept = e.AuthMethod != "none"
	}
	for _, want := range []string{`[" first, with a comma: " "second: " "third"] [true false false]`, `["everyone: "] [false]`} {
		var got string
		c, err := dial(serve(t, d), clientConfig("alice", xssh.KeyboardInteractive(func(_, _ string, questions []string, echos []bool) ([]string, error) {
			if len(questions) > 0 {
				got += fmt.Sprintf("%q %v", questions, echos)
			}
			return slices.Clone(questions), nil
		})))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got != want {
			t.Errorf("asked %s, want %s", got, want)
		}
	}
	_, err := d.Config("KeyboardInteractivePrompts[1]=x,echo=maybe")
	wantCode(t, err, CodeInvalidArgument)
	_, err = d.Config("KeyboardInteractivePrompts[1]=" + strings.Repeat("x;", wire.MaxPrompts+1))
	wantCode(t, err, CodeInvalidArgument)
}

// TestDefaultAuthMethods: what clients are told they may use, and that nothing
// else works.
func TestDefaultAuthMethods(t *testing.T) {
	for methods, want := range map[string]string{
		"password,publickey":             "password,publickey",
		"publickey":                      "publickey",
		"none,keyboard-interactive":      "keyboard-interactive",
		" publickey , password,password": "publickey,password",
	} {
		d := newDaemon(t)
		if err := d.SetDefaultAuthMethods(methods); err != nil {
			t.Fatal(err)
		}
		p := peer(t, serve(t, d))
		userauthService(t, p)
		p.Send(wire.UserauthRequest{User: "alice", Service: "ssh-connection", Method: "none"}.Append(nil))
		b, err := p.ReadMsg(wire.MsgUserauthFailure)
		var f wire.UserauthFailure
		if err != nil || f.Parse(b) != nil || f.Methods.String() != want {
			t.Errorf("%q: offered %q, %v; want %q", methods, f.Methods, err, want)
		}
		p.Send(passwordRequest("alice", "secret"))
		answer := wire.MsgUserauthSuccess
		if !strings.Contains(want, "password") {
			answer = wire.MsgUserauthFailure
		}
		if _, err := p.ReadMsg(answer); err != nil {
			t.Errorf("%q: a password got no %v: %v", methods, answer, err)
		}
	}
}

// TestDefaultTimeout: what a connection starts with, and that one of it can
// change without the others.
func TestDefaultTimeout(t *testing.T) {
	d := newDaemon(t)
	if err := d.SetDefaultTimeout(7); err != nil {
		t.Fatal(err)
	}
	connect(t, d)
	d.SetDefaultTimeout(0)
	connect(t, d)
	all := d.SSHConnections()
	if len(all) != 2 || all[0].Timeout() != 7 || all[1].Timeout() != 0 {
		t.Fatalf("%d connections with timeouts %d and %d", len(all), all[0].Timeout(), all[1].Timeout())
	}
	if err := all[1].SetTimeout(9); err != nil || all[1].Timeout() != 9 || all[0].Timeout() != 7 || d.DefaultTimeout() != 0 {
		t.Errorf("SetTimeout: %v", err)
	}
	wantCode(t, all[1].SetTimeout(-1), CodeInvalidArgument)
}

// TestPublicKeyAlgorithms: the host key's algorithm is one of the list, by the
// order that the client prefers.
func TestPublicKeyAlgorithms(t *testing.T) {
	d := newDaemon(t)
	ed, ec := newSigner(t), newECDSASigner(t)
	if err := d.SetHostKeys(ed, ec); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ssh-ed25519", "ecdsa-sha2-nistp256"} {
		must(t, d, "SSHPublicKeyAlgorithms="+name)
		c, s := connect(t, d)
		c.SendRequest("round-trip", true, nil)
		if got := d.SSHConnections()[0].Algorithms().HostKey; got != name {
			t.Errorf("%s: negotiated %s", name, got)
		}
		c.Close()
		<-s.done
	}
	must(t, d, "SSHPublicKeyAlgorithms=rsa-sha2-256") // for which there is no key
	if _, err := dial(serve(t, d), clientConfig("alice", xssh.Password("secret"))); err == nil {
		t.Error("logged in without a common algorithm")
	}
}

// TestPlatformSettings: what has no effect here is kept, and depends on each
// other as it is documented.
func TestPlatformSettings(t *testing.T) {
	d := New()
	must(t, d, "UseWindowsMessages=True", "UseIOCP=True", "UseInternalSecurityAPI=True")
	for name, want := range map[string]string{"UseIOCP": "True", "UseWindowsMessages": "False", "UseInternalSecurityAPI": "True"} {
		if got, err := d.Config(name); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %s", name, got, err, want)
		}
	}
}

// TestBuildInfo: which build this is, and that it needs no key.
func TestBuildInfo(t *testing.T) {
	d := New()
	if got, err := d.Config("buildinfo"); err != nil || !strings.Contains(got, "hawser") || !strings.Contains(got, " go1.") {
		t.Errorf("BuildInfo %q, %v", got, err)
	}
	if got, err := d.Config("LicenseInfo"); err != nil || !strings.Contains(got, "BSD-3-Clause") {
		t.Errorf("LicenseInfo %q, %v", got, err)
	}
}

func newECDSASigner(t testing.TB) sshkey.Signer {
	t.Helper()
	key, err := sshkey.GenerateECDSA(256)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sshkey.NewSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
