package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/hawser-ssh/hawser/kex"
	"github.com/hawser-ssh/hawser/wire"
)

var (
	errEntropy     = errors.New("entropy source failed")
	errGuessAbsent = errors.New("the announced first packet is not one of a key exchange")
)

// exchange is one key exchange (RFC 4253 §7). It lives on the reader's stack
// and nothing of it is left when it is over.
type exchange struct {
	c     *Conn
	ctx   context.Context // for the host key policy; of the first exchange only
	first bool

	ours, theirs       []byte // the KEXINIT payloads, as the hash takes them
	ourInit, theirInit wire.KexInit
	toServer, toClient Preferences // ours
	algs               kex.Algorithms
	method             kex.Method
	grouped            bool // method is over a group that was settled on
	secret, hash       []byte
	drawn              []byte // our private key, where a key log wants it

	asked     time.Time     // when the message was sealed that the peer has yet to answer
	roundTrip time.Duration // the shortest time to an answer
}

// firstExchange waits for the peer's KEXINIT, ours being under way, and runs
// the exchange that makes the session.
func (c *Conn) firstExchange(ctx context.Context) error {
	for {
		p, err := c.readFrame()
		if err != nil {
			return err
		}
		if wire.Msg(p[0]) == wire.MsgKexInit {
			x := exchange{c: c, ctx: ctx, first: true}
			return x.run(p)
		}
		if err := c.handleAlways(wire.Msg(p[0]), p); err != nil {
			return err
		}
	}
}

// reExchange runs an exchange that the peer's KEXINIT, p, begins or answers.
func (c *Conn) reExchange(p []byte) error {
	x := exchange{c: c, ctx: context.Background()}
	err := x.run(p)
	c.sendOwed() // what comes next may keep the reader
	return err
}

// run is the exchange from the peer's KEXINIT to the end.
func (x *exchange) run(theirs []byte) error {
	defer func() { clear(x.secret); clear(x.drawn) }()
	if err := x.begin(theirs); err != nil {
		return err
	}
	if err := x.negotiate(); err != nil {
		return err
	}
	if err := x.skipWrongGuess(); err != nil {
		return err
	}
	if err := x.agree(); err != nil {
		return err
	}
	if err := x.logKeys(); err != nil {
		return err
	}
	if x.first {
		x.c.peer.sessionID = x.hash
	}
	if err := x.switchSending(); err != nil {
		return err
	}
	if err := x.switchReceiving(); err != nil {
		return err
	}
	x.noteResult()
	x.c.exchangeDone()
	x.log()
	return nil
}

// begin keeps both KEXINITs; ours is sent now, if it has not been.
func (x *exchange) begin(theirs []byte) error {
	x.theirs = bytes.Clone(theirs)
	if err := x.theirInit.Parse(x.theirs); err != nil {
		return err
	}
	var err error
	if x.ours, err = x.c.startExchange(); err != nil {
		return err
	}
	if err := x.ourInit.Parse(x.ours); err != nil || !x.first {
		return err
	}
	if err := x.c.readMarkers(&x.ourInit, &x.theirInit); err != nil {
		return err
	}
	x.noteOffers()
	return nil
}

// byRole orders what is ours and theirs into client's and server's.
func byRole[T any](role wire.Role, ours, theirs T) (client, server T) {
	if role == wire.Client {
		return ours, theirs
	}
	return theirs, ours
}

func (x *exchange) negotiate() (err error) {
	client, server := byRole(x.c.role, &x.ourInit, &x.theirInit)
	x.toServer, x.toClient = x.c.cfg.preferences(wire.Client), x.c.cfg.preferences(wire.Server)
	x.algs, err = kex.Negotiate(client, server, func(name string) bool {
		row, ok := x.toServer.cipher(name)
		if !ok {
			row, _ = x.toClient.cipher(name)
		}
		return row.AEAD
	})
	if err != nil {
		return err
	}
	if err := x.labAlgorithms(); err != nil {
		return err
	}
	methods := x.c.cfg.kexMethods()
	x.method = methods[slices.IndexFunc(methods, func(m kex.Method) bool { return m.Name == x.algs.Kex })]
	return nil
}

// skipWrongGuess reads away the packet that the peer sent on a guess which did
// not come true (RFC 4253 §7).
func (x *exchange) skipWrongGuess() error {
	client, server := byRole(x.c.role, &x.ourInit, &x.theirInit)
	if !x.theirInit.FirstKexPacketFollows || kex.GuessedRight(client, server) {
		return nil
	}
	p, err := x.read()
	if err != nil {
		return err
	}
	if m := wire.Msg(p[0]); m < wire.MsgKexFirst || m > wire.MsgKexLast {
		return &wire.ProtocolError{Reason: wire.ReasonProtocolError, Op: m.String(), Err: errGuessAbsent}
	}
	return nil
}

// agree runs the method, up to the exchange hash that both sides have. A
// method that needs a group gets it first, and is one like any other then.
func (x *exchange) agree() error {
	chooseGroup, agree, agreeServerFirst := x.chooseGroupAsServer, x.agreeAsServer, x.offerAsServer
	if x.c.role == wire.Client {
		chooseGroup, agree, agreeServerFirst = x.chooseGroupAsClient, x.agreeAsClient, x.answerAsClient
	}
	if x.method.GroupExchange {
		if err := chooseGroup(); err != nil {
			return err
		}
	}
	if x.method.ServerOffers {
		return agreeServerFirst()
	}
	return agree()
}

// offer, finish and answer are the steps of the method.
func (x *exchange) offer() (offer kex.Offer, err error) {
	err = x.compute(func() (err error) {
		offer, err = x.method.Offer(x.rand())
		return err
	})
	return offer, err
}

