// Package transporttest has what tests of the transport and of the layers
// above it need: an in-memory connection, and a peer that can send anything at
// any time.
package transporttest
