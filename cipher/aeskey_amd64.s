#include "textflag.h"

// What the key schedule of AES (FIPS 197) needs of the AES instructions.

// func subWord(x uint32) uint32
TEXT ·subWord(SB), NOSPLIT, $0-12
	MOVL x+0(FP), AX
	MOVQ AX, X0
	PSHUFD $0, X0, X0
	AESKEYGENASSIST $0, X0, X1
	MOVQ X1, AX
	MOVL AX, ret+8(FP)
	RET

// func invertRoundKey(key *[16]byte)
TEXT ·invertRoundKey(SB), NOSPLIT, $0-8
	MOVQ key+0(FP), DI
	MOVOU (DI), X0
	AESIMC X0, X0
	MOVOU X0, (DI)
	RET
