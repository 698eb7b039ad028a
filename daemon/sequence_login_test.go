package daemon

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	xssh "golang.org/x/crypto/ssh"

	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// verdicts answers attempts by "method param": "yes", "partial" with what may
// follow behind a blank, or nothing. It notes AuthParam as well, except of keys.
func verdicts(d *Daemon, r *recorder, answers map[string]string) {
	d.OnSSHUserAuthRequest = func(e *SSHUserAuthRequestEvent) {
		attempt := e.AuthMethod + " " + e.AuthParam
		if e.Key != nil {
			attempt = fmt.Sprintf("publickey verified=%v", e.Verified)
		}
		r.add("UserAuth %s [%s]", attempt, e.AvailableMethods)
		verdict, follow, _ := strings.Cut(answers[attempt], " ")
		e.Accept, e.PartialSuccess = verdict == "yes", verdict == "partial"
		if follow != "" {
			e.AvailableMethods = follow
		}
	}
}

func password(text string) []byte { return passwordRequest("alice", text) }

func attemptNone() []byte {
	return wire.UserauthRequest{User: "alice", Service: "ssh-connection", Method: userauth.MethodNone}.Append(nil)
}

func attemptInteractive() []byte {
	return wire.UserauthRequest{User: "alice", Service: "ssh-connection", Method: userauth.MethodInteractive,
		Payload: wire.UserauthInteractive{}.Append(nil)}.Append(nil)
}

func answer(texts ...string) []byte { return wire.UserauthInfoResponse{Answers: texts}.Append(nil) }

