#include "textflag.h"

// func gword(off uintptr) uintptr
TEXT ·gword(SB), NOSPLIT, $0-16
	MOVD	off+0(FP), R0
	MOVD	(g)(R0), R0
	MOVD	R0, ret+8(FP)
	RET
