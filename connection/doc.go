// Package connection is the SSH connection protocol (RFC 4254) for both roles: many channels with flow control over one
// authenticated transport, requests with replies in order, sessions, and forwarding.
//
// A [Mux] has packets read by its [Transport] while Run runs and hands each to what it is for. Its
// [Handler] decides about what the peer asks for; without one everything is refused. A [Channel] is a net.Conn, or gives
// its data to [Events].
//
// # States of a channel
//
//	        Open, our CHANNEL_OPEN sent              the peer's CHANNEL_OPEN
//	                   |                                        |
//	                opening --- refused, gone      OpenRequest --- Reject, gone
//	                   | confirmed                              | Accept
//	                   +------------------> open <--------------+
//	                                         |
//	CloseWrite: EOF sent, we still read      |     EOF received: Read ends, we still write
//	                                         |
//	Close, or the peer's CLOSE: ours goes out behind what Write and TryWrite have taken
//	                                         |
//	                       over: both sides have sent CLOSE; Done closes
//	                                         |
//	gone: Closed has run, and all data was read or Close was called; only now our number is free again
//
// The end of the connection leads to over from everywhere.
//
// # Goroutines
//
//	goroutine                     owns                                     may wait on
//	reader, by the transport      the packet just read, the tables         the transport's ReadPackets, nothing else
//	                                                                       (in there: the socket, or a reading application)
//	pump, while callbacks are due what it lends to a callback              callbacks
//	application                   its own slices                           window, transport, context, deadline
//	  while it waits to read      the reader's, where nobody else reads    the transport's ReadWhile
//	timers (deadline, keepalive)  nothing                                  nothing
//
// SendRequest starts a goroutine for the length of the call where the transport makes it wait, and Forward two. All
// callbacks of a connection run on its pump: one at a time, in the order of the peer's messages, with one exception:
// data may be told together with data of the same channel that waits already. Who waits for data is woken, and the pump
// started for it, once for all packets that arrived together.
//
// Where the readers of one channel alone wait for the peer, in Read or WriteTo, one of them reads the connection itself,
// for all: nobody wakes it, and what it waited for is in the cache (turn.go). Once it has that, and others wait, for data, a
// window or a reply, the connection's own reader goes on.
//
// # Who owns a byte
//
// Received data is copied once into the slice of a Read that waits; else from the transport's view into the channel's
// queue of pooled chunks, which the window bounds, as a [Budget] bounds the sum of windows; an idle channel holds none.
// Read copies out of it; WriteTo and Events.Data are lent a view until they return, and
// then the window goes back to the peer, in portions of a quarter. Data to send stays the caller's: the transport copies
// it before Write returns. TryWrite copies what the window does not take at once.
//
// # Locks
//
// Order: RemoteForwards, Mux, pump; RemoteForwards, Channel, pump; each before the transport's own. No callback runs
// under any of them.
package connection
