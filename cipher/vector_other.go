//go:build !amd64

package cipher

// There is no vector code of ours here: the has functions say so, and the others are never called.

func hasAVX2() bool { return false }

func hasAVX512() bool { return false }

func hasIFMA() bool { return false }

func chachaEights(*chachaKey, *chachaTails, *byte, *byte, int) {
	panic("cipher: no vector instructions")
}

func polyFours(*[5][4]uint64, *[2][9]uint32, *byte, int) { panic("cipher: no vector instructions") }

func chachaSixteens(*[16]uint32, *byte, *byte, int) { panic("cipher: no vector instructions") }

func polyEights(*[3][8]uint64, *[5]uint64, *byte, int) { panic("cipher: no vector instructions") }
