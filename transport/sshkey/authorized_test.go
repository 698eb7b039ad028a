package sshkey

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// keyText returns type and base64 of a test key.
func keyText(name string) string {
	k := must(NewPublicKey(testSigners()[name].Public()))
	return k.Type() + " " + base64.StdEncoding.EncodeToString(k.Marshal())
}

func TestAuthorizedKeysFile(t *testing.T) {
	ed, ec := keyText("ed25519"), keyText("ecdsa")
	file := strings.Join([]string{
		"# a comment", "", "   \t ", "  # indented comment",
		ed, ed + " me@host with blanks  ", "\t" + ec + "\tcomment", ec + "\r",
		`no-pty,command="echo \"hi, there\" # x" ` + ed + " c",
		`RESTRICT,Pty ` + ec,
	}, "\n")
	keys, warnings, err := ParseAuthorizedKeys(strings.NewReader(file))
	if err != nil || len(warnings) > 0 || len(keys) != 6 {
		t.Fatalf("%d keys, warnings %v, %v", len(keys), warnings, err)
	}
	for i, want := range []struct {
		line    int
		kind    string
		comment string
	}{{5, "ssh-ed25519", ""}, {6, "ssh-ed25519", "me@host with blanks"}, {7, "ecdsa-sha2-nistp256", "comment"},
		{8, "ecdsa-sha2-nistp256", ""}, {9, "ssh-ed25519", "c"}, {10, "ecdsa-sha2-nistp256", ""}} {
		k := keys[i]
		if k.Line != want.line || k.Key.Type() != want.kind || k.Comment != want.comment {
			t.Errorf("key %d: line %d, %s, %q", i, k.Line, k.Key.Type(), k.Comment)
		}
	}
	if o := keys[4].Options; !o.NoPTY || o.Command != `echo "hi, there" # x` || o.NoPortForwarding {
		t.Errorf("options %+v", o)
	}
	if o := keys[5].Options; o.NoPTY || !o.NoPortForwarding || !o.NoAgentForwarding || !o.NoX11Forwarding || !o.NoUserRC {
		t.Errorf("options %+v", o)
	}
}

func TestFIL03AuthorizedKeysLines(t *testing.T) {
	ed, ec := keyText("ed25519"), keyText("ecdsa")
	blob := strings.Fields(ed)[1]
	for what, line := range map[string]string{
		"unknown option":           "no-such-thing " + ed,
		"unknown option of many":   "no-pty,no-such-thing,pty " + ed,
		"unknown option, value":    `frm="1.2.3.4" ` + ed,
		"option of sshd_config":    "PermitRootLogin=yes " + ed,
		"open quote":               `command="ls ` + ed,
		"open quote, escaped":      `command="ls\" ` + ed,
		"text behind the quote":    `command="ls"x ` + ed,
		"value without quotes":     "command=ls " + ed,
		"value missing":            "command " + ed,
		"value for a flag":         `no-pty="yes" ` + ed,
		"no negation":              "no-restrict " + ed,
		"command twice":            `command="a",command="b" ` + ed,
		"from twice":               `from="a",from="b" ` + ed,
		"empty option":             "no-pty,,pty " + ed,
		"option list ends early":   "no-pty, " + ed,
		"option list starts empty": ",no-pty " + ed,
		"options and no key":       "no-pty",
		"type differs from blob":   "ssh-rsa " + blob,
		"type missing":             blob,
		"options then blob":        "no-pty " + blob,
		"blob missing":             "ssh-ed25519",
		"blob cut":                 ed[:len(ed)-8],
		"blob not base64":          "ssh-ed25519 !!!!",
		"blob with a blank":        ed[:40] + " " + ed[40:],
		"NUL":                      ed + " a\x00b",
		"NUL in front":             "\x00" + ed,
		"CR in the middle":         "no-pty\r" + ed,
		"CR before the comment":    ed + "\rcomment",
		"two CR at the end":        ed + "\r\r",
		"vertical tab":             ed + "\v",
		"escape":                   ed + " \x1b[2J",
		"key type not built":       "sk-ssh-dog@openssh.com " + base64.StdEncoding.EncodeToString([]byte("\x00\x00\x00\x16sk-ssh-dog@openssh.com")),
		"protocol 1":               "2048 65537 123456789 me",
		"from empty":               `from="" ` + ed,
		"from with empty pattern":  `from="a,,b" ` + ed,
		"from with bad range":      `from="10.0.0.0/33" ` + ed,
		"from with host bits":      `from="10.0.0.1/8" ` + ed,
		"from pattern too long":    `from="` + strings.Repeat("a", MaxPattern+1) + `" ` + ed,
		"expiry malformed":         `expiry-time="2024-01-01" ` + ed,
		"expiry with month 13":     `expiry-time="20241301" ` + ed,
		"expiry empty":             `expiry-time="" ` + ed,
		"environment without =":    `environment="PATH" ` + ed,
		"environment without name": `environment="=x" ` + ed,
		"environment, bad name":    `environment="A-B=x" ` + ed,
		"permitopen without port":  `permitopen="host" ` + ed,
		"permitopen, port 0":       `permitopen="host:0" ` + ed,
		"permitopen, port 65536":   `permitopen="host:65536" ` + ed,
		"permitopen, bare IPv6":    `permitopen="::1:22" ` + ed,
		"permitopen, open bracket": `permitopen="[::1:22" ` + ed,
		"permitlisten, no port":    `permitlisten="localhost:" ` + ed,
		"tunnel not a number":      `tunnel="x" ` + ed,
		"line above the limit":     ed + " " + strings.Repeat("x", MaxLine),
		"line of a megabyte":       strings.Repeat("x", 1<<20),
	} {
		file := ec + "\n" + line + "\n" + ec + "\n"
		keys, warnings, err := ParseAuthorizedKeys(strings.NewReader(file))
		if err != nil || len(keys) != 2 || keys[0].Line != 1 || keys[1].Line != 3 {
			t.Errorf("%s: %d keys, %v", what, len(keys), err)
			continue
		}
		if len(warnings) != 1 || warnings[0].Line != 2 || strings.ContainsFunc(warnings[0].String(), isControl) || len(warnings[0].Text) > 400 {
			t.Errorf("%s: warnings %v", what, warnings)
		}
	}
}

