// Package mac holds the message authentication codes of the SSH transport layer (RFC 4253 §6.4) as rows of one
// table: a name, two sizes and a constructor.
//
// A MAC covers the sequence number of the packet and the packet. In the classic form that is the plaintext packet
// ("encrypt and MAC"); in the -etm@openssh.com form (OpenSSH PROTOCOL §1.5) it is the clear length field followed by
// the ciphertext. This package computes both the same way, the order of the steps is package cipher's business.
// HMAC takes the sequence number as the first four bytes of the message, UMAC as its nonce. HMAC-SHA-256 takes two
// packets at once where the processor can (pair.go).
//
// Default lists what a connection offers unless told otherwise, Insecure what must be asked for by name, and
// Lookup turns names into rows. A caller may also fill in a MAC of its own and put it in its connection's set.
//
// Ownership: keys are copied by New; the packet given to Tag is only read; the tag is appended to the caller's slice.
package mac
