#include "go_asm.h"
#include "textflag.h"

// AES (FIPS 197) in counter mode, GHASH (NIST SP 800-38D §6.4), and both
// stitched together, by the AES and carry-less multiplication instructions on
// two blocks at a time.
//
// GHASH takes the first bit of a block for the coefficient of x^0. With the
// bytes of a block turned round, bit i of the number is that of x^(127-i), and
// bit i of the product of two is that of x^(254-i). The powers of the hash key
// are divided by x, which makes this x^(255-i): the upper half of the product
// is an element as it stands, and the lower half has what must be reduced.

// The bytes of each block turned round.
DATA reversed<>+0(SB)/8, $0x08090a0b0c0d0e0f
DATA reversed<>+8(SB)/8, $0x0001020304050607
DATA reversed<>+16(SB)/8, $0x08090a0b0c0d0e0f
DATA reversed<>+24(SB)/8, $0x0001020304050607
GLOBL reversed<>(SB), RODATA|NOPTR, $32

// What the second block's counter is ahead of the first's.
DATA ahead<>+0(SB)/8, $0
DATA ahead<>+8(SB)/8, $0
DATA ahead<>+16(SB)/8, $1
DATA ahead<>+24(SB)/8, $0
GLOBL ahead<>(SB), RODATA|NOPTR, $32

// What two blocks move both counters on.
DATA two<>+0(SB)/8, $2
DATA two<>+8(SB)/8, $0
DATA two<>+16(SB)/8, $2
DATA two<>+24(SB)/8, $0
GLOBL two<>(SB), RODATA|NOPTR, $32

// x^128 is x^7 + x^2 + x + 1: bit 64-i is that of x^i, but for 1, which has no
// room and is added apart.
DATA modulus<>+0(SB)/8, $0xc200000000000000
DATA modulus<>+8(SB)/8, $0xc200000000000000
DATA modulus<>+16(SB)/8, $0xc200000000000000
DATA modulus<>+24(SB)/8, $0xc200000000000000
GLOBL modulus<>(SB), RODATA|NOPTR, $32

// Counter mode: sixteen blocks in Y0 to Y7, a round key in Y8, and in Y14 the
// next two counter blocks, turned round so that the counter comes first.

#define each(op) \
	op Y8, Y0, Y0 \
	op Y8, Y1, Y1 \
	op Y8, Y2, Y2 \
	op Y8, Y3, Y3 \
	op Y8, Y4, Y4 \
	op Y8, Y5, Y5 \
	op Y8, Y6, Y6 \
	op Y8, Y7, Y7

#define firstCounters(nonce, block) \
	VMOVQ (nonce), X14 \
	VPINSRD $2, 8(nonce), X14, X14 \
	VPSHUFB reversed<>(SB), X14, X14 \
	VPINSRD $0, block, X14, X14 \
	VINSERTI128 $1, X14, Y14, Y14 \
	VPADDD ahead<>(SB), Y14, Y14

#define count(blocks) \
	VPSHUFB reversed<>(SB), Y14, blocks \
	VPADDD two<>(SB), Y14, Y14

// The counter blocks, and round 0. AX is left at the key used last.
#define begin(keys) \
	count(Y0) \
	count(Y1) \
	count(Y2) \
	count(Y3) \
	count(Y4) \
	count(Y5) \
	count(Y6) \
	count(Y7) \
	MOVQ keys, AX \
	VBROADCASTI128 (AX), Y8 \
	each(VPXOR)

#define round \
	ADDQ $16, AX \
	VBROADCASTI128 (AX), Y8 \
	each(VAESENC)

// The last round ends with an exclusive or, which takes the text on the way.
#define last(blocks, text, key, temporary) \
	VPXOR text, key, temporary \
	VAESENCLAST temporary, blocks, blocks \
	VMOVDQU blocks, text

#define finish(text) \
	VBROADCASTI128 16(AX), Y8 \
	last(Y0, 0(text), Y8, Y12) \
	last(Y1, 32(text), Y8, Y12) \
	last(Y2, 64(text), Y8, Y12) \
	last(Y3, 96(text), Y8, Y12) \
	last(Y4, 128(text), Y8, Y12) \
	last(Y5, 160(text), Y8, Y12) \
	last(Y6, 192(text), Y8, Y12) \
	last(Y7, 224(text), Y8, Y12)

