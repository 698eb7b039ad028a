#include "textflag.h"

// ChaCha20 (RFC 8439 §2.3) with AVX2: eight blocks at a time. Register i has
// word i of all eight, so a quarter round is the same for each; at the end the
// words are transposed into blocks.
//
// The words take all sixteen registers, and a rotation by 12 or 7 needs one
// more: word 3 lies in memory, at AX, so that Y3 is free.

// left16 and left8 are the rotations of a word to the left, as shuffles.
DATA left16<>+0x00(SB)/8, $0x0504070601000302
DATA left16<>+0x08(SB)/8, $0x0d0c0f0e09080b0a
DATA left16<>+0x10(SB)/8, $0x0504070601000302
DATA left16<>+0x18(SB)/8, $0x0d0c0f0e09080b0a
GLOBL left16<>(SB), RODATA|NOPTR, $32

DATA left8<>+0x00(SB)/8, $0x0605040702010003
DATA left8<>+0x08(SB)/8, $0x0e0d0c0f0a09080b
DATA left8<>+0x10(SB)/8, $0x0605040702010003
DATA left8<>+0x18(SB)/8, $0x0e0d0c0f0a09080b
GLOBL left8<>(SB), RODATA|NOPTR, $32

DATA eight<>+0x00(SB)/4, $8
DATA eight<>+0x04(SB)/4, $8
DATA eight<>+0x08(SB)/4, $8
DATA eight<>+0x0c(SB)/4, $8
DATA eight<>+0x10(SB)/4, $8
DATA eight<>+0x14(SB)/4, $8
DATA eight<>+0x18(SB)/4, $8
DATA eight<>+0x1c(SB)/4, $8
GLOBL eight<>(SB), RODATA|NOPTR, $32

// half is half a quarter round, a += b; d ^= a; d <<<= 16 or 8; c += d; b ^= c;
// b <<<= n, in all eight blocks.
#define half(left, n, a, b, c, d) \
	VPADDD b, a, a \
	VPXOR a, d, d \
	halfOfBC(left, n, b, c, d)

// half3 is half where a is word 3.
#define half3(left, n, b, c, d) \
	VPADDD (AX), b, Y3 \
	VMOVDQA Y3, (AX) \
	VPXOR Y3, d, d \
	halfOfBC(left, n, b, c, d)

#define halfOfBC(left, n, b, c, d) \
	VPSHUFB left<>(SB), d, d \
	VPADDD d, c, c \
	VPXOR c, b, b \
	VPSLLD $(n), b, Y3 \
	VPSRLD $(32-(n)), b, b \
	VPOR Y3, b, b

// initial adds word i of the initial state, the same in all blocks.
#define initial(i, r) \
	VPBROADCASTD (4*(i))(R8), Y15 \
	VPADDD Y15, r, r

// blocks puts together the halves of all eight blocks that begin at byte
// offset, whose words are Y0 to Y7, and writes src, xored with them, to dst.
#define blocks(offset) \
	VPUNPCKLDQ Y1, Y0, Y8 \
	VPUNPCKHDQ Y1, Y0, Y9 \
	VPUNPCKLDQ Y3, Y2, Y10 \
	VPUNPCKHDQ Y3, Y2, Y11 \
	VPUNPCKLDQ Y5, Y4, Y12 \
	VPUNPCKHDQ Y5, Y4, Y13 \
	VPUNPCKLDQ Y7, Y6, Y14 \
	VPUNPCKHDQ Y7, Y6, Y15 \
	VPUNPCKLQDQ Y10, Y8, Y0 \
	VPUNPCKHQDQ Y10, Y8, Y1 \
	VPUNPCKLQDQ Y11, Y9, Y2 \
	VPUNPCKHQDQ Y11, Y9, Y3 \
	VPUNPCKLQDQ Y14, Y12, Y4 \
	VPUNPCKHQDQ Y14, Y12, Y5 \
	VPUNPCKLQDQ Y15, Y13, Y6 \
	VPUNPCKHQDQ Y15, Y13, Y7 \
	block(offset, X4, Y4, Y0) \
	block(offset+64, X5, Y5, Y1) \
	block(offset+128, X6, Y6, Y2) \
	block(offset+192, X7, Y7, Y3)

