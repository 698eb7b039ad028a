package daemon

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

// The secrets of the client in TestLogLevel.
const (
	loggedPassword = "hunter2-the-password"
	loggedAnswer   = "the-answer-is-42"
	loggedCookie   = "00112233445566778899aabbccddeeff"
	loggedVariable = "value-of-the-variable"
	loggedData     = "typed-into-the-channel"
)

// loggedClient says all kinds of secrets.
func loggedClient(t *testing.T, p *transporttest.Peer) {
	steps := []struct {
		send []byte
		want wire.Msg
	}{
		{wire.UserauthRequest{User: "alice", Service: "ssh-connection", Method: "keyboard-interactive",
			Payload: wire.UserauthInteractive{}.Append(nil)}.Append(nil), wire.MsgUserauthInfoRequest},
		{wire.UserauthInfoResponse{Answers: []string{loggedAnswer}}.Append(nil), wire.MsgUserauthFailure},
		{passwordRequest("alice", loggedPassword), wire.MsgUserauthSuccess},
		{wire.ChannelOpen{Type: "session", Sender: 5, Window: 1 << 20, MaxPacket: 1 << 15}.Append(nil), wire.MsgChannelOpenConfirmation},
		{request("x11-req", wire.X11Req{Protocol: "MIT-MAGIC-COOKIE-1", Cookie: loggedCookie}.Append(nil)), wire.MsgChannelFailure},
		{request("env", wire.Env{Name: "TOKEN", Value: loggedVariable}.Append(nil)), wire.MsgChannelFailure},
		{request("exec", wire.Exec{Command: "cat"}.Append(nil)), wire.MsgChannelSuccess},
		{wire.ChannelData{Data: []byte(loggedData)}.Append(nil), wire.MsgChannelData},
	}
	for _, step := range steps {
		if err := p.Send(step.send); err != nil {
			t.Fatal(err)
		}
		if _, err := p.ReadMsg(step.want); err != nil {
			t.Fatalf("%v: %v", step.want, err)
		}
	}
}

func request(kind string, body []byte) []byte {
	return wire.ChannelRequest{Type: kind, WantReply: true, Payload: body}.Append(nil)
}

// TestLogLevel: what OnLog is told at each level, that no level tells a secret,
// in text or in hexadecimal, and that what is sent is the same at all of them.
func TestLogLevel(t *testing.T) {
	hexed := func(s string) string { return hex.EncodeToString([]byte(s)) }
	handshake := []string{"version peer=SSH-2.0-test", "keys kex=", "authentication request", "logged in"}
	packets := []string{`received KEXINIT `, `received USERAUTH_REQUEST password UserName="alice"`, `sent USERAUTH_SUCCESS`,
		`sent CHANNEL_OPEN_CONFIRMATION`, `received CHANNEL_REQUEST exec `, `Command="cat"`, `sent CHANNEL_DATA `}
	bytes := []string{"received bytes 32" + "00000005" + hexed("alice"), "sent bytes 34", "received bytes 5a" + "00000007" + hexed("session"),
		hexed("exec") + "01" + "00000003" + hexed("cat")}
	for _, c := range []struct {
		settings []string
		want, no []string
	}{
		{[]string{"LogLevel=0"}, nil, append(append(handshake, packets...), bytes...)},
		{[]string{"LogLevel=1"}, handshake, append(packets, bytes...)},
		{[]string{"LogLevel=2"}, append(handshake, packets...), bytes},
		{[]string{"LogLevel=3"}, append(append(handshake, packets...), bytes...), []string{hexed(loggedData)}},
		{[]string{"LogLevel=3", "LogChannelData=True"}, []string{hexed(loggedData)}, nil},
	} {
		t.Run(strings.Join(c.settings, " "), func(t *testing.T) {
			d := newDaemon(t)
			echo(t, d)
			d.SetDefaultAuthMethods("keyboard-interactive,password")
			d.SetKeyboardInteractivePromptCount(1)
			d.OnSSHUserAuthRequest = func(e *SSHUserAuthRequestEvent) { e.Accept = e.AuthParam == loggedPassword }
			var keyLog lockedBuffer
			d.SetKeyLogWriter(&keyLog)
			must(t, d, c.settings...)
			var lines []string
			d.OnLog = func(e *LogEvent) { lines = append(lines, e.Message) }
			s := serve(t, d)
			p := peer(t, s)
			userauthService(t, p)
			loggedClient(t, p)
			s.client.Close()
			<-s.done
			text := strings.Join(lines, "\n")
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("not told: %q\n%s", want, text)
				}
			}
			for _, no := range c.no {
				if strings.Contains(text, no) {
					t.Errorf("told: %q", no)
				}
			}
			secrets := []string{loggedPassword, loggedAnswer, loggedCookie, loggedVariable, loggedData}
			for _, field := range strings.Fields(keyLog.String()) {
				if len(field) >= 64 { // a shared secret, in hexadecimal
					secrets = append(secrets, field)
				}
			}
			for i, secret := range secrets {
				if strings.Contains(text, secret) || i < 4 && strings.Contains(text, hexed(secret)) {
					t.Errorf("secret %d is told", i)
				}
			}
			if len(c.settings) == 1 && c.settings[0] == "LogLevel=0" && len(lines) > 0 {
				t.Errorf("%d lines at level 0", len(lines))
			}
			if len(secrets) < 6 {
				t.Error("the key log has no secret")
			}
		})
	}
}

// TestLogWithLab: a Lab of the program works as it does without a log, and the
// log tells what came, not what the Lab makes of it.
func TestLogWithLab(t *testing.T) {
	d := newDaemon(t)
	must(t, d, "LogLevel=2")
	d.SetLab(&transport.Lab{Message: func(e transport.LabEvent) [][]byte {
		if e.Msg() == wire.MsgGlobalRequest && e.Direction == transport.Incoming {
			return [][]byte{wire.GlobalRequest{Name: "changed", WantReply: true}.Append(nil)}
		}
		return e.Pass()
	}})
	r := record(d)
	var logged recorder
	d.OnLog = func(e *LogEvent) { logged.add("%s", e.Message) }
	c, s := connect(t, d)
	c.SendRequest("unchanged", true, nil)
	c.Close()
	<-s.done
	if text := strings.Join(logged.all(), "\n"); !strings.Contains(text, "received GLOBAL_REQUEST") || !strings.Contains(text, "unchanged") {
		t.Errorf("logged:\n%s", text)
	}
	if !slices.Contains(r.all(), "GlobalRequest changed") {
		t.Errorf("events %q", r.all())
	}
}