// TestPathLogin is each method with each verdict, as the events and the status
// tell it. send is what the client says, a message after each answer.
func TestPathLogin(t *testing.T) {
	const (
		in       = `Status user "alice" logged in with `
		gaveUp   = "client not authenticated: "
		success  = wire.MsgUserauthSuccess
		failure  = wire.MsgUserauthFailure
		question = wire.MsgUserauthInfoRequest
	)
	for _, c := range []struct {
		name     string
		methods  string
		verdicts map[string]string
		send     [][]byte
		replies  []wire.Msg
		want     []string
		end      string // "" for a normal one
	}{
		{"none accepted", "password", map[string]string{"none ": "yes"}, [][]byte{attemptNone()}, []wire.Msg{success},
			[]string{"UserAuth none  [password]", `Status method=none query=false outcome=accept reason="" failures=0`, in + "none"}, ""},
		{"none refused", "password", nil, [][]byte{attemptNone()}, []wire.Msg{failure},
			[]string{"UserAuth none  [password]", "Status method=none query=false outcome=deny reason=denied failures=0"},
			gaveUp + `none for "alice" refused`},
		{"password accepted", "password", map[string]string{"password right": "yes"}, [][]byte{password("right")}, []wire.Msg{success},
			[]string{"UserAuth password right [password]", `Status method=password query=false outcome=accept reason="" failures=0`, in + "password"}, ""},
		{"password refused", "password", nil, [][]byte{password("wrong")}, []wire.Msg{failure},
			[]string{"UserAuth password wrong [password]", "Status method=password query=false outcome=deny reason=denied failures=1"},
			gaveUp + `password for "alice" refused`},
		{"method not on offer", "publickey", nil, [][]byte{password("right")}, []wire.Msg{failure},
			[]string{`Status method=password query=false outcome=deny reason="method not available" failures=1`},
			gaveUp + `password for "alice" refused: method not available`},
		{"password in part", "password,publickey", map[string]string{"password right": "partial"}, [][]byte{password("right"), password("right")},
			[]wire.Msg{failure, failure}, []string{"UserAuth password right [password,publickey]",
				`Status method=password query=false outcome=partial reason="" failures=0`,
				`Status method=password query=false outcome=deny reason="method is not offered" failures=1`},
			gaveUp + `password for "alice" refused: method is not offered`},
		{"interactive accepted", "keyboard-interactive",
			map[string]string{"keyboard-interactive-1 a": "yes", "keyboard-interactive-2 b": "yes", "keyboard-interactive ": "yes"},
			[][]byte{attemptInteractive(), answer("a", "b")}, []wire.Msg{question, success},
			[]string{"UserAuth keyboard-interactive-1 a [keyboard-interactive]", "UserAuth keyboard-interactive-2 b [keyboard-interactive]",
				"UserAuth keyboard-interactive  [keyboard-interactive]",
				`Status method=keyboard-interactive query=false outcome=accept reason="" failures=0`, in + "keyboard-interactive"}, ""},
		{"interactive: one answer refused", "keyboard-interactive",
			map[string]string{"keyboard-interactive-2 b": "partial password", "keyboard-interactive ": "yes"},
			[][]byte{attemptInteractive(), answer("x", "b"), password("b")}, []wire.Msg{question, failure, failure},
			[]string{"UserAuth keyboard-interactive-1 x [keyboard-interactive]", "UserAuth keyboard-interactive-2 b [keyboard-interactive]",
				`Status method=keyboard-interactive query=false outcome=deny reason="answer 1 denied" failures=1`,
				`Status method=password query=false outcome=deny reason="method not available" failures=2`},
			gaveUp + `password for "alice" refused: method not available`},
		{"interactive: refused in the end", "keyboard-interactive",
			map[string]string{"keyboard-interactive-1 a": "yes", "keyboard-interactive-2 b": "yes"},
			[][]byte{attemptInteractive(), answer("a", "b")}, []wire.Msg{question, failure},
			[]string{"UserAuth keyboard-interactive-1 a [keyboard-interactive]", "UserAuth keyboard-interactive-2 b [keyboard-interactive]",
				"UserAuth keyboard-interactive  [keyboard-interactive]",
				"Status method=keyboard-interactive query=false outcome=deny reason=denied failures=1"},
			gaveUp + `keyboard-interactive for "alice" refused`},
		{"interactive in part, then a password", "keyboard-interactive",
			map[string]string{"keyboard-interactive-1 a": "yes", "keyboard-interactive-2 b": "yes", "keyboard-interactive ": "partial password",
				"password right": "yes"},
			[][]byte{attemptInteractive(), answer("a", "b"), password("right")}, []wire.Msg{question, failure, success},
			[]string{"UserAuth keyboard-interactive-1 a [keyboard-interactive]", "UserAuth keyboard-interactive-2 b [keyboard-interactive]",
				"UserAuth keyboard-interactive  [keyboard-interactive]",
				`Status method=keyboard-interactive query=false outcome=partial reason="" failures=0`,
				"UserAuth password right [password]", `Status method=password query=false outcome=accept reason="" failures=0`, in + "password"}, ""},
		{"interactive: one answer in part makes the whole of it", "keyboard-interactive,password",
			map[string]string{"keyboard-interactive-1 a": "partial", "keyboard-interactive-2 b": "yes", "keyboard-interactive ": "yes"},
			[][]byte{attemptInteractive(), answer("a", "b")}, []wire.Msg{question, failure},
			[]string{"UserAuth keyboard-interactive-1 a [keyboard-interactive,password]",
				"UserAuth keyboard-interactive-2 b [keyboard-interactive,password]", "UserAuth keyboard-interactive  [keyboard-interactive,password]",
				`Status method=keyboard-interactive query=false outcome=partial reason="" failures=0`},
			gaveUp + `keyboard-interactive for "alice" is not enough by itself`},
		{"interactive given up", "keyboard-interactive", nil, [][]byte{attemptInteractive()}, []wire.Msg{question},
			[]string{`Status method=keyboard-interactive query=false outcome=deny reason="ssh: read: EOF" failures=0`},
			gaveUp + `keyboard-interactive for "alice" refused: ssh: read: EOF`},
		{"too many", "password", nil, [][]byte{password("a"), password("b"), password("c")}, []wire.Msg{failure, failure, wire.MsgDisconnect},
			[]string{"UserAuth password a [password]", "Status method=password query=false outcome=deny reason=denied failures=1",
				"UserAuth password b [password]", "Status method=password query=false outcome=deny reason=denied failures=2",
				"UserAuth password c [password]", "Status method=password query=false outcome=deny reason=denied failures=3"},
			gaveUp + `password for "alice" refused; too many authentication failures`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDaemon(t)
			must(t, d, "MaxAuthAttempts=3")
			d.SetDefaultAuthMethods(c.methods)
			d.SetKeyboardInteractivePromptCount(2)
			d.OnSSHUserAuthRequest = nil
			r := recordAll(d)
			verdicts(d, r, c.verdicts)
			s := serve(t, d)
			p := peer(t, s)
			userauthService(t, p)
			for i, m := range c.send {
				p.Send(m)
				if _, err := p.ReadMsg(c.replies[i]); err != nil {
					t.Fatalf("message %d: %v", i, err)
				}
			}
			if c.end == "" {
				p.ReadMsg(wire.MsgGlobalRequest) // the host keys: what is still to be written when the client leaves would fail
			}
			s.client.Close()
			<-s.done
			end := []string{"Status disconnected", "Disconnected 0 OK"}
			if c.end != "" {
				end = []string{"Status disconnected: " + c.end, "Disconnected 1300 " + c.end}
			}
			expectPath(t, r, handshakeEvents, slices.Concat(c.want, end)...)
		})
	}
}

