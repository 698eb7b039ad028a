package transport

import (
	"slices"
	"sync"

	"github.com/hawser-ssh/hawser/wire"
)

// Lab is for people who test other implementations of SSH: it lets them see,
// change, drop, repeat and inject whatever a connection of ours sends and
// receives, in any state and in either role, right or wrong. Config.Lab puts
// one in, and so do sshclient's Config.Transport and the daemon's SetLab;
// without, a connection pays one comparison a packet for it.
//
// A packet passes four points, each with a hook, and a fifth hook is told of
// every change of state:
//
//	outgoing   State → Message → Plain → (seal) → Sealed → Raw → socket
//	incoming   socket → Raw → Sealed → (open) → Plain → Message → us
//
// A hook returns what is to go on in place of what it was shown: that
// unchanged ([LabEvent.Pass]), something else, several things, or nothing.
// What it returns passes the points behind it, and never comes back to those
// before. A nil hook passes everything; empty slices count for nothing.
//
// The point where something is changed decides who says it. At Message and
// State it is this end: a KEXINIT changed there is what the exchange hash
// covers, so that an end can be made that offers or hides what it likes. At
// Plain and behind it, it is the man in the middle, and only he.
//
// The hooks of one connection run one at a time, those of different
// connections at once. They run where the bytes pass: a hook must not wait,
// and must not itself call what sends on, re-keys or ends its connection, nor
// Err and ConnectionState; it returns what is to be sent, or starts a
// goroutine. The State hook is the way to say something unasked;
// [Conn.WritePacket] sends any payload, too, while no exchange runs.
//
// A Lab sees passwords and all that is said. It holds no keys.
type Lab struct {
	// Raw is shown bytes as they go to the socket and come from it, the
	// identification lines (RFC 4253 §4.2) included, in pieces of any size.
	Raw LabHook
	// Sealed is shown packets as they are on the wire, with their tags. Sequence
	// numbers count what has been sealed and what is opened, not what passes
	// here: that is what makes a prefix vanish.
	Sealed LabHook
	// Plain is shown packets before they are sealed and after they have been
	// opened (RFC 4253 §6): packet_length, padding_length, payload, padding;
	// the payload may be compressed. What is returned for sealing is sealed as
	// it is, whatever its fields say, with zero bytes behind it up to the
	// cipher's next block.
	Plain LabHook
	// Message is shown payloads, uncompressed, from the message number on: what
	// wire.Describe, wire.FieldString and the Parse methods take.
	Message LabHook
	// State is told what the connection has come to; it is shown no bytes, and
	// the payloads it returns are sent, past the gate that an exchange closes.
	State LabHook
}

// LabHook is shown something and returns what goes on instead. The bytes it is
// shown are its to change, and to return, but not to keep; those it returns
// are taken.
type LabHook func(LabEvent) [][]byte

// LabEvent is what a hook is shown.
type LabEvent struct {
	Conn      *Conn
	Direction Direction
	State     LabState
	Sequence  uint32 // of the packet, for Sealed, Plain and Message; of the next outgoing one for State
	Bytes     []byte // nil for State
}

// Pass returns what a hook returns to let pass what it was shown, and more
// behind it.
func (e LabEvent) Pass(more ...[]byte) [][]byte { return append([][]byte{e.Bytes}, more...) }

// Msg returns the number of the message that the Message hook is shown.
func (e LabEvent) Msg() wire.Msg {
	if len(e.Bytes) == 0 {
		return 0
	}
	return wire.Msg(e.Bytes[0])
}

// Direction says which way bytes go.
type Direction uint8

// The two directions, as this end sees them.
const (
	Outgoing Direction = iota
	Incoming
)

// String returns "outgoing" or "incoming".
func (d Direction) String() string {
	if d == Incoming {
		return "incoming"
	}
	return "outgoing"
}

// LabState is how far a connection has come, as a Lab is told.
type LabState uint8

// The states of a connection. LabVersions is where it begins, and the State
// hook is not told; from LabRekey a connection returns to where it was.
const (
	LabVersions LabState = iota // identifications are exchanged
	LabKex                      // they have been: the first key exchange begins
	LabAuth                     // it is over: authentication
	LabOpen                     // authenticated
	LabRekey                    // our KEXINIT of a later key exchange has been sent
	LabClosed                   // the end, right before the socket is closed
)

// String returns a word for the state.
func (s LabState) String() string {
	names := [...]string{"versions", "kex", "auth", "open", "rekey", "closed"}
	if int(s) < len(names) {
		return names[s]
	}
	return "unknown"
}

// labor is a Lab at work on one connection.
type labor struct {
	Lab
	conn   *Conn
	socket *labSocket // nil if neither Raw nor Sealed is set

	mu    sync.Mutex // held while a hook runs
	state LabState

	// The reader's: what Plain and Message have let through and nobody has read.
	frames, messages [][]byte
}

// setLab puts the Config's Lab between the connection and its socket.
func (c *Conn) setLab() {
	if c.cfg.Lab == nil {
		return
	}
	c.lab = &labor{Lab: *c.cfg.Lab, conn: c}
	if c.lab.Raw != nil || c.lab.Sealed != nil {
		c.lab.socket = newLabSocket(c.lab, c.nc)
		c.nc = c.lab.socket
	}
}

// show runs a hook and returns what is to go on.
func (l *labor) show(hook LabHook, d Direction, sequence uint32, b []byte) [][]byte {
	if hook == nil {
		return [][]byte{b}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.run(hook, d, sequence, b)
}

// run is show with the lock held. Of several slices each becomes a copy: they
// may be one and the same, and who gets them may overwrite them.
func (l *labor) run(hook LabHook, d Direction, sequence uint32, b []byte) [][]byte {
	list := hook(LabEvent{Conn: l.conn, Direction: d, State: l.state, Sequence: sequence, Bytes: b})
	list = slices.DeleteFunc(slices.Clone(list), func(p []byte) bool { return len(p) == 0 })
	if len(list) > 1 {
		for i, p := range list {
			list[i] = slices.Clone(p)
		}
	}
	return list
}

// enter notes a new state and returns the payloads to send.
func (l *labor) enter(s LabState, sequence uint32) [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = s
	if l.State == nil {
		return nil
	}
	return l.run(l.State, Outgoing, sequence, nil)
}
