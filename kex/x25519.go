package kex

import "crypto/ecdh"

// x25519Size is the length of private keys, public keys and secrets of X25519 (RFC 7748 §5).
const x25519Size = 32

// x25519 is the curve of RFC 8731. A peer's value is any 32 bytes: the top bit is masked, values not below the prime are
// reduced (RFC 7748 §5). The points of small order are found by their result: the secret that is all zero is refused
// (RFC 8731 §3). K is the secret read as a big-endian number, so its bytes are used in the order they have.
var x25519 = curve{group: ecdh.X25519(), keySize: x25519Size, topMask: 0xff}
