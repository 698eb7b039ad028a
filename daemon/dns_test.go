package daemon

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// zone is a name server's data: addresses by name, and names by the name that
// an address is looked up under.
type zone struct {
	addrs map[string][]string
	names map[string]string
}

// The types of a question, and the codes of an answer (RFC 1035 §3.2.2, §4.1.1;
// RFC 3596).
const (
	dnsA, dnsPTR, dnsAAAA           = 1, 12, 28
	dnsServerFailure, dnsNameAbsent = 2, 3
	dnsRefused                      = 5
)

// resolver returns a resolver that asks z alone, over memory. A name with
// "broken" in it gets no answer but a server's failure, one with "refused" a
// refusal.
func (z zone) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, StrictErrors: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe() // no PacketConn: each message has its length in front (RFC 7766 §8)
		go z.serve(server)           // ends when the resolver closes its end
		return client, nil
	}}
}

func (z zone) serve(nc net.Conn) {
	defer nc.Close()
	for {
		var length [2]byte
		if _, err := io.ReadFull(nc, length[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(nc, question); err != nil {
			return
		}
		answer := z.answer(question)
		if _, err := nc.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

// answer makes the answer to a message with one question (RFC 1035 §4.1).
func (z zone) answer(query []byte) []byte {
	end, name := 12, ""
	for query[end] != 0 {
		n := int(query[end])
		name += string(query[end+1:end+1+n]) + "."
		end += 1 + n
	}
	name = strings.ToLower(name)
	kind := binary.BigEndian.Uint16(query[end+1:])
	end += 5
	var records [][]byte
	switch kind {
	case dnsA, dnsAAAA:
		for _, a := range z.addrs[name] {
			if ip := netip.MustParseAddr(a); ip.Is4() == (kind == dnsA) {
				records = append(records, ip.AsSlice())
			}
		}
	case dnsPTR:
		if target := z.names[name]; target != "" {
			var b []byte
			for label := range strings.SplitSeq(strings.TrimSuffix(target, "."), ".") {
				b = append(append(b, byte(len(label))), label...)
			}
			records = append(records, append(b, 0))
		}
	}
	code := byte(0)
	switch _, known := z.addrs[name]; {
	case strings.Contains(name, "broken"):
		code = dnsServerFailure
	case strings.Contains(name, "refused"):
		code = dnsRefused
	case !known && len(records) == 0:
		code = dnsNameAbsent
	}
	b := append([]byte{}, query[:2]...)
	b = append(b, 0x85, 0x80|code, 0, 1, 0, byte(len(records)), 0, 0, 0, 0) // an authoritative answer
	b = append(b, query[12:end]...)
	for _, r := range records {
		b = append(b, 0xc0, 12) // the name in the question
		b = binary.BigEndian.AppendUint16(b, kind)
		b = append(b, 0, 1, 0, 0, 0, 60)
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(r))), r...)
	}
	return b
}

// testZone has the loopback under names of its own.
var testZone = zone{
	addrs: map[string][]string{
		"build.example.": {"127.0.0.1", "::1"}, "four.example.": {"127.0.0.1"}, "six.example.": {"::1"},
		"liar.example.": {"192.0.2.1"}, "other.example.": {"192.0.2.7"}, "worker-77.example.": {"192.0.2.77", "127.0.0.77"},
	},
	names: map[string]string{
		"77.0.0.127.in-addr.arpa.": "worker-77.example.", // 127.0.0.1 has a name in most hosts files
		"77.2.0.192.in-addr.arpa.": "worker-77.example.",
		"7.2.0.192.in-addr.arpa.":  "liar.example.", // whose address is another one
	},
}

// TestAllowedClientNames: names count where the address belongs to them, and a
// lookup that fails lets nobody in.
func TestAllowedClientNames(t *testing.T) {
	r := testZone.resolver()
	for _, c := range []struct {
		list, addr string
		want       bool
	}{
		{"build.example", "127.0.0.1:1", true},
		{"BUILD.EXAMPLE", "127.0.0.1:1", true},
		{"build.example", "[::1]:1", true},
		{"six.example", "[::1]:1", true},
		{"six.example", "127.0.0.1:1", false},
		{"*.example", "192.0.2.77:1", true},
		{"W*.Example", "192.0.2.77:1", true},
		{"*.elsewhere", "192.0.2.77:1", false},
		{"*.example", "192.0.2.7:1", false}, // the name its address gives is not its own
		{"liar.example", "192.0.2.7:1", false},
		{"other.example", "192.0.2.7:1", true},
		{"*.example", "192.0.2.99:1", false}, // no name at all
		{"absent.example,broken.example,refused.example", "127.0.0.1:1", false},
		{"absent.example,build.example", "127.0.0.1:1", true},
	} {
		if got := allowedClient(t.Context(), r, c.list, tcpAddr(c.addr)); got != c.want {
			t.Errorf("allowedClient(%q, %s) = %v", c.list, c.addr, got)
		}
	}
}

// TestAllowedClients: who is on the list gets in over TCP, of either family;
// who is not sees the connection close.
func TestAllowedClients(t *testing.T) {
	for _, c := range []struct {
		list     string
		ip4, ip6 bool
	}{
		{"*", true, true},
		{"127.0.0.1", true, false},
		{"127.0.*", true, false},
		{"127.0.0.0/8", true, false},
		{"::1", false, true},
		{"::*", false, true},
		{"0:0:0:0:0:0:0:1, 127.0.0.1", true, true},
		{"::/64", false, true},
		{"build.example", true, true},
		{"four.example", true, false},
		{"10.*, other.example", false, false},
		{"", false, false},
	} {
		d := newDaemon(t)
		d.resolver = testZone.resolver()
		must(t, d, "AllowedClients="+c.list)
		r := record(d)
		for addr, want := range map[string]bool{"127.0.0.1:0": c.ip4, "[::1]:0": c.ip6} {
			ln := listenTCP(t, addr)
			served := make(chan error, 1)
			go func() { served <- d.Serve(t.Context(), ln) }()
			version, err := greeting(ln.Addr().String())
			if want != (err == nil) || want != strings.HasPrefix(version, "SSH-2.0-hawser") {
				t.Errorf("%q: %s got %q, %v", c.list, addr, version, err)
			}
			d.Shutdown()
			<-served
		}
		got := strings.Count(strings.Join(r.all(), "\n"), "accept=true")
		want := 0
		for _, allowed := range []bool{c.ip4, c.ip6} {
			if allowed {
				want++
			}
		}
		if got != want {
			t.Errorf("%q: accepted %d times: %q", c.list, got, r.all())
		}
	}
}

// TestAllowedClientsByName: a name with a wildcard, for a client whose address
// is no other's.
func TestAllowedClientsByName(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8 without being told")
	}
	for list, want := range map[string]bool{"worker-*.example": true, "builder-*.example": false} {
		d := newDaemon(t)
		d.resolver = testZone.resolver()
		must(t, d, "AllowedClients="+list)
		from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 77)}}
		if version, err := greetingFrom(&from, listen(t, d)); want != (err == nil) {
			t.Errorf("%s: %q, %v", list, version, err)
		}
	}
}

