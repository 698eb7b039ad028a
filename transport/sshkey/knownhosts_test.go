package sshkey

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// testKey returns the public half of a test key.
func testKey(name string) PublicKey { return must(NewPublicKey(testSigners()[name].Public())) }

// hosts parses lines that must all be good.
func hosts(t *testing.T, lines ...string) *KnownHosts {
	t.Helper()
	k, warnings, err := ParseKnownHosts(strings.NewReader(strings.Join(lines, "\n")), "known_hosts")
	if err != nil || len(warnings) > 0 {
		t.Fatalf("%v, %v", warnings, err)
	}
	return k
}

// verdict is a word for what Check returns.
func verdict(err error) string {
	var unknown *HostKeyUnknownError
	var changed *HostKeyChangedError
	var revoked *HostKeyRevokedError
	switch {
	case err == nil:
		return "good"
	case errors.As(err, &revoked):
		return "revoked"
	case errors.As(err, &changed):
		return "changed"
	case errors.As(err, &unknown):
		return "unknown"
	}
	return err.Error()
}

func TestKnownHostsCheck(t *testing.T) {
	ed, ec := keyText("ed25519"), keyText("ecdsa")
	k := hosts(t,
		"# comment", "",
		"plain.example,10.0.0.1 "+ed+" a comment",
		"[ported.example]:2222 "+ed,
		"*.wild.example,!bad.wild.example,h?st "+ed,
		"two.example "+ed, "two.example "+ec,
		"UPPER.example "+ed+"\r",
		"@cert-authority *.ca.example "+ed,
		"[*.any.example]:* "+ed,
		"fe80::1 "+ed,
	)
	for _, c := range []struct {
		host string
		port int
		key  string
		want string
	}{
		{"plain.example", 22, "ed25519", "good"}, {"plain.example", 0, "ed25519", "good"},
		{"PLAIN.example", 22, "ed25519", "good"}, {"10.0.0.1", 22, "ed25519", "good"},
		{"plain.example", 22, "ecdsa", "changed"}, {"plain.example", 2222, "ed25519", "unknown"},
		{"lain.example", 22, "ed25519", "unknown"}, {"xplain.example", 22, "ed25519", "unknown"},
		{"ported.example", 2222, "ed25519", "good"}, {"ported.example", 22, "ed25519", "unknown"},
		{"ported.example", 2223, "ed25519", "unknown"}, {"ported.example", 2222, "rsa", "changed"},
		{"a.wild.example", 22, "ed25519", "good"}, {"bad.wild.example", 22, "ed25519", "unknown"},
		{"host", 22, "ed25519", "good"}, {"hst", 22, "ed25519", "unknown"},
		{"two.example", 22, "ed25519", "good"}, {"two.example", 22, "ecdsa", "good"}, {"two.example", 22, "rsa", "changed"},
		{"upper.example", 22, "ed25519", "good"},
		{"a.ca.example", 22, "ed25519", "unknown"},
		{"a.any.example", 77, "ed25519", "good"}, {"a.any.example", 22, "ed25519", "unknown"},
		{"fe80::1", 22, "ed25519", "good"}, {"", 22, "ed25519", "unknown"},
	} {
		if got := verdict(k.Check(c.host, c.port, testKey(c.key))); got != c.want {
			t.Errorf("%s port %d with %s: %s, want %s", c.host, c.port, c.key, got, c.want)
		}
	}
	authorities := k.Lookup("x.ca.example", 22)
	if len(authorities) != 1 || authorities[0].Marker != MarkerCertAuthority || !Equal(must(authorities[0].Key()), testKey("ed25519")) {
		t.Errorf("authorities %v", authorities)
	}
}

func TestKnownHostsHashed(t *testing.T) {
	// One name, its port form, and a foreign line of the same format.
	a := must(NewHashedKnownHost("Example.ORG", 22, testKey("ed25519")))
	b := must(NewHashedKnownHost("example.org", 2200, testKey("ecdsa")))
	if a.String() == must(NewHashedKnownHost("example.org", 22, testKey("ed25519"))).String() {
		t.Error("the salt is the same twice")
	}
	if strings.Contains(a.String()+b.String(), "example") {
		t.Error("the name is in the line")
	}
	k := hosts(t, a.String(), b.String())
	for _, c := range []struct {
		port int
		key  string
		want string
	}{{22, "ed25519", "good"}, {22, "ecdsa", "changed"}, {2200, "ecdsa", "good"}, {2200, "ed25519", "changed"}, {2201, "ecdsa", "unknown"}} {
		if got := verdict(k.Check("example.org", c.port, testKey(c.key))); got != c.want {
			t.Errorf("port %d with %s: %s, want %s", c.port, c.key, got, c.want)
		}
	}
}

