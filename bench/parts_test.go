package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSuites(t *testing.T) {
	for _, test := range []struct{ name, cipher, mac, wrong string }{
		{name: "aes128-gcm", cipher: "aes128-gcm@openssh.com"},
		{name: "chacha20-poly1305@openssh.com", cipher: "chacha20-poly1305@openssh.com"},
		{name: "aes128-ctr+etm", cipher: "aes128-ctr", mac: "hmac-sha2-256-etm@openssh.com"},
		{name: "aes256-ctr+hmac-sha2-512-etm", cipher: "aes256-ctr", mac: "hmac-sha2-512-etm@openssh.com"},
		{name: "3des-cbc+hmac-sha1", cipher: "3des-cbc", mac: "hmac-sha1"},
		{name: "aes128-ctr", wrong: "takes one"},
		{name: "aes128-gcm+etm", wrong: "takes no MAC"},
		{name: "aes128-ctr+crc32", wrong: `no MAC "crc32"`},
	} {
		s, err := findSuite(test.name)
		if test.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if err != nil || s != (suite{test.name, test.cipher, test.mac}) {
			t.Errorf("%s: %+v, %v", test.name, s, err)
		}
	}
	if _, err := parseSuites(defaultSuites); err != nil {
		t.Error(err)
	}
}

