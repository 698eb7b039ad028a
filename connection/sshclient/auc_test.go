package sshclient_test

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/userauth"
	"github.com/hawser-ssh/hawser/wire"
)

// acceptNone is a server that lets the client in without a question.
func acceptNone(p *transporttest.Peer) error {
	if err := p.Handshake(); err != nil {
		return err
	}
	if _, err := p.ReadMsg(wire.MsgServiceRequest); err != nil {
		return err
	}
	if err := p.Send(wire.ServiceAccept{Name: "ssh-userauth"}.Append(nil)); err != nil {
		return err
	}
	if _, err := p.ReadMsg(wire.MsgUserauthRequest); err != nil {
		return err
	}
	return p.Send(wire.UserauthSuccess{}.Append(nil))
}

// AUC-01: a login for which nobody asked a credential is an error, unless it
// is wanted.
func TestAUC01Unauthenticated(t *testing.T) {
	nc := script(t, func(p *transporttest.Peer) error {
		if err := acceptNone(p); err != nil {
			return err
		}
		if reason := p.ReadDisconnect(); reason != wire.ReasonProtocolError {
			return errors.New("reason " + reason.String())
		}
		return nil
	})
	cfg := trustAll()
	cfg.Auth = []userauth.Method{password("secret")}
	if _, err := sshclient.NewClient(testContext(t), nc, "host:22", cfg); !errors.Is(err, userauth.ErrUnproven) {
		t.Fatalf("%v", err)
	}
	cfg.AllowUnauthenticated = true
	nc = script(t, func(p *transporttest.Peer) error {
		if err := acceptNone(p); err != nil {
			return err
		}
		p.ReadDisconnect()
		return nil
	})
	client, err := sshclient.NewClient(testContext(t), nc, "host:22", cfg)
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
}

// AUC-08: messages of the connection protocol before success end it.
func TestAUC08EarlyMessages(t *testing.T) {
	messages := map[string][]byte{
		"open":    wire.ChannelOpen{Type: "session", Window: 1, MaxPacket: 1}.Append(nil),
		"global":  wire.GlobalRequest{Name: "keepalive@openssh.com", WantReply: true}.Append(nil),
		"data":    wire.ChannelData{Data: []byte("x")}.Append(nil),
		"success": wire.UserauthSuccess{}.Append(nil), // AUC-02: before any request
	}
	for name, message := range messages {
		t.Run(name, func(t *testing.T) {
			nc := script(t, func(p *transporttest.Peer) error {
				if err := p.Handshake(); err != nil {
					return err
				}
				return expectDrop(p, message)
			})
			_, err := sshclient.NewClient(testContext(t), nc, "host:22", trustAll())
			checkProtocolError(t, err)
		})
	}
}

