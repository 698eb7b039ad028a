#include "go_asm.h"
#include "textflag.h"

// AES (FIPS 197) in CBC mode by the AES instructions. In decryption eight
// blocks go at a time: a round waits for the one before it, but not for other
// blocks. Encryption is one chain, in which nothing but its rounds is left.

#define each(op) \
	op X8, X0 \
	op X8, X1 \
	op X8, X2 \
	op X8, X3 \
	op X8, X4 \
	op X8, X5 \
	op X8, X6 \
	op X8, X7

// func decryptCBC(keys *aesKeys, iv *[16]byte, p *byte, n int)
TEXT ·decryptCBC(SB), NOSPLIT, $0-32
	MOVQ keys+0(FP), R8
	MOVQ aesKeys_rounds(R8), R9
	MOVQ iv+8(FP), R10
	MOVQ p+16(FP), SI
	MOVQ n+24(FP), CX
	MOVOU (R10), X9

eight:
	CMPQ CX, $8
	JLT one
	MOVOU 0(SI), X0
	MOVOU 16(SI), X1
	MOVOU 32(SI), X2
	MOVOU 48(SI), X3
	MOVOU 64(SI), X4
	MOVOU 80(SI), X5
	MOVOU 96(SI), X6
	MOVOU 112(SI), X7
	MOVO X7, X10
	MOVOU (R8), X8
	each(PXOR)
	MOVQ R8, AX
	MOVQ R9, DX

round8:
	ADDQ $16, AX
	MOVOU (AX), X8
	DECQ DX
	JZ last8
	each(AESDEC)
	JMP round8

last8:
	each(AESDECLAST)
	PXOR X9, X0
	MOVOU 0(SI), X11
	PXOR X11, X1
	MOVOU 16(SI), X11
	PXOR X11, X2
	MOVOU 32(SI), X11
	PXOR X11, X3
	MOVOU 48(SI), X11
	PXOR X11, X4
	MOVOU 64(SI), X11
	PXOR X11, X5
	MOVOU 80(SI), X11
	PXOR X11, X6
	MOVOU 96(SI), X11
	PXOR X11, X7
	MOVOU X0, 0(SI)
	MOVOU X1, 16(SI)
	MOVOU X2, 32(SI)
	MOVOU X3, 48(SI)
	MOVOU X4, 64(SI)
	MOVOU X5, 80(SI)
	MOVOU X6, 96(SI)
	MOVOU X7, 112(SI)
	MOVO X10, X9
	ADDQ $128, SI
	SUBQ $8, CX
	JMP eight

one:
	TESTQ CX, CX
	JZ done
	MOVOU (SI), X0
	MOVO X0, X10
	MOVOU (R8), X8
	PXOR X8, X0
	MOVQ R8, AX
	MOVQ R9, DX

round1:
	ADDQ $16, AX
	MOVOU (AX), X8
	DECQ DX
	JZ last1
	AESDEC X8, X0
	JMP round1

last1:
	AESDECLAST X8, X0
	PXOR X9, X0
	MOVOU X0, (SI)
	MOVO X10, X9
	ADDQ $16, SI
	DECQ CX
	JMP one

done:
	MOVOU X9, (R10)
	RET

#define round(at) \
	MOVOU at(R8), X1 \
	AESENC X1, X0

// func encryptCBC(keys *aesKeys, iv *[16]byte, p *byte, n int)
TEXT ·encryptCBC(SB), NOSPLIT, $0-32
	MOVQ keys+0(FP), R8
	MOVQ aesKeys_rounds(R8), R9
	MOVQ iv+8(FP), R10
	MOVQ p+16(FP), SI
	MOVQ n+24(FP), CX
	MOVOU (R10), X0
	MOVOU (R8), X2
	MOVQ R9, AX
	SHLQ $4, AX
	ADDQ R8, AX
	MOVOU (AX), X3

block:
	MOVOU (SI), X1
	PXOR X2, X1
	PXOR X1, X0
	round(16)
	round(32)
	round(48)
	round(64)
	round(80)
	round(96)
	round(112)
	round(128)
	round(144)
	CMPQ R9, $10
	JE last
	round(160)
	round(176)
	CMPQ R9, $12
	JE last
	round(192)
	round(208)

last:
	AESENCLAST X3, X0
	MOVOU X0, (SI)
	ADDQ $16, SI
	DECQ CX
	JNZ block
	MOVOU X0, (R10)
	RET
