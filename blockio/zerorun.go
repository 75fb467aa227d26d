package blockio

import "bytes"

// isZero reports whether p is all zeroes. Most data differs from that in its
// first bytes; the rest is p compared with itself one byte further, which runs
// at the speed of memory.
func isZero(p []byte) bool {
	return len(p) == 0 || p[0] == 0 && p[len(p)/2] == 0 && bytes.Equal(p[1:], p[:len(p)-1])
}

// zeroRun returns the length of what p begins with, blocks that are all zeroes or
// blocks that are not, and which of them. p lies at off; blocks begin at
// multiples of block.
func zeroRun(p []byte, off int64, block int) (n int, zero bool) {
	for n < len(p) {
		size := min(len(p)-n, block-int((off+int64(n))%int64(block)))
		z := isZero(p[n:][:size])
		if n > 0 && z != zero {
			break
		}
		zero = z
		n += size
	}
	return n, zero
}
