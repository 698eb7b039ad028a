package transport

import (
	"encoding/binary"
	"errors"

	"github.com/hawser-ssh/hawser/wire"
)

// inflater decompresses the one zlib stream (RFC 1950, RFC 1951) that all packets of a direction make together
// (RFC 4253 §6.2). A packet's payload ends where the peer flushed. With zlib's Z_PARTIAL_FLUSH, which OpenSSH uses,
// that is not at a byte: up to seven bits of an empty block come with the next packet. So decoding must stop anywhere
// and go on later, while all that was complete must come out, which readers made for files do not do.
//
// It is a state machine. Each step takes its input in atoms of at most 48 bits, so the 63 bits that the bit buffer keeps
// between packets are all the input that ever waits.
//
//	head -> block -> stored length -> stored ------------------------------> block, or end after the final one
//	              -> code counts -> code lengths -> symbol lengths -> symbols
//	              -> symbols (fixed codes)
type inflater struct {
	limit int // the most bytes that one payload may become

	in   []byte // input of this packet that is not in bits; nil between packets
	bits uint64 // input not used up, the next bit lowest; above have there may be bits that in still has too
	have int    // valid bits in bits, at most 63

	out   []byte // the window, at most inflateKeep bytes, then what this packet gave
	start int    // where in out this packet began

	step   inflateStep
	final  bool // the block being read is the last one
	stored int  // bytes to come in a stored block

	lit, dist       *huffman // the codes of the block being read
	ownLit, ownDist huffman
	counts          [3]int // literal, distance and code length codes of a dynamic block
	lengths         [maxLiterals + maxDistances]uint8
	at              int // how many of lengths are known
}

type inflateStep uint8

const (
	stepHead inflateStep = iota
	stepBlock
	stepStoredLength
	stepStored
	stepCodeCounts
	stepCodeLengths
	stepSymbolLengths
	stepSymbols
	stepEnd
)

const (
	inflateWindow = 32 << 10          // RFC 1951 §2: the farthest a match reaches back
	inflateKeep   = 2 * inflateWindow // history is cut down to the window when it is this long
	inflateFirst  = 4 << 10           // first size of out
	maxMatch      = 258               // RFC 1951 §3.2.5
	maxLiterals   = 286
	maxDistances  = 30
	endOfBlock    = 256
)

// Faults of a compressed payload. errMoreInput never leaves the inflater.
var (
	errMoreInput   = errors.New("more input is needed")
	errInflateHead = errors.New("not a zlib stream without preset dictionary")
	errInflateData = errors.New("invalid deflate data")
	errInflateEnd  = errors.New("data after the end of the stream")
	errInflateNone = errors.New("payload without content")
	errInflateBomb = errors.New("payload exceeds its limit")
)

func newInflater(limit int) decompressor { return &inflater{limit: limit} }

// decompress returns what payload adds to the stream, a view that is valid until the next call. It is an error if that
// is nothing, or more than the limit; after an error the stream is lost.
func (z *inflater) decompress(payload []byte) ([]byte, error) {
	if len(z.out) >= inflateKeep {
		z.out = z.out[:copy(z.out, z.out[len(z.out)-inflateWindow:])]
	}
	z.in, z.start = payload, len(z.out)
	var err error
	for err == nil {
		err = z.advance()
	}
	z.in = nil
	if err == errMoreInput && len(z.out) > z.start {
		return z.out[z.start:], nil
	}
	if err == errMoreInput {
		err = errInflateNone
	}
	return nil, &wire.ProtocolError{Reason: wire.ReasonCompressionError, Op: "decompress", Err: err}
}

// close drops the window.
func (z *inflater) close() { *z = inflater{limit: z.limit, step: stepEnd} }

// advance takes one step, or all steps of a kind that follow each other.
func (z *inflater) advance() error {
	switch z.step {
	case stepHead:
		return z.head()
	case stepBlock:
		return z.block()
	case stepStoredLength:
		return z.storedLength()
	case stepStored:
		return z.storedBytes()
	case stepCodeCounts:
		return z.codeCounts()
	case stepCodeLengths:
		return z.codeLengths()
	case stepSymbolLengths:
		return z.symbolLengths()
	case stepSymbols:
		return z.symbols()
	}
	if z.have >= 8 || len(z.in) > 0 {
		return errInflateEnd
	}
	return errMoreInput
}

