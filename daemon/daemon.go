package daemon

import (
	"context"
	"io"
	"log/slog"
	"net"
	"sync"

	"github.com/hawser-ssh/hawser/transport"
)

// Daemon is an SSH server. [New] makes one.
//
// The func fields are its events. Set them before it starts to listen and
// leave them alone from then on. A handler that takes its time slows its own
// connection only. It may change the fields that its event's documentation
// calls an answer; without a handler, the value they start with is the answer.
// A handler that panics has denied what it was asked for, and its connection
// is closed.
type Daemon struct {
	// OnConnected fires when a connection has been accepted and has its id.
	OnConnected func(*ConnectedEvent)
	// OnConnectionRequest asks whether to accept a connection.
	OnConnectionRequest func(*ConnectionRequestEvent)
	// OnDisconnected is the last event of each connection for which
	// OnConnected has fired, and fires once.
	OnDisconnected func(*DisconnectedEvent)
	// OnError reports what went wrong where no method call could return it.
	OnError func(*ErrorEvent)
	// OnLog fires for each log message up to the level of the LogLevel setting.
	OnLog func(*LogEvent)
	// OnSSHChannelClosed is the last event of each channel for which
	// OnSSHChannelOpened has fired, and fires once.
	OnSSHChannelClosed func(*SSHChannelClosedEvent)
	// OnSSHChannelDataIn hands over what the client sent on a channel.
	OnSSHChannelDataIn func(*SSHChannelDataInEvent)
	// OnSSHChannelEOF fires when the client will send no more data on a channel.
	OnSSHChannelEOF func(*SSHChannelEOFEvent)
	// OnSSHChannelOpened fires when a channel is open, whichever side asked.
	OnSSHChannelOpened func(*SSHChannelOpenedEvent)
	// OnSSHChannelOpenRequest asks whether to open a channel for the client.
	OnSSHChannelOpenRequest func(*SSHChannelOpenRequestEvent)
	// OnSSHChannelReadyToSend fires when a channel has been opened and the client
	// takes data on it, and when it can take data again after a send has failed
	// with error 10035 or ReadyToSend was false.
	OnSSHChannelReadyToSend func(*SSHChannelReadyToSendEvent)
	// OnSSHChannelRequest asks for the answer to a request on a channel.
	OnSSHChannelRequest func(*SSHChannelRequestEvent)
	// OnSSHChannelRequested fires after a request has been granted and its
	// reply has been sent: here is the place to do what was asked for.
	OnSSHChannelRequested func(*SSHChannelRequestedEvent)
	// OnSSHGlobalRequest asks for the answer to a request that belongs to no
	// channel, such as tcpip-forward.
	OnSSHGlobalRequest func(*SSHGlobalRequestEvent)
	// OnSSHServiceRequest asks whether a service may start.
	OnSSHServiceRequest func(*SSHServiceRequestEvent)
	// OnSSHStatus shows the progress of a connection, for people to read.
	OnSSHStatus func(*SSHStatusEvent)
	// OnSSHUserAuthRequest asks whether a user is who she says.
	OnSSHUserAuthRequest func(*SSHUserAuthRequestEvent)

	opt      optionsBox
	reg      registry
	gate     gate
	notes    eventQueue     // log events that concern no connection
	pending  chan *loopTask // events on their way to DoEvents
	refusing chan struct{}  // a token for each refusal being told to a client

	starting  sync.Mutex // held by StartListening
	mu        sync.Mutex // guards what follows
	listeners map[*listener]struct{}
	exchanges exchanges // never changes
	own       *listener // the one of StartListening
	logger    *slog.Logger
	lab       *transport.Lab
	keyLog    io.Writer
	counter   Metrics

	full     fullLog
	shared   sharedConfig
	resolver *net.Resolver // of host names in settings; nil is the system's
}

// New returns a Daemon with default properties that listens to nothing yet.
func New() *Daemon {
	d := &Daemon{
		pending:   make(chan *loopTask),
		refusing:  make(chan struct{}, maxRefusals),
		listeners: make(map[*listener]struct{}),
		exchanges: newExchanges(),
	}
	d.opt.reset()
	d.reg.init()
	d.gate.init()
	d.notes.init()
	return d
}

// SetLogger sets where log messages go besides OnLog; nil is nowhere. The
// logger chooses its own level: LogLevel is for OnLog alone.
func (d *Daemon) SetLogger(l *slog.Logger) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.logger = l
}

// SetLab puts a Lab into the connections that are accepted from now on; nil is
// off. It is for tests of other implementations, and sees everything.
func (d *Daemon) SetLab(l *transport.Lab) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lab = l
}

func (d *Daemon) labNow() *transport.Lab {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lab
}

// Reset shuts the daemon down and gives all properties and settings their
// default values. Events, the logger and the Lab stay.
func (d *Daemon) Reset() error {
	if err := d.Shutdown(); err != nil {
		return err
	}
	d.opt.reset()
	return nil
}

// Shutdown stops listening and disconnects every client. When it returns,
// each connection has fired OnDisconnected, except those that have a handler
// running, such as the one that called Shutdown: they end when it returns.
func (d *Daemon) Shutdown() error {
	err := d.StopListening()
	d.reg.turnAway()
	for _, c := range d.reg.connections() {
		c.disconnect(nil)
	}
	for _, c := range d.reg.connections() {
		c.events.waitEndedOrBusy()
	}
	return err
}

// ShutdownContext stops listening and lets the clients finish: a connection
// ends as soon as it has no channel open, and all that are left end with ctx.
// It returns nil when every connection has fired OnDisconnected, and ctx's
// error when ctx ended first; it does not wait for handlers then.
//
// From inside an event ctx must have an end: the connection whose event it is
// counts, too.
func (d *Daemon) ShutdownContext(ctx context.Context) error {
	if err := d.StopListening(); err != nil {
		return err
	}
	d.reg.turnAway()
	for _, c := range d.reg.connections() {
		c.drain()
	}
	if d.reg.waitEmpty(ctx) {
		return nil
	}
	for _, c := range d.reg.connections() {
		c.disconnect(nil)
	}
	for _, c := range d.reg.connections() {
		c.events.waitEndedOrBusy()
	}
	return context.Cause(ctx)
}

// Disconnect ends a connection: what has been sent on it still goes out, then
// the client is told. Error 126 means that there is no such connection.
func (d *Daemon) Disconnect(connectionID int) error {
	c, err := d.reg.connection(connectionID)
	if err != nil {
		return err
	}
	c.disconnect(nil)
	return nil
}

// ExchangeKeys starts a new key exchange on a connection (RFC 4253 §9). It
// does not wait for its end; SSHStatus shows the progress.
func (d *Daemon) ExchangeKeys(connectionID int) error {
	c, err := d.reg.connection(connectionID)
	if err != nil {
		return err
	}
	return c.exchangeKeys()
}
