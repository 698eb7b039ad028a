#include "textflag.h"

// SHA-256 (FIPS 180-4 §6.2) by the SHA extensions, for one message or for two
// at once. A round waits four cycles for the one before it, and the processor
// can begin one every two: a second, independent message fills the gaps.

DATA flip<>+0x00(SB)/8, $0x0405060700010203
DATA flip<>+0x08(SB)/8, $0x0c0d0e0f08090a0b
GLOBL flip<>(SB), RODATA|NOPTR, $16

DATA k256<>+0x00(SB)/8, $0x71374491428a2f98
DATA k256<>+0x08(SB)/8, $0xe9b5dba5b5c0fbcf
DATA k256<>+0x10(SB)/8, $0x59f111f13956c25b
DATA k256<>+0x18(SB)/8, $0xab1c5ed5923f82a4
DATA k256<>+0x20(SB)/8, $0x12835b01d807aa98
DATA k256<>+0x28(SB)/8, $0x550c7dc3243185be
DATA k256<>+0x30(SB)/8, $0x80deb1fe72be5d74
DATA k256<>+0x38(SB)/8, $0xc19bf1749bdc06a7
DATA k256<>+0x40(SB)/8, $0xefbe4786e49b69c1
DATA k256<>+0x48(SB)/8, $0x240ca1cc0fc19dc6
DATA k256<>+0x50(SB)/8, $0x4a7484aa2de92c6f
DATA k256<>+0x58(SB)/8, $0x76f988da5cb0a9dc
DATA k256<>+0x60(SB)/8, $0xa831c66d983e5152
DATA k256<>+0x68(SB)/8, $0xbf597fc7b00327c8
DATA k256<>+0x70(SB)/8, $0xd5a79147c6e00bf3
DATA k256<>+0x78(SB)/8, $0x1429296706ca6351
DATA k256<>+0x80(SB)/8, $0x2e1b213827b70a85
DATA k256<>+0x88(SB)/8, $0x53380d134d2c6dfc
DATA k256<>+0x90(SB)/8, $0x766a0abb650a7354
DATA k256<>+0x98(SB)/8, $0x92722c8581c2c92e
DATA k256<>+0xa0(SB)/8, $0xa81a664ba2bfe8a1
DATA k256<>+0xa8(SB)/8, $0xc76c51a3c24b8b70
DATA k256<>+0xb0(SB)/8, $0xd6990624d192e819
DATA k256<>+0xb8(SB)/8, $0x106aa070f40e3585
DATA k256<>+0xc0(SB)/8, $0x1e376c0819a4c116
DATA k256<>+0xc8(SB)/8, $0x34b0bcb52748774c
DATA k256<>+0xd0(SB)/8, $0x4ed8aa4a391c0cb3
DATA k256<>+0xd8(SB)/8, $0x682e6ff35b9cca4f
DATA k256<>+0xe0(SB)/8, $0x78a5636f748f82ee
DATA k256<>+0xe8(SB)/8, $0x8cc7020884c87814
DATA k256<>+0xf0(SB)/8, $0xa4506ceb90befffa
DATA k256<>+0xf8(SB)/8, $0xc67178f2bef9a3f7
GLOBL k256<>(SB), RODATA|NOPTR, $256

// unpack turns the state words a to h at p into (abef, cdgh), pack back.
#define unpack(p, abef, cdgh, t) \
	MOVOU 0(p), abef \
	MOVOU 16(p), cdgh \
	PSHUFD $0xb1, abef, abef \
	PSHUFD $0x1b, cdgh, cdgh \
	MOVO abef, t \
	PALIGNR $8, cdgh, abef \
	PBLENDW $0xf0, t, cdgh

#define pack(p, abef, cdgh, t) \
	PSHUFD $0x1b, abef, t \
	PSHUFD $0xb1, cdgh, cdgh \
	MOVO t, abef \
	PBLENDW $0xf0, cdgh, abef \
	PALIGNR $8, t, cdgh \
	MOVOU abef, 0(p) \
	MOVOU cdgh, 16(p)

// load reads four words of the message.
#define load(p, at, m) \
	MOVOU at(p), m \
	PSHUFB X15, m

// rounds does four rounds with the words m.
#define rounds(i, m, abef, cdgh) \
	MOVO m, X0 \
	PADDD (i*16)(AX), X0 \
	SHA256RNDS2 X0, abef, cdgh \
	PSHUFD $0x0e, X0, X0 \
	SHA256RNDS2 X0, cdgh, abef

// begin and end are the two halves of the message schedule: m0 are the words
// of these rounds, m3 those before them, m1 those that come four groups later
// in the place of the oldest.
#define begin(m0, m3) SHA256MSG1 m0, m3

#define end(m0, m1, m3, t) \
	MOVO m0, t \
	PALIGNR $4, m3, t \
	PADDD t, m1 \
	SHA256MSG2 m0, m1

// One message: state (X1, X2), words X3 to X6.
#define one(i, m0, m1, m3) \
	rounds(i, m0, X1, X2) \
	end(m0, m1, m3, X13) \
	begin(m0, m3)