// fill gets at least 48 bits into bits, or all there are.
func (z *inflater) fill() {
	if len(z.in) >= 8 {
		z.bits |= binary.LittleEndian.Uint64(z.in) << z.have
		n := (63 - z.have) / 8
		z.in = z.in[n:]
		z.have += n * 8
		return
	}
	for z.have < 56 && len(z.in) > 0 {
		z.bits |= uint64(z.in[0]) << z.have
		z.in = z.in[1:]
		z.have += 8
	}
}

// need reports whether n bits, at most 48, are there.
func (z *inflater) need(n int) bool {
	if z.have < n {
		z.fill()
	}
	return z.have >= n
}

// take uses up n bits that are there.
func (z *inflater) take(n int) int {
	v := z.bits & (1<<n - 1)
	z.bits >>= n
	z.have -= n
	return int(v)
}

// head reads the two bytes of RFC 1950 §2.2. A preset dictionary is refused: none was agreed upon.
func (z *inflater) head() error {
	if !z.need(16) {
		return errMoreInput
	}
	cmf, flags := z.take(8), z.take(8)
	const deflate, largestWindow, presetDictionary = 8, 7, 0x20
	if cmf&15 != deflate || cmf>>4 > largestWindow || (cmf<<8|flags)%31 != 0 || flags&presetDictionary != 0 {
		return errInflateHead
	}
	z.step = stepBlock
	return nil
}

// block reads the three bits that begin a block (RFC 1951 §3.2.3).
func (z *inflater) block() error {
	if !z.need(3) {
		return errMoreInput
	}
	z.final = z.take(1) == 1
	switch z.take(2) {
	case 0:
		z.step = stepStoredLength
	case 1:
		z.step = stepSymbols
		z.lit, z.dist = fixedLit(), fixedDist()
	case 2:
		z.step = stepCodeCounts
	default:
		return errInflateData
	}
	return nil
}

// endBlock goes on behind a block.
func (z *inflater) endBlock() {
	z.step = stepBlock
	if z.final {
		z.step = stepEnd
	}
}

// storedLength skips to the next byte and reads LEN and NLEN (RFC 1951 §3.2.4).
func (z *inflater) storedLength() error {
	z.take(z.have & 7) // whole bytes are left, and stay whole if there are too few now
	if !z.need(32) {
		return errMoreInput
	}
	n, inverse := z.take(16), z.take(16)
	if n != inverse^0xffff {
		return errInflateData
	}
	z.stored, z.step = n, stepStored
	return nil
}

// storedBytes copies a stored block, first the bytes that are in the bit buffer.
func (z *inflater) storedBytes() error {
	if len(z.out)-z.start+z.stored > z.limit {
		return errInflateBomb
	}
	for z.stored > 0 && z.have > 0 {
		z.room(1)
		z.out = append(z.out, byte(z.take(8)))
		z.stored--
	}
	n := min(z.stored, len(z.in))
	if n > 0 {
		z.bits = 0 // have is 0: what is left of bits is about to be copied from in
		z.room(n)
		z.out = append(z.out, z.in[:n]...)
		z.in, z.stored = z.in[n:], z.stored-n
	}
	if z.stored > 0 {
		return errMoreInput
	}
	z.endBlock()
	return nil
}

// codeCounts reads HLIT, HDIST and HCLEN (RFC 1951 §3.2.7).
func (z *inflater) codeCounts() error {
	if !z.need(14) {
		return errMoreInput
	}
	z.counts = [3]int{z.take(5) + 257, z.take(5) + 1, z.take(4) + 4}
	if z.counts[0] > maxLiterals || z.counts[1] > maxDistances {
		return errInflateData
	}
	clear(z.lengths[:])
	z.at, z.step = 0, stepCodeLengths
	return nil
}

// codeLengthOrder is the order of RFC 1951 §3.2.7.
var codeLengthOrder = [...]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// codeLengths reads the lengths of the codes that code the lengths of the other codes. The distance code's place holds
// that code, until the distance code itself is known.
func (z *inflater) codeLengths() error {
	for ; z.at < z.counts[2]; z.at++ {
		if !z.need(3) {
			return errMoreInput
		}
		z.lengths[codeLengthOrder[z.at]] = uint8(z.take(3))
	}
	if !z.ownDist.build(z.lengths[:len(codeLengthOrder)], false) {
		return errInflateData
	}
	clear(z.lengths[:])
	z.at, z.step = 0, stepSymbolLengths
	return nil
}

