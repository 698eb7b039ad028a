package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-ssh/hawser/daemon"
	"github.com/hawser-ssh/hawser/kex"
)

// Metrics counts for one daemon. It is a prometheus.Collector to register.
type Metrics struct {
	d *daemon.Daemon

	opened                               prometheus.Counter
	refused, ended, handshakes, agreed   *prometheus.CounterVec
	logins, channelsOpened, channelsNot  *prometheus.CounterVec
	channels                             *prometheus.GaugeVec
	connectionTime, shakeTime, loginTime prometheus.Histogram
	channelTime                          *prometheus.HistogramVec
	own                                  []prometheus.Collector // all of the above

	connections, bytes, packets, rekeys *prometheus.Desc // asked for at each scrape
}

// New returns the Metrics of d, and makes them d's: its SetMetrics is called.
func New(d *daemon.Daemon) *Metrics {
	m := &Metrics{
		d:              d,
		opened:         prometheus.NewCounter(prometheus.CounterOpts{Name: "hawser_connections_total", Help: "Connections that got an id."}),
		refused:        counter("connections_refused_total", "Connections that were refused.", "reason"),
		ended:          counter("disconnects_total", "Connections that ended.", "status", "reason", "by"),
		handshakes:     counter("handshakes_total", "First key exchanges.", "outcome", "kex"),
		agreed:         counter("algorithms_total", "Algorithms that first key exchanges agreed on.", "kind", "direction", "name"),
		logins:         counter("logins_total", "Attempts to log in.", "method", "outcome"),
		channelsOpened: counter("channels_total", "Channels that were opened.", "type"),
		channelsNot:    counter("channels_refused_total", "Channels that the server refused.", "type"),
		channels:       prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "hawser_channels", Help: "Open channels."}, []string{"type"}),
		connectionTime: prometheus.NewHistogram(histogram("connection_seconds", "How long connections were open.", longTimes)),
		shakeTime:      prometheus.NewHistogram(histogram("handshake_seconds", "How long first key exchanges took.", shortTimes)),
		loginTime:      prometheus.NewHistogram(histogram("login_seconds", "From the handshake to the login.", shortTimes)),
		channelTime:    prometheus.NewHistogramVec(histogram("channel_seconds", "How long channels were open.", longTimes), []string{"type"}),
		connections:    prometheus.NewDesc("hawser_connections", "Open connections.", nil, nil),
		bytes:          prometheus.NewDesc("hawser_bytes_total", "Bytes of packets on the wire.", []string{"direction"}, nil),
		packets:        prometheus.NewDesc("hawser_packets_total", "Packets.", []string{"direction"}, nil),
		rekeys:         prometheus.NewDesc("hawser_rekeys_total", "Key exchanges after the first of a connection.", nil, nil),
	}
	m.own = []prometheus.Collector{m.opened, m.refused, m.ended, m.handshakes, m.agreed, m.logins, m.channelsOpened, m.channelsNot,
		m.channels, m.connectionTime, m.shakeTime, m.loginTime, m.channelTime}
	d.SetMetrics(counts{m})
	return m
}

// The buckets of durations, in seconds: of what a client waits for, and of what
// it keeps open.
var (
	shortTimes = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}
	longTimes  = []float64{.1, 1, 10, 60, 300, 1800, 3600, 6 * 3600, 24 * 3600, 7 * 24 * 3600}
)

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hawser_" + name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{Name: "hawser_" + name, Help: help, Buckets: buckets}
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.own {
		c.Describe(ch)
	}
	for _, desc := range []*prometheus.Desc{m.connections, m.bytes, m.packets, m.rekeys} {
		ch <- desc
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	for _, c := range m.own {
		c.Collect(ch)
	}
	sum := func(desc *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), labels...)
	}
	t := m.d.Totals()
	sum(m.bytes, t.Received.Bytes, in)
	sum(m.bytes, t.Sent.Bytes, out)
	sum(m.packets, t.Received.Packets, in)
	sum(m.packets, t.Sent.Packets, out)
	sum(m.rekeys, t.Rekeys)
	ch <- prometheus.MustNewConstMetric(m.connections, prometheus.GaugeValue, float64(m.d.SSHConnectionCount()))
}

// Directions, as the server sees them.
const (
	in  = "in"
	out = "out"
)

// counts is what the daemon calls. It is a type of its own, so that nobody else
// does.
type counts struct{ m *Metrics }

func (c counts) ConnectionRefused(reason string) { c.m.refused.WithLabelValues(reason).Inc() }

func (c counts) ConnectionOpened() { c.m.opened.Inc() }

func (c counts) HandshakeDone(h daemon.HandshakeMetric) {
	a := &h.Algorithms
	c.m.handshakes.WithLabelValues(h.Outcome, a.Kex).Inc()
	if h.Outcome != daemon.HandshakeDone {
		return
	}
	c.m.shakeTime.Observe(h.Duration.Seconds())
	c.m.agreed.WithLabelValues("kex", "", a.Kex).Inc()
	c.m.agreed.WithLabelValues("host key", "", a.HostKey).Inc()
	c.direction(in, a.ClientToServer)
	c.direction(out, a.ServerToClient)
}

func (c counts) direction(name string, d kex.Direction) {
	c.m.agreed.WithLabelValues("cipher", name, d.Cipher).Inc()
	c.m.agreed.WithLabelValues("compression", name, d.Compression).Inc()
	if d.MAC != "" { // not with a cipher that authenticates by itself
		c.m.agreed.WithLabelValues("mac", name, d.MAC).Inc()
	}
}

func (c counts) LoginJudged(l daemon.LoginMetric) {
	c.m.logins.WithLabelValues(l.Method, l.Outcome).Inc()
	if l.Outcome == daemon.LoginAccepted {
		c.m.loginTime.Observe(l.Duration.Seconds())
	}
}

func (c counts) ChannelOpened(kind string) {
	c.m.channelsOpened.WithLabelValues(kind).Inc()
	c.m.channels.WithLabelValues(kind).Inc()
}

func (c counts) ChannelRefused(kind string) { c.m.channelsNot.WithLabelValues(kind).Inc() }

func (c counts) ChannelClosed(kind string, open time.Duration) {
	c.m.channels.WithLabelValues(kind).Dec()
	c.m.channelTime.WithLabelValues(kind).Observe(open.Seconds())
}

func (c counts) ConnectionClosed(e daemon.EndMetric) {
	by := "server"
	switch {
	case e.Reason == "":
		by = "nobody"
	case e.Remote:
		by = "client"
	}
	c.m.ended.WithLabelValues(strconv.Itoa(e.StatusCode), e.Reason, by).Inc()
	c.m.connectionTime.Observe(e.Duration.Seconds())
}
