package sshkey

import (
	"crypto"
	"crypto/hmac"
	"hash"
	"math/big"
)

// nonceSource makes the nonces of RFC 6979 §3.2 for one signature.
type nonceSource struct {
	hash func() hash.Hash
	q    *big.Int
	k, v []byte
}

// newNonceSource is steps a to g of RFC 6979 §3.2, with the additional data
// of §3.6 if there is any.
func newNonceSource(h crypto.Hash, q, x *big.Int, digest, extra []byte) *nonceSource {
	n := &nonceSource{hash: h.New, q: q, k: make([]byte, h.Size()), v: make([]byte, h.Size())}
	for i := range n.v {
		n.v[i] = 1
	}
	size := (q.BitLen() + 7) / 8
	seed := x.FillBytes(make([]byte, size))
	z := truncated(digest, q)
	seed = append(seed, z.Mod(z, q).FillBytes(make([]byte, size))...)
	seed = append(seed, extra...)
	defer clear(seed)
	n.update(0, seed)
	n.update(1, seed)
	return n
}

func (n *nonceSource) mac(parts ...[]byte) []byte {
	h := hmac.New(n.hash, n.k)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

func (n *nonceSource) update(step byte, seed []byte) {
	n.k = n.mac(n.v, []byte{step}, seed)
	n.v = n.mac(n.v)
}

// next is step h: the next nonce in 1..q-1.
func (n *nonceSource) next() *big.Int {
	for {
		var t []byte
		for len(t)*8 < n.q.BitLen() {
			n.v = n.mac(n.v)
			t = append(t, n.v...)
		}
		nonce := truncated(t, n.q)
		n.update(0, nil)
		if nonce.Sign() > 0 && nonce.Cmp(n.q) < 0 {
			return nonce
		}
	}
}

// truncated is bits2int of RFC 6979 §2.3.2: the leftmost bits of b, as many as
// q has.
func truncated(b []byte, q *big.Int) *big.Int {
	v := new(big.Int).SetBytes(b)
	if excess := len(b)*8 - q.BitLen(); excess > 0 {
		v.Rsh(v, uint(excess))
	}
	return v
}
