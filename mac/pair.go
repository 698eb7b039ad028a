package mac

import (
	"crypto/sha256"
	"encoding/binary"
)

// PairAuthenticator is an Authenticator that computes the tags of two packets in much less time than one after the
// other, because neither waits for the other's rounds. hmac-sha2-256 is one where the processor has the instructions.
type PairAuthenticator interface {
	Authenticator
	// TagPair is Tag for a under seq, appended to dstA, and for b under seq+1, appended to dstB, with what Tag says of
	// dst, packet and seq.
	TagPair(dstA, dstB []byte, seq uint32, a, b []byte) (tagA, tagB []byte)
}

// newHMACSHA256 returns the constructor of a table row with HMAC-SHA-256: for pairs where that is faster.
func newHMACSHA256(size int) func(key []byte) Authenticator {
	if !hasSHA256() {
		return newHMAC(sha256.New, size)
	}
	return func(key []byte) Authenticator { return newPairHMAC(key, size) }
}

// pairHMAC is HMAC-SHA-256 (RFC 2104) over seq || packet. inner and outer are the states of SHA-256 behind the block
// of the key; the lanes are fields so that a packet allocates nothing.
type pairHMAC struct {
	inner, outer [8]uint32
	size         int
	a, b         lane
}

// sha256IV is the initial state (FIPS 180-4 §5.3.3).
var sha256IV = [8]uint32{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}

func newPairHMAC(key []byte, size int) *pairHMAC {
	s := &pairHMAC{inner: sha256IV, outer: sha256IV, size: size}
	if len(key) > sha256.BlockSize {
		sum := sha256.Sum256(key)
		key = sum[:]
	}
	for pad, state := range map[byte]*[8]uint32{0x36: &s.inner, 0x5c: &s.outer} {
		var block [sha256.BlockSize]byte
		copy(block[:], key)
		for i := range block {
			block[i] ^= pad
		}
		sha256Blocks(state, &block[0], 1)
		clear(block[:])
	}
	return s
}

// lane is one message on its way through SHA-256, cut into whole blocks where its bytes lie: head has the sequence
// number and the packet's first 60 bytes, middle is a view of the packet, tail has the rest and the padding.
type lane struct {
	state  [8]uint32
	middle []byte
	tail   []byte // of buf
	head   [sha256.BlockSize]byte
	buf    [2 * sha256.BlockSize]byte
	long   bool // there is a head
}

const headBytes = sha256.BlockSize - 4 // of a packet, behind its sequence number

// set begins a message behind the block that made state.
func (l *lane) set(state *[8]uint32, seq uint32, packet []byte) {
	l.state = *state
	total := sha256.BlockSize + 4 + len(packet)
	l.long = len(packet) >= headBytes
	if !l.long {
		binary.BigEndian.PutUint32(l.buf[:], seq)
		l.middle = nil
		l.pad(4+copy(l.buf[4:], packet), total)
		return
	}
	binary.BigEndian.PutUint32(l.head[:], seq)
	rest := packet[copy(l.head[4:], packet):]
	whole := len(rest) &^ (sha256.BlockSize - 1)
	l.middle = rest[:whole]
	l.pad(copy(l.buf[:], rest[whole:]), total)
}

// pad closes the tail, of which n bytes are there, of a message of total bytes (FIPS 180-4 §5.1.1).
func (l *lane) pad(n, total int) {
	size := sha256.BlockSize
	if n+9 > size {
		size *= 2
	}
	l.tail = l.buf[:size]
	clear(l.tail[n:])
	l.tail[n] = 0x80
	binary.BigEndian.PutUint64(l.tail[size-8:], uint64(total)*8)
}

// finish makes l the outer hash, over the sum of the inner one.
func (l *lane) finish(outer *[8]uint32) {
	l.sum(l.buf[:0])
	l.state, l.long, l.middle = *outer, false, nil
	l.pad(sha256.Size, sha256.BlockSize+sha256.Size)
}

// sum appends the state in bytes.
func (l *lane) sum(dst []byte) []byte {
	for _, w := range l.state {
		dst = binary.BigEndian.AppendUint32(dst, w)
	}
	return dst
}

func (l *lane) run() {
	if l.long {
		l.blocks(l.head[:])
	}
	l.blocks(l.middle)
	l.blocks(l.tail)
}

func (l *lane) blocks(p []byte) {
	if len(p) > 0 {
		sha256Blocks(&l.state, &p[0], len(p)/sha256.BlockSize)
	}
}

// runBoth runs the lanes side by side as far as their messages are of one length, part for part.
func runBoth(a, b *lane) {
	if a.long && b.long {
		sha256TwoBlocks(&a.state, &b.state, &a.head[0], &b.head[0], 1)
	} else if a.long {
		a.blocks(a.head[:])
	} else if b.long {
		b.blocks(b.head[:])
	}
	bothBlocks(a, b, a.middle, b.middle)
	bothBlocks(a, b, a.tail, b.tail)
}

func bothBlocks(a, b *lane, p, q []byte) {
	n := min(len(p), len(q))
	if n > 0 {
		sha256TwoBlocks(&a.state, &b.state, &p[0], &q[0], n/sha256.BlockSize)
	}
	a.blocks(p[n:])
	b.blocks(q[n:])
}

// Tag implements Authenticator.
func (s *pairHMAC) Tag(dst []byte, seq uint32, packet []byte) []byte {
	s.a.set(&s.inner, seq, packet)
	s.a.run()
	s.a.finish(&s.outer)
	s.a.run()
	return s.a.tag(dst, s.size)
}

// TagPair implements PairAuthenticator.
func (s *pairHMAC) TagPair(dstA, dstB []byte, seq uint32, a, b []byte) (tagA, tagB []byte) {
	s.a.set(&s.inner, seq, a)
	s.b.set(&s.inner, seq+1, b)
	runBoth(&s.a, &s.b)
	s.a.finish(&s.outer)
	s.b.finish(&s.outer)
	runBoth(&s.a, &s.b)
	return s.a.tag(dstA, s.size), s.b.tag(dstB, s.size)
}

// tag appends the first size bytes of the sum. The whole sum goes through scratch, so dst needs room for no more.
func (l *lane) tag(dst []byte, size int) []byte {
	l.middle = nil // of a packet that is not ours to hold
	return append(dst, l.sum(l.buf[:0])[:size]...)
}