// TestPathLoginKey: a key is asked about twice, before it signs and after.
func TestPathLoginKey(t *testing.T) {
	const query, signed = "publickey verified=false", "publickey verified=true"
	ask := func(what, methods string) string { return "UserAuth " + what + " [" + methods + "]" }
	told := func(method, outcome, rest string) string {
		return "Status method=" + method + " query=false outcome=" + outcome + " " + rest
	}
	none := []string{ask("none ", "publickey,password"), told("none", "deny", "reason=denied failures=0")}
	for _, c := range []struct {
		name     string
		verdicts map[string]string
		want     []string
		end      string
	}{
		{"accepted", map[string]string{query: "yes", signed: "yes"},
			[]string{ask(query, "publickey,password"), ask(signed, "publickey,password"), told("publickey", "accept", `reason="" failures=0`),
				`Status user "alice" logged in with publickey`}, "0 OK"},
		{"refused", nil, []string{ask(query, "publickey,password")}, `1300 client not authenticated: publickey for "alice" refused`},
		{"refused when signed", map[string]string{query: "yes"},
			[]string{ask(query, "publickey,password"), ask(signed, "publickey,password"), told("publickey", "deny", "reason=denied failures=1")},
			`1300 client not authenticated: publickey for "alice" refused`},
		{"in part, then a password", map[string]string{query: "partial", signed: "partial", "password right": "yes"},
			[]string{ask(query, "publickey,password"), ask(signed, "publickey,password"), told("publickey", "partial", `reason="" failures=0`),
				ask("password right", "password"), told("password", "accept", `reason="" failures=0`), `Status user "alice" logged in with password`},
			"0 OK"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDaemon(t)
			d.SetDefaultAuthMethods("publickey,password")
			d.OnSSHUserAuthRequest = nil
			r := recordAll(d)
			verdicts(d, r, c.verdicts)
			s := serve(t, d)
			methods := []xssh.AuthMethod{xssh.PublicKeys(xsigner(t))}
			if c.verdicts["password right"] != "" {
				methods = append(methods, xssh.Password("right"))
			}
			var trip []string
			if client, err := dial(s, clientConfig("alice", methods...)); err == nil {
				client.SendRequest("round-trip", true, nil) // nothing is still to be written when it leaves
				trip = []string{"GlobalRequest round-trip"}
				client.Close()
			}
			<-s.done
			status := "Status disconnected"
			if c.end != "0 OK" {
				status += ": " + c.end[5:]
			}
			expectPath(t, r, handshakeEvents, slices.Concat(none, c.want, trip, []string{status, "Disconnected " + c.end})...)
		})
	}
}

// TestPathLoginOther: what is no attempt at all.
func TestPathLoginOther(t *testing.T) {
	for _, c := range []struct {
		name string
		send func(p *transporttest.Peer)
		end  string
	}{
		{"leaves", func(p *transporttest.Peer) { p.Conn.Close() }, "10054 the client left before it logged in"},
		{"takes its leave", func(p *transporttest.Peer) { p.Send(wire.Disconnect{Reason: wire.ReasonByApplication}.Append(nil)) }, "0 OK"},
		{"another service", func(p *transporttest.Peer) {
			p.Send(wire.UserauthRequest{User: "alice", Service: "mail", Method: "none"}.Append(nil))
		}, "10053 ssh: userauth: service not available: mail"},
		{"a channel", func(p *transporttest.Peer) {
			p.Send(wire.ChannelOpen{Type: "session", Window: 1, MaxPacket: 1}.Append(nil))
		}, "10053 ssh: CHANNEL_OPEN: message is not allowed now"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDaemon(t)
			r := recordAll(d)
			s := serve(t, d)
			p := peer(t, s)
			userauthService(t, p)
			c.send(p)
			p.ReadDisconnect()
			s.client.Close()
			<-s.done
			status := "Status disconnected"
			if _, why, _ := strings.Cut(c.end, " "); why != "OK" {
				status += ": " + why
			}
			expectPath(t, r, handshakeEvents, status, "Disconnected "+c.end)
		})
	}
}
