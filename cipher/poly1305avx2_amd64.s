#include "textflag.h"

// Poly1305 (RFC 8439 §2.5) with AVX2: four sums side by side, each of every
// fourth block, in limbs of 26 bits, one in 64 bits of a register. Y0 to Y4 are
// the sums. In memory, at AX, is what they are multiplied by: the eighth power
// of r in limbs 0 to 4, then five times limbs 1 to 4, since what goes beyond
// 2^130 comes back 5 times; behind it the same of the fourth power.

DATA mask26<>+0x00(SB)/8, $0x3ffffff
DATA mask26<>+0x08(SB)/8, $0x3ffffff
DATA mask26<>+0x10(SB)/8, $0x3ffffff
DATA mask26<>+0x18(SB)/8, $0x3ffffff
GLOBL mask26<>(SB), RODATA|NOPTR, $32

DATA bit128<>+0x00(SB)/8, $0x1000000
DATA bit128<>+0x08(SB)/8, $0x1000000
DATA bit128<>+0x10(SB)/8, $0x1000000
DATA bit128<>+0x18(SB)/8, $0x1000000
GLOBL bit128<>(SB), RODATA|NOPTR, $32

// blocks loads the four blocks at offset, in the order 0 2 1 3: their lower
// halves into Y5, the higher ones into Y6.
#define blocks(offset) \
	VMOVDQU (offset)(SI), Y6 \
	VMOVDQU (offset+32)(SI), Y7 \
	VPUNPCKLQDQ Y7, Y6, Y5 \
	VPUNPCKHQDQ Y7, Y6, Y6

// limb0 to limb4 take limbs out of Y5 and Y6 into Y7, the last with bit 128.
#define limb0 \
	VPAND Y9, Y5, Y7

#define limb1 \
	VPSRLQ $26, Y5, Y7 \
	VPAND Y9, Y7, Y7

#define limb2 \
	VPSRLQ $52, Y5, Y7 \
	VPSLLQ $12, Y6, Y8 \
	VPOR Y8, Y7, Y7 \
	VPAND Y9, Y7, Y7

#define limb3 \
	VPSRLQ $14, Y6, Y7 \
	VPAND Y9, Y7, Y7

#define limb4 \
	VPSRLQ $40, Y6, Y7 \
	VPOR bit128<>(SB), Y7, Y7

// product adds x times the multiplier at offset to sum.
#define product(x, offset, sum) \
	VPMULUDQ (offset)(AX), x, Y15 \
	VPADDQ Y15, sum, sum

// products adds the products of limb x with the multipliers r0 to r4, which are
// for limbs 0 to 4 of the sum, to Y10 to Y14.
#define products(x, r0, r1, r2, r3, r4) \
	product(x, 32*(r0), Y10) \
	product(x, 32*(r1), Y11) \
	product(x, 32*(r2), Y12) \
	product(x, 32*(r3), Y13) \
	product(x, 32*(r4), Y14)

// carry leaves 26 bits in limb and adds the rest to next.
#define carry(limb, next) \
	VPSRLQ $26, limb, Y15 \
	VPAND Y9, limb, limb \
	VPADDQ Y15, next, next

// func polyFours(h *[5][4]uint64, r *[2][9]uint32, p *byte, n int)
TEXT ·polyFours(SB), NOSPLIT, $608-32
	MOVQ h+0(FP), DI
	MOVQ r+8(FP), BX
	MOVQ p+16(FP), SI
	MOVQ n+24(FP), CX
	LEAQ 31(SP), AX
	ANDQ $~31, AX
	XORQ DX, DX

broadcast:
	VPBROADCASTD (BX)(DX*4), Y0
	MOVQ DX, R8
	SHLQ $5, R8
	VMOVDQA Y0, (AX)(R8*1)
	INCQ DX
	CMPQ DX, $18
	JNE broadcast

	VMOVDQU 0(DI), Y0
	VMOVDQU 32(DI), Y1
	VMOVDQU 64(DI), Y2
	VMOVDQU 96(DI), Y3
	VMOVDQU 128(DI), Y4
	VMOVDQU mask26<>(SB), Y9

group:
	blocks(0)
	limb0
	VPMULUDQ (32*9)(AX), Y7, Y10
	VPMULUDQ (32*10)(AX), Y7, Y11
	VPMULUDQ (32*11)(AX), Y7, Y12
	VPMULUDQ (32*12)(AX), Y7, Y13
	VPMULUDQ (32*13)(AX), Y7, Y14
	limb1
	products(Y7, 17, 9, 10, 11, 12)
	limb2
	products(Y7, 16, 17, 9, 10, 11)
	limb3
	products(Y7, 15, 16, 17, 9, 10)
	limb4
	products(Y7, 14, 15, 16, 17, 9)
	blocks(64)
	limb0
	VPADDQ Y7, Y10, Y10
	limb1
	VPADDQ Y7, Y11, Y11
	limb2
	VPADDQ Y7, Y12, Y12
	limb3
	VPADDQ Y7, Y13, Y13
	limb4
	VPADDQ Y7, Y14, Y14
	products(Y0, 0, 1, 2, 3, 4)
	products(Y1, 8, 0, 1, 2, 3)
	products(Y2, 7, 8, 0, 1, 2)
	products(Y3, 6, 7, 8, 0, 1)
	products(Y4, 5, 6, 7, 8, 0)

	carry(Y10, Y11)
	carry(Y13, Y14)
	carry(Y11, Y12)
	VPSRLQ $26, Y14, Y15
	VPAND Y9, Y14, Y4
	VPADDQ Y15, Y10, Y10
	VPSLLQ $2, Y15, Y15
	VPADDQ Y15, Y10, Y10
	VPSRLQ $26, Y12, Y15
	VPAND Y9, Y12, Y2
	VPADDQ Y15, Y13, Y13
	VPSRLQ $26, Y10, Y15
	VPAND Y9, Y10, Y0
	VPADDQ Y15, Y11, Y1
	VPSRLQ $26, Y13, Y15
	VPAND Y9, Y13, Y3
	VPADDQ Y15, Y4, Y4

	ADDQ $128, SI
	DECQ CX
	JNZ group

	VMOVDQU Y0, 0(DI)
	VMOVDQU Y1, 32(DI)
	VMOVDQU Y2, 64(DI)
	VMOVDQU Y3, 96(DI)
	VMOVDQU Y4, 128(DI)
	VZEROUPPER
	RET
