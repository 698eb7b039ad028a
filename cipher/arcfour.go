package cipher

import "crypto/rc4"

// arcfourDiscard is how many bytes of key stream arcfour128 and arcfour256 throw away first (RFC 4345 §4); arcfour
// throws away none (RFC 4253 §6.3).
const arcfourDiscard = 1536

// newArcfour returns the constructor of a table row whose key stream begins behind the first discard bytes. It goes on
// from packet to packet; there is no IV.
func newArcfour(discard int) func(key, _ []byte) (Transform, error) {
	return func(key, _ []byte) (Transform, error) {
		stream, err := rc4.NewCipher(key)
		if err != nil {
			return nil, err
		}
		scratch := make([]byte, discard)
		stream.XORKeyStream(scratch, scratch)
		clear(scratch)
		return stream.XORKeyStream, nil
	}
}
