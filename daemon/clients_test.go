package daemon

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
)

func TestMatchPattern(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"", "x", false}, {"*", "", true}, {"*", "anything", true}, {"**", "", true},
		{"a*c", "abc", true}, {"a*c", "ac", true}, {"a*c", "abd", false}, {"a*", "ba", false},
		{"*SSH-2.0-*", "SSH-2.0-x", true}, {"*SSH-2.0-*", "SSH-1.99-x", false},
		{"*a*b*", "xxaxxbxx", true}, {"*a*b*", "xxbxxaxx", false}, {"a?c", "abc", false},
		{strings.Repeat("*a", 50) + "b", strings.Repeat("a", 5000), false}, // no exponential work
	} {
		if got := matchPattern(c.pattern, c.text); got != c.want {
			t.Errorf("matchPattern(%.20q, %.20q) = %v", c.pattern, c.text, got)
		}
	}
}

func TestAllowedClient(t *testing.T) {
	for _, c := range []struct {
		list, addr string
		want       bool
	}{
		{"*", "192.0.2.7:1", true},
		{"", "192.0.2.7:1", false},
		{"192.0.2.7", "192.0.2.7:1", true},
		{"192.0.2.7", "192.0.2.70:1", false},
		{"192.0.2.*", "192.0.2.7:1", true},
		{"192.0.2.*", "192.0.20.7:1", false},
		{"198.51.100.1, 192.0.2.7", "192.0.2.7:1", true},
		{"192.0.2.0/24", "192.0.2.7:1", true},
		{"192.0.2.0/30", "192.0.2.7:1", false},
		{"192.0.2.7", "[::ffff:192.0.2.7]:1", true},
		{"2001:db8::1", "[2001:db8::1]:1", true},
		{"2001:0db8:0::1", "[2001:db8::1]:1", true},
		{"2001:db8::*", "[2001:db8::1]:1", true},
		{"2001:db8::*", "[2001:db9::1]:1", false},
		{"2001:db8::/32", "[2001:db8:7::1]:1", true},
		{"localhost", "127.0.0.1:1", true},
		{"localhost", "192.0.2.7:1", false},
	} {
		if got := allowedClient(t.Context(), nil, c.list, tcpAddr(c.addr)); got != c.want {
			t.Errorf("allowedClient(%q, %s) = %v", c.list, c.addr, got)
		}
	}
	for _, addr := range []net.Addr{nil, &net.UnixAddr{Name: "x"}} {
		if allowedClient(t.Context(), nil, "127.0.0.1,x", addr) || !allowedClient(t.Context(), nil, "x,*", addr) {
			t.Errorf("%v: only * is for what is not TCP", addr)
		}
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if allowedClient(canceled, nil, "some.host.example", tcpAddr("192.0.2.7:1")) {
		t.Error("a lookup that failed allowed a client")
	}
}

// TestAllowedClientsEvent: the list only sets what the event starts with.
func TestAllowedClientsEvent(t *testing.T) {
	d := newDaemon(t)
	must(t, d, "AllowedClients=192.0.2.*")
	r := record(d)
	addr := listen(t, d)
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := nc.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes for a client that is not allowed", n)
	}
	nc.Close()
	expect(t, r.all(), "ConnectionRequest accept=false")
}

func TestErrors(t *testing.T) {
	for _, row := range codes {
		e := &Error{Code: row.code}
		if e.Description() == "" || !strings.Contains(e.Error(), e.Description()) {
			t.Errorf("%d: %q", row.code, e.Error())
		}
		if row.errno != 0 {
			if err := asError(&net.OpError{Op: "x", Err: row.errno}); !errors.Is(err, e) || !errors.Is(err, row.errno) {
				t.Errorf("%v became %v", row.errno, err)
			}
		}
	}
	if e := (&Error{Code: 4711}); e.Description() == "" {
		t.Error("a code of its own has no description")
	}
	for err, code := range map[error]int{
		context.DeadlineExceeded:                   CodeTimedOut,
		net.ErrClosed:                              CodeNotConnected,
		&net.DNSError{Err: "x", IsNotFound: true}:  11001,
		&net.DNSError{Err: "x", IsTemporary: true}: 11002,
		errors.New("anything"):                     CodeAborted,
		newError(CodeInvalidID, "", nil):           CodeInvalidID,
	} {
		wantCode(t, asError(err), code)
	}
	if asError(nil) != nil {
		t.Error("nil became an error")
	}
}

func TestParamErrors(t *testing.T) {
	d := New()
	_, err := d.SetSSHParam(nil, "i", "x")
	wantCode(t, err, CodeInvalidArgument)
	_, err = d.SetSSHParam(nil, "zz", "x")
	wantCode(t, err, CodeInvalidArgument)
	for _, field := range []string{"Command", "%s", "%", "%s,s,s"} {
		_, err = d.GetSSHParam([]byte{1}, field)
		wantCode(t, err, CodeInvalidArgument)
		_, err = d.GetSSHParamBytes([]byte{1}, field)
		wantCode(t, err, CodeInvalidArgument)
	}
	p, err := d.SetSSHParam(nil, "sb", "00ff")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := d.GetSSHParamBytes(p, "%s"); err != nil || string(got) != "\x00\xff" {
		t.Errorf("%q, %v", got, err)
	}
}

// FuzzConfig: anything is an *Error or is read back.
func FuzzConfig(f *testing.F) {
	for _, s := range []string{"LogLevel=2", "UserAuthBanner[1]=x", "KeyboardInteractivePrompts[1]=a,echo=true;b", "AltSSHCertStore[0]=x", "x", "[", "]=["} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := New()
		c := &conn{d: d, opt: d.opt.snapshot()}
		d.reg.conns[1] = c
		must(t, d, "AltSSHCertCount=1")
		value, err := d.Config(text)
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Fatalf("Config(%q): %v", text, err)
			}
			return
		}
		name, _, write := strings.Cut(text, "=")
		if again, err := d.Config(name); write && (err != nil || again != value) {
			t.Fatalf("Config(%q) = %q, then %q, %v", text, value, again, err)
		}
	})
}
