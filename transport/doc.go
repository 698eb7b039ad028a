// Package transport is the transport layer of SSH in both roles (RFC 4253,
// 8308; strict key exchange and ping of OpenSSH's PROTOCOL): the version
// exchange, binary packets, key exchange and re-key, compression, extensions,
// and the end of a connection.
//
// # Who may call what
//
//	goroutine    calls                                  may wait for
//	reader       Handshake, then ReadPacket in a loop   the socket; Config.Limiter
//	             or ReadPackets
//	             WriteReply, SetAuthenticated           nothing
//	             PeerExtension
//	             BeforeWait
//	any          ReadWhile                              the socket
//	             Attend, Rouse                          nothing
//	             WritePacket                            an exchange, the send buffer
//	             TryWritePacket, NotifyWritable         nothing
//	             WriteControl, Abort                    nothing
//	             Rekey                                  the exchange
//	             Disconnect, Close                      the last bytes to leave
//	flusher      started by writes, ends when all is    the socket
//	             written; closes the socket at the end
//
// The reader is the caller's own goroutine, or during ReadPackets one that it
// starts when the peer is not silent, or for a while a guest, who waits for the
// peer in ReadWhile (turn.go). Exchanges run on the first two, so that only
// their gate concerns writers; timers run on goroutines of the runtime. What
// NotifyWritable is given runs on the flusher, or on a goroutine of its own.
//
// # Who owns which bytes
//
// The reader owns the receive buffer. A packet is checked and decrypted where
// it lies, and ReadPacket returns a view of it, valid until the next call; an
// idle connection holds no buffer. The send buffer belongs to whoever holds
// the lock of the sending half: WritePacket copies the caller's bytes into it
// once and seals them there, the last of them perhaps with the next or when the
// buffer is taken; the flusher, or who writes a little directly, takes the
// buffer as a whole and owns it until it is written.
//
// # Seeing what happens
//
// Conn.ConnectionState is all there is to know of a connection, at any time.
// Config.Logger hears of versions, keys and the end, never of payloads. With
// Config.KeyLogWriter Wireshark can read a capture, for debugging only.
//
// # States
//
//	version line ── first exchange ── authentication ── open
//	                 (phaseKex)        (phaseAuth)       (phaseOpen)
//	                                        └─ re-key ─┘   └─ re-key ...
//
// A [Lab] in the Config shows all that passes and lets it be changed, which
// turns either end into one that attacks others.
//
// phase.go says which message may come in which phase for which role;
// handshake.go, what may come while an exchange runs.
package transport
