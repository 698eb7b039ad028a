package metrics_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/goleak"

	"github.com/hawser-ssh/hawser/connection/sshclient"
	"github.com/hawser-ssh/hawser/daemon"
	"github.com/hawser-ssh/hawser/daemon/metrics"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/transport/transporttest"
	"github.com/hawser-ssh/hawser/userauth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// page returns what a scrape would.
func page(t *testing.T, registry *prometheus.Registry) string {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}).
		ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// wantLines fails for each line that the page does not have.
func wantLines(t *testing.T, page string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(page, "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
}

// newServer returns a daemon with its metrics registered.
func newServer(t *testing.T) (*daemon.Daemon, *prometheus.Registry) {
	t.Helper()
	key, err := sshkey.GenerateEd25519()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := sshkey.NewSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	d := daemon.New()
	if err := d.SetHostKeys(signer); err != nil {
		t.Fatal(err)
	}
	d.OnSSHUserAuthRequest = func(e *daemon.SSHUserAuthRequestEvent) { e.Accept = e.AuthParam == "secret" }
	d.OnSSHChannelOpenRequest = func(e *daemon.SSHChannelOpenRequestEvent) { e.Accept = e.Service == "session" }
	registry := prometheus.NewPedanticRegistry() // checks what is collected against what was described
	registry.MustRegister(metrics.New(d))
	return d, registry
}

// TestPage: a connection shows while it lives, and stays in the sums.
func TestPage(t *testing.T) {
	d, registry := newServer(t)
	wantLines(t, page(t, registry), "hawser_connections 0", "hawser_connections_total 0", `hawser_bytes_total{direction="in"} 0`)
	near, far := transporttest.Pipe()
	served := make(chan error, 1)
	go func() { served <- d.ServeConn(context.Background(), far) }()
	c, err := sshclient.NewClient(t.Context(), near, "memory:22", &sshclient.Config{
		User: "alice", HostKey: sshclient.InsecureIgnoreHostKey(),
		Auth: []userauth.Method{userauth.Password(func(context.Context) (string, error) { return "secret", nil })},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.NewSession(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Mux().Open(t.Context(), "made-up@example.com", nil, nil); err == nil {
		t.Fatal("a channel of a made-up type")
	}
	if err := c.Rekey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Keepalive(t.Context()); err != nil { // answered after the server's end of the re-key
		t.Fatal(err)
	}
	a, live := c.ConnectionState().Algorithms, page(t, registry)
	wantLines(t, live, "hawser_connections 1", "hawser_connections_total 1", "hawser_rekeys_total 1", `hawser_channels{type="session"} 1`,
		`hawser_channels_refused_total{type="other"} 1`, `hawser_logins_total{method="password",outcome="accepted"} 1`,
		`hawser_handshakes_total{kex="`+a.Kex+`",outcome="done"} 1`,
		`hawser_algorithms_total{direction="in",kind="cipher",name="`+a.ClientToServer.Cipher+`"} 1`)
	c.Close()
	if err := <-served; err != nil {
		t.Errorf("ServeConn: %v", err)
	}
	wantLines(t, page(t, registry), "hawser_connections 0", `hawser_channels{type="session"} 0`, "hawser_connection_seconds_count 1",
		`hawser_disconnects_total{by="client",reason="by application",status="0"} 1`,
		fmt.Sprintf("hawser_bytes_total{direction=\"in\"} %d", c.ConnectionState().Sent.Bytes))
}