// GHASH: the sum so far is in Y15, until the first product takes it. The parts
// of the products, unreduced, are added up in Y9 (low), Y11 (high) and Y10
// (those of the halves' sums, after Karatsuba).

#define clearProducts \
	VPXOR Y9, Y9, Y9 \
	VPXOR Y10, Y10, Y10 \
	VPXOR Y11, Y11, Y11

// Two blocks in Y12, turned round, each by its power of the hash key.
#define multiply(powers) \
	VPXOR Y15, Y12, Y12 \
	VPXOR Y15, Y15, Y15 \
	VPCLMULQDQ $0x00, hashKey_powers(powers), Y12, Y13 \
	VPXOR Y13, Y9, Y9 \
	VPCLMULQDQ $0x11, hashKey_powers(powers), Y12, Y13 \
	VPXOR Y13, Y11, Y11 \
	VPSHUFD $0x4e, Y12, Y13 \
	VPXOR Y13, Y12, Y12 \
	VPCLMULQDQ $0x00, hashKey_halves(powers), Y12, Y13 \
	VPXOR Y13, Y10, Y10

// The lowest 64 bits go, then the next: each time a multiple of the modulus is
// added that has the same bits there. What is left above is the sum.
#define reduce \
	VPXOR Y9, Y10, Y10 \
	VPXOR Y11, Y10, Y10 \
	VMOVDQU modulus<>(SB), Y13 \
	VPCLMULQDQ $0x00, Y13, Y9, Y12 \
	VPSHUFD $0x4e, Y9, Y9 \
	VPXOR Y9, Y10, Y10 \
	VPXOR Y12, Y10, Y10 \
	VPCLMULQDQ $0x00, Y13, Y10, Y12 \
	VPSHUFD $0x4e, Y10, Y10 \
	VPXOR Y10, Y11, Y11 \
	VPXOR Y12, Y11, Y11 \
	VEXTRACTI128 $1, Y11, X12 \
	VPXOR X12, X11, X15

#define loadSum(sum) \
	VMOVDQU (sum), X15 \
	VPSHUFB reversed<>(SB), X15, X15

#define storeSum(sum) \
	VPSHUFB reversed<>(SB), X15, X15 \
	VMOVDQU X15, (sum)

// func ctrBlocks(keys *aesKeys, nonce *[12]byte, block uint32, p *byte, n int)
TEXT ·ctrBlocks(SB), NOSPLIT, $0-40
	MOVQ keys+0(FP), R8
	MOVQ nonce+8(FP), R9
	MOVL block+16(FP), AX
	MOVQ p+24(FP), SI
	MOVQ n+32(FP), CX
	firstCounters(R9, AX)
	SUBQ $16, CX
	JLT few

group:
	begin(R8)
	MOVQ aesKeys_rounds(R8), DX
	DECQ DX

middle:
	round
	DECQ DX
	JNZ middle
	finish(SI)
	ADDQ $256, SI
	SUBQ $16, CX
	JGE group

few: // the processor runs some of these beside each other
	ADDQ $16, CX
	JZ done

pair:
	count(Y0)
	VBROADCASTI128 (R8), Y8
	VPXOR Y8, Y0, Y0
	MOVQ R8, AX
	MOVQ aesKeys_rounds(R8), DX
	DECQ DX

pairMiddle:
	ADDQ $16, AX
	VBROADCASTI128 (AX), Y8
	VAESENC Y8, Y0, Y0
	DECQ DX
	JNZ pairMiddle
	VBROADCASTI128 16(AX), Y8
	CMPQ CX, $1
	JEQ odd
	last(Y0, (SI), Y8, Y12)
	ADDQ $32, SI
	SUBQ $2, CX
	JNZ pair
	JMP done

odd:
	last(X0, (SI), X8, X12)

done:
	VZEROUPPER
	RET