func TestFIL03AuthorizedKeysLimits(t *testing.T) {
	ed := keyText("ed25519")
	longest := ed + " " + strings.Repeat("x", MaxLine-len(ed)-1)
	keys, warnings, err := ParseAuthorizedKeys(strings.NewReader(longest + "\r\n" + longest + "x"))
	if err != nil || len(keys) != 1 || len(warnings) != 1 || warnings[0].Line != 2 {
		t.Errorf("line at the limit: %d keys, %v, %v", len(keys), warnings, err)
	}
	keys, warnings, err = ParseAuthorizedKeys(strings.NewReader(strings.Repeat("bad line\n", 100_000) + ed))
	if err != nil || len(keys) != 1 || len(warnings) != MaxWarnings+1 {
		t.Fatalf("10^5 bad lines: %d keys, %d warnings, %v", len(keys), len(warnings), err)
	}
	if last := warnings[MaxWarnings].String(); last != "99900 more lines skipped" {
		t.Errorf("last warning %q", last)
	}
	big := io.MultiReader(strings.NewReader(ed+"\n"), strings.NewReader(comments(MaxListFile-len(ed)-1)))
	if keys, _, err := ParseAuthorizedKeys(big); err != nil || len(keys) != 1 {
		t.Errorf("file at the limit: %d keys, %v", len(keys), err)
	}
	big = io.MultiReader(strings.NewReader(ed+"\n"), strings.NewReader(comments(MaxListFile)))
	if keys, _, err := ParseAuthorizedKeys(big); !errors.Is(err, ErrListTooLarge) || keys != nil {
		t.Errorf("file above the limit: %d keys, %v", len(keys), err)
	}
	bad := io.MultiReader(strings.NewReader(ed+"\n"), iotest.ErrReader(io.ErrClosedPipe))
	if keys, _, err := ParseAuthorizedKeys(bad); !errors.Is(err, io.ErrClosedPipe) || keys != nil {
		t.Errorf("file that cannot be read: %d keys, %v", len(keys), err)
	}
}

func TestFIL03ManyKeys(t *testing.T) {
	if testing.Short() {
		t.Skip("100,000 keys take a second")
	}
	ed := keyText("ed25519") + "\n"
	keys, warnings, err := ParseAuthorizedKeys(strings.NewReader(strings.Repeat(ed, 100_000)))
	if err != nil || len(keys) != 100_000 || len(warnings) != 0 {
		t.Errorf("%d keys, %d warnings, %v", len(keys), len(warnings), err)
	}
}