// AUC-09: a server opens nothing that was not asked for.
func TestAUC09Opens(t *testing.T) {
	h := newHouse(t)
	client := h.client()
	ctx := testContext(t)
	l, err := client.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := uint32(l.Addr().(*net.TCPAddr).Port)
	tcp := func(host string, port uint32) []byte {
		return wire.DirectTCPIP{Host: host, Port: port, OriginHost: "127.0.0.1", OriginPort: 1}.Append(nil)
	}
	mux := h.first()
	for _, test := range []struct {
		name, kind string
		extra      []byte
	}{
		{"session", "session", nil},
		{"direct", connection.TypeDirectTCPIP, tcp("127.0.0.1", 22)},
		{"port not asked for", connection.TypeForwardedTCPIP, tcp("127.0.0.1", port-1)},
		{"no port", connection.TypeForwardedTCPIP, tcp("example.org", 0)},
		{"malformed", connection.TypeForwardedTCPIP, tcp("127.0.0.1", port)[:9]},
		{"unix", connection.TypeForwardedStreamLocal, wire.ForwardedStreamLocal{Path: "127.0.0.1"}.Append(nil)},
		{"x11", "x11", wire.AppendUint32(wire.AppendString(nil, "127.0.0.1"), 6000)},
		{"agent", "auth-agent@openssh.com", nil},
		{"unheard of", strings.Repeat("x", 60), nil},
	} {
		_, err := mux.Open(ctx, test.kind, test.extra, nil)
		var refused *connection.OpenError
		if !errors.As(err, &refused) || refused.Reason != wire.OpenAdministrativelyProhibited && refused.Reason != wire.OpenUnknownChannelType {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	acceptOne(t, l) // the one that was asked for
	if err := client.Run(ctx, "echo"); err != nil {
		t.Error(err)
	}
}

// AUC-10: names that could be something else to a program are refused before
// anything is dialled. The client builds no commands itself.
func TestAUC10Names(t *testing.T) {
	for _, addr := range []string{
		"-oProxyCommand=x:22", "host;id:22", "$(id):22", "`id`:22", "a b:22", "host\n:22", "ho\x00st:22", "a|b", "a&b:22", "'x':22", "a:b:22", "host:no such port", "", ":22",
	} {
		nc, _ := transporttest.Pipe()
		if _, err := sshclient.NewClient(testContext(t), nc, addr, trustAll()); !isA[*sshclient.ConfigError](err) {
			t.Errorf("NewClient %q: %v", addr, err)
		}
		if !strings.HasSuffix(addr, "no such port") {
			if _, err := sshclient.Dial(testContext(t), "tcp", addr, trustAll()); !isA[*sshclient.ConfigError](err) {
				t.Errorf("Dial %q: %v", addr, err)
			}
		}
	}
	for _, user := range []string{"", "-oProxyCommand=x", "user\nother", "us\x00er", "us\x1ber", "\xff"} {
		cfg := trustAll()
		cfg.User = user
		if _, err := sshclient.Dial(testContext(t), "tcp", "127.0.0.1:1", cfg); !isA[*sshclient.ConfigError](err) {
			t.Errorf("user %q: %v", user, err)
		}
	}
}

// Names of hosts that are in use, and what the policy gets to see.
func TestAddresses(t *testing.T) {
	h := newHouse(t)
	for addr, want := range map[string]string{
		"host.example:2222": "host.example 2222", "host": "host 22", "192.0.2.1:22": "192.0.2.1 22",
		"[2001:db8::1]:2022": "2001:db8::1 2022", "2001:db8::1": "2001:db8::1 22", "[2001:db8::1]": "2001:db8::1 22",
		"[fe80::1%eth0]:22": "fe80::1%eth0 22", "bücher.example:22": "bücher.example 22", "under_score:ssh": "under_score 22",
	} {
		var got sshclient.Host
		cfg := h.config()
		cfg.HostKey = seen{&got, cfg.HostKey}
		client, err := sshclient.NewClient(testContext(t), h.pipe(), addr, cfg)
		if err != nil {
			t.Errorf("%q: %v", addr, err)
			continue
		}
		client.Close()
		if text := got.Name + " " + itoa(got.Port); text != want {
			t.Errorf("%q: %q", addr, text)
		}
	}
}

// CON-18: what a server says about the end of a command.
func TestCON18Exit(t *testing.T) {
	status := func(n uint32) []byte { return wire.ExitStatus{Status: n}.Append(nil) }
	signal := func(name string) []byte { return wire.ExitSignal{Signal: name}.Append(nil) }
	type word struct {
		kind    string
		payload []byte
	}
	for _, test := range []struct {
		name  string
		words []word
		want  string
	}{
		{"status of no bytes", []word{{"exit-status", nil}}, "missing"},
		{"status of 3 bytes", []word{{"exit-status", []byte{0, 0, 1}}}, "missing"},
		{"status of 5 bytes", []word{{"exit-status", []byte{0, 0, 0, 1, 0}}}, "missing"},
		{"number for a signal", []word{{"exit-signal", signal("9")}}, "missing"},
		{"status first", []word{{"exit-status", status(4)}, {"exit-signal", signal("KILL")}}, "4"},
		{"signal first", []word{{"exit-signal", signal("KILL")}, {"exit-status", status(4)}}, "KILL"},
		{"two", []word{{"exit-status", status(5)}, {"exit-status", status(6)}}, "5"},
		{"largest", []word{{"exit-status", status(1<<32 - 1)}}, "4294967295"},
		{"zero", []word{{"exit-status", status(0)}}, "nil"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			h.subsystem = func(_ string, ch *connection.Channel) {
				for _, w := range test.words {
					ch.SendRequest(t.Context(), w.kind, true, w.payload)
				}
				ch.Close()
			}
			ctx, s := newSession(t, h.client())
			if err := s.Subsystem(ctx, "x"); err != nil {
				t.Fatal(err)
			}
			if got := describe(s.Wait(ctx)); got != test.want {
				t.Fatalf("%s, want %s", got, test.want)
			}
		})
	}
}

func describe(err error) string {
	if exit, ok := errors.AsType[*sshclient.ExitError](err); ok {
		if exit.Signal != "" {
			return exit.Signal
		}
		return itoa(int(exit.Status))
	}
	if isA[*sshclient.ExitMissingError](err) {
		return "missing"
	}
	if err == nil {
		return "nil"
	}
	return err.Error()
}
