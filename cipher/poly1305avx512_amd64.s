#include "textflag.h"

// Poly1305 (RFC 8439 §2.5) with AVX-512 IFMA: eight sums side by side, each of
// every eighth block, in limbs of 44, 44 and 42 bits. Z0 to Z2 are the sums, Z3
// to Z5 the limbs of the eighth power of r, Z6 and Z7 are 20 times its limbs 1
// and 2: what goes beyond 2^132 comes back 20 times, for 2^130 is 5.

// multiply adds the products of limbs x and y to lo, and what is beyond 52 bits
// of them to hi.
#define multiply(x, y, lo, hi) \
	VPMADD52LUQ y, x, lo \
	VPMADD52HUQ y, x, hi

// carry takes limb from lo, of as many bits as shift says, and adds the rest,
// and hi, to next. hi counts from bit 52.
#define carry(lo, hi, shift, mask, hishift, limb, next) \
	VPANDQ mask, lo, limb \
	VPSRLQ $shift, lo, lo \
	VPSLLQ $hishift, hi, hi \
	VPADDQ lo, next, next \
	VPADDQ hi, next, next

// func polyEights(h *[3][8]uint64, r *[5]uint64, p *byte, n int)
TEXT ·polyEights(SB), NOSPLIT, $0-32
	MOVQ h+0(FP), DI
	MOVQ r+8(FP), BX
	MOVQ p+16(FP), SI
	MOVQ n+24(FP), CX
	VMOVDQU64 0(DI), Z0
	VMOVDQU64 64(DI), Z1
	VMOVDQU64 128(DI), Z2
	VPBROADCASTQ 0(BX), Z3
	VPBROADCASTQ 8(BX), Z4
	VPBROADCASTQ 16(BX), Z5
	VPBROADCASTQ 24(BX), Z6
	VPBROADCASTQ 32(BX), Z7
	MOVQ $0x00000fffffffffff, AX
	VPBROADCASTQ AX, Z8
	MOVQ $0x000003ffffffffff, AX
	VPBROADCASTQ AX, Z9
	MOVQ $0x0000010000000000, AX // bit 128 of a block
	VPBROADCASTQ AX, Z10

group:
	// The limbs of eight blocks, in the order 0 4 1 5 2 6 3 7.
	VMOVDQU64 0(SI), Z11
	VMOVDQU64 64(SI), Z12
	VPUNPCKLQDQ Z12, Z11, Z13
	VPUNPCKHQDQ Z12, Z11, Z14
	VPANDQ Z8, Z13, Z15
	VPSRLQ $44, Z13, Z13
	VPSLLQ $20, Z14, Z16
	VPORQ Z13, Z16, Z16
	VPANDQ Z8, Z16, Z16
	VPSRLQ $24, Z14, Z17
	VPORQ Z10, Z17, Z17

	VPXORQ Z18, Z18, Z18
	VPXORQ Z19, Z19, Z19
	VPXORQ Z20, Z20, Z20
	multiply(Z0, Z3, Z15, Z18)
	multiply(Z0, Z4, Z16, Z19)
	multiply(Z0, Z5, Z17, Z20)
	multiply(Z1, Z7, Z15, Z18)
	multiply(Z1, Z3, Z16, Z19)
	multiply(Z1, Z4, Z17, Z20)
	multiply(Z2, Z6, Z15, Z18)
	multiply(Z2, Z7, Z16, Z19)
	multiply(Z2, Z3, Z17, Z20)

	VPXORQ Z21, Z21, Z21
	carry(Z15, Z18, 44, Z8, 8, Z0, Z16)
	carry(Z16, Z19, 44, Z8, 8, Z1, Z17)
	carry(Z17, Z20, 42, Z9, 10, Z2, Z21)
	VPSLLQ $2, Z21, Z22
	VPADDQ Z21, Z22, Z22
	VPADDQ Z22, Z0, Z22
	VPANDQ Z8, Z22, Z0
	VPSRLQ $44, Z22, Z22
	VPADDQ Z22, Z1, Z1

	ADDQ $128, SI
	DECQ CX
	JNZ group

	VMOVDQU64 Z0, 0(DI)
	VMOVDQU64 Z1, 64(DI)
	VMOVDQU64 Z2, 128(DI)
	VZEROUPPER
	RET