// symbolLengths reads the lengths of the literal and distance codes, run by run, and builds the codes.
func (z *inflater) symbolLengths() error {
	total := z.counts[0] + z.counts[1]
	for z.at < total {
		z.fill()
		symbol, n := z.ownDist.symbol(z.bits)
		if n == 0 || n > z.have {
			return z.noSymbol(z.have)
		}
		run, err := z.lengthRun(symbol, n)
		if err != nil {
			return err
		}
		if z.at += run; z.at > total {
			return errInflateData
		}
	}
	lit, dist := z.lengths[:z.counts[0]], z.lengths[z.counts[0]:total]
	if lit[endOfBlock] == 0 || !z.ownLit.build(lit, true) || !z.ownDist.build(dist, true) {
		return errInflateData
	}
	z.lit, z.dist, z.step = &z.ownLit, &z.ownDist, stepSymbols
	return nil
}

// lengthRun stores what one symbol of n bits says about the lengths from at on, and returns for how many it says it.
func (z *inflater) lengthRun(symbol, n int) (run int, err error) {
	if symbol < 16 {
		z.take(n)
		z.lengths[z.at] = uint8(symbol)
		return 1, nil
	}
	row := [...]struct{ extra, least int }{{2, 3}, {3, 3}, {7, 11}}[symbol-16]
	if n+row.extra > z.have {
		return 0, errMoreInput
	}
	z.take(n)
	run = row.least + z.take(row.extra)
	if symbol == 16 {
		if z.at == 0 {
			return 0, errInflateData
		}
		for i := z.at; i < min(z.at+run, len(z.lengths)); i++ {
			z.lengths[i] = z.lengths[z.at-1]
		}
	}
	return run, nil
}

// noSymbol tells a code that is cut off by the end of the input from one that does not exist.
func (z *inflater) noSymbol(have int) error {
	if have >= maxCode {
		return errInflateData
	}
	return errMoreInput
}

// symbols decodes literals and matches until the block or the input ends (RFC 1951 §3.2.3, §3.2.5).
func (z *inflater) symbols() error {
	end := z.start + z.limit
	for {
		z.fill()
		symbol, n := z.lit.symbol(z.bits)
		if n == 0 || n > z.have {
			return z.noSymbol(z.have)
		}
		switch {
		case symbol < endOfBlock:
			if len(z.out) == end {
				return errInflateBomb
			}
			if len(z.out) == cap(z.out) {
				z.room(1)
			}
			z.out = append(z.out, byte(symbol))
			z.bits >>= n
			z.have -= n
		case symbol == endOfBlock:
			z.take(n)
			z.endBlock()
			return nil
		default:
			if err := z.match(symbol-endOfBlock-1, n, end); err != nil {
				return err
			}
		}
	}
}

// match decodes and copies a match whose length symbol has n bits; it uses up nothing unless all of it is there.
func (z *inflater) match(symbol, n, end int) error {
	if symbol >= len(lengthRows) {
		return errInflateData
	}
	row := lengthRows[symbol]
	bits, used := z.bits>>n, n
	length := int(row.base) + int(bits&(1<<row.extra-1))
	bits, used = bits>>row.extra, used+int(row.extra)
	symbol, n = z.dist.symbol(bits)
	if n == 0 || used+n > z.have {
		return z.noSymbol(z.have - used)
	}
	if symbol >= len(distanceRows) {
		return errInflateData
	}
	row = distanceRows[symbol]
	bits, used = bits>>n, used+n
	distance := int(row.base) + int(bits&(1<<row.extra-1))
	if used += int(row.extra); used > z.have {
		return errMoreInput
	}
	if distance > len(z.out) {
		return errInflateData
	}
	if len(z.out)+length > end {
		return errInflateBomb
	}
	z.take(used)
	z.room(length)
	z.repeat(distance, length)
	return nil
}

// repeat appends length bytes from distance back; they may overlap what is appended, and room is there.
func (z *inflater) repeat(distance, length int) {
	at, from := len(z.out), len(z.out)-distance
	z.out = z.out[:at+length]
	for at < len(z.out) {
		at += copy(z.out[at:], z.out[from:at])
	}
}

// room makes sure that n bytes fit behind out. It grows by doubling, but never beyond what a payload of the limit needs.
func (z *inflater) room(n int) {
	if len(z.out)+n <= cap(z.out) {
		return
	}
	size := max(2*cap(z.out), inflateFirst, len(z.out)+n)
	grown := make([]byte, len(z.out), min(size, inflateKeep+z.limit))
	copy(grown, z.out)
	z.out = grown
}