func TestTRU02ChangedKey(t *testing.T) {
	k := hosts(t, "h "+keyText("ed25519"), "h "+keyText("p384"))
	var changed *HostKeyChangedError
	if err := k.Check("h", 22, testKey("rsa")); !errors.As(err, &changed) {
		t.Fatalf("key of another type than the known: %v", err)
	}
	if changed.Host != "h" || len(changed.Known) != 2 || changed.Known[1].Line != 2 || changed.Known[1].File != "known_hosts" {
		t.Errorf("%+v", changed)
	}
	if text := changed.Error(); !strings.Contains(text, Fingerprint(testKey("rsa"))) || !strings.Contains(text, "known_hosts:1") {
		t.Error(text)
	}
	other := must(NewPublicKey(must(GenerateEd25519()).Public()))
	if err := k.Check("h", 22, other); verdict(err) != "changed" {
		t.Errorf("key of the same type: %v", err)
	}
	if got := k.Algorithms("h", 22); !slices.Equal(got, []string{"ssh-ed25519", "ecdsa-sha2-nistp384"}) {
		t.Errorf("algorithms of h: %v", got)
	}
	if got := k.Algorithms("other", 22); len(got) != 0 {
		t.Errorf("algorithms of an unknown host: %v", got)
	}
	r := hosts(t, "h "+keyText("rsa"), "@cert-authority h "+keyText("ed25519"))
	if got := r.Algorithms("h", 22); !slices.Equal(got, append(CertificateAlgorithms(), "rsa-sha2-512", "rsa-sha2-256")) {
		t.Errorf("algorithms of an RSA host with an authority: %v", got)
	}
}

