package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hawser-ssh/hawser/daemon"
	"github.com/hawser-ssh/hawser/daemon/metrics"
)

// Bounds of what a client of -metrics can ask of us.
const (
	metricsPath    = "/metrics"
	metricsTimeout = 10 * time.Second // for a request and for its answer
	metricsHeader  = 8 << 10
	metricsAtOnce  = 4
)

// metricsServer serves the metrics of -metrics over HTTP. A nil one does nothing.
type metricsServer struct {
	http  http.Server
	addr  net.Addr
	ended chan struct{}
}

// serveMetrics starts to serve the metrics of d at addr, if there is one.
func serveMetrics(d *daemon.Daemon, addr string, log *slog.Logger) (*metricsServer, error) {
	if addr == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.New(d), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET "+metricsPath, promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: metricsAtOnce, Timeout: metricsTimeout, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}))
	s := &metricsServer{addr: l.Addr(), ended: make(chan struct{}), http: http.Server{
		Handler: mux, ReadTimeout: metricsTimeout, WriteTimeout: 2 * metricsTimeout, IdleTimeout: time.Minute,
		MaxHeaderBytes: metricsHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}
	go func() { // ends with close, which waits for it
		defer close(s.ended)
		if err := s.http.Serve(l); err != http.ErrServerClosed {
			log.Error("metrics are not served any more", "err", err)
		}
	}()
	return s, nil
}

// greet says where the metrics are.
func (s *metricsServer) greet(out io.Writer) {
	if s != nil {
		fmt.Fprintf(out, "metrics on http://%s%s\n", s.addr, metricsPath)
	}
}

// close ends the server and its connections.
func (s *metricsServer) close() {
	if s == nil {
		return
	}
	s.http.Close()
	<-s.ended
}