// func ghashBlocks(key *hashKey, sum *[16]byte, p *byte, n int)
TEXT ·ghashBlocks(SB), NOSPLIT, $0-32
	MOVQ key+0(FP), R8
	MOVQ sum+8(FP), DI
	MOVQ p+16(FP), SI
	MOVQ n+24(FP), CX
	loadSum(DI)

batch: // of DX blocks, sixteen or what there is, of which the last gets the first power
	MOVQ $16, DX
	CMPQ CX, DX
	CMOVQLT CX, DX
	SUBQ DX, CX
	MOVQ DX, R11
	SHLQ $4, R11
	NEGQ R11
	LEAQ 256(R8)(R11*1), R11
	clearProducts
	SUBQ $2, DX
	JLT odd

pair:
	VMOVDQU (SI), Y12
	VPSHUFB reversed<>(SB), Y12, Y12
	multiply(R11)
	ADDQ $32, SI
	ADDQ $32, R11
	SUBQ $2, DX
	JGE pair

odd:
	CMPQ DX, $-1
	JNE reduction
	VMOVDQU (SI), X12
	VPSHUFB reversed<>(SB), X12, X12
	multiply(R11)
	ADDQ $16, SI

reduction:
	reduce
	TESTQ CX, CX
	JNZ batch
	storeSum(DI)
	VZEROUPPER
	RET

// func gcmGroups(keys *aesKeys, key *hashKey, nonce *[12]byte, block uint32, sum *[16]byte, p *byte, lag, n int)
TEXT ·gcmGroups(SB), NOSPLIT, $0-64
	MOVQ keys+0(FP), R8
	MOVQ key+8(FP), R10
	MOVQ nonce+16(FP), R9
	MOVL block+24(FP), AX
	MOVQ sum+32(FP), DI
	MOVQ p+40(FP), SI
	MOVQ lag+48(FP), R13
	MOVQ n+56(FP), CX
	firstCounters(R9, AX)
	loadSum(DI)
	NEGQ R13
	ADDQ SI, R13

group:
	begin(R8)
	clearProducts
	MOVQ R10, R11
	MOVQ $8, DX

both: // eight rounds, and eight times two blocks
	VMOVDQU (R13), Y12
	VPSHUFB reversed<>(SB), Y12, Y12
	round
	multiply(R11)
	ADDQ $32, R13
	ADDQ $32, R11
	DECQ DX
	JNZ both
	MOVQ aesKeys_rounds(R8), DX
	SUBQ $9, DX

middle:
	round
	DECQ DX
	JNZ middle
	reduce
	finish(SI)
	ADDQ $256, SI
	DECQ CX
	JNZ group
	storeSum(DI)
	VZEROUPPER
	RET

// func gcmFinish(keys *aesKeys, key *hashKey, nonce *[12]byte, sum *[16]byte, data, text int)
TEXT ·gcmFinish(SB), NOSPLIT, $0-48
	MOVQ keys+0(FP), AX
	MOVQ key+8(FP), R10
	MOVQ nonce+16(FP), R9
	MOVQ sum+24(FP), DI
	MOVQ data+32(FP), BX
	MOVQ text+40(FP), CX
	MOVL $1, DX
	firstCounters(R9, DX)
	VPSHUFB reversed<>(SB), X14, X0
	VPXOR (AX), X0, X0
	MOVQ aesKeys_rounds(AX), DX
	DECQ DX

middle:
	ADDQ $16, AX
	VAESENC (AX), X0, X0
	DECQ DX
	JNZ middle
	SHLQ $3, BX // bytes to bits
	SHLQ $3, CX
	VMOVQ CX, X12
	VPINSRQ $1, BX, X12, X12
	loadSum(DI)
	clearProducts
	ADDQ $240, R10
	multiply(R10)
	reduce
	VPSHUFB reversed<>(SB), X15, X15
	VPXOR 16(AX), X15, X15
	VAESENCLAST X15, X0, X0
	VMOVDQU X0, (DI)
	VZEROUPPER
	RET

// func vectorAESBits() uint32
TEXT ·vectorAESBits(SB), NOSPLIT, $0-4
	MOVL $7, AX
	XORL CX, CX
	CPUID
	MOVL CX, ret+0(FP)
	RET