// Two messages: the second has state (X7, X8) and words X9 to X12.
#define two(i, a0, a1, a3, b0, b1, b3) \
	rounds(i, a0, X1, X2) \
	rounds(i, b0, X7, X8) \
	end(a0, a1, a3, X13) \
	end(b0, b1, b3, X14) \
	begin(a0, a3) \
	begin(b0, b3)

// func sha256Blocks(state *[8]uint32, p *byte, n int)
TEXT ·sha256Blocks(SB), NOSPLIT, $32-24
	MOVQ state+0(FP), DI
	MOVQ p+8(FP), SI
	MOVQ n+16(FP), CX
	LEAQ k256<>(SB), AX
	MOVOU flip<>(SB), X15
	unpack(DI, X1, X2, X13)
	TESTQ CX, CX
	JZ done1

loop1:
	MOVOU X1, 0(SP)
	MOVOU X2, 16(SP)
	load(SI, 0, X3)
	rounds(0, X3, X1, X2)
	load(SI, 16, X4)
	rounds(1, X4, X1, X2)
	begin(X4, X3)
	load(SI, 32, X5)
	rounds(2, X5, X1, X2)
	begin(X5, X4)
	load(SI, 48, X6)
	one(3, X6, X3, X5)
	one(4, X3, X4, X6)
	one(5, X4, X5, X3)
	one(6, X5, X6, X4)
	one(7, X6, X3, X5)
	one(8, X3, X4, X6)
	one(9, X4, X5, X3)
	one(10, X5, X6, X4)
	one(11, X6, X3, X5)
	one(12, X3, X4, X6)
	rounds(13, X4, X1, X2)
	end(X4, X5, X3, X13)
	rounds(14, X5, X1, X2)
	end(X5, X6, X4, X13)
	rounds(15, X6, X1, X2)
	MOVOU 0(SP), X13
	MOVOU 16(SP), X14
	PADDD X13, X1
	PADDD X14, X2
	ADDQ $64, SI
	DECQ CX
	JNZ loop1

done1:
	pack(DI, X1, X2, X13)
	RET

// func sha256TwoBlocks(a, b *[8]uint32, p, q *byte, n int)
TEXT ·sha256TwoBlocks(SB), NOSPLIT, $64-40
	MOVQ a+0(FP), DI
	MOVQ b+8(FP), R8
	MOVQ p+16(FP), SI
	MOVQ q+24(FP), DX
	MOVQ n+32(FP), CX
	LEAQ k256<>(SB), AX
	MOVOU flip<>(SB), X15
	unpack(DI, X1, X2, X13)
	unpack(R8, X7, X8, X13)
	TESTQ CX, CX
	JZ done2

loop2:
	MOVOU X1, 0(SP)
	MOVOU X2, 16(SP)
	MOVOU X7, 32(SP)
	MOVOU X8, 48(SP)
	load(SI, 0, X3)
	load(DX, 0, X9)
	rounds(0, X3, X1, X2)
	rounds(0, X9, X7, X8)
	load(SI, 16, X4)
	load(DX, 16, X10)
	rounds(1, X4, X1, X2)
	rounds(1, X10, X7, X8)
	begin(X4, X3)
	begin(X10, X9)
	load(SI, 32, X5)
	load(DX, 32, X11)
	rounds(2, X5, X1, X2)
	rounds(2, X11, X7, X8)
	begin(X5, X4)
	begin(X11, X10)
	load(SI, 48, X6)
	load(DX, 48, X12)
	two(3, X6, X3, X5, X12, X9, X11)
	two(4, X3, X4, X6, X9, X10, X12)
	two(5, X4, X5, X3, X10, X11, X9)
	two(6, X5, X6, X4, X11, X12, X10)
	two(7, X6, X3, X5, X12, X9, X11)
	two(8, X3, X4, X6, X9, X10, X12)
	two(9, X4, X5, X3, X10, X11, X9)
	two(10, X5, X6, X4, X11, X12, X10)
	two(11, X6, X3, X5, X12, X9, X11)
	two(12, X3, X4, X6, X9, X10, X12)
	rounds(13, X4, X1, X2)
	rounds(13, X10, X7, X8)
	end(X4, X5, X3, X13)
	end(X10, X11, X9, X14)
	rounds(14, X5, X1, X2)
	rounds(14, X11, X7, X8)
	end(X5, X6, X4, X13)
	end(X11, X12, X10, X14)
	rounds(15, X6, X1, X2)
	rounds(15, X12, X7, X8)
	MOVOU 0(SP), X13
	MOVOU 16(SP), X14
	PADDD X13, X1
	PADDD X14, X2
	MOVOU 32(SP), X13
	MOVOU 48(SP), X14
	PADDD X13, X7
	PADDD X14, X8
	ADDQ $64, SI
	ADDQ $64, DX
	DECQ CX
	JNZ loop2

done2:
	pack(DI, X1, X2, X13)
	pack(R8, X7, X8, X13)
	RET

// func cpuid(leaf, sub uint32) (eax, ebx uint32)
TEXT ·cpuid(SB), NOSPLIT, $0-16
	MOVL leaf+0(FP), AX
	MOVL sub+4(FP), CX
	CPUID
	MOVL AX, eax+8(FP)
	MOVL BX, ebx+12(FP)
	RET