// TestEverySuite: each has a ceiling, and a name by which it is found again.
func TestEverySuite(t *testing.T) {
	all, err := parseSuites(allSuites)
	if err != nil || len(all) < 20 {
		t.Fatalf("%d suites, %v", len(all), err)
	}
	for _, s := range all {
		if found, err := findSuite(s.Name); err != nil || found != s {
			t.Errorf("%+v is found as %+v, %v", s, found, err)
		}
		if _, err := newCeilingConn(nil, s); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
	if s, _ := findSuite("3des-cbc+mac"); s.share(1<<20) >= 1<<20 || all[0].share(1<<20) != 1<<20 {
		t.Error("slow ciphers carry as much as fast ones")
	}
}

// TestCeiling moves odd numbers of bytes both ways over one connection's two ends.
func TestCeiling(t *testing.T) {
	for _, name := range []string{"aes128-gcm", "chacha20-poly1305", "aes128-ctr+etm", "aes128-cbc+hmac-sha1"} {
		s, err := findSuite(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range []string{commandDiscard, commandGenerate(3*ceilingBatch+7, 1000)} {
			near, far := net.Pipe()
			j := &job{Suite: s}
			serve, _ := newCeilingServer(j)
			served := make(chan error, 1)
			go func() { served <- serve(far) }()
			c, err := newCeilingConn(near, s)
			if err != nil {
				t.Fatal(err)
			}
			session, err := c.Start(context.Background(), command)
			if err != nil {
				t.Fatal(err)
			}
			got := new(sink)
			if command == commandDiscard {
				err = errors.Join(generate(session, 3*ceilingBatch+7, ceilingPacket+1), session.CloseWrite())
			} else if err = copyAll(got, session); err == nil && got.n != 3*ceilingBatch+7 {
				t.Errorf("%s: %d bytes came", name, got.n)
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if err := session.Wait(context.Background()); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if err := <-served; err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			near.Close()
		}
	}
}

// TestCeilingRefuses: what is not sealed is not read.
func TestCeilingRefuses(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	s, _ := findSuite("aes128-gcm")
	c, err := newCeilingConn(near, s)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		far.Write(append([]byte{0, 0, 0, 32}, make([]byte, 48)...))
		far.Write([]byte{255, 0, 0, 0})
	}()
	if _, err := c.next(); err == nil || err == io.EOF {
		t.Errorf("a forged packet: %v", err)
	}
	if _, err := c.next(); err == nil || !strings.Contains(err.Error(), "length") {
		t.Errorf("a packet of 4 GB: %v", err)
	}
}

func TestProgress(t *testing.T) {
	p := newProgress(2, 3)
	for i, test := range []struct {
		took time.Duration
		want string
	}{
		{2 * time.Second, "[1/6, 10s left]"},
		{4 * time.Second, "[2/6, 12s left]"},
		{9 * time.Second, "[3/6, 15s left]"},
		{1 * time.Second, "[4/6, 13s left]"},
		{4 * time.Second, "[5/6, 9s left]"},
		{9 * time.Second, "[6/6, 0s left]"},
	} {
		if p.done(test.took); p.String() != test.want {
			t.Errorf("after %d: %s, want %s", i+1, p, test.want)
		}
	}
}

func TestSplitCase(t *testing.T) {
	for name, want := range map[string][2]string{
		"aes128-gcm up":                         {"aes128-gcm", "up"},
		"50 ms down":                            {"50 ms", "down"},
		"curve25519-sha256, ed25519, 8 at once": {"curve25519-sha256, ed25519", "8 at once"},
		"one byte":                              {"one byte", ""},
	} {
		if base, variant := splitCase(name); [2]string{base, variant} != want {
			t.Errorf("%s: %q and %q", name, base, variant)
		}
	}
}

func TestRoundSteps(t *testing.T) {
	for _, test := range []struct {
		top  float64
		want []float64
	}{
		{0, []float64{0}},
		{3, []float64{0, 1, 2, 3}},
		{9900, []float64{0, 2000, 4000, 6000, 8000}},
		{220, []float64{0, 50, 100, 150, 200}},
	} {
		if got := roundSteps(test.top); !slices.Equal(got, test.want) {
			t.Errorf("%v: %v", test.top, got)
		}
	}
}

// TestPage: the page has every figure, escapes what it is given, and says which way is better.
func TestPage(t *testing.T) {
	var r results
	r.add("bulk", "<gcm> up", hawser, "MB/s", true, 300)
	r.add("bulk", "<gcm> up", xcrypto, "MB/s", true, 200)
	r.add("bulk", "<gcm> up", ceiling, "MB/s", true, 400)
	r.add("bulk", "<gcm> up", hawser, "client CPU s/GiB", false, 0.5)
	r.add("bulk", "<gcm> up", xcrypto, "client CPU s/GiB", false, 1)
	r.finish()
	p := page{Date: "today", Command: "go run ./bench", Summary: r.summaries(), Sections: r.pageSections()}
	var b bytes.Buffer
	if err := p.write(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{
		"&lt;gcm&gt;", `<rect class="hawser"`, "more is better", "less is better", "300 (300-300)", "0.75 of ceiling", `<td class="ahead">2.00</td>`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if strings.Contains(text, "<gcm>") || strings.Contains(text, "http") {
		t.Error("the page has text that is not escaped, or needs something else")
	}
	c, more := r.charts("bulk")
	if len(c) != 1 || len(more) != 1 {
		t.Fatalf("%d and %d charts", len(c), len(more))
	}
	if bars := c[0].Groups[0].Bars; len(bars) != 3 || bars[0].Peer != hawser || bars[2].Length <= bars[0].Length {
		t.Errorf("%+v", bars)
	}
}

func TestSpan(t *testing.T) {
	var s span
	if s.Class() != "none" || s.String() != "–" {
		t.Errorf("%v is %s", s, s.Class())
	}
	s.add(0)
	s.add(1.5)
	if s.Class() != "ahead" || s.String() != "1.50" {
		t.Errorf("%v is %s", s, s.Class())
	}
	s.add(0.5)
	if s.Class() != "mixed" || s.String() != "0.50 to 1.50" {
		t.Errorf("%v is %s", s, s.Class())
	}
	if (span{0.2, 0.9}).Class() != "behind" {
		t.Error("less than 1 is not behind")
	}
}

// TestCan: a pair is left out where one of the two does not know an algorithm.
func TestCan(t *testing.T) {
	b := &bench{options: &options{kex: []string{"curve25519-sha256"}, hostKeys: []string{"ed25519"}}, known: map[string]algorithms{}}
	gcm, _ := findSuite("aes128-gcm")
	cbc, _ := findSuite("aes256-cbc+hmac-sha1")
	if !b.can(xcrypto, job{Peer: xcrypto, Suite: gcm}) || b.can(xcrypto, job{Peer: xcrypto, Suite: cbc}) {
		t.Error("x has aes128-gcm, and no aes256-cbc")
	}
	if !b.can(hawser, job{Peer: hawser, Suite: cbc}) || b.can(hawser, job{Peer: xcrypto, Suite: cbc}) {
		t.Error("hawser has everything, its client may not")
	}
	if b.can(xcrypto, job{Peer: xcrypto, Suite: gcm, Kex: "curve448-sha512"}) {
		t.Error("x has no curve448")
	}
}

func TestReversePeers(t *testing.T) {
	steps := []step{
		{section: "a", name: "x", peer: "1"}, {section: "a", name: "x", peer: "2"}, {section: "a", name: "x", peer: "3"},
		{section: "b", name: "x", peer: "1"}, {section: "b", name: "y", peer: "1"}, {section: "b", name: "y", peer: "2"},
	}
	reversePeers(steps)
	var got []string
	for _, s := range steps {
		got = append(got, s.section+s.name+s.peer)
	}
	if want := []string{"ax3", "ax2", "ax1", "bx1", "by2", "by1"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
