package certstore

import (
	"encoding/binary"
	"math/bits"

	"golang.org/x/crypto/blake2b"
)

// Argon2d (RFC 9106), which x/crypto/argon2 does not have: it is the variant
// whose memory accesses depend on the password, and puttygen offers it.

const (
	argonVersion   = 0x13
	argonTypeD     = 0
	argonSlices    = 4
	argonBlockSize = 1024
)

type argonBlock [argonBlockSize / 8]uint64

// argon2d derives size bytes; memory is in KiB, at least 8 for each lane.
func argon2d(password, salt []byte, passes, memory uint32, lanes uint8, size uint32) []byte {
	return argon2dWith(password, salt, nil, nil, passes, memory, uint32(lanes), size)
}

// argon2dWith has the secret and the further data of the RFC, for its vector.
func argon2dWith(password, salt, secret, data []byte, passes, memory, lanes, size uint32) []byte {
	le := binary.LittleEndian.AppendUint32
	var in []byte
	for _, v := range []uint32{lanes, size, memory, passes, argonVersion, argonTypeD} {
		in = le(in, v)
	}
	for _, s := range [][]byte{password, salt, secret, data} {
		in = append(le(in, uint32(len(s))), s...)
	}
	seed := blake2b.Sum512(in)
	clear(in)
	a := argon{segment: int(memory) / (argonSlices * int(lanes)), lanes: int(lanes)}
	a.lane = argonSlices * a.segment
	a.blocks = make([]argonBlock, a.lane*a.lanes)
	for lane := range a.lanes {
		for column := range 2 {
			first := argonHash(le(le(seed[:len(seed):len(seed)], uint32(column)), uint32(lane)), argonBlockSize)
			a.blocks[lane*a.lane+column].load(first)
		}
	}
	for pass := range int(passes) {
		for slice := range argonSlices {
			for lane := range a.lanes {
				a.fill(pass, slice, lane)
			}
		}
	}
	return argonHash(a.last(), int(size))
}

// argonHash is H' of RFC 9106 §3.3.
func argonHash(in []byte, size int) []byte {
	in = append(binary.LittleEndian.AppendUint32(nil, uint32(size)), in...)
	var out []byte
	for size > blake2b.Size {
		v := blake2b.Sum512(in)
		out = append(out, v[:blake2b.Size/2]...)
		in, size = v[:], size-blake2b.Size/2
	}
	h, err := blake2b.New(size, nil)
	if err != nil {
		panic("certstore: BLAKE2b of 1 to 64 bytes: " + err.Error())
	}
	h.Write(in)
	return h.Sum(out)
}

// argon is the memory: lanes of lane blocks, in four segments each.
type argon struct {
	blocks               []argonBlock
	lanes, lane, segment int
}

// fill computes a segment (RFC 9106 §3.4).
func (a *argon) fill(pass, slice, lane int) {
	start := 0
	if pass == 0 && slice == 0 {
		start = 2 // these are there
	}
	for i := start; i < a.segment; i++ {
		column := slice*a.segment + i
		previous := &a.blocks[lane*a.lane+(column+a.lane-1)%a.lane]
		j1, j2 := uint32(previous[0]), uint32(previous[0]>>32)
		from := int(j2) % a.lanes
		if pass == 0 && slice == 0 {
			from = lane
		}
		ref := &a.blocks[from*a.lane+a.reference(pass, slice, i, j1, from == lane)]
		a.blocks[lane*a.lane+column].mix(previous, ref, pass > 0)
	}
}

// reference maps j1 to a column (RFC 9106 §3.4.2).
func (a *argon) reference(pass, slice, i int, j1 uint32, same bool) int {
	area, start := slice*a.segment, 0
	if pass > 0 {
		area, start = a.lane-a.segment, (slice+1)*a.segment
	}
	if same {
		area += i - 1
	} else if i == 0 {
		area--
	}
	x := uint64(j1) * uint64(j1) >> 32
	back := uint64(area) * x >> 32
	return (start + area - 1 - int(back)) % a.lane
}

// last returns the last blocks of all lanes, added.
func (a *argon) last() []byte {
	var sum argonBlock
	for lane := range a.lanes {
		for i, v := range a.blocks[(lane+1)*a.lane-1] {
			sum[i] ^= v
		}
	}
	out := make([]byte, 0, argonBlockSize)
	for _, v := range sum {
		out = binary.LittleEndian.AppendUint64(out, v)
	}
	return out
}

func (b *argonBlock) load(p []byte) {
	for i := range b {
		b[i] = binary.LittleEndian.Uint64(p[8*i:])
	}
}

// mix is G of RFC 9106 §3.5; with add the old block is added.
func (b *argonBlock) mix(x, y *argonBlock, add bool) {
	var r, z argonBlock
	for i := range r {
		r[i] = x[i] ^ y[i]
	}
	z = r
	for i := range 8 {
		var row [16]*uint64
		for k := range row {
			row[k] = &z[16*i+k]
		}
		permute(&row)
	}
	for i := range 8 {
		var column [16]*uint64
		for k := range column {
			column[k] = &z[2*i+16*(k/2)+k%2]
		}
		permute(&column)
	}
	for i := range b {
		v := z[i] ^ r[i]
		if add {
			v ^= b[i]
		}
		b[i] = v
	}
}

// permute is P of RFC 9106 §3.6.
func permute(v *[16]*uint64) {
	for i := range 4 {
		argonQuarter(v[i], v[4+i], v[8+i], v[12+i])
	}
	for i := range 4 {
		argonQuarter(v[i], v[4+(i+1)%4], v[8+(i+2)%4], v[12+(i+3)%4])
	}
}

func argonQuarter(a, b, c, d *uint64) {
	*a = mulAdd(*a, *b)
	*d = bits.RotateLeft64(*d^*a, -32)
	*c = mulAdd(*c, *d)
	*b = bits.RotateLeft64(*b^*c, -24)
	*a = mulAdd(*a, *b)
	*d = bits.RotateLeft64(*d^*a, -16)
	*c = mulAdd(*c, *d)
	*b = bits.RotateLeft64(*b^*c, -63)
}

func mulAdd(x, y uint64) uint64 { return x + y + 2*uint64(uint32(x))*uint64(uint32(y)) }
