// Package metrics counts what a daemon does, for Prometheus.
//
//	d := daemon.New()
//	registry := prometheus.NewRegistry()
//	registry.MustRegister(metrics.New(d))
//	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
//
// The values of all labels are of closed sets, as package daemon promises for
// its Metrics: no client can make the number of time series grow.
//
//	hawser_connections                    open connections
//	hawser_connections_total              connections that got an id
//	hawser_connections_refused_total      and others: reason
//	hawser_connection_seconds             how long connections were open
//	hawser_disconnects_total              status of the last event; reason of the DISCONNECT; by client, server or nobody
//	hawser_handshakes_total               first key exchanges: outcome, kex
//	hawser_handshake_seconds              how long those took that succeeded
//	hawser_algorithms_total               what they agreed on: kind, direction, name
//	hawser_rekeys_total                   later key exchanges
//	hawser_logins_total                   attempts: method, outcome
//	hawser_login_seconds                  from the handshake to the login
//	hawser_channels                       open channels: type
//	hawser_channels_total                 channels that were opened: type
//	hawser_channels_refused_total         and that this side refused: type
//	hawser_channel_seconds                how long channels were open: type
//	hawser_bytes_total                    bytes of packets on the wire: direction
//	hawser_packets_total                  packets: direction
//
// A direction is in (from the client) or out.
package metrics
