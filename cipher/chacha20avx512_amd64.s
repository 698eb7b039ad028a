#include "textflag.h"

// ChaCha20 (RFC 8439 §2.3) with AVX-512: sixteen blocks at a time. Register i
// has word i of all sixteen, so a quarter round is the same for each; at the
// end the words are transposed into blocks.

DATA lanes<>+0x00(SB)/4, $0
DATA lanes<>+0x04(SB)/4, $1
DATA lanes<>+0x08(SB)/4, $2
DATA lanes<>+0x0c(SB)/4, $3
DATA lanes<>+0x10(SB)/4, $4
DATA lanes<>+0x14(SB)/4, $5
DATA lanes<>+0x18(SB)/4, $6
DATA lanes<>+0x1c(SB)/4, $7
DATA lanes<>+0x20(SB)/4, $8
DATA lanes<>+0x24(SB)/4, $9
DATA lanes<>+0x28(SB)/4, $10
DATA lanes<>+0x2c(SB)/4, $11
DATA lanes<>+0x30(SB)/4, $12
DATA lanes<>+0x34(SB)/4, $13
DATA lanes<>+0x38(SB)/4, $14
DATA lanes<>+0x3c(SB)/4, $15
GLOBL lanes<>(SB), RODATA|NOPTR, $64

// step is a += b; d ^= a; d <<<= r, in four columns at once.
#define step(r, a0, b0, d0, a1, b1, d1, a2, b2, d2, a3, b3, d3) \
	VPADDD b0, a0, a0 \
	VPADDD b1, a1, a1 \
	VPADDD b2, a2, a2 \
	VPADDD b3, a3, a3 \
	VPXORD a0, d0, d0 \
	VPXORD a1, d1, d1 \
	VPXORD a2, d2, d2 \
	VPXORD a3, d3, d3 \
	VPROLD $r, d0, d0 \
	VPROLD $r, d1, d1 \
	VPROLD $r, d2, d2 \
	VPROLD $r, d3, d3

// words adds the initial state to words i to i+3, and leaves them in r0 to r3
// as four blocks a register, of which each 128-bit lane has these words.
#define words(i, r0, r1, r2, r3) \
	VPADDD.BCST (4*(i))(R8), r0, r0 \
	VPADDD.BCST (4*(i)+4)(R8), r1, r1 \
	VPADDD.BCST (4*(i)+8)(R8), r2, r2 \
	VPADDD.BCST (4*(i)+12)(R8), r3, r3 \
	interleave(r0, r1, r2, r3)

#define interleave(r0, r1, r2, r3) \
	VPUNPCKLDQ r1, r0, Z16 \
	VPUNPCKHDQ r1, r0, Z17 \
	VPUNPCKLDQ r3, r2, Z18 \
	VPUNPCKHDQ r3, r2, Z19 \
	VPUNPCKLQDQ Z18, Z16, r0 \
	VPUNPCKHQDQ Z18, Z16, r1 \
	VPUNPCKLQDQ Z19, Z17, r2 \
	VPUNPCKHQDQ Z19, Z17, r3

// blocks puts together blocks k, 4+k, 8+k and 12+k, whose words are in the
// lanes of w0 to w3, and writes src, xored with them, to dst.
#define blocks(k, w0, w1, w2, w3) \
	VSHUFI32X4 $0x44, w1, w0, Z16 \
	VSHUFI32X4 $0x44, w3, w2, Z17 \
	VSHUFI32X4 $0xee, w1, w0, Z18 \
	VSHUFI32X4 $0xee, w3, w2, Z19 \
	VSHUFI32X4 $0x88, Z17, Z16, Z20 \
	VSHUFI32X4 $0xdd, Z17, Z16, Z21 \
	VSHUFI32X4 $0x88, Z19, Z18, Z22 \
	VSHUFI32X4 $0xdd, Z19, Z18, Z23 \
	VPXORD (64*(k))(SI), Z20, Z20 \
	VPXORD (64*(k)+256)(SI), Z21, Z21 \
	VPXORD (64*(k)+512)(SI), Z22, Z22 \
	VPXORD (64*(k)+768)(SI), Z23, Z23 \
	VMOVDQU32 Z20, (64*(k))(DI) \
	VMOVDQU32 Z21, (64*(k)+256)(DI) \
	VMOVDQU32 Z22, (64*(k)+512)(DI) \
	VMOVDQU32 Z23, (64*(k)+768)(DI)

// func chachaSixteens(state *[16]uint32, dst, src *byte, n int)
TEXT ·chachaSixteens(SB), NOSPLIT, $0-32
	MOVQ state+0(FP), R8
	MOVQ dst+8(FP), DI
	MOVQ src+16(FP), SI
	MOVQ n+24(FP), CX
	VMOVDQU32 lanes<>(SB), Z31

group:

	VPBROADCASTD 0(R8), Z0
	VPBROADCASTD 4(R8), Z1
	VPBROADCASTD 8(R8), Z2
	VPBROADCASTD 12(R8), Z3
	VPBROADCASTD 16(R8), Z4
	VPBROADCASTD 20(R8), Z5
	VPBROADCASTD 24(R8), Z6
	VPBROADCASTD 28(R8), Z7
	VPBROADCASTD 32(R8), Z8
	VPBROADCASTD 36(R8), Z9
	VPBROADCASTD 40(R8), Z10
	VPBROADCASTD 44(R8), Z11
	VPBROADCASTD 48(R8), Z12
	VPBROADCASTD 52(R8), Z13
	VPBROADCASTD 56(R8), Z14
	VPBROADCASTD 60(R8), Z15
	VPADDD Z31, Z12, Z12
	MOVQ $10, AX

rounds:
	step(16, Z0, Z4, Z12, Z1, Z5, Z13, Z2, Z6, Z14, Z3, Z7, Z15)
	step(12, Z8, Z12, Z4, Z9, Z13, Z5, Z10, Z14, Z6, Z11, Z15, Z7)
	step(8, Z0, Z4, Z12, Z1, Z5, Z13, Z2, Z6, Z14, Z3, Z7, Z15)
	step(7, Z8, Z12, Z4, Z9, Z13, Z5, Z10, Z14, Z6, Z11, Z15, Z7)
	step(16, Z0, Z5, Z15, Z1, Z6, Z12, Z2, Z7, Z13, Z3, Z4, Z14)
	step(12, Z10, Z15, Z5, Z11, Z12, Z6, Z8, Z13, Z7, Z9, Z14, Z4)
	step(8, Z0, Z5, Z15, Z1, Z6, Z12, Z2, Z7, Z13, Z3, Z4, Z14)
	step(7, Z10, Z15, Z5, Z11, Z12, Z6, Z8, Z13, Z7, Z9, Z14, Z4)
	DECQ AX
	JNZ rounds

	VPADDD Z31, Z12, Z12
	words(0, Z0, Z1, Z2, Z3)
	words(4, Z4, Z5, Z6, Z7)
	words(8, Z8, Z9, Z10, Z11)
	words(12, Z12, Z13, Z14, Z15)
	blocks(0, Z0, Z4, Z8, Z12)
	blocks(1, Z1, Z5, Z9, Z13)
	blocks(2, Z2, Z6, Z10, Z14)
	blocks(3, Z3, Z7, Z11, Z15)
	ADDL $16, 48(R8)
	ADDQ $1024, SI
	ADDQ $1024, DI
	DECQ CX
	JNZ group
	VZEROUPPER
	RET
