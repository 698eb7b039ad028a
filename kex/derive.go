package kex

// The letters that tell the six keys of an exchange apart (RFC 4253 §7.2).
const (
	LetterIVClientToServer  byte = 'A'
	LetterIVServerToClient  byte = 'B'
	LetterKeyClientToServer byte = 'C'
	LetterKeyServerToClient byte = 'D'
	LetterMACClientToServer byte = 'E'
	LetterMACServerToClient byte = 'F'
)

// Derive fills dst with the key that letter names (RFC 4253 §7.2):
//
//	K1 = HASH(K || H || letter || sessionID)    K2 = HASH(K || H || K1)    K3 = HASH(K || H || K1 || K2) ...
//
// secret is the shared secret as Finish or Answer returned it; sessionID is the first exchange hash of the connection.
// Nothing that was passed in is kept, and what was computed on the way is cleared.
func (m Method) Derive(dst, secret, exchangeHash []byte, letter byte, sessionID []byte) {
	k := m.encodeSecret(secret)
	defer clear(k)
	h := m.Hash()
	h.Write(k)
	h.Write(exchangeHash)
	h.Write([]byte{letter})
	h.Write(sessionID)
	block := h.Sum(nil)
	defer clear(block)
	defer h.Reset()
	done := copy(dst, block)
	for done < len(dst) {
		h.Reset()
		h.Write(k)
		h.Write(exchangeHash)
		h.Write(dst[:done]) // every block so far: only the last one is ever cut
		block = h.Sum(block[:0])
		done += copy(dst[done:], block)
	}
}
