//go:build !amd64

package cipher

// There is no vector code of ours here: the has functions say so, and the others are never called.

func hasVectorChaCha() bool { return false }

func hasVectorPoly() bool { return false }

func chachaGroups(*[16]uint32, *byte, *byte, int) { panic("cipher: no vector instructions") }

func polyGroups(*[3][8]uint64, *[5]uint64, *byte, int) { panic("cipher: no vector instructions") }
