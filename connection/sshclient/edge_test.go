package sshclient_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/wire"
)

// listenOn serves the house's connections on a network of the system.
func (h *house) listenOn(network, addr string) net.Listener {
	h.t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		h.t.Fatal(err)
	}
	h.running.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			h.running.Go(func() { h.serve(nc) })
		}
	})
	h.t.Cleanup(func() { l.Close() })
	return l
}

func TestDialNetworks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	for network, addr := range map[string]string{"tcp": "127.0.0.1:0", "unix": path} {
		h := newHouse(t)
		l := h.listenOn(network, addr)
		var got sshclient.Host
		cfg := h.config()
		cfg.HostKey = seen{&got, cfg.HostKey}
		cfg.Dialer = &net.Dialer{Timeout: time.Minute}
		client, err := sshclient.Dial(testContext(t), network, l.Addr().String(), cfg)
		if err != nil {
			t.Fatalf("%s: %v", network, err)
		}
		if err := client.Run(testContext(t), "echo"); err != nil {
			t.Errorf("%s: %v", network, err)
		}
		if network == "unix" && (got.Name != path || got.Port != 0) || got.Remote.Network() != network {
			t.Errorf("%s: %+v", network, got)
		}
		client.Close()
		<-client.Done()
	}
}

// Nobody listens, or it is no SSH server.
func TestDialFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	var op *net.OpError
	if _, err := sshclient.Dial(testContext(t), "tcp", addr, trustAll()); !errors.As(err, &op) {
		t.Errorf("%v", err)
	}
	client, server := transporttest.Pipe()
	io.WriteString(server, "HTTP/1.1 400 Bad Request\r\n\r\n")
	server.(half).CloseWrite()
	if _, err := sshclient.NewClient(testContext(t), client, "host", trustAll()); err == nil {
		t.Error("a web server will do")
	}
	if _, err := client.Write([]byte("x")); err == nil {
		t.Error("the connection is still open")
	}
}

// A server that names the port 0 it was asked for means the port it chose.
func TestForwardedPortZero(t *testing.T) {
	h := newHouse(t)
	client := h.client()
	ctx := testContext(t)
	l, err := client.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	mux := h.first()
	opened := make(chan error, 1)
	go func() {
		ch, err := mux.OpenTCPIP(ctx, connection.TypeForwardedTCPIP,
			wire.DirectTCPIP{Host: "127.0.0.1", OriginHost: "192.0.2.7", OriginPort: 77}, nil)
		if err == nil {
			_, err = io.WriteString(ch, "hello")
		}
		opened <- err
	}()
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if got := nc.RemoteAddr().String(); got != "192.0.2.7:77" {
		t.Errorf("from %s", got)
	}
	expect(t, nc, "hello")
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

// More connections than may wait are refused; those that wait are not lost.
func TestBacklog(t *testing.T) {
	h := newHouse(t)
	client := h.client(func(cfg *sshclient.Config) { cfg.MaxBacklog, cfg.MaxListeners = 2, 1 })
	ctx := testContext(t)
	l, err := client.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := client.Listen(ctx, "tcp", "127.0.0.1:0"); err == nil {
		t.Error("a second listener")
	}
	mux := h.first()
	port := uint32(l.Addr().(*net.TCPAddr).Port)
	results := make(chan error, 3)
	for range 3 {
		go func() {
			_, err := mux.OpenTCPIP(ctx, connection.TypeForwardedTCPIP,
				wire.DirectTCPIP{Host: "127.0.0.1", Port: port, OriginHost: "127.0.0.1"}, nil)
			results <- err
		}()
	}
	var refused *connection.OpenError
	if err := <-results; !errors.As(err, &refused) || refused.Reason != wire.OpenResourceShortage {
		t.Fatalf("%v", err)
	}
	for range 2 {
		nc, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// TRU-08: the server's list of its keys is not learnt, and disturbs nothing.
func TestTRU08HostKeysAfterLogin(t *testing.T) {
	h := newHouse(t)
	client := h.client()
	if err := client.Run(testContext(t), "echo"); err != nil {
		t.Fatal(err)
	}
	mux := h.first()
	blob := ecdsaPublic(t).Marshal()
	body := bytes.Repeat(wire.AppendBytes(nil, blob), 200)
	ok, _, err := mux.GlobalRequest(testContext(t), wire.RequestHostKeys, true, body)
	if ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	if err := client.Run(testContext(t), "echo"); err != nil {
		t.Error(err)
	}
}

// What the command wrote is returned next to the error, whatever that is.
func TestOutputOfLostConnection(t *testing.T) {
	h := newHouse(t)
	h.subsystem = func(_ string, ch *connection.Channel) {
		io.WriteString(ch, "first words")
		ch.Mux().Close()
	}
	client := h.client()
	ctx, s := newSession(t, client)
	var out bytes.Buffer
	s.Stdout = &out
	if err := s.Subsystem(ctx, "x"); err != nil {
		t.Fatal(err)
	}
	err := s.Wait(ctx)
	if !errors.Is(err, net.ErrClosed) || !isA[*transport.DisconnectError](err) || !strings.Contains(err.Error(), "connection ended") {
		t.Errorf("%v", err)
	}
	if out.String() != "first words" {
		t.Errorf("%q", out.String())
	}
	for name, err := range map[string]error{
		"Output": ignoreResult(client.Output(ctx, "echo")), "CombinedOutput": ignoreResult(client.CombinedOutput(ctx, "echo")),
		"Run": client.Run(ctx, "echo"), "DialContext": ignoreResult(client.DialContext(ctx, "tcp", "host:1")),
	} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// One writer for both outputs is never written to at the same time.
func TestSharedWriter(t *testing.T) {
	client := newHouse(t).client()
	ctx, s := newSession(t, client)
	var out bytes.Buffer // no lock of its own: the race detector watches
	s.Stdout, s.Stderr = &out, &out
	if err := s.Run(ctx, "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2"); err != nil || out.Len() != 600000 {
		t.Fatalf("%d bytes, %v", out.Len(), err)
	}
}

// Deadlines of a forwarded connection are errors that net knows.
func TestForwardedDeadline(t *testing.T) {
	addr := echoListener(t, "tcp", "127.0.0.1:0")
	nc, err := newHouse(t).client().Dial(testContext(t), "tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Unix(1, 0))
	_, err = nc.Read(make([]byte, 1))
	var timeout net.Error
	if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Fatalf("%v", err)
	}
}

// TestStartRefused: what the server refused has not started: there is nothing to wait for, and another request may follow.
func TestStartRefused(t *testing.T) {
	client := newHouse(t).client()
	ctx, s := newSession(t, client)
	var refused *connection.RefusedError
	if err := s.Subsystem(ctx, "none"); !errors.As(err, &refused) {
		t.Fatalf("%v", err)
	}
	if err := s.Wait(ctx); err != sshclient.ErrNotStarted {
		t.Errorf("wait: %v", err)
	}
	if err := s.Run(ctx, "echo"); err != nil {
		t.Error(err)
	}
}