func TestKeyOptionsValues(t *testing.T) {
	o := must(parseKeyOptions(`cert-authority,command="",from="10.0.0.0/8,!10.1.0.0/16,*.example.com",` +
		`environment="A=1",environment="B=x=y",environment="A=2",expiry-time="20300102Z",expiry-time="203001020304Z",` +
		`permitopen="h:1",permitopen="[::1]:*",permitlisten="8080",permitlisten="*.lan:81",principals="a,b",tunnel="3",` +
		`no-touch-required,verify-required,no-agent-forwarding,no-X11-forwarding,no-user-rc,no-port-forwarding`))
	want := KeyOptions{
		CertAuthority: true, ForceCommand: true, From: []string{"10.0.0.0/8", "!10.1.0.0/16", "*.example.com"},
		Environment: []string{"A=1", "B=x=y"}, Expiry: time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC),
		PermitOpen: []HostPort{{"h", 1}, {"::1", 0}}, PermitListen: []HostPort{{"*", 8080}, {"*.lan", 81}},
		Principals: []string{"a", "b"}, Tunnel: "3", NoTouchRequired: true, VerifyRequired: true,
		NoAgentForwarding: true, NoX11Forwarding: true, NoUserRC: true, NoPortForwarding: true,
	}
	if !reflect.DeepEqual(o, want) {
		t.Errorf("got  %+v\nwant %+v", o, want)
	}
	if again := must(parseKeyOptions(o.String())); !reflect.DeepEqual(again, o) {
		t.Errorf("written as %s", o.String())
	}
	// A later flag undoes an earlier one, restrict included.
	for text, pty := range map[string]bool{"": true, "no-pty": false, "no-pty,pty": true, "pty,no-pty": false, "restrict": false, "restrict,pty": true, "pty,restrict": false} {
		if o := must(parseKeyOptions(text)); o.NoPTY == pty {
			t.Errorf("%q: NoPTY is %v", text, o.NoPTY)
		}
	}
	local := must(parseKeyOptions(`expiry-time="20300102030405"`))
	if !local.Expiry.Equal(time.Date(2030, 1, 2, 3, 4, 5, 0, time.Local)) {
		t.Errorf("local time %v", local.Expiry)
	}
}

func TestKeyOptionsForwarding(t *testing.T) {
	o := must(parseKeyOptions(`permitopen="db.lan:5432",permitopen="[2001:db8::1]:80",permitopen="any.lan:*",permitlisten="127.0.0.*:8000"`))
	for _, c := range []struct {
		host string
		port int
		want bool
	}{{"db.lan", 5432, true}, {"DB.LAN", 5432, true}, {"db.lan", 5433, false}, {"xdb.lan", 5432, false}, {"2001:DB8:0::1", 80, true}, {"any.lan", 1, true}, {"", 80, false}} {
		if got := o.AllowsOpen(c.host, c.port); got != c.want {
			t.Errorf("open %s:%d: %v", c.host, c.port, got)
		}
	}
	if !o.AllowsListen("127.0.0.9", 8000) || o.AllowsListen("127.0.0.9", 8001) || o.AllowsListen("0.0.0.0", 8000) || o.AllowsListen("", 8000) {
		t.Error("listen")
	}
	var none KeyOptions
	if !none.AllowsOpen("x", 1) || !none.AllowsListen("", 0) {
		t.Error("no options restrict")
	}
	off := KeyOptions{NoPortForwarding: true, PermitOpen: o.PermitOpen}
	if off.AllowsOpen("any.lan", 1) || off.AllowsListen("x", 1) {
		t.Error("no-port-forwarding allows forwarding")
	}
	any := must(parseKeyOptions(`permitopen="*:22",permitlisten="22"`))
	if !any.AllowsOpen("x", 22) || any.AllowsOpen("x", 23) || !any.AllowsListen("", 22) || any.AllowsListen("", 23) {
		t.Error("any host")
	}
}

func TestFindAuthorizedKey(t *testing.T) {
	ed, ec := keyText("ed25519"), keyText("ecdsa")
	keys, _, _ := ParseAuthorizedKeys(strings.NewReader(strings.Join([]string{
		"cert-authority " + ed,
		`expiry-time="20200101Z" ` + ed,
		`from="192.0.2.0/24,!192.0.2.66",no-pty ` + ed,
		`from="*.example.org" ` + ed,
	}, "\n")))
	if len(keys) != 4 {
		t.Fatalf("%d keys", len(keys))
	}
	key := must(ParseAuthorizedKey(ed)).Key
	now := time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		host, addr string
		line       int
	}{
		{"", "192.0.2.1", 3}, {"", "::ffff:192.0.2.1", 3}, {"", "192.0.2.66", 0}, {"", "192.0.3.1", 0},
		{"a.example.org", "192.0.3.1", 4}, {"A.EXAMPLE.ORG", "192.0.3.1", 4}, {"example.org", "192.0.3.1", 0}, {"", "", 0},
	} {
		src := Source{Host: c.host}
		if c.addr != "" {
			src.Addr = netip.MustParseAddr(c.addr)
		}
		k, err := FindAuthorizedKey(keys, key, src, now)
		if c.line == 0 {
			if !errors.Is(err, ErrNotAuthorized) || k != nil {
				t.Errorf("%v: let in by %v", c, k)
			}
		} else if err != nil || k.Line != c.line {
			t.Errorf("%v: %v, %v", c, k, err)
		}
	}
	if k, err := FindAuthorizedKey(keys, key, Source{}, time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil || k.Line != 2 {
		t.Errorf("before it expires: %v", err)
	}
	other := must(ParseAuthorizedKey(ec)).Key
	if _, err := FindAuthorizedKey(keys, other, Source{}, now); !errors.Is(err, ErrNotAuthorized) {
		t.Errorf("key that is not listed: %v", err)
	}
	if _, err := FindAuthorizedKey(keys, nil, Source{}, now); !errors.Is(err, ErrNotAuthorized) {
		t.Errorf("no key: %v", err)
	}
}

