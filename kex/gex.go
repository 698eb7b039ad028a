package kex

import (
	"errors"
	"io"

	"github.com/hawser-ssh/hawser/wire"
)

var (
	errRequestBounds = errors.New("kex: the sizes asked for contradict each other")
	errNoGroup       = errors.New("kex: no group has a size asked for")
)

// GroupRequest is what a client asks for in a group exchange, in bits (RFC 4419 §3).
type GroupRequest struct {
	Min, Preferred, Max uint32
	// Old is a request of the form of old clients, which has only Preferred (RFC 4419 §5). Servers know it.
	Old bool
}

// DefaultGroupRequest returns the request of a client that is told nothing else: a group as strong as a 128-bit cipher
// (SP 800-57 part 1, table 2) and no weak one (RFC 8270 §3).
func DefaultGroupRequest() GroupRequest {
	return GroupRequest{Min: MinGroupBits, Preferred: 3072, Max: MaxGroupBits}
}

// bounds returns the sizes that both the request and we allow.
func (r GroupRequest) bounds() (low, preferred, high int, err error) {
	if r.Old {
		r.Min, r.Max = MinGroupBits, MaxGroupBits
		r.Preferred = min(max(r.Preferred, r.Min), r.Max)
	}
	if r.Min > r.Preferred || r.Preferred > r.Max || r.Max < MinGroupBits || r.Min > MaxGroupBits {
		return 0, 0, 0, failed(errRequestBounds)
	}
	low, high = int(max(r.Min, MinGroupBits)), int(min(r.Max, MaxGroupBits))
	return low, min(max(int(min(r.Preferred, MaxGroupBits)), low), high), high, nil
}

// Choose returns a server's group for the request: of those within the bounds the smallest that is not below the size
// preferred, or else the largest. Where there are several of that size, rand decides (nil is crypto/rand.Reader).
func (r GroupRequest) Choose(rand io.Reader, groups []Group) (Group, error) {
	low, preferred, high, err := r.bounds()
	if err != nil {
		return Group{}, err
	}
	var best []Group
	for _, g := range groups {
		n := g.Bits()
		if n < low || n > high {
			continue
		}
		switch {
		case len(best) == 0 || closer(n, best[0].Bits(), preferred):
			best = append(best[:0:0], g)
		case n == best[0].Bits():
			best = append(best, g)
		}
	}
	return pick(rand, best)
}

// closer reports whether size a serves a wish for preferred better than size b does.
func closer(a, b, preferred int) bool {
	if enoughA, enoughB := a >= preferred, b >= preferred; enoughA != enoughB {
		return enoughA
	} else if enoughA {
		return a < b
	}
	return a > b
}

// pick draws one of the groups. Which one it is is no secret, so that a small bias does no harm.
func pick(rand io.Reader, groups []Group) (Group, error) {
	if len(groups) == 0 {
		return Group{}, failed(errNoGroup)
	}
	if len(groups) == 1 {
		return groups[0], nil
	}
	var b [4]byte
	if err := fill(rand, b[:]); err != nil {
		return Group{}, err
	}
	i := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	return groups[i%uint32(len(groups))], nil
}

// Accept checks the group that a server sent, as big-endian magnitudes that are copied: its size against the request,
// p for being odd and not plainly composite, and 1 < g < p-1. With prove it also checks as Group.Prove does.
func (r GroupRequest) Accept(p, g []byte, prove bool) (Group, error) {
	low, _, high, err := r.bounds()
	if err != nil {
		return Group{}, err
	}
	group, err := newGroup(p, g, low, high)
	if err != nil {
		return Group{}, err
	}
	if err := group.plausible(); err != nil {
		return Group{}, err
	}
	if prove {
		if err := group.Prove(); err != nil {
			return Group{}, err
		}
	}
	return group, nil
}

// Over returns the second round of a method whose first was the choice of a group: the exchange itself, with a hash
// that covers the request and the group (RFC 4419 §3).
func (m Method) Over(r GroupRequest, g Group) Method {
	const lengthSize = 4
	h := make([]byte, 0, 3*lengthSize+lengthSize+len(g.P())+2*lengthSize)
	if r.Old {
		h = wire.AppendUint32(h, r.Preferred)
	} else {
		h = wire.AppendUint32(wire.AppendUint32(wire.AppendUint32(h, r.Min), r.Preferred), r.Max)
	}
	m.hashed = wire.AppendMpint(wire.AppendMpint(h, g.P()), g.G())
	m.GroupExchange, m.Offer, m.Answer = false, g.offer, g.answer
	return m
}