func (x *exchange) finish(offer kex.Offer, theirs []byte) error {
	return x.compute(func() (err error) {
		x.secret, err = offer.Finish(theirs)
		return err
	})
}

func (x *exchange) answer(theirs []byte) (ours []byte, err error) {
	err = x.compute(func() (err error) {
		ours, x.secret, err = x.method.Answer(x.rand(), theirs)
		return err
	})
	return ours, err
}

// compute runs a step of the method, a costly one when the limiter lets it.
func (x *exchange) compute(step func() error) error {
	if !x.method.Costly || x.c.cfg.Limiter == nil {
		return step()
	}
	x.c.sendOwed() // it may take its time
	err := x.c.cfg.Limiter.Do(x.c.Done(), step)
	if errors.Is(err, kex.ErrGivenUp) {
		return x.c.Err()
	}
	return err
}

// read returns the payload of the next message of the exchange: a view. What
// may stand between them is dealt with; a strict first exchange allows nothing.
func (x *exchange) read() ([]byte, error) {
	for {
		p, err := x.c.readFrame()
		if err != nil {
			return nil, err
		}
		m := wire.Msg(p[0])
		strict := x.first && x.c.peer.strict
		if m > wire.MsgDebug || m == 0 || strict && m != wire.MsgDisconnect {
			x.answered()
			return p, nil
		}
		if err := x.c.handleAlways(m, p); err != nil {
			return nil, err
		}
	}
}

// answered measures the time to the first message behind one of ours.
func (x *exchange) answered() {
	if x.asked.IsZero() {
		return
	}
	if d := max(time.Since(x.asked), 1); x.roundTrip == 0 || d < x.roundTrip {
		x.roundTrip = d
	}
	x.asked = time.Time{}
}

// expect reads the next message, which must be m.
func (x *exchange) expect(m wire.Msg) ([]byte, error) {
	p, err := x.read()
	if err != nil {
		return nil, err
	}
	if got := wire.Msg(p[0]); got != m {
		return nil, unexpected(got)
	}
	return p, nil
}

// expectInto reads the next message, which must be msg, into m: views.
func (x *exchange) expectInto(msg wire.Msg, m interface{ Parse(p []byte) error }) error {
	p, err := x.expect(msg)
	if err != nil {
		return err
	}
	return m.Parse(p)
}

// send seals a message of the exchange, which passes the gate.
func (x *exchange) send(payload []byte) error {
	o := &x.c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	err := x.c.seal(payload, nil)
	x.c.in.owes = true
	x.asked = time.Now()
	return err
}

// hashInput collects what both sides hash.
func (x *exchange) hashInput(hostKey, ours, theirs []byte) kex.HashInput {
	in := kex.HashInput{HostKey: hostKey, Secret: x.secret}
	role := x.c.role
	in.ClientVersion, in.ServerVersion = byRole(role, []byte(x.c.cfg.Version), []byte(x.c.peer.version))
	in.ClientInit, in.ServerInit = byRole(role, x.ours, x.theirs)
	in.ClientPublic, in.ServerPublic = byRole(role, ours, theirs)
	return in
}

func (x *exchange) log() {
	a := &x.algs
	if !x.c.logs(slog.LevelInfo) {
		return
	}
	x.c.logger().Info("keys", "kex", a.Kex, "hostkey", a.HostKey,
		"cipher_cs", a.ClientToServer.Cipher, "mac_cs", a.ClientToServer.MAC, "compression_cs", a.ClientToServer.Compression,
		"cipher_sc", a.ServerToClient.Cipher, "mac_sc", a.ServerToClient.MAC, "compression_sc", a.ServerToClient.Compression,
		"strict", x.c.peer.strict, "rekey", !x.first)
}

// newKexInit returns a KEXINIT of ours (RFC 4253 §7.1). The signals for
// extensions belong into the first one only (RFC 8308 §2.1).
func (c *Conn) newKexInit(first bool) ([]byte, error) {
	var m wire.KexInit
	if _, err := io.ReadFull(c.cfg.Rand, m.Cookie[:]); err != nil {
		return nil, &wire.ProtocolError{Reason: wire.ReasonKeyExchangeFailed, Op: "KEXINIT", Err: errors.Join(errEntropy, err)}
	}
	extInfo, strict := markers(c.role)
	methods := names(c.cfg.kexMethods(), func(r kex.Method) string { return r.Name })
	if first {
		methods = append(methods, extInfo, strict)
	}
	hostKeys := c.cfg.hostKeyAlgorithms()
	if c.role == wire.Server {
		hostKeys = c.cfg.servable()
	}
	m.Kex, m.HostKey = wire.NewNameList(methods...), wire.NewNameList(hostKeys...)
	toServer, toClient := c.cfg.preferences(wire.Client), c.cfg.preferences(wire.Server)
	m.CipherCS, m.CipherSC = toServer.cipherNames(), toClient.cipherNames()
	m.MACCS, m.MACSC = toServer.macNames(), toClient.macNames()
	m.CompressionCS, m.CompressionSC = wire.NewNameList(toServer.Compression...), wire.NewNameList(toClient.Compression...)
	m.LanguagesCS, m.LanguagesSC = wire.NewNameList(toServer.Languages...), wire.NewNameList(toClient.Languages...)
	return m.Append(make([]byte, 0, usualKexInit)), nil
}

// usualKexInit is more than what the default lists take.
const usualKexInit = 1 << 10

func names[T any](rows []T, name func(T) string) []string {
	list := make([]string, 0, len(rows)+2)
	for _, r := range rows {
		list = append(list, name(r))
	}
	return list
}
