package kex

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hawser-ssh/hawser/wire"
)

// isAEAD is the set of ciphers of these tests that need no MAC.
func isAEAD(cipher string) bool { return cipher == "gcm" || cipher == "chacha" }

// offerAll is a KEXINIT with the same lists for both directions.
func offerAll(kex, hostKey, cipher, mac, compression string) *wire.KexInit {
	l := func(s string) wire.NameList { return wire.NameList(s) }
	return &wire.KexInit{
		Kex: l(kex), HostKey: l(hostKey), CipherCS: l(cipher), CipherSC: l(cipher),
		MACCS: l(mac), MACSC: l(mac), CompressionCS: l(compression), CompressionSC: l(compression),
	}
}

func TestNegotiate(t *testing.T) {
	plain := Direction{Cipher: "ctr", MAC: "m1", Compression: "none"}
	german, french := plain, plain
	german.Language, french.Language = "de", "fr"
	tests := []struct {
		name           string
		client, server *wire.KexInit
		want           Algorithms
	}{
		{"one of each", offerAll("a", "h", "ctr", "m1", "none"), offerAll("a", "h", "ctr", "m1", "none"),
			Algorithms{"a", "h", plain, plain}},
		{"the client's order decides", offerAll("a,b,c", "h1,h2", "cbc,ctr", "m1,m2", "none,zlib"),
			offerAll("c,b", "h2,h1", "ctr", "m2,m1", "zlib,none"), Algorithms{"b", "h1", plain, plain}},
		{"a name is no prefix", offerAll("ab,a", "h", "ctr", "m1", "none"), offerAll("a,abc", "h", "ctr", "m1", "none"),
			Algorithms{"a", "h", plain, plain}},
		{"languages on one side", offerAll("a", "h", "ctr", "m1", "none"), withLanguages(offerAll("a", "h", "ctr", "m1", "none"), "de", "i-klingon"),
			Algorithms{"a", "h", plain, plain}},
		{"no language in common", withLanguages(offerAll("a", "h", "ctr", "m1", "none"), "en", "fr"),
			withLanguages(offerAll("a", "h", "ctr", "m1", "none"), "de", "i-klingon"), Algorithms{"a", "h", plain, plain}},
		{"languages of each direction", withLanguages(offerAll("a", "h", "ctr", "m1", "none"), "en,de,fr", "fr"),
			withLanguages(offerAll("a", "h", "ctr", "m1", "none"), "fr,de", "en,fr"), Algorithms{"a", "h", german, french}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Negotiate(tt.client, tt.server, isAEAD)
			if err != nil || got != tt.want {
				t.Errorf("%+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func withLanguages(m *wire.KexInit, toServer, toClient string) *wire.KexInit {
	m.LanguagesCS, m.LanguagesSC = wire.NameList(toServer), wire.NameList(toClient)
	return m
}

// KEX-07: each direction has algorithms of its own, in all combinations of classes.
func TestKEX07Directions(t *testing.T) {
	ciphers, macs, compressions := []string{"gcm", "chacha", "ctr", "cbc"}, []string{"m1", "m2"}, []string{"none", "zlib"}
	for i := range len(ciphers) * len(macs) * len(compressions) {
		for j := range len(ciphers) * len(macs) * len(compressions) {
			pick := func(i int) Direction {
				return Direction{Cipher: ciphers[i%4], MAC: macs[i/4%2], Compression: compressions[i/8%2]}
			}
			up, down := pick(i), pick(j)
			client := offerAll("a", "h", strings.Join(ciphers, ","), strings.Join(macs, ","), strings.Join(compressions, ","))
			server := offerAll("a", "h", "", "", "")
			server.CipherCS, server.MACCS, server.CompressionCS = names(up.Cipher), names(up.MAC), names(up.Compression)
			server.CipherSC, server.MACSC, server.CompressionSC = names(down.Cipher), names(down.MAC), names(down.Compression)
			for _, d := range []*Direction{&up, &down} {
				if isAEAD(d.Cipher) {
					d.MAC = ""
				}
			}
			got, err := Negotiate(client, server, isAEAD)
			if want := (Algorithms{"a", "h", up, down}); err != nil || got != want {
				t.Fatalf("%+v, %v, want %+v", got, err, want)
			}
		}
	}
}

func names(list ...string) wire.NameList { return wire.NewNameList(list...) }

// KEX-06: with an AEAD cipher no MAC need be in common, in the direction of that cipher only.
func TestKEX06AEADNeedsNoMAC(t *testing.T) {
	client, server := offerAll("a", "h", "gcm", "m1", "none"), offerAll("a", "h", "gcm", "m2", "none")
	got, err := Negotiate(client, server, isAEAD)
	want := Direction{Cipher: "gcm", Compression: "none"}
	if err != nil || got.ClientToServer != want || got.ServerToClient != want {
		t.Fatalf("%+v, %v", got, err)
	}
	client.CipherSC, server.CipherSC = names("ctr"), names("ctr")
	_, err = Negotiate(client, server, isAEAD)
	wantNothingCommon(t, err, "server-to-client MAC")
}

func wantNothingCommon(t *testing.T, err error, what string) *NegotiationError {
	t.Helper()
	wantFailed(t, err, nil)
	var ne *NegotiationError
	if !errors.As(err, &ne) || ne.What != what {
		t.Fatalf("error is %v, want nothing in common for %s", err, what)
	}
	return ne
}

// KEX-05: nothing in common, in each list alone: the error names the field and both lists.
func TestKEX05NothingInCommon(t *testing.T) {
	fields := []struct {
		what string
		list func(m *wire.KexInit) *wire.NameList
	}{
		{"key exchange method", func(m *wire.KexInit) *wire.NameList { return &m.Kex }},
		{"host key algorithm", func(m *wire.KexInit) *wire.NameList { return &m.HostKey }},
		{"client-to-server cipher", func(m *wire.KexInit) *wire.NameList { return &m.CipherCS }},
		{"server-to-client cipher", func(m *wire.KexInit) *wire.NameList { return &m.CipherSC }},
		{"client-to-server MAC", func(m *wire.KexInit) *wire.NameList { return &m.MACCS }},
		{"server-to-client MAC", func(m *wire.KexInit) *wire.NameList { return &m.MACSC }},
		{"client-to-server compression", func(m *wire.KexInit) *wire.NameList { return &m.CompressionCS }},
		{"server-to-client compression", func(m *wire.KexInit) *wire.NameList { return &m.CompressionSC }},
	}
	lists := [][2]wire.NameList{
		{names("x1", "x2"), names("y1", "y2")},
		{names("x1"), nil},
		{nil, names("y1")},
		{nil, nil},
	}
	for _, f := range fields {
		for _, l := range lists {
			t.Run(fmt.Sprintf("%s/%s-%s", f.what, l[0], l[1]), func(t *testing.T) {
				client, server := offerAll("a", "h", "ctr", "m", "none"), offerAll("a", "h", "ctr", "m", "none")
				*f.list(client), *f.list(server) = l[0], l[1]
				got, err := Negotiate(client, server, isAEAD)
				ne := wantNothingCommon(t, err, f.what)
				if got != (Algorithms{}) {
					t.Errorf("algorithms were returned: %+v", got)
				}
				if !slices.Equal(ne.Client, l[0].Strings()) || !slices.Equal(ne.Server, l[1].Strings()) {
					t.Errorf("lists %q and %q, want %s and %s", ne.Client, ne.Server, l[0], l[1])
				}
				for _, part := range []string{f.what, l[0].String(), l[1].String()} {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("%q does not name %q", err, part)
					}
				}
			})
		}
	}
}

// KEX-05: what a peer sent is shown escaped and cut, also when it never went through the checks of wire.
func TestKEX05Escaped(t *testing.T) {
	client := offerAll("\x1b[2J\r\n\x00\xff,"+strings.Repeat("long,", 1000)+"z", "h", "ctr", "m", "none")
	_, err := Negotiate(client, offerAll("a", "h", "ctr", "m", "none"), isAEAD)
	ne := wantNothingCommon(t, err, "key exchange method")
	text := err.Error()
	for _, name := range ne.Client {
		text += name
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
		t.Errorf("%q is in an error", text[i])
	}
	if len(err.Error()) > 2*maxListText+200 {
		t.Errorf("the error has %d bytes", len(err.Error()))
	}
}

// TER-10: markers are never selected, even where they are all that both sides have.
func TestTER10MarkersAreNeverSelected(t *testing.T) {
	markers := []string{ExtInfoClient, ExtInfoServer, StrictClient, StrictServer,
		"kex-strict-c-v01@openssh.com", "ext-info-future"}
	for _, marker := range markers {
		only := offerAll(marker, "h", "ctr", "m", "none")
		_, err := Negotiate(only, only, isAEAD)
		wantNothingCommon(t, err, "key exchange method")
		if GuessedRight(only, only) {
			t.Errorf("%s was taken for a guess", marker)
		}
		first := offerAll(marker+",a", "h", "ctr", "m", "none")
		if got, err := Negotiate(first, first, isAEAD); err != nil || got.Kex != "a" {
			t.Errorf("%s first: %+v, %v", marker, got, err)
		}
	}
	all := offerAll(strings.Join(markers, ","), "h", "ctr", "m", "none")
	_, err := Negotiate(all, all, isAEAD)
	wantNothingCommon(t, err, "key exchange method")
}

// KEX-08: a guess is right where the first method and the first host key algorithm of both sides are the same.
func TestKEX08GuessedRight(t *testing.T) {
	tests := []struct {
		name                 string
		clientKex, clientKey string
		serverKex, serverKey string
		want                 bool
	}{
		{"same first", "a,b", "h,i", "a,c", "h,j", true},
		{"wrong method", "a,b", "h", "b,a", "h", false},
		{"wrong host key", "a", "h,i", "a", "i,h", false},
		{"prefix", "a", "h", "ab", "h", false},
		{"empty method lists", "", "h", "", "h", false},
		{"empty host key lists", "a", "", "a", "", false},
	}
	for _, tt := range tests {
		client := offerAll(tt.clientKex, tt.clientKey, "", "", "")
		server := offerAll(tt.serverKex, tt.serverKey, "", "", "")
		if got := GuessedRight(client, server); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// Names are copied: the algorithms outlive the buffer that the messages were read into.
func TestNegotiateCopies(t *testing.T) {
	client, server := offerAll("a", "h", "ctr", "m", "none"), offerAll("a", "h", "ctr", "m", "none")
	got, err := Negotiate(client, server, isAEAD)
	if err != nil {
		t.Fatal(err)
	}
	want := got.Kex + got.HostKey + got.ClientToServer.Cipher
	for _, l := range []wire.NameList{client.Kex, client.HostKey, client.CipherCS, server.Kex} {
		clear(l)
	}
	if got.Kex+got.HostKey+got.ClientToServer.Cipher != want {
		t.Error("the result is a view")
	}
}

// The only allocations are the names that are returned.
func TestNegotiateAllocations(t *testing.T) {
	client, server := realistic(), realistic()
	n := testing.AllocsPerRun(100, func() {
		if _, err := Negotiate(client, server, isAEAD); err != nil {
			t.Fatal(err)
		}
	})
	if n > 8 {
		t.Errorf("%v allocations for 8 names", n)
	}
	if n := testing.AllocsPerRun(100, func() { GuessedRight(client, server) }); n > 0 {
		t.Errorf("GuessedRight: %v allocations", n)
	}
}

// realistic is a KEXINIT of the usual size, where the last names are the common ones.
func realistic() *wire.KexInit {
	var methods []string
	for _, m := range Default() {
		methods = append(methods, m.Name)
	}
	methods = append(methods, ExtInfoClient, StrictClient)
	return offerAll(strings.Join(methods, ","), "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256",
		"aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr",
		"hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512", "none,zlib@openssh.com")
}

func TestTable(t *testing.T) {
	want := []string{
		"mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org",
		"ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521",
		"diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512", "diffie-hellman-group14-sha256",
		"diffie-hellman-group-exchange-sha256",
	}
	var got []string
	for _, m := range Default() {
		got = append(got, m.Name)
	}
	seen := map[string]bool{}
	for _, m := range slices.Concat(Default(), Optional(), Insecure()) {
		if bound := m.Offer != nil && m.Answer != nil; m.Hash == nil || bound == m.GroupExchange || seen[m.Name] {
			t.Errorf("%s is incomplete, or there twice", m.Name)
		}
		seen[m.Name] = true
	}
	if !slices.Equal(got, want) {
		t.Errorf("default order %q, want %q", got, want)
	}
	rows, err := Lookup(want[3], want[0])
	if err != nil || len(rows) != 2 || rows[0].Name != want[3] || rows[1].Name != want[0] {
		t.Errorf("Lookup: %d rows, %v", len(rows), err)
	}
	for _, name := range []string{"", "none", ExtInfoClient, "curve25519-sha256 "} {
		rows, err := Lookup(want[0], name)
		if e, ok := errors.AsType[*UnknownError](err); !ok || e.Name != name || rows != nil {
			t.Errorf("Lookup of %q: %v", name, err)
		}
	}
	Default()[0].Name = "changed"
	if Default()[0].Name != want[0] {
		t.Error("Default returns its own table")
	}
}

// An AEAD of RFC 5647 stands among the MACs to say that it is its own: it is never the MAC of another cipher.
func TestNegotiateAEADAmongMACs(t *testing.T) {
	init := func(cipher string) *wire.KexInit {
		l := wire.NewNameList
		return &wire.KexInit{
			Kex: l("k"), HostKey: l("h"), CipherCS: l(cipher), CipherSC: l(cipher), CompressionCS: l("none"), CompressionSC: l("none"),
			MACCS: l("AEAD_AES_128_GCM", "hmac-sha2-256"), MACSC: l("AEAD_AES_128_GCM", "hmac-sha2-256"),
		}
	}
	aead := func(name string) bool { return name == "AEAD_AES_128_GCM" }
	for cipher, want := range map[string]string{"AEAD_AES_128_GCM": "", "aes128-ctr": "hmac-sha2-256"} {
		a, err := Negotiate(init(cipher), init(cipher), aead)
		if err != nil || a.ClientToServer.MAC != want || a.ServerToClient.MAC != want {
			t.Errorf("%s: %+v, %v", cipher, a, err)
		}
	}
}
