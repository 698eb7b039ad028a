package daemon

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/hawser-ssh/hawser/connection"
	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/transport"
	"github.com/hawser-ssh/hawser/transport/sshkey"
	"github.com/hawser-ssh/hawser/wire"
)

// Defaults and limits; those that a client can press against have a setting of
// the name given here.
const (
	DefaultLocalPort      = 22   // LocalPort
	DefaultBacklog        = 5    // ConnectionBacklog
	DefaultTimeoutSeconds = 60   // DefaultTimeout
	DefaultMaxConnections = 1000 // MaxConnections
	DefaultLoginGrace     = 60   // LoginGraceTime, seconds from accept to login
	DefaultUnauthStart    = 100  // UnauthenticatedStart: from here on some connections are dropped
	DefaultUnauthMax      = 1000 // UnauthenticatedMax: from here on all are
	DefaultUnauthSource   = 64   // UnauthenticatedPerSource: of one address, or one IPv6 /64
	DefaultMaxAuth        = 6    // MaxAuthAttempts
	DefaultSelectWait     = 20   // SelectWaitMillis
	maxMaxConnections     = 100_000
	maxRefusals           = 32      // clients that are being told why they are refused
	maxText               = 8 << 10 // bytes of a message or description, which may hold lists of algorithms
)

// options are the values of all properties and settings. Copies are cheap and
// never change: a setter replaces a slice, it does not write into it.
type options struct {
	backlog, timeout, localPort             int
	localHost, authMethods, kbdMessage      string
	prompts                                 []wire.Prompt
	cert                                    keyStore
	alt                                     []keyStore
	hostKeys                                []sshkey.Signer // of SetHostKeys
	groups                                  []kex.Group     // of SetGroups
	userKeys                                []string        // of SetUserKeyAlgorithms
	windows                                 *connection.Budget
	algorithms                              algorithmSet
	idleTimeout, handshakeTimeout, logLevel int
	logChannelData                          bool
	loginGrace, maxAuth                     int
	compressionLevel, minRSABits            int
	rekeyBytes                              int64
	version, versionPattern                 string
	keepaliveInterval, keepaliveCount       int // seconds
	allowedClients                          string
	bindExclusively                         bool
	inBuffer, outBuffer                     int // bytes; 0 is the system's
	tcpTime, tcpInterval, tcpRetries        int // milliseconds; 0 is the system's
	maxConnections                          int
	unauthStart, unauthMax, unauthSource    int
	noDelay, iocp, windowsMessages          bool
	ipv6                                    int
	codePage                                int
	processIdle, internalAPI                bool
	selectWait                              int // milliseconds
}

func defaultOptions() *options {
	return &options{
		backlog: DefaultBacklog, timeout: DefaultTimeoutSeconds, localPort: DefaultLocalPort,
		authMethods: "password,publickey",
		cert:        keyStore{store: []byte(defaultStore)},
		algorithms:  modernAlgorithms(),
		logLevel:    1, loginGrace: DefaultLoginGrace, maxAuth: DefaultMaxAuth, minRSABits: sshkey.DefaultMinRSABits,
		rekeyBytes: transport.DefaultRekeyBytes,
		version:    transport.DefaultVersion, versionPattern: "*SSH-1.99-*,*SSH-2.0-*",
		keepaliveCount: 5, allowedClients: "*", bindExclusively: true,
		maxConnections: DefaultMaxConnections,
		unauthStart:    DefaultUnauthStart, unauthMax: DefaultUnauthMax, unauthSource: DefaultUnauthSource,
		noDelay: true, windowsMessages: onWindows, codePage: codePageUTF8,
		processIdle: true, selectWait: DefaultSelectWait,
		windows: connection.NewBudget(DefaultWindowBudget),
	}
}

func (o *options) loginGraceTime() time.Duration { return time.Duration(o.loginGrace) * time.Second }

// signers returns the host keys that are loaded, those of SetHostKeys first.
func (o *options) signers() []sshkey.Signer {
	keys := slices.Clone(o.hostKeys)
	for _, s := range append([]keyStore{o.cert}, o.alt...) {
		keys = append(keys, s.signers...)
	}
	return keys
}

// optionsBox holds the current options. Readers take a snapshot, writers
// replace it.
type optionsBox struct{ p atomic.Pointer[options] }

func (b *optionsBox) snapshot() *options { return b.p.Load() }

func (b *optionsBox) reset() { b.p.Store(defaultOptions()) }

// update applies f to a copy of the options and stores it unless f fails. f may
// run more than once.
func (b *optionsBox) update(f func(*options) error) error {
	for {
		old := b.p.Load()
		next := *old
		if err := f(&next); err != nil {
			return err
		}
		if b.p.CompareAndSwap(old, &next) {
			return nil
		}
	}
}