// greeting returns what a server says first.
func greeting(addr string) (string, error) { return greetingFrom(&net.Dialer{}, addr) }

func greetingFrom(from *net.Dialer, addr string) (string, error) {
	nc, err := from.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer nc.Close()
	var line [16]byte
	n, err := io.ReadFull(nc, line[:])
	return string(line[:n]), err
}

// listenTCP listens on an address of the loopback, or skips where it is IPv6
// and there is none.
func listenTCP(t testing.TB, addr string) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil && strings.HasPrefix(addr, "[") {
		t.Skip("this machine has no IPv6: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func portText(d *Daemon) string { return strconv.Itoa(d.LocalPort()) }

// TestUseIPv6: which family is listened to, on the same port where it is both.
func TestUseIPv6(t *testing.T) {
	listenTCP(t, "[::1]:0").Close()
	for setting, want := range map[string]struct{ ip4, ip6 bool }{
		"UseIPv6=0": {true, false}, "UseIPv6=1": {false, true}, "UseIPv6=2": {true, true},
	} {
		d := newDaemon(t)
		must(t, d, setting)
		d.SetLocalPort(0)
		if err := d.StartListening(); err != nil {
			t.Fatal(err)
		}
		for host, want := range map[string]bool{"127.0.0.1": want.ip4, "::1": want.ip6} {
			version, err := greeting(net.JoinHostPort(host, portText(d)))
			if (err == nil) != want || want != strings.HasPrefix(version, "SSH-2.0-") {
				t.Errorf("%s: %s got %q, %v", setting, host, version, err)
			}
			if errno := codeOfSystem(err); err != nil && errno != 10061 {
				t.Errorf("%s: %s is not refused: %v", setting, host, err)
			}
		}
		d.Shutdown()
	}
}

// TestLocalHost: names and addresses, of the family that UseIPv6 says.
func TestLocalHost(t *testing.T) {
	listenTCP(t, "[::1]:0").Close()
	for _, c := range []struct {
		host, family string
		want         string // address, or empty
		code         int
	}{
		{"127.0.0.1", "0", "127.0.0.1", 0},
		{"::1", "1", "::1", 0},
		{"::1", "2", "::1", 0},
		{"127.0.0.1", "2", "127.0.0.1", 0},
		{"build.example", "0", "127.0.0.1", 0},
		{"build.example", "1", "::1", 0},
		{"build.example", "2", "127.0.0.1", 0},
		{"six.example", "2", "::1", 0},
		{"::1", "0", "", 10047},
		{"127.0.0.1", "1", "", 10047},
		{"192.0.2.1", "0", "", 10049},
		{"absent.example", "0", "", 11001},
		{"not a name", "0", "", 11001},
		{"broken.example", "0", "", 11002},
		{"refused.example", "0", "", 11003},
		{"four.example", "1", "", 11004},
		{"six.example", "0", "", 11004},
	} {
		d := newDaemon(t)
		d.resolver = testZone.resolver()
		must(t, d, "UseIPv6="+c.family)
		d.SetLocalHost(c.host)
		d.SetLocalPort(0)
		err := d.StartListening()
		if c.code != 0 {
			wantCode(t, err, c.code)
			if e, ok := errors.AsType[*Error](err); ok && e.Description() == "" {
				t.Errorf("%s: no text", c.host)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s, UseIPv6=%s: %v", c.host, c.family, err)
			continue
		}
		if _, err := greeting(net.JoinHostPort(c.want, portText(d))); err != nil {
			t.Errorf("%s, UseIPv6=%s: %v", c.host, c.family, err)
		}
		if d.LocalHost() != c.host {
			t.Errorf("LocalHost has become %q", d.LocalHost())
		}
		d.Shutdown()
	}
}
