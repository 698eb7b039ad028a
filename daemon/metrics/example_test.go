package metrics_test

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hawser-ssh/hawser/daemon"
	"github.com/hawser-ssh/hawser/daemon/metrics"
)

// The metrics of a server on a page of an HTTP server of the same program.
func Example() {
	d := daemon.New() // with keys and events, see there

	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.New(d))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	server := http.Server{Addr: "127.0.0.1:9222", Handler: mux} // server.ListenAndServe() serves it
	server.Close()
	// Output:
}
