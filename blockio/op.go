package blockio

import "fmt"

// An Op is a kind of operation on a [Device].
type Op uint8

// The operations.
const (
	OpNone      Op = iota // none
	OpRead                // ReadAt, ReadVAt
	OpWrite               // WriteAt, WriteAtFlags, WriteVAt
	OpFlush               // Flush
	OpDiscard             // Discard
	OpZeroes              // WriteZeroes
	OpStatus              // BlockStatus
	OpResize              // Resize
	OpOpen                // Open
	OpClose               // Close
	OpDrain               // DrainedBegin
	OpReplace             // Replace
	OpDo                  // Do
	OpWriteback           // Writeback
	numOps
)

var opNames = [numOps]string{
	"nothing", "read", "write", "flush", "discard", "write zeroes", "block status", "resize", "open", "close", "drain",
	"replace", "work", "writeback",
}

// String returns the operation in lower-case words: "read", "write zeroes".
func (op Op) String() string {
	if op < numOps {
		return opNames[op]
	}
	return fmt.Sprintf("Op(%d)", uint8(op))
}

// MarshalText is String as bytes.
func (op Op) MarshalText() ([]byte, error) { return []byte(op.String()), nil }

// ranged reports whether the operation has an offset and a length.
func (op Op) ranged() bool {
	switch op {
	case OpRead, OpWrite, OpDiscard, OpZeroes, OpStatus, OpWriteback:
		return true
	}
	return false
}

// changes reports whether a read-only device refuses the operation.
func (op Op) changes() bool {
	switch op {
	case OpWrite, OpDiscard, OpZeroes, OpResize:
		return true
	}
	return false
}