// block writes the halves of two blocks that are four apart.
#define block(offset, x, y, r) \
	VINSERTI128 $1, x, r, Y8 \
	VPERM2I128 $0x31, y, r, Y9 \
	VPXOR (offset)(SI), Y8, Y8 \
	VPXOR (offset+256)(SI), Y9, Y9 \
	VMOVDQU Y8, (offset)(DI) \
	VMOVDQU Y9, (offset+256)(DI)

// func chachaEights(key *chachaKey, tails *chachaTails, dst, src *byte, n int)
TEXT ·chachaEights(SB), NOSPLIT, $320-40
	MOVQ key+0(FP), R8
	MOVQ tails+8(FP), R9
	MOVQ dst+16(FP), DI
	MOVQ src+24(FP), SI
	MOVQ n+32(FP), CX
	LEAQ 31(SP), AX // word 3, then words 8 to 15
	ANDQ $~31, AX

group:
	VPBROADCASTD 0(R8), Y0
	VPBROADCASTD 4(R8), Y1
	VPBROADCASTD 8(R8), Y2
	VPBROADCASTD 12(R8), Y3
	VPBROADCASTD 16(R8), Y4
	VPBROADCASTD 20(R8), Y5
	VPBROADCASTD 24(R8), Y6
	VPBROADCASTD 28(R8), Y7
	VPBROADCASTD 32(R8), Y8
	VPBROADCASTD 36(R8), Y9
	VPBROADCASTD 40(R8), Y10
	VPBROADCASTD 44(R8), Y11
	VMOVDQU 0(R9), Y12
	VMOVDQU 32(R9), Y13
	VMOVDQU 64(R9), Y14
	VMOVDQU 96(R9), Y15
	VMOVDQA Y3, (AX)
	MOVQ $10, DX

rounds:
	half(left16, 12, Y0, Y4, Y8, Y12)
	half(left16, 12, Y1, Y5, Y9, Y13)
	half(left16, 12, Y2, Y6, Y10, Y14)
	half3(left16, 12, Y7, Y11, Y15)
	half(left8, 7, Y0, Y4, Y8, Y12)
	half(left8, 7, Y1, Y5, Y9, Y13)
	half(left8, 7, Y2, Y6, Y10, Y14)
	half3(left8, 7, Y7, Y11, Y15)
	half(left16, 12, Y0, Y5, Y10, Y15)
	half(left16, 12, Y1, Y6, Y11, Y12)
	half(left16, 12, Y2, Y7, Y8, Y13)
	half3(left16, 12, Y4, Y9, Y14)
	half(left8, 7, Y0, Y5, Y10, Y15)
	half(left8, 7, Y1, Y6, Y11, Y12)
	half(left8, 7, Y2, Y7, Y8, Y13)
	half3(left8, 7, Y4, Y9, Y14)
	DECQ DX
	JNZ rounds

	VPADDD 0(R9), Y12, Y12
	VPADDD 32(R9), Y13, Y13
	VPADDD 64(R9), Y14, Y14
	VPADDD 96(R9), Y15, Y15
	VMOVDQA (AX), Y3
	VMOVDQA Y8, 32(AX)
	VMOVDQA Y9, 64(AX)
	VMOVDQA Y10, 96(AX)
	VMOVDQA Y11, 128(AX)
	VMOVDQA Y12, 160(AX)
	VMOVDQA Y13, 192(AX)
	VMOVDQA Y14, 224(AX)
	VMOVDQA Y15, 256(AX)
	initial(0, Y0)
	initial(1, Y1)
	initial(2, Y2)
	initial(3, Y3)
	initial(4, Y4)
	initial(5, Y5)
	initial(6, Y6)
	initial(7, Y7)
	blocks(0)
	VMOVDQA 32(AX), Y0
	VMOVDQA 64(AX), Y1
	VMOVDQA 96(AX), Y2
	VMOVDQA 128(AX), Y3
	initial(8, Y0)
	initial(9, Y1)
	initial(10, Y2)
	initial(11, Y3)
	VMOVDQA 160(AX), Y4
	VMOVDQA 192(AX), Y5
	VMOVDQA 224(AX), Y6
	VMOVDQA 256(AX), Y7
	blocks(32)

	VMOVDQU 0(R9), Y0
	VPADDD eight<>(SB), Y0, Y0
	VMOVDQU Y0, 0(R9)
	ADDQ $512, SI
	ADDQ $512, DI
	DECQ CX
	JNZ group
	VZEROUPPER
	RET