func TestAuthorizedKeyMarshal(t *testing.T) {
	k := must(ParseAuthorizedKey(`command="say \"x\" \\y",no-pty ` + keyText("p384") + " me\r\n"))
	line := must(k.Marshal())
	again := must(ParseAuthorizedKey(string(line)))
	if !bytes.Equal(must(again.Marshal()), line) || !reflect.DeepEqual(again.Options, k.Options) {
		t.Errorf("%s", line)
	}
	for what, change := range map[string]func(k *AuthorizedKey){
		"no key":               func(k *AuthorizedKey) { k.Key = nil },
		"newline in comment":   func(k *AuthorizedKey) { k.Comment = "a\nssh-rsa AAAA" },
		"NUL in command":       func(k *AuthorizedKey) { k.Options = KeyOptions{ForceCommand: true, Command: "a\x00"} },
		"backslash at the end": func(k *AuthorizedKey) { k.Options = KeyOptions{ForceCommand: true, Command: `a\`} },
		"bad environment":      func(k *AuthorizedKey) { k.Options = KeyOptions{Environment: []string{"x"}} },
		"bad range":            func(k *AuthorizedKey) { k.Options = KeyOptions{From: []string{"1.2.3.4/8"}} },
		"comment too long":     func(k *AuthorizedKey) { k.Comment = strings.Repeat("c", MaxLine) },
	} {
		bad := k
		change(&bad)
		if line, err := bad.Marshal(); err == nil {
			t.Errorf("%s: %q", what, line)
		}
	}
}

func TestMatchGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"a", "a", true}, {"a", "ab", false}, {"*", "", true}, {"*", "abc", true},
		{"?", "", false}, {"?", "a", true}, {"a*c", "abbbc", true}, {"a*c", "abbbd", false}, {"*a*b*", "xxaxxbxx", true},
		{"*a*b*", "xxbxxaxx", false}, {"a**", "a", true}, {"**?", "a", true}, {"*.example.com", "example.com", false},
		{"h?st", "host", true}, {"[a]", "a", false}, {`\*`, "*", false}, {"*aab", "aaaaaab", true},
	} {
		if matchGlob(c.pattern, c.text) != c.want {
			t.Errorf("%q against %q: %v", c.pattern, c.text, !c.want)
		}
	}
	// Exponential in a naive matcher; this one would not end in a lifetime.
	if matchGlob(strings.Repeat("*a", 500)+"b", strings.Repeat("a", 1000)) {
		t.Error("matched")
	}
}

func TestSourceMatches(t *testing.T) {
	addr := netip.MustParseAddr
	for _, c := range []struct {
		list string
		src  Source
		want bool
	}{
		{"*", Source{Addr: addr("10.0.0.1")}, true},
		{"*", Source{}, false},
		{"10.0.0.?", Source{Addr: addr("10.0.0.1")}, true},
		{"2001:db8::/32", Source{Addr: addr("2001:db8:1::1")}, true},
		{"2001:DB8:0:0::1", Source{Addr: addr("2001:db8::1")}, true},
		{"fe80::1", Source{Addr: addr("fe80::1%eth0")}, true},
		{"!10.0.0.1,*", Source{Addr: addr("10.0.0.1")}, false},
		{"*,!10.0.0.1", Source{Addr: addr("10.0.0.1")}, false},
		{"!10.0.0.1", Source{Addr: addr("10.0.0.2")}, false},
		{"host", Source{Host: "host", Addr: addr("10.0.0.1")}, true},
		{"!host,10.0.0.0/8", Source{Host: "host", Addr: addr("10.0.0.1")}, false},
		{"10.0.0.0/8,10.0.0.1/8", Source{Addr: addr("10.0.0.1")}, false},
		{"0.0.0.0/0", Source{Addr: addr("::1")}, false},
	} {
		if got := c.src.matches(strings.Split(c.list, ",")); got != c.want {
			t.Errorf("%s against %v: %v", c.list, c.src, got)
		}
	}
}

func ExampleParseAuthorizedKeys() {
	file := `no-pty,command="/usr/bin/backup" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea me`
	keys, warnings, err := ParseAuthorizedKeys(strings.NewReader(file))
	if err != nil || len(warnings) > 0 {
		panic("unexpected")
	}
	for _, k := range keys {
		fmt.Println(Fingerprint(k.Key), k.Comment, k.Options.Command)
	}
	// Output: SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8 me /usr/bin/backup
}
