//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hawser-ssh/hawser/connection/peertest"
)

// scrape returns the metrics of a running hawserd.
func scrape(t *testing.T, url string) string {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v\n%s", r.Status, err, text)
	}
	return string(text)
}

// metricsURL returns the address that hawserd printed.
func (h *hawserd) metricsURL(t *testing.T) string {
	t.Helper()
	h.WaitOutput(metricsPath + "\n")
	m := regexp.MustCompile(`(?m)^metrics on (http://\S+)$`).FindStringSubmatch(h.Stdout.String())
	if m == nil {
		t.Fatalf("no address of the metrics in\n%s", h.Stdout.String())
	}
	return m[1]
}

// TestMetricsOfSessions: what OpenSSH did is what a scrape shows.
func TestMetricsOfSessions(t *testing.T) {
	t.Parallel()
	peertest.Lookup(t, "ssh")
	h := startHawserd(t, "-metrics", "127.0.0.1:0")
	url := h.metricsURL(t)
	g := h.target(t)
	g.Kex, g.Ciphers, g.MACs = "curve25519-sha256", "aes128-ctr", "hmac-sha2-256"
	for range 3 {
		wantOK(t, g.SSH(t, nil, "echo hello").Run(t))
	}
	wantOK(t, g.SSH(t, nil, "yes | head -c 3000000").Run(t))
	stranger, other := h.target(t), peertest.NewKey(t, peertest.Ed25519)
	stranger.Key = &other
	if r := stranger.SSH(t, nil, "true").Run(t); r.Code != 255 {
		t.Errorf("a stranger's status: %d", r.Code)
	}
	old := h.target(t)
	old.Ciphers = "aes128-cbc"
	if r := old.SSH(t, nil, "true").Run(t); r.Code != 255 {
		t.Errorf("status with a cipher that is not offered: %d", r.Code)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	text := ""
	for ctx.Err() == nil && !(strings.Contains(text, "\nhawser_connections 0\n") && strings.Contains(text, "\nhawser_connection_seconds_count 6\n")) {
		text = scrape(t, url) // until the last client's end has been noticed
	}
	for _, line := range []string{
		`hawser_connections 0`, `hawser_connections_total 6`, `hawser_connection_seconds_count 6`,
		`hawser_handshakes_total{kex="curve25519-sha256",outcome="done"} 5`,
		`hawser_handshakes_total{kex="",outcome="no common algorithm"} 1`, `hawser_handshake_seconds_count 5`,
		`hawser_algorithms_total{direction="in",kind="cipher",name="aes128-ctr"} 4`,
		`hawser_algorithms_total{direction="out",kind="mac",name="hmac-sha2-256"} 4`,
		`hawser_algorithms_total{direction="",kind="host key",name="ssh-ed25519"} 5`,
		`hawser_logins_total{method="none",outcome="denied"} 5`, `hawser_logins_total{method="publickey",outcome="denied"} 1`,
		`hawser_logins_total{method="publickey",outcome="accepted"} 4`, `hawser_login_seconds_count 4`,
		`hawser_channels_total{type="session"} 4`, `hawser_channels{type="session"} 0`, `hawser_channel_seconds_count{type="session"} 4`,
		`hawser_disconnects_total{by="client",reason="by application",status="0"} 4`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	var sent float64
	if m := regexp.MustCompile(`(?m)^hawser_bytes_total\{direction="out"\} (\S+)$`).FindStringSubmatch(text); m == nil {
		t.Error("no count of bytes")
	} else if _, err := fmt.Sscan(m[1], &sent); err != nil || sent < 3e6 || sent > 4e6 {
		t.Errorf("%s bytes sent: %v", m[1], err)
	}
	if t.Failed() {
		t.Logf("%s", regexp.MustCompile(`(?m)^(#|go_|process_).*\n`).ReplaceAllString(text, ""))
	}
}

// TestMetricsFlag: where it cannot listen hawserd says so in a line, and it serves nothing but the one page.
func TestMetricsFlag(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, test := range []struct {
		args   []string
		status int
	}{
		{[]string{"-listen", "127.0.0.1:0", "-metrics", l.Addr().String()}, exitFailure},
		{[]string{"-metrics", "9090"}, exitUsage},
		{[]string{"-metrics", "127.0.0.1:0", "-inetd"}, exitUsage},
	} {
		r := peertest.Cmd{Path: hawserdBinary(t), Args: test.args, Env: []string{"HOME=" + newHome(t)}}.Run(t)
		wantOneLine(t, r, test.status, "")
	}
	url := startHawserd(t, "-metrics", "127.0.0.1:0").metricsURL(t)
	for method, path := range map[string]string{http.MethodPost: metricsPath, http.MethodGet: "/debug/pprof/"} {
		request, err := http.NewRequestWithContext(t.Context(), method, strings.TrimSuffix(url, metricsPath)+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != http.StatusMethodNotAllowed && r.StatusCode != http.StatusNotFound {
			t.Errorf("%s %s: %s", method, path, r.Status)
		}
	}
}