func TestTRU03LookupFails(t *testing.T) {
	var none *KnownHosts
	if err := none.Check("h", 22, testKey("ed25519")); err == nil || verdict(err) == "good" {
		t.Error("nothing to check against is a match")
	}
	if none.Revoked(testKey("ed25519")) || none.Lookup("h", 22) != nil || none.Algorithms("h", 22) != nil {
		t.Error("nil list has lines")
	}
	if err := new(KnownHosts).Check("h", 22, testKey("ed25519")); verdict(err) != "unknown" {
		t.Errorf("empty list: %v", err)
	}
	if err := new(KnownHosts).Check("h", 22, nil); err == nil {
		t.Error("no key accepted")
	}
	good := "h " + keyText("ed25519") + "\n"
	r := io.MultiReader(strings.NewReader(good), iotest.ErrReader(io.ErrClosedPipe))
	if k, _, err := ParseKnownHosts(r, ""); !errors.Is(err, io.ErrClosedPipe) || k != nil {
		t.Errorf("read error: %v, %v", k, err)
	}
	r = io.MultiReader(strings.NewReader(good), strings.NewReader(comments(MaxListFile)))
	if k, _, err := ParseKnownHosts(r, ""); !errors.Is(err, ErrListTooLarge) || k != nil {
		t.Errorf("too large: %v, %v", k, err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "known_hosts")
	if err := os.WriteFile(path, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	if k, _, err := LoadKnownHosts(path, filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) || k != nil {
		t.Errorf("one file missing: %v, %v", k, err)
	}
	if k, _, err := LoadKnownHosts(dir); err == nil || k != nil {
		t.Error("a directory is a list")
	}
	k, warnings, err := LoadKnownHosts(path, path)
	if err != nil || len(warnings) > 0 || verdict(k.Check("h", 22, testKey("ed25519"))) != "good" {
		t.Errorf("%v, %v", warnings, err)
	}
}

func TestTRU04RevokedWins(t *testing.T) {
	ed, ec := keyText("ed25519"), keyText("ecdsa")
	for what, lines := range map[string][]string{
		"before":          {"@revoked h " + ed, "h " + ed},
		"behind":          {"h " + ed, "@revoked h " + ed},
		"any host":        {"h " + ed, "@revoked * " + ed},
		"another host":    {"h " + ed, "@revoked other " + ed},
		"hashed":          {"h " + ed, "@revoked " + must(NewHashedKnownHost("other", 22, testKey("ed25519"))).String()},
		"host not listed": {"@revoked * " + ed},
		"also authority":  {"@cert-authority h " + ed, "h " + ed, "@revoked * " + ed},
	} {
		k := hosts(t, lines...)
		err := k.Check("h", 22, testKey("ed25519"))
		if verdict(err) != "revoked" || !strings.Contains(err.Error(), Fingerprint(testKey("ed25519"))) {
			t.Errorf("%s: %v", what, err)
		}
		if !k.Revoked(testKey("ed25519")) || k.Revoked(testKey("ecdsa")) {
			t.Errorf("%s: Revoked", what)
		}
	}
	k := hosts(t, "h "+ec, "@revoked h "+ed)
	if got := verdict(k.Check("h", 22, testKey("ecdsa"))); got != "good" {
		t.Errorf("another key of the host: %s", got)
	}
	// A key that we would not parse can be revoked all the same.
	odd := base64.StdEncoding.EncodeToString([]byte("\x00\x00\x00\x07ssh-odd\x01"))
	if k := hosts(t, "@revoked * ssh-odd "+odd); len(k.revoked) != 1 {
		t.Error("line with an unknown type dropped")
	}
}

func TestTRU04MalformedLines(t *testing.T) {
	ed := keyText("ed25519")
	blob := strings.Fields(ed)[1]
	for what, line := range map[string]string{
		"two markers":            "@revoked @cert-authority h " + ed,
		"two markers, same":      "@cert-authority @cert-authority h " + ed,
		"unknown marker":         "@trusted h " + ed,
		"marker in other case":   "@Revoked h " + ed,
		"marker alone":           "@revoked",
		"marker without host":    "@revoked " + ed,
		"no key":                 "h",
		"no blob":                "h ssh-ed25519",
		"no type":                "h " + blob,
		"declared type differs":  "h ssh-rsa " + blob,
		"blob cut":               "h " + ed[:len(ed)-8],
		"blob not base64":        "h ssh-ed25519 ????",
		"blob empty":             "h ssh-ed25519 =",
		"blob without padding":   "h ssh-ed25519 AAAAC3NzaC1lZDI1NTE5A",
		"NUL":                    "h\x00 " + ed,
		"CR in the middle":       "h\r " + ed,
		"CR hides a second line": "x " + ed + "\r h " + ed,
		"vertical tab":           "h\v" + ed,
		"form feed":              "h\f" + ed,
		"empty pattern":          "h,,g " + ed,
		"lone negation":          "h,! " + ed,
		"long pattern":           strings.Repeat("h", MaxPattern+1) + " " + ed,
		"hash and name":          must(NewHashedKnownHost("h", 22, testKey("ecdsa"))).Hosts + ",h " + ed,
		"hash of version 2":      "|2|aaaa|bbbb " + ed,
		"hash without salt":      "|1||qqqqqqqqqqqqqqqqqqqqqqqqqqo= " + ed,
		"hash short":             "|1|qqqq|qqqq " + ed,
		"hash open":              "|1|qqqq " + ed,
		"line of a megabyte":     "h " + ed + strings.Repeat(" x", 1<<19),
		"line above the limit":   "h " + ed + " " + strings.Repeat("x", MaxLine),
		"protocol 1":             "h 2048 65537 1234567890",
	} {
		file := "before " + ed + "\n" + line + "\nbehind " + ed + "\n"
		k, warnings, err := ParseKnownHosts(strings.NewReader(file), "kh")
		if err != nil || len(k.lines) != 2 || len(k.revoked) != 0 {
			t.Errorf("%s: %d lines, %v", what, len(k.lines), err)
			continue
		}
		if len(warnings) != 1 || !strings.HasPrefix(warnings[0].String(), "kh:2: ") {
			t.Errorf("%s: warnings %v", what, warnings)
		}
		if got := verdict(k.Check("h", 22, testKey("ed25519"))); got != "unknown" {
			t.Errorf("%s: %s", what, got)
		}
	}
}

func TestNewKnownHostNames(t *testing.T) {
	key := testKey("ed25519")
	for host, want := range map[string]string{"a.b": "a.b", "A.b": "a.b", "::1": "::1", "fe80::1%eth0": "fe80::1%eth0"} {
		line := must(NewKnownHost(host, 22, key))
		if line.Hosts != want || verdict(hosts(t, line.String()).Check(host, 0, key)) != "good" {
			t.Errorf("%s: %s", host, line)
		}
	}
	if line := must(NewKnownHost("::1", 2222, key)); line.Hosts != "[::1]:2222" {
		t.Errorf("%s", line)
	}
	for _, host := range []string{"", "a b", "a,b", "*", "a?", "!a", "|1|a", "@revoked", "#", "a\nb", "a\x00", "[::1]", strings.Repeat("a", MaxPattern+1)} {
		if line, err := NewKnownHost(host, 22, key); err == nil {
			t.Errorf("%q: %s", host, line)
		}
		if _, err := NewHashedKnownHost(host, 22, key); err == nil {
			t.Errorf("%q hashed", host)
		}
	}
}

func ExampleKnownHosts_Check() {
	file := "example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea\n"
	known, _, err := ParseKnownHosts(strings.NewReader(file), "known_hosts")
	if err != nil {
		panic(err)
	}
	key := must(known.Lookup("example.org", 22)[0].Key())
	fmt.Println(known.Check("example.org", 22, key))
	fmt.Println(known.Check("example.com", 22, key))
	// Output:
	// <nil>
	// sshkey: host example.com is not known, its ssh-ed25519 key is SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8
}
